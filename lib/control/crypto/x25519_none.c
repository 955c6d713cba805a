/*
 * A build without libsodium.
 */
#include "control/crypto/x25519.h"

#include <errno.h>

bool x25519_here(void)
{
	return false;
}

int x25519_make(struct secret *private_value, uint8_t public_value[X25519_BYTES])
{
	return -ENOTSUP;
}

int x25519_compute(const struct secret *private_value, const uint8_t peer[X25519_BYTES],
		   uint8_t shared[X25519_BYTES])
{
	return -ENOTSUP;
}
