#pragma once
/*
 * Datagrams that are under way at the same time, and what slow peers were asked for, in every order
 * that there is.
 */
#include "exchange/world.h"

#include <stdlib.h>

#define CHOICES 24

/* Which of those under way comes next, at each time that there are several. */
struct order {
	uint8_t choice[CHOICES];
	uint8_t of[CHOICES]; /* so many there were */
	unsigned int count;
};

/* The `which`th: datagrams first, then what a, then what b was asked for. */
static inline void order_take(struct world *world, uint8_t which,
			      bool (*arrives)(const struct world *world,
					      const struct world_packet *packet))
{
	struct world_packet *chosen;
	struct list *at;

	list_for_each (at, &world->packets) {
		if (which--)
			continue;
		chosen = list_entry(at, struct world_packet, link);
		list_del(&chosen->link);
		if (!arrives || arrives(world, chosen))
			world_hand_over(world, chosen);
		free(chosen);
		return;
	}
	if (which || list_empty(&world->a.pending))
		world_complete(&world->b);
	else
		world_complete(&world->a);
}

/* Until nothing is under way; a datagram that does not arrive is lost (NULL: all do). */
static inline void in_order(struct world *world, struct order *order,
			    bool (*arrives)(const struct world *world,
					    const struct world_packet *packet))
{
	uint8_t under_way = 1;

	order->count = 0;
	for (int guard = 0; guard < 200 && under_way; guard++) {
		struct list *at;
		uint8_t which = 0;

		under_way = 0;
		list_for_each (at, &world->packets)
			under_way++;
		under_way += !list_empty(&world->a.pending);
		under_way += !list_empty(&world->b.pending);
		if (under_way > 1 && order->count < CHOICES) {
			which = order->choice[order->count];
			order->of[order->count++] = under_way;
		}
		if (under_way)
			order_take(world, which, arrives);
	}
	assert_int_equal(under_way, 0);
}

/* The next order: the last choice that has another one takes it. */
static inline bool order_next(struct order *order)
{
	while (order->count) {
		uint8_t *last = &order->choice[order->count - 1];

		if (++*last < order->of[order->count - 1])
			return true;
		*last = 0;
		order->count--;
	}
	return false;
}
