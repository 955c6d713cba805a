/*
 * DOC: resilient tables
 *
 * A flow hash picks a bucket, a bucket holds a member. When members are added, removed or change
 * weight, only as many buckets change hands as the new shares demand: those of members that were
 * removed, then what the others have too much of. Which ones a member gets is decided by a score
 * over (bucket, member).
 *
 * A member of a group that has no weight for a while is still at home in its buckets: others stand
 * in for it, each in those that suit it best, and when it is back it has those buckets again and no
 * other. So a flow keeps its tunnel for as long as that lives, whatever becomes of its siblings,
 * and gets it back afterwards. Only the main lcore knows of homes.
 *
 * A table has 256 buckets, from 9 members on 1,024; it grows by repeating itself, which moves no
 * flow. A single member needs no table. Each bucket is one atomic word.
 */
#include "dataplane/fib/state.h"

#include <errno.h>
#include <stdlib.h>

#define LOG2_SMALL 8
#define LOG2_LARGE 10
#define SMALL_MEMBERS 8
#define NOBODY UINT32_MAX

struct shares {
	const struct contract_member *members[CONTRACT_MEMBERS_MAX]; /* with a weight */
	uint32_t quota[CONTRACT_MEMBERS_MAX];
	uint32_t have[CONTRACT_MEMBERS_MAX];
	uint32_t count;
	uint32_t buckets;
	uint32_t table[1u << LOG2_LARGE];
	uint32_t owner[1u << LOG2_LARGE]; /* index of the member, or NOBODY */
};

static uint32_t units_of(uint32_t log2)
{
	return (4u << log2) / FIB_UNIT_BYTES;
}

/* By largest remainder, at least one bucket each. */
static void set_quotas(struct shares *s)
{
	uint64_t remainder[CONTRACT_MEMBERS_MAX];
	uint64_t sum = 0;
	uint32_t left = s->buckets;

	for (uint32_t i = 0; i < s->count; i++)
		sum += s->members[i]->weight;
	for (uint32_t i = 0; i < s->count; i++) {
		uint64_t share = (uint64_t)s->members[i]->weight * s->buckets;

		s->quota[i] = share < sum ? 1 : (uint32_t)(share / sum);
		remainder[i] = share < sum ? 0 : share % sum;
		left -= s->quota[i];
	}
	/* Those that were rounded up to one bucket may have taken too many: from the largest. */
	for (; (int32_t)left < 0; left++) {
		uint32_t most = 0;

		for (uint32_t i = 1; i < s->count; i++)
			if (s->quota[i] > s->quota[most])
				most = i;
		s->quota[most]--;
	}
	for (; left > 0; left--) {
		uint32_t best = 0;

		for (uint32_t i = 1; i < s->count; i++)
			if (remainder[i] > remainder[best])
				best = i;
		s->quota[best]++;
		remainder[best] = 0;
	}
}

static uint32_t score(uint32_t bucket, uint32_t member)
{
	uint64_t h = ((uint64_t)member << 32 | (bucket + 1)) * UINT64_C(0x9e3779b97f4a7c15);

	h ^= h >> 29;
	return (uint32_t)((h * UINT64_C(0x9fb21c651e98df25)) >> 32);
}

static void give(struct shares *s, uint32_t bucket, uint32_t to)
{
	if (s->owner[bucket] != NOBODY)
		s->have[s->owner[bucket]]--;
	s->owner[bucket] = to;
	s->table[bucket] = s->members[to]->id;
	s->have[to]++;
}

/* Who suits a bucket best of those that lack one; with `all`, of all. */
static uint32_t best_of(const struct shares *s, uint32_t bucket, bool all)
{
	uint32_t best = NOBODY;

	for (uint32_t i = 0; i < s->count; i++)
		if ((all || s->have[i] < s->quota[i]) &&
		    (best == NOBODY ||
		     score(bucket, s->members[i]->id) > score(bucket, s->members[best]->id)))
			best = i;
	return best;
}

