#pragma once
/*
 * DOC: reassembly
 *
 * Puts fragments of packets to us together before they are decrypted or punted. Bounded in every
 * way: datagrams and fragments held, fragments of a datagram, datagrams of one source, time. When
 * the table is full the oldest datagram makes room, and that of its own when a source has its
 * share: neither a flood nor somebody who forges sources can shut others out for longer than it
 * takes to come by. Overlapping fragments are never put together: the datagram and what else comes
 * of it are dropped (RFC 5722, for IPv4 too); an exact repetition is ignored.
 *
 * One table a worker, no lock; all fragments of a datagram must come to the same worker (they do:
 * RSS and flow hashes leave ports and SPI out for fragments). Fields of the result: the lower-layer
 * bytes and header of the first fragment, length and checksum made right, the fragment header
 * gone. It is contiguous when it fits behind the first fragment, a chain otherwise.
 *
 * Own, not rte_ip_frag: that takes 8 fragments at most, does not look for overlaps, knows no
 * sources and gives up new datagrams, not old ones, when it is full.
 */
#include <rte_mbuf_core.h>

#include <stdbool.h>
#include <stdint.h>

#define FRAG_PIECES_MAX 64 /* of a datagram */
#define FRAG_TIMEOUT_MS 2000

struct frag_table;

struct frag_config {
	uint32_t datagrams;  /* in assembly at a time */
	uint32_t pieces;     /* buffers held at a time */
	uint32_t per_source; /* datagrams of a source; sources with one keyed hash of 1,024 share */
	uint32_t timeout_ms; /* 0: FRAG_TIMEOUT_MS */
	uint64_t tsc_hz;
	int socket;
};

/* Packets that went wrong, each freed and counted once. */
struct frag_counts {
	uint64_t whole; /* datagrams put together */
	uint64_t
		malformed; /* header, length, 64 KiB exceeded, ECN fields that exclude each other */
	uint64_t overlap;
	uint64_t too_many; /* pieces of a datagram, or of all when it is the oldest */
	uint64_t evicted;  /* made room */
	uint64_t timeout;
	uint64_t repeated; /* exact repetitions */
};

size_t frag_table_memory(const struct frag_config *config);
/* -ENOMEM, -EINVAL */
__attribute__((warn_unused_result)) int frag_table_new(struct frag_table **table,
						       const struct frag_config *config);
void frag_table_free(struct frag_table *table); /* with what it holds */

/*
 * Consumes a fragment: `l3` bytes before its IP header, which lies with its extension headers in
 * the first segment (else it is malformed). The whole packet when this was the last one missing,
 * else NULL. *dropped grows by the packets that were dropped, of this datagram or of others.
 */
struct rte_mbuf *frag_reassemble(struct frag_table *table, struct rte_mbuf *m, uint32_t l3,
				 uint32_t domain, uint64_t now_tsc, uint32_t *dropped);
/* What is too old; at most `budget` datagrams a call. Packets dropped. */
uint32_t frag_expire(struct frag_table *table, uint64_t now_tsc, uint32_t budget);
uint32_t frag_held(const struct frag_table *table); /* buffers */
const struct frag_counts *frag_counts(const struct frag_table *table);
