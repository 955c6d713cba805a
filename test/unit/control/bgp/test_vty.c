/*
 * The vty client against a daemon's end of the socket: answers cut at every byte, several in one
 * piece, refusals, a daemon that goes away, an answer without a question.
 */
#include "cmocka_all.h"

#include "control/bgp/vty.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

struct world {
	struct event_loop *loop;
	struct event_source *deadline;
	struct vty *vty;
	int listener;
	int peer;
	int ups;
	int downs;
	int answers;
	int status[8];
	char text[8][64];
	int wanted;
	char folder[32];
	char path[64];
};

static void late(void *context)
{
	fail_msg("nothing came in 10 s");
}

static void check(struct world *w)
{
	if (w->answers + w->downs >= w->wanted)
		event_loop_stop(w->loop);
}

static void on_up(void *context)
{
	((struct world *)context)->ups++;
}

static void on_down(void *context)
{
	struct world *w = context;

	w->downs++;
	check(w);
}

static void on_answer(void *context, int status, const char *text, size_t n)
{
	struct world *w = context;

	w->status[w->answers] = status;
	snprintf(w->text[w->answers++], sizeof(w->text[0]), "%.*s", (int)n, text);
	check(w);
}

static int setup(void **state)
{
	struct world *w = calloc(1, sizeof(*w));
	struct vty_hooks hooks = { w, on_up, on_down };
	struct sockaddr_un at = { .sun_family = AF_UNIX };

	snprintf(w->folder, sizeof(w->folder), "/tmp/vpngw-vty-XXXXXX");
	assert_non_null(mkdtemp(w->folder));
	snprintf(w->path, sizeof(w->path), "%s/bgpd.vty", w->folder);
	snprintf(at.sun_path, sizeof(at.sun_path), "%s", w->path);
	assert_int_equal(event_loop_new(&w->loop), 0);
	assert_int_equal(event_timer_new(&w->deadline, w->loop, late, w), 0);
	event_timer_set(w->deadline, UINT64_C(10000000000));
	assert_int_equal(vty_new(&w->vty, w->loop, w->path, &hooks), 0);
	vty_try(w->vty); /* nobody is there */
	assert_false(vty_is_up(w->vty));
	w->listener = socket(AF_UNIX, SOCK_STREAM, 0);
	assert_int_equal(bind(w->listener, (struct sockaddr *)&at, sizeof(at)), 0);
	assert_int_equal(listen(w->listener, 1), 0);
	vty_try(w->vty);
	assert_int_equal(w->ups, 1);
	w->peer = accept(w->listener, NULL, NULL);
	assert_true(w->peer >= 0);
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;

	vty_free(w->vty);
	event_source_free(w->deadline);
	event_loop_free(w->loop);
	close(w->peer);
	close(w->listener);
	unlink(w->path);
	rmdir(w->folder);
	free(w);
	return 0;
}

static void run_until(struct world *w, int wanted)
{
	w->wanted = wanted;
	if (w->answers + w->downs < wanted)
		assert_int_equal(event_loop_run(w->loop), 0);
}

static void test_one_by_one(void **state)
{
	static const char answers[] = "\0\0\0\0one\0\0\0\0no such thing\0\0\0\2";
	struct world *w = *state;
	char sent[64];

	vty_send(w->vty, "show one", on_answer, w);
	vty_send(w->vty, "show two", on_answer, w);
	assert_int_equal(read(w->peer, sent, sizeof(sent)), 7 + 9 + 9);
	assert_memory_equal(sent, "enable\0show one\0show two", 25);
	for (size_t i = 0; i < sizeof(answers) - 1; i++)
		assert_int_equal(write(w->peer, answers + i, 1), 1);
	run_until(w, 2);
	assert_int_equal(w->status[0], 0);
	assert_string_equal(w->text[0], "one");
	assert_int_equal(w->status[1], 2);
	assert_string_equal(w->text[1], "no such thing");
}

static void test_cut_anywhere(void **state)
{
	static const char answers[] = "\0\0\0\0first\0\0\0\0second\0\0\0\1";
	struct world *w = *state;

	vty_send(w->vty, "a", on_answer, w);
	vty_send(w->vty, "b", on_answer, w);
	assert_int_equal(write(w->peer, answers, 6), 6);
	assert_int_equal(write(w->peer, answers + 6, sizeof(answers) - 7), sizeof(answers) - 7);
	run_until(w, 2);
	assert_string_equal(w->text[0], "first");
	assert_string_equal(w->text[1], "second");
	assert_int_equal(w->status[1], 1);
}

static void test_daemon_goes(void **state)
{
	struct world *w = *state;

	vty_send(w->vty, "a", on_answer, w);
	close(w->peer);
	w->peer = -1;
	run_until(w, 2); /* the question is answered, and the loss is told */
	assert_int_equal(w->answers, 1);
	assert_true(w->status[0] < 0);
	assert_int_equal(w->downs, 1);
	assert_false(vty_is_up(w->vty));
	vty_send(w->vty, "b", on_answer, w);
	assert_int_equal(w->status[1], -ENOTCONN);
}

static void test_unasked(void **state)
{
	struct world *w = *state;

	assert_int_equal(write(w->peer, "\0\0\0\0what\0\0\0\0", 12), 12);
	vty_send(w->vty, "a", on_answer, w);
	assert_int_equal(write(w->peer, "x\0\0\0\0", 5), 5);
	run_until(w, 1);
	assert_int_equal(w->answers, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_one_by_one, setup, teardown),
		cmocka_unit_test_setup_teardown(test_cut_anywhere, setup, teardown),
		cmocka_unit_test_setup_teardown(test_daemon_goes, setup, teardown),
		cmocka_unit_test_setup_teardown(test_unasked, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
