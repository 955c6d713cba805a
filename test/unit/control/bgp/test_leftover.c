/*
 * A daemon that is back is asked of what nothing has touched, and what it does not have is taken
 * out of the kernel, with zebra told before and after. Sockets, kernel and clock are stubs.
 */
#include "cmocka_all.h"
#include "control/bgp/leftover.h"
#include "control/bgp/state.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define KNOWN "{\"prefix\":\"10.97.0.0/16\",\"paths\":[{\"valid\":true}]}"
#define UNKNOWN "{}"

struct vty {
	const char *name;
	bool up;
	bool there; /* it can be connected to */
	char sent[8192];
	struct {
		vty_done done;
		void *context;
	} open[256]; /* questions */
	uint32_t open_count;
};

static struct world {
	struct bgp bgp;
	struct vty daemon;
	struct vty zebra;
	struct leftover_set *all;
	struct leftover deleted[16];
	uint32_t deleted_count;
	bool restarting;
	uint32_t zebras; /* that are not freed */
} w;

bool bgp_restarting(const struct bgp *bgp, enum stale_part part)
{
	return w.restarting;
}

int vty_new(struct vty **vty, struct event_loop *loop, const char *path,
	    const struct vty_hooks *hooks)
{
	assert_string_equal(path, "/run/f/rib/zebra.vty");
	w.zebras++;
	*vty = &w.zebra;
	return 0;
}

void vty_free(struct vty *vty)
{
	if (!vty)
		return;
	vty->up = false;
	w.zebras--;
}

void vty_try(struct vty *vty)
{
	vty->up = vty->there;
}

bool vty_is_up(const struct vty *vty)
{
	return vty->up;
}

void vty_send(struct vty *vty, const char *command, vty_done done, void *context)
{
	size_t n = strlen(vty->sent);

	if (!vty->up) {
		if (done)
			done(context, -ENOTCONN, "", 0);
		return;
	}
	snprintf(vty->sent + n, sizeof(vty->sent) - n, "%s;", command);
	if (!done)
		return;
	vty->open[vty->open_count].done = done;
	vty->open[vty->open_count++].context = context;
}

struct leftover_set *route_leftovers(struct route *route, enum stale_part part)
{
	return w.all;
}

void route_leftovers_begin(struct route *route, enum stale_part part)
{
	leftover_set_begin(w.all);
}

void route_leftover_delete(struct route *route, const struct leftover *left)
{
	w.deleted[w.deleted_count++] = *left;
}

static struct leftover route_of(uint32_t address)
{
	struct net_addr addr = net_addr_ip4(address);

	return (struct leftover){ net_prefix_of(&addr, 16), 254, 20 };
}

static void see(uint32_t address, bool gone)
{
	const struct leftover route = route_of(address);

	leftover_set_see(w.all, &route, gone);
}

/* The oldest question of it. */
static void answer(struct vty *vty, int status, const char *text)
{
	vty_done done = vty->open[0].done;
	void *context = vty->open[0].context;

	assert_true(vty->open_count > 0);
	memmove(vty->open, vty->open + 1, --vty->open_count * sizeof(vty->open[0]));
	done(context, status, text, strlen(text));
}

static struct bgp_leftover *leftover(void)
{
	return &w.bgp.leftovers[STALE_LEARNED];
}

/* 10.97 and 10.98, 10.122: all were there when the daemon came back, and 10.98 was told anew. */
static int make(void **state)
{
	static struct daemon daemon = { .name = "rib/bgpd" };

	memset(&w, 0, sizeof(w));
	assert_int_equal(leftover_set_new(&w.all), 0);
	w.daemon.up = w.zebra.there = w.restarting = true;
	daemon.vty = &w.daemon;
	snprintf(w.bgp.directory, sizeof(w.bgp.directory), "/run/f");
	*leftover() = (struct bgp_leftover){ .bgp = &w.bgp, .daemon = &daemon, .folder = "rib" };
	bgp_leftover_begin(leftover());
	leftover_set_read_begin(w.all);
	see(0x0a610000, false);
	see(0x0a620000, false);
	see(0x0a7a0000, false);
	leftover_set_read_end(w.all);
	see(0x0a620000, true);
	see(0x0a620000, false);
	bgp_leftover_tick(leftover());
	assert_string_equal(w.daemon.sent, "");
	w.restarting = false;
	return 0;
}

static int end(void **state)
{
	bgp_leftover_fini(leftover());
	leftover_set_free(w.all);
	assert_int_equal(w.zebras, 0);
	return 0;
}

#define ASKED                                                                                      \
	"show bgp ipv4 unicast 10.97.0.0/16 bestpath json;"                                        \
	"show bgp ipv4 unicast 10.122.0.0/16 bestpath json;"

static void ticks(int n)
{
	while (n--)
		bgp_leftover_tick(leftover());
}

static void asked_and_answered(const char *first, const char *second)
{
	ticks(1);
	assert_string_equal(w.daemon.sent, ASKED);
	w.daemon.sent[0] = '\0';
	answer(&w.daemon, 0, first);
	answer(&w.daemon, 0, second);
}

static void what_it_has_stays(void **state)
{
	asked_and_answered(KNOWN, KNOWN);
	assert_int_equal(leftover()->state, LEFTOVER_REST);
	ticks(30);
	assert_string_equal(w.daemon.sent, "");
	assert_string_equal(w.zebra.sent, "");
	assert_int_equal(w.deleted_count, 0);
}

