#include "control/crypto/x25519.h"

/* Not <sodium.h>: names of ours are names there too, which is why this module hides its own. */
#include <sodium/core.h>
#include <sodium/crypto_scalarmult_curve25519.h>

#include <errno.h>

#define STACK_BYTES 4096 /* more than the ladder takes */

/* The ladder leaves the private value where its variables were. */
__attribute__((noinline)) static void wipe_stack(void)
{
	uint8_t below[STACK_BYTES];

	secret_wipe(below, sizeof(below));
}

/* It looks at the CPU and chooses; one call does, the others find that it was made. */
bool x25519_here(void)
{
	return sodium_init() >= 0;
}

int x25519_make(struct secret *private_value, uint8_t public_value[X25519_BYTES])
{
	int error = secret_new(private_value, X25519_BYTES);

	if (!error)
		error = secret_random(private_value->p, private_value->n);
	if (!error && crypto_scalarmult_curve25519_base(public_value, private_value->p))
		error = -EIO;
	wipe_stack();
	if (error)
		secret_free(private_value);
	return error;
}

int x25519_compute(const struct secret *private_value, const uint8_t peer[X25519_BYTES],
		   uint8_t shared[X25519_BYTES])
{
	int zero = crypto_scalarmult_curve25519(shared, private_value->p, peer);

	wipe_stack();
	return zero ? -EBADMSG : 0;
}
