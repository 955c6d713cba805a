/* The data plane's own counters as Prometheus text: each sample where it belongs, with its value.
 */
#include "cmocka_all.h"
#include "control/rest/metrics_dataplane.h"

#include <stdio.h>
#include <string.h>

#define WORKERS 2

static struct contract_counters counters;
static struct text out;
static const struct metrics_port ports[] = { { "public-0", 1 }, { "in\"side", 3 } };

static int setup(void **state)
{
	static const uint32_t rows[CONTRACT_SECTIONS] = { 1, 4, 8, 8, 8, 1, 8, 1 };

	return contract_counters_create(&counters, WORKERS + 1, rows);
}

static int teardown(void **state)
{
	contract_counters_unmap(&counters);
	text_fini(&out);
	return 0;
}

static void render(void)
{
	text_clear(&out);
	metrics_dataplane(&out, &counters, ports, 2);
	assert_false(out.failed);
}

static unsigned int count(const char *what)
{
	unsigned int n = 0;

	for (const char *p = text_get(&out); (p = strstr(p, what)); p++)
		n++;
	return n;
}

/* A line of its own. */
static void assert_sample(const char *name, unsigned long long value)
{
	char line[256];

	snprintf(line, sizeof(line), "\n%s %llu\n", name, value);
	if (count(line) != 1)
		fail_msg("not once: %s", line);
}

/* One TYPE and HELP a metric, in front of all of its samples. */
static void assert_metric(const char *name, const char *type, unsigned int samples)
{
	char text[256];
	const char *at;

	snprintf(text, sizeof(text), "# HELP %s ", name);
	assert_int_equal(count(text), 1);
	snprintf(text, sizeof(text), "# TYPE %s %s\n", name, type);
	assert_int_equal(count(text), 1);
	at = strstr(text_get(&out), text) + strlen(text);
	for (unsigned int i = 0; i < samples; i++) {
		assert_memory_equal(at, name, strlen(name));
		at = strchr(at, '\n') + 1;
	}
	assert_true(*at == '#' || *at == '\0');
}

static void test_buffers(void **state)
{
	uint64_t *row = contract_counters_row(&counters, CONTRACT_COUNT_WORKER, WORKERS, 0);

	row[CONTRACT_WORKER_BUFFERS] = 16384;
	row[CONTRACT_WORKER_BUFFERS_FREE] = 12000;
	render();
	assert_metric("vpngw_packet_buffers", "gauge", 1);
	assert_metric("vpngw_packet_buffers_free", "gauge", 1);
	assert_sample("vpngw_packet_buffers", 16384);
	assert_sample("vpngw_packet_buffers_free", 12000);
}

static void test_steps(void **state)
{
	for (uint32_t w = 0; w < WORKERS; w++)
		for (uint32_t i = 0; i < CONTRACT_STEP_COLUMNS; i++)
			contract_counters_row(&counters, CONTRACT_COUNT_STEPS, w, 0)[i] =
				1000 * w + i;
	render();
	assert_metric("vpngw_step_cycles_total", "counter", WORKERS * CONTRACT_PATH_STEP_COUNT);
	assert_metric("vpngw_step_packets_total", "counter", WORKERS * CONTRACT_PATH_STEP_COUNT);
	assert_int_equal(count("one vector in 16 is timed"), 2);
	for (uint32_t w = 0; w < WORKERS; w++)
		for (uint32_t i = 0; i < CONTRACT_PATH_STEP_COUNT; i++) {
			const char *step = contract_step_name(CONTRACT_STEP_CLASSIFY + i);
			char name[128];

			snprintf(name, sizeof(name),
				 "vpngw_step_cycles_total{worker=\"%u\",step=\"%s\"}", w, step);
			assert_sample(name, 1000 * w + 2 * i);
			snprintf(name, sizeof(name),
				 "vpngw_step_packets_total{worker=\"%u\",step=\"%s\"}", w, step);
			assert_sample(name, 1000 * w + 2 * i + 1);
		}
	assert_int_equal(count("step=\"classify\""), 2 * WORKERS);
	assert_int_equal(count("step=\"transmit\""), 2 * WORKERS);
	assert_int_equal(count("step=\"hold\""), 0);
}

/* Workers' rows added up, by the ids that the names have; ports that nobody knows are left out. */
static void test_ports(void **state)
{
	for (uint32_t w = 0; w < WORKERS; w++)
		for (uint32_t id = 0; id < 4; id++)
			for (uint32_t i = 0; i < CONTRACT_PORT_COLUMNS; i++)
				contract_counters_row(&counters, CONTRACT_COUNT_PORTS, w, id)[i] =
					100 * id + 10 * i + w;
	render();
	assert_metric("vpngw_port_rx_packets_total", "counter", 2);
	assert_metric("vpngw_port_dropped_total", "counter", 2);
	assert_sample("vpngw_port_rx_packets_total{port=\"public-0\"}", 201);
	assert_sample("vpngw_port_rx_bytes_total{port=\"public-0\"}", 221);
	assert_sample("vpngw_port_tx_packets_total{port=\"public-0\"}", 241);
	assert_sample("vpngw_port_tx_bytes_total{port=\"public-0\"}", 261);
	assert_sample("vpngw_port_dropped_total{port=\"public-0\"}", 281);
	assert_sample("vpngw_port_rx_packets_total{port=\"in\\\"side\"}", 601);
	assert_sample("vpngw_port_dropped_total{port=\"in\\\"side\"}", 681);
	assert_int_equal(count("{port="), 2 * CONTRACT_PORT_COLUMNS);
}

static void test_workers_and_drops(void **state)
{
	for (uint32_t w = 0; w <= WORKERS; w++) {
		contract_counters_row(&counters, CONTRACT_COUNT_WORKER, w,
				      0)[CONTRACT_WORKER_BUSY_CYCLES] = 7 + w;
		contract_counters_row(&counters, CONTRACT_COUNT_DROPS, w,
				      0)[CONTRACT_DROP_ESP_ICV] = 5;
	}
	render();
	assert_metric("vpngw_worker_busy_cycles_total", "counter", WORKERS + 1);
	assert_sample("vpngw_worker_busy_cycles_total{worker=\"1\"}", 8);
	assert_sample("vpngw_worker_busy_cycles_total{worker=\"2\"}", 9);
	assert_metric("vpngw_dropped_packets_total", "counter", CONTRACT_DROP_COUNT - 1);
	assert_sample("vpngw_dropped_packets_total{reason=\"esp_icv\"}", 15);
}

/* A header that changed under it: nothing is read outside, and the text stays one. */
static void test_broken_area(void **state)
{
	counters.header->workers = UINT32_MAX;
	render();
	assert_metric("vpngw_step_cycles_total", "counter", 0);
	assert_metric("vpngw_worker_busy_cycles_total", "counter", 0);
	assert_sample("vpngw_packet_buffers", 0);
	counters.header->workers = WORKERS + 1;
}

#define with_area(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		with_area(test_buffers),     with_area(test_steps),
		with_area(test_ports),	     with_area(test_workers_and_drops),
		with_area(test_broken_area),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
