#include "dataplane/kernel/mirror.h"
#include "dataplane/kernel/waker.h"

#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static const struct {
	const char *name;
	enum mirror_class class;
	bool ethernet;
	uint16_t n;
	uint8_t bytes[80];
} packets[] = {
	{ "ARP", MIRROR_CLASS_NEIGHBOUR, true, 42, { [12] = 0x08, [13] = 0x06 } },
	{ "LLDP", MIRROR_CLASS_REST, true, 60, { [12] = 0x88, [13] = 0xcc } },
	{ "short frame", MIRROR_CLASS_REST, true, 13, { 0 } },
	{ "ping", MIRROR_CLASS_ICMP, true, 60, { [12] = 8, [14] = 0x45, [23] = 1, [34] = 8 } },
	{ "ssh", MIRROR_CLASS_TCP, true, 60, { [12] = 8, [14] = 0x45, [23] = 6, [37] = 22 } },
	{ "BGP to us",
	  MIRROR_CLASS_ROUTING,
	  true,
	  60,
	  { [12] = 8, [14] = 0x45, [23] = 6, [37] = 179 } },
	{ "BGP answers us",
	  MIRROR_CLASS_ROUTING,
	  true,
	  60,
	  { [12] = 8, [14] = 0x45, [23] = 6, [35] = 179 } },
	{ "BFD",
	  MIRROR_CLASS_ROUTING,
	  true,
	  60,
	  { [12] = 8, [14] = 0x45, [23] = 17, [36] = 0x0e, [37] = 0xc8 } },
	{ "DNS", MIRROR_CLASS_REST, true, 60, { [12] = 8, [14] = 0x45, [23] = 17, [37] = 53 } },
	{ "with options",
	  MIRROR_CLASS_ROUTING,
	  true,
	  60,
	  { [12] = 8, [14] = 0x46, [23] = 6, [41] = 179 } },
	{ "later fragment",
	  MIRROR_CLASS_REST,
	  true,
	  60,
	  { [12] = 8, [14] = 0x45, [21] = 1, [23] = 6, [37] = 179 } },
	{ "header longer than the packet",
	  MIRROR_CLASS_REST,
	  true,
	  40,
	  { [12] = 8, [14] = 0x4f, [23] = 6 } },
	{ "TCP cut off", MIRROR_CLASS_REST, true, 40, { [12] = 8, [14] = 0x45, [23] = 6 } },
	{ "ND",
	  MIRROR_CLASS_NEIGHBOUR,
	  true,
	  78,
	  { [12] = 0x86, [13] = 0xdd, [14] = 0x60, [20] = 58, [54] = 135 } },
	{ "ping6",
	  MIRROR_CLASS_ICMP,
	  true,
	  78,
	  { [12] = 0x86, [13] = 0xdd, [14] = 0x60, [20] = 58, [54] = 128 } },
	{ "inner ping", MIRROR_CLASS_ICMP, false, 40, { [0] = 0x45, [9] = 1, [20] = 8 } },
	{ "inner BGP", MIRROR_CLASS_ROUTING, false, 60, { [0] = 0x60, [6] = 6, [43] = 179 } },
	{ "nothing", MIRROR_CLASS_REST, false, 0, { 0 } },
	{ "version 7", MIRROR_CLASS_REST, false, 40, { [0] = 0x75 } },
};

/* The bytes end where the packet ends: a read behind it shows under a sanitizer. */
static void test_classes(void **state)
{
	for (size_t i = 0; i < sizeof(packets) / sizeof(packets[0]); i++) {
		uint8_t *copy = test_malloc(packets[i].n ? packets[i].n : 1);
		struct rte_mbuf m = { .buf_addr = copy, .data_len = packets[i].n };

		memcpy(copy, packets[i].bytes, packets[i].n);
		m.pkt_len = m.data_len;
		if (mirror_classify(&m, packets[i].ethernet) != packets[i].class)
			fail_msg("%s: class %d", packets[i].name,
				 mirror_classify(&m, packets[i].ethernet));
		test_free(copy);
	}
}

static bool readable(int fd)
{
	struct pollfd poll_fd = { .fd = fd, .events = POLLIN };

	return poll(&poll_fd, 1, 0) == 1;
}

static void test_waker(void **state)
{
	struct waker waker;

	assert_int_equal(waker_init(&waker), 0);
	/* Awake: no call. */
	waker_wake(&waker);
	assert_false(readable(waker.fd));
	/* Asleep: one call by the first, none by the second. */
	waker_sleep(&waker);
	waker_wake(&waker);
	assert_true(readable(waker.fd));
	waker_woken(&waker);
	waker_wake(&waker);
	assert_false(readable(waker.fd));
	waker_sleep(&waker);
	waker_awake(&waker);
	waker_wake(&waker);
	assert_false(readable(waker.fd));
	waker_fini(&waker);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_classes),
					    cmocka_unit_test(test_waker) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
