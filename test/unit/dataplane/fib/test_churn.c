/*
 * Changes under parallel lookups. Each address that readers look up has a known set of next hops
 * that it ever had; whatever else a lookup gives is a third. With the planted fault (memory handed
 * out again before its readers have gone) the same test must find one.
 *
 * Beside those addresses lie many routes that come and go and cover none of them; of these a lookup
 * gives their next hop or nothing. FIB_CHURN=full makes them 1,000,000 and 200,000 and wants
 * 100,000 changes a second of the writer's processor time for ten seconds (3 GB).
 */
#include "dataplane/fib/fib.h"

#include "../../cmocka_all.h"
#include "../eal.h"
#include "dataplane/fib/state.h"
#include "make.h"

#include <rte_rcu_qsbr.h>

#include <pthread.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PLACES 256
#define READERS 2
#define COVER_A 1
#define COVER_B 2
#define STRANGER 3
#define FIRST 10 /* place i: FIRST + 2i and FIRST + 2i + 1 */
#define NEXTHOPS (FIRST + 2 * PLACES)
#define PAST_MS 1000
#define FULL_PAST_MS 10000
#define FULL_RATE 100000
#define FAULT "--planted-fault"

struct churn {
	struct fib *fib;
	struct rte_rcu_qsbr *qsbr;
	bool stop;
	uint64_t lookups;
	uint64_t thirds;
	uint32_t dst4[PLACES];
	uint8_t dst6[PLACES][16];
	struct net_prefix own[2][PLACES];
	uint32_t third_example[2];
};

static uint32_t many[2] = { 2000, 1000 }; /* of IPv4, of IPv6 */
static bool full;

static struct net_prefix one_of_many(uint32_t family, uint32_t i)
{
	uint8_t bytes[16] = { 0x2a, 0, (uint8_t)(i >> 16), (uint8_t)(i >> 8), (uint8_t)i };
	struct net_addr addr =
		family ? net_addr_of(NET_IP6, bytes) : net_addr_ip4(0x20000000 + (i << 8));

	return net_prefix_of(&addr, (uint8_t)(family ? 40 + i % 25 : 24 + i % 3));
}

struct reader {
	struct churn *c;
	uint32_t id;
	pthread_t thread;
};

static uint64_t random_state = 88172645463325252u;

static uint32_t random32(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return (uint32_t)(random_state >> 16);
}

static void judge(struct churn *c, const uint32_t nexthops[PLACES])
{
	for (uint32_t i = 0; i < PLACES; i++) {
		uint32_t nh = nexthops[i];

		if (nh == COVER_A || nh == COVER_B || (nh >> 1) == FIRST / 2 + i)
			continue;
		__atomic_fetch_add(&c->thirds, 1, __ATOMIC_RELAXED);
		__atomic_store_n(&c->third_example[0], i, __ATOMIC_RELAXED);
		__atomic_store_n(&c->third_example[1], nh, __ATOMIC_RELAXED);
	}
}

/* Next hops of some of the many, from `i` on: their own, or none while they are away. */
static void judge_many(struct churn *c, uint32_t i)
{
	for (uint32_t k = 0; k < PLACES; k++) {
		uint32_t at = (i + k) % many[0];
		struct net_prefix p6 = one_of_many(1, (i + k) % many[1]);
		uint32_t nh4 = fib_lookup4(fib_hot(c->fib), 0, 0x20000000 + (at << 8));
		uint32_t nh6 = fib_lookup6(fib_hot(c->fib), 0, p6.addr.bytes);

		if ((nh4 == 0 || nh4 == STRANGER) && (nh6 == 0 || nh6 == STRANGER))
			continue;
		__atomic_fetch_add(&c->thirds, 1, __ATOMIC_RELAXED);
		__atomic_store_n(&c->third_example[0], at, __ATOMIC_RELAXED);
		__atomic_store_n(&c->third_example[1], nh4 ? nh4 : nh6, __ATOMIC_RELAXED);
	}
}