static void what_it_does_not_have_goes(void **state)
{
	const struct leftover expected = route_of(0x0a7a0000);

	asked_and_answered(KNOWN, UNKNOWN);
	ticks(1);
	assert_string_equal(w.zebra.sent, "configure terminal;allow-external-route-update;end;");
	assert_int_equal(w.deleted_count, 0);
	answer(&w.zebra, 0, "");
	assert_int_equal(w.deleted_count, 1);
	assert_memory_equal(&w.deleted[0], &expected, sizeof(expected));
	see(0x0a7a0000, true);
	w.zebra.sent[0] = '\0';
	ticks(2);
	assert_string_equal(w.zebra.sent, "");
	ticks(1);
	assert_string_equal(w.zebra.sent, "configure terminal;no allow-external-route-update;end;");
	assert_non_null(strstr(w.daemon.sent, "address-family ipv4 unicast;no table-map VPNGW;"));
	ticks(1);
	assert_int_equal(leftover()->state, LEFTOVER_REST);
	ticks(30);
	assert_int_equal(w.deleted_count, 1);
}

/* zebra has put it back, or it was told anew: the daemon knows. */
static void what_comes_back_is_asked_for_again(void **state)
{
	asked_and_answered(KNOWN, UNKNOWN);
	ticks(1);
	answer(&w.zebra, 0, "");
	see(0x0a7a0000, true);
	see(0x0a7a0000, false);
	ticks(3);
	w.daemon.sent[0] = '\0';
	ticks(1);
	assert_string_equal(w.daemon.sent, "show bgp ipv4 unicast 10.122.0.0/16 bestpath json;");
	answer(&w.daemon, 0, KNOWN);
	ticks(30);
	assert_int_equal(w.deleted_count, 1);
	assert_int_equal(leftover()->state, LEFTOVER_REST);
}

static void not_for_ever(void **state)
{
	asked_and_answered(KNOWN, UNKNOWN);
	for (int i = 1; i <= 3; i++) {
		ticks(1);
		answer(&w.zebra, 0, "");
		assert_int_equal(w.deleted_count, i);
		ticks(4);
		if (i < 3)
			answer(&w.daemon, 0, UNKNOWN);
	}
	assert_int_equal(leftover()->state, LEFTOVER_REST);
}

static void without_zebra_out_of_the_kernel_alone(void **state)
{
	w.zebra.there = false;
	asked_and_answered(UNKNOWN, UNKNOWN);
	ticks(9);
	assert_int_equal(w.deleted_count, 0);
	ticks(1);
	assert_int_equal(w.deleted_count, 2);
	ticks(3);
	assert_string_equal(w.zebra.sent, "");
}

/* It dies again while it is asked: nothing it said counts, its return begins anew. */
static void a_daemon_that_goes_said_nothing(void **state)
{
	ticks(1);
	answer(&w.daemon, 0, UNKNOWN);
	answer(&w.daemon, -EPIPE, "");
	w.restarting = true;
	ticks(30);
	assert_int_equal(w.deleted_count, 0);
	assert_string_equal(w.zebra.sent, "");
	w.restarting = w.daemon.up = false;
	ticks(2);
	assert_int_equal(w.deleted_count, 0);
	w.daemon.up = true;
	w.daemon.sent[0] = '\0';
	asked_and_answered(KNOWN, KNOWN);
	assert_int_equal(leftover()->state, LEFTOVER_REST);
}

static void many_are_asked_for_in_turn(void **state)
{
	leftover_set_begin(w.all);
	leftover_set_read_begin(w.all);
	for (uint32_t i = 0; i < 100; i++)
		see(0x0b000000 + (i << 16), false);
	leftover_set_read_end(w.all);
	ticks(1);
	assert_int_equal(w.daemon.open_count, 64);
	for (int i = 0; i < 64; i++)
		answer(&w.daemon, 0, i == 3 ? UNKNOWN : KNOWN);
	assert_int_equal(w.daemon.open_count, 36);
	for (int i = 0; i < 36; i++)
		answer(&w.daemon, 0, i == 35 ? UNKNOWN : KNOWN);
	ticks(1);
	answer(&w.zebra, 0, "");
	assert_int_equal(w.deleted_count, 2);
	assert_int_equal(w.deleted[0].prefix.addr.bytes[1], 3);
	assert_int_equal(w.deleted[1].prefix.addr.bytes[1], 99);
}

static void answers_are_read(void **state)
{
	static const char none[] = "{\"prefix\":\"10.97.0.0/16\",\"paths\":[]}";

	assert_true(bgp_leftover_is_known(KNOWN, strlen(KNOWN)));
	assert_false(bgp_leftover_is_known(UNKNOWN, strlen(UNKNOWN)));
	assert_false(bgp_leftover_is_known(none, strlen(none))); /* no path is good */
	assert_true(bgp_leftover_is_known("% what?", 7));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_it_has_stays),
		TEST(what_it_does_not_have_goes),
		TEST(what_comes_back_is_asked_for_again),
		TEST(not_for_ever),
		TEST(without_zebra_out_of_the_kernel_alone),
		TEST(a_daemon_that_goes_said_nothing),
		TEST(many_are_asked_for_in_turn),
		cmocka_unit_test(answers_are_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
