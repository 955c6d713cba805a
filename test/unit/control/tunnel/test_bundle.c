/*
 * Whose packets may have a source in a prefix that many tunnels announce: each connection once, and
 * none is forgotten because others have several tunnels.
 */
#include "control/route/speaker.h"
#include "control/tunnel/bundle.h"

#include <cmocka_all.h>

#define SITES 100
#define ROOM (CONTRACT_SOURCES_MAX + 1)

static struct tunnels all;
static struct plan_tunnel plan;
static struct tunnel items[2 * SITES];
static struct tunnel *list[2 * SITES];

/* What bundle.c calls. */

int desired_id(struct desired *desired, enum contract_kind kind, const char *name, uint32_t *id)
{
	return -1;
}

int desired_set(struct desired *desired, const struct requests_message *message)
{
	return 0;
}

enum fitness tunnel_fitness(const struct tunnel *tunnel)
{
	return FITNESS_FIT;
}

void choose_weights(struct contract_member *members, const uint8_t *fitness, uint32_t count,
		    uint64_t *last)
{
}

struct net_addr speaker_via(uint32_t tunnel)
{
	return net_addr_ip4(0xf0000000u + tunnel);
}

uint32_t speaker_tunnel(const struct net_addr *via)
{
	return via->bytes[0] == 0xf0 ? (uint32_t)via->bytes[2] << 8 | via->bytes[3] : 0;
}

void route_speaker_delete(struct route *route, uint32_t tunnel)
{
}

int route_speaker_set(struct route *route, const struct speaker_peer *peer, uint32_t group)
{
	return 0;
}

/* Tests. */

/* Site n has the tunnels 2n+1 and 2n+2, and is known by the first. */
static int setup(void **state)
{
	all = (struct tunnels){ .items = list, .count = 2 * SITES };
	map_init(&all.by_id);
	for (uint32_t i = 0; i < 2 * SITES; i++) {
		items[i] = (struct tunnel){
			.all = &all, .plan = &plan, .id = i + 1, .source = (i & ~1u) + 1
		};
		list[i] = &items[i];
		if (map_set(&all.by_id, &items[i].id, sizeof(uint32_t), &items[i], NULL) < 0)
			return -1;
	}
	return 0;
}

static int teardown(void **state)
{
	map_fini(&all.by_id);
	return 0;
}

static uint32_t sources_of(uint32_t sites, uint32_t sources[ROOM])
{
	struct net_addr gateways[2 * SITES];

	for (uint32_t i = 0; i < 2 * sites; i++)
		gateways[i] = speaker_via(i + 1);
	return bundle_sources(&all, gateways, 2 * sites, sources, ROOM);
}

static void each_connection_once(void **state)
{
	uint32_t sources[ROOM];

	assert_int_equal(sources_of(30, sources), 30);
	for (uint32_t i = 0; i < 30; i++)
		assert_int_equal(sources[i], 2 * i + 1);
	assert_int_equal(sources_of(CONTRACT_SOURCES_MAX, sources), CONTRACT_SOURCES_MAX);
}

/* One too many says that all are allowed. */
static void more_than_there_is_room_for(void **state)
{
	uint32_t sources[ROOM];

	assert_int_equal(sources_of(CONTRACT_SOURCES_MAX + 1, sources), ROOM);
	assert_int_equal(sources_of(SITES, sources), ROOM);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(each_connection_once),
		TEST(more_than_there_is_room_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
