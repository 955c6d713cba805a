#pragma once
/*
 * Ciphers and integrity of IKE's own messages, in place. Names, key, salt and IV sizes are those of
 * the table in contract/sa.h, which ESP uses too; the keys here are laid out the same way (salt
 * last).
 */
#include "contract/sa.h"
#include "control/crypto/crypto.h"

struct crypto_aead {
	enum contract_cipher cipher; /* GCM or ChaCha20-Poly1305 */
	uint8_t icv_bytes;	     /* GCM: 8, 12 or 16; ChaCha20: 16 */
	struct span key;	     /* with the salt, which comes last */
	struct span iv;		     /* the 8 bytes that travel */
	struct span aad;
};

/* data is encrypted in place, the ICV is written to icv. */
__attribute__((warn_unused_result)) int crypto_aead_seal(struct crypto *crypto,
							 const struct crypto_aead *aead,
							 uint8_t *data, size_t n, uint8_t *icv);
/* -EBADMSG when the ICV is wrong; data is then zero. */
__attribute__((warn_unused_result)) int crypto_aead_open(struct crypto *crypto,
							 const struct crypto_aead *aead,
							 uint8_t *data, size_t n,
							 const uint8_t *icv);

struct crypto_cipher {
	enum contract_cipher cipher; /* CBC, CTR, 3DES or NULL */
	struct span key;	     /* CTR: with the salt, which comes last */
	struct span iv;
};

/* In place; n is a multiple of the block (CTR: any), else -EINVAL. */
__attribute__((warn_unused_result)) int crypto_cipher_encrypt(struct crypto *crypto,
							      const struct crypto_cipher *cipher,
							      uint8_t *data, size_t n);
__attribute__((warn_unused_result)) int crypto_cipher_decrypt(struct crypto *crypto,
							      const struct crypto_cipher *cipher,
							      uint8_t *data, size_t n);

/* The truncated value, as long as the table in contract/sa.h says. */
__attribute__((warn_unused_result)) int crypto_integrity(struct crypto *crypto,
							 enum contract_integrity integrity,
							 struct span key, struct crypto_parts parts,
							 uint8_t *out);
/* Constant time; -EBADMSG when it differs. */
__attribute__((warn_unused_result)) int crypto_integrity_check(struct crypto *crypto,
							       enum contract_integrity integrity,
							       struct span key,
							       struct crypto_parts parts,
							       const uint8_t *icv);

/* Sizes of the contract's tables; 0 for a number outside them. */
size_t crypto_cipher_key_size(enum contract_cipher cipher); /* with the salt */
size_t crypto_cipher_iv_size(enum contract_cipher cipher);
size_t crypto_cipher_block_size(enum contract_cipher cipher);
bool crypto_cipher_is_aead(enum contract_cipher cipher);
const char *crypto_cipher_text(enum contract_cipher cipher);
size_t crypto_integrity_key_size(enum contract_integrity integrity);
size_t crypto_integrity_icv_size(enum contract_integrity integrity);
const char *crypto_integrity_text(enum contract_integrity integrity);
