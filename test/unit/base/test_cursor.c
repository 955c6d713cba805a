/* Bounded reader and writer: every prefix of a structure fails cleanly, lengths are patched. */
#include "../cmocka_all.h"
#include "base/cursor.h"
#include "base/writer.h"

struct sample {
	uint8_t a;
	uint16_t b;
	uint32_t c;
	uint64_t d;
	uint8_t raw[3];
	struct span inner;
};

static const uint8_t wire[] = {
	0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08, 0x09, 0x0a, 0x0b, 0x0c,
	0x0d, 0x0e, 0x0f, 0xaa, 0xbb, 0xcc, 0x00, 0x02, 0x55, 0x66, 0x77,
};

static bool decode(struct sample *s, const uint8_t *bytes, size_t n)
{
	struct cursor c = cursor_of(bytes, n), inner;

	s->a = cursor_u8(&c);
	s->b = cursor_u16(&c);
	s->c = cursor_u32(&c);
	s->d = cursor_u64(&c);
	cursor_copy(&c, s->raw, sizeof(s->raw));
	inner = cursor_sub(&c, cursor_u16(&c));
	s->inner = cursor_rest(&inner);
	cursor_take(&c, 1);
	return cursor_ok(&c) && cursor_ok(&inner);
}

static void test_decode(void **state)
{
	struct sample s;

	assert_true(decode(&s, wire, sizeof(wire)));
	assert_int_equal(s.a, 0x01);
	assert_int_equal(s.b, 0x0203);
	assert_int_equal(s.c, 0x04050607);
	assert_true(s.d == UINT64_C(0x08090a0b0c0d0e0f));
	assert_int_equal(s.raw[2], 0xcc);
	assert_int_equal(s.inner.n, 2);
	assert_int_equal(s.inner.p[1], 0x66);
}

static void test_every_prefix_fails(void **state)
{
	for (size_t n = 0; n < sizeof(wire); n++) {
		uint8_t *exact = test_malloc(n + 1); /* so that a read behind it is seen */
		struct sample s = { 0 };

		memcpy(exact, wire, n);
		assert_false(decode(&s, exact, n));
		test_free(exact);
	}
}

static void test_failure_sticks(void **state)
{
	uint8_t bytes[4] = { 1, 2, 3, 4 }, copy[8] = { 9, 9, 9, 9, 9, 9, 9, 9 };
	struct cursor c = cursor_of(bytes, sizeof(bytes)), sub;

	assert_int_equal(cursor_u64(&c), 0);
	assert_false(cursor_ok(&c));
	assert_int_equal(cursor_left(&c), 0);
	assert_int_equal(cursor_u8(&c), 0);
	cursor_copy(&c, copy, sizeof(copy));
	assert_int_equal(copy[7], 0);
	sub = cursor_sub(&c, 1);
	assert_false(cursor_ok(&sub));
	assert_int_equal(cursor_left(&sub), 0);
	assert_false(cursor_ok(&c));
}

static void test_huge_length(void **state)
{
	uint8_t bytes[4] = { 0 };
	struct cursor c = cursor_of(bytes, sizeof(bytes)), sub = cursor_sub(&c, SIZE_MAX);

	assert_false(cursor_ok(&sub));
	assert_false(cursor_ok(&c));
	c = cursor_of(NULL, 0);
	assert_int_equal(cursor_rest(&c).n, 0);
	assert_true(cursor_ok(&c));
}

static void encode(struct writer *w)
{
	const uint8_t raw[] = { 0xaa, 0xbb, 0xcc };
	uint8_t *length;

	writer_u8(w, 0x01);
	writer_u16(w, 0x0203);
	writer_u32(w, 0x04050607);
	writer_u64(w, UINT64_C(0x08090a0b0c0d0e0f));
	writer_bytes(w, raw, sizeof(raw));
	length = writer_open_u16(w);
	writer_u8(w, 0x55);
	writer_u8(w, 0x66);
	writer_close_u16(w, length, length + 2);
	writer_u8(w, 0x77);
}

static void test_encode(void **state)
{
	uint8_t out[sizeof(wire)];
	struct writer w = writer_of(out, sizeof(out));

	encode(&w);
	assert_true(writer_ok(&w));
	assert_int_equal(writer_len(&w), sizeof(wire));
	assert_memory_equal(out, wire, sizeof(wire));
}

static void test_every_short_buffer_fails(void **state)
{
	for (size_t n = 0; n < sizeof(wire); n++) {
		uint8_t *out = test_malloc(n + 1);
		struct writer w = writer_of(out, n);

		out[n] = 0x5a;
		encode(&w);
		assert_false(writer_ok(&w));
		assert_true(writer_len(&w) <= n);
		assert_int_equal(out[n], 0x5a);
		test_free(out);
	}
}

/* For who has nothing: no failure, no bytes, and no arithmetic on NULL (clang's sanitizer looks).
 */
static void test_null_is_nothing(void **state)
{
	struct cursor c = cursor_of(NULL, 0), sub = cursor_sub(&c, 0);
	struct writer w = writer_of(NULL, 0);

	assert_non_null(cursor_take(&c, 0));
	assert_int_equal(cursor_rest(&sub).n, 0);
	assert_true(cursor_ok(&c) && cursor_ok(&sub));
	cursor_u8(&c);
	assert_false(cursor_ok(&c));
	writer_bytes(&w, NULL, 0);
	assert_true(writer_ok(&w));
	assert_int_equal(writer_len(&w), 0);
	writer_u8(&w, 1);
	assert_false(writer_ok(&w));
}

static void test_length_field_overflow(void **state)
{
	static uint8_t out[70000];
	struct writer w = writer_of(out, sizeof(out));
	uint8_t *length = writer_open_u16(&w);

	writer_zeros(&w, 65535);
	writer_close_u16(&w, length, length + 2);
	assert_true(writer_ok(&w));
	assert_int_equal(length[0] << 8 | length[1], 65535);
	writer_u8(&w, 0);
	writer_close_u16(&w, length, length + 2);
	assert_false(writer_ok(&w));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_decode),
		cmocka_unit_test(test_every_prefix_fails),
		cmocka_unit_test(test_failure_sticks),
		cmocka_unit_test(test_huge_length),
		cmocka_unit_test(test_encode),
		cmocka_unit_test(test_every_short_buffer_fails),
		cmocka_unit_test(test_null_is_nothing),
		cmocka_unit_test(test_length_field_overflow),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
