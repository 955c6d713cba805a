#pragma once
/*
 * DOC: routes
 *
 * Brings together what Linux knows of the mirror interfaces, what the configuration says of the
 * ports, and what the tunnels reach, and keeps the data plane's addresses, neighbours, next hops
 * and routes equal to the result. Imports only routes whose every output is a mirror: the default
 * route of the management network never enters.
 *
 * In the table ROUTE_ANNOUNCED_TABLE stands who announces a prefix, whether that is the best way or
 * not: a hop for each tunnel. Nothing is routed by it, the source check of the tunnels is.
 *
 * In the table ROUTE_DEFAULT_TABLE stands a default route that was learned by BGP: in the main one
 * the management's would hide it, and what this machine sends of its own is not for the tunnels.
 *
 * Each port that has a gateway gets a routing table of its own and a rule for each of its
 * addresses, so that what Linux sends from a public address leaves by that address's port.
 *
 * Owner: app/control. Thread: the event loop's.
 */
#include "control/requests/desired.h"
#include "control/route/leftover.h"
#include "control/route/rib.h"
#include "control/route/stale.h"

#define ROUTE_PORTS_MAX 64	   /* of a data plane */
#define ROUTE_ADDRESSES_MAX 32	   /* of a port: as many as its configuration can have */
#define ROUTE_ANNOUNCED_TABLE 7801 /* of the kernel's */
#define ROUTE_DEFAULT_TABLE 7802

struct route;
struct speaker_peer;
struct speaker_private;

struct route_address {
	struct net_addr addr;
	uint8_t length;
};

/* What the configuration wants of a port's mirror. */
struct route_port_config {
	char name[CONTRACT_NAME];
	struct route_address addresses[ROUTE_ADDRESSES_MAX];
	uint8_t address_count;
	struct net_addr gateway4;
	struct net_addr gateway6;
	struct net_addr probe;	      /* upstream.h; IPv4 or none */
	struct net_addr circuit_peer; /* of a circuit: the router at its other end; may be none */
	bool circuit;		      /* circuit.h */
};
_Static_assert(sizeof(struct route_port_config) ==
		       CONTRACT_NAME + ROUTE_ADDRESSES_MAX * sizeof(struct route_address) + 1 +
			       4 * sizeof(struct net_addr) + 1,
	       "without padding: compared as bytes");

struct route_hooks {
	void *context;
	/* The ports of the data plane are known, or a link changed. */
	void (*ports_changed)(void *context);
	/* The tunnel group behind next hops of a TUN; -ENOENT: they lead nowhere that is known. */
	int (*recurse)(void *context, const struct net_addr *gateways, uint32_t count,
		       uint32_t *group);
	/* See stale.h. May be NULL. */
	bool (*restarting)(void *context, enum stale_part part);
	bool (*suspect)(void *context, const struct net_addr *gateways, uint32_t count);
	/* The connections behind them as sources, up to `room`; gives how many. */
	uint32_t (*sources)(void *context, const struct net_addr *gateways, uint32_t count,
			    uint32_t *sources, uint32_t room);
};

__attribute__((warn_unused_result)) int route_new(struct route **route, struct event_loop *loop,
						  struct desired *desired,
						  const struct route_hooks *hooks);
void route_free(struct route *route);

/* For who shows routes as they change. */
void route_watch(struct route *route, rib_watcher watcher, void *context);
/* At each attach of the data plane. */
void route_ready(struct route *route);
/* Ports, addresses, neighbours and routes are known; ports_changed says so. */
bool route_is_synced(const struct route *route);
/* Events of the data plane that concern ports and neighbours; true when it was one. */
bool route_event(struct route *route, const struct contract_header *message);

/* Replaces what was wanted of this port before; no addresses: nothing any more. */
__attribute__((warn_unused_result)) int route_port_set(struct route *route,
						       const struct route_port_config *config);
/* False: behind the port of this address nothing answers (upstream.h). */
bool route_upstream_answers(const struct route *route, const struct net_addr *local);
/* The port that owns an address: -ENOENT; `up` is its link. */
__attribute__((warn_unused_result)) int route_port_of(const struct route *route,
						      const struct net_addr *local, uint32_t *port,
						      bool *up);
/* TUN interface of an instance (0: the first); 0 when there is none. */
uint32_t route_tunnel_mirror(const struct route *route, uint32_t instance);

/* The link of a port (its name); false also when there is none such. */
bool route_port_is_up(const struct route *route, const char *name);
/* The ports that the data plane has, by the names and ids that both know them by. */
void route_ports_each(const struct route *route,
		      void (*visit)(void *context, const char *name, uint32_t id), void *context);
/* The instances' addresses at which tunnels over circuits end: all of them, instead of those of
 * the call before. */
__attribute__((warn_unused_result)) int route_privates_set(struct route *route,
							   const struct speaker_private *privates,
							   uint32_t count);

/*
 * The next hop for what leaves from `local` to `remote`: the remote itself when it is on the link,
 * else the gateway of the port. From a private address it leaves by a circuit. A reference is
 * taken; give it back with route_nexthop_put(). -ENOENT: no port has the address; -EAGAIN: Linux
 * does not have it yet (ports_changed follows); -EHOSTUNREACH: the port has no gateway.
 */
__attribute__((warn_unused_result)) int route_uplink(struct route *route,
						     const struct net_addr *local,
						     const struct net_addr *remote,
						     uint32_t *nexthop);
/* Leads nowhere: for a tunnel that has no path. */
__attribute__((warn_unused_result)) int route_drop(struct route *route, uint32_t *nexthop);
void route_nexthop_put(struct route *route, uint32_t nexthop);

/* A prefix behind a tunnel group, of the connections `sources` (route_sources()). */
__attribute__((warn_unused_result)) int route_tunnel_add(struct route *route,
							 const struct net_prefix *prefix,
							 uint32_t group,
							 const struct source_set *sources);
void route_tunnel_delete(struct route *route, const struct net_prefix *prefix);
__attribute__((warn_unused_result)) int route_sources(struct route *route, const uint32_t *ids,
						      uint32_t count,
						      const struct source_set **sources);
/* Where peered networks lie: what goes there is counted apart (rib.h). */
__attribute__((warn_unused_result)) int route_peered_set(struct route *route,
							 const struct net_prefix *prefixes,
							 uint32_t count);
/* The session of a speaker (speaker.h) and the group of the one tunnel that leads to its peer. */
__attribute__((warn_unused_result)) int route_speaker_set(struct route *route,
							  const struct speaker_peer *peer,
							  uint32_t group);
void route_speaker_delete(struct route *route, uint32_t tunnel);
/* What the kernel has is read again: routes that led nowhere may lead somewhere now. */
void route_again(struct route *route);
/* What the kernel has of a part's routes is read and watched from now on. */
void route_leftovers_begin(struct route *route, enum stale_part part);
struct leftover_set *route_leftovers(struct route *route, enum stale_part part);
/* Out of the kernel; it is not asked whose it is. */
void route_leftover_delete(struct route *route, const struct leftover *left);
const struct rib *route_rib(const struct route *route);
