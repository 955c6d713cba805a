/* map, heap, list, id pool, GUIDs, text, SipHash and the fake clock. */
#include "../cmocka_all.h"
#include "base/clock.h"
#include "base/hash.h"
#include "base/heap.h"
#include "base/id.h"
#include "base/list.h"
#include "base/map.h"
#include "base/text.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static uint32_t random_next(uint32_t *seed)
{
	return (*seed = *seed * 1664525 + 1013904223) >> 8;
}

static void test_sip_vectors(void **state)
{
	/* Appendix A of the SipHash paper: key 00..0f, input 00..0e; and its first 8 lengths. */
	static const uint64_t seed[2] = { UINT64_C(0x0706050403020100),
					  UINT64_C(0x0f0e0d0c0b0a0908) };
	static const uint64_t first[] = {
		UINT64_C(0x726fdb47dd0e0e31),
		UINT64_C(0x74f839c593dc67fd),
		UINT64_C(0x0d6c8009d9a94f5a),
		UINT64_C(0x85676696d7fb7e2d),
	};
	uint8_t input[15];

	for (uint8_t i = 0; i < sizeof(input); i++)
		input[i] = i;
	for (size_t n = 0; n < 4; n++)
		assert_true(hash_sip(seed, input, n) == first[n]);
	assert_true(hash_sip(seed, input, 15) == UINT64_C(0xa129ca6149be45e5));
}

/* The test vectors of FNV-1a with 64 bits. */
static void test_digest_vectors(void **state)
{
	assert_true(hash_digest(HASH_DIGEST, "", 0) == HASH_DIGEST);
	assert_true(hash_digest(HASH_DIGEST, "a", 1) == UINT64_C(0xaf63dc4c8601ec8c));
	assert_true(hash_digest(HASH_DIGEST, "foobar", 6) == UINT64_C(0x85944171f73967e8));
	assert_true(hash_digest(hash_digest(HASH_DIGEST, "foo", 3), "bar", 3) ==
		    UINT64_C(0x85944171f73967e8));
}

static void test_map_against_array(void **state)
{
	static void *reference[1024];
	uint32_t seed = 7, live = 0;
	struct map map;

	memset(reference, 0, sizeof(reference));
	map_init(&map);
	for (int i = 0; i < 20000; i++) {
		uint32_t key = random_next(&seed) % 1024;
		void *value = &reference[random_next(&seed) % 1024], *old;

		if (random_next(&seed) % 3) {
			assert_int_equal(map_set(&map, &key, sizeof(key), value, &old), 0);
			assert_ptr_equal(old, reference[key]);
			live += !reference[key];
			reference[key] = value;
		} else {
			old = map_del(&map, &key, sizeof(key));
			assert_ptr_equal(old, reference[key]);
			live -= !!reference[key];
			reference[key] = NULL;
		}
		assert_int_equal(map.count, live);
	}
	for (uint32_t key = 0; key < 1024; key++)
		assert_ptr_equal(map_get_u32(&map, key), reference[key]);
	map_fini(&map);
}

static void test_map_iteration_sees_each_once(void **state)
{
	uint8_t seen[500] = { 0 };
	struct map_entry *e, *next;
	struct map map;

	map_init(&map);
	assert_null(map_next(&map, NULL));
	for (uint64_t i = 0; i < 500; i++)
		assert_int_equal(map_set(&map, &i, sizeof(i), &seen[i], NULL), 0);
	for (e = map_next(&map, NULL); e; e = next) {
		uint8_t *at = e->value;

		next = map_next(&map, e);
		(*at)++;
		assert_ptr_equal(map_del(&map, e->key, e->key_len), at);
	}
	for (size_t i = 0; i < 500; i++)
		assert_int_equal(seen[i], 1);
	assert_int_equal(map.count, 0);
	assert_null(map_get_u64(&map, 3));
	map_fini(&map);
}

static void test_map_key_lengths_differ(void **state)
{
	struct map map;
	int a, b;

	map_init(&map);
	assert_int_equal(map_set(&map, "ab", 2, &a, NULL), 0);
	assert_int_equal(map_set(&map, "ab\0", 3, &b, NULL), 0);
	assert_int_equal(map_set(&map, "", 0, &b, NULL), 0);
	assert_ptr_equal(map_get(&map, "ab", 2), &a);
	assert_ptr_equal(map_get(&map, "ab\0", 3), &b);
	assert_ptr_equal(map_get(&map, "", 0), &b);
	assert_null(map_get(&map, "a", 1));
	map_fini(&map);
}

static void test_heap_orders(void **state)
{
	struct heap_node nodes[300] = { 0 };
	uint32_t seed = 3, left = 0;
	uint64_t last = 0;
	struct heap heap;

	heap_init(&heap);
	for (int round = 0; round < 3000; round++) {
		struct heap_node *n = &nodes[random_next(&seed) % 300];
		uint64_t deadline = random_next(&seed) % 4 ? 1 + random_next(&seed) % 1000 : 0;

		assert_int_equal(heap_set(&heap, n, deadline), 0);
		assert_int_equal(n->deadline_ns, deadline);
	}
	for (size_t i = 0; i < 300; i++)
		left += nodes[i].deadline_ns != 0;
	assert_int_equal(heap.count, left);
	while (heap_first(&heap)) {
		struct heap_node *n = heap_first(&heap);

		assert_true(n->deadline_ns >= last);
		last = n->deadline_ns;
		heap_del(&heap, n);
		assert_int_equal(n->deadline_ns, 0);
		left--;
	}
	assert_int_equal(left, 0);
	heap_fini(&heap);
}

