/*
 * Both sides dial at once, a thousand times, with every kind of delay between the two: in the end
 * there is one IKE SA with a child, and it was never down in between. What the other child's sender
 * sent before it heard that its IKE SA goes is still taken.
 */
#include "exchange/world.h"

#include "base/secret.h"

#include <stdio.h>

#define PAIRS 1000

static uint64_t mix(uint64_t x)
{
	x ^= x >> 29;
	x *= 0xbf58476d1ce4e5b9u;
	return x ^ x >> 32;
}

/* Some datagrams wait, so that the two dials overlap in every way. */
static enum world_fate delay(struct world *world, const struct world_packet *packet, size_t n)
{
	uint64_t seed = *(uint64_t *)world->context;

	return mix(seed * 131 + n) % 3 == 0 ? WORLD_HOLD : WORLD_PASS;
}

static unsigned int children(const struct world_peer *peer)
{
	unsigned int n = 0;

	for (const struct list *at = peer->sas.next; at != &peer->sas; at = at->next)
		n++;
	return n;
}

/* For three seconds after one of two IKE SAs went both children are there; both peers in `left`. */
static void takes_late_packets(struct world_peer *peer, unsigned int *before, int *left)
{
	unsigned int now = world_established(peer);

	if (*before == 2 && now == 1 && children(peer) == 2)
		*left = 30;
	else if (*before == 2 && now == 1)
		fail_msg("%s removed the child with its IKE SA", peer->name);
	*before = now;
	if (*left > 0 && (*left)--)
		assert_int_equal(children(peer), 2);
}

static void both_dial(uint64_t seed)
{
	unsigned int before[2] = { 0 };
	int left[2] = { 0 };
	struct world world;
	bool was_up = false;

	world_init(&world, IKE_PROFILE_STRONG);
	world.context = &seed;
	world.fate = delay;
	world_start(&world);
	world_dial(&world, &world.a, NULL);
	for (uint64_t i = mix(seed) % 5; i > 0; i--)
		world_step(&world);
	world_dial(&world, &world.b, NULL);
	for (int i = 0; i < 200; i++) {
		bool up;

		world_run(&world, WORLD_SECOND / 10);
		world_release(&world);
		up = !list_empty(&world.a.sas) && !list_empty(&world.b.sas);
		assert_true(up || !was_up);
		was_up = up;
		takes_late_packets(&world.a, &before[0], &left[0]);
		takes_late_packets(&world.b, &before[1], &left[1]);
	}
	world.fate = NULL;
	world_run(&world, 30 * WORLD_SECOND);
	assert_int_equal(world_established(&world.a), 1);
	assert_int_equal(world_established(&world.b), 1);
	world_agree(&world, 1);
	/* What was given up was redundant, nothing else. */
	for (size_t i = 0; i < world.a.event_count; i++)
		if (world.a.events[i].kind == IKEV2_EVENT_DOWN)
			assert_true(world.a.events[i].reason == IKEV2_REASON_REDUNDANT ||
				    world.a.events[i].reason == IKEV2_REASON_PEER_DELETED);
	world_fini(&world);
}

static void a_thousand_double_dials(void **state)
{
	for (uint64_t seed = 1; seed <= PAIRS; seed++)
		both_dial(seed);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(a_thousand_double_dials) };

	if (secret_pool_init(4 << 20))
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
