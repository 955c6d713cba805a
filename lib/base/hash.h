#pragma once
/*
 * SipHash-2-4, a keyed hash for tables whose keys a peer may choose. Not a MAC for the wire. And a
 * plain digest.
 */
#include <stddef.h>
#include <stdint.h>

uint64_t hash_sip(const uint64_t seed[2], const void *bytes, size_t n);

/* FNV-1a: a digest of what we made ourselves. Goes on from `digest`; begin with HASH_DIGEST. */
#define HASH_DIGEST UINT64_C(0xcbf29ce484222325)
uint64_t hash_digest(uint64_t digest, const void *bytes, size_t n);
