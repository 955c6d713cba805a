#include "dataplane/frag/table.h"

#include <rte_malloc.h>
#include <rte_mbuf.h>
#include <rte_random.h>

#include <errno.h>
#include <string.h>

static uint32_t bucket_count(const struct frag_config *config)
{
	return rte_align32pow2(config->datagrams * 2);
}

size_t frag_table_memory(const struct frag_config *config)
{
	return sizeof(struct frag_table) + config->datagrams * sizeof(struct frag_datagram) +
	       config->pieces * sizeof(struct frag_piece) + bucket_count(config) * sizeof(uint32_t);
}

static void *alloc(const struct frag_config *config, size_t bytes)
{
	return rte_zmalloc_socket("frag", bytes, 64, config->socket);
}

int frag_table_new(struct frag_table **out, const struct frag_config *config)
{
	struct frag_table *t;

	if (config->datagrams == 0 || config->pieces < 2 || config->per_source == 0 ||
	    config->per_source > UINT16_MAX || config->tsc_hz == 0)
		return -EINVAL;
	t = alloc(config, sizeof(*t));
	if (!t)
		return -ENOMEM;
	t->config = *config;
	t->timeout_tsc =
		config->tsc_hz / 1000 * (config->timeout_ms ? config->timeout_ms : FRAG_TIMEOUT_MS);
	t->seed = rte_rand();
	t->bucket_mask = bucket_count(config) - 1;
	t->datagrams = alloc(config, config->datagrams * sizeof(*t->datagrams));
	t->pieces = alloc(config, config->pieces * sizeof(*t->pieces));
	t->buckets = alloc(config, (t->bucket_mask + 1) * sizeof(*t->buckets));
	if (!t->datagrams || !t->pieces || !t->buckets) {
		frag_table_free(t);
		return -ENOMEM;
	}
	memset(t->buckets, 0xff, (t->bucket_mask + 1) * sizeof(*t->buckets));
	for (uint32_t i = 0; i < config->datagrams; i++)
		t->datagrams[i].chain = i + 1 < config->datagrams ? i + 1 : FRAG_NONE;
	for (uint32_t i = 0; i < config->pieces; i++)
		t->pieces[i].next = i + 1 < config->pieces ? i + 1 : FRAG_NONE;
	t->oldest = t->newest = FRAG_NONE;
	for (uint32_t i = 0; i < FRAG_SOURCES; i++)
		t->sources[i] = (struct frag_source){ FRAG_NONE, FRAG_NONE, 0 };
	*out = t;
	return 0;
}

void frag_table_free(struct frag_table *t)
{
	if (!t)
		return;
	while (t->datagrams && t->held)
		frag_table_del(t, &t->datagrams[t->oldest]);
	rte_free(t->datagrams);
	rte_free(t->pieces);
	rte_free(t->buckets);
	rte_free(t);
}

static uint64_t mix(uint64_t h, uint64_t word)
{
	h = (h ^ word) * UINT64_C(0x9e3779b97f4a7c15);
	return h ^ h >> 32;
}

static uint64_t hash_of(uint64_t seed, const void *bytes, size_t n)
{
	const uint8_t *p = bytes;
	uint64_t h = seed;

	for (size_t i = 0; i < n; i += 8) {
		uint64_t word;

		memcpy(&word, p + i, sizeof(word));
		h = mix(h, word);
	}
	return mix(h, seed);
}

struct frag_datagram *frag_table_find(struct frag_table *t, const struct frag_key *key,
				      uint32_t *hash)
{
	uint32_t at;

	_Static_assert(sizeof(*key) % 4 == 0, "no padding");
	*hash = (uint32_t)hash_of(t->seed, key, sizeof(*key) & ~(size_t)7) ^
		(uint32_t)mix(t->seed, (uint64_t)key->family << 8 | key->protocol);
	for (at = t->buckets[*hash & t->bucket_mask]; at != FRAG_NONE; at = t->datagrams[at].chain)
		if (t->datagrams[at].hash == *hash &&
		    memcmp(&t->datagrams[at].key, key, sizeof(*key)) == 0)
			return &t->datagrams[at];
	return NULL;
}

static void give_up(struct frag_table *t, uint32_t oldest, uint32_t *dropped)
{
	struct frag_datagram *d = &t->datagrams[oldest];
	uint32_t n = frag_table_empty(t, d);

	t->counts.evicted += n;
	*dropped += n;
	frag_table_del(t, d);
}

