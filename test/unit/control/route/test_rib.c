/*
 * Who may have a source in a prefix, and that the data plane is told.
 */
#include "cmocka_all.h"
#include "control/requests/desired.h"
#include "control/route/rib.h"
#include "fake_dataplane.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

struct world {
	struct event_loop *loop;
	struct fake_dataplane fake;
	struct desired *desired;
	struct nexthop_table *nexthops;
	struct source_table *sources;
	struct rib *rib;
	bool ready;
};

static void on_ready(void *context, bool same)
{
	((struct world *)context)->ready = true;
}

static void on_event(void *context, const struct contract_header *message)
{
}

static void on_lost(void *context)
{
}

static void on_refused(void *context, enum contract_kind kind, uint32_t id, const char *reason)
{
	fail_msg("refused: %s", reason);
}

static bool is_ready(void *context)
{
	return ((struct world *)context)->ready;
}

static int setup(void **state)
{
	struct world *w = calloc(1, sizeof(*w));
	struct desired_hooks hooks = { w, on_ready, on_lost, on_event, on_refused };

	assert_int_equal(event_loop_new(&w->loop), 0);
	fake_start(&w->fake, w->loop);
	assert_int_equal(desired_new(&w->desired, w->loop, w->fake.path, &hooks), 0);
	assert_int_equal(nexthop_table_new(&w->nexthops, w->desired), 0);
	assert_int_equal(source_table_new(&w->sources), 0);
	assert_int_equal(rib_new(&w->rib, w->desired, w->nexthops, w->sources, 0), 0);
	fake_run_until(w->loop, is_ready, w);
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;

	rib_free(w->rib);
	nexthop_table_free(w->nexthops);
	source_table_free(w->sources);
	desired_free(w->desired);
	fake_fini(&w->fake);
	event_loop_free(w->loop);
	free(w);
	return 0;
}

static struct net_prefix prefix_of(const char *text)
{
	struct net_prefix prefix;

	assert_int_equal(net_prefix_parse(&prefix, text), 0);
	return prefix;
}

/* Ids end with 0. */
static const struct source_set *set_of(struct world *w, ...)
{
	const struct source_set *set;
	uint32_t ids[128];
	uint32_t n = 0;
	va_list args;

	va_start(args, w);
	while ((ids[n] = va_arg(args, uint32_t)))
		n++;
	va_end(args);
	assert_int_equal(source_set_get(w->sources, ids, n, &set), 0);
	return set;
}

static void add(struct world *w, const char *text, enum rib_source source,
		const struct source_set *sources)
{
	bool tunnel = source == RIB_TUNNEL || (source == RIB_LINUX && sources);
	struct contract_nexthop spec = {
		.kind = tunnel ? CONTRACT_NEXTHOP_GROUP : CONTRACT_NEXTHOP_CONNECTED,
		.port = tunnel ? 0 : source + 1,
		.target = tunnel ? 7 : 0,
	};
	struct rib_candidate candidate = { .source = source, .sources = sources };
	struct net_prefix prefix = prefix_of(text);

	assert_int_equal(nexthop_get(w->nexthops, 0, &spec, sources, &candidate.nexthop), 0);
	assert_int_equal(rib_set(w->rib, &prefix, &candidate), 0);
}

static void delete (struct world *w, const char *text, enum rib_source source)
{
	struct net_prefix prefix = prefix_of(text);

	rib_delete(w->rib, &prefix, source, 0, 0);
}

static void announced(struct world *w, const char *text, const struct source_set *sources)
{
	struct net_prefix prefix = prefix_of(text);

	assert_int_equal(rib_announced_set(w->rib, &prefix, sources), 0);
}

#define allowed(w, text, set) allowed_at(w, text, set, __LINE__)
static void allowed_at(struct world *w, const char *text, const struct source_set *set, int line)
{
	struct net_prefix prefix = prefix_of(text);
	const struct source_set *is = rib_allowed(w->rib, &prefix);

	if (is != set)
		fail_msg("%s in line %d: %u sources, the first is %u", text, line,
			 is ? is->count : 0, is ? is->ids[0] : 0);
}

