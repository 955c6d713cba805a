/*
 * The agent over real tables and a real channel, with no worker running: what control sees of its
 * requests. The listening side runs in this thread, turn by turn.
 */
#include "dataplane/agent/agent.h"
#include "contractctl.h"

#include "../eal.h"

#include <rte_cycles.h>
#include <rte_mbuf.h>
#include <rte_rcu_qsbr.h>

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define SAS 2048

static struct {
	struct loop loop;
	struct channel_listener *listener;
	struct contract_counters counters;
	struct port_set ports;
	struct fib *fib;
	struct meter *meter;
	struct sa_store *sas;
	struct rte_rcu_qsbr *qsbr;
	struct worker_set *workers;
	struct rte_mempool *pool;
	struct agent *agent;
	uint64_t drops[CONTRACT_DROP_COUNT];
	char path[64];
	struct channel *control;
	uint64_t now_ns;
} t;

static uint8_t request[CONTRACT_MESSAGE_MAX] __attribute__((aligned(8)));
static uint8_t received[CONTRACT_MESSAGE_MAX] __attribute__((aligned(8)));
static uint64_t last_request;

static void turn(void)
{
	agent_turn(t.agent, t.now_ns);
	loop_wait(&t.loop, 0);
	agent_turn(t.agent, t.now_ns);
}

static void *attach_thread(void *result)
{
	*(int *)result = channel_attach(&t.control, t.path, 2000);
	return NULL;
}

static int attach(void)
{
	pthread_t thread;
	int result = 1;

	assert_int_equal(pthread_create(&thread, NULL, attach_thread, &result), 0);
	while (pthread_tryjoin_np(thread, NULL)) {
		loop_wait(&t.loop, 1);
		turn();
	}
	return result;
}

static void detach(void)
{
	channel_close(t.control);
	t.control = NULL;
	while (agent_attached(t.agent)) {
		loop_wait(&t.loop, 10);
		turn();
	}
}

/* The answer to the last request, or NULL when there is none yet. */
static const struct contract_answer *answer(uint32_t *objects)
{
	const struct contract_header *header = (const void *)received;

	for (int i = 0; i < 10000; i++) {
		turn();
		while (channel_receive(t.control, received) == 1) {
			if (header->request != last_request)
				continue;
			assert_null(contract_event_check(header));
			if (header->type == CONTRACT_ANSWER)
				return (const void *)(header + 1);
			if (objects)
				(*objects)++;
		}
		if (i > 3 && !objects)
			return NULL;
	}
	return NULL;
}

static void transmit(const void *bytes, size_t n)
{
	const struct channel_part part = { bytes, n };

	assert_int_equal(channel_send(t.control, &part, 1), 0);
}

static struct line words(char *text)
{
	struct line line = { .count = 0 };
	char *word;

	while ((word = strsep(&text, " ")))
		line.words[line.count++] = word;
	return line;
}

static uint32_t build(uint8_t *to, size_t size, const char *text)
{
	static const char *const verbs[] = { "", "add", "set", "delete", "confirm" };
	char copy[512];
	struct line line;
	int type = 1;

	snprintf(copy, sizeof(copy), "%s", text);
	line = words(copy);
	while (type < 5 && strcmp(verbs[type], line.words[0]))
		type++;
	if (fields_build(to, size, (enum contract_type)type, &line, 1,
			 channel_limits(t.control)->session))
		fail_msg("bad line: %s", text);
	return ((struct contract_header *)to)->length;
}

/* The status of one request, -1 while it is not answered. */
static int ask(const char *text)
{
	uint32_t n = build(request, sizeof(request), text);
	const struct contract_answer *a;

	((struct contract_header *)request)->request = ++last_request;
	transmit(request, n);
	a = answer(NULL);
	return a ? a->status : -1;
}

static int batch(const char *const lines[], uint32_t count)
{
	struct contract_header *header = (void *)request;
	const struct contract_answer *a;
	uint32_t n = sizeof(*header);

	for (uint32_t i = 0; i < count; i++) {
		static uint8_t one[4096] __attribute__((aligned(8)));
		uint32_t bytes = build(one, sizeof(one), lines[i]);

		memcpy(request + n, one, bytes);
		n += bytes;
	}
	*header = (struct contract_header){ n, CONTRACT_BATCH, 0, ++last_request };
	transmit(request, n);
	a = answer(NULL);
	return a ? a->status : -1;
}

