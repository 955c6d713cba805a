#include "dataplane/agent/request.h"
#include "dataplane/agent/captured.h"
#include "dataplane/agent/change.h"
#include "dataplane/agent/listing.h"
#include "dataplane/agent/outcome.h"
#include "dataplane/agent/send.h"
#include "dataplane/agent/sweep.h"
#include "dataplane/agent/waiting.h"
#include "base/log.h"

#include <string.h>

void request_answer(struct agent *agent, uint64_t request, const struct outcome *outcome)
{
	struct contract_answer answer;
	struct contract_header header = {
		.length = sizeof(header) + sizeof(answer),
		.type = CONTRACT_ANSWER,
		.request = request,
	};
	const struct channel_part parts[] = { { &header, sizeof(header) },
					      { &answer, sizeof(answer) } };

	memset(&answer, 0, sizeof(answer));
	answer.status = outcome->status;
	answer.index = outcome->index;
	answer.count = outcome->count;
	memcpy(answer.reason, outcome->reason, sizeof(answer.reason));
	if (outcome->status) {
		agent->refused++;
		log_debug("agent", "refused status=%s reason=\"%s\"",
			  contract_status_text((enum contract_status)outcome->status),
			  outcome->reason);
	}
	if (!agent->channel || !request)
		return;
	/* Requests are read only while the reserve has room for their answers. */
	if (channel_send(agent->channel, parts, 2))
		log_debug("agent", "answer lost request=%llu", (unsigned long long)request);
}

static void request_change(struct agent *agent, const struct contract_header *message)
{
	struct outcome outcome = { 0 };

	if (change_apply(agent, message, &outcome) && change_commit(agent, message->request, true))
		return;
	request_answer(agent, message->request, &outcome);
}

static void request_batch(struct agent *agent, const struct contract_header *message)
{
	const uint8_t *at = (const uint8_t *)(message + 1);
	const uint8_t *end = (const uint8_t *)message + message->length;
	struct outcome outcome = { 0 };
	uint16_t index = 0;

	for (; at < end; at += ((const struct contract_header *)at)->length) {
		if (!change_apply(agent, (const struct contract_header *)at, &outcome)) {
			outcome.index = index;
			change_undo(agent);
			request_answer(agent, message->request, &outcome);
			return;
		}
		index++;
	}
	if (!change_commit(agent, message->request, false))
		request_answer(agent, message->request, &outcome);
}

static void request_probe(struct agent *agent, const struct contract_header *message)
{
	const struct waiting waiting = { .request = message->request };

	if (agent->waiting)
		waiting_add(agent, &waiting);
	else
		request_answer(agent, message->request, &waiting.outcome);
}

void request_process(struct agent *agent, const struct contract_header *message)
{
	const char *wrong = contract_request_check(message);
	struct outcome outcome = { 0 };

	agent->requests++;
	if (wrong) {
		outcome_refuse(&outcome, CONTRACT_REFUSED_INVALID, "%s", wrong);
		request_answer(agent, message->request, &outcome);
		return;
	}
	switch (message->type) {
	case CONTRACT_ADD:
	case CONTRACT_SET:
	case CONTRACT_DELETE:
	case CONTRACT_CONFIRM:
		request_change(agent, message);
		break;
	case CONTRACT_BATCH:
		request_batch(agent, message);
		break;
	case CONTRACT_LIST:
		listing_start(agent, message);
		break;
	case CONTRACT_ADOPTED:
		sweep_start(agent, message->request);
		break;
	case CONTRACT_CAPTURE:
		captured_request(agent, message);
		break;
	case CONTRACT_SEND:
		send_datagram(agent, message);
		break;
	default:
		request_probe(agent, message);
		break;
	}
}
