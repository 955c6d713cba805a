/*
 * DOC: trie
 *
 * Leaves are pushed down: each place of a node holds the next hop of the longest prefix that
 * covers it, together with that prefix's length. A change of a prefix replaces, below it, the
 * leaves of the same or a shorter length (set) or of the very length (del). A prefix that spans
 * whole nodes changes their entries in place and allocates nothing; only the node in which its
 * last bits lie is built anew. A node all of whose places are one leaf is dissolved.
 *
 * In IPv6 a chain of nodes with one way on is made as one node with a skip before it; a change that
 * ends within the chain or leaves it splits it there first, which changes no lookup's result.
 */
#include "dataplane/fib/trie.h"

#include "dataplane/fib/lookup.h"

#include <errno.h>

#define PLACES 256
#define LEVELS 15

struct change {
	struct fib_trie *trie;
	const uint8_t *addr;
	uint32_t length;
	uint32_t leaf; /* what comes in the place of what matches */
	bool removal;
	uint32_t reserve;
	uint32_t *slots[LEVELS]; /* path: the entry that holds the node at byte 2, 3, ... */
	uint32_t depth;		 /* nodes in the path */
};

static uint32_t leaf_of(uint32_t length, uint32_t nexthop)
{
	return length << FIB_NEXTHOP_BITS | nexthop;
}

static bool replaces(const struct change *c, uint32_t entry)
{
	uint32_t depth = (entry & FIB_DEPTH_MASK) >> FIB_NEXTHOP_BITS;

	if (c->removal)
		return depth == c->length;
	return depth <= c->length;
}

static void publish(uint32_t *slot, uint32_t entry)
{
	__atomic_store_n(slot, entry, __ATOMIC_RELEASE);
}

static bool is_dense(const struct fib_trie *trie, uint32_t at)
{
	return trie->dense_at && at == trie->dense_at;
}

static void *node_at(const struct fib_trie *trie, uint32_t entry)
{
	uint8_t *p = fib_pool_at(trie->pool, entry & FIB_UNIT_MASK);

	return entry & FIB_SKIP ? p + sizeof(struct fib_skip) : p;
}

static struct fib_skip *skip_at(const struct fib_trie *trie, uint32_t entry)
{
	return entry & FIB_SKIP ? fib_pool_at(trie->pool, entry & FIB_UNIT_MASK) : NULL;
}

static uint32_t run_count(const struct fib_node *node)
{
	return node->before[3] + (uint32_t)__builtin_popcountll(node->starts[3]);
}

/* All entries of a node, one a place or one a run. */
static uint32_t *entries_of(const struct fib_trie *trie, uint32_t entry, uint32_t at,
			    uint32_t *count)
{
	struct fib_node *node = node_at(trie, entry);

	if (is_dense(trie, at)) {
		*count = PLACES;
		return (uint32_t *)node;
	}
	*count = run_count(node);
	return node->entries;
}

/* The prefix spans this node and all below it. */
static void cover(const struct change *c, uint32_t entry, uint32_t at)
{
	uint32_t count;
	uint32_t *entries = entries_of(c->trie, entry, at, &count);
	struct fib_skip *skip = skip_at(c->trie, entry);

	if (skip && replaces(c, skip->fallback))
		publish(&skip->fallback, c->leaf);
	for (uint32_t i = 0; i < count; i++) {
		if (entries[i] & FIB_NODE)
			cover(c, entries[i], at + 1);
		else if (replaces(c, entries[i]))
			publish(&entries[i], c->leaf);
	}
}

static void expand(const struct fib_trie *trie, uint32_t entry, uint32_t at,
		   uint32_t values[PLACES])
{
	const struct fib_node *node = node_at(trie, entry);
	uint32_t run = 0;

	if (is_dense(trie, at)) {
		memcpy(values, node, PLACES * sizeof(values[0]));
		return;
	}
	for (uint32_t w = 0; w < 4; w++) {
		uint64_t starts = node->starts[w];

		for (uint32_t b = 0; b < 64; b++) {
			run += starts >> b & 1;
			values[w * 64 + b] = node->entries[run - 1];
		}
	}
}

/* The shape of a compact node for these values; its number of runs. */
static uint32_t shape(struct fib_node *node, const uint32_t values[PLACES])
{
	uint32_t runs = 0;

	for (uint32_t w = 0; w < 4; w++) {
		const uint32_t *v = values + (size_t)w * 64;
		uint64_t starts = w == 0 || v[0] != v[-1];

		for (uint32_t b = 1; b < 64; b++)
			starts |= (uint64_t)(v[b] != v[b - 1]) << b;
		node->starts[w] = starts;
		node->before[w] = (uint8_t)runs;
		runs += (uint32_t)__builtin_popcountll(starts);
	}
	return runs;
}

