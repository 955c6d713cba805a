#pragma once
/*
 * Rtnetlink messages: a builder with a sticky failure, and pure decoders into plain structs.
 */
#include "control/route/netlink.h"

#include <linux/netlink.h>
#include <linux/rtnetlink.h>

struct netlink_builder {
	union {
		struct nlmsghdr header;
		uint8_t bytes[512];
	} m;
	bool failed;
};

void netlink_build(struct netlink_builder *b, uint16_t type, uint16_t flags, const void *body,
		   size_t n);
void netlink_build_attribute(struct netlink_builder *b, uint16_t type, const void *bytes, size_t n);
void netlink_build_addr(struct netlink_builder *b, uint16_t type, const struct net_addr *addr);
void netlink_build_u32(struct netlink_builder *b, uint16_t type, uint32_t value);

/* False for what the gateway does not look at. */
bool netlink_decode_link(const struct nlmsghdr *message, struct netlink_link *link);
bool netlink_decode_address(const struct nlmsghdr *message, struct netlink_address *address);
bool netlink_decode_neighbour(const struct nlmsghdr *message, struct netlink_neighbour *neighbour);
bool netlink_decode_route(const struct nlmsghdr *message, struct netlink_route *route);
