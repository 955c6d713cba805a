#pragma once
/*
 * Datagrams in assembly: found by key, in the order of their age, each with its pieces in order.
 */
#include "dataplane/frag/piece.h"
#include "dataplane/frag/reassemble.h"

#define FRAG_NONE UINT32_MAX
#define FRAG_SOURCES 1024

struct frag_piece {
	struct rte_mbuf *m;
	uint32_t next; /* by start, or in the free list */
	uint32_t start;
	uint32_t length;
	uint16_t payload_at; /* in the buffer */
	uint16_t l3;
};

struct frag_datagram {
	struct frag_key key;
	uint64_t born_tsc;
	uint32_t hash;
	uint32_t chain; /* next of its bucket, or in the free list */
	uint32_t older; /* toward the oldest */
	uint32_t newer;
	uint32_t source_newer; /* of the same source; its oldest is the one to go first */
	uint32_t first;	       /* pieces */
	uint32_t last;
	uint32_t count;
	uint32_t received; /* bytes */
	uint32_t total;	   /* bytes, 0: the last fragment is missing */
	uint16_t source;   /* its counter */
	bool refused;	   /* overlap: whatever else comes is dropped */
	uint8_t ecn;	   /* bits by the ECN fields of its fragments (RFC 3168 5.3) */
	/* Of the first fragment */
	uint32_t header;
	uint32_t next_at;
	uint8_t next_header;
};

/* Datagrams of the sources with one hash, oldest first. */
struct frag_source {
	uint32_t oldest;
	uint32_t newest;
	uint32_t count;
};

struct frag_table {
	struct frag_config config;
	uint64_t timeout_tsc;
	uint64_t seed;
	struct frag_datagram *datagrams;
	struct frag_piece *pieces;
	uint32_t *buckets;
	uint32_t bucket_mask;
	uint32_t free_datagram;
	uint32_t free_piece;
	uint32_t oldest;
	uint32_t newest;
	uint32_t held;
	struct frag_source sources[FRAG_SOURCES];
	struct frag_counts counts;
};

struct frag_datagram *frag_table_find(struct frag_table *table, const struct frag_key *key,
				      uint32_t *hash);
/* Makes room by giving up the oldest, of the source when it has its share already. */
struct frag_datagram *frag_table_add(struct frag_table *table, const struct frag_key *key,
				     uint32_t hash, uint64_t now_tsc, uint32_t *dropped);
/* Takes it out with its pieces; their buffers are the caller's or freed before. */
void frag_table_del(struct frag_table *table, struct frag_datagram *d);
/* Frees its buffers; how many. */
uint32_t frag_table_empty(struct frag_table *table, struct frag_datagram *d);
/* FRAG_NONE when none is free and the oldest datagram is this one. */
uint32_t frag_table_piece(struct frag_table *table, const struct frag_datagram *d,
			  uint32_t *dropped);
void frag_table_put_piece(struct frag_table *table, uint32_t piece);
