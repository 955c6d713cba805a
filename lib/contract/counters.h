#pragma once
/*
 * DOC: counter area
 *
 * A memfd that the data plane writes and control maps read-only. A header names the sections; a
 * section is `rows` x `columns` of 64-bit words for each worker and, behind them, for the main
 * lcore, so that each writes words of its own without atomics and a reader adds them up. 64-bit
 * loads are whole; a row is not a consistent snapshot. Counters of an id start at zero when the
 * object is added.
 */
#include "contract/capture.h"
#include "contract/drops.h"

#include <stdbool.h>
#include <stdint.h>

enum contract_section {
	CONTRACT_COUNT_DROPS,	     /* rows: 1; columns: enum contract_drop */
	CONTRACT_COUNT_PORTS,	     /* rows: port id; columns: enum contract_port_column */
	CONTRACT_COUNT_SAS,	     /* rows: SA id; columns: enum contract_sa_column */
	CONTRACT_COUNT_TUNNELS,	     /* rows: tunnel id; columns: enum contract_tunnel_column */
	CONTRACT_COUNT_LIMITS,	     /* rows: limit id; columns: enum contract_limit_column */
	CONTRACT_COUNT_WORKER,	     /* rows: 1; columns: enum contract_worker_column */
	CONTRACT_COUNT_DESTINATIONS, /* rows: tunnel id; columns: enum contract_destination_column
				      */
	CONTRACT_COUNT_STEPS,	     /* rows: 1; columns: a struct contract_step_cost a step */
	CONTRACT_SECTIONS
};

enum contract_port_column {
	CONTRACT_PORT_RX_PACKETS,
	CONTRACT_PORT_RX_BYTES,
	CONTRACT_PORT_TX_PACKETS,
	CONTRACT_PORT_TX_BYTES,
	CONTRACT_PORT_DROPPED,
	CONTRACT_PORT_COLUMNS
};

enum contract_sa_column {
	CONTRACT_SA_PACKETS,
	CONTRACT_SA_BYTES,   /* inner IP length */
	CONTRACT_SA_LAST_NS, /* CLOCK_BOOTTIME of the last good packet; take the maximum */
	CONTRACT_SA_DROPPED,
	CONTRACT_SA_COLUMNS
};

enum contract_tunnel_column {
	CONTRACT_TUNNEL_IN_PACKETS,
	CONTRACT_TUNNEL_IN_BYTES,
	CONTRACT_TUNNEL_OUT_PACKETS,
	CONTRACT_TUNNEL_OUT_BYTES,
	CONTRACT_TUNNEL_IN_DROPPED,
	CONTRACT_TUNNEL_OUT_DROPPED,
	CONTRACT_TUNNEL_IN_SELECTOR_DROPPED,
	CONTRACT_TUNNEL_OUT_SELECTOR_DROPPED,
	CONTRACT_TUNNEL_IN_SOURCE_DROPPED,
	CONTRACT_TUNNEL_COLUMNS
};

/*
 * Where packets that came out of a tunnel went, when that was not the gateway's own network: what
 * is missing to CONTRACT_TUNNEL_IN went there. Two columns each, packets and bytes.
 */
enum contract_destination {
	CONTRACT_TO_SITE,    /* into a tunnel to a site */
	CONTRACT_TO_GATEWAY, /* into a tunnel to another gateway */
	CONTRACT_TO_CLIENT,
	CONTRACT_TO_INTERNET, /* in clear out of a public port */
	CONTRACT_TO_SELF,     /* for this gateway */
	CONTRACT_TO_PEERED,   /* inside, by a next hop of a peered network */
	CONTRACT_DESTINATIONS
};

enum contract_destination_column {
	/* CLOCK_BOOTTIME when the tunnel was added and its counters began, in one worker's row:
	 * tells a tunnel from another one that had the id before. Take the sum. */
	CONTRACT_DESTINATION_SINCE_NS = 2 * CONTRACT_DESTINATIONS,
	CONTRACT_DESTINATION_COLUMNS
};

