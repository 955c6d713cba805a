/*
 * Addresses, prefixes and log text from outside: what parses prints back to what parses the same,
 * relations agree with each other, and an escaped text is one word of printable characters.
 */
#include "base/log.h"
#include "net/prefix_set.h"
#include "net/selector.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
	if (!holds)
		abort();
}

static void check_addr(const char *text)
{
	struct net_addr addr, again, next;
	char buf[NET_ADDR_TEXT];

	if (net_addr_parse(&addr, text))
		return;
	must(!net_addr_parse(&again, net_addr_text(buf, &addr)) && net_addr_equal(&addr, &again));
	next = addr;
	if (net_addr_next(&next))
		must(net_addr_compare(&addr, &next) < 0);
	net_addr_prev(&next);
	must(net_addr_equal(&addr, &next));
}

static int check_prefix(struct net_prefix *prefix, const char *text)
{
	int rc = net_prefix_parse(prefix, text);
	struct net_selector selector;
	struct net_prefix again;
	struct net_addr last;
	char buf[NET_PREFIX_TEXT];

	if (rc == -EINVAL)
		return rc;
	must(!net_prefix_parse(&again, net_prefix_text(buf, prefix)));
	must(net_prefix_compare(prefix, &again) == 0);
	last = net_prefix_last(prefix);
	must(net_prefix_contains(prefix, &last) && net_prefix_contains(prefix, &prefix->addr));
	selector = net_selector_of_prefix(prefix);
	must(net_selector_to_prefix(&again, &selector) && net_prefix_compare(prefix, &again) == 0);
	return 0;
}

/* Two prefixes: overlap is what the selectors and a set of one say as well. */
static void check_pair(const struct net_prefix *a, const struct net_prefix *b)
{
	struct net_selector x = net_selector_of_prefix(a), y = net_selector_of_prefix(b), both;
	bool overlap = net_prefix_overlaps(a, b);
	struct net_prefix_set set;

	must(net_selector_intersect(&both, &x, &y) == overlap);
	must(net_selector_covers(&x, &y) == net_prefix_covers(a, b));
	must(!overlap || (net_selector_covers(&x, &both) && net_selector_covers(&y, &both)));
	net_prefix_set_init(&set);
	if (!net_prefix_set_add(&set, a)) {
		must((net_prefix_set_overlap(&set, b) != NULL) == overlap);
		must((net_prefix_set_match(&set, &b->addr) != NULL) ==
		     net_prefix_contains(a, &b->addr));
	}
	net_prefix_set_fini(&set);
}

static void check_log_text(const uint8_t *data, size_t size)
{
	char buf[128];
	size_t room = size ? 1 + data[0] % sizeof(buf) : 1;
	const char *text = log_text(buf, room, (struct span){ data, size });

	must(strlen(text) < room);
	for (; *text; text++)
		must(*text > 0x20 && *text < 0x7f && *text != '"' && *text != '=');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct net_prefix a, b;
	char *text, *comma;

	check_log_text(data, size);
	text = malloc(size + 1);
	if (!text)
		return 0;
	memcpy(text, data, size);
	text[size] = 0;
	check_addr(text);
	comma = strchr(text, ',');
	if (comma)
		*comma = 0;
	if (!check_prefix(&a, text) && comma && !check_prefix(&b, comma + 1))
		check_pair(&a, &b);
	free(text);
	return 0;
}
