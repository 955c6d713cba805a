/*
 * Routes: cycles per lookup, changes per second, bytes per route. See scripts/bench.d/lookups.
 */
#include "dataplane/fib/fib.h"

#include "../unit/dataplane/eal.h"
#include "../unit/dataplane/fib/make.h"
#include "against.h"
#include "measure.h"
#include "options.h"

#include <rte_memory.h>
#include <rte_rcu_qsbr.h>

#include <pthread.h>
#include <stdbool.h>

#define BURST 256
#define ROUND 20480
#define DESTINATIONS (1u << 20)
#define FLOWS 1024
#define CHANGES 200000

static struct bench_options options;

struct table {
	struct fib *fib;
	struct rte_rcu_qsbr *qsbr;
	struct net_prefix *routes;
	uint32_t count;
	enum net_family family;
	struct net_addr *destinations; /* DESTINATIONS */
	uint32_t *destinations4;       /* host order */
	uint32_t spread;	       /* how many of them are used in turn */
	uint32_t at;
	uint32_t hits;
};

static uint64_t random_state = 88172645463325252u;

static uint32_t random32(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return (uint32_t)(random_state >> 16);
}

/* Lengths about as in the internet's table: /24 leads, then /22, /23; /48 leads, then /32. */
static uint8_t random_length(enum net_family family)
{
	static const uint8_t four[] = { 24, 24, 24, 24, 24, 24, 24, 24, 24, 24, 24, 24,
					22, 22, 22, 23, 23, 21, 20, 20, 19, 18, 16 };
	static const uint8_t six[] = { 48, 48, 48, 48, 48, 48, 32, 32, 44, 40, 36, 29, 56, 64 };

	return family == NET_IP4 ? four[random32() % sizeof(four)] : six[random32() % sizeof(six)];
}

static struct net_addr random_addr(enum net_family family)
{
	uint8_t bytes[16];

	for (int i = 0; i < 16; i++)
		bytes[i] = (uint8_t)random32();
	if (family == NET_IP4)
		return net_addr_ip4(0x01000000 + random32() % 0xdf000000u);
	/* some forty /16, in them /32s of some hundred values a byte */
	bytes[0] = (uint8_t)(0x20 + random32() % 5);
	bytes[1] = (uint8_t)(random32() % 8);
	bytes[2] %= 64;
	return net_addr_of(NET_IP6, bytes);
}

static uint32_t host_order(const struct net_addr *a)
{
	return (uint32_t)a->bytes[0] << 24 | (uint32_t)a->bytes[1] << 16 |
	       (uint32_t)a->bytes[2] << 8 | a->bytes[3];
}

static struct fib *make_fib(const struct table *t)
{
	struct fib_config config = {
		.routes4 = t->family == NET_IP4 ? t->count + 1000 : 16,
		.routes6 = t->family == NET_IP6 ? t->count + 1000 : 16,
		.domains = 1,
		.nexthops = 1024,
		.groups = 16,
		.neighbours = 16,
		.socket = SOCKET_ID_ANY,
		.qsbr = t->qsbr,
	};
	char reason[CONTRACT_REASON];
	struct fib *fib;

	if (fib_init(&fib, &config, reason)) {
		fprintf(stderr, "%s\n", reason);
		exit(1);
	}
	for (uint32_t id = 1; id < 1024; id++) {
		struct make_object m = make_mirror(id, id);

		if (fib_add(fib, &m.object))
			exit(1);
	}
	return fib;
}

static void fill(struct table *t)
{
	t->qsbr = aligned_alloc(64, (rte_rcu_qsbr_get_memsize(4) + 63) / 64 * 64);
	if (!t->qsbr || rte_rcu_qsbr_init(t->qsbr, 4))
		exit(1);
	t->fib = make_fib(t);
	t->routes = calloc(t->count, sizeof(*t->routes));
	for (uint32_t i = 0; i < t->count;) {
		struct net_addr addr = random_addr(t->family);
		struct make_object m;

		t->routes[i] = net_prefix_of(&addr, random_length(t->family));
		m = make_route(0, &t->routes[i], 1 + random32() % 1023);
		i += fib_add(t->fib, &m.object) == 0;
	}
	t->destinations = calloc(DESTINATIONS, sizeof(*t->destinations));
	t->destinations4 = calloc(DESTINATIONS, sizeof(*t->destinations4));
	for (uint32_t i = 0; i < DESTINATIONS; i++) {
		const struct net_prefix *p = &t->routes[random32() % t->count];
		struct net_addr host = random_addr(t->family);

		t->destinations[i] = p->addr;
		for (uint32_t bit = p->length; bit < net_addr_len(&host) * 8; bit++)
			t->destinations[i].bytes[bit / 8] |=
				host.bytes[bit / 8] & (0x80 >> bit % 8);
		t->destinations4[i] = host_order(&t->destinations[i]);
	}
}

static void empty(struct table *t)
{
	fib_fini(t->fib);
	free(t->qsbr);
	free(t->routes);
	free(t->destinations);
	free(t->destinations4);
}

