#include "dataplane/agent/sweep.h"
#include "dataplane/agent/change.h"
#include "dataplane/agent/kind.h"
#include "dataplane/agent/request.h"
#include "dataplane/agent/waiting.h"
#include "base/log.h"

#include <string.h>

/*
 * From what refers to what is referred to. Next hops lead into groups, groups into tunnels, and
 * tunnels leave by next hops: those come twice.
 */
static const enum contract_kind sweep_order[] = {
	CONTRACT_ROUTE,	 CONTRACT_SA,	   CONTRACT_CHILD, CONTRACT_NEXTHOP,   CONTRACT_GROUP,
	CONTRACT_TUNNEL, CONTRACT_NEXTHOP, CONTRACT_LIMIT, CONTRACT_NEIGHBOUR, CONTRACT_ADDRESS,
};

#define SWEEP_STAGES (sizeof(sweep_order) / sizeof(sweep_order[0]))

static void sweep_rewind(struct sweep *sweep)
{
	sweep->removed = 0;
	sweep->place = (struct place){ .kind = sweep_order[sweep->stage] };
}

void sweep_start(struct agent *agent, uint64_t request)
{
	uint64_t former = agent->sweep.active ? agent->sweep.request : 0;

	agent->grace_ns = 0;
	agent->sweep = (struct sweep){ .active = true, .request = request };
	sweep_rewind(&agent->sweep);
	if (former)
		request_answer(agent, former, &(struct outcome){ 0 });
}

static void sweep_remove(struct agent *agent, const struct contract_object *object)
{
	struct {
		struct contract_header header;
		struct contract_object object;
		uint8_t body[512];
	} message = { .header.type = CONTRACT_DELETE, .object = *object };
	uint32_t body = contract_body_bytes((enum contract_kind)object->kind);
	struct outcome outcome = { 0 };

	memcpy(message.body, object + 1, body < sizeof(message.body) ? body : 0);
	message.object.generation = agent->session;
	message.object.opaque_length = 0;
	/* Refused: something that stays refers to it, and so it stays too. */
	if (!change_apply(agent, &message.header, &outcome))
		return;
	(void)change_commit(agent, 0, false);
	agent->sweep.removed++;
}

static void sweep_done(struct agent *agent)
{
	const struct waiting waiting = { .request = agent->sweep.request };

	agent->sweep.active = false;
	log_info("agent", "adoption complete session=%u sas=%u tunnels=%u routes=%u",
		 agent->session, kind_count(agent, CONTRACT_SA), kind_count(agent, CONTRACT_TUNNEL),
		 kind_count(agent, CONTRACT_ROUTE));
	/* Behind the SAs that are on their way out. */
	waiting_add(agent, &waiting);
}

void sweep_turn(struct agent *agent)
{
	struct sweep *sweep = &agent->sweep;
	union kind_room room;

	/* A listing counts on its place in the book. */
	if (agent->listing.active)
		return;
	for (uint32_t i = 0; sweep->active && i < AGENT_TURN_SLICE; i++) {
		const struct contract_object *object = kind_next(agent, &sweep->place, &room);
		uint32_t removed = sweep->removed;

		if (object) {
			if (object->generation != agent->session)
				sweep_remove(agent, object);
			continue;
		}
		/* Kinds that refer to their own kind (limits, next hops) take several passes. */
		if (!removed)
			sweep->stage++;
		if (sweep->stage == SWEEP_STAGES)
			sweep_done(agent);
		else
			sweep_rewind(sweep);
	}
}
