#pragma once
/*
 * DOC: BGP
 *
 * FRR is the engine. A launcher (scripts/frr, vpngw-frr.service) runs, in the namespace of the
 * mirrors, a speaker (bgpd) for each instance, with one zebra and bfdd for both (BFD's port has one
 * receiver), and a collector (zebra, bgpd). A speaker talks to the peers of its instance inside the
 * tunnels, from its TUN; it listens on its own addresses only and installs nothing. It gives the
 * routes that it learns in a session the next
 * hop address of that session's tunnel (route/speaker.h) and hands them on by IBGP to the
 * collector, which compares what all speakers learned, installs the best ones in the kernel, with
 * all equal paths, and reflects them to the other speaker. From the kernel they come to the RIB and
 * the data plane. Two speakers, because a peer of an active-active pair has one address and FRR one
 * session for an address. Beside the collector another daemon (bgpd, by the collector's zebra)
 * takes all paths for equal and installs them in a table of its own: who announces what, for the
 * source check (route/route.h); a path that is not the best one is told by nobody else. Private
 * circuits have a speaker of their own (bgp/circuit.h).
 *
 * This module writes their configuration (DIR/i0, i1, rib, all), brings what changes into the
 * running daemons by their vty sockets, tells the launcher by DIR/changed when a daemon must be
 * started with other arguments, follows their state, and gives BFD's word to the tunnels. It starts
 * no process.
 *
 * Sessions and routes live in FRR: a restart of this program touches neither. When the collector
 * dies, its routes are kept until it is back (route/stale.h), and the speakers keep what it has
 * told them of one another (RFC 4724); what it leaves in the kernel goes (leftover.h). When a
 * speaker dies, peers, collector and who notes what is announced keep its routes until it is back
 * (graceful restart, RFC 4724, with forwarding preserved: the data plane goes on). Speakers need
 * numbers of their own for it (bgpd -I): zebra 8.4.4 aborts when two BGP clients of one number with
 * graceful restart leave it.
 *
 * Owner: app/control. Thread: the event loop's.
 */
#include "base/text.h"
#include "control/route/route.h"
#include "control/tunnel/tunnels.h"

struct bgp;

enum bgp_state { BGP_UNKNOWN, BGP_STOPPED, BGP_IDLE, BGP_CONNECTING, BGP_CONNECTED };
const char *bgp_state_text(enum bgp_state state); /* as the API has it */

struct bgp_peer {
	const char *tunnel;
	const struct config_connection *connection;
	uint32_t instance;
	struct net_addr local;
	struct net_addr peer;
	uint32_t as;
	enum bgp_state state;
	enum tunnel_bfd bfd;
	uint64_t connected_ms;
	uint64_t received; /* prefixes */
	uint64_t sent;
	uint64_t messages_received;
	uint64_t messages_sent;
};

typedef void (*bgp_visit)(void *context, const struct bgp_peer *peer);

__attribute__((warn_unused_result)) int bgp_new(struct bgp **bgp, struct event_loop *loop,
						struct tunnels *tunnels, struct route *route,
						const char *directory);
void bgp_free(struct bgp *bgp);
/*
 * Before tunnels_apply(): sessions that this configuration does not have end by a word to the peer
 * while their tunnels still are; one that hears nothing keeps our routes until its hold time is
 * over, or as stale. True: apply when `left` is called. One at a time.
 */
typedef void (*bgp_left)(void *context);
__attribute__((warn_unused_result)) bool bgp_leave(struct bgp *bgp, const struct config *to,
						   bgp_left left, void *context);
/* After tunnels_apply(), and when tunnels got their ids. */
void bgp_apply(struct bgp *bgp, const struct config *config);
void bgp_refresh(struct bgp *bgp);
/* The sessions over private circuits: `tunnel` is the port's name, there is no connection. */
void bgp_circuits_each(struct bgp *bgp, bgp_visit visit, void *context);
/* The sessions of a gateway (its key; NULL: all). */
void bgp_peers_each(struct bgp *bgp, const char *gateway, bgp_visit visit, void *context);

/* BFD's word, before what follows from it: routes may be heard of first. */
void bgp_hear_bfd(struct bgp *bgp);
/* The daemon whose routes these are has died, or is back for a moment only: they are kept. */
bool bgp_restarting(const struct bgp *bgp, enum stale_part part);

/* Told of a session that comes up or ends; the connection is not named. One watcher. */
void bgp_watch(struct bgp *bgp, bgp_visit changed, void *context);

/* Routes as the API lists them: {"value":[...]}; NULL: `why` says what went wrong. */
typedef void (*bgp_routes_done)(void *context, const char *json, const char *why);
void bgp_learned(struct bgp *bgp, bgp_routes_done done, void *context);
void bgp_advertised(struct bgp *bgp, const struct net_addr *peer, bgp_routes_done done,
		    void *context);
