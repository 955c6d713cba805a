#pragma once
/*
 * What this module's files share: a tunnel, its children, and the table of all of them.
 */
#include "base/clock.h"
#include "base/heap.h"
#include "base/list.h"
#include "base/map.h"

#include "control/ikev2/info.h"
#include "control/tunnel/flow.h"
#include "control/tunnel/limit.h"
#include "control/tunnel/outbox.h"
#include "control/tunnel/peer.h"
#include "control/tunnel/tunnels.h"

/* Where the outside part of a tunnel is. */
struct tunnel {
	struct tunnels *all;
	struct list work;	  /* in all->work when something is to be done */
	struct list changed;	  /* in all->changed when its IKE SA is to be kept */
	struct list pairs;	  /* its SAs in the data plane: struct sa_pair */
	struct heap_node dial_at; /* in all->dials when it waits for its next dial */
	struct list turn;	  /* in all->turns when it waits for others' dials and ways home */
	struct list fresh;	  /* in all->fresh when its own one is young */
	uint64_t dialled_ns;
	struct tunnel *next_path; /* same local and remote address */
	char *name;
	uint32_t id;	 /* in the data plane */
	uint32_t source; /* there: the id of the first tunnel of its connection */
	const struct plan_tunnel *plan;
	const struct plan_connection *site;
	struct ikev2_connection *connection;
	struct peer *peer;
	struct net_addr remote;	   /* where the peer is now */
	struct peer_name *by_name; /* NULL: its address is in the configuration */
	uint32_t nexthop;	   /* a reference; 0: none */
	uint16_t path_mtu;	   /* what a router told; 0: that of the port */
	uint64_t path_mtu_until_ns;
	struct tunnel_child *children;
	uint32_t child_count; /* of the entries of the configuration */
	uint32_t slot_count;  /* of all children (slot.h) */
	uint64_t ike;	      /* the one that carries; 0: none */
	uint64_t dialled;     /* the last that we dialled */
	uint8_t state;	      /* enum tunnel_state */
	uint8_t reason;	      /* enum ikev2_reason of the last failure */
	uint8_t bfd;	      /* enum tunnel_bfd */
	uint8_t drain;	      /* stage of a planned switchover; 0: none (drain.c) */
	bool suspect;
	bool no_path;	    /* nexthop leads nowhere */
	bool link_down;	    /* of the port of its local address */
	bool upstream_down; /* behind that port nothing answers */
	bool dialling;
	bool wanted;	     /* on the work list for a dial or for children */
	bool prove;	     /* the peer is asked before flows come */
	bool evacuated;	     /* its IKE SA lives on a sibling's address */
	bool drain_applied;  /* every worker sees that flows are to leave it */
	bool drain_asked;    /* the peer is, behind the move */
	bool keep;	     /* while a plan takes the place of another */
	bool remove_adopted; /* at the next second: their successors carry */
	uint32_t failures;   /* in a row */
	uint32_t child_failures;
	uint32_t brief_ikes; /* in a row, that the peer deleted as soon as they were up */
	uint32_t brief_children;
	uint64_t up_ns; /* its IKE SA came up */
	uint64_t brief_child_ns;
	uint64_t sent_before; /* packets, when it was last watched */
	uint64_t asked_ns;    /* the look that found packets without an answer; 0: none */
	uint64_t suspect_since_ns;
	uint64_t bfd_lost_ns; /* when BFD last went from up to down; 0: never */
	uint64_t drain_since_ns;
	uint64_t drain_sent; /* packets, or children, when it was last looked at */
	uint64_t home_at_ns; /* when an evacuated one tries to go home */
	uint32_t home_tries;
	uint64_t established_wall_ms;
	uint64_t bytes_in_before; /* of SAs that are gone */
	uint64_t bytes_out_before;
	char detail[240];
};

/* A slot: an object of the data plane, with or without an SA. */
struct tunnel_child {
	uint32_t id;	      /* 0: a slot behind the entries that nobody has */
	uint32_t outbound_sa; /* that sends; 0: none */
	uint32_t pairs;
	bool refused; /* by the peer: no packet asks for it before the next try */
	uint64_t up_ns;
	struct adopted_child *own; /* selectors of one behind the entries */
};

/* What was negotiated for a child: by a former control, or beyond the entries. */
struct adopted_child {
	struct ikev2_child_config as;
	uint32_t outbound_sa;
	struct net_selector selectors[];
};

/* What an SA had carried when it was looked at (expiry.h). */
struct expiry_look {
	uint64_t bytes;
	uint64_t packets;
};

/* A pair of SAs in the data plane. */
struct sa_pair {
	struct list of_tunnel; /* in tunnel->pairs */
	struct list silent;    /* in all->silent while it waits before it sends (carry.h) */
	struct tunnel *tunnel; /* NULL: of a former control, and not yet tied to one */
	uint32_t child;	       /* inbound SPI, as the engine names it */
	uint32_t inbound;      /* ids */
	uint32_t outbound;
	uint32_t contract_child;
	uint32_t tunnel_id;
	uint16_t entry; /* its slot */
	bool installed;
	bool adopted;		/* of a former control: its IKE SA is not known */
	struct contract_sa out; /* without keys, for changes of what is mutable */
	struct contract_sa in;
	struct expiry_look looked[2]; /* outbound, inbound */
	uint64_t looked_ns;
	uint64_t expiring_ns; /* when its end was near last */
};

#define TUNNEL_ANSWERS 8

struct answer_nexthop {
	uint32_t nexthop; /* a reference; 0: none */
	uint64_t until_ns;
};