static int bare(enum contract_type type)
{
	struct contract_header header = { sizeof(header), (uint16_t)type, 0, ++last_request };
	const struct contract_answer *a;

	transmit(&header, sizeof(header));
	a = answer(NULL);
	return a ? a->status : -1;
}

static uint32_t list(enum contract_kind kind)
{
	struct {
		struct contract_header header;
		struct contract_object object;
	} m = { { sizeof(m), CONTRACT_LIST, 0, ++last_request }, { 0 } };
	const struct contract_answer *a;
	uint32_t objects = 0;

	m.object.kind = (uint16_t)kind;
	m.object.generation = channel_limits(t.control)->session;
	transmit(&m, sizeof(m));
	a = answer(&objects);
	assert_non_null(a);
	assert_int_equal(a->status, CONTRACT_APPLIED);
	assert_int_equal(a->count, objects);
	return objects;
}

static const char *reason(void)
{
	return ((const struct contract_answer *)(received + sizeof(struct contract_header)))
		->reason;
}

#define KEY "key=000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20212223"

static void tunnel_up(void)
{
	assert_int_equal(ask("set nexthop id=1 kind=gateway port=1 gateway=192.0.2.1"), 0);
	/* Next hops come first as a whole, also those whose group is not there yet. */
	assert_int_equal(ask("set nexthop id=6 kind=group target=5"), 0);
	assert_int_equal(ask("set limit id=3 bits_per_s=1000000000"), 0);
	assert_int_equal(ask("set tunnel id=2 nexthop=1 limit=3 owner=77 opaque=site-a"), 0);
	assert_int_equal(ask("set child id=4 tunnel=2 local=0.0.0.0/0 remote=0.0.0.0/0"), 0);
	assert_int_equal(ask("set group id=5 members=2:1"), 0);
	assert_int_equal(ask("set route prefix=10.1.0.0/16 nexthop=6"), 0);
	assert_int_equal(ask("add sa id=7 spi=4097 direction=out tunnel=2 child=4 "
			     "local=192.0.2.10 remote=198.51.100.1 " KEY),
			 0);
	assert_int_equal(ask("add sa id=8 spi=1048584 direction=in tunnel=2 child=4 "
			     "local=192.0.2.10 remote=198.51.100.1 " KEY),
			 0);
	assert_int_equal(ask("set child id=4 tunnel=2 outbound_sa=7 local=0.0.0.0/0 "
			     "remote=0.0.0.0/0"),
			 0);
}

static void test_a_tunnel_and_back(void **state)
{
	tunnel_up();
	assert_int_equal(list(CONTRACT_SA), 2);
	assert_int_equal(list(CONTRACT_TUNNEL), 1);
	assert_int_equal(list(CONTRACT_ROUTE), 1);
	assert_int_equal(list(CONTRACT_LIMIT), 1);
	assert_int_equal(list(CONTRACT_PORT), 1);
	/* What is referred to stays. */
	assert_int_equal(ask("delete tunnel id=2"), CONTRACT_REFUSED_IN_USE);
	assert_int_equal(ask("delete child id=4"), CONTRACT_REFUSED_IN_USE);
	assert_int_equal(ask("delete limit id=3"), CONTRACT_REFUSED_IN_USE);
	assert_int_equal(ask("delete nexthop id=1"), CONTRACT_REFUSED_IN_USE);
	assert_int_equal(ask("delete nexthop id=6"), CONTRACT_REFUSED_IN_USE);
	assert_int_equal(ask("delete group id=5"), CONTRACT_REFUSED_IN_USE);
	/* From the top down it goes. */
	assert_int_equal(ask("delete route prefix=10.1.0.0/16"), 0);
	assert_int_equal(ask("delete nexthop id=6"), 0);
	assert_int_equal(ask("delete group id=5"), 0);
	assert_int_equal(ask("delete sa id=7"), 0);
	assert_int_equal(ask("delete sa id=8"), 0);
	assert_int_equal(ask("delete child id=4"), 0);
	assert_int_equal(ask("delete tunnel id=2"), 0);
	assert_int_equal(ask("delete limit id=3"), 0);
	assert_int_equal(ask("delete nexthop id=1"), 0);
	assert_int_equal(list(CONTRACT_SA), 0);
	assert_int_equal(list(CONTRACT_NEXTHOP), 0);
}

