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

/* Bytes of padding so that the text ends on a block (RFC 4303 section 2.4). */
static ESP_INLINE uint32_t esp_padding(uint32_t length, uint32_t block)
{
	return (0u - (length + ESP_TRAILER)) & (block - 1);
}
