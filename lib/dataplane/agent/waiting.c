#include "dataplane/agent/waiting.h"
#include "dataplane/agent/request.h"
#include "base/log.h"

#include <rte_rcu_qsbr.h>

#include <stdlib.h>
#include <string.h>

void waiting_add(struct agent *agent, const struct waiting *template)
{
	struct waiting *waiting = malloc(sizeof(*waiting));

	if (!waiting) {
		log_error("agent", "no memory to wait for the workers; answered early");
		request_answer(agent, template->request, &template->outcome);
		return;
	}
	*waiting = *template;
	waiting->next = NULL;
	waiting->token = rte_rcu_qsbr_start(agent->config.qsbr);
	waiting->session = agent->session;
	*agent->waiting_last = waiting;
	agent->waiting_last = &waiting->next;
}

/* An SA's last counters: its row stays as it is until the id is used again. */
static void waiting_answer_final(struct agent *agent, const struct waiting *waiting)
{
	const struct contract_counters *counters = agent->config.counters;
	struct contract_sa_final body = {
		.packets = contract_counters_sum(counters, CONTRACT_COUNT_SAS, waiting->sa,
						 CONTRACT_SA_PACKETS),
		.bytes = contract_counters_sum(counters, CONTRACT_COUNT_SAS, waiting->sa,
					       CONTRACT_SA_BYTES),
		.sequence = waiting->sequence,
	};
	struct contract_header header = {
		.length = sizeof(header) + sizeof(body),
		.type = CONTRACT_ANSWER,
		.request = waiting->request,
	};
	const struct channel_part parts[] = { { &header, sizeof(header) },
					      { &body, sizeof(body) } };

	/* The reserve holds room for answers; a broken channel is closed elsewhere. */
	if (channel_send(agent->channel, parts, 2))
		log_debug("agent", "answer lost request=%llu",
			  (unsigned long long)waiting->request);
}

void waiting_turn(struct agent *agent)
{
	while (agent->waiting &&
	       rte_rcu_qsbr_check(agent->config.qsbr, agent->waiting->token, false)) {
		struct waiting *waiting = agent->waiting;

		agent->waiting = waiting->next;
		if (!agent->waiting)
			agent->waiting_last = &agent->waiting;
		if (agent->channel && waiting->session == agent->session && waiting->request) {
			if (waiting->sa)
				waiting_answer_final(agent, waiting);
			else
				request_answer(agent, waiting->request, &waiting->outcome);
		}
		free(waiting);
	}
}

void waiting_free(struct agent *agent)
{
	while (agent->waiting) {
		struct waiting *next = agent->waiting->next;

		free(agent->waiting);
		agent->waiting = next;
	}
	agent->waiting_last = &agent->waiting;
}
