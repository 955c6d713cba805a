#include "dataplane/capture/capture.h"

#include "net/header.h"

#include <rte_byteorder.h>
#include <rte_rcu_qsbr.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct capture_store {
	struct capture_table **published;
	struct rte_rcu_qsbr *qsbr;
	struct contract_capture *records[CONTRACT_CAPTURES]; /* rules and bits follow */
	uint32_t count;
};

static const struct contract_capture_rule *rules_of(const struct contract_capture *c)
{
	return (const struct contract_capture_rule *)(c + 1);
}

static size_t bytes_of(const struct contract_capture *c)
{
	return sizeof(*c) + c->rules * sizeof(struct contract_capture_rule) +
	       c->tunnel_words * sizeof(uint64_t);
}

static uint32_t mask4(const struct net_prefix *prefix)
{
	if (!prefix->addr.family || !prefix->length)
		return 0;
	return rte_cpu_to_be_32(UINT32_MAX << (32 - prefix->length));
}

static uint32_t value4(const struct net_prefix *prefix)
{
	uint32_t value;

	memcpy(&value, prefix->addr.bytes, sizeof(value));
	return value & mask4(prefix);
}

/* Fields in the order of the header: source below, destination above. */
static struct capture_gate gate_of(const struct contract_capture_rule *rule, bool back)
{
	const struct net_prefix *src = back ? &rule->dst : &rule->src;
	const struct net_prefix *dst = back ? &rule->src : &rule->dst;
	uint16_t src_port = back ? rule->dst_port : rule->src_port;
	uint16_t dst_port = back ? rule->src_port : rule->dst_port;

	return (struct capture_gate){
		.address_mask = mask4(src) | (uint64_t)mask4(dst) << 32,
		.address = value4(src) | (uint64_t)value4(dst) << 32,
		.rest_mask = (src_port ? UINT16_MAX : 0u) |
			     (uint64_t)(dst_port ? UINT16_MAX : 0u) << 16 |
			     (uint64_t)(rule->protocol ? UINT8_MAX : 0u) << 32,
		.rest = rte_cpu_to_be_16(src_port) | (uint64_t)rte_cpu_to_be_16(dst_port) << 16 |
			(uint64_t)rule->protocol << 32,
	};
}

static void add_gates(struct capture_table *table, const struct capture_item *item)
{
	if (!item->as.rules)
		table->open4 = table->open6 = true;
	for (uint32_t i = 0; i < item->as.rules; i++) {
		const struct contract_capture_rule *rule = &item->rules[i];
		uint8_t family = rule->src.addr.family | rule->dst.addr.family;

		if (family != NET_IP4)
			table->open6 = true;
		if (family == NET_IP6)
			continue;
		if (table->gates + 2 > sizeof(table->gate) / sizeof(table->gate[0])) {
			table->open4 = true;
			return;
		}
		table->gate[table->gates++] = gate_of(rule, false);
		if (!item->as.single)
			table->gate[table->gates++] = gate_of(rule, true);
	}
}

/* Rows of tunnels together, while each capture has one. */
static int add_tunnels(struct capture_table *table, const struct capture_store *store)
{
	uint32_t words = 0;

	for (uint32_t id = 1; id < CONTRACT_CAPTURES; id++) {
		const struct contract_capture *c = store->records[id];

		if (!c)
			continue;
		if (!c->tunnel_words || c->what & CONTRACT_CAPTURE_STEPS)
			return 0;
		words = c->tunnel_words > words ? c->tunnel_words : words;
	}
	table->tunnels = calloc(words, sizeof(uint64_t));
	if (!table->tunnels)
		return -ENOMEM;
	table->tunnel_words = words;
	for (uint32_t id = 1; id < CONTRACT_CAPTURES; id++)
		for (uint32_t i = 0; store->records[id] && i < table->items[id].as.tunnel_words;
		     i++)
			table->tunnels[i] |= table->items[id].tunnels[i];
	return 0;
}

static void add_item(struct capture_table *table, const struct contract_capture *c)
{
	struct capture_item *item = &table->items[c->id];
	uint32_t bit = 1u << c->id;

	item->as = *c;
	item->rules = rules_of(c);
	item->tunnels = c->tunnel_words ? (const uint64_t *)(item->rules + c->rules) : NULL;
	if (c->what & ~CONTRACT_CAPTURE_IKE)
		table->inner |= bit;
	if (c->what & CONTRACT_CAPTURE_IKE)
		table->ike |= bit;
	if (c->what & CONTRACT_CAPTURE_STEPS)
		table->steps |= bit;
	if (c->what & CONTRACT_CAPTURE_OUTER && !c->rules)
		table->outer |= bit;
	if (c->what & ~CONTRACT_CAPTURE_IKE)
		add_gates(table, item);
}

static void table_free(struct capture_table *table)
{
	if (table)
		free(table->tunnels);
	free(table);
}

static uint64_t half_of(uint64_t word, uint32_t half)
{
	return word & (half ? ~(uint64_t)UINT32_MAX : UINT32_MAX);
}

static uint32_t bits_of(const struct capture_gate *gate, uint32_t half)
{
	return (uint32_t)__builtin_popcountll(half_of(gate->address_mask, half));
}

