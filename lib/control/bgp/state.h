#pragma once
/*
 * What the files of this module share.
 */
#include "control/bgp/bfd.h"
#include "control/bgp/bgp.h"
#include "control/bgp/leftover.h"
#include "control/bgp/text.h"
#include "control/bgp/vty.h"

/* A daemon whose configuration is ours. */
struct daemon {
	struct bgp *bgp;
	struct vty *vty;
	char name[32]; /* "i0/bgpd" */
	struct text wanted;
	struct text arguments; /* empty: always the same */
	bool changing;	       /* its configuration is being read or changed */
	bool again;	       /* changed meanwhile */
	bool asked;	       /* for its summary */
	bool seen;	       /* it was there */
	bool gone;	       /* and is not */
	uint64_t back_ns;      /* when it came again; 0: never */
};

struct speaker_instance {
	struct bgp *bgp;
	uint32_t instance;
	bool idle; /* there is no such instance: a daemon that runs ends its sessions */
	struct daemon bgpd;
};

/* Sessions that end before their tunnels do. */
struct bgp_leaving {
	struct event_source *timer;
	uint32_t asked; /* speakers' answers that are awaited */
	bgp_left left;	/* NULL: nobody waits */
	void *context;
};

/* What a session is known to be. */
struct bgp_known {
	enum bgp_state state;
	uint64_t connected_ms;
	uint64_t received;
	uint64_t sent;
	uint64_t messages_received;
	uint64_t messages_sent;
	bool near_limit;    /* and told so */
	bool over_limit;    /* FRR has ended it for that */
	bool limit_known;   /* FRR has been told one */
	uint32_t limit;	    /* that FRR has; 0: none */
	uint32_t limit_was; /* that it had when the session was last seen not ended for one */
	uint32_t ended_at;  /* the limit that ended it, while it is; 0: none */
};

struct bgp {
	struct event_loop *loop;
	struct event_source *tick;
	struct tunnels *tunnels;
	struct route *route;
	const struct config *config;	      /* a reference; NULL before the first apply */
	const struct config_gateway *gateway; /* lives in the configuration; NULL: no BGP */
	struct speaker_instance speakers[BGP_INSTANCES];
	struct speaker_instance circuit;
	struct bfd *bfd; /* what the one bfdd tells */
	struct daemon bfdd;
	bool has_circuit;    /* a port has a session */
	bool circuit_ending; /* the launcher does not know yet that there is none any more */
	struct daemon collector;
	struct daemon announced;
	struct bgp_leftover leftovers[STALE_PARTS];
	struct bgp_session *sessions;
	struct bgp_known *known; /* of each session */
	uint32_t count;
	struct bgp_leaving leaving;
	bgp_visit changed; /* may be NULL */
	void *changed_context;
	bool told_missing;
	char directory[256];
};

/* By the answer to "show bgp summary json" of an instance. */
void bgp_status_take(struct bgp *bgp, uint32_t instance, const char *text, size_t n);
void bgp_status_lost(struct bgp *bgp, uint32_t instance);
void bgp_leave_over(void *bgp); /* its timer's */
/* An instance's daemon has its new configuration. */
void bgp_status_limits(struct bgp *bgp, uint32_t instance);
/* Sessions that were ended by a limit lower than the one which FRR has now wait no longer. */
void bgp_status_clear(struct bgp *bgp, struct daemon *d, uint32_t instance);
/* The session of an instance with this peer, or NULL. */
const struct bgp_session *bgp_session_find(const struct bgp *bgp, uint32_t instance,
					   const struct net_addr *peer);
