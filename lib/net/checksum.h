#pragma once
/*
 * Internet checksum (RFC 1071) and its incremental update (RFC 1624).
 */
#include <stddef.h>
#include <stdint.h>

/* Running sum over bytes; `sum` is 0 or a result of a former call over an even number of bytes. */
uint64_t net_checksum_add(uint64_t sum, const void *bytes, size_t n);
uint16_t net_checksum_fold(uint64_t sum); /* complemented, network order as stored in memory */

/* New checksum after a 16-bit word changed; all three as they stand in memory. */
static inline uint16_t net_checksum_adjust(uint16_t check, uint16_t was, uint16_t now)
{
	uint32_t sum = (uint16_t)~check + (uint16_t)~was + (uint32_t)now;

	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}
