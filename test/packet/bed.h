#pragma once
/*
 * The whole data plane in one process without a NIC: tables, one path, and packets by hand.
 *
 * Port 1 (device 0) is private, 192.168.0.1 and fd00::1 with a gateway behind it for 192.168.0.0/16
 * and fd00::/16. Port 2 (device 1) is public, 192.0.2.1 and 2001:db8::1, with a gateway for all
 * else. Tunnel t reaches 10.0.0.0/8 prefix number t (a /24) and fd10:t::/32.
 */
#include "contract/counters.h"
#include "dataplane/capture/capture.h"
#include "dataplane/fib/fib.h"
#include "dataplane/fib/lookup.h"
#include "dataplane/meter/meter.h"
#include "dataplane/nodes/address.h"
#include "dataplane/sa/hot.h"
#include "dataplane/sa/sa.h"

#include <rte_ring.h>

#define BED_PRIVATE 1
#define BED_PUBLIC 2
#define BED_NEXTHOP_PRIVATE 1
#define BED_NEXTHOP_PUBLIC 2
#define BED_NEXTHOP_TUNNEL 16 /* + tunnel id */
#define BED_MIRROR_PRIVATE 1
#define BED_MIRROR_PUBLIC 2
#define BED_MIRROR_TUN 3

struct bed {
	struct contract_counters counters;
	struct fib *fib;
	struct sa_store *sas;
	struct meter *meter;
	struct path_shared shared;
	struct address_store *addresses;
	struct path *path;
	struct rte_ring *events;
	struct rte_ring *captured;
	struct capture_store *captures;
	struct rte_mempool *pool;
	uint32_t tunnels;
};

struct bed_config {
	uint32_t tunnels;
	uint32_t buffers;
	uint32_t routes4;
	uint32_t workers;
	uint32_t sas; /* 0: a pair a tunnel */
	struct rte_rcu_qsbr *qsbr;
	const char *pool_ops;  /* NULL: DPDK's own */
	uint32_t buffer_bytes; /* 0: as many as an ordinary frame needs */
};

/* The SA pair of a tunnel: ids 2t (inbound) and 2t + 1 (outbound). */
struct bed_sa {
	uint32_t tunnel;
	enum contract_cipher cipher;
	enum contract_integrity integrity;
	uint8_t icv;
	uint32_t flags;
	uint32_t window;
	bool ip6;
	uint64_t sequence;
	uint32_t spread; /* 0: the default */
};

extern const uint8_t bed_mac_private[6];
extern const uint8_t bed_mac_public[6];
extern const uint8_t bed_mac_gateway_private[6];
extern const uint8_t bed_mac_gateway_public[6];

struct bed *bed_new(const struct bed_config *config); /* exits when it cannot */
void bed_free(struct bed *bed);
/* Tunnel, child any-to-any of both families, group, next hop and routes. */
void bed_tunnel(struct bed *bed, uint32_t tunnel);
void bed_sa_make(struct contract_sa *in, struct contract_sa *out, const struct bed_sa *sa);
/* Installs both and sends on the outbound one. */
void bed_sa_add(struct bed *bed, const struct bed_sa *sa);
/* The same in a second child of the tunnel, behind its first. */
void bed_sa_behind(struct bed *bed, const struct bed_sa *sa, uint32_t child);
/* The child of a tunnel, any-to-any of both families, sends on this SA. */
void bed_child(struct bed *bed, uint32_t tunnel, uint32_t outbound_sa);
/* `count` more routes, to the private side, that no packet of the tests takes. */
void bed_routes(struct bed *bed, uint32_t count);
/* An object with a body, put together: sa_set() when `sas`, else fib_set(). */
int bed_put(struct bed *bed, uint16_t kind, uint32_t id, const void *body, size_t n);

/* The addresses that are ours, into another store than the bed's. */
void bed_addresses(struct address_store *to);
uint32_t bed_tunnel_net(uint32_t tunnel); /* host order, host part zero */
struct net_addr bed_remote(uint32_t tunnel, bool ip6);
struct net_addr bed_local(bool ip6);
/* Packets that a test took, back to their pool; how many are not there. */
void bed_drop(struct rte_mbuf *packet);
void bed_drop_all(struct rte_mbuf **packets, uint32_t n);
uint32_t bed_in_use(const struct bed *bed);
/* Empties an exit, or what leaves by a device; how many there were. */
uint32_t bed_empty(struct path_exit *exit);
uint32_t bed_sent(struct bed *bed, uint32_t device);
uint64_t bed_drops(const struct bed *bed, enum contract_drop drop);
uint64_t bed_drops_all(const struct bed *bed);
/* Takes all events that workers told; of this type how many there were, and the last of them. */
uint32_t bed_events(struct bed *bed, uint32_t type, struct path_event *event);
