/*
 * Who gets the flows of a group, whatever happens to its members in which order.
 */
#include "control/tunnel/choose.h"

#include <cmocka_all.h>

#define MEMBERS 3

static uint64_t last;

/* "fit doubtful dead": F, L(eaving), D(oubtful), X (dead), one letter a member; gives "110". */
static const char *given(const char *letters)
{
	static char text[MEMBERS + 1];
	struct contract_member members[MEMBERS] = { { 7, 9, 0 }, { 8, 9, 0 }, { 9, 9, 0 } };
	uint8_t fitness[MEMBERS] = { 0 };
	uint32_t count = 0;

	for (; letters[count]; count++)
		fitness[count] = letters[count] == 'F'	 ? FITNESS_FIT
				 : letters[count] == 'L' ? FITNESS_LEAVING
				 : letters[count] == 'D' ? FITNESS_DOUBTFUL
							 : FITNESS_DEAD;
	choose_weights(members, fitness, count, &last);
	for (uint32_t i = 0; i < count; i++)
		text[i] = (char)('0' + members[i].weight);
	text[count] = '\0';
	return text;
}

#define GIVES(letters, weights) assert_string_equal(given(letters), weights)

static int setup(void **state)
{
	last = 0;
	return 0;
}

static void the_fit_share(void **state)
{
	GIVES("FF", "11");
	GIVES("FD", "10");
	GIVES("XF", "01");
	GIVES("FLF", "101");
}

static void at_the_start_whoever_has_a_path(void **state)
{
	GIVES("DD", "11");
	setup(state);
	GIVES("XD", "01");
	setup(state);
	GIVES("XX", "11");
}

/* The first was left long ago: the other one that falls silent is no reason to go back to it. */
static void the_last_one_keeps_them(void **state)
{
	GIVES("FF", "11");
	GIVES("DF", "01");
	GIVES("DD", "01");
	GIVES("DD", "01");
	GIVES("DF", "01");
	GIVES("FD", "10");
	GIVES("DD", "10");
}

static void both_at_once_stay(void **state)
{
	GIVES("FFD", "110");
	GIVES("DDD", "110");
	GIVES("DFD", "010");
}

static void a_dead_path_is_left_for_a_doubtful_one(void **state)
{
	GIVES("FF", "11");
	GIVES("DF", "01");
	GIVES("DX", "10"); /* the link of the last one dies */
	GIVES("XX", "10");
	GIVES("XD", "01");
}

/* A drain ends where there is nobody else. */
static void one_that_was_to_leave_takes_over(void **state)
{
	GIVES("FF", "11");
	GIVES("LF", "01");
	GIVES("LD", "10");
	GIVES("LX", "10");
	GIVES("LF", "01");
}

#define TEST(name) cmocka_unit_test_setup(name, setup)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_fit_share),
		TEST(at_the_start_whoever_has_a_path),
		TEST(the_last_one_keeps_them),
		TEST(both_at_once_stay),
		TEST(a_dead_path_is_left_for_a_doubtful_one),
		TEST(one_that_was_to_leave_takes_over),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
