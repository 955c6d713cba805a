/*
 * When a tunnel that is heard of too little is asked: the looks at it, one after the other.
 */
#include "control/tunnel/watch.h"

#include "cmocka_all.h"
#include "control/tunnel/dial.h"
#include "control/tunnel/evacuate.h"

#define MS CLOCK_NS_PER_MS

/* What watch.c calls, and these tests do not. */

int ikev2_info(const struct ikev2_engine *engine, uint64_t ike, struct ikev2_info *info)
{
	return -1;
}

uint32_t ikev2_child_next(const struct ikev2_engine *engine, uint64_t ike, uint32_t after)
{
	return 0;
}

int ikev2_probe(struct ikev2_engine *engine, uint64_t ike, uint64_t now_ns)
{
	return 0;
}

uint64_t contract_counters_max(const struct contract_counters *counters,
			       enum contract_section section, uint32_t id, uint32_t column)
{
	return 0;
}

uint64_t contract_counters_sum(const struct contract_counters *counters,
			       enum contract_section section, uint32_t id, uint32_t column)
{
	return 0;
}

struct requests *desired_requests(struct desired *desired)
{
	return NULL;
}

const struct contract_counters *requests_counters(const struct requests *requests)
{
	return NULL;
}

const struct tunnel *evacuate_sibling(const struct tunnel *tunnel)
{
	return NULL;
}

void evacuate(struct tunnel *tunnel)
{
}

void evacuate_return(struct tunnel *tunnel)
{
}

void dial_place(struct tunnel *tunnel)
{
}

void dial_home(struct tunnel *tunnel)
{
}

void dial_suspect(struct tunnel *tunnel, bool suspect)
{
}

/* Tests. */

struct step {
	uint64_t at_ms; /* of the look */
	uint64_t heard_ms;
	bool sent;
	bool asks;
};

static void walk(const struct step *steps, size_t count)
{
	uint64_t asked = 0;

	for (size_t i = 0; i < count; i++) {
		struct watch_look look = { .now_ns = steps[i].at_ms * MS,
					   .heard_ns = steps[i].heard_ms * MS,
					   .sent = steps[i].sent };

		if (watch_unanswered(&asked, &look) != steps[i].asks)
			fail_msg("step %zu, at %llu ms", i, (unsigned long long)steps[i].at_ms);
	}
}

#define WALK(...)                                                                                  \
	do {                                                                                       \
		static const struct step steps[] = { __VA_ARGS__ };                                \
		walk(steps, sizeof(steps) / sizeof(steps[0]));                                     \
	} while (0)

/* Nothing was heard for long because nothing was sent. */
static void test_first_packet_of_a_silent_tunnel(void **state)
{
	WALK({ 10000, 1000, true, false }, { 10250, 10003, false, false },
	     { 10500, 10003, false, false }, { 15000, 10003, true, false },
	     { 15250, 15001, false, false });
}

/* The same, and nothing comes back: at the next look, though no more is sent. */
static void test_only_packet_is_not_answered(void **state)
{
	WALK({ 10000, 1000, true, false }, { 10250, 1000, false, true },
	     { 10500, 1000, false, true }, { 10750, 10600, false, false },
	     { 11500, 10600, false, false });
}

/* A stream whose answers end at 10.1 s: asked no later than 0.85 s after that. */
static void test_stream_that_goes_dead(void **state)
{
	WALK({ 10000, 9999, true, false }, { 10250, 10100, true, false },
	     { 10500, 10100, true, false }, { 10750, 10100, true, true },
	     { 11000, 10100, true, true });
	WALK({ 10000, 9999, true, false }, { 10250, 10001, true, false },
	     { 10500, 10001, true, false }, { 10750, 10001, true, true });
}

/* One way, what answers is IKE: a question now and then. */
static void test_one_way(void **state)
{
	WALK({ 10000, 9400, true, false }, { 10250, 9400, true, true },
	     { 10500, 10251, true, false }, { 10750, 10251, true, false },
	     { 11000, 10251, true, true }, { 11250, 11001, true, false });
}

/* Half a second there and back, twenty packets a second: never. */
static void test_long_way(void **state)
{
	uint64_t asked = 0;

	for (uint64_t at = 1000; at < 20000; at += 250) {
		struct watch_look look = { .now_ns = at * MS,
					   .heard_ns = (at - at % 50) * MS,
					   .sent = true };

		assert_false(watch_unanswered(&asked, &look));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_first_packet_of_a_silent_tunnel),
		cmocka_unit_test(test_only_packet_is_not_answered),
		cmocka_unit_test(test_stream_that_goes_dead),
		cmocka_unit_test(test_one_way),
		cmocka_unit_test(test_long_way),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