static uint32_t order_of(uint32_t runs, bool skip)
{
	size_t bytes = offsetof(struct fib_node, entries) + 4 * runs;
	uint32_t order = 0;

	if (skip)
		bytes += sizeof(struct fib_skip);
	while ((64u << order) < bytes)
		order++;
	return order;
}

/* A new node that nobody sees yet, as an entry; 0 when there is no room. */
static uint32_t node_new(const struct change *c, const struct fib_skip *skip,
			 const uint32_t values[PLACES], uint32_t at)
{
	struct fib_node head;
	struct fib_node *node;
	uint32_t runs;
	uint32_t unit;
	uint32_t run = 0;

	if (is_dense(c->trie, at)) {
		unit = fib_pool_get(c->trie->pool, 4, c->reserve);
		if (unit == FIB_POOL_NONE)
			return 0;
		memcpy(fib_pool_at(c->trie->pool, unit), values, PLACES * sizeof(values[0]));
		return FIB_NODE | unit;
	}
	runs = shape(&head, values);
	unit = fib_pool_get(c->trie->pool, order_of(runs, skip), c->reserve);
	if (unit == FIB_POOL_NONE)
		return 0;
	node = fib_pool_at(c->trie->pool, unit);
	if (skip) {
		memcpy(node, skip, sizeof(*skip));
		node = (struct fib_node *)((uint8_t *)node + sizeof(*skip));
	}
	memcpy(node->starts, head.starts, sizeof(head.starts));
	memcpy(node->before, head.before, sizeof(head.before));
	for (uint32_t w = 0; w < 4; w++)
		for (uint64_t starts = head.starts[w]; starts; starts &= starts - 1)
			node->entries[run++] = values[w * 64 + (uint32_t)__builtin_ctzll(starts)];
	return FIB_NODE | (skip ? FIB_SKIP : 0) | unit;
}

static bool uniform(const uint32_t values[PLACES])
{
	for (uint32_t b = 1; b < PLACES; b++)
		if (values[b] != values[0])
			return false;
	return !(values[0] & FIB_NODE);
}

/* Same places of runs, other values: stores them where they are. False when it cannot be. */
static bool store_in_place(const struct fib_trie *trie, uint32_t entry, uint32_t at,
			   const uint32_t values[PLACES])
{
	struct fib_node *node = node_at(trie, entry);
	struct fib_node head;
	uint32_t run = 0;

	if (is_dense(trie, at)) {
		uint32_t *entries = (uint32_t *)node;

		for (uint32_t b = 0; b < PLACES; b++)
			if (entries[b] != values[b])
				publish(&entries[b], values[b]);
		return true;
	}
	shape(&head, values);
	if (memcmp(head.starts, node->starts, sizeof(head.starts)) != 0)
		return false;
	for (uint32_t w = 0; w < 4; w++)
		for (uint64_t s = head.starts[w]; s; s &= s - 1, run++) {
			uint32_t value = values[w * 64 + (uint32_t)__builtin_ctzll(s)];

			if (node->entries[run] != value)
				publish(&node->entries[run], value);
		}
	return true;
}

/* Makes the node in `slot` have these values, in place, by a copy, or by dissolving it. */
static int store(const struct change *c, uint32_t *slot, uint32_t at, const uint32_t values[PLACES])
{
	uint32_t old = *slot;
	const struct fib_skip *skip = skip_at(c->trie, old);
	uint32_t entry;

	if (uniform(values) && (!skip || skip->fallback == values[0])) {
		publish(slot, values[0]);
		fib_pool_retire(c->trie->pool, old & FIB_UNIT_MASK);
		return 0;
	}
	if (store_in_place(c->trie, old, at, values))
		return 0;
	entry = node_new(c, skip, values, at);
	if (entry == 0)
		return -ENOSPC;
	publish(slot, entry);
	fib_pool_retire(c->trie->pool, old & FIB_UNIT_MASK);
	return 0;
}

/* Places of the prefix in the node at byte `at`, where its last bits lie. */
static uint32_t range(const struct change *c, uint32_t at, uint32_t *count)
{
	*count = 1u << (8 * (at + 1) - c->length);
	return c->addr[at] & ~(*count - 1) & (PLACES - 1);
}