static void test_refusals(void **state)
{
	assert_int_equal(ask("add nexthop id=1 kind=gateway port=9 gateway=192.0.2.1"),
			 CONTRACT_REFUSED_MISSING);
	assert_non_null(strstr(reason(), "port 9"));
	assert_int_equal(ask("add nexthop id=70000 kind=drop"), CONTRACT_REFUSED_INVALID);
	assert_int_equal(ask("add nexthop id=1 kind=drop"), 0);
	assert_int_equal(ask("add nexthop id=1 kind=drop"), CONTRACT_REFUSED_EXISTS);
	assert_int_equal(ask("set nexthop id=1 kind=drop generation=4000"), CONTRACT_REFUSED_STALE);
	assert_int_equal(ask("set nexthop id=1 kind=drop domain=9"), CONTRACT_REFUSED_INVALID);
	assert_int_equal(ask("set tunnel id=2 nexthop=9"), CONTRACT_REFUSED_MISSING);
	assert_int_equal(ask("set tunnel id=2 nexthop=1 limit=9"), CONTRACT_REFUSED_MISSING);
	assert_int_equal(ask("set group id=2 members=9"), CONTRACT_REFUSED_MISSING);
	assert_int_equal(ask("delete sa id=9"), CONTRACT_REFUSED_MISSING);
	assert_int_equal(ask("set sa id=9 spi=4097 direction=out tunnel=2 child=4 local=192.0.2.10 "
			     "remote=198.51.100.1 " KEY),
			 CONTRACT_REFUSED_MISSING);
	assert_int_equal(ask("confirm limit id=9"), CONTRACT_REFUSED_MISSING);
	assert_int_equal(ask("delete nexthop id=1"), 0);
}

/* What an object referred to before a change is free. */
static void test_references_follow_changes(void **state)
{
	assert_int_equal(ask("set nexthop id=1 kind=drop"), 0);
	assert_int_equal(ask("set nexthop id=2 kind=drop"), 0);
	assert_int_equal(ask("set tunnel id=2 nexthop=1"), 0);
	assert_int_equal(ask("set tunnel id=3 nexthop=1"), 0);
	assert_int_equal(ask("set tunnel id=2 nexthop=2"), 0);
	assert_int_equal(ask("set group id=1 members=2,3"), 0);
	assert_int_equal(ask("set group id=1 members=2"), 0);
	assert_int_equal(ask("set nexthop id=4 kind=group target=1"), 0);
	assert_int_equal(ask("delete tunnel id=3"), 0);
	assert_int_equal(ask("delete nexthop id=1"), 0);
	assert_int_equal(ask("set nexthop id=4 kind=drop"), 0);
	assert_int_equal(ask("delete group id=1"), 0);
	assert_int_equal(ask("delete tunnel id=2"), 0);
	assert_int_equal(ask("delete nexthop id=2"), 0);
	assert_int_equal(ask("delete nexthop id=4"), 0);
}

static void test_batch_is_whole(void **state)
{
	static const char *const good[] = {
		"add nexthop id=1 kind=drop",
		"add tunnel id=2 nexthop=1",
		"set route prefix=10.9.0.0/16 nexthop=1",
		"add limit id=3 bits_per_s=1000",
	};
	static const char *const bad[] = {
		"set limit id=3 bits_per_s=2000",	  "delete route prefix=10.9.0.0/16",
		"add limit id=4 bits_per_s=1000",	  "delete tunnel id=2",
		"add route prefix=10.8.0.0/16 nexthop=1", "delete nexthop id=55",
	};
	static const char *const back[] = {
		"delete tunnel id=2",
		"set tunnel id=2 nexthop=1",
	};
	static const char *const gone[] = {
		"delete route prefix=10.9.0.0/16",
		"delete tunnel id=2",
		"delete nexthop id=1",
		"delete limit id=3",
	};
	const struct contract_answer *a = (const void *)(received + sizeof(struct contract_header));

	assert_int_equal(batch(good, 4), 0);
	assert_int_equal(batch(bad, 6), CONTRACT_REFUSED_MISSING);
	assert_int_equal(a->index, 5);
	/* As before: one of each, and the reference of the tunnel still counts. */
	assert_int_equal(list(CONTRACT_ROUTE), 1);
	assert_int_equal(list(CONTRACT_LIMIT), 1);
	assert_int_equal(list(CONTRACT_TUNNEL), 1);
	assert_int_equal(ask("delete nexthop id=1"), CONTRACT_REFUSED_IN_USE);
	assert_int_equal(batch(back, 2), CONTRACT_REFUSED_IN_USE);
	assert_int_equal(list(CONTRACT_TUNNEL), 1);
	assert_int_equal(batch(gone, 4), 0);
	assert_int_equal(list(CONTRACT_ROUTE), 0);
	assert_int_equal(list(CONTRACT_LIMIT), 0);
}

