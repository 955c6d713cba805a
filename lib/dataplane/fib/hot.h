#pragma once
/*
 * DOC: fib records
 *
 * What workers read of the fib. A lookup (lookup.h) gives a next hop id (0: no route);
 * fib_hop() (hop.h) gives what the id stands for as one 64-bit word, so that a next hop changes at
 * once for all its routes. A reader is a thread registered with the rte_rcu_qsbr variable and holds
 * what it read no longer than to its next quiescent state.
 *
 *     route -> next hop id -> word -> GATEWAY: neighbour index -> MAC
 *                                     CONNECTED: port; fib_neighbour_find(port, destination) -> MAC
 *                                     GROUP: group id; fib_group_pick(group, flow hash) -> tunnel
 *                                     ECMP: fib_hop_resolve() picks one of its members
 */
#include "net/addr.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/* Entry: a leaf (depth, next hop id; 0: no route) or the place of a node in units of 64 bytes. */
#define FIB_NODE 0x80000000u
#define FIB_SKIP 0x40000000u /* of a node: struct fib_skip comes before it */
#define FIB_UNIT_MASK 0x03ffffffu
#define FIB_NEXTHOP_BITS 23
#define FIB_NEXTHOP_MASK ((1u << FIB_NEXTHOP_BITS) - 1)
#define FIB_DEPTH_MASK (0xffu << FIB_NEXTHOP_BITS)
#define FIB_UNIT_BYTES 64
#define FIB_ROOT_ENTRIES 65536

struct fib_node {
	uint64_t starts[4];  /* bit b: a run of equal values starts at byte b; bit 0 is set */
	uint8_t before[4];   /* runs that start in the words before */
	uint32_t entries[7]; /* one per run; larger nodes go on behind */
};
_Static_assert(sizeof(struct fib_node) == FIB_UNIT_BYTES, "one cache line");

/*
 * Stands for a chain of nodes with one way on: bytes that the address must have up to the node, and
 * what it gets when it has not. All in one half of the address.
 */
struct fib_skip {
	uint64_t prefix;   /* host order, zero behind `until` */
	uint32_t fallback; /* a leaf */
	uint8_t until;	   /* byte of the address by which the node behind goes on */
	uint8_t half;	   /* 0: the first 8 bytes are compared */
	uint8_t shift;	   /* bits of that half that are not */
	uint8_t zero;
};

/* Kinds are those of enum contract_nexthop_kind; 0: there is no such next hop. */
struct fib_hop {
	uint8_t kind;
	uint8_t flags;	/* enum fib_hop_flag */
	uint16_t port;	/* GATEWAY, CONNECTED */
	uint32_t index; /* GATEWAY: neighbour; GROUP: group id; MIRROR: mirror id; ECMP: own id */
};
_Static_assert(sizeof(struct fib_hop) == 8, "read as one word");

enum fib_hop_flag {
	FIB_HOP_TUNNEL = 1 << 0,  /* leads into a tunnel group, directly or by a member */
	FIB_HOP_SOURCED = 1 << 1, /* has sources */
	FIB_HOP_PEERED = 1 << 2,  /* leads to a peered network */
};

/* 48 bits of MAC address as in memory; bit 48: resolved. 0: not known yet. */
#define FIB_MAC_RESOLVED (UINT64_C(1) << 48)

/* Lies in a unit; its number is the neighbour's index. */
struct fib_neighbour {
	uint64_t mac; /* main: rw, workers: ro */
	uint32_t port;
	uint32_t side;	      /* main: the rest of the record */
	struct net_addr addr; /* fixed from publication to reuse, as is port */
	uint8_t pad[28];
};
_Static_assert(sizeof(struct fib_neighbour) == FIB_UNIT_BYTES, "one cache line");

#define FIB_NEIGHBOUR_NONE 0
#define FIB_BUCKET_SLOTS 16
#define FIB_TAG_SHIFT 26

/* Of a group or an ECMP next hop: high half log2 of the buckets, low half the unit or the member.
 */
typedef uint64_t fib_table_word;

/*
 * Who may send what is routed by a next hop: high half how many sources, low half the one, or the
 * unit with their numbers.
 */
typedef uint64_t fib_sources_word;
#define FIB_SOURCES_ANY UINT32_MAX /* as their number */

/* main: rw, workers: ro. All arrays are fixed at init. */
struct fib_hot {
	uint32_t *roots4; /* domains x FIB_ROOT_ENTRIES */
	uint32_t *roots6;
	uint32_t *defaults4; /* by domain: next hop of the default route, 0: none */
	uint32_t *defaults6;
	uint8_t *units;
	uint64_t *hops;	      /* struct fib_hop by next hop id */
	fib_table_word *ecmp; /* by next hop id */
	fib_table_word *groups;
	fib_sources_word *sources; /* by next hop id */
	uint32_t *buckets;	   /* of neighbours: 6 bits of the hash, the unit; 0: empty */
	uint32_t bucket_mask;
	uint32_t seed;
	uint32_t domains;
	uint32_t nexthops;
	uint32_t group_count;
	/* Of next hops, groups and neighbours, so far: a packet may have waited for one. */
	uint64_t changes;
};

struct fib;
/* Valid from fib_init() to fib_fini(). */
const struct fib_hot *fib_hot(const struct fib *fib);

static inline uint32_t fib_load32(const uint32_t *p)
{
	return __atomic_load_n(p, __ATOMIC_ACQUIRE);
}

static inline uint64_t fib_load64(const uint64_t *p)
{
	return __atomic_load_n(p, __ATOMIC_ACQUIRE);
}

static inline const void *fib_unit(const struct fib_hot *hot, uint32_t entry)
{
	return hot->units + (uint64_t)(entry & FIB_UNIT_MASK) * FIB_UNIT_BYTES;
}