/* A node that a dissolved child left with fewer runs, upwards. Without room it stays as it is. */
static void tidy_path(const struct change *c)
{
	uint32_t values[PLACES];

	for (uint32_t i = c->depth; i-- > 0;) {
		if (!(*c->slots[i] & FIB_NODE))
			continue;
		expand(c->trie, *c->slots[i], i + 2, values);
		if (store(c, c->slots[i], i + 2, values) || (*c->slots[i] & FIB_NODE))
			return;
	}
}

static int change_last_node(const struct change *c, uint32_t at)
{
	uint32_t *slot = c->slots[c->depth - 1];
	uint32_t values[PLACES];
	uint32_t count;
	uint32_t first = range(c, at, &count);
	int rc;

	expand(c->trie, *slot, at, values);
	for (uint32_t b = first; b < first + count; b++)
		if (!(values[b] & FIB_NODE) && replaces(c, values[b]))
			values[b] = c->leaf;
	rc = store(c, slot, at, values);
	if (rc)
		return rc;
	for (uint32_t b = first; b < first + count; b++)
		if (values[b] & FIB_NODE)
			cover(c, values[b], at + 1);
	if (c->removal && !(*slot & FIB_NODE))
		tidy_path(c);
	return 0;
}

static void chain_put(const struct change *c, uint32_t entry, uint32_t at)
{
	while (entry & FIB_NODE) {
		uint32_t next = 0;
		uint32_t count;
		uint32_t *entries = entries_of(c->trie, entry, at, &count);

		for (uint32_t i = 0; i < count; i++)
			if (entries[i] & FIB_NODE)
				next = entries[i];
		fib_pool_put(c->trie->pool, entry & FIB_UNIT_MASK);
		entry = next;
		at++;
	}
}

/* From byte `from`, by `until`: the bytes of the address that lie in one half with until - 1. */
static struct fib_skip skip_of(uint64_t half_word, uint32_t until, uint32_t fallback)
{
	uint32_t half = until > 8;
	uint32_t shift = 64 - 8 * (until - 8 * half);

	return (struct fib_skip){
		.prefix = half_word >> shift << shift,
		.fallback = fallback,
		.until = (uint8_t)until,
		.half = (uint8_t)half,
		.shift = (uint8_t)shift,
	};
}

static uint64_t half_word(const uint8_t *addr, uint32_t until)
{
	uint64_t word;

	memcpy(&word, addr + (until > 8 ? 8 : 0), sizeof(word));
	return __builtin_bswap64(word);
}

/* One node for byte `k`, and in IPv6 for all bytes from `at` on before it. */
static uint32_t chain_link(const struct change *c, const uint32_t values[PLACES], uint32_t fill,
			   uint32_t at, uint32_t k)
{
	struct fib_skip skip;

	if (at == k)
		return node_new(c, NULL, values, k);
	skip = skip_of(half_word(c->addr, k), k, fill);
	return node_new(c, &skip, values, k);
}

/*
 * Nodes from byte `at` down to the last one of the prefix, filled with what was there. A skip ends
 * with the half of the address at the latest, so that there are two nodes at most in IPv6. (IPv4
 * has one byte to go, or two with a dense node first.)
 */
static uint32_t chain_new(const struct change *c, uint32_t fill, uint32_t at)
{
	uint32_t last = (c->length - 1) / 8;
	uint32_t middle = c->trie->dense_at ? at : 8;
	uint32_t values[PLACES];
	uint32_t count;
	uint32_t first = range(c, last, &count);
	uint32_t entry;

	for (uint32_t b = 0; b < PLACES; b++)
		values[b] = b >= first && b < first + count ? c->leaf : fill;
	if (last <= middle || at > middle)
		return chain_link(c, values, fill, at, last);
	entry = chain_link(c, values, fill, middle + 1, last);
	if (entry == 0)
		return 0;
	for (uint32_t b = 0; b < PLACES; b++)
		values[b] = b == c->addr[middle] ? entry : fill;
	first = chain_link(c, values, fill, at, middle);
	if (first == 0)
		chain_put(c, entry, middle + 1);
	return first;
}

/*
 * The chain that a node with a skip stands for, in parts: up to byte m, a node there, and the rest
 * behind it. Gives the same results, so that it is published at once.
 */
