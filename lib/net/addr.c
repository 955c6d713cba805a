#include "net/addr.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

int net_addr_parse(struct net_addr *addr, const char *text)
{
	*addr = (struct net_addr){ 0 };
	if (inet_pton(AF_INET, text, addr->bytes) == 1)
		addr->family = NET_IP4;
	else if (inet_pton(AF_INET6, text, addr->bytes) == 1)
		addr->family = NET_IP6;
	else
		return -EINVAL;
	return 0;
}

const char *net_addr_text(char buf[NET_ADDR_TEXT], const struct net_addr *addr)
{
	int family = addr->family == NET_IP4 ? AF_INET : AF_INET6;

	if (!net_addr_len(addr) || !inet_ntop(family, addr->bytes, buf, NET_ADDR_TEXT))
		snprintf(buf, NET_ADDR_TEXT, "none");
	return buf;
}

struct net_addr net_addr_ip4(uint32_t host_order)
{
	uint32_t be = htonl(host_order);

	return net_addr_of(NET_IP4, &be);
}

struct net_addr net_addr_of(enum net_family family, const void *bytes)
{
	struct net_addr addr = { .family = (uint8_t)family };

	memcpy(addr.bytes, bytes, net_addr_len(&addr));
	return addr;
}

bool net_addr_equal(const struct net_addr *a, const struct net_addr *b)
{
	return net_addr_compare(a, b) == 0;
}

int net_addr_compare(const struct net_addr *a, const struct net_addr *b)
{
	if (a->family != b->family)
		return a->family < b->family ? -1 : 1;
	return memcmp(a->bytes, b->bytes, net_addr_len(a));
}

bool net_addr_is_any(const struct net_addr *addr)
{
	for (size_t i = 0; i < net_addr_len(addr); i++)
		if (addr->bytes[i])
			return false;
	return true;
}

bool net_addr_is_multicast(const struct net_addr *addr)
{
	return addr->family == NET_IP4 ? (addr->bytes[0] & 0xf0) == 0xe0
				       : addr->family == NET_IP6 && addr->bytes[0] == 0xff;
}

/* RFC 3927 and RFC 4291 section 2.5.6. */
bool net_addr_is_link_local(const struct net_addr *addr)
{
	const uint8_t *b = addr->bytes;

	return addr->family == NET_IP4
		       ? b[0] == 169 && b[1] == 254
		       : addr->family == NET_IP6 && b[0] == 0xfe && (b[1] & 0xc0) == 0x80;
}

bool net_addr_is_loopback(const struct net_addr *addr)
{
	static const struct net_addr loopback6 = { .bytes = { [15] = 1 }, .family = NET_IP6 };

	return addr->family == NET_IP4 ? addr->bytes[0] == 127 : net_addr_equal(addr, &loopback6);
}

bool net_addr_next(struct net_addr *addr)
{
	for (size_t i = net_addr_len(addr); i-- > 0;)
		if (++addr->bytes[i])
			return true;
	return false;
}

bool net_addr_prev(struct net_addr *addr)
{
	for (size_t i = net_addr_len(addr); i-- > 0;)
		if (addr->bytes[i]--)
			return true;
	return false;
}
