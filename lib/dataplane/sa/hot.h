#pragma once
/*
 * DOC: hot records
 *
 * What a worker reads of SAs, children and tunnels for a packet, each within cache lines of its
 * own, everything precomputed. main: rw before publication, workers: ro; fields that workers write
 * say so.
 */
#include "dataplane/cipher/cipher.h"
#include "dataplane/sa/window.h"

#include <stddef.h>

#define SA_WINDOW_INLINE 1024	       /* packets: 64 slots within the record */
#define SA_SLOT_BYTES 704	       /* an odd number of lines */
#define SA_KEY_STRIDE CIPHER_KEY_BYTES /* likewise */
#define SA_WORKERS 40		       /* that may send on one SA */

enum sa_flag {
	SA_ESN = 1 << 0,
	SA_UDP = 1 << 1,
	SA_IP6 = 1 << 2, /* outer */
	SA_TFC = 1 << 3,
	SA_RANDOM_IV = 1 << 4,
	SA_NO_REPLAY = 1 << 5,
	SA_CHECK_PEER = 1 << 6, /* remote is set */
	SA_METERED = 1 << 7,	/* lifetimes in bytes, or in packets received */
	SA_ANY4 = 1 << 8,	/* selectors of the child admit all of the family */
	SA_ANY6 = 1 << 9,
	SA_AEAD = 1 << 10,
	SA_TRANSPORT = 1 << 11,
	SA_CTR = 1 << 12, /* nonce is followed by the block counter of RFC 3686 */
	SA_AUTH_ONLY = 1 << 13,
	SA_COMMON = 1 << 14, /* salt of 4, IV of 8, blocks of 4, tag of 16 bytes */
};

/* Line 1 of both directions: counters with lifetimes. */
struct sa_life {
	uint64_t next;	/* workers: rw; outbound: last number reserved */
	uint64_t alarm; /* main, workers: rw; numbers above it take the slow way */
	uint64_t hard;	/* numbers above it are refused */
	uint64_t soft;	/* 0: none */
	uint64_t bytes; /* workers: rw, only with SA_METERED */
	uint64_t soft_bytes;
	uint64_t hard_bytes;
	uint32_t raised; /* workers: rw; events told: bits of enum contract_lifetime_event */
	uint32_t spread; /* outbound; main: rw, workers: ro */
};
_Static_assert(sizeof(struct sa_life) == 64, "one cache line");

struct sa_inbound {
	uint32_t spi; /* host order; 0: none. Written last */
	uint32_t tunnel;
	cipher_run_fn open;
	const void *key;
	uint32_t salt;	/* as in memory */
	uint16_t flags; /* enum sa_flag */
	uint8_t iv_bytes;
	uint8_t tag_bytes;
	uint8_t block;
	uint8_t salt_bytes;
	uint16_t remote_port_be; /* 0: any */
	uint32_t child;
	uint8_t remote[16];
	uint32_t id;
	uint32_t zero;
} __attribute__((aligned(64)));
_Static_assert(sizeof(struct sa_inbound) == 64, "one cache line");

struct sa_outbound {
	uint8_t head[32]; /* IPv4: whole outer header to the SPI, 24 or 32 bytes */
	cipher_run_fn seal;
	const void *key;
	uint32_t id;
	uint32_t salt;
	uint16_t flags;
	uint8_t head_bytes; /* of the outer headers, without SPI */
	uint8_t iv_bytes;
	uint8_t tag_bytes;
	uint8_t block;
	uint8_t salt_bytes;
	uint8_t fixed;	   /* bytes that ESP adds but for padding: headers, IV, trailer, ICV */
	uint8_t head6[64]; /* IPv6: the same, 44 or 52 bytes */
} __attribute__((aligned(64)));
_Static_assert(sizeof(struct sa_outbound) == 128, "two cache lines, one for IPv4");

