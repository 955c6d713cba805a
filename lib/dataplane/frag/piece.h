#pragma once
/*
 * What a fragment is: its headers read and checked. Pure.
 */
#include <stdbool.h>
#include <stdint.h>

struct frag_key {
	uint8_t src[16]; /* IPv4 in the first four, the rest zero */
	uint8_t dst[16];
	uint32_t id;
	uint32_t domain;
	uint8_t family;	  /* enum net_family */
	uint8_t protocol; /* IPv4; RFC 8200 leaves it out */
	uint16_t zero;
};

struct frag_piece_info {
	struct frag_key key;
	uint32_t header;     /* bytes from the IP header to the payload, fragment header included */
	uint32_t next_at;    /* IPv6: byte, from the IP header, that names the fragment header */
	uint32_t start;	     /* of the payload in the datagram */
	uint32_t length;     /* of the payload, > 0 */
	uint8_t next_header; /* IPv6: what the fragment header names */
	uint8_t ecn;
	bool more;
};

/* `contiguous` bytes at `ip`, `length` in all (padding may follow). False: malformed. */
bool frag_piece_read(struct frag_piece_info *info, const uint8_t *ip, uint32_t contiguous,
		     uint32_t length);
