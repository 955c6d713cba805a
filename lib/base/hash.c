#include "base/hash.h"

#include <string.h>

struct sip {
	uint64_t a, b, c, d;
};

static inline uint64_t rotate(uint64_t x, int by)
{
	return x << by | x >> (64 - by);
}

static inline void mix(struct sip *s)
{
	s->a += s->b;
	s->b = rotate(s->b, 13) ^ s->a;
	s->a = rotate(s->a, 32);
	s->c += s->d;
	s->d = rotate(s->d, 16) ^ s->c;
	s->a += s->d;
	s->d = rotate(s->d, 21) ^ s->a;
	s->c += s->b;
	s->b = rotate(s->b, 17) ^ s->c;
	s->c = rotate(s->c, 32);
}

static inline void take(struct sip *s, uint64_t word)
{
	s->d ^= word;
	mix(s);
	mix(s);
	s->a ^= word;
}

/* Words in host order: the reference's little-endian on the machines we run on. */
uint64_t hash_sip(const uint64_t seed[2], const void *bytes, size_t n)
{
	struct sip s = { seed[0] ^ UINT64_C(0x736f6d6570736575),
			 seed[1] ^ UINT64_C(0x646f72616e646f6d),
			 seed[0] ^ UINT64_C(0x6c7967656e657261),
			 seed[1] ^ UINT64_C(0x7465646279746573) };
	const uint8_t *p = bytes;
	uint64_t word, last = (uint64_t)n << 56;
	size_t left;

	for (left = n; left >= 8; left -= 8, p += 8) {
		memcpy(&word, p, 8);
		take(&s, word);
	}
	word = 0;
	if (left)
		memcpy(&word, p, left);
	take(&s, last | word);
	s.c ^= 0xff;
	for (int i = 0; i < 4; i++)
		mix(&s);
	return s.a ^ s.b ^ s.c ^ s.d;
}

uint64_t hash_digest(uint64_t digest, const void *bytes, size_t n)
{
	const uint8_t *at = bytes;

	while (n--)
		digest = (digest ^ *at++) * UINT64_C(0x100000001b3);
	return digest;
}
