#include "net/prefix_set.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void net_prefix_set_init(struct net_prefix_set *set)
{
	*set = (struct net_prefix_set){ 0 };
}

void net_prefix_set_fini(struct net_prefix_set *set)
{
	free(set->items);
	*set = (struct net_prefix_set){ 0 };
}

/* Index of the first member that is not below `prefix`. */
static size_t lower_bound(const struct net_prefix_set *set, const struct net_prefix *prefix)
{
	size_t low = 0, high = set->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (net_prefix_compare(&set->items[middle], prefix) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static bool is_at(const struct net_prefix_set *set, size_t at, const struct net_prefix *prefix)
{
	return at < set->count && net_prefix_compare(&set->items[at], prefix) == 0;
}

static int reserve(struct net_prefix_set *set, size_t more)
{
	size_t capacity = set->capacity ? set->capacity : 16;
	struct net_prefix *items;

	if (set->capacity - set->count >= more)
		return 0;
	while (capacity - set->count < more)
		capacity *= 2;
	items = reallocarray(set->items, capacity, sizeof(*items));
	if (!items)
		return -ENOMEM;
	set->items = items;
	set->capacity = capacity;
	return 0;
}

int net_prefix_set_add(struct net_prefix_set *set, const struct net_prefix *prefix)
{
	size_t at = lower_bound(set, prefix);
	int rc;

	if (is_at(set, at, prefix))
		return 0;
	rc = reserve(set, 1);
	if (rc)
		return rc;
	memmove(set->items + at + 1, set->items + at, (set->count - at) * sizeof(*set->items));
	set->items[at] = *prefix;
	set->count++;
	return 0;
}

static int compare_items(const void *a, const void *b)
{
	return net_prefix_compare(a, b);
}

int net_prefix_set_add_many(struct net_prefix_set *set, const struct net_prefix *prefixes,
			    size_t count)
{
	size_t kept = 0;
	int rc = reserve(set, count);

	if (rc || !count)
		return rc;
	memcpy(set->items + set->count, prefixes, count * sizeof(*prefixes));
	set->count += count;
	qsort(set->items, set->count, sizeof(*set->items), compare_items);
	for (size_t i = 1; i < set->count; i++)
		if (net_prefix_compare(&set->items[kept], &set->items[i]) != 0)
			set->items[++kept] = set->items[i];
	set->count = kept + 1;
	return 0;
}

bool net_prefix_set_del(struct net_prefix_set *set, const struct net_prefix *prefix)
{
	size_t at = lower_bound(set, prefix);

	if (!is_at(set, at, prefix))
		return false;
	set->count--;
	memmove(set->items + at, set->items + at + 1, (set->count - at) * sizeof(*set->items));
	return true;
}

bool net_prefix_set_has(const struct net_prefix_set *set, const struct net_prefix *prefix)
{
	return is_at(set, lower_bound(set, prefix), prefix);
}

/* How many leading bits two addresses of one family share. */
static uint8_t shared_bits(const struct net_addr *a, const struct net_addr *b)
{
	size_t n = net_addr_len(a), i = 0;
	uint8_t differ;

	while (i < n && a->bytes[i] == b->bytes[i])
		i++;
	if (i == n)
		return (uint8_t)(n * 8);
	differ = a->bytes[i] ^ b->bytes[i];
	return (uint8_t)(i * 8 + (size_t)__builtin_clz(differ) - 24);
}

/*
 * The longest member that covers `want`. Members that cover it form a chain, and the last member
 * not above `want` is the longest of them or lies inside it: then the longest is no longer than
 * what that member shares with `want`, and the search goes on from there.
 */
static const struct net_prefix *longest_cover(const struct net_prefix_set *set,
					      struct net_prefix want)
{
	for (;;) {
		size_t at = lower_bound(set, &want);
		const struct net_prefix *member;
		uint8_t shared;

		if (is_at(set, at, &want))
			return &set->items[at];
		if (!at)
			return NULL;
		member = &set->items[at - 1];
		if (member->addr.family != want.addr.family)
			return NULL;
		if (net_prefix_covers(member, &want))
			return member;
		shared = shared_bits(&member->addr, &want.addr);
		want = net_prefix_of(&want.addr, shared < want.length ? shared : want.length);
	}
}

const struct net_prefix *net_prefix_set_match(const struct net_prefix_set *set,
					      const struct net_addr *addr)
{
	return longest_cover(set, net_prefix_of(addr, (uint8_t)(net_addr_len(addr) * 8)));
}

const struct net_prefix *net_prefix_set_overlap(const struct net_prefix_set *set,
						const struct net_prefix *prefix)
{
	size_t at = lower_bound(set, prefix);

	/* Members inside `prefix` follow it directly in the order. */
	if (at < set->count && net_prefix_covers(prefix, &set->items[at]))
		return &set->items[at];
	return longest_cover(set, *prefix);
}