/* A worker between two looks at the tables: the answer waits for it, other requests do not. */
static void test_delete_waits_for_workers(void **state)
{
	const struct contract_header *header = (const void *)received;

	tunnel_up();
	assert_int_equal(rte_rcu_qsbr_thread_register(t.qsbr, 0), 0);
	rte_rcu_qsbr_thread_online(t.qsbr, 0);
	assert_int_equal(ask("delete sa id=7"), -1);
	assert_int_equal(ask("set limit id=3 bits_per_s=5"), 0);
	assert_int_equal(bare(CONTRACT_PROBE), -1);
	rte_rcu_qsbr_quiescent(t.qsbr, 0);
	last_request -= 2;
	assert_non_null(answer(NULL));
	assert_int_equal(header->length, sizeof(*header) + sizeof(struct contract_sa_final));
	last_request += 2;
	assert_non_null(answer(NULL));
	rte_rcu_qsbr_thread_offline(t.qsbr, 0);
	rte_rcu_qsbr_thread_unregister(t.qsbr, 0);
	/* The child has no SA to send with any more, and no key was ever listed. */
	assert_int_equal(list(CONTRACT_SA), 1);
}

/* After test_delete_waits_for_workers: control dies, everything stays, the next one adopts. */
static void test_adoption(void **state)
{
	uint32_t session = channel_limits(t.control)->session;

	detach();
	assert_int_equal(attach(), 0);
	assert_int_equal(channel_limits(t.control)->session, session + 1);
	assert_int_equal(list(CONTRACT_SA), 1);
	assert_int_equal(list(CONTRACT_ROUTE), 1);
	assert_int_equal(ask("confirm tunnel id=2"), 0);
	assert_int_equal(ask("confirm limit id=3"), 0);
	assert_int_equal(ask("confirm nexthop id=1"), 0);
	assert_int_equal(bare(CONTRACT_ADOPTED), 0);
	assert_int_equal(list(CONTRACT_TUNNEL), 1);
	assert_int_equal(list(CONTRACT_LIMIT), 1);
	assert_int_equal(list(CONTRACT_NEXTHOP), 1);
	assert_int_equal(list(CONTRACT_SA), 0);
	assert_int_equal(list(CONTRACT_CHILD), 0);
	assert_int_equal(list(CONTRACT_GROUP), 0);
	assert_int_equal(list(CONTRACT_ROUTE), 0);
	/* And what it does not confirm in time goes by itself. */
	detach();
	assert_int_equal(attach(), 0);
	assert_int_equal(ask("confirm nexthop id=1"), 0);
	assert_int_equal(list(CONTRACT_TUNNEL), 1);
	t.now_ns += AGENT_GRACE_NS;
	for (int i = 0; i < 100; i++)
		turn();
	assert_int_equal(list(CONTRACT_TUNNEL), 0);
	assert_int_equal(list(CONTRACT_NEXTHOP), 1);
	assert_int_equal(ask("delete nexthop id=1"), 0);
}

static void test_second_control_is_refused(void **state)
{
	struct channel *first = t.control;

	t.control = NULL;
	assert_int_equal(attach(), -EBUSY);
	t.control = first;
	assert_int_equal(bare(CONTRACT_PROBE), 0);
}