static void all_of_the_same_prefix(void **state)
{
	struct world *w = *state;

	add(w, "10.20.0.0/16", RIB_TUNNEL, set_of(w, 1, 0));
	allowed(w, "10.20.0.0/16", set_of(w, 1, 0));
	add(w, "10.20.0.0/16", RIB_LINUX, set_of(w, 2, 5, 0));
	allowed(w, "10.20.0.0/16", set_of(w, 5, 1, 2, 1, 0));
	add(w, "10.20.0.0/16", RIB_CIRCUIT, NULL); /* best, and takes nobody's right away */
	allowed(w, "10.20.0.0/16", set_of(w, 1, 2, 5, 0));
	announced(w, "10.20.0.0/16", set_of(w, 9, 0));
	allowed(w, "10.20.0.0/16", set_of(w, 1, 2, 5, 9, 0));
	delete (w, "10.20.0.0/16", RIB_LINUX);
	announced(w, "10.20.0.0/16", NULL);
	allowed(w, "10.20.0.0/16", set_of(w, 1, 0));
	delete (w, "10.20.0.0/16", RIB_TUNNEL);
	allowed(w, "10.20.0.0/16", NULL);
}

static void wider_ones_count(void **state)
{
	struct world *w = *state;

	add(w, "10.20.7.0/24", RIB_CIRCUIT, NULL);
	allowed(w, "10.20.7.0/24", NULL);
	add(w, "10.0.0.0/8", RIB_TUNNEL, set_of(w, 1, 0));
	allowed(w, "10.20.7.0/24", set_of(w, 1, 0));
	add(w, "10.20.0.0/16", RIB_TUNNEL, set_of(w, 2, 0));
	allowed(w, "10.20.0.0/16", set_of(w, 1, 2, 0));
	allowed(w, "10.20.7.0/24", set_of(w, 1, 2, 0));
	announced(w, "10.0.0.0/8", set_of(w, 3, 0));
	allowed(w, "10.20.7.0/24", set_of(w, 1, 2, 3, 0));
	delete (w, "10.20.0.0/16", RIB_TUNNEL);
	allowed(w, "10.20.7.0/24", set_of(w, 1, 3, 0));
	delete (w, "10.0.0.0/8", RIB_TUNNEL);
	announced(w, "10.0.0.0/8", NULL);
	allowed(w, "10.20.7.0/24", NULL);
}

/* A site with a default route must not be able to be one of ours. */
static void inside_is_nobodys(void **state)
{
	struct world *w = *state;

	add(w, "0.0.0.0/0", RIB_TUNNEL, set_of(w, 1, 0));
	add(w, "10.10.0.0/24", RIB_CONNECTED, NULL);
	add(w, "10.10.0.0/16", RIB_LINUX, NULL); /* by a router of the inside */
	add(w, "10.10.8.0/24", RIB_CIRCUIT, NULL);
	allowed(w, "10.10.0.0/24", NULL);
	allowed(w, "10.10.0.0/16", NULL);
	allowed(w, "10.10.8.0/24", NULL); /* within it, and nothing comes through */
	announced(w, "10.10.0.0/24", set_of(w, 1, 0));
	allowed(w, "10.10.0.0/24", NULL); /* whoever says so */
	announced(w, "10.10.0.0/16", set_of(w, 1, 0));
	allowed(w, "10.10.0.0/16", set_of(w, 1, 0));
	allowed(w, "10.10.8.0/24", set_of(w, 1, 0));
}

static void more_than_fit_are_all(void **state)
{
	struct world *w = *state;
	const struct source_set *some, *any;
	uint32_t ids[CONTRACT_SOURCES_MAX + 1];

	for (uint32_t i = 0; i <= CONTRACT_SOURCES_MAX; i++)
		ids[i] = i + 1;
	assert_int_equal(source_set_get(w->sources, ids, CONTRACT_SOURCES_MAX, &some), 0);
	assert_int_equal(source_set_get(w->sources, ids, CONTRACT_SOURCES_MAX + 1, &any), 0);
	assert_int_equal(some->count, CONTRACT_SOURCES_MAX);
	assert_int_equal(any->count, CONTRACT_SOURCES_ANY);
	add(w, "10.20.0.0/16", RIB_TUNNEL, some);
	allowed(w, "10.20.0.0/16", some);
	announced(w, "10.20.0.0/16", set_of(w, 5, 0));
	allowed(w, "10.20.0.0/16", some);
	announced(w, "10.20.0.0/16", set_of(w, 99, 0));
	allowed(w, "10.20.0.0/16", any);
}

