#pragma once
/*
 * DOC: esp
 *
 * RFC 4303 on bytes and records: numbers of an outbound SA, building and opening packets in place.
 * Nothing here knows mbufs, routes or counters, and nothing here calls the cipher: a transform
 * fills a struct cipher_op, the caller runs a row of them and finishes.
 *
 * Everything is inline because the packet path calls it once a packet; the functions are small so
 * that each can be read against the RFC.
 */
#include "contract/object.h"
#include "dataplane/sa/hot.h"
#include "net/header.h"

#include <string.h>

#define ESP_INLINE inline __attribute__((always_inline))
#define ESP_HDR 8
#define ESP_TRAILER 2
#define ESP_ROOM_HEAD 96 /* outer headers, ESP header, IV and a tagged Ethernet header */
#define ESP_ROOM_TAIL 64 /* padding, trailer and ICV without TFC */

/*
 * What of an SA decides how a packet is laid out. Building and opening take it by value, so that a
 * run of packets of the common form is compiled for it.
 */
struct esp_form {
	uint16_t flags; /* of enum sa_flag: those of ESP_FORM_FLAGS */
	uint8_t iv_bytes;
	uint8_t tag_bytes;
	uint8_t block;
	uint8_t salt_bytes;
};

#define ESP_FORM_FLAGS (SA_IP6 | SA_TFC | SA_RANDOM_IV | SA_CTR)
/* That of SA_COMMON: AES-GCM and ChaCha20-Poly1305 with whole tags. */
#define ESP_FORM_COMMON ((struct esp_form){ 0, 8, 16, 4, 4 })
#define ESP_FORM_OF(sa, mask)                                                                      \
	((struct esp_form){ (uint16_t)((sa)->flags & (mask)), (sa)->iv_bytes, (sa)->tag_bytes,     \
			    (sa)->block, (sa)->salt_bytes })

static ESP_INLINE uint32_t esp_align(uint32_t n, uint32_t block)
{
	return (n + block - 1) & ~(block - 1);
}

/* The outer packet of an inner one of `length` bytes. */
static ESP_INLINE uint32_t esp_out_bytes(const struct sa_outbound *out, uint32_t length)
{
	uint32_t text = esp_align(length + ESP_TRAILER, out->block);

	return (uint32_t)(out->fixed - ESP_TRAILER) + text;
}

/* The longest inner packet whose outer one has at most `mtu` bytes. */
static ESP_INLINE uint32_t esp_longest(const struct sa_outbound *out, uint32_t mtu)
{
	uint32_t rest = (uint32_t)(out->fixed - ESP_TRAILER);

	if (mtu < rest + out->block)
		return 0;
	return ((mtu - rest) & ~(uint32_t)(out->block - 1)) - ESP_TRAILER;
}

/* Bytes of padding so that the text ends on a block (RFC 4303 section 2.4). */
static ESP_INLINE uint32_t esp_padding(uint32_t length, uint32_t block)
{
	return (0u - (length + ESP_TRAILER)) & (block - 1);
}
