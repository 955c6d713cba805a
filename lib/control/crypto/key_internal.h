#pragma once
/*
 * Inside of a crypto_key, for the files of this module that hand OpenSSL's own object on.
 */
#include "control/crypto/key.h"

#include <openssl/evp.h>

struct crypto_key {
	EVP_PKEY *pkey;
	uint32_t references;
	uint16_t bits;
	uint8_t kind; /* enum crypto_key_kind */
	bool private;
};

/* Takes over the reference also when it fails; -EBADMSG for a key that is not ours to use. */
__attribute__((warn_unused_result)) int crypto_key_of(EVP_PKEY *pkey, bool private,
						      struct crypto_key **key);
bool crypto_is_pem(struct span bytes);
/* For every reader of PEM: OpenSSL's own default asks the terminal, or standard input, and waits.
 */
int crypto_no_passphrase(char *buf, int size, int writing, void *context);
