#pragma once
/*
 * What the files of this module share.
 */
#include "control/diagnostics/diagnostics.h"

#include "base/map.h"

/* Where lines go. */
struct diagnostics_sink {
	const char *file;
	int file_fd;	/* -1: not open */
	int journal_fd; /* -1: none */
	uint64_t written;
	bool failed; /* said once */
};

__attribute__((warn_unused_result)) int diagnostics_sink_open(
	struct diagnostics_sink *sink, const struct diagnostics_config *config);
void diagnostics_sink_close(struct diagnostics_sink *sink);
void diagnostics_sink_reopen(struct diagnostics_sink *sink);
/* `json` without the end of the line. */
void diagnostics_sink_write(struct diagnostics_sink *sink, const struct diagnostics_line *line,
			    const char *json);

struct diagnostics {
	struct diagnostics_sink sink;
	const struct clock *clock;
	char *file;
	uint32_t wanted; /* bits by category */
	struct {
		uint64_t since_ns;
		uint32_t lines;
		uint32_t left_out;
	} held[DIAGNOSTICS_CATEGORIES];
	char group[92];	    /* resource group of the gateway that was configured last */
	char gateway[92];   /* its name */
	struct map tunnels; /* name -> struct told_tunnel */
	struct map learned; /* prefix -> itself: those that came by BGP */
};

/* A tunnel as it was told last. */
struct told_tunnel {
	enum tunnel_state state;
	const char *instance;
	char gateway[92];
	char connection[92];
	char local[NET_ADDR_TEXT];
	char remote[NET_ADDR_TEXT];
};

static inline bool diagnostics_wants(const struct diagnostics *d,
				     enum diagnostics_category category)
{
	return d && d->wanted >> category & 1;
}
