/*
 * 67: when an IKE SA has ended, by a Delete or by a rekey, nothing of its keys, private values and
 * nonces that were never sent in clear is left in the process: heap and pool of both peers are
 * searched while their engines live on.
 */
#include "exchange/world.h"

#include "base/secret.h"
#include "control/ikev2/exchange.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NEEDLE 16
#define NEEDLES 16
#define MASK 0x5a /* so that what is looked for is not found here */
/* The address sanitizer's notes of all memory are larger, hold no data and must not be read. */
#define MAPPING_MAX (1ul << 30)
#define UNCHECKED __attribute__((no_sanitize("address")))

static uint8_t needles[NEEDLES][NEEDLE];
static const char *names[NEEDLES];
static size_t count;

static void look_for(const char *name, struct span secret)
{
	assert_true(count < NEEDLES && secret.n >= NEEDLE);
	for (size_t i = 0; i < NEEDLE; i++)
		needles[count][i] = secret.p[i] ^ MASK;
	names[count++] = name;
}

UNCHECKED static bool is(const uint8_t *at, const uint8_t *needle)
{
	for (size_t i = 0; i < NEEDLE; i++)
		if ((at[i] ^ MASK) != needle[i])
			return false;
	return true;
}

UNCHECKED static size_t found_in(const uint8_t *from, const uint8_t *to, size_t *found)
{
	size_t all = 0;

	for (const uint8_t *at = from; at + NEEDLE <= to; at++)
		for (size_t i = 0; i < count; i++)
			if ((*at ^ MASK) == needles[i][0] && is(at, needles[i])) {
				found[i]++;
				all++;
			}
	return all;
}

/* Heap and mappings without a file; stacks come and go. */
static size_t search(size_t *found)
{
	FILE *maps = fopen("/proc/self/maps", "re");
	char line[512];
	size_t all = 0;

	assert_non_null(maps);
	memset(found, 0, sizeof(*found) * NEEDLES);
	while (fgets(line, sizeof(line), maps)) {
		char rights[8] = "", path[256] = "";
		unsigned long from, to;

		if (sscanf(line, "%lx-%lx %7s %*s %*s %*s %255s", &from, &to, rights, path) < 3 ||
		    strncmp(rights, "rw", 2) != 0 || (path[0] && strcmp(path, "[heap]") != 0) ||
		    to - from > MAPPING_MAX)
			continue;
		all += found_in((const uint8_t *)from, (const uint8_t *)to, found);
	}
	fclose(maps);
	return all;
}

static struct ikev2_sa *sa_of(const struct world_peer *peer)
{
	return ikev2_sa_find(peer->engine, world_ike(peer));
}

static void look_for_keys(const struct world_peer *peer)
{
	const struct ike_keys *keys = &sa_of(peer)->keys;

	look_for("SK_d", ike_keys_d(keys));
	look_for("SK_ei", ike_keys_e(keys, true));
	look_for("SK_er", ike_keys_e(keys, false));
	look_for("SK_pi", ike_keys_p(keys, true));
	look_for("SK_pr", ike_keys_p(keys, false));
}

static void look_for_private_value(const struct world_peer *peer)
{
	struct secret private_value;

	assert_int_equal(crypto_dh_export(sa_of(peer)->own->offer.dh, &private_value), 0);
	look_for("private value", secret_span(&private_value));
	secret_free(&private_value);
}

static void nothing_is_left(void)
{
	size_t found[NEEDLES];
	size_t all = search(found);

	for (size_t i = 0; i < count; i++)
		if (found[i])
			print_message("%s is there %zu times\n", names[i], found[i]);
	assert_int_equal(all, 0);
}

static int setup(void **state)
{
	static struct world world;

	count = 0;
	world_init(&world, IKE_PROFILE_STRONG);
	*state = &world;
	return 0;
}

static int teardown(void **state)
{
	world_fini(*state);
	return 0;
}

/* The search finds what is there. */
static void the_search_finds(void **state)
{
	struct world *world = *state;
	size_t found[NEEDLES];

	world_start(world);
	world_up(world);
	look_for_keys(&world->a);
	search(found);
	for (size_t i = 0; i < count; i++)
		assert_true(found[i] >= 2); /* both peers have it */
}

static void item_67_erased_on_close(void **state)
{
	struct world *world = *state;
	size_t before = secret_pool_used();

	world_start(world);
	world_up(world);
	assert_int_equal(ikev2_child_rekey(world->a.engine, world_child(&world->a), world->now_ns),
			 0);
	look_for_keys(&world->a);
	look_for_private_value(&world->a);
	look_for("nonce", (struct span){ sa_of(&world->a)->own->offer.nonce, NEEDLE });
	world_run(world, 20 * WORLD_SECOND);
	assert_int_equal(ikev2_delete(world->a.engine, world_ike(&world->a), false, world->now_ns),
			 0);
	world_run(world, 20 * WORLD_SECOND);
	world_empty(world);
	assert_int_equal(secret_pool_used(), before);
	nothing_is_left();
}

static void item_67_erased_after_a_rekey(void **state)
{
	struct world *world = *state;

	world_start(world);
	world_up(world);
	assert_int_equal(ikev2_rekey(world->b.engine, world_ike(&world->b), world->now_ns), 0);
	look_for_keys(&world->b);
	look_for_private_value(
		&world->b); /* the nonce belongs to the new one: it decides collisions */
	world_run(world, 200 * WORLD_SECOND);
	world_agree(world, 1);
	nothing_is_left();
}

/* A dial that nobody answers. */
static void item_67_erased_after_a_failure(void **state)
{
	struct world *world = *state;
	struct secret private_value;
	uint64_t ike;

	world_start(world);
	world_dial(world, &world->a, &ike);
	assert_int_equal(crypto_dh_export(ikev2_sa_find(world->a.engine, ike)->own->offer.dh,
					  &private_value),
			 0);
	look_for("private value", secret_span(&private_value));
	secret_free(&private_value);
	world_lose(world);
	assert_int_equal(ikev2_delete(world->a.engine, ike, true, world->now_ns), 0);
	world_run(world, WORLD_SECOND);
	world_empty(world);
	nothing_is_left();
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_search_finds),
		TEST(item_67_erased_on_close),
		TEST(item_67_erased_after_a_rekey),
		TEST(item_67_erased_after_a_failure),
	};

	if (secret_pool_init(4 << 20))
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
