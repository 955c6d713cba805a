#pragma once
/*
 * DOC: objects of the data plane
 *
 * What control owns and the data plane holds. Every object starts with struct contract_object;
 * the body of its kind follows, then what the body counts (selectors, members), then the opaque
 * bytes. Ids are dense and chosen by control below the maximum that the data plane announced at
 * attach, so that they are array indices on the packet path. Id 0 is never used: it says "none".
 * Routes, addresses and neighbours are keyed by value and carry id 0. Ports and mirrors belong to
 * the data plane: they are listed, never set.
 *
 * Plain data only: no pointer, explicit padding that is zero, host byte order (both programs run
 * on one machine) except net_addr bytes and MACs.
 */
#include "net/selector.h"

#define CONTRACT_OPAQUE_MAX 256
#define CONTRACT_SELECTORS_MAX 255
#define CONTRACT_MEMBERS_MAX 64
#define CONTRACT_SOURCES_MAX 64
#define CONTRACT_SOURCES_ANY 255
#define CONTRACT_NAME 32

enum contract_kind {
	CONTRACT_PORT = 1, /* listed only */
	CONTRACT_MIRROR,   /* listed only: the Linux interfaces */
	CONTRACT_ADDRESS,
	CONTRACT_NEIGHBOUR,
	CONTRACT_NEXTHOP,
	CONTRACT_GROUP,
	CONTRACT_TUNNEL,
	CONTRACT_CHILD,
	CONTRACT_SA,
	CONTRACT_LIMIT,
	CONTRACT_ROUTE,
	CONTRACT_KINDS
};

struct contract_object {
	uint16_t kind; /* enum contract_kind */
	uint16_t opaque_length;
	uint32_t id;
	uint32_t domain;     /* routing domain */
	uint32_t owner;	     /* free for control: the connection or gateway */
	uint32_t generation; /* session that last set or confirmed it; set by the data plane */
	uint32_t zero;
};

/* Bits: a port may be public and private. A circuit is private and takes ESP and IKE as well. */
enum contract_role { CONTRACT_PUBLIC = 1, CONTRACT_PRIVATE = 2, CONTRACT_CIRCUIT = 4 };

struct contract_port {
	char name[CONTRACT_NAME];
	char device[64];
	uint8_t mac[6];
	uint16_t vlan; /* 0: untagged */
	uint16_t mtu;
	uint8_t role; /* enum contract_role bits */
	uint8_t link_up;
	uint32_t speed_mbps;
	uint32_t parent; /* port id of a sub-port's port */
	uint16_t queues;
	uint16_t zero;
	uint32_t mirror; /* id of its Linux interface */
};

/*
 * The domain of a TUN's object is that of the instance: what Linux sends through the TUN follows
 * the routes of that domain first (a speaker's peers, each by its own tunnel), then those of domain
 * 0.
 */
struct contract_mirror {
	char interface[CONTRACT_NAME];
	uint32_t port;	   /* 0: the TUN of the tunnel side */
	uint32_t instance; /* which gateway instance, for a TUN */
	uint32_t ifindex;
	uint16_t mtu;
	uint16_t zero;
};

/* An address of ours: packets to it are for us. On a port, or on the TUN (port 0). */
struct contract_address {
	struct net_addr addr;
	uint32_t port;
	uint32_t mirror;
};

struct contract_neighbour {
	struct net_addr addr;
	uint32_t port;
	uint8_t mac[6];
	uint16_t zero;
};

enum contract_nexthop_kind {
	CONTRACT_NEXTHOP_GATEWAY = 1, /* a neighbour on a port, resolved when its MAC is known */
	CONTRACT_NEXTHOP_CONNECTED,   /* the packet's own destination is the neighbour */
	CONTRACT_NEXTHOP_GROUP,	      /* a tunnel group */
	CONTRACT_NEXTHOP_MIRROR,      /* to Linux */
	CONTRACT_NEXTHOP_DROP,
	CONTRACT_NEXTHOP_ECMP, /* over other next hops; members follow */
};

