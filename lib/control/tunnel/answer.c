/*
 * Next hops of answers that no tunnel has a next hop for: to peers that are not known yet, or no
 * more. They stay a while, because a neighbour is found only for a next hop that is there.
 */
#include "control/tunnel/tunnel.h"

#define KEEP_NS (60 * CLOCK_NS_PER_S)

static void drop(struct tunnels *all, struct answer_nexthop *answer)
{
	route_nexthop_put(all->route, answer->nexthop);
	*answer = (struct answer_nexthop){ 0 };
}

void tunnel_answer_keep(struct tunnels *all, uint32_t nexthop)
{
	struct answer_nexthop *slot = &all->answers[0];

	for (unsigned int i = 0; i < TUNNEL_ANSWERS; i++) {
		struct answer_nexthop *answer = &all->answers[i];

		if (answer->nexthop == nexthop) {
			slot = answer;
			break;
		}
		if (answer->until_ns < slot->until_ns)
			slot = answer;
	}
	drop(all, slot); /* also of the same: the caller gave another reference */
	*slot = (struct answer_nexthop){ nexthop, clock_now_ns(all->clock) + KEEP_NS };
}

void tunnel_answers_expire(struct tunnels *all, uint64_t now_ns)
{
	for (unsigned int i = 0; i < TUNNEL_ANSWERS; i++)
		if (all->answers[i].nexthop && all->answers[i].until_ns <= now_ns)
			drop(all, &all->answers[i]);
}
