#include "dataplane/agent/captured.h"
#include "dataplane/agent/outcome.h"
#include "dataplane/agent/request.h"

#include <errno.h>

#include <rte_mbuf.h>

#define CAPTURED_BURST 32
#define CAPTURED_BUDGET 512 /* records of a turn */

static void captured_send(struct agent *agent, const struct rte_mbuf *record)
{
	static const uint8_t zeros[8];
	size_t padding = -(size_t)record->data_len & 7;
	struct contract_header header = {
		.length = (uint32_t)(sizeof(header) + record->data_len + padding),
		.type = (uint16_t)record->packet_type,
	};
	const struct channel_part parts[] = {
		{ &header, sizeof(header) },
		{ rte_pktmbuf_mtod(record, const void *), record->data_len },
		{ zeros, padding },
	};

	if (agent->channel && channel_send_droppable(agent->channel, parts, padding ? 3 : 2))
		agent->captured_lost++;
}

/* They stay in their ring, and then are lost to the worker, while others need the channel. */
bool captured_turn(struct agent *agent)
{
	struct rte_mbuf *records[CAPTURED_BURST];
	uint32_t n = CAPTURED_BURST;

	for (uint32_t done = 0; n == CAPTURED_BURST && done < CAPTURED_BUDGET; done += n) {
		if (agent->channel && !channel_has_plenty(agent->channel))
			return false;
		n = worker_captured(agent->config.workers, records, CAPTURED_BURST);
		for (uint32_t i = 0; i < n; i++)
			captured_send(agent, records[i]);
		rte_pktmbuf_free_bulk(records, n);
	}
	return n == CAPTURED_BURST;
}

void captured_request(struct agent *agent, const struct contract_header *message)
{
	const struct contract_capture *capture = (const void *)(message + 1);
	struct outcome outcome = { 0 };
	int err = capture_set(worker_captures(agent->config.workers), capture);

	if (err == -ENOENT)
		outcome_refuse(&outcome, CONTRACT_REFUSED_MISSING, "there is no capture %u",
			       capture->id);
	else if (err)
		outcome_refuse(&outcome, CONTRACT_REFUSED_FULL, "no memory for the capture");
	request_answer(agent, message->request, &outcome);
}
