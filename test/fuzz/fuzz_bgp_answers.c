/*
 * What FRR's daemons say: the first byte chooses between bfdd's control socket, the end of a vty
 * answer, a running configuration that is to become another one, and a summary of sessions.
 */
#include "control/bgp/diff.h"
#include "control/bgp/state.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool holds)
{
	if (!holds)
		abort();
}

static void changed(void *context, const struct bfd_change *change)
{
	check(change->local.family && change->peer.family);
}

static void bfd(const uint8_t *data, size_t size)
{
	const struct bfd_hooks hooks = { .changed = changed };
	ssize_t n = bfd_read(data, size, &hooks);

	check(n <= (ssize_t)size);
}

static void answer(const char *text, size_t size)
{
	size_t length;
	uint8_t status;
	size_t n = vty_answer(text, size, &length, &status);

	check(n <= size && (!n || length + 4 == n));
}

/* What comes of a configuration of strangers never has a line that is longer than it may be. */
static void diff(const char *text, size_t size)
{
	static const char wanted[] = "router bgp 65515\n neighbor 10.0.0.1 remote-as 65010\n"
				     " address-family ipv4 unicast\n  network 10.0.0.0/8\n"
				     " exit-address-family\nexit\n";
	struct text running = { 0 };
	struct text commands = { 0 };

	text_add_bytes(&running, text, size);
	bgp_diff(text_get(&running), wanted, &commands);
	check(strlen(text_get(&commands)) == commands.n);
	text_fini(&running);
	text_fini(&commands);
}

static void summary(const char *text, size_t size)
{
	struct bgp_session session = { .name = "t", .is.peer = net_addr_ip4(0x0a000001) };
	struct bgp_known known = { 0 };
	struct bgp bgp = { .sessions = &session, .known = &known, .count = 1 };

	bgp_status_take(&bgp, 0, text, size);
	check(known.state <= BGP_CONNECTED);
	check(known.state == BGP_CONNECTED || (!known.received && !known.sent));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (!size)
		return 0;
	switch (data[0] & 3) {
	case 0:
		bfd(data + 1, size - 1);
		break;
	case 1:
		answer((const char *)data + 1, size - 1);
		break;
	case 2:
		diff((const char *)data + 1, size - 1);
		break;
	default:
		summary((const char *)data + 1, size - 1);
	}
	return 0;
}
