#pragma once
/*
 * The other side of a tunnel, by OpenSSL: seals and opens ESP without a line of what is tested.
 */
#include "contract/sa.h"

#include <stddef.h>

#define PEER_MOST 9600 /* bytes of a packet */

/*
 * `esp` begins with the ESP header, `n` bytes with the ICV. Gives the bytes of the inner packet in
 * `to` and its next header; -1 when the ICV does not hold or the padding is wrong.
 */
int peer_open(const struct contract_sa *sa, const uint8_t *esp, size_t n, uint32_t sequence_high,
	      uint8_t *to, uint8_t *next_header);
struct peer_packet {
	const uint8_t *inner;
	size_t length;
	uint64_t sequence;
	uint8_t next_header;
	uint8_t extra_padding; /* on top of what alignment wants, a multiple of the block */
};
/* Writes an ESP packet to `to`, gives its length. */
int peer_seal(const struct contract_sa *sa, const struct peer_packet *packet, uint8_t *to);