struct tunnels {
	struct event_loop *loop;
	const struct clock *clock;
	struct desired *desired;
	struct route *route;
	struct tunnels_hooks hooks;
	struct ikev2_engine *engine;
	struct event_source *tick;
	struct event_source *work_timer;
	struct plan plan;
	struct tunnel **items; /* of the connections of plan, one after the other */
	uint32_t count;
	uint64_t changes;	 /* of items, and of what publish() tells */
	struct map by_id;	 /* contract tunnel id -> tunnel */
	struct map by_name;	 /* name -> tunnel */
	struct map by_path;	 /* struct path_key -> first tunnel, then next_path */
	struct map spis;	 /* inbound SPIs that are taken and have no pair yet */
	struct map pairs;	 /* inbound SPI -> sa_pair */
	struct map outbound;	 /* outbound SA id -> sa_pair */
	struct map inbound;	 /* inbound SA id -> sa_pair */
	struct list silent;	 /* pairs that wait before they send */
	struct tunnel **roaming; /* whose peer is not, or need not be, where the plan says */
	uint32_t roaming_count;
	struct answer_nexthop answers[TUNNEL_ANSWERS];
	struct list work;
	struct list turns; /* for their dials, or to go home */
	struct list fresh; /* whose dials, or ways home, are under way for less than a second,
			      oldest first */
	uint32_t fresh_count;
	uint64_t work_at_ns; /* when the work timer comes; 0: it does not run */
	struct list changed;
	struct outbox outbox; /* sent when what changed is kept */
	struct keep *keep;    /* NULL: nothing is kept */
	struct heap dials;
	struct flow_table *flows;
	struct map bundles;    /* ids of tunnels -> struct bundle */
	struct map bundles_of; /* id of a tunnel -> first struct bundle_link */
	struct limit_table *limits;
	uint32_t node_bits;
	struct map adopted_children; /* contract child id -> struct adopted_child */
	struct event_source *while_timer;
	uint64_t expiry_ns;    /* when lifetimes are looked at next */
	uint64_t look_next_ns; /* when tunnels are looked at again, from the first on */
	uint32_t looked;       /* how many of them were, this time */
	bool ready;	       /* the data plane is attached and adopted */
	bool listed;	       /* what it holds is known */
	bool renew;	       /* it is another one: children are negotiated anew */
	bool prepared;	       /* tunnels have ids, and the kernel's routes are read with them */
	bool adopted;	       /* once in the life of this control */
};

/* Data plane objects (object.c). */
__attribute__((warn_unused_result)) int tunnel_objects_set(struct tunnel *tunnel);
void tunnel_objects_delete(struct tunnel *tunnel);
__attribute__((warn_unused_result)) int tunnel_child_publish(struct tunnel *tunnel, uint16_t entry,
							     const struct ikev2_child_config *as);

/* What routers tell of the way to the peer (path_mtu.c). */
void tunnel_path_mtu(struct tunnel *tunnel, uint16_t mtu);
void tunnel_path_mtu_expire(struct tunnels *all);

/* A changed configuration is negotiated anew; the tunnel's data plane objects stay. */
__attribute__((warn_unused_result)) int tunnel_configure(struct tunnel *tunnel,
							 const struct peer_source *source,
							 char *why, size_t why_size);
/* Reads the files of its certificates again (renew.c); -EINVAL: they cannot be used. */
__attribute__((warn_unused_result)) int tunnel_credentials_read(struct tunnel *tunnel);

/* A peer that is known by name (name.c). */
/* True: dial `tunnel->remote` now; else the name is asked for, and the tunnel is dialled then. */
__attribute__((warn_unused_result)) bool tunnel_name_ready(struct tunnel *tunnel);
/* The dial failed: true when another of its addresses is to be tried at once. */
__attribute__((warn_unused_result)) bool tunnel_name_next(struct tunnel *tunnel);
bool tunnel_name_more(const struct tunnel *tunnel); /* there is another one to try */
bool tunnel_name_has(const struct tunnel *tunnel, const struct net_addr *remote);
void tunnel_name_free(struct tunnel *tunnel);
/* The peer is somewhere else: the way to it is looked for anew. */
void tunnel_remote_set(struct tunnel *tunnel, const struct net_addr *remote);

/* Takes over a reference to a next hop that only an answer needs (answer.c). */
void tunnel_answer_keep(struct tunnels *all, uint32_t nexthop);
void tunnel_answers_expire(struct tunnels *all, uint64_t now_ns);

/* Status (status.c). */
void tunnel_status_changed(struct tunnel *tunnel);
bool tunnel_sends(const struct tunnel *tunnel); /* some child has an SA for it */
/* Carries flows: an SA sends, and nothing speaks against the peer. */
bool tunnel_usable(const struct tunnel *tunnel);
enum fitness tunnel_fitness(const struct tunnel *tunnel);
/* Nothing leaves or arrives at its local address. */
static inline bool tunnel_path_down(const struct tunnel *tunnel)
{
	return tunnel->link_down || tunnel->upstream_down || tunnel->no_path;
}

/* What is kept of IKE SAs for the next control (remember.c). */
void tunnel_remember(struct tunnel *tunnel); /* soon: in tunnel_rearm() */
void tunnel_remember_all(struct tunnels *all);
/* Takes up what a former control left: true when the IKE SA goes on. */
bool tunnel_recall(struct tunnel *tunnel);

/* Flows wait until the peer has answered at the tunnel's own address (watch.c). */
void tunnel_prove(struct tunnel *tunnel);

/* After each call into the engine. */
void tunnel_rearm(struct tunnels *all);