static void what_is_not_mentioned_goes(void **state)
{
	struct world *w = *state;

	announced(w, "10.1.0.0/16", set_of(w, 1, 0));
	announced(w, "10.2.0.0/16", set_of(w, 1, 0));
	add(w, "10.1.0.0/16", RIB_CIRCUIT, NULL);
	add(w, "10.2.0.0/16", RIB_CIRCUIT, NULL);
	rib_announced_mark(w->rib);
	announced(w, "10.2.0.0/16", set_of(w, 1, 0));
	rib_announced_sweep(w->rib);
	allowed(w, "10.1.0.0/16", NULL);
	allowed(w, "10.2.0.0/16", set_of(w, 1, 0));
}

/* A place of the kernel's (metric and table) has one route, whatever it was taken for before. */
static void a_place_is_forgotten(void **state)
{
	struct world *w = *state;
	struct net_prefix prefix = prefix_of("10.20.0.0/16");
	const uint32_t imported = 1u << RIB_CIRCUIT | 1u << RIB_LINUX;

	add(w, "10.20.0.0/16", RIB_CIRCUIT, NULL);
	add(w, "10.20.0.0/16", RIB_TUNNEL, set_of(w, 1, 0));
	add(w, "10.20.0.0/16", RIB_LINUX, set_of(w, 2, 0));
	rib_forget(w->rib, &prefix, imported, 0, 254); /* another table's */
	rib_forget(w->rib, &prefix, imported, 5, 0);   /* another metric's */
	assert_int_equal(desired_count(w->desired, CONTRACT_NEXTHOP), 4);
	rib_forget(w->rib, &prefix, 1u << RIB_CIRCUIT, 0, 0);
	allowed(w, "10.20.0.0/16", set_of(w, 1, 2, 0));
	rib_forget(w->rib, &prefix, imported, 0, 0);
	allowed(w, "10.20.0.0/16", set_of(w, 1, 0));
	delete (w, "10.20.0.0/16", RIB_TUNNEL);
	rib_forget(w->rib, &prefix, imported, 0, 0);
	assert_int_equal(rib_count(w->rib), 0);
	assert_int_equal(desired_count(w->desired, CONTRACT_NEXTHOP), 0);
}

static bool two_routes(void *context)
{
	struct world *w = context;

	return fake_count(&w->fake, CONTRACT_SET, CONTRACT_ROUTE) >= 2;
}

/* One next hop for the circuit with the sources in its tail; as few next hops as differ. */
static void the_data_plane_is_told(void **state)
{
	struct world *w = *state;
	const struct contract_header *sent;
	const struct contract_nexthop *hop;
	const uint32_t *sources;

	add(w, "10.20.0.0/16", RIB_CIRCUIT, NULL);
	add(w, "10.30.0.0/16", RIB_CIRCUIT, NULL);
	assert_int_equal(desired_count(w->desired, CONTRACT_NEXTHOP), 1);
	announced(w, "10.20.0.0/16", set_of(w, 3, 1, 0));
	assert_int_equal(desired_count(w->desired, CONTRACT_NEXTHOP), 2);
	announced(w, "10.30.0.0/16", set_of(w, 1, 3, 0));
	assert_int_equal(desired_count(w->desired, CONTRACT_NEXTHOP), 2);
	fake_run_until(w->loop, two_routes, w);
	sent = fake_last(&w->fake, CONTRACT_SET, CONTRACT_NEXTHOP);
	hop = contract_body_of(sent);
	sources = (const uint32_t *)(hop + 1);
	assert_int_equal(hop->kind, CONTRACT_NEXTHOP_CONNECTED);
	assert_int_equal(hop->source_count, 2);
	assert_int_equal(sources[0], 1);
	assert_int_equal(sources[1], 3);
	announced(w, "10.20.0.0/16", NULL);
	announced(w, "10.30.0.0/16", NULL);
	assert_int_equal(desired_count(w->desired, CONTRACT_NEXTHOP), 1);
	delete (w, "10.20.0.0/16", RIB_CIRCUIT);
	delete (w, "10.30.0.0/16", RIB_CIRCUIT);
	assert_int_equal(desired_count(w->desired, CONTRACT_NEXTHOP), 0);
	assert_int_equal(rib_count(w->rib), 0);
}

