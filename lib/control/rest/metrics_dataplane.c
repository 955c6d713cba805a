#include "control/rest/metrics_dataplane.h"

static void drops(struct text *out, const struct contract_counters *counters)
{
	static const struct metrics_sample sample = { "vpngw_dropped_packets_total", "counter",
						      "Packets given up, by reason." };

	metrics_head(out, &sample);
	for (int d = CONTRACT_DROP_NONE + 1; d < CONTRACT_DROP_COUNT; d++) {
		text_add(out, "%s", sample.name);
		metrics_label(out, "reason", contract_drop_name((enum contract_drop)d), true);
		text_add(out, "} %llu\n",
			 (unsigned long long)contract_counters_sum(counters, CONTRACT_COUNT_DROPS,
								   0, (uint32_t)d));
	}
}

static void workers(struct text *out, const struct contract_counters *counters)
{
	static const struct {
		struct metrics_sample sample;
		uint32_t column;
	} rows[] = {
		{ { "vpngw_worker_busy_cycles_total", "counter", "Cycles spent on packets." },
		  CONTRACT_WORKER_BUSY_CYCLES },
		{ { "vpngw_worker_idle_cycles_total", "counter", "Cycles spent waiting." },
		  CONTRACT_WORKER_IDLE_CYCLES },
		{ { "vpngw_worker_packets_total", "counter", "Packets taken from ports." },
		  CONTRACT_WORKER_PACKETS },
		{ { "vpngw_worker_rx_missed_total", "counter", "Packets the NIC had no room for." },
		  CONTRACT_WORKER_RX_MISSED },
		{ { "vpngw_worker_handed_over_total", "counter",
		    "Packets given to other workers: for want of queues, or by spreadInbound." },
		  CONTRACT_WORKER_HANDED_OVER },
		{ { "vpngw_worker_waits_total", "counter",
		    "Waits for sequence numbers that another worker held, or for its turn." },
		  CONTRACT_WORKER_WAITS },
		{ { "vpngw_worker_rx_level_max", "gauge",
		    "Percent of a receive ring that were in use, the most since the start." },
		  CONTRACT_WORKER_RX_LEVEL_MAX },
		{ { "vpngw_worker_rx_high_total", "counter",
		    "Full bursts that came out of a receive ring over four fifths full." },
		  CONTRACT_WORKER_RX_HIGH },
	};
	uint64_t values[CONTRACT_WORKER_COLUMNS];

	for (size_t r = 0; r < sizeof(rows) / sizeof(rows[0]); r++) {
		metrics_head(out, &rows[r].sample);
		for (uint32_t w = 0; contract_counters_worker(counters, CONTRACT_COUNT_WORKER, w,
							      values, CONTRACT_WORKER_COLUMNS);
		     w++)
			text_add(out, "%s{worker=\"%u\"} %llu\n", rows[r].sample.name, w,
				 (unsigned long long)values[rows[r].column]);
	}
}

static void buffers(struct text *out, const struct contract_counters *counters)
{
	static const struct {
		struct metrics_sample sample;
		uint32_t column;
	} rows[] = {
		{ { "vpngw_packet_buffers", "gauge", "Packet buffers that there are." },
		  CONTRACT_WORKER_BUFFERS },
		{ { "vpngw_packet_buffers_free", "gauge",
		    "Those that are in no ring and hold no packet; below a tenth the data plane "
		    "warns." },
		  CONTRACT_WORKER_BUFFERS_FREE },
	};

	for (size_t r = 0; r < sizeof(rows) / sizeof(rows[0]); r++) {
		metrics_head(out, &rows[r].sample);
		text_add(out, "%s %llu\n", rows[r].sample.name,
			 (unsigned long long)contract_counters_sum(counters, CONTRACT_COUNT_WORKER,
								   0, rows[r].column));
	}
}

/* The last row is the main lcore's, which has no packet path. */
static void steps(struct text *out, const struct contract_counters *counters)
{
#define SAMPLE_TEXT(n) SAMPLE_TEXT_OF(n)
#define SAMPLE_TEXT_OF(n) #n
#define SAMPLED                                                                                    \
	"one vector in " SAMPLE_TEXT(CONTRACT_STEP_SAMPLE) " is timed, the others not counted."
	static const struct metrics_sample samples[] = {
		{ "vpngw_step_cycles_total", "counter",
		  "TSC cycles of a step of the packet path: " SAMPLED },
		{ "vpngw_step_packets_total", "counter",
		  "Packets of vpngw_step_cycles_total: " SAMPLED },
	};
	union {
		struct contract_step_cost steps[CONTRACT_PATH_STEP_COUNT];
		uint64_t columns[CONTRACT_STEP_COLUMNS];
	} row, next;

	for (int s = 0; s < 2; s++) {
		metrics_head(out, &samples[s]);
		if (!contract_counters_worker(counters, CONTRACT_COUNT_STEPS, 0, row.columns,
					      CONTRACT_STEP_COLUMNS))
			continue;
		for (uint32_t w = 0; contract_counters_worker(counters, CONTRACT_COUNT_STEPS, w + 1,
							      next.columns, CONTRACT_STEP_COLUMNS);
		     w++, row = next)
			for (int i = 0; i < CONTRACT_PATH_STEP_COUNT; i++)
				text_add(out, "%s{worker=\"%u\",step=\"%s\"} %llu\n",
					 samples[s].name, w,
					 contract_step_name(
						 (enum contract_step)(CONTRACT_STEP_CLASSIFY + i)),
					 (unsigned long long)(s ? row.steps[i].packets
								: row.steps[i].cycles));
	}
}

static void ports(struct text *out, const struct contract_counters *counters,
		  const struct metrics_port *list, uint32_t count)
{
	static const struct metrics_sample samples[CONTRACT_PORT_COLUMNS] = {
		[CONTRACT_PORT_RX_PACKETS] = { "vpngw_port_rx_packets_total", "counter",
					       "Frames received by a port." },
		[CONTRACT_PORT_RX_BYTES] = { "vpngw_port_rx_bytes_total", "counter",
					     "Bytes of them, from the Ethernet header on." },
		[CONTRACT_PORT_TX_PACKETS] = { "vpngw_port_tx_packets_total", "counter",
					       "Frames given to a port to send." },
		[CONTRACT_PORT_TX_BYTES] = { "vpngw_port_tx_bytes_total", "counter",
					     "Bytes of them, from the Ethernet header on." },
		[CONTRACT_PORT_DROPPED] = { "vpngw_port_dropped_total", "counter",
					    "Packets given up that came in by a port, or would "
					    "have left by it." },
	};

	for (uint32_t c = 0; c < CONTRACT_PORT_COLUMNS; c++) {
		metrics_head(out, &samples[c]);
		for (uint32_t i = 0; i < count; i++) {
			text_add(out, "%s", samples[c].name);
			metrics_label(out, "port", list[i].name, true);
			text_add(out, "} %llu\n",
				 (unsigned long long)contract_counters_sum(
					 counters, CONTRACT_COUNT_PORTS, list[i].id, c));
		}
	}
}

void metrics_dataplane(struct text *out, const struct contract_counters *counters,
		       const struct metrics_port *list, uint32_t port_count)
{
	drops(out, counters);
	workers(out, counters);
	steps(out, counters);
	buffers(out, counters);
	ports(out, counters, list, port_count);
}
