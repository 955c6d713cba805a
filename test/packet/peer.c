#include "peer.h"

#include <openssl/evp.h>
#include <openssl/provider.h>
#include <openssl/rand.h>

#include <stdlib.h>
#include <string.h>

struct algorithm {
	const char *name; /* OpenSSL's */
	uint8_t salt;
	uint8_t iv;
	uint8_t block;
	bool aead;
	bool gmac;
	bool ccm;
};

static struct algorithm algorithm_of(uint8_t cipher)
{
	switch (cipher) {
	case CONTRACT_CIPHER_AES128_GCM:
		return (struct algorithm){ "AES-128-GCM", 4, 8, 4, true, false, false };
	case CONTRACT_CIPHER_AES192_GCM:
		return (struct algorithm){ "AES-192-GCM", 4, 8, 4, true, false, false };
	case CONTRACT_CIPHER_AES256_GCM:
		return (struct algorithm){ "AES-256-GCM", 4, 8, 4, true, false, false };
	case CONTRACT_CIPHER_AES128_GMAC:
		return (struct algorithm){ "AES-128-GCM", 4, 8, 4, true, true, false };
	case CONTRACT_CIPHER_AES192_GMAC:
		return (struct algorithm){ "AES-192-GCM", 4, 8, 4, true, true, false };
	case CONTRACT_CIPHER_AES256_GMAC:
		return (struct algorithm){ "AES-256-GCM", 4, 8, 4, true, true, false };
	case CONTRACT_CIPHER_AES128_CCM:
		return (struct algorithm){ "AES-128-CCM", 3, 8, 4, true, false, true };
	case CONTRACT_CIPHER_AES256_CCM:
		return (struct algorithm){ "AES-256-CCM", 3, 8, 4, true, false, true };
	case CONTRACT_CIPHER_CHACHA20_POLY1305:
		return (struct algorithm){ "ChaCha20-Poly1305", 4, 8, 4, true, false, false };
	case CONTRACT_CIPHER_AES128_CBC:
		return (struct algorithm){ "AES-128-CBC", 0, 16, 16, false, false, false };
	case CONTRACT_CIPHER_AES192_CBC:
		return (struct algorithm){ "AES-192-CBC", 0, 16, 16, false, false, false };
	case CONTRACT_CIPHER_AES256_CBC:
		return (struct algorithm){ "AES-256-CBC", 0, 16, 16, false, false, false };
	case CONTRACT_CIPHER_AES128_CTR:
		return (struct algorithm){ "AES-128-CTR", 4, 8, 4, false, false, false };
	case CONTRACT_CIPHER_AES192_CTR:
		return (struct algorithm){ "AES-192-CTR", 4, 8, 4, false, false, false };
	case CONTRACT_CIPHER_AES256_CTR:
		return (struct algorithm){ "AES-256-CTR", 4, 8, 4, false, false, false };
	case CONTRACT_CIPHER_DES3_CBC:
		return (struct algorithm){ "DES-EDE3-CBC", 0, 8, 8, false, false, false };
	default:
		return (struct algorithm){ NULL, 0, 0, 4, false, false, false };
	}
}

static size_t icv_of(const struct contract_sa *sa)
{
	static const uint8_t bytes[] = {
#define X(name, text, key, icv) icv,
		CONTRACT_INTEGRITIES(X)
#undef X
	};

	if (sa->integrity)
		return bytes[sa->integrity];
	return sa->icv_bytes ? sa->icv_bytes : 16;
}

static void put32(uint8_t *to, uint32_t v)
{
	to[0] = (uint8_t)(v >> 24);
	to[1] = (uint8_t)(v >> 16);
	to[2] = (uint8_t)(v >> 8);
	to[3] = (uint8_t)v;
}

/* SPI, high half of an ESN, low half. */
static size_t aad_of(const struct contract_sa *sa, const uint8_t *esp, uint32_t high, uint8_t *aad)
{
	memcpy(aad, esp, 4);
	if (!(sa->flags & CONTRACT_SA_ESN)) {
		memcpy(aad + 4, esp + 4, 4);
		return 8;
	}
	put32(aad + 4, high);
	memcpy(aad + 8, esp + 4, 4);
	return 12;
}

struct aead_job {
	const struct contract_sa *sa;
	struct algorithm a;
	uint8_t *esp;
	size_t text; /* bytes */
	uint32_t high;
	bool seal;
};

static bool aead_run(const struct aead_job *j)
{
	EVP_CIPHER *cipher = EVP_CIPHER_fetch(NULL, j->a.name, NULL);
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	size_t icv = icv_of(j->sa);
	uint8_t *text = j->esp + 8 + j->a.iv;
	uint8_t nonce[12];
	uint8_t aad[PEER_MOST];
	size_t aad_n = aad_of(j->sa, j->esp, j->high, aad);
	size_t key_n = (size_t)j->sa->key_length - j->a.salt;
	int n;
	bool good;

	memcpy(nonce, j->sa->key + key_n, j->a.salt);
	memcpy(nonce + j->a.salt, j->esp + 8, 8);
	EVP_CipherInit_ex(ctx, cipher, NULL, NULL, NULL, j->seal);
	EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_IVLEN, j->a.salt + 8, NULL);
	if (!j->seal || j->a.ccm)
		EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, (int)icv,
				    j->seal ? NULL : text + j->text);
	EVP_CipherInit_ex(ctx, NULL, NULL, j->sa->key, nonce, j->seal);
	if (j->a.ccm)
		EVP_CipherUpdate(ctx, NULL, &n, NULL, (int)j->text);
	if (j->a.gmac) { /* RFC 4543 section 3.3: IV and payload are authenticated too */
		memcpy(aad + aad_n, j->esp + 8, 8 + j->text);
		aad_n += 8 + j->text;
	}
	EVP_CipherUpdate(ctx, NULL, &n, aad, (int)aad_n);
	good = j->a.gmac || EVP_CipherUpdate(ctx, text, &n, text, (int)j->text) > 0;
	if (!j->a.ccm || j->seal)
		good = EVP_CipherFinal_ex(ctx, text, &n) > 0 && good;
	if (j->seal)
		EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, (int)icv, text + j->text);
	EVP_CIPHER_CTX_free(ctx);
	EVP_CIPHER_free(cipher);
	return good;
}

