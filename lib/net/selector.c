#include "net/selector.h"
#include "net/header.h"

#include <stdio.h>
#include <string.h>

#define PORT_MAX 65535

struct net_selector net_selector_any(enum net_family family)
{
	struct net_addr zero = { .family = (uint8_t)family };
	struct net_prefix all = net_prefix_of(&zero, 0);

	return net_selector_of_prefix(&all);
}

struct net_selector net_selector_of_prefix(const struct net_prefix *prefix)
{
	return (struct net_selector){ .start = prefix->addr,
				      .end = net_prefix_last(prefix),
				      .port_end = PORT_MAX };
}

/* RFC 7296 section 3.13.1: OPAQUE is start 65535, end 0. */
static bool ports_opaque(const struct net_selector *s)
{
	return s->port_start > s->port_end;
}

static bool ports_any(const struct net_selector *s)
{
	return s->port_start == 0 && s->port_end == PORT_MAX;
}

bool net_selector_is_any(const struct net_selector *s)
{
	struct net_selector any = net_selector_any(s->start.family);

	return net_selector_equal(s, &any);
}

bool net_selector_equal(const struct net_selector *a, const struct net_selector *b)
{
	return net_addr_equal(&a->start, &b->start) && net_addr_equal(&a->end, &b->end) &&
	       a->protocol == b->protocol && a->port_start == b->port_start &&
	       a->port_end == b->port_end;
}

/* RFC 4301 section 4.4.1.1: ANY includes OPAQUE, a port does not. */
static bool ports_cover(const struct net_selector *outer, const struct net_selector *inner)
{
	if (ports_any(outer))
		return true;
	if (ports_opaque(outer) || ports_opaque(inner))
		return ports_opaque(outer) && ports_opaque(inner);
	return outer->port_start <= inner->port_start && outer->port_end >= inner->port_end;
}

bool net_selector_covers(const struct net_selector *outer, const struct net_selector *inner)
{
	return outer->start.family == inner->start.family &&
	       net_addr_compare(&outer->start, &inner->start) <= 0 &&
	       net_addr_compare(&outer->end, &inner->end) >= 0 &&
	       (!outer->protocol || outer->protocol == inner->protocol) &&
	       ports_cover(outer, inner);
}

static bool intersect_ports(struct net_selector *out, const struct net_selector *a,
			    const struct net_selector *b)
{
	const struct net_selector *narrow = ports_any(a) ? b : a;

	if (ports_opaque(a) || ports_opaque(b)) {
		out->port_start = narrow->port_start;
		out->port_end = narrow->port_end;
		return ports_cover(a, b) || ports_cover(b, a);
	}
	out->port_start = a->port_start > b->port_start ? a->port_start : b->port_start;
	out->port_end = a->port_end < b->port_end ? a->port_end : b->port_end;
	return out->port_start <= out->port_end;
}

bool net_selector_intersect(struct net_selector *out, const struct net_selector *a,
			    const struct net_selector *b)
{
	struct net_selector common = { .protocol = a->protocol ? a->protocol : b->protocol };

	if (a->start.family != b->start.family)
		return false;
	if (a->protocol && b->protocol && a->protocol != b->protocol)
		return false;
	common.start = net_addr_compare(&a->start, &b->start) > 0 ? a->start : b->start;
	common.end = net_addr_compare(&a->end, &b->end) < 0 ? a->end : b->end;
	if (net_addr_compare(&common.start, &common.end) > 0 || !intersect_ports(&common, a, b))
		return false;
	*out = common;
	return true;
}

bool net_selector_matches(const struct net_selector *s, const struct net_addr *addr,
			  uint8_t protocol, uint16_t port)
{
	return s->start.family == addr->family && net_addr_compare(&s->start, addr) <= 0 &&
	       net_addr_compare(&s->end, addr) >= 0 && (!s->protocol || s->protocol == protocol) &&
	       s->port_start <= port && port <= s->port_end;
}

bool net_selector_to_prefix(struct net_prefix *prefix, const struct net_selector *s)
{
	size_t bits = net_addr_len(&s->start) * 8, length = 0;

	for (; length <= bits; length++) {
		struct net_prefix p = net_prefix_of(&s->start, (uint8_t)length);
		struct net_addr last = net_prefix_last(&p);

		if (net_addr_equal(&p.addr, &s->start) && net_addr_equal(&last, &s->end)) {
			*prefix = p;
			return true;
		}
	}
	return false;
}

static void protocol_text(char *buf, size_t size, uint8_t protocol)
{
	static const struct {
		uint8_t protocol;
		const char *name;
	} known[] = { { 0, "any" },
		      { NET_PROTO_ICMP, "icmp" },
		      { NET_PROTO_TCP, "tcp" },
		      { NET_PROTO_UDP, "udp" },
		      { NET_PROTO_ICMP6, "icmp6" } };

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (known[i].protocol == protocol) {
			snprintf(buf, size, "%s", known[i].name);
			return;
		}
	snprintf(buf, size, "%u", protocol);
}

static void ports_text(char *buf, size_t size, const struct net_selector *s)
{
	if (ports_any(s))
		buf[0] = 0;
	else if (ports_opaque(s))
		snprintf(buf, size, "/opaque");
	else if (s->port_start == s->port_end)
		snprintf(buf, size, "/%u", s->port_start);
	else
		snprintf(buf, size, "/%u-%u", s->port_start, s->port_end);
}

const char *net_selector_text(char buf[NET_SELECTOR_TEXT], const struct net_selector *s)
{
	char start[NET_ADDR_TEXT], end[NET_ADDR_TEXT], range[NET_ADDR_TEXT * 2 + 2];
	char protocol[8], ports[16];
	struct net_prefix prefix;

	if (net_selector_to_prefix(&prefix, s))
		net_prefix_text(range, &prefix);
	else
		snprintf(range, sizeof(range), "%s-%s", net_addr_text(start, &s->start),
			 net_addr_text(end, &s->end));
	protocol_text(protocol, sizeof(protocol), s->protocol);
	ports_text(ports, sizeof(ports), s);
	if (!s->protocol && ports_any(s))
		snprintf(buf, NET_SELECTOR_TEXT, "%s", range);
	else
		snprintf(buf, NET_SELECTOR_TEXT, "%s[%s%s]", range, protocol, ports);
	return buf;
}
