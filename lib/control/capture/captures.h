#pragma once
/*
 * DOC: packet captures and traces
 *
 * What of packets the operator wants to see: captures of a gateway or a connection into files below
 * the state directory, and traces whose lines go to whoever asked. The data plane is told what to
 * look for by the tunnels' ids, and told again when they change (once a second) or when it is
 * attached anew. A capture lives as long as this program; its files stay until those of others need
 * the room: when a capture starts, the oldest go that are beyond CAPTURE_KEPT_BYTES.
 *
 * As Azure has it: one capture of a whole gateway at a time, one of each connection, five a
 * gateway.
 *
 * Owner: app/control. Thread: the event loop's.
 */
#include "base/text.h"
#include "control/capture/filter.h"
#include "control/requests/desired.h"
#include "control/tunnel/tunnels.h"

#define CAPTURE_PER_GATEWAY 5
#define CAPTURE_TRACES 4
#define CAPTURE_KEPT_BYTES UINT64_C(1000000000) /* of files of captures that have ended */

struct captures;

struct captures_config {
	struct event_loop *loop;
	struct desired *desired;
	struct tunnels *tunnels;
	const char *state_directory;
};

struct capture_start {
	const char *name;	    /* of the gateway or connection */
	const char *gateway_key;    /* always */
	const char *connection_key; /* NULL: of the whole gateway */
	struct capture_filter filter;
};

struct capture_status {
	const char *name;
	const char *gateway_key;
	const char *connection_key; /* or NULL */
	uint64_t started_wall_ms;
	uint64_t packets;
	uint64_t bytes;	      /* of the packets, on the wire */
	uint64_t lost;	      /* for want of room on the way here */
	int error;	      /* errno of the disk, 0: none */
	const char *files[2]; /* NULL: not begun */
};

typedef void (*captures_visit)(void *context, const struct capture_status *status);
/* A line of JSON for a step; NULL when the trace has ended without being asked to. */
typedef void (*capture_line)(void *context, const char *json);

__attribute__((warn_unused_result)) int captures_new(struct captures **captures,
						     const struct captures_config *config);
void captures_free(struct captures *captures);
/* The data plane was attached (again), and its events: true when it was one of ours. */
void captures_ready(struct captures *captures);
bool captures_event(struct captures *captures, const struct contract_header *message);

/* -EBUSY, -ENOSPC, -ENOTCONN, errno of the disk, with a sentence. */
__attribute__((warn_unused_result)) int captures_start(struct captures *captures,
						       const struct capture_start *start, char *why,
						       size_t why_size);
/* Ends it and shows it a last time; -ENOENT. */
__attribute__((warn_unused_result)) int captures_stop(struct captures *captures,
						      const char *gateway_key,
						      const char *connection_key,
						      captures_visit visit, void *context);
void captures_each(struct captures *captures, captures_visit visit, void *context);

struct capture_file {
	const char *name; /* without a folder */
	uint64_t bytes;	  /* on disk */
	uint64_t changed_wall_ms;
	bool running; /* a capture writes it */
};
typedef void (*captures_file_visit)(void *context, const struct capture_file *file);
/* The files of all captures, also those of earlier runs, the newest first; errno of the disk. */
__attribute__((warn_unused_result)) int captures_files(struct captures *captures,
						       captures_file_visit visit, void *context);
/* Where the file with this bare name is, to be freed; -ENOENT: no capture's is called so. */
__attribute__((warn_unused_result)) int captures_file_path(const struct captures *captures,
							   const char *name, char **path);
/* -EBUSY: a capture writes it; -ENOENT. */
__attribute__((warn_unused_result)) int captures_file_remove(struct captures *captures,
							     const char *name);

struct capture_trace;
__attribute__((warn_unused_result)) int capture_trace_start(struct captures *captures,
							    struct capture_trace **trace,
							    const struct capture_filter *filter,
							    capture_line line, void *context);
void capture_trace_stop(struct capture_trace *trace);