/* The first gate by one of its addresses, the second by the other one; false: it has none there. */
static bool halve(struct capture_sieve *s, const struct capture_table *table, uint32_t half)
{
	const struct capture_gate *first = &table->gate[0];
	const struct capture_gate *second = &table->gate[1];
	uint64_t nothing = half_of(UINT64_MAX, !half); /* no packet is that, masked with 0 */

	if (!bits_of(first, half) || (table->gates == 2 && !bits_of(second, !half)))
		return false;
	s->mask[0] = half_of(first->address_mask, half);
	s->value[0] = half_of(first->address, half);
	s->mask[0] |= table->gates == 2 ? half_of(second->address_mask, !half) : 0;
	s->value[0] |= table->gates == 2 ? half_of(second->address, !half) : nothing;
	s->mask[1] = s->mask[0];
	s->value[1] = s->value[0];
	s->part = CAPTURE_ONE_ADDRESS;
	return true;
}

/* By the address that tells more, if gates can be told apart so. */
static bool halve_better(struct capture_sieve *s, const struct capture_table *table)
{
	uint32_t half = bits_of(&table->gate[0], 1) > bits_of(&table->gate[0], 0);

	return halve(s, table, half) || halve(s, table, !half);
}

static uint64_t part_mask(const struct capture_gate *gate, enum capture_part part)
{
	switch (part) {
	case CAPTURE_ADDRESSES:
		return gate->address_mask;
	case CAPTURE_PORTS:
		return (uint32_t)gate->rest_mask;
	default:
		return gate->rest_mask >> 32;
	}
}

static uint64_t part_value(const struct capture_gate *gate, enum capture_part part)
{
	if (part == CAPTURE_ADDRESSES)
		return gate->address;
	return part == CAPTURE_PORTS ? (uint32_t)gate->rest : gate->rest >> 32;
}

/* Addresses tell more than ports, those more than protocols; each gate must have some. */
static void add_sieve(struct capture_table *table)
{
	struct capture_sieve *s = &table->sieve;

	s->open6 = table->open6;
	if (table->open4 || table->gates < 1 || table->gates > 2)
		return;
	s->usable = halve_better(s, table);
	if (s->usable)
		return;
	for (int part = CAPTURE_PROTOCOL; part >= CAPTURE_ADDRESSES; part--) {
		bool all = true;

		for (uint32_t i = 0; i < table->gates; i++)
			all &= part_mask(&table->gate[i], (enum capture_part)part) != 0;
		if (all)
			s->part = (uint8_t)part;
		s->usable |= all;
	}
	for (uint32_t i = 0; i < 2; i++) {
		const struct capture_gate *gate = &table->gate[i % table->gates];

		s->mask[i] = part_mask(gate, (enum capture_part)s->part);
		s->value[i] = part_value(gate, (enum capture_part)s->part);
	}
}

static int publish(struct capture_store *store)
{
	struct capture_table *was = *store->published;
	struct capture_table *now = NULL;

	if (store->count) {
		now = calloc(1, sizeof(*now));
		if (!now)
			return -ENOMEM;
		for (uint32_t id = 1; id < CONTRACT_CAPTURES; id++)
			if (store->records[id])
				add_item(now, store->records[id]);
		add_sieve(now);
		if (add_tunnels(now, store)) {
			free(now);
			return -ENOMEM;
		}
	}
	__atomic_store_n(store->published, now, __ATOMIC_RELEASE);
	if (was && store->qsbr)
		rte_rcu_qsbr_synchronize(store->qsbr, RTE_QSBR_THRID_INVALID);
	table_free(was);
	return 0;
}

int capture_init(struct capture_store **to, struct capture_table **published,
		 struct rte_rcu_qsbr *qsbr)
{
	struct capture_store *store = calloc(1, sizeof(*store));

	if (!store)
		return -ENOMEM;
	store->published = published;
	store->qsbr = qsbr;
	*to = store;
	return 0;
}

void capture_fini(struct capture_store *store)
{
	if (!store)
		return;
	capture_clear(store);
	free(store);
}

int capture_set(struct capture_store *store, const struct contract_capture *capture)
{
	struct contract_capture **at = &store->records[capture->id];
	struct contract_capture *was = *at;
	struct contract_capture *now = NULL;
	int err;

	if (capture->what) {
		now = malloc(bytes_of(capture));
		if (!now)
			return -ENOMEM;
		memcpy(now, capture, bytes_of(capture));
	} else if (!was) {
		return -ENOENT;
	}
	*at = now;
	store->count += (now != NULL) - (was != NULL);
	err = publish(store);
	if (err) {
		*at = was;
		store->count -= (now != NULL) - (was != NULL);
		free(now);
		return err;
	}
	free(was);
	return 0;
}

void capture_clear(struct capture_store *store)
{
	for (uint32_t id = 1; id < CONTRACT_CAPTURES; id++) {
		struct contract_capture none = { .id = id };

		/* The last one needs no memory to go, and with all gone there is no table. */
		if (store->records[id] && capture_set(store, &none))
			continue;
	}
}

uint32_t capture_count(const struct capture_store *store)
{
	return store->count;
}
