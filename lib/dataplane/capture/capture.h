#pragma once
/*
 * DOC: which packets control wants to see
 *
 * The captures and traces that control asked for, made ready for workers. Main builds a new table
 * at each change and publishes it; without any there is no table, and a worker sees that by the one
 * word that it reads at the start of a burst. The packet path asks at the ends of its steps, once
 * a vector (path_watch.c).
 *
 * With one, a packet costs a look through the gates first: pairs of mask and value over addresses,
 * ports and protocol as they stand in the header, which let through whatever a rule may match. Only
 * then is the packet taken apart and held against the rules.
 *
 * What is captured goes to control over the contract, because names, disk and people are there and
 * the data plane has no business with files: a worker copies into a buffer of the pool that
 * packets come from, records that bound how many (CAPTURE_RING), the main lcore sends them on with
 * what room the channel has to spare. Nobody waits for them; what found no room is counted and
 * told with the next record.
 *
 * Owner: the main lcore. Workers read what is published.
 */
#include "contract/message.h"

#include <stdbool.h>

#define CAPTURE_RING 1024 /* records of all workers that wait */
#define CAPTURE_GATES 8

struct rte_rcu_qsbr;

/* A packet may match when its fields, masked, are these. IPv4, in the order of the header. */
struct capture_gate {
	uint64_t address_mask;
	uint64_t address;
	uint64_t rest_mask; /* ports below, protocol above */
	uint64_t rest;
};

/*
 * What of a packet one look compares: that in which all gates differ from any packet. ONE_ADDRESS:
 * one gate by the source alone, the other by the destination, so that a register holds what is
 * compared of two packets.
 */
enum capture_part { CAPTURE_ONE_ADDRESS, CAPTURE_ADDRESSES, CAPTURE_PORTS, CAPTURE_PROTOCOL };

/* Two gates by one part each: few enough for registers while a vector goes through. */
struct capture_sieve {
	uint64_t mask[2]; /* ONE_ADDRESS: twice the same, each half of a word for itself */
	uint64_t value[2];
	bool usable; /* else the gates themselves are asked */
	bool open6;
	uint8_t part; /* enum capture_part */
};

struct capture_item {
	struct contract_capture as;
	const struct contract_capture_rule *rules;
	const uint64_t *tunnels; /* as.tunnel_words; NULL: all */
};

/* What workers read. main: rw before it is published, workers: ro */
struct capture_table {
	uint32_t inner; /* bits of captures for which packets are held against rules */
	uint32_t outer; /* that take all ESP of their tunnels as it arrives, having no rules */
	uint32_t ike;
	uint32_t steps;
	uint32_t gates;
	bool open4; /* gates do not decide */
	bool open6;
	uint32_t tunnel_words; /* of `tunnels`: no capture wants any other; 0: any */
	struct capture_gate gate[2 * CAPTURE_GATES];
	struct capture_sieve sieve;
	uint64_t *tunnels;
	struct capture_item items[CONTRACT_CAPTURES];
};

struct capture_store;

/* `published` is where workers look; `qsbr` NULL: no other thread reads. */
__attribute__((warn_unused_result)) int capture_init(struct capture_store **store,
						     struct capture_table **published,
						     struct rte_rcu_qsbr *qsbr);
void capture_fini(struct capture_store *store);
/* A checked request. -ENOENT: ends what there is not, -ENOMEM. */
__attribute__((warn_unused_result)) int capture_set(struct capture_store *store,
						    const struct contract_capture *capture);
/* Control is gone: nobody wants anything. */
void capture_clear(struct capture_store *store);
uint32_t capture_count(const struct capture_store *store);