static void round4(void *arg)
{
	struct table *t = arg;
	uint32_t nexthops[BURST];

	for (uint32_t i = 0; i < ROUND; i += BURST) {
		fib_lookup4_burst(fib_hot(t->fib), 0, t->destinations4 + t->at, nexthops, BURST);
		t->hits += nexthops[i % BURST] != 0;
		t->at = (t->at + BURST) & (t->spread - 1);
		__asm__ volatile("" : : "r"(nexthops) : "memory");
	}
}

static void round6(void *arg)
{
	struct table *t = arg;
	uint32_t nexthops[BURST];
	const uint8_t *at[BURST];

	for (uint32_t i = 0; i < ROUND; i += BURST) {
		for (uint32_t k = 0; k < BURST; k++)
			at[k] = t->destinations[t->at + k].bytes;
		fib_lookup6_burst(fib_hot(t->fib), 0, at, nexthops, BURST);
		t->hits += nexthops[i % BURST] != 0;
		t->at = (t->at + BURST) & (t->spread - 1);
		__asm__ volatile("" : : "r"(nexthops) : "memory");
	}
}

struct beside {
	struct table *table;
	bool stop;
	uint64_t lookups;
};

static void *read_beside(void *arg)
{
	struct beside *b = arg;
	struct table t = *b->table;

	rte_rcu_qsbr_thread_register(t.qsbr, 0);
	rte_rcu_qsbr_thread_online(t.qsbr, 0);
	while (!__atomic_load_n(&b->stop, __ATOMIC_RELAXED)) {
		if (t.family == NET_IP4)
			round4(&t);
		else
			round6(&t);
		b->lookups += ROUND;
		rte_rcu_qsbr_quiescent(t.qsbr, 0);
	}
	rte_rcu_qsbr_thread_offline(t.qsbr, 0);
	rte_rcu_qsbr_thread_unregister(t.qsbr, 0);
	return NULL;
}

/* Half are next hops of routes, half routes that go and come back. Per second. */
static double change_rate(struct table *t)
{
	uint64_t start = rte_rdtsc();
	uint32_t done = 0;

	while (done < CHANGES) {
		const struct net_prefix *p = &t->routes[random32() % t->count];
		struct make_object m = make_route(0, p, 1 + random32() % 1023);

		if (fib_set(t->fib, &m.object))
			exit(1);
		m.route.nexthop = 1 + random32() % 1023;
		if (fib_del(t->fib, &m.object) || fib_add(t->fib, &m.object))
			exit(1);
		done += 3;
	}
	return done / ((double)(rte_rdtsc() - start) / (double)rte_get_tsc_hz());
}

static void show_changes(struct table *t, double *alone, double *beside)
{
	struct beside b = { .table = t };
	pthread_t thread;

	*alone = change_rate(t);
	pthread_create(&thread, NULL, read_beside, &b);
	*beside = change_rate(t);
	__atomic_store_n(&b.stop, true, __ATOMIC_RELAXED);
	pthread_join(thread, NULL);
}

static void show_against(const struct table *t)
{
	struct against a = {
		.family = t->family,
		.routes = t->routes,
		.count = t->count,
		.destinations = t->destinations,
		.destinations4 = t->destinations4,
	};

	against_show(&a);
}

static void show(enum net_family family, uint32_t count)
{
	struct table t = { .family = family, .count = count };
	void (*round)(void *) = family == NET_IP4 ? round4 : round6;
	struct measure spread;
	struct measure flows;
	struct fib_usage usage;
	double alone;
	double beside;

	fill(&t);
	fib_usage(t.fib, &usage);
	t.spread = DESTINATIONS;
	spread = measure_rounds(round, &t, ROUND);
	t.spread = FLOWS;
	t.at = 0;
	flows = measure_rounds(round, &t, ROUND);
	show_changes(&t, &alone, &beside);
	printf("IPv%d %9u %8.1f %6.1f %8.1f %6.1f %10.1f %9.0f %9.0f\n", family, count,
	       spread.median, spread.min, flows.median, flows.min,
	       (double)usage.node_bytes_used / count, alone, beside);
	bench_json(
		&options,
		"\"family\": %d, \"routes\": %u, \"spread_median\": %.1f, \"flows_median\": %.1f, "
		"\"bytes_per_route\": %.1f, \"changes_alone\": %.0f, \"changes_beside\": %.0f",
		family, count, spread.median, flows.median, (double)usage.node_bytes_used / count,
		alone, beside);
	fflush(stdout);
	if (options.own)
		show_against(&t);
	empty(&t);
}

int main(int argc, char **argv)
{
	options = bench_options(argc, argv, "--against");
	test_eal_init_pages(options.own ? 1500 : 600);
	printf("cycles per lookup: destinations over all routes, 1,024 flows; bytes of nodes per "
	       "route; changes/s alone and beside a reader\n");
	printf("%4s %9s %8s %6s %8s %6s %10s %9s %9s\n", "", "routes", "median", "min", "median",
	       "min", "B/route", "alone", "beside");
	show(NET_IP4, 10);
	show(NET_IP4, 100000);
	if (!options.quick)
		show(NET_IP4, 1000000);
	show(NET_IP6, 10);
	show(NET_IP6, 10000);
	if (!options.quick)
		show(NET_IP6, 200000);
	bench_end(&options);
	return 0;
}