static void *read_on(void *arg)
{
	struct reader *r = arg;
	struct churn *c = r->c;
	const struct fib_hot *hot = fib_hot(c->fib);
	const uint8_t *at6[PLACES];
	uint32_t nexthops[PLACES];
	uint64_t lookups = 0;

	for (uint32_t i = 0; i < PLACES; i++)
		at6[i] = c->dst6[i];
	rte_rcu_qsbr_thread_online(c->qsbr, r->id);
	while (!__atomic_load_n(&c->stop, __ATOMIC_RELAXED)) {
		fib_lookup4_burst(hot, 0, c->dst4, nexthops, PLACES);
		judge(c, nexthops);
		fib_lookup6_burst(hot, 0, at6, nexthops, PLACES);
		judge(c, nexthops);
		for (uint32_t i = 0; i < PLACES; i++)
			nexthops[i] = fib_lookup4(hot, 0, c->dst4[i]);
		judge(c, nexthops);
		judge_many(c, (uint32_t)(lookups * 2654435761u));
		lookups += 5 * PLACES;
		rte_rcu_qsbr_quiescent(c->qsbr, r->id);
	}
	rte_rcu_qsbr_thread_offline(c->qsbr, r->id);
	__atomic_fetch_add(&c->lookups, lookups, __ATOMIC_RELAXED);
	return NULL;
}

static void apply(struct fib *fib, const struct make_object *m)
{
	if (fib_set(fib, &m->object))
		fail_msg("%s", fib_reason(fib));
}

static void set_cover(struct churn *c, uint32_t nexthop)
{
	uint8_t bytes[16] = { 0x20, 0x01 };
	struct net_addr addr6 = net_addr_of(NET_IP6, bytes);
	struct net_addr addr4 = net_addr_ip4(0x0a000000);
	struct net_prefix cover4 = net_prefix_of(&addr4, 12);
	struct net_prefix cover6 = net_prefix_of(&addr6, 24);
	struct make_object m = make_route(0, &cover4, nexthop);

	apply(c->fib, &m);
	m = make_route(0, &cover6, nexthop);
	apply(c->fib, &m);
}

static void prepare(struct churn *c)
{
	for (uint32_t i = 1; i < NEXTHOPS; i++) {
		struct make_object m = make_mirror(i, i);

		apply(c->fib, &m);
	}
	for (uint32_t i = 0; i < PLACES; i++) {
		struct net_addr addr;

		c->dst4[i] = 0x0a000000 + (i % 3 << 16) + (i << 8) + i;
		addr = net_addr_ip4(c->dst4[i]);
		c->own[0][i] = net_prefix_of(&addr, (uint8_t)(24 + i % 9));
		for (uint32_t b = 0; b < 16; b++)
			c->dst6[i][b] = b == 0	 ? 0x20
					: b == 1 ? 1
					: b == 2 ? 0
						 : (uint8_t)(i * (b % 3) % 5);
		c->dst6[i][7] = (uint8_t)i;
		addr = net_addr_of(NET_IP6, c->dst6[i]);
		c->own[1][i] = net_prefix_of(&addr, (uint8_t)(64 + i % 65));
	}
	set_cover(c, COVER_A);
}

/* A neighbour in the table that covers none of the addresses: it makes nodes grow and shrink. */
static void churn_stranger(struct churn *c, uint32_t family, uint32_t i, bool set)
{
	struct net_addr addr = c->own[family][i].addr;
	uint32_t last = family ? 12 : 2;
	struct net_prefix prefix;
	struct make_object m;

	addr.bytes[last] |= 0x80;
	addr.bytes[last + 1] = (uint8_t)(random32() << 6);
	if (family == 0)
		addr.bytes[1] |= 4;
	prefix = net_prefix_of(&addr, (uint8_t)(8 * last + 1 + random32() % 10));
	m = make_route(0, &prefix, STRANGER);
	if (set)
		apply(c->fib, &m);
	else if (fib_del(c->fib, &m.object) && fib_route_find(c->fib, 0, &prefix))
		fail_msg("%s", fib_reason(c->fib));
}

static void churn_many(struct churn *c, uint32_t family, bool set)
{
	struct net_prefix prefix = one_of_many(family, random32() % many[family]);
	struct make_object m = make_route(0, &prefix, STRANGER);

	if (set)
		apply(c->fib, &m);
	else if (fib_del(c->fib, &m.object) && fib_route_find(c->fib, 0, &prefix))
		fail_msg("%s", fib_reason(c->fib));
}

static void churn_once(struct churn *c)
{
	uint32_t family = random32() % 2;
	uint32_t i = random32() % PLACES;
	struct make_object m = make_route(0, &c->own[family][i], FIRST + 2 * i + random32() % 2);

	switch (random32() % 12) {
	case 0:
	case 1:
	case 2:
		apply(c->fib, &m);
		break;
	case 3:
	case 4:
		(void)!fib_del(c->fib, &m.object);
		break;
	case 5:
		if (random32() % 16 == 0)
			set_cover(c, random32() % 2 ? COVER_A : COVER_B);
		break;
	case 8:
	case 9:
	case 10:
	case 11:
		churn_many(c, family, random32() % 8 != 0);
		break;
	default:
		churn_stranger(c, family, i, random32() % 2);
	}
}

