#pragma once
/*
 * Traffic selectors: an address range, a protocol (0: any) and a port range, as IKE negotiates
 * them and as the data plane checks them.
 */
#include "net/addr.h"

struct net_selector {
	struct net_addr start;
	struct net_addr end;
	uint16_t port_start; /* host order; 0..65535 is any; start > end is RFC 7296 OPAQUE */
	uint16_t port_end;
	uint8_t protocol;
	uint8_t zero[3];
};

#define NET_SELECTOR_TEXT 120

struct net_selector net_selector_any(enum net_family family);
struct net_selector net_selector_of_prefix(const struct net_prefix *prefix);
bool net_selector_is_any(const struct net_selector *selector); /* every address, port, protocol */
bool net_selector_equal(const struct net_selector *a, const struct net_selector *b);
bool net_selector_covers(const struct net_selector *outer, const struct net_selector *inner);
/* False when they have nothing in common. */
bool net_selector_intersect(struct net_selector *out, const struct net_selector *a,
			    const struct net_selector *b);
bool net_selector_matches(const struct net_selector *selector, const struct net_addr *addr,
			  uint8_t protocol, uint16_t port);
const char *net_selector_text(char buf[NET_SELECTOR_TEXT], const struct net_selector *selector);
/* True with the prefix when the range is exactly one. */
bool net_selector_to_prefix(struct net_prefix *prefix, const struct net_selector *selector);