/* As it was told last: 0 no route, 1 by a next hop, 2 by one that says peered. */
static int told(const struct world *w, const char *text)
{
	struct net_prefix prefix = prefix_of(text);
	uint32_t nexthop = 0;

	for (uint32_t i = 0; i < w->fake.message_count; i++) {
		const struct contract_header *m = w->fake.messages[i];
		const struct contract_route *route = contract_body_of(m);

		if (contract_object_of(m)->kind == CONTRACT_ROUTE &&
		    !net_prefix_compare(&route->prefix, &prefix))
			nexthop = m->type == CONTRACT_DELETE ? 0 : route->nexthop;
	}
	for (uint32_t i = w->fake.message_count; nexthop && i--;) {
		const struct contract_header *m = w->fake.messages[i];
		const struct contract_nexthop *hop = contract_body_of(m);

		if (contract_object_of(m)->kind == CONTRACT_NEXTHOP &&
		    contract_object_of(m)->id == nexthop && m->type == CONTRACT_SET)
			return hop->flags & CONTRACT_NEXTHOP_PEERED ? 2 : 1;
	}
	return nexthop ? -1 : 0;
}

struct expected {
	struct world *w;
	const char *text;
	int is;
};

static bool is_told(void *context)
{
	const struct expected *e = context;

	return told(e->w, e->text) == e->is;
}

static void expect_told(struct world *w, const char *text, int is)
{
	struct expected e = { w, text, is };

	fake_run_until(w->loop, is_told, &e);
}

static void peered(struct world *w, const char *a, const char *b)
{
	struct net_prefix prefixes[3];
	uint32_t n = 0;

	if (a)
		prefixes[n++] = prefix_of(a);
	if (b)
		prefixes[n++] = prefix_of(b);
	if (b)
		prefixes[n++] = prefix_of(b); /* twice, as two networks of one space would */
	assert_int_equal(rib_peered_set(w->rib, prefixes, n), 0);
}

static void peered_networks_are_told(void **state)
{
	struct world *w = *state;

	add(w, "10.5.1.0/24", RIB_LINUX, NULL); /* its own way, within it */
	add(w, "10.6.0.0/16", RIB_CONNECTED, NULL);
	add(w, "10.7.0.0/16", RIB_CONNECTED, NULL);
	peered(w, "10.5.0.0/16", "10.6.0.0/16");
	expect_told(w, "10.5.1.0/24", 2);
	expect_told(w, "10.6.0.0/16", 2);
	expect_told(w, "10.7.0.0/16", 1);
	expect_told(w, "10.5.0.0/16", 0); /* nothing leads there */
	add(w, "10.0.0.0/8", RIB_LINUX, NULL);
	expect_told(w, "10.5.0.0/16", 2); /* now this does */
	expect_told(w, "10.0.0.0/8", 1);
	add(w, "10.4.0.0/15", RIB_TUNNEL, set_of(w, 1, 0)); /* nearer, and no port */
	expect_told(w, "10.5.0.0/16", 1);
	allowed(w, "10.5.0.0/16", set_of(w, 1, 0));
	delete (w, "10.4.0.0/15", RIB_TUNNEL);
	expect_told(w, "10.5.0.0/16", 2);
	allowed(w, "10.5.0.0/16", NULL);
	peered(w, NULL, "10.6.0.0/16");
	expect_told(w, "10.5.0.0/16", 0);
	expect_told(w, "10.5.1.0/24", 1);
	expect_told(w, "10.6.0.0/16", 2);
	delete (w, "10.0.0.0/8", RIB_LINUX);
	delete (w, "10.5.1.0/24", RIB_LINUX);
	delete (w, "10.6.0.0/16", RIB_CONNECTED);
	expect_told(w, "10.6.0.0/16", 0);
	peered(w, NULL, NULL);
	delete (w, "10.7.0.0/16", RIB_CONNECTED);
	assert_int_equal(rib_count(w->rib), 0);
	assert_int_equal(desired_count(w->desired, CONTRACT_NEXTHOP), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(all_of_the_same_prefix, setup, teardown),
		cmocka_unit_test_setup_teardown(wider_ones_count, setup, teardown),
		cmocka_unit_test_setup_teardown(inside_is_nobodys, setup, teardown),
		cmocka_unit_test_setup_teardown(more_than_fit_are_all, setup, teardown),
		cmocka_unit_test_setup_teardown(what_is_not_mentioned_goes, setup, teardown),
		cmocka_unit_test_setup_teardown(a_place_is_forgotten, setup, teardown),
		cmocka_unit_test_setup_teardown(the_data_plane_is_told, setup, teardown),
		cmocka_unit_test_setup_teardown(peered_networks_are_told, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
