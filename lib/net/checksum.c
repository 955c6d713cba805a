#include "net/checksum.h"

#include <string.h>

uint64_t net_checksum_add(uint64_t sum, const void *bytes, size_t n)
{
	const uint8_t *p = bytes;
	uint32_t word;
	uint16_t last;

	for (; n >= 4; n -= 4, p += 4) {
		memcpy(&word, p, 4);
		sum += word;
	}
	if (n >= 2) {
		memcpy(&last, p, 2);
		sum += last;
		n -= 2;
		p += 2;
	}
	if (n) {
		last = 0;
		memcpy(&last, p, 1); /* RFC 1071 section 4.1: padded with a zero byte behind it */
		sum += last;
	}
	return sum;
}

uint16_t net_checksum_fold(uint64_t sum)
{
	sum = (sum & 0xffffffff) + (sum >> 32);
	sum = (sum & 0xffffffff) + (sum >> 32);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}