/* 1,024 SAs with 200 opaque bytes each do not fit into the ring at once twice over. */
static void test_listing_larger_than_the_room(void **state)
{
	char line[1024];
	char opaque[201];

	memset(opaque, 'o', 200);
	opaque[200] = '\0';
	assert_int_equal(ask("set nexthop id=1 kind=drop"), 0);
	assert_int_equal(ask("set tunnel id=2 nexthop=1"), 0);
	assert_int_equal(ask("set child id=4 tunnel=2 local=0.0.0.0/0 remote=0.0.0.0/0"), 0);
	for (uint32_t i = 1; i < SAS; i++) {
		snprintf(line, sizeof(line),
			 "add sa id=%u spi=%u direction=in tunnel=2 child=4 local=192.0.2.10 "
			 "remote=198.51.100.1 opaque=%s " KEY,
			 i, 0x100000 + i, opaque);
		assert_int_equal(ask(line), 0);
	}
	assert_int_equal(list(CONTRACT_SA), SAS - 1);
	detach();
	assert_int_equal(attach(), 0);
	assert_int_equal(bare(CONTRACT_ADOPTED), 0);
	assert_int_equal(list(CONTRACT_SA), 0);
}

static void test_garbage_is_refused(void **state)
{
	struct contract_header *header = (void *)request;
	const struct contract_answer *a;

	for (uint16_t type = 0; type < 90; type++) {
		memset(request, 0xff, 64);
		*header = (struct contract_header){ 64, type, 0, ++last_request };
		transmit(request, 64);
		a = answer(NULL);
		if (a)
			assert_int_not_equal(a->status, CONTRACT_APPLIED);
	}
	assert_int_equal(bare(CONTRACT_PROBE), 0);
}

static uint64_t random_state = 88172645463325252u;

static uint32_t random_below(uint32_t n)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return (uint32_t)(random_state >> 11) % n;
}

/*
 * Valid requests with a few bytes changed, alone and in batches: none may hang, crash or leave the
 * book and the tables apart. What was set is then removed by adoption, whatever it was.
 */
static void test_mutations(void **state)
{
	static const char *const lines[] = {
		"set nexthop id=1 kind=gateway port=1 gateway=192.0.2.1",
		"set nexthop id=6 kind=group target=5",
		"set nexthop id=9 kind=ecmp members=1:3,6:2",
		"set limit id=3 bits_per_s=1000000000",
		"set tunnel id=2 nexthop=1 limit=3 opaque=a",
		"set child id=4 tunnel=2 local=10.0.0.0/8 remote=0.0.0.0/0,2001:db8::/32",
		"set group id=5 members=2:1,3:4",
		"set route prefix=10.1.0.0/16 nexthop=6",
		"set route prefix=2001:db8::/48 nexthop=1",
		"set address addr=192.0.2.10 port=1",
		"set neighbour addr=192.0.2.1 port=1 mac=02:00:00:00:00:01",
		"add sa id=8 spi=1048584 direction=in tunnel=2 child=4 local=192.0.2.10 "
		"remote=198.51.100.1 " KEY,
		"delete tunnel id=2",
		"delete sa id=8",
		"confirm child id=4",
	};
	const uint32_t count = sizeof(lines) / sizeof(lines[0]);
	static uint8_t one[4096] __attribute__((aligned(8)));
	struct contract_header *header = (void *)request;
	const struct contract_header *got = (const void *)received;
	uint32_t outcomes[CONTRACT_REFUSED_UNSUPPORTED + 1] = { 0 };

	for (uint32_t round = 0; round < 20000; round++) {
		uint32_t parts = round % 4 ? 1 : 1 + random_below(6);
		uint32_t n = parts > 1 ? sizeof(*header) : 0;

		for (uint32_t i = 0; i < parts; i++) {
			uint32_t bytes = build(one, sizeof(one), lines[random_below(count)]);

			for (uint32_t change = random_below(3) ? 0 : 3; change; change--)
				one[8 + random_below(bytes - 8)] = (uint8_t)random_below(256);
			memcpy(request + n, one, bytes);
			n += bytes;
		}
		if (parts > 1)
			*header = (struct contract_header){ n, CONTRACT_BATCH, 0, 0 };
		header->request = round % 64 ? ++last_request : 0;
		transmit(request, n);
		turn();
		while (channel_receive(t.control, received) == 1) {
			assert_null(contract_event_check(got));
			if (got->type == CONTRACT_ANSWER)
				outcomes[((const struct contract_answer *)(got + 1))->status]++;
		}
	}
	/* The mutations are not all refused at the door. */
	assert_true(outcomes[CONTRACT_APPLIED] > 2000);
	assert_true(outcomes[CONTRACT_REFUSED_MISSING] > 200);
	assert_true(outcomes[CONTRACT_REFUSED_IN_USE] > 20);
	assert_int_equal(bare(CONTRACT_PROBE), 0);
	detach();
	assert_int_equal(attach(), 0);
	assert_int_equal(bare(CONTRACT_ADOPTED), 0);
	for (uint32_t kind = CONTRACT_ADDRESS; kind < CONTRACT_KINDS; kind++)
		if (list((enum contract_kind)kind))
			fail_msg("a %s is left", contract_kind_text((enum contract_kind)kind));
}

