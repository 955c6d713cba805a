#pragma once
/*
 * DOC: ICMP errors
 *
 * What a router says about a packet that it does not carry on, and what it hears about its own.
 * Errors are built by the rules of RFC 1122 3.2.2, RFC 1812 4.3.2 and RFC 4443 2.4: never about an
 * ICMP error, a fragment that is not the first, a packet to or from a multicast, broadcast or
 * unspecified address; at most at a rate (icmp_limit_admit()). They quote as much as fits 576
 * (IPv4) or 1,280 bytes (IPv6).
 */
#include "net/addr.h"

#include <rte_mbuf_core.h>

#include <stdbool.h>
#include <stdint.h>

enum icmp_error {
	ICMP_TOO_BIG,	   /* IPv4: fragmentation needed and DF set */
	ICMP_TTL_EXCEEDED, /* in transit */
	ICMP_NO_ROUTE,
	ICMP_PROHIBITED, /* administratively */
};

/*
 * A new packet from `from` (of the packet's family, an address of ours) to the sender of `packet`,
 * whose data start at its IP header; `packet` stays with the caller. `mtu`: for ICMP_TOO_BIG, in
 * IPv6 at least 1,280. NULL: no error is due, or no buffer.
 */
struct rte_mbuf *icmp_error_new(struct rte_mempool *pool, const struct rte_mbuf *packet,
				enum icmp_error error, const struct net_addr *from, uint32_t mtu);

/* One a worker: `per_s` errors a second, `burst` at once. */
struct icmp_limit {
	uint64_t tokens; /* in TSC cycles */
	uint64_t at_tsc;
};

bool icmp_limit_admit(struct icmp_limit *limit, uint64_t now_tsc, uint64_t tsc_hz, uint32_t per_s,
		      uint32_t burst);

/* What an ICMP error to us says about a packet that we are said to have sent. */
struct icmp_report {
	struct net_addr src; /* of the quoted packet: ours */
	struct net_addr dst;
	uint32_t mtu;	   /* too big; 0: an old router that tells none, or another error */
	uint32_t spi;	   /* ESP, also in UDP when enough is quoted; 0: not known */
	uint16_t src_port; /* UDP */
	uint16_t dst_port;
	uint8_t protocol;
	bool too_big;
};

/*
 * Reads an ICMP or ICMPv6 message, IP header first, `length` bytes contiguous. False when it is
 * not an error about a packet or is malformed. A report is a claim: it is used for path MTU only
 * when addresses, ports and SPI are those of an SA that sends.
 */
bool icmp_report_read(struct icmp_report *report, const uint8_t *packet, uint32_t length);