struct frag_datagram *frag_table_add(struct frag_table *t, const struct frag_key *key,
				     uint32_t hash, uint64_t now_tsc, uint32_t *dropped)
{
	uint32_t source = (uint32_t)hash_of(t->seed, key->src, 16) % FRAG_SOURCES;
	uint32_t *bucket = &t->buckets[hash & t->bucket_mask];
	struct frag_source *own = &t->sources[source];
	struct frag_datagram *d;
	uint32_t at;

	/* Not the new one: who forges a source could then shut the real one out. */
	if (own->count >= t->config.per_source)
		give_up(t, own->oldest, dropped);
	if (t->free_datagram == FRAG_NONE)
		give_up(t, t->oldest, dropped);
	at = t->free_datagram;
	d = &t->datagrams[at];
	t->free_datagram = d->chain;
	*d = (struct frag_datagram){
		.key = *key,
		.born_tsc = now_tsc,
		.hash = hash,
		.chain = *bucket,
		.older = t->newest,
		.newer = FRAG_NONE,
		.source_newer = FRAG_NONE,
		.first = FRAG_NONE,
		.last = FRAG_NONE,
		.source = (uint16_t)source,
	};
	*bucket = at;
	if (t->newest == FRAG_NONE)
		t->oldest = at;
	else
		t->datagrams[t->newest].newer = at;
	t->newest = at;
	if (own->newest == FRAG_NONE)
		own->oldest = at;
	else
		t->datagrams[own->newest].source_newer = at;
	own->newest = at;
	own->count++;
	return d;
}

uint32_t frag_table_empty(struct frag_table *t, struct frag_datagram *d)
{
	uint32_t n = 0;

	while (d->first != FRAG_NONE) {
		uint32_t piece = d->first;

		d->first = t->pieces[piece].next;
		rte_pktmbuf_free(t->pieces[piece].m);
		frag_table_put_piece(t, piece);
		n++;
	}
	d->last = FRAG_NONE;
	d->count = 0;
	return n;
}

/* Mostly it is the oldest of its source; the list is as short as a source's share. */
static void leave_source(struct frag_table *t, struct frag_source *own, uint32_t at)
{
	uint32_t before = FRAG_NONE;

	for (uint32_t i = own->oldest; i != at; i = t->datagrams[i].source_newer)
		before = i;
	if (before == FRAG_NONE)
		own->oldest = t->datagrams[at].source_newer;
	else
		t->datagrams[before].source_newer = t->datagrams[at].source_newer;
	if (own->newest == at)
		own->newest = before;
	own->count--;
}

void frag_table_del(struct frag_table *t, struct frag_datagram *d)
{
	uint32_t at = (uint32_t)(d - t->datagrams);
	uint32_t *link = &t->buckets[d->hash & t->bucket_mask];

	frag_table_empty(t, d);
	while (*link != at)
		link = &t->datagrams[*link].chain;
	*link = d->chain;
	if (d->older == FRAG_NONE)
		t->oldest = d->newer;
	else
		t->datagrams[d->older].newer = d->newer;
	if (d->newer == FRAG_NONE)
		t->newest = d->older;
	else
		t->datagrams[d->newer].older = d->older;
	leave_source(t, &t->sources[d->source], at);
	d->chain = t->free_datagram;
	t->free_datagram = at;
}

uint32_t frag_table_piece(struct frag_table *t, const struct frag_datagram *d, uint32_t *dropped)
{
	uint32_t piece;

	while (t->free_piece == FRAG_NONE) {
		if (&t->datagrams[t->oldest] == d)
			return FRAG_NONE;
		give_up(t, t->oldest, dropped);
	}
	piece = t->free_piece;
	t->free_piece = t->pieces[piece].next;
	t->held++;
	return piece;
}

void frag_table_put_piece(struct frag_table *t, uint32_t piece)
{
	t->pieces[piece].m = NULL;
	t->pieces[piece].next = t->free_piece;
	t->free_piece = piece;
	t->held--;
}

uint32_t frag_held(const struct frag_table *t)
{
	return t->held;
}

const struct frag_counts *frag_counts(const struct frag_table *t)
{
	return &t->counts;
}
