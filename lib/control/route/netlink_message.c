#include "control/route/netlink_message.h"

#include <linux/if.h>
#include <linux/if_addr.h>
#include <linux/neighbour.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>

void netlink_build(struct netlink_builder *b, uint16_t type, uint16_t flags, const void *body,
		   size_t n)
{
	memset(b, 0, sizeof(*b));
	b->m.header.nlmsg_type = type;
	b->m.header.nlmsg_flags = flags | NLM_F_REQUEST;
	b->m.header.nlmsg_len = NLMSG_LENGTH(n);
	memcpy(NLMSG_DATA(&b->m.header), body, n);
}

void netlink_build_attribute(struct netlink_builder *b, uint16_t type, const void *bytes, size_t n)
{
	size_t at = NLMSG_ALIGN(b->m.header.nlmsg_len);
	struct rtattr *attribute = (struct rtattr *)(b->m.bytes + at);

	if (at + RTA_SPACE(n) > sizeof(b->m.bytes)) {
		b->failed = true;
		return;
	}
	attribute->rta_type = type;
	attribute->rta_len = (unsigned short)RTA_LENGTH(n);
	memcpy(RTA_DATA(attribute), bytes, n);
	b->m.header.nlmsg_len = (uint32_t)(at + RTA_LENGTH(n));
}

void netlink_build_addr(struct netlink_builder *b, uint16_t type, const struct net_addr *addr)
{
	netlink_build_attribute(b, type, addr->bytes, net_addr_len(addr));
}

void netlink_build_u32(struct netlink_builder *b, uint16_t type, uint32_t value)
{
	netlink_build_attribute(b, type, &value, sizeof(value));
}

/* The attributes of a message by type; unknown types are left out, the last of a kind wins. */
static void attributes(const struct rtattr *first, size_t left, const struct rtattr **by_type,
		       unsigned int max)
{
	memset(by_type, 0, (max + 1) * sizeof(*by_type));
	while (left >= sizeof(*first) && first->rta_len >= sizeof(*first) &&
	       first->rta_len <= left) {
		unsigned int type = first->rta_type & NLA_TYPE_MASK;
		size_t step = RTA_ALIGN(first->rta_len);

		if (type <= max)
			by_type[type] = first;
		if (step >= left)
			return;
		left -= step;
		first = (const struct rtattr *)((const uint8_t *)first + step);
	}
}

/* The fixed body and the attributes behind it; NULL when the message is too short. */
static const void *body_of(const struct nlmsghdr *message, size_t n, const struct rtattr **by_type,
			   unsigned int max)
{
	size_t at = NLMSG_ALIGN(n);
	size_t have;

	if (message->nlmsg_len < NLMSG_LENGTH(n))
		return NULL;
	have = message->nlmsg_len - NLMSG_HDRLEN;
	if (have > at)
		attributes((const struct rtattr *)((const uint8_t *)NLMSG_DATA(message) + at),
			   have - at, by_type, max);
	else
		attributes(NULL, 0, by_type, max);
	return NLMSG_DATA(message);
}

static bool addr_of(const struct rtattr *attribute, int family, struct net_addr *addr)
{
	size_t n = family == AF_INET ? 4 : 16;

	if (!attribute || (family != AF_INET && family != AF_INET6) || RTA_PAYLOAD(attribute) < n)
		return false;
	*addr = net_addr_of(family == AF_INET ? NET_IP4 : NET_IP6, RTA_DATA(attribute));
	return true;
}

static uint32_t u32_of(const struct rtattr *attribute, uint32_t otherwise)
{
	uint32_t value;

	if (!attribute || RTA_PAYLOAD(attribute) < sizeof(value))
		return otherwise;
	memcpy(&value, RTA_DATA(attribute), sizeof(value));
	return value;
}

bool netlink_decode_link(const struct nlmsghdr *message, struct netlink_link *link)
{
	const struct rtattr *by_type[IFLA_MTU + 1];
	const struct ifinfomsg *info = body_of(message, sizeof(*info), by_type, IFLA_MTU);
	size_t n;

	if (!info || info->ifi_family == AF_BRIDGE || !by_type[IFLA_IFNAME])
		return false;
	memset(link, 0, sizeof(*link));
	link->ifindex = info->ifi_index;
	n = RTA_PAYLOAD(by_type[IFLA_IFNAME]);
	if (n >= sizeof(link->name))
		n = sizeof(link->name) - 1;
	memcpy(link->name, RTA_DATA(by_type[IFLA_IFNAME]), n);
	link->mtu = (uint16_t)u32_of(by_type[IFLA_MTU], 0);
	link->enabled = info->ifi_flags & IFF_UP;
	link->up = link->enabled && (info->ifi_flags & IFF_LOWER_UP);
	return true;
}

