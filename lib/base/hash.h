#pragma once
/*
 * SipHash-2-4: a keyed hash for tables whose keys a peer may choose. Not a MAC for the wire.
 */
#include <stddef.h>
#include <stdint.h>

uint64_t hash_sip(const uint64_t seed[2], const void *bytes, size_t n);
