#pragma once
/*
 * What a responder's handshake costs in bare crypto operations.
 */
#include "control/ikev2/engine.h"

struct bare {
	uint16_t group;
	const struct crypto_key *key; /* NULL: pre-shared key */
	unsigned int handshakes;
};

/* Seconds for all of them; prints the operations of one when `tell`. */
double bare_run(const struct bare *bare, bool tell);
