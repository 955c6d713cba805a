#pragma once
/*
 * The parts of vpngw-control and the order in which they start; they stop in the reverse one.
 */
#include "options.h"

#include "control/bgp/bgp.h"
#include "control/capture/captures.h"
#include "control/config/store.h"
#include "control/diagnostics/diagnostics.h"
#include "control/event/loop.h"
#include "control/metering/metering.h"
#include "control/requests/desired.h"
#include "control/rest/rest.h"
#include "control/route/route.h"
#include "control/tunnel/tunnels.h"

struct program {
	struct options options;
	struct config_store *store;
	const struct config *next; /* is applied when BGP sessions have ended; NULL: none */
	bool applying;		   /* the data plane's word is awaited */
	unsigned int probes;	   /* questions to it that are not answered */
	struct event_loop *loop;
	struct event_source *stop_signals[2];
	struct event_source *reload_signal;
	struct event_source *watchdog;
	struct event_source *store_readable;
	struct event_source *store_tick;
	struct event_source *apply_deadline;
	struct desired *desired;
	struct route *route;
	struct tunnels *tunnels;
	struct bgp *bgp;
	struct captures *captures;
	struct metering *metering;
	struct diagnostics *diagnostics;
	struct rest *rest;
	int key_log; /* descriptor, -1: off */
};

/* One stage: start gives 0 or -errno and has said why; stop undoes what start did. */
struct stage {
	const char *name;
	int (*start)(struct program *program);
	void (*stop)(struct program *program);
};

extern const struct stage program_stages[];
extern const unsigned int program_stage_count;
