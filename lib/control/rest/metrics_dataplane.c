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

void metrics_dataplane(struct text *out, const struct contract_counters *counters)
{
	drops(out, counters);
	workers(out, counters);
}