static void test_list(void **state)
{
	struct item {
		int value;
		struct list link;
	} items[3] = { { 1, { 0 } }, { 2, { 0 } }, { 3, { 0 } } };
	struct list head, *pos, *tmp;
	int sum = 0;

	list_init(&head);
	assert_true(list_empty(&head));
	for (int i = 0; i < 3; i++)
		list_add_tail(&head, &items[i].link);
	list_for_each (pos, &head)
		sum = sum * 10 + list_entry(pos, struct item, link)->value;
	assert_int_equal(sum, 123);
	list_for_each_safe (pos, tmp, &head)
		list_del(pos);
	assert_true(list_empty(&head));
	list_del(&items[0].link); /* a second time does no harm */
}

static void test_id_pool(void **state)
{
	struct id_pool pool;
	uint32_t id;

	assert_int_equal(id_pool_init(&pool, 130), 0);
	for (uint32_t i = 1; i < 130; i++) {
		assert_int_equal(id_pool_get(&pool, 1, &id), 0);
		assert_int_equal(id, i);
	}
	assert_int_equal(id_pool_get(&pool, 1, &id), -ENOSPC);
	assert_int_equal(id_pool_get(&pool, 0, &id), 0);
	assert_int_equal(id, 0);
	id_pool_put(&pool, 70);
	id_pool_put(&pool, 5);
	id_pool_put(&pool, 5);
	assert_int_equal(pool.count, 128);
	assert_int_equal(id_pool_get(&pool, 6, &id), 0);
	assert_int_equal(id, 70);
	assert_int_equal(id_pool_get(&pool, 0, &id), 0);
	assert_int_equal(id, 5);
	assert_int_equal(id_pool_claim(&pool, 5), -EEXIST);
	assert_int_equal(id_pool_claim(&pool, 130), -ERANGE);
	id_pool_put(&pool, 1000);
	id_pool_put(&pool, 129);
	assert_int_equal(id_pool_claim(&pool, 129), 0);
	assert_true(id_pool_used(&pool, 129));
	assert_int_equal(id_pool_get(&pool, 500, &id), -ENOSPC);
	id_pool_fini(&pool);
}

static void assert_guid_shape(const char *text, char version)
{
	assert_int_equal(strlen(text), 36);
	assert_int_equal(strspn(text, "0123456789abcdef-"), 36);
	assert_int_equal(text[8], '-');
	assert_int_equal(text[23], '-');
	assert_int_equal(text[14], version);
	assert_non_null(strchr("89ab", text[19]));
}

static void test_guid(void **state)
{
	char a[ID_GUID_TEXT], b[ID_GUID_TEXT];

	id_guid(a);
	id_guid(b);
	assert_guid_shape(a, '4');
	assert_string_not_equal(a, b);
	id_guid_of_name(a, "/virtualNetworkGateways/gw");
	id_guid_of_name(b, "/virtualNetworkGateways/gw");
	assert_guid_shape(a, '5');
	assert_string_equal(a, b);
	id_guid_of_name(b, "/virtualNetworkGateways/gx");
	assert_string_not_equal(a, b);
}

static void test_text_grows(void **state)
{
	struct text text = { 0 };

	assert_string_equal(text_get(&text), "");
	for (int i = 0; i < 1000; i++)
		text_add(&text, "%d,", i % 10);
	assert_int_equal(text.n, 2000);
	assert_int_equal(strlen(text_get(&text)), 2000);
	text_clear(&text);
	assert_string_equal(text_get(&text), "");
	text_add_u64(&text, 0);
	text_add(&text, " %*s ", 5000, "wide"); /* longer than there is room */
	text_add_u64(&text, UINT64_MAX);
	assert_int_equal(text.n, 1 + 5002 + 20);
	assert_int_equal(strlen(text_get(&text)), text.n);
	assert_memory_equal(text_get(&text), "0  ", 3);
	assert_string_equal(text_get(&text) + 4998, "wide 18446744073709551615");
	text_clear(&text);
	text_add_bytes(&text, "a\0b", 3);
	assert_int_equal(text.n, 3);
	text_add_bytes(&text, "x", SIZE_MAX); /* cannot be had: it sticks */
	text_add(&text, "more");
	assert_true(text.failed);
	assert_string_equal(text_get(&text), "");
	text_fini(&text);
}

static void test_clock(void **state)
{
	struct clock fake;
	uint64_t before = clock_now_ns(&clock_monotonic);

	assert_true(clock_now_ns(&clock_monotonic) >= before);
	assert_true(clock_wall_ms() > UINT64_C(1600000000000));
	clock_fake_init(&fake, 5);
	clock_fake_advance(&fake, 7);
	assert_int_equal(clock_now_ns(&fake), 12);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sip_vectors),
		cmocka_unit_test(test_digest_vectors),
		cmocka_unit_test(test_map_against_array),
		cmocka_unit_test(test_map_iteration_sees_each_once),
		cmocka_unit_test(test_map_key_lengths_differ),
		cmocka_unit_test(test_heap_orders),
		cmocka_unit_test(test_list),
		cmocka_unit_test(test_id_pool),
		cmocka_unit_test(test_guid),
		cmocka_unit_test(test_text_grows),
		cmocka_unit_test(test_clock),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