static void give_orphans(struct shares *s)
{
	for (uint32_t b = 0; b < s->buckets; b++) {
		uint32_t best = s->owner[b] == NOBODY ? best_of(s, b, false) : NOBODY;

		if (best != NOBODY)
			give(s, b, best);
	}
}

struct wish {
	int64_t gain; /* how much better the bucket suits the member than its owner */
	uint32_t bucket;
};

/* The best first, and of equals the first. */
static int compare_wishes(const void *a, const void *b)
{
	const struct wish *x = a;
	const struct wish *y = b;

	if (x->gain != y->gain)
		return x->gain > y->gain ? -1 : 1;
	return x->bucket < y->bucket ? -1 : 1;
}

/*
 * What the member lacks, of those whose owner has more than its share: the buckets that suit it
 * best. They are put in order once: a pair of tunnels is a table of many, and thousands of pairs
 * get a member back at the same time.
 */
static void take(struct shares *s, uint32_t to)
{
	struct wish wishes[1u << LOG2_LARGE];
	uint32_t count = 0;

	if (s->have[to] >= s->quota[to])
		return;
	for (uint32_t b = 0; b < s->buckets; b++) {
		uint32_t owner = s->owner[b];

		if (s->have[owner] > s->quota[owner])
			wishes[count++] = (struct wish){
				(int64_t)score(b, s->members[to]->id) -
					(int64_t)score(b, s->members[owner]->id),
				b,
			};
	}
	qsort(wishes, count, sizeof(wishes[0]), compare_wishes);
	for (uint32_t i = 0; i < count && s->have[to] < s->quota[to]; i++) {
		uint32_t owner = s->owner[wishes[i].bucket];

		if (s->have[owner] > s->quota[owner])
			give(s, wishes[i].bucket, to);
	}
}

static uint32_t index_of(const struct shares *s, uint32_t id)
{
	for (uint32_t i = 0; i < s->count; i++)
		if (s->members[i]->id == id)
			return i;
	return NOBODY;
}

static void load_owners(struct shares *s)
{
	for (uint32_t b = 0; b < s->buckets; b++) {
		s->owner[b] = index_of(s, s->table[b]);
		if (s->owner[b] != NOBODY)
			s->have[s->owner[b]]++;
	}
}

static void rebalance(struct shares *s)
{
	load_owners(s);
	set_quotas(s);
	give_orphans(s);
	for (uint32_t i = 0; i < s->count; i++)
		take(s, i);
}

/*
 * Who is at home in a bucket has it; else who suits it best of those with a weight stands in. That
 * is no matter of shares and not of what was there before: who goes and comes back moves nothing
 * but what was its own.
 */
static void settle(struct shares *s, const struct fib_home *home)
{
	for (uint32_t b = 0; b < s->buckets; b++) {
		uint32_t best = index_of(s, home->buckets[b]);

		if (best == NOBODY)
			best = best_of(s, b, true);
		s->table[b] = s->members[best]->id;
	}
}

static uint16_t weight_before(const struct fib_home *home, uint32_t id)
{
	for (uint32_t i = 0; home && i < home->count; i++)
		if (home->members[i].id == id)
			return home->members[i].weight;
	return 0;
}

/* The homes of all that are listed and ever had a weight: no more of them change than the list. */
static struct fib_home *home_of(const struct fib_table_want *want, uint32_t log2)
{
	const struct fib_home *before = *want->home;
	struct fib_home *home = malloc(sizeof(*home) + (sizeof(home->buckets[0]) << log2));
	struct shares s = { .buckets = 1u << log2 };

	if (!home)
		return NULL;
	home->log2 = log2;
	home->count = 0;
	for (uint32_t i = 0; i < want->count; i++) {
		struct contract_member *member = &home->members[home->count];

		*member = want->members[i];
		if (!member->weight)
			member->weight = weight_before(before, member->id);
		if (member->weight)
			s.members[home->count++] = member;
	}
	s.count = home->count;
	for (uint32_t b = 0; before && b < s.buckets; b++)
		s.table[b] = before->buckets[b & ((1u << before->log2) - 1)];
	if (s.count)
		rebalance(&s);
	memcpy(home->buckets, s.table, s.buckets * sizeof(s.table[0]));
	return home;
}