struct sa_slot {
	union {
		struct {
			struct sa_inbound in;
			struct sa_life in_life;
			struct window window;
			uint64_t rest[5];
			uint64_t slots[SA_WINDOW_INLINE * 2 / WINDOW_BLOCK];
		};
		struct {
			uint32_t spi_none; /* 0: a lookup by SPI never finds an outbound SA */
			uint32_t pad[15];
			struct sa_life out_life;
			struct sa_outbound out[2]; /* one is in use, the other is built */
			/* workers: each rw its own; its oldest number not yet sent, 0: none */
			uint64_t flight[SA_WORKERS];
		};
		uint8_t bytes[SA_SLOT_BYTES];
	};
} __attribute__((aligned(64)));
_Static_assert(sizeof(struct sa_slot) == SA_SLOT_BYTES, "as the store counts");
_Static_assert(offsetof(struct sa_slot, in_life) == offsetof(struct sa_slot, out_life), "line 1");

/* Selector ranges as the packet path compares them: both families as 128 bits in host order. */
struct sa_range {
	uint64_t start[2]; /* high, low */
	uint64_t end[2];
	uint16_t port_start;
	uint16_t port_end;
	uint8_t family;
	uint8_t protocol; /* 0: any */
	uint8_t ports;	  /* 0: any port, also of packets that have none */
	uint8_t zero;
};

struct sa_selectors {
	uint32_t local_count;
	uint32_t remote_count;
	struct sa_range ranges[]; /* local ones, then remote ones */
};

struct sa_child {
	const struct sa_outbound *outbound; /* NULL: none yet */
	const struct sa_selectors *selectors;
	uint32_t tunnel; /* 0: no such child */
	uint32_t any;	 /* SA_ANY4, SA_ANY6 */
	uint64_t zero[5];
};
_Static_assert(sizeof(struct sa_child) == 64, "one cache line");

struct sa_child_list {
	uint32_t count;
	uint32_t ids[];
};

struct sa_tunnel {
	const struct sa_outbound *outbound; /* of the one child, when it admits `any` */
	const struct sa_child_list *children;
	uint32_t live; /* 0: no such tunnel */
	uint32_t nexthop;
	uint32_t limit;
	uint32_t mirror;
	uint16_t any; /* SA_ANY4, SA_ANY6: families that take `outbound` without a look */
	uint16_t mtu;
	uint16_t mss;
	uint8_t df;
	uint8_t dscp;
	uint8_t source_check;
	uint8_t flags;
	uint16_t zero;
	uint32_t domain;
	uint64_t asked; /* workers: rw; TSC of the last acquire event */
	uint32_t source;
	uint32_t zeros;
};
_Static_assert(sizeof(struct sa_tunnel) == 64, "one cache line");

/* main: rw before the workers start. Valid from sa_init() to sa_fini(). */
struct sa_hot {
	struct sa_slot *slots;
	struct sa_child *children;
	struct sa_tunnel *tunnels;
	uint32_t sas;
	uint32_t tunnel_count;
	uint32_t child_count;
	/* Of all objects, so far: a packet may have waited for one. */
	uint64_t changes;
};

struct sa_store;
const struct sa_hot *sa_hot(const struct sa_store *store);

static inline struct sa_slot *sa_slot(const struct sa_hot *hot, uint32_t id)
{
	return (struct sa_slot *)((uint8_t *)hot->slots + (uint64_t)id * SA_SLOT_BYTES);
}

/* The SA of an SPI (host order) or NULL. */
static inline struct sa_slot *sa_find(const struct sa_hot *hot, uint32_t spi)
{
	uint32_t id = spi & CONTRACT_SPI_ID_MASK;
	struct sa_slot *slot;

	if (id >= hot->sas)
		return NULL;
	slot = sa_slot(hot, id);
	return __atomic_load_n(&slot->in.spi, __ATOMIC_ACQUIRE) == spi && spi ? slot : NULL;
}
