/*
 * What the path counts in the shared area: cycles and packets of each step of the vectors that are
 * timed, in the row of the worker, and what each port received, sent and gave up.
 */
#include "../unit/cmocka_all.h"
#include "../unit/dataplane/eal.h"
#include "craft.h"

#include <rte_mbuf.h>

#define VECTORS (4 * CONTRACT_STEP_SAMPLE)
#define EACH 3 /* packets of a vector */
#define LENGTH 100
#define FRAME (LENGTH + sizeof(struct net_ether_hdr))

static struct bed *bed;

static void steps_of(uint32_t worker, struct contract_step_cost *steps)
{
	assert_true(contract_counters_worker(&bed->counters, CONTRACT_COUNT_STEPS, worker,
					     (uint64_t *)steps, CONTRACT_STEP_COLUMNS));
}

static uint64_t port(uint32_t id, enum contract_port_column column)
{
	return contract_counters_sum(&bed->counters, CONTRACT_COUNT_PORTS, id, column);
}

/* A vector into the tunnel; bytes that left. */
static uint64_t run_one(void)
{
	const struct craft c = { .tunnel = 1, .length = LENGTH };
	struct rte_mbuf *packets[EACH];
	struct path_tx *tx = path_tx(bed->path, 1);
	uint64_t bytes = 0;

	for (int i = 0; i < EACH; i++)
		packets[i] = craft_inside(bed, &c);
	path_run(bed->path, 0, packets, EACH);
	for (uint32_t i = 0; i < tx->n; i++)
		bytes += tx->packets[i]->pkt_len;
	assert_int_equal(bed_sent(bed, 1), EACH);
	return bytes;
}

static void steps(void **state)
{
	static const bool taken[PATH_STEP_COUNT] = {
		[PATH_STEP_CLASSIFY] = true, [PATH_STEP_ROUTE] = true, [PATH_STEP_ADMIT] = true,
		[PATH_STEP_BUILD] = true,    [PATH_STEP_SEAL] = true,  [PATH_STEP_SEND] = true,
	};
	struct contract_step_cost seen[PATH_STEP_COUNT];
	struct contract_step_cost before[PATH_STEP_COUNT];

	for (int i = 1; i <= VECTORS; i++) {
		steps_of(0, before);
		(void)run_one();
		steps_of(0, seen);
		if (i % CONTRACT_STEP_SAMPLE)
			assert_memory_equal(seen, before, sizeof(seen));
	}
	for (int s = 0; s < PATH_STEP_COUNT; s++) {
		assert_int_equal(seen[s].packets,
				 taken[s] ? VECTORS / CONTRACT_STEP_SAMPLE * EACH : 0);
		assert_int_equal(seen[s].cycles != 0, taken[s]);
		assert_string_equal(path_step_name(s),
				    contract_step_name(CONTRACT_STEP_CLASSIFY + s));
	}
	steps_of(1, seen); /* the other worker did nothing */
	for (int s = 0; s < PATH_STEP_COUNT; s++)
		assert_int_equal(seen[s].packets | seen[s].cycles, 0);
}

static void ports(void **state)
{
	uint64_t before[PATH_PORTS][CONTRACT_PORT_COLUMNS];
	const struct craft c = { .tunnel = 1, .length = LENGTH };
	struct rte_mbuf *broken = craft_inside(bed, &c);
	uint64_t bytes = 0;

	for (uint32_t id = 0; id < PATH_PORTS; id++)
		for (uint32_t i = 0; i < CONTRACT_PORT_COLUMNS; i++)
			before[id][i] = port(id, i);
#define MORE(id, column) (port(id, column) - before[id][column])
	for (int i = 0; i < VECTORS; i++)
		bytes += run_one();
	assert_int_equal(MORE(BED_PRIVATE, CONTRACT_PORT_RX_PACKETS), VECTORS * EACH);
	assert_int_equal(MORE(BED_PRIVATE, CONTRACT_PORT_RX_BYTES), VECTORS * EACH * FRAME);
	assert_int_equal(MORE(BED_PRIVATE, CONTRACT_PORT_TX_PACKETS), 0);
	assert_int_equal(MORE(BED_PUBLIC, CONTRACT_PORT_RX_PACKETS), 0);
	assert_int_equal(MORE(BED_PUBLIC, CONTRACT_PORT_TX_PACKETS), VECTORS * EACH);
	assert_int_equal(MORE(BED_PUBLIC, CONTRACT_PORT_TX_BYTES), bytes);
	rte_pktmbuf_trim(broken, LENGTH - 10);
	craft_run(bed, 0, broken);
	assert_int_equal(MORE(BED_PRIVATE, CONTRACT_PORT_RX_PACKETS), VECTORS * EACH + 1);
	assert_int_equal(MORE(BED_PRIVATE, CONTRACT_PORT_DROPPED), 1);
	assert_int_equal(MORE(BED_PUBLIC, CONTRACT_PORT_DROPPED), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(steps),
		cmocka_unit_test(ports),
	};
	struct bed_config config = { .tunnels = 1, .buffers = 256, .workers = 2 };
	struct bed_sa sa = { .tunnel = 1, .cipher = CONTRACT_CIPHER_AES256_GCM, .icv = 16 };
	int failed;

	test_eal_init();
	bed = bed_new(&config);
	bed_tunnel(bed, 1);
	bed_sa_add(bed, &sa);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	bed_free(bed);
	return failed;
}