bool netlink_decode_address(const struct nlmsghdr *message, struct netlink_address *address)
{
	const struct rtattr *by_type[IFA_FLAGS + 1];
	const struct ifaddrmsg *info = body_of(message, sizeof(*info), by_type, IFA_FLAGS);
	const struct rtattr *addr;

	if (!info)
		return false;
	memset(address, 0, sizeof(*address));
	address->ifindex = (int)info->ifa_index;
	address->length = info->ifa_prefixlen;
	/* On a point-to-point link IFA_ADDRESS is the other end and IFA_LOCAL is ours. */
	addr = by_type[IFA_LOCAL] ? by_type[IFA_LOCAL] : by_type[IFA_ADDRESS];
	return addr_of(addr, info->ifa_family, &address->addr);
}

bool netlink_decode_neighbour(const struct nlmsghdr *message, struct netlink_neighbour *neighbour)
{
	const struct rtattr *by_type[NDA_LLADDR + 1];
	const struct ndmsg *info = body_of(message, sizeof(*info), by_type, NDA_LLADDR);

	if (!info || (info->ndm_flags & NTF_PROXY))
		return false;
	memset(neighbour, 0, sizeof(*neighbour));
	neighbour->ifindex = info->ndm_ifindex;
	if (by_type[NDA_LLADDR] && RTA_PAYLOAD(by_type[NDA_LLADDR]) == sizeof(neighbour->mac)) {
		memcpy(neighbour->mac, RTA_DATA(by_type[NDA_LLADDR]), sizeof(neighbour->mac));
		/* Stale, delayed and probed entries still carry traffic, as in the kernel. */
		neighbour->usable = info->ndm_state & (NUD_PERMANENT | NUD_NOARP | NUD_REACHABLE |
						       NUD_PROBE | NUD_STALE | NUD_DELAY);
	}
	return addr_of(by_type[NDA_DST], info->ndm_family, &neighbour->addr);
}

static void hop_via(struct netlink_hop *hop, const struct rtattr *via)
{
	const struct rtvia *v = RTA_DATA(via);
	size_t n = RTA_PAYLOAD(via) - sizeof(v->rtvia_family);

	if (RTA_PAYLOAD(via) <= sizeof(v->rtvia_family))
		return;
	if (v->rtvia_family == AF_INET && n >= 4)
		hop->gateway = net_addr_of(NET_IP4, v->rtvia_addr);
	else if (v->rtvia_family == AF_INET6 && n >= 16)
		hop->gateway = net_addr_of(NET_IP6, v->rtvia_addr);
}

static void decode_hops(struct netlink_route *route, const struct rtattr *multipath, int family)
{
	const struct rtnexthop *hop = RTA_DATA(multipath);
	size_t left = RTA_PAYLOAD(multipath);

	while (left >= sizeof(*hop) && hop->rtnh_len >= sizeof(*hop) && hop->rtnh_len <= left &&
	       route->hop_count < NETLINK_HOPS_MAX) {
		const struct rtattr *by_type[RTA_VIA + 1];
		struct netlink_hop *to = &route->hops[route->hop_count++];
		size_t step = RTNH_ALIGN(hop->rtnh_len);

		*to = (struct netlink_hop){ 0 };
		attributes(RTNH_DATA(hop), hop->rtnh_len - sizeof(*hop), by_type, RTA_VIA);
		to->ifindex = hop->rtnh_ifindex;
		to->weight = (uint16_t)(hop->rtnh_hops + 1);
		addr_of(by_type[RTA_GATEWAY], family, &to->gateway);
		if (by_type[RTA_VIA])
			hop_via(to, by_type[RTA_VIA]);
		if (step >= left)
			return;
		left -= step;
		hop = (const struct rtnexthop *)((const uint8_t *)hop + step);
	}
}

bool netlink_decode_route(const struct nlmsghdr *message, struct netlink_route *route)
{
	const struct rtattr *by_type[RTA_VIA + 1];
	const struct rtmsg *info = body_of(message, sizeof(*info), by_type, RTA_VIA);
	struct net_addr dst = { .family = NET_IP4 };

	if (!info || info->rtm_type != RTN_UNICAST || (info->rtm_flags & RTM_F_CLONED) ||
	    (info->rtm_family != AF_INET && info->rtm_family != AF_INET6))
		return false;
	memset(route, 0, offsetof(struct netlink_route, hops));
	dst.family = info->rtm_family == AF_INET ? NET_IP4 : NET_IP6;
	if (info->rtm_dst_len && !addr_of(by_type[RTA_DST], info->rtm_family, &dst))
		return false;
	route->prefix = net_prefix_of(&dst, info->rtm_dst_len);
	route->table = u32_of(by_type[RTA_TABLE], info->rtm_table);
	route->metric = u32_of(by_type[RTA_PRIORITY], 0);
	route->protocol = info->rtm_protocol;
	if (by_type[RTA_MULTIPATH]) {
		decode_hops(route, by_type[RTA_MULTIPATH], info->rtm_family);
	} else if (by_type[RTA_OIF]) {
		route->hop_count = 1;
		route->hops[0] = (struct netlink_hop){ .weight = 1 };
		route->hops[0].ifindex = (int)u32_of(by_type[RTA_OIF], 0);
		addr_of(by_type[RTA_GATEWAY], info->rtm_family, &route->hops[0].gateway);
		if (by_type[RTA_VIA])
			hop_via(&route->hops[0], by_type[RTA_VIA]);
	}
	return route->hop_count > 0;
}