static int start_tables(void)
{
	const uint32_t rows[CONTRACT_SECTIONS] = { 1, 2, SAS, 64, 64, 1, 64, 1 };
	const struct fib_config fib = { .routes4 = 1000,
					.routes6 = 100,
					.domains = 1,
					.nexthops = 64,
					.groups = 16,
					.neighbours = 64,
					.socket = -1,
					.qsbr = t.qsbr };
	const struct sa_config sa = { .sas = SAS,
				      .tunnels = 64,
				      .children = 64,
				      .nexthops = 64,
				      .limits = 64,
				      .socket = -1,
				      .qsbr = t.qsbr,
				      .counters = &t.counters };
	const struct meter_config meter = {
		.limits = 64, .workers = 1, .tsc_hz = rte_get_tsc_hz(), .socket = -1
	};
	char why[CONTRACT_REASON];

	return contract_counters_create(&t.counters, 2, rows) || fib_init(&t.fib, &fib, why) ||
	       sa_init(&t.sas, &sa, why) || meter_init(&t.meter, &meter, why);
}

static int start(void **state)
{
	struct port_options port;
	struct port_fault fault;
	struct worker_config worker = { .workers = 1, .addresses = 16 };
	struct agent_config config = { .limits = { .workers = 1,
						   .ports = 2,
						   .nexthops = 64,
						   .groups = 16,
						   .tunnels = 64,
						   .children = 64,
						   .sas = SAS,
						   .limits = 64,
						   .domains = 1 } };

	t.pool = rte_pktmbuf_pool_create("test", 4095, 0, 0, 2176, SOCKET_ID_ANY);
	t.qsbr = worker_qsbr_new(1);
	if (!t.pool || !t.qsbr || start_tables() ||
	    port_options_parse(&port, "name=pub0,device=net_null0,role=public", &fault) ||
	    port_set_open(&t.ports, &port, 1, 1, t.pool, &fault))
		return -1;
	worker.fib = config.fib = t.fib;
	worker.sas = config.sas = t.sas;
	worker.meter = config.meter = t.meter;
	worker.counters = config.counters = &t.counters;
	worker.ports = config.ports = &t.ports;
	worker.pool = config.pool = t.pool;
	worker.qsbr = config.qsbr = t.qsbr;
	worker.socket = SOCKET_ID_ANY;
	snprintf(t.path, sizeof(t.path), "/tmp/vpngw-agent-%d.sock", (int)getpid());
	if (worker_set_new(&t.workers, &worker) || loop_init(&t.loop) ||
	    channel_listen(&t.listener, t.path))
		return -1;
	config.workers = t.workers;
	config.loop = &t.loop;
	config.listener = t.listener;
	config.drops = t.drops;
	t.now_ns = 1;
	return agent_open(&t.agent, &config) || attach();
}

static int stop(void **state)
{
	channel_close(t.control);
	agent_close(t.agent);
	channel_listener_close(t.listener);
	loop_fini(&t.loop);
	worker_set_free(t.workers);
	port_set_close(&t.ports);
	meter_fini(t.meter);
	sa_fini(t.sas);
	fib_fini(t.fib);
	contract_counters_unmap(&t.counters);
	worker_qsbr_free(t.qsbr);
	rte_mempool_free(t.pool);
	return access(t.path, F_OK) ? 0 : -1;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_tunnel_and_back),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_references_follow_changes),
		cmocka_unit_test(test_batch_is_whole),
		cmocka_unit_test(test_delete_waits_for_workers),
		cmocka_unit_test(test_adoption),
		cmocka_unit_test(test_second_control_is_refused),
		cmocka_unit_test(test_listing_larger_than_the_room),
		cmocka_unit_test(test_garbage_is_refused),
		cmocka_unit_test(test_mutations),
	};

	test_eal_init();
	return cmocka_run_group_tests(tests, start, stop);
}