static uint64_t ms_of(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

static uint64_t now_ms(void)
{
	return ms_of(CLOCK_MONOTONIC);
}

/* Thirds that were seen. */
static uint64_t churn_run(bool planted_fault)
{
	static struct churn c;
	struct fib_config config = {
		.routes4 = many[0] + 5000,
		.routes6 = many[1] + 5000,
		.domains = 1,
		.nexthops = NEXTHOPS,
		.groups = 2,
		.neighbours = 2,
		.socket = -1,
	};
	struct reader readers[READERS];
	char reason[CONTRACT_REASON];
	uint32_t count =
		full ? 1 : READERS; /* the writer has a CPU of its own where there are two */
	uint64_t past = full && !planted_fault ? FULL_PAST_MS : PAST_MS;
	uint64_t changes = 0;
	uint64_t spent;
	uint64_t end;
	double rate;

	c = (struct churn){ 0 };
	c.qsbr = aligned_alloc(64, (rte_rcu_qsbr_get_memsize(READERS) + 63) / 64 * 64);
	assert_int_equal(rte_rcu_qsbr_init(c.qsbr, READERS), 0);
	config.qsbr = c.qsbr;
	assert_int_equal(fib_init(&c.fib, &config, reason), 0);
	c.fib->pool.recycle_at_once = planted_fault;
	prepare(&c);
	for (uint32_t family = 0; family < 2; family++)
		for (uint32_t i = 0; i < many[family]; i++) {
			struct net_prefix prefix = one_of_many(family, i);
			struct make_object m = make_route(0, &prefix, STRANGER);

			apply(c.fib, &m);
		}
	for (uint32_t i = 0; i < count; i++) {
		readers[i] = (struct reader){ .c = &c, .id = i };
		assert_int_equal(rte_rcu_qsbr_thread_register(c.qsbr, i), 0);
		pthread_create(&readers[i].thread, NULL, read_on, &readers[i]);
	}
	spent = ms_of(CLOCK_THREAD_CPUTIME_ID);
	for (end = now_ms() + past; now_ms() < end;)
		for (int k = 0; k < 64; k++, changes++)
			churn_once(&c);
	spent = ms_of(CLOCK_THREAD_CPUTIME_ID) - spent;
	__atomic_store_n(&c.stop, true, __ATOMIC_RELAXED);
	for (uint32_t i = 0; i < count; i++)
		pthread_join(readers[i].thread, NULL);
	rate = (double)changes * 1000 / (double)(spent ? spent : 1);
	print_message("%u and %u routes, %.0f changes a second by the clock, %.0f of the writer's "
		      "processor time, %lu lookups, %lu thirds (place %u: %u)\n",
		      many[0], many[1], (double)changes * 1000 / (double)past, rate, c.lookups,
		      c.thirds, c.third_example[0], c.third_example[1]);
	if (full && !planted_fault)
		assert_true(rate >= FULL_RATE);
	fib_fini(c.fib);
	free(c.qsbr);
	return c.thirds;
}

static void old_or_new_never_a_third(void **state)
{
	assert_int_equal(churn_run(false), 0);
}

/* Whole runs until a third is seen; 0 when none is. */
static int run_with_fault(void)
{
	alarm(20);
	for (int attempt = 0; attempt < 3; attempt++)
		if (churn_run(true))
			return 1;
	return 0;
}

/* In a process of its own: with the fault a lookup may also run into nowhere, or never end. */
static void the_planted_fault_is_found(void **state)
{
	int status = 0;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		execl("/proc/self/exe", "test_fib_churn", FAULT, (char *)NULL);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status) || WEXITSTATUS(status));
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(old_or_new_never_a_third),
		cmocka_unit_test(the_planted_fault_is_found),
	};

	full = getenv("FIB_CHURN") && strcmp(getenv("FIB_CHURN"), "full") == 0;
	if (full) {
		many[0] = 1000000;
		many[1] = 200000;
	}
	test_eal_init_with("--no-huge", full ? "3000" : "64");
	if (argc == 2 && strcmp(argv[1], FAULT) == 0)
		return run_with_fault();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
