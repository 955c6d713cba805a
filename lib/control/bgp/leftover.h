#pragma once
/*
 * DOC: what a daemon leaves in the kernel
 *
 * With graceful restart on, bgpd has zebra keep its routes while it is away, and tells it when it
 * has told all: what it did not tell goes then. zebra 8.4 does that in the main table alone, and
 * there with what is older than the second in which the daemon died. A default (table 7802), a
 * circuit's route (7800) and what was written in that second stay for ever when they are withdrawn
 * meanwhile.
 *
 * So a daemon that is back and has settled is asked for each route that nothing has touched since
 * (route/leftover.h). What it does not have is deleted from the kernel, with zebra told to take the
 * kernel's word for it (allow-external-route-update; else it writes again what it still has). What
 * the daemon tells in these seconds could be let go of with it: afterwards it tells all again ("no
 * table-map"). What came back is asked for again, three times at most.
 *
 * Not chosen: the launcher empties the tables before it starts a daemon. It would have to tell our
 * routes from those of others in the main table, and all would be gone for seconds each time, also
 * when control is away and holds none. Nor that all the daemon has is compared with all the kernel
 * has: 100,000 routes are 60 MB of JSON, to find none most of the time.
 */
#include "control/bgp/vty.h"
#include "control/route/leftover.h"
#include "control/route/stale.h"

struct bgp;
struct daemon;

enum bgp_leftover_state {
	LEFTOVER_REST,
	LEFTOVER_WATCH, /* the daemon is back and tells what it has */
	LEFTOVER_ASK,	/* it is asked of what nothing has touched */
	LEFTOVER_CLEAN, /* its zebra is looked for */
	LEFTOVER_ALLOW, /* it is told to take the kernel's word for what is gone */
	LEFTOVER_WAIT,	/* zebra hears of what was taken out */
	LEFTOVER_CLOSE, /* and is as before */
};

struct bgp_leftover {
	struct bgp *bgp;
	enum stale_part part;
	struct daemon *daemon;
	const char *folder; /* of its zebra */
	struct vty *zebra;  /* while it is needed */
	enum bgp_leftover_state state;
	struct leftover *list;
	uint32_t count;
	uint32_t asked;
	uint32_t answered;
	uint32_t lost; /* of those answered: the first of the list */
	uint32_t ticks;
	uint32_t rounds;
	bool failed;
};

/* The daemon is back. */
void bgp_leftover_begin(struct bgp_leftover *leftover);
void bgp_leftover_tick(struct bgp_leftover *leftover); /* every second */
/* After its daemon's vty. */
void bgp_leftover_fini(struct bgp_leftover *leftover);

/* By the answer to "show bgp FAMILY unicast PREFIX bestpath json": there is a way. Pure. */
bool bgp_leftover_is_known(const char *json, size_t n);