enum contract_limit_column {
	CONTRACT_LIMIT_PACKETS,
	CONTRACT_LIMIT_BYTES,
	CONTRACT_LIMIT_DROPPED_PACKETS,
	CONTRACT_LIMIT_DROPPED_BYTES,
	CONTRACT_LIMIT_COLUMNS
};

enum contract_worker_column {
	CONTRACT_WORKER_BUSY_CYCLES,
	CONTRACT_WORKER_IDLE_CYCLES,
	CONTRACT_WORKER_LOOPS,
	CONTRACT_WORKER_PACKETS,
	CONTRACT_WORKER_RX_MISSED,    /* the main lcore's, as the next */
	CONTRACT_WORKER_BUFFERS_FREE, /* packet buffers in the pool, at this moment */
	CONTRACT_WORKER_PROGRESS_NS,
	CONTRACT_WORKER_HANDED_OVER,  /* packets given to other workers */
	CONTRACT_WORKER_WAITS,	      /* for numbers that another worker held, or its turn */
	CONTRACT_WORKER_RX_LEVEL_MAX, /* percent of a receive ring, the most since the start */
	CONTRACT_WORKER_RX_HIGH,      /* full bursts from a ring over 4/5 full */
	CONTRACT_WORKER_BUFFERS,      /* packet buffers that there are; the main lcore's */
	CONTRACT_WORKER_COLUMNS
};

/* What a step of the packet path took: of the vectors that are timed, one in so many. */
#define CONTRACT_STEP_SAMPLE 16
struct contract_step_cost {
	uint64_t cycles;
	uint64_t packets;
};
/* The steps of CONTRACT_PATH_STEPS, in their order. */
#define CONTRACT_PATH_STEP_COUNT (CONTRACT_STEP_HOLD - CONTRACT_STEP_CLASSIFY)
#define CONTRACT_STEP_COLUMNS (2 * CONTRACT_PATH_STEP_COUNT)

struct contract_counter_section {
	uint64_t offset; /* from the start of the area */
	uint32_t rows;
	uint32_t columns;
};

struct contract_counter_header {
	uint32_t magic;
	uint32_t version;
	uint64_t bytes;
	uint32_t workers;
	uint32_t zero;
	struct contract_counter_section sections[CONTRACT_SECTIONS];
};

struct contract_counters {
	struct contract_counter_header *header;
	uint64_t bytes;
	int fd;
};

/* Data plane: creates, sizes, seals (no resize, no new writable mapping) and maps the area. */
__attribute__((warn_unused_result)) int contract_counters_create(
	struct contract_counters *counters, uint32_t workers,
	const uint32_t rows[CONTRACT_SECTIONS]);
/* Control: maps what came with the attach, read-only; -EPROTO when it does not hold together. */
__attribute__((warn_unused_result)) int contract_counters_map(struct contract_counters *counters,
							      int fd);
void contract_counters_unmap(struct contract_counters *counters);

/* The row of one worker: `columns` words. Rows are not bounds-checked here: ids are. */
static inline uint64_t *contract_counters_row(const struct contract_counters *counters,
					      enum contract_section section, uint32_t worker,
					      uint32_t row)
{
	const struct contract_counter_section *s = &counters->header->sections[section];
	uint8_t *base = (uint8_t *)counters->header + s->offset;

	return (uint64_t *)base + ((uint64_t)worker * s->rows + row) * s->columns;
}

/* Sum (or maximum) over all workers; 0 for a row outside. */
uint64_t contract_counters_sum(const struct contract_counters *counters,
			       enum contract_section section, uint32_t row, uint32_t column);
/* A whole row, added up; false (and zeros) for one outside, or of other columns. */
bool contract_counters_row_sum(const struct contract_counters *counters,
			       enum contract_section section, uint32_t row, uint64_t *columns,
			       uint32_t count);
/* Row 0 of one worker; false (and zeros) also when there is no such worker. */
bool contract_counters_worker(const struct contract_counters *counters,
			      enum contract_section section, uint32_t worker, uint64_t *columns,
			      uint32_t count);
uint64_t contract_counters_max(const struct contract_counters *counters,
			       enum contract_section section, uint32_t row, uint32_t column);
const char *contract_drop_name(enum contract_drop drop);
const char *contract_drop_sentence(enum contract_drop drop);
