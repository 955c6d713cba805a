#pragma once
#include "control/capture/captures.h"
#include "control/capture/pcapng.h"

struct capture_trace {
	struct captures *all;
	uint32_t id;
	capture_line line;
	void *context;
	struct capture_filter filter;
};

struct capture {
	char *name;
	char *gateway_key;
	char *connection_key;
	struct capture_filter filter;
	struct pcapng *file;
	uint64_t *tunnels; /* bits, as the data plane was told */
	uint32_t tunnel_words;
	struct capture_status status;
};

#define CAPTURE_NAMES 64

struct capture_name {
	uint32_t id; /* 0: none */
	char text[CONTRACT_OPAQUE_MAX];
};

struct captures {
	struct captures_config config;
	char *directory;
	struct event_source *tick;
	struct capture *captures[CONTRACT_CAPTURES]; /* by id; none where there is a trace */
	struct capture_trace *traces[CONTRACT_CAPTURES];
	int64_t wall_offset_ns;			  /* from CLOCK_BOOTTIME */
	struct capture_name names[CAPTURE_NAMES]; /* of tunnels, by id; as old as the last tick */
};

/* The step as a line of JSON (trace.c). */
void capture_trace_line(struct captures *all, const struct contract_traced *traced,
			struct text *out);
/* "" for an unknown one. */
const char *capture_tunnel_name(struct captures *all, uint32_t id);
