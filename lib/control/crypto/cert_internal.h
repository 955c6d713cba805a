#pragma once
#include "control/crypto/cert.h"

#include <openssl/x509.h>

struct crypto_cert {
	X509 *x509;
	struct crypto_key *key;
	uint8_t *der;
	size_t der_n;
	uint32_t references;
};

/* DER and nothing else: what a peer sends is no file. */
__attribute__((warn_unused_result)) int crypto_cert_load_der(struct span der,
							     struct crypto_cert **cert);