static int split(const struct change *c, uint32_t *slot, uint32_t at, uint32_t m)
{
	uint32_t old = *slot;
	const struct fib_skip *skip = skip_at(c->trie, old);
	struct fib_skip part = skip_of(skip->prefix, skip->until, skip->fallback);
	uint32_t way = skip->prefix >> (56 - 8 * (m % 8)) & 255;
	uint32_t values[PLACES];
	uint32_t below;
	uint32_t entry;

	expand(c->trie, old, skip->until, values);
	below = node_new(c, m + 1 < skip->until ? &part : NULL, values, skip->until);
	if (below == 0)
		return -ENOSPC;
	for (uint32_t b = 0; b < PLACES; b++)
		values[b] = b == way ? below : skip->fallback;
	part = skip_of(skip->prefix, m, skip->fallback);
	entry = node_new(c, m > at ? &part : NULL, values, m);
	if (entry == 0) {
		fib_pool_put(c->trie->pool, below & FIB_UNIT_MASK);
		return -ENOSPC;
	}
	publish(slot, entry);
	fib_pool_retire(c->trie->pool, old & FIB_UNIT_MASK);
	return 0;
}

/* The byte at which the prefix ends within a skip or leaves it, or skip->until. */
static uint32_t leaves_at(const struct change *c, const struct fib_skip *skip, uint32_t at)
{
	uint32_t last = (c->length - 1) / 8;

	for (; at < skip->until && at < last; at++)
		if (c->addr[at] != (uint8_t)(skip->prefix >> (56 - 8 * (at % 8))))
			break;
	return at;
}

/* No node is there for byte `at`: the entry in `slot` (of byte at - 1's node) is a leaf. */
static int grow(const struct change *c, uint32_t fill, uint32_t at)
{
	uint32_t values[PLACES];
	uint32_t chain;
	int rc;

	if (!replaces(c, fill))
		return 0; /* longer prefixes fill the place */
	chain = chain_new(c, fill, at);
	if (chain == 0)
		return -ENOSPC;
	if (c->depth == 0) {
		publish(c->slots[0], chain);
		return 0;
	}
	expand(c->trie, *c->slots[c->depth - 1], at - 1, values);
	values[c->addr[at - 1]] = chain;
	rc = store(c, c->slots[c->depth - 1], at - 1, values);
	if (rc)
		chain_put(c, chain, at);
	return rc;
}

static void change_root(const struct change *c, uint32_t *root)
{
	uint32_t count = 1u << (16 - c->length);
	uint32_t first = ((uint32_t)c->addr[0] << 8 | c->addr[1]) & ~(count - 1);

	for (uint32_t i = first; i < first + count; i++) {
		if (root[i] & FIB_NODE)
			cover(c, root[i], 2);
		else if (replaces(c, root[i]))
			publish(&root[i], c->leaf);
	}
}

static int change(struct change *c, uint32_t domain)
{
	uint32_t *root = c->trie->roots + (uint64_t)domain * FIB_ROOT_ENTRIES;
	uint32_t at = 2;
	uint32_t *slot;

	if (c->length <= 16) {
		change_root(c, root);
		return 0;
	}
	slot = &root[(uint32_t)c->addr[0] << 8 | c->addr[1]];
	for (;; at++) {
		struct fib_node *node;

		c->slots[c->depth] = slot;
		if (!(*slot & FIB_NODE))
			return grow(c, *slot, at);
		if (*slot & FIB_SKIP) {
			const struct fib_skip *skip = skip_at(c->trie, *slot);
			uint32_t leaves = leaves_at(c, skip, at);
			int rc = leaves < skip->until ? split(c, slot, at, leaves) : 0;

			if (rc)
				return rc;
			at = leaves;
		}
		c->depth++;
		if (c->length <= 8 * (at + 1))
			return change_last_node(c, at);
		node = node_at(c->trie, *slot);
		if (is_dense(c->trie, at))
			slot = (uint32_t *)node + c->addr[at];
		else
			slot = &node->entries[fib_node_index(node, c->addr[at])];
	}
}

int fib_trie_set(struct fib_trie *trie, const struct fib_trie_route *route, uint32_t reserve)
{
	struct change c = {
		.trie = trie,
		.addr = route->addr,
		.length = route->length,
		.leaf = leaf_of(route->length, route->nexthop),
		.reserve = reserve,
	};

	return change(&c, route->domain);
}

int fib_trie_del(struct fib_trie *trie, const struct fib_trie_route *route,
		 const struct fib_trie_route *cover_route)
{
	struct change c = {
		.trie = trie,
		.addr = route->addr,
		.length = route->length,
		.leaf = cover_route->nexthop ? leaf_of(cover_route->length, cover_route->nexthop)
					     : 0,
		.removal = true,
	};

	return change(&c, route->domain);
}