static void publish_word(fib_table_word *word, fib_table_word value)
{
	__atomic_store_n(word, value, __ATOMIC_RELEASE);
}

static void replace(struct fib *fib, fib_table_word *word, fib_table_word value)
{
	fib_table_word old = *word;

	if (old == value)
		return;
	publish_word(word, value);
	if (old >> 32) {
		fib->table_units -= units_of((uint32_t)(old >> 32));
		fib_pool_retire(&fib->pool, (uint32_t)old);
	}
}

void fib_table_drop(struct fib *fib, fib_table_word *word)
{
	replace(fib, word, 0);
}

static int publish_table(struct fib *fib, fib_table_word *word, const struct shares *s,
			 uint32_t log2)
{
	uint32_t unit;

	if (*word >> 32 == log2) {
		uint32_t *buckets = fib_pool_at(&fib->pool, (uint32_t)*word);

		for (uint32_t b = 0; b < s->buckets; b++)
			if (buckets[b] != s->table[b])
				__atomic_store_n(&buckets[b], s->table[b], __ATOMIC_RELEASE);
		return 0;
	}
	unit = fib_pool_get(&fib->pool, log2 - 4, 0);
	if (unit == FIB_POOL_NONE)
		return fib_refuse(fib, -ENOSPC, "no memory for a table of %u buckets", s->buckets);
	memcpy(fib_pool_at(&fib->pool, unit), s->table, s->buckets * sizeof(s->table[0]));
	fib->table_units += units_of(log2);
	replace(fib, word, (uint64_t)log2 << 32 | unit);
	return 0;
}

/* What the word gives now, repeated to the new size; a single member has all buckets. */
static void load_table(const struct fib *fib, struct shares *s, fib_table_word word)
{
	for (uint32_t b = 0; b < s->buckets; b++)
		s->table[b] = fib_table_pick(&fib->hot, word, b);
}

static int check_members(struct fib *fib, const struct contract_member *members, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		if (members[i].id == 0)
			return fib_refuse(fib, -EINVAL, "member %u has id 0", i);
		for (uint32_t k = 0; k < i; k++)
			if (members[k].id == members[i].id)
				return fib_refuse(fib, -EINVAL, "member %u is listed twice",
						  members[i].id);
	}
	return 0;
}

static int follow(struct fib *fib, fib_table_word *word, struct shares *s,
		  const struct fib_home *home, uint32_t log2)
{
	if (s->count < 2) {
		replace(fib, word, s->count ? s->members[0]->id : 0);
		return 0;
	}
	s->buckets = 1u << log2;
	if (home) {
		settle(s, home);
	} else {
		load_table(fib, s, *word);
		rebalance(s);
	}
	return publish_table(fib, word, s, log2);
}

int fib_table_update(struct fib *fib, fib_table_word *word, const struct fib_table_want *want)
{
	struct shares s = { 0 };
	uint32_t log2 = want->count > SMALL_MEMBERS ? LOG2_LARGE : LOG2_SMALL;
	struct fib_home *home = NULL;
	int rc = check_members(fib, want->members, want->count);

	if (rc)
		return rc;
	for (uint32_t i = 0; i < want->count; i++)
		if (want->members[i].weight && !(want->avoid >> i & 1))
			s.members[s.count++] = &want->members[i];
	if (*word >> 32 > log2)
		log2 = (uint32_t)(*word >> 32);
	if (want->home && *want->home && (*want->home)->log2 > log2)
		log2 = (*want->home)->log2;
	if (want->home && want->count > 1) {
		home = home_of(want, log2);
		if (!home)
			return fib_refuse(fib, -ENOMEM, "no memory for the homes of a group");
	}
	rc = follow(fib, word, &s, home, log2);
	if (rc || !home) {
		free(home);
		return rc;
	}
	free(*want->home);
	*want->home = home;
	return 0;
}