/* It leads to a network that is peered with a gateway's: counted apart from its own. */
enum contract_nexthop_flag { CONTRACT_NEXTHOP_PEERED = 1 << 0 };

struct contract_member {
	uint32_t id;
	uint16_t weight; /* 1..256; 0: no flow goes there, it stays listed */
	uint16_t zero;
};

/*
 * Sources are what the source check of tunnels asks for: who may send, out of a tunnel, what has a
 * source that is routed by this next hop. They need not be where the next hop leads to.
 */
struct contract_nexthop {
	uint8_t kind; /* enum contract_nexthop_kind */
	uint8_t member_count;
	uint8_t source_count; /* uint32_t each, behind the members; CONTRACT_SOURCES_ANY: none */
	uint8_t flags;	      /* enum contract_nexthop_flag */
	uint32_t port;
	uint32_t target; /* group or mirror id */
	struct net_addr gateway;
};

/* How many stand in the message. */
static inline uint32_t contract_source_count(const struct contract_nexthop *nexthop)
{
	return nexthop->source_count == CONTRACT_SOURCES_ANY ? 0 : nexthop->source_count;
}

/* Tunnels that reach the same place; a flow hash picks the member, resiliently. */
struct contract_group {
	uint8_t member_count; /* members follow: tunnel ids */
	uint8_t zero[3];
};

enum contract_df { CONTRACT_DF_COPY, CONTRACT_DF_SET, CONTRACT_DF_CLEAR };
/* Of the next hop by which a packet's source is routed. */
enum contract_source_check {
	CONTRACT_SOURCE_LOOSE,	 /* it leads into a tunnel, or has sources */
	CONTRACT_SOURCE_STRICT,	 /* it leads into this tunnel */
	CONTRACT_SOURCE_OFF,	 /* whatever */
	CONTRACT_SOURCE_FEASIBLE /* it has this tunnel's source, or any */
};
enum contract_tunnel_flag {
	CONTRACT_TUNNEL_FIXED_DSCP = 1 << 0,
	CONTRACT_TUNNEL_NO_MSS_CLAMP = 1 << 1,
	CONTRACT_TUNNEL_PLAIN_FALLBACK = 1 << 2, /* the one way out of "never in clear" */
	/* What is at the far end, for the counters of destinations; neither: a site. */
	CONTRACT_TUNNEL_TO_GATEWAY = 1 << 6,
	CONTRACT_TUNNEL_TO_CLIENT = 1 << 7,
};

struct contract_tunnel {
	uint32_t nexthop; /* where the outer packet leaves: the uplink of its own source address */
	uint32_t limit;
	uint32_t mirror; /* TUN for what is addressed to us inside it */
	uint16_t mtu;	 /* known outer path MTU; 0: the port's */
	uint8_t df;	 /* enum contract_df */
	uint8_t dscp;
	uint8_t source_check; /* enum contract_source_check */
	uint8_t flags;	      /* enum contract_tunnel_flag */
	uint16_t mss;	      /* 0: computed from the MTU */
	uint32_t source;      /* it is among the sources of next hops; 0: of none */
};

/* One pair of selector lists of a tunnel, and the SA that sends for it. */
struct contract_child {
	uint32_t tunnel;
	uint32_t outbound_sa; /* 0: none yet, a packet raises an acquire event */
	uint8_t local_count;  /* selectors follow: local ones, then remote ones */
	uint8_t remote_count;
	uint16_t zero;
};

/*
 * Two-colour bucket. direction_sum counts both directions in one bucket, else one bucket each.
 * A packet must find room in its limit and in every parent.
 */
struct contract_limit {
	uint64_t bits_per_s;	/* 0: no bit limit */
	uint64_t packets_per_s; /* 0: no packet limit */
	uint32_t burst_us;	/* 0: the default */
	uint32_t parent;
	uint16_t weight; /* share of the parent when it is full */
	uint8_t direction_sum;
	uint8_t zero[5];
};

struct contract_route {
	struct net_prefix prefix;
	uint32_t nexthop;
};
