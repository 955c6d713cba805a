#pragma once
/*
 * What the files of this module share: the fetched algorithms and the contexts that are used again.
 */
#include "base/list.h"
#include "base/map.h"
#include "contract/sa.h"
#include "control/crypto/crypto.h"
#include "control/crypto/prf.h"

#include <openssl/evp.h>

#define CRYPTO_AES_BLOCK 16
#define CRYPTO_DH_GROUPS 20

/* AES-XCBC-MAC composed from AES: OpenSSL has none, and CMAC derives its keys differently. */
struct crypto_xcbc {
	EVP_CIPHER_CTX *ecb;
	EVP_CIPHER_CTX *cbc;
	uint8_t keys[3 * CRYPTO_AES_BLOCK]; /* K1, K2, K3 of RFC 3566 */
	uint8_t block[CRYPTO_AES_BLOCK];    /* held back until it is known not to be the last */
	size_t held;
};

#define CRYPTO_HMAC_HALVES 2 /* inner and outer */

struct crypto_hmac {
	const EVP_MD *md;
	EVP_MD_CTX *half[CRYPTO_HMAC_HALVES];
	EVP_MD_CTX *kept[CRYPTO_HMAC_HALVES]; /* with the key in and nothing else */
	size_t block_bytes;
	size_t size;
};

/* One key exchange group, made when it is first used. */
struct crypto_dh_state {
	bool tried;
	EVP_PKEY_CTX *keygen;
	EVP_PKEY *params;  /* NULL for X25519 and X448 */
	EVP_PKEY *peer;	   /* holds the value of the peer at hand */
	BIGNUM *p_minus_1; /* MODP */
	BIGNUM *q;	   /* group 24: order of the subgroup */
};

struct crypto {
	EVP_MD *md[CRYPTO_HASH_COUNT];
	EVP_MD_CTX *md_ctx;
	struct crypto_hmac hmac[CRYPTO_HASH_COUNT];
	EVP_MAC *cmac;
	EVP_MAC_CTX *cmac_ctx;
	struct crypto_xcbc xcbc;
	uint8_t mac_key[CRYPTO_AES_BLOCK]; /* of the running CMAC or XCBC, for crypto_mac_again() */
	EVP_CIPHER *cipher[CONTRACT_CIPHER_COUNT];
	EVP_CIPHER_CTX *cipher_ctx[CONTRACT_CIPHER_COUNT];
	struct crypto_dh_state dh[CRYPTO_DH_GROUPS];
	BN_CTX *bn_ctx;
	uint32_t macs_used;	 /* 1 << enum crypto_prf, since crypto_forget() */
	uint32_t ciphers_used;	 /* 1 << enum contract_cipher */
	struct map known_certs;	 /* DER -> entry of known_order */
	struct list known_order; /* used last: at the end */
};

/* A MAC in steps; the enum of the PRFs names it. The key is used as the PRF would. */
int crypto_mac_begin(struct crypto *crypto, enum crypto_prf prf, struct span key);
/* The same key again, which was kept before anything else went in. */
int crypto_mac_keep(struct crypto *crypto, enum crypto_prf prf);
int crypto_mac_again(struct crypto *crypto, enum crypto_prf prf);
int crypto_mac_update(struct crypto *crypto, enum crypto_prf prf, struct crypto_parts parts);
int crypto_mac_final(struct crypto *crypto, enum crypto_prf prf, uint8_t *out);
void crypto_mac_forget(struct crypto *crypto, enum crypto_prf prf);

int crypto_hmac_new(struct crypto_hmac *hmac, const EVP_MD *md);
void crypto_hmac_free(struct crypto_hmac *hmac);
int crypto_hmac_begin(struct crypto_hmac *hmac, struct span key);
int crypto_hmac_keep(struct crypto_hmac *hmac);
int crypto_hmac_again(struct crypto_hmac *hmac);
int crypto_hmac_update(struct crypto_hmac *hmac, struct span bytes);
int crypto_hmac_final(struct crypto_hmac *hmac, uint8_t *out);
void crypto_hmac_forget(struct crypto_hmac *hmac);

int crypto_xcbc_new(struct crypto_xcbc *xcbc);
void crypto_xcbc_free(struct crypto_xcbc *xcbc);
int crypto_xcbc_begin(struct crypto_xcbc *xcbc, const uint8_t key[CRYPTO_AES_BLOCK]);
int crypto_xcbc_update(struct crypto_xcbc *xcbc, struct span bytes);
int crypto_xcbc_final(struct crypto_xcbc *xcbc, uint8_t out[CRYPTO_AES_BLOCK]);

void crypto_known_certs_free(struct crypto *crypto);
void crypto_dh_states_free(struct crypto *crypto);

/* Empties OpenSSL's error queue and gives -EIO: the queue must not grow with a peer's mistakes. */
int crypto_failed(void);
/* The same for what a peer sent: -EBADMSG. */
int crypto_refused(void);
