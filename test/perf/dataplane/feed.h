#pragma once
/*
 * Packets for the benchmark: frames that stand in mbufs as RX leaves them, fresh for each round.
 */
#include "craft.h"
#include "dataplane/cipher/cipher.h"

enum work { WORK_OUT, WORK_IN, WORK_PLAIN };

struct load {
	enum work work;
	enum contract_cipher cipher;
	enum contract_integrity integrity;
	const char *algorithm; /* name for people */
	uint32_t size;	       /* inner IP length; 0: 7:4:1 of 64, 512, 1420 */
	uint32_t tunnels;
	uint32_t burst;
	uint32_t pool; /* buffers in use */
	uint32_t flows;
	uint32_t routes;
	bool own_time; /* measured by the thread's processor time: others on its CPU do not count */
};

/* One packet of the round: the frame as RX would have it. */
struct feed_slot {
	struct rte_mbuf *m;
	uint16_t at;	 /* offset of the frame in its buffer */
	uint16_t length; /* of the frame */
	uint32_t tunnel;
	uint8_t head[64]; /* first bytes, written back each round */
	uint8_t *inner;	  /* the whole inner packet */
	uint32_t inner_length;
	uint64_t sequence; /* in: number it carries in this round */
};

/* An inbound frame sealed ahead: the peer's keys stay out of the cache while the path is timed. */
struct feed_stock {
	uint32_t tunnel;
	uint64_t sequence;
	uint8_t frame[1640];
};

#define FEED_STOCK 4096

struct feed {
	struct bed *bed;
	struct load load;
	struct feed_slot *slots;
	struct rte_mbuf **packets; /* as RX gives them */
	struct sa_outbound *peers; /* in: by tunnel, the peer's sending side */
	uint8_t *keys;		   /* in: their key schedules, shared with what opens */
	uint32_t turn;
	struct feed_stock *stock;
	uint32_t stock_left;
	uint64_t *numbers; /* in: by tunnel, last number used */
	struct cipher_lane *lane;
	const struct cipher_suite *suite;
};

/* Now, in cycles of the TSC. */
uint64_t feed_now(const struct feed *feed);
struct feed *feed_new(struct bed *bed, const struct load *load);
void feed_free(struct feed *feed);
/* Puts all packets in place again; inbound ones get fresh numbers and are sealed. */
void feed_refill(struct feed *feed);
/* Checks `count` random ones of those that came out: `out` in the order of the slots. */
int feed_verify(struct feed *feed, struct rte_mbuf **out, uint32_t count);
