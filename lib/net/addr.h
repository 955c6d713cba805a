#pragma once
/*
 * Addresses, prefixes and ranges of both families. Plain data: they go into messages as they are.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum net_family { NET_NONE = 0, NET_IP4 = 4, NET_IP6 = 6 };

struct net_addr {
	uint8_t bytes[16]; /* network order; IPv4 in the first four, the rest zero */
	uint8_t family;	   /* enum net_family */
	uint8_t zero[3];
};

struct net_prefix {
	struct net_addr addr; /* host bits are zero */
	uint8_t length;
	uint8_t zero[3];
};

#define NET_ADDR_TEXT 46
#define NET_PREFIX_TEXT 50

__attribute__((warn_unused_result)) int net_addr_parse(struct net_addr *addr, const char *text);
const char *net_addr_text(char buf[NET_ADDR_TEXT], const struct net_addr *addr);
struct net_addr net_addr_ip4(uint32_t host_order);
struct net_addr net_addr_of(enum net_family family, const void *bytes);
bool net_addr_equal(const struct net_addr *a, const struct net_addr *b);
int net_addr_compare(const struct net_addr *a, const struct net_addr *b);
bool net_addr_is_any(const struct net_addr *addr);
bool net_addr_is_multicast(const struct net_addr *addr);
bool net_addr_is_link_local(const struct net_addr *addr);
bool net_addr_is_loopback(const struct net_addr *addr);
/* The address after (before) this one; false when it wraps. */
bool net_addr_next(struct net_addr *addr);
bool net_addr_prev(struct net_addr *addr);

static inline size_t net_addr_len(const struct net_addr *addr)
{
	return addr->family == NET_IP4 ? 4 : addr->family == NET_IP6 ? 16 : 0;
}

/* "10.1.0.0/16"; -EINVAL, or -ERANGE when host bits are set (*prefix is then the masked one). */
__attribute__((warn_unused_result)) int net_prefix_parse(struct net_prefix *prefix,
							 const char *text);
const char *net_prefix_text(char buf[NET_PREFIX_TEXT], const struct net_prefix *prefix);
struct net_prefix net_prefix_of(const struct net_addr *addr, uint8_t length); /* masks */
bool net_prefix_contains(const struct net_prefix *prefix, const struct net_addr *addr);
bool net_prefix_covers(const struct net_prefix *outer, const struct net_prefix *inner);
bool net_prefix_overlaps(const struct net_prefix *a, const struct net_prefix *b);
int net_prefix_compare(const struct net_prefix *a, const struct net_prefix *b);
struct net_addr net_prefix_last(const struct net_prefix *prefix);
