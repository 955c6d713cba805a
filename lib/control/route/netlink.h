#pragma once
/*
 * DOC: netlink
 *
 * What Linux knows (links, addresses, neighbours, routes) of the namespace in which the mirror
 * interfaces live, and the few things that the gateway writes there. One socket listens, a second
 * one dumps and commands, one after the other. When the kernel says that it lost messages (ENOBUFS)
 * everything is dumped again; the hooks then see `resync` before and `synced` after, and sweep what
 * was not mentioned in between.
 *
 * Routes that we write carry NETLINK_PROTOCOL and are never reported back.
 */
#include "control/event/loop.h"
#include "net/addr.h"

#define NETLINK_PROTOCOL 0x76 /* ours, among the numbers left to routing daemons */
#define NETLINK_HOPS_MAX 255  /* as many as the kernel takes */

struct netlink;

struct netlink_link {
	int ifindex;
	char name[16];
	uint16_t mtu;
	bool enabled; /* administratively up */
	bool up;      /* and carrier */
};

struct netlink_address {
	int ifindex;
	struct net_addr addr;
	uint8_t length;
};

struct netlink_neighbour {
	int ifindex;
	struct net_addr addr;
	uint8_t mac[6];
	bool usable;
};

struct netlink_hop {
	int ifindex;
	uint16_t weight;	 /* 1.. */
	struct net_addr gateway; /* family NET_NONE: on the link */
};

struct netlink_route {
	uint32_t table;
	uint32_t metric;
	uint8_t protocol;
	uint8_t hop_count;
	struct net_prefix prefix;
	struct netlink_hop hops[NETLINK_HOPS_MAX]; /* set as far as hop_count */
};

struct netlink_hooks {
	void *context;
	void (*resync)(void *context);
	void (*synced)(void *context);
	void (*link)(void *context, const struct netlink_link *link, bool gone);
	void (*address)(void *context, const struct netlink_address *address, bool gone);
	void (*neighbour)(void *context, const struct netlink_neighbour *neighbour, bool gone);
	void (*route)(void *context, const struct netlink_route *route, bool gone);
};

__attribute__((warn_unused_result)) int netlink_open(struct netlink **netlink,
						     struct event_loop *loop,
						     const struct netlink_hooks *hooks);
void netlink_close(struct netlink *netlink);
/* Reads everything again. */
void netlink_again(struct netlink *netlink);

/* Written in order; a refusal of the kernel is logged with what was wanted. */
void netlink_link_set(struct netlink *netlink, int ifindex, bool up);
void netlink_address_set(struct netlink *netlink, const struct netlink_address *address, bool add);
/* Unicast route in `table`; source may be none. */
struct netlink_route_spec {
	uint32_t table;
	struct net_prefix prefix;
	struct net_addr gateway;
	struct net_addr source;
	int ifindex;
};
void netlink_route_set(struct netlink *netlink, const struct netlink_route_spec *spec, bool add);
/* A unicast route of another daemon's (RTPROT_*). */
struct netlink_foreign {
	struct net_prefix prefix;
	uint32_t table;
	uint32_t metric;
	uint8_t protocol;
};
void netlink_foreign_delete(struct netlink *netlink, const struct netlink_foreign *route);
/* What comes from `source` is looked up in `table`. */
void netlink_rule_set(struct netlink *netlink, const struct net_addr *source, uint32_t table,
		      bool add);
/* Makes the kernel resolve the address; the answer comes as a neighbour. */
void netlink_neighbour_probe(struct netlink *netlink, int ifindex, const struct net_addr *addr);
