#include "dataplane/agent/listing.h"
#include "dataplane/agent/kind.h"
#include "dataplane/agent/request.h"

void listing_start(struct agent *agent, const struct contract_header *message)
{
	listing_stop(agent);
	agent->listing = (struct listing){
		.active = true,
		.request = message->request,
		.place.kind = (enum contract_kind)contract_object_of(message)->kind,
	};
}

void listing_stop(struct agent *agent)
{
	agent->listing.active = false;
}

static bool listing_send(struct agent *agent, const struct contract_object *object)
{
	static const uint8_t zeros[8];
	size_t bytes = book_object_bytes(object);
	size_t padding = -bytes & 7;
	struct contract_header header = {
		.length = (uint32_t)(sizeof(header) + bytes + padding),
		.type = CONTRACT_OBJECT,
		.request = agent->listing.request,
	};
	const struct channel_part parts[] = {
		{ &header, sizeof(header) },
		{ object, bytes },
		{ zeros, padding },
	};

	return !channel_send(agent->channel, parts, padding ? 3 : 2);
}

void listing_turn(struct agent *agent)
{
	struct listing *listing = &agent->listing;
	union kind_room room;

	for (uint32_t i = 0; listing->active && i < AGENT_TURN_SLICE; i++) {
		const struct contract_object *object;

		/* The largest object fits into the reserve, which is never touched by another. */
		if (!channel_has_reserve(agent->channel))
			return;
		object = kind_next(agent, &listing->place, &room);
		if (object && listing_send(agent, object)) {
			listing->sent++;
			continue;
		}
		listing->active = false;
		request_answer(agent, listing->request,
			       &(struct outcome){ .count = listing->sent });
	}
}
