#pragma once
/*
 * Packets by hand, and what came out of the exits.
 */
#include "bed.h"

#include "net/checksum.h"
#include "net/header.h"

#define CRAFT_MOST 9600 /* bytes of a packet */

struct craft {
	bool ip6;
	uint32_t tunnel; /* whose network is the other end */
	bool inward;	 /* from there to the private side */
	uint32_t length; /* IP length */
	uint8_t protocol;
	uint8_t tos;
	uint8_t ttl;   /* 0: 64 */
	uint16_t flow; /* port */
	bool df;
};

/* The IP packet: gives its length. */
uint32_t craft_ip(uint8_t *to, const struct craft *c);
/* Makes the checksum of an IPv4 header right. */
void craft_sum(uint8_t *ip);
/* The packet in a frame that arrives at the private port. */
struct rte_mbuf *craft_inside(struct bed *bed, const struct craft *c);
/* A frame from the private gateway. */
struct rte_mbuf *craft_frame(struct bed *bed, const uint8_t *ip, uint32_t n, bool public);
/* ESP of tunnel t towards us: outer headers around it (UDP when `port` is not 0). */
struct craft_outer {
	uint32_t tunnel;
	bool ip6;
	uint16_t port;
	uint8_t tos;
};
struct rte_mbuf *craft_esp(struct bed *bed, const struct craft_outer *outer, const uint8_t *esp,
			   uint32_t n);
/* These bytes behind both addresses of a frame: a tag. */
void craft_insert(struct rte_mbuf *frame, const void *what, uint16_t n);
/* TTL one less with the checksum put right, as forwarding leaves it. */
void craft_forwarded(uint8_t *ip);
/* The one frame that left by a device, or NULL; the exit is emptied, the caller frees it. */
struct rte_mbuf *craft_sent(struct bed *bed, uint32_t device);
void craft_run(struct bed *bed, uint32_t device, struct rte_mbuf *m);
