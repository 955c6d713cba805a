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