static void plain_run(const struct contract_sa *sa, struct algorithm a, uint8_t *esp, size_t n,
		      bool seal)
{
	EVP_CIPHER *cipher;
	EVP_CIPHER_CTX *ctx;
	uint8_t *text = esp + 8 + a.iv;
	uint8_t iv[16];
	int out;

	if (!a.name)
		return;
	cipher = EVP_CIPHER_fetch(NULL, a.name, NULL);
	ctx = EVP_CIPHER_CTX_new();
	memcpy(iv, esp + 8, a.iv);
	if (a.salt) { /* RFC 3686 section 4: nonce, IV, block counter from 1 */
		memcpy(iv, sa->key + sa->key_length - a.salt, 4);
		memcpy(iv + 4, esp + 8, 8);
		put32(iv + 12, 1);
	}
	EVP_CipherInit_ex(ctx, cipher, NULL, sa->key, iv, seal);
	EVP_CIPHER_CTX_set_padding(ctx, 0);
	EVP_CipherUpdate(ctx, text, &out, text, (int)n);
	EVP_CIPHER_CTX_free(ctx);
	EVP_CIPHER_free(cipher);
}

static void mac(const struct contract_sa *sa, const uint8_t *esp, size_t n, uint32_t high,
		uint8_t *to)
{
	static const char *const digests[] = { [CONTRACT_INTEGRITY_SHA1_96] = "SHA1",
					       [CONTRACT_INTEGRITY_SHA256_128] = "SHA256",
					       [CONTRACT_INTEGRITY_SHA384_192] = "SHA384",
					       [CONTRACT_INTEGRITY_SHA512_256] = "SHA512" };
	bool cmac = sa->integrity == CONTRACT_INTEGRITY_AES_CMAC_96;
	EVP_MAC *type = EVP_MAC_fetch(NULL, cmac ? "CMAC" : "HMAC", NULL);
	EVP_MAC_CTX *ctx = EVP_MAC_CTX_new(type);
	const char *name = cmac ? "AES-128-CBC" : digests[sa->integrity];
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(cmac ? "cipher" : "digest", (char *)name, 0),
		OSSL_PARAM_construct_end(),
	};
	uint8_t full[64];
	uint8_t tail[4];
	size_t length;

	EVP_MAC_init(ctx, sa->integrity_key, sa->integrity_key_length, params);
	EVP_MAC_update(ctx, esp, n);
	put32(tail, high);
	if (sa->flags & CONTRACT_SA_ESN)
		EVP_MAC_update(ctx, tail, sizeof(tail));
	EVP_MAC_final(ctx, full, &length, sizeof(full));
	memcpy(to, full, icv_of(sa));
	EVP_MAC_CTX_free(ctx);
	EVP_MAC_free(type);
}

int peer_open(const struct contract_sa *sa, const uint8_t *esp, size_t n, uint32_t high,
	      uint8_t *to, uint8_t *next_header)
{
	struct algorithm a = algorithm_of(sa->cipher);
	size_t icv = icv_of(sa);
	size_t text = n - 8 - a.iv - icv;
	uint8_t work[PEER_MOST];
	uint8_t tag[64];
	size_t padding;

	if (n < 8 + a.iv + icv + 2u || n > sizeof(work) || text % a.block)
		return -1;
	memcpy(work, esp, n);
	if (a.aead) {
		struct aead_job job = { sa, a, work, text, high, false };

		if (!aead_run(&job))
			return -1;
	} else {
		mac(sa, work, 8 + a.iv + text, high, tag);
		if (memcmp(tag, work + 8 + a.iv + text, icv) != 0)
			return -1;
		plain_run(sa, a, work, text, false);
	}
	esp = work + 8 + a.iv;
	padding = esp[text - 2];
	*next_header = esp[text - 1];
	if (padding + 2 > text)
		return -1;
	for (size_t i = 0; i < padding; i++)
		if (esp[text - 2 - padding + i] != i + 1)
			return -1;
	memcpy(to, esp, text - 2 - padding);
	return (int)(text - 2 - padding);
}

int peer_seal(const struct contract_sa *sa, const struct peer_packet *p, uint8_t *to)
{
	struct algorithm a = algorithm_of(sa->cipher);
	size_t padding = (a.block - (p->length + 2) % a.block) % a.block + p->extra_padding;
	size_t text = p->length + padding + 2;
	uint8_t *at = to + 8 + a.iv;

	put32(to, sa->spi);
	put32(to + 4, (uint32_t)p->sequence);
	RAND_bytes(to + 8, a.iv);
	memcpy(at, p->inner, p->length);
	for (size_t i = 0; i < padding; i++)
		at[p->length + i] = (uint8_t)(i + 1);
	at[text - 2] = (uint8_t)padding;
	at[text - 1] = p->next_header;
	if (a.aead) {
		struct aead_job job = { sa, a, to, text, (uint32_t)(p->sequence >> 32), true };

		aead_run(&job);
	} else {
		plain_run(sa, a, to, text, true);
		mac(sa, to, 8 + a.iv + text, (uint32_t)(p->sequence >> 32), at + text);
	}
	return (int)(8 + a.iv + text + icv_of(sa));
}
