#include "net/addr.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* Clears (or sets) the bits behind the first `length` ones. */
static struct net_addr fill_host_bits(const struct net_addr *addr, uint8_t length, bool ones)
{
	struct net_addr out = *addr;

	for (size_t i = 0; i < net_addr_len(addr); i++) {
		unsigned kept = length > i * 8 ? length - (unsigned)i * 8 : 0;
		uint8_t host = kept >= 8 ? 0 : (uint8_t)(0xff >> kept);

		out.bytes[i] = ones ? out.bytes[i] | host : out.bytes[i] & (uint8_t)~host;
	}
	return out;
}

struct net_prefix net_prefix_of(const struct net_addr *addr, uint8_t length)
{
	uint8_t bits = (uint8_t)(net_addr_len(addr) * 8);

	if (length > bits)
		length = bits;
	return (struct net_prefix){ .addr = fill_host_bits(addr, length, false), .length = length };
}

struct net_addr net_prefix_last(const struct net_prefix *prefix)
{
	return fill_host_bits(&prefix->addr, prefix->length, true);
}

/* Digits only, no sign, no leading zero. */
static int parse_length(const char *text, unsigned most, uint8_t *length)
{
	unsigned value = 0;

	if (!*text || (text[0] == '0' && text[1]))
		return -EINVAL;
	for (; *text; text++) {
		if (*text < '0' || *text > '9')
			return -EINVAL;
		value = value * 10 + (unsigned)(*text - '0');
		if (value > most)
			return -EINVAL;
	}
	*length = (uint8_t)value;
	return 0;
}

int net_prefix_parse(struct net_prefix *prefix, const char *text)
{
	const char *slash = strchr(text, '/');
	size_t n = slash ? (size_t)(slash - text) : 0;
	char part[NET_ADDR_TEXT];
	struct net_addr addr;
	uint8_t length;
	int rc;

	*prefix = (struct net_prefix){ 0 };
	if (!slash || n >= sizeof(part))
		return -EINVAL;
	memcpy(part, text, n);
	part[n] = 0;
	rc = net_addr_parse(&addr, part);
	if (!rc)
		rc = parse_length(slash + 1, (unsigned)net_addr_len(&addr) * 8, &length);
	if (rc)
		return rc;
	*prefix = net_prefix_of(&addr, length);
	return net_addr_equal(&prefix->addr, &addr) ? 0 : -ERANGE;
}

const char *net_prefix_text(char buf[NET_PREFIX_TEXT], const struct net_prefix *prefix)
{
	char addr[NET_ADDR_TEXT];

	snprintf(buf, NET_PREFIX_TEXT, "%s/%u", net_addr_text(addr, &prefix->addr), prefix->length);
	return buf;
}

bool net_prefix_contains(const struct net_prefix *prefix, const struct net_addr *addr)
{
	size_t whole = prefix->length / 8;
	uint8_t mask = (uint8_t) ~(0xff >> prefix->length % 8);

	if (prefix->addr.family != addr->family || memcmp(prefix->addr.bytes, addr->bytes, whole))
		return false;
	return !mask || !((prefix->addr.bytes[whole] ^ addr->bytes[whole]) & mask);
}

bool net_prefix_covers(const struct net_prefix *outer, const struct net_prefix *inner)
{
	return outer->length <= inner->length && net_prefix_contains(outer, &inner->addr);
}

bool net_prefix_overlaps(const struct net_prefix *a, const struct net_prefix *b)
{
	return net_prefix_covers(a, b) || net_prefix_covers(b, a);
}

int net_prefix_compare(const struct net_prefix *a, const struct net_prefix *b)
{
	int rc = net_addr_compare(&a->addr, &b->addr);

	return rc ? rc : (a->length > b->length) - (a->length < b->length);
}
