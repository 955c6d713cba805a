#pragma once
/*
 * DOC: fib lookup
 *
 * IPv4 trie: strides 16, 8, 8; the second level is 256 entries in a row, the third is compact.
 * IPv6 trie: strides 16 and 8; every node but the root is compact, and chains of nodes with one
 * way on are one node (struct fib_skip). A compact node has a bitmap of the places where the value
 * changes and one entry per run: with up to 7 runs, or 3 behind a skip, it is one cache line.
 *
 * The default route is no part of the tries, so that it changes at once however many routes
 * there are: it is what a lookup gives that finds nothing.
 */
#include "dataplane/fib/hot.h"

static inline uint32_t fib_result(uint32_t entry, uint32_t default_nexthop)
{
	uint32_t nexthop = entry & FIB_NEXTHOP_MASK;

	return nexthop ? nexthop : default_nexthop;
}

static inline uint32_t fib_node_index(const struct fib_node *node, uint8_t byte)
{
	uint64_t upto = node->starts[byte >> 6] << (63 - (byte & 63));

	return node->before[byte >> 6] + (uint32_t)__builtin_popcountll(upto) - 1;
}

static inline uint32_t fib_node_step(const struct fib_hot *hot, uint32_t entry, uint8_t byte)
{
	const struct fib_node *node = fib_unit(hot, entry);

	return fib_load32(&node->entries[fib_node_index(node, byte)]);
}

/* Destination in host order. */
static inline uint32_t fib_lookup4(const struct fib_hot *hot, uint32_t domain, uint32_t dst)
{
	uint32_t e = fib_load32(&hot->roots4[(uint64_t)domain * FIB_ROOT_ENTRIES + (dst >> 16)]);

	if (e & FIB_NODE)
		e = fib_load32((const uint32_t *)fib_unit(hot, e) + (dst >> 8 & 255));
	if (__builtin_expect(e & FIB_NODE, 0))
		e = fib_node_step(hot, e, (uint8_t)dst);
	return fib_result(e, fib_load32(&hot->defaults4[domain]));
}

/* Destinations in host order, at most 256 of one domain. */
static inline void fib_lookup4_burst(const struct fib_hot *hot, uint32_t domain,
				     const uint32_t dst[], uint32_t nexthop[], uint32_t n)
{
	const uint32_t *root = hot->roots4 + (uint64_t)domain * FIB_ROOT_ENTRIES;
	uint32_t otherwise = fib_load32(&hot->defaults4[domain]);
	uint32_t deep = 0;

	for (uint32_t i = 0; i < n; i++)
		nexthop[i] = fib_load32(&root[dst[i] >> 16]);
	for (uint32_t i = 0; i < n; i++) {
		/* A leaf is loaded again from where it lies: no branch that random routes mislead.
		 */
		uint32_t e = nexthop[i];
		const uint32_t *next = (const uint32_t *)fib_unit(hot, e) + (dst[i] >> 8 & 255);

		next = e & FIB_NODE ? next : &nexthop[i];
		e = fib_load32(next);
		nexthop[i] = e;
		deep |= e;
	}
	if (deep & FIB_NODE) {
		for (uint32_t i = 0; i < n; i++)
			if (nexthop[i] & FIB_NODE)
				nexthop[i] = fib_node_step(hot, nexthop[i], (uint8_t)dst[i]);
	}
	for (uint32_t i = 0; i < n; i++)
		nexthop[i] = fib_result(nexthop[i], otherwise);
}

/* One node on: *at is the byte of the address to go on by. */
static inline uint32_t fib_step6(const struct fib_hot *hot, uint32_t entry, const uint8_t dst[16],
				 uint32_t *at)
{
	const struct fib_node *node = fib_unit(hot, entry);
	uint32_t byte = *at;

	if (entry & FIB_SKIP) {
		const struct fib_skip *skip = (const struct fib_skip *)node;
		uint64_t word;

		memcpy(&word, dst + 8 * skip->half, sizeof(word));
		if ((__builtin_bswap64(word) ^ skip->prefix) >> skip->shift)
			return fib_load32(&skip->fallback);
		byte = skip->until;
		node = (const struct fib_node *)(skip + 1);
	}
	*at = byte + 1;
	return fib_load32(&node->entries[fib_node_index(node, dst[byte])]);
}

static inline uint32_t fib_lookup6(const struct fib_hot *hot, uint32_t domain,
				   const uint8_t dst[16])
{
	uint32_t slot = (uint32_t)dst[0] << 8 | dst[1];
	uint32_t e = fib_load32(&hot->roots6[(uint64_t)domain * FIB_ROOT_ENTRIES + slot]);
	uint32_t at = 2;

	while (e & FIB_NODE)
		e = fib_step6(hot, e, dst, &at);
	return fib_result(e, fib_load32(&hot->defaults6[domain]));
}

/* At most 256 destinations, level by level, so that their cache misses overlap. */
static inline void fib_lookup6_burst(const struct fib_hot *hot, uint32_t domain,
				     const uint8_t *const dst[], uint32_t nexthop[], uint32_t n)
{
	const uint32_t *root = hot->roots6 + (uint64_t)domain * FIB_ROOT_ENTRIES;
	uint32_t otherwise = fib_load32(&hot->defaults6[domain]);
	uint32_t deep = 0;
	uint8_t at[256];

	for (uint32_t i = 0; i < n; i++) {
		uint32_t e = fib_load32(&root[(uint32_t)dst[i][0] << 8 | dst[i][1]]);

		nexthop[i] = e;
		at[i] = 2;
		deep |= e;
	}
	while (deep & FIB_NODE) {
		deep = 0;
		for (uint32_t i = 0; i < n; i++) {
			uint32_t e = nexthop[i];
			uint32_t byte = at[i];

			if (!(e & FIB_NODE))
				continue;
			e = fib_step6(hot, e, dst[i], &byte);

			nexthop[i] = e;
			at[i] = (uint8_t)byte;
			deep |= e;
		}
	}
	for (uint32_t i = 0; i < n; i++)
		nexthop[i] = fib_result(nexthop[i], otherwise);
}
