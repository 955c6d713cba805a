#include "ike_openssl.h"

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define ROUNDS 15
#define OCTETS 380  /* first message, nonce and MACed identity: what AUTH covers */
#define MESSAGE 240 /* content of an IKE_AUTH message */

struct bare {
	EVP_MAC_CTX *hmac;
	EVP_MD_CTX *md_ctx;
	EVP_MD *sha1;
	EVP_CIPHER_CTX *gcm;
	EVP_PKEY_CTX *keygen;
	EVP_PKEY *own, *peer, *template;
	const char *raw; /* X25519 */
	uint8_t peer_public[260];
	size_t peer_public_n;
	EVP_PKEY *sign_key;
	uint8_t signature[512];
	size_t signature_n;
	bool rsa;
};

static void must(bool ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "bench: OpenSSL cannot do %s\n", what);
	exit(1);
}

static const uint8_t bytes[OCTETS] = { 1, 2, 3 };

static void mac(struct bare *b, size_t n)
{
	uint8_t out[32];
	size_t out_n;

	must(EVP_MAC_init(b->hmac, bytes, 32, NULL) && EVP_MAC_update(b->hmac, bytes, n) &&
		     EVP_MAC_final(b->hmac, out, &out_n, sizeof(out)),
	     "HMAC");
}

static void op_prf_short(struct bare *b)
{
	mac(b, 64);
}

static void op_prf_octets(struct bare *b)
{
	mac(b, OCTETS);
}

/* One output of prf+ under a key that is already in. */
static void op_prf_plus(struct bare *b)
{
	uint8_t out[32];
	size_t n;

	must(EVP_MAC_init(b->hmac, NULL, 0, NULL) && EVP_MAC_update(b->hmac, bytes, 113) &&
		     EVP_MAC_final(b->hmac, out, &n, sizeof(out)),
	     "HMAC");
}

static void op_sha1(struct bare *b)
{
	uint8_t out[20];

	must(EVP_DigestInit_ex2(b->md_ctx, b->sha1, NULL) &&
		     EVP_DigestUpdate(b->md_ctx, bytes, 22) &&
		     EVP_DigestFinal_ex(b->md_ctx, out, NULL),
	     "SHA-1");
}

static void op_seal(struct bare *b)
{
	uint8_t data[MESSAGE], tag[16];
	int n;

	memset(data, 0, sizeof(data));
	must(EVP_CipherInit_ex2(b->gcm, NULL, bytes, bytes, 1, NULL) &&
		     EVP_CipherUpdate(b->gcm, NULL, &n, bytes, 32) &&
		     EVP_CipherUpdate(b->gcm, data, &n, data, MESSAGE) &&
		     EVP_CipherFinal_ex(b->gcm, data, &n) &&
		     EVP_CIPHER_CTX_ctrl(b->gcm, EVP_CTRL_AEAD_GET_TAG, 16, tag),
	     "AES-GCM");
}

static void op_keygen(struct bare *b)
{
	uint8_t public[260];
	size_t n = sizeof(public);

	EVP_PKEY_free(b->own);
	b->own = NULL;
	must(EVP_PKEY_generate(b->keygen, &b->own), "key generation");
	if (b->raw) {
		must(EVP_PKEY_get_raw_public_key(b->own, public, &n), "a public key");
	} else {
		uint8_t *encoded = NULL;

		must(EVP_PKEY_get1_encoded_public_key(b->own, &encoded) > 0, "a public key");
		OPENSSL_free(encoded);
	}
}

static void op_derive(struct bare *b)
{
	uint8_t out[260];
	size_t n = sizeof(out);
	EVP_PKEY *peer;
	EVP_PKEY_CTX *ctx;

	if (b->raw) {
		peer = EVP_PKEY_new_raw_public_key_ex(NULL, b->raw, NULL, b->peer_public,
						      b->peer_public_n);
	} else {
		peer = EVP_PKEY_new();
		must(EVP_PKEY_copy_parameters(peer, b->template) &&
			     EVP_PKEY_set1_encoded_public_key(peer, b->peer_public,
							      b->peer_public_n),
		     "a peer's key");
	}
	ctx = EVP_PKEY_CTX_new_from_pkey(NULL, b->own, NULL);
	must(peer && ctx && EVP_PKEY_derive_init(ctx) > 0 &&
		     EVP_PKEY_derive_set_peer_ex(ctx, peer, 0) > 0 &&
		     EVP_PKEY_derive(ctx, out, &n) > 0,
	     "a shared secret");
	EVP_PKEY_CTX_free(ctx);
	EVP_PKEY_free(peer);
}

static void op_sign(struct bare *b)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	EVP_PKEY_CTX *key_ctx;

	b->signature_n = sizeof(b->signature);
	must(EVP_DigestSignInit_ex(ctx, &key_ctx, "SHA256", NULL, NULL, b->sign_key, NULL) &&
		     (!b->rsa || EVP_PKEY_CTX_set_rsa_padding(key_ctx, RSA_PKCS1_PSS_PADDING)) &&
		     EVP_DigestSign(ctx, b->signature, &b->signature_n, bytes, OCTETS),
	     "a signature");
	EVP_MD_CTX_free(ctx);
}

static void op_verify(struct bare *b)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	EVP_PKEY_CTX *key_ctx;

	must(EVP_DigestVerifyInit_ex(ctx, &key_ctx, "SHA256", NULL, NULL, b->sign_key, NULL) &&
		     (!b->rsa || EVP_PKEY_CTX_set_rsa_padding(key_ctx, RSA_PKCS1_PSS_PADDING)) &&
		     EVP_DigestVerify(ctx, b->signature, b->signature_n, bytes, OCTETS) == 1,
	     "a signature check");
	EVP_MD_CTX_free(ctx);
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

/* Median of rounds that each last about a fifteenth of the time for one operation. */
static double measure(struct bare *b, void (*op)(struct bare *b), bool quick)
{
	double rounds[ROUNDS], budget_ns = quick ? 2e6 : 15e6, once;
	unsigned int n;

	op(b);
	once = now_ns();
	for (int i = 0; i < 4; i++)
		op(b);
	once = (now_ns() - once) / 4;
	n = once < budget_ns ? (unsigned int)(budget_ns / (once + 1)) + 1 : 1;
	for (int r = 0; r < ROUNDS; r++) {
		double start = now_ns();

		for (unsigned int i = 0; i < n; i++)
			op(b);
		rounds[r] = (now_ns() - start) / n;
	}
	qsort(rounds, ROUNDS, sizeof(rounds[0]), compare);
	return rounds[ROUNDS / 2];
}

static void set_group(struct bare *b, uint16_t group)
{
	static const char *const names[] = { [14] = "modp_2048", [19] = "P-256", [20] = "P-384" };
	OSSL_PARAM params[2] = { OSSL_PARAM_END, OSSL_PARAM_END };
	const char *type = group == 14 ? "DH" : group == 31 ? "X25519" : "EC";
	EVP_PKEY_CTX *ctx;
	EVP_PKEY *peer = NULL;
	uint8_t *encoded = NULL;

	if (group == 31) {
		b->raw = type;
		b->keygen = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
	} else {
		params[0] = OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME,
							     (char *)(uintptr_t)names[group], 0);
		ctx = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
		must(ctx && EVP_PKEY_fromdata_init(ctx) > 0 &&
			     EVP_PKEY_fromdata(ctx, &b->template, EVP_PKEY_KEY_PARAMETERS, params),
		     "a group");
		EVP_PKEY_CTX_free(ctx);
		b->keygen = EVP_PKEY_CTX_new_from_pkey(NULL, b->template, NULL);
	}
	must(b->keygen && EVP_PKEY_keygen_init(b->keygen) > 0 &&
		     EVP_PKEY_generate(b->keygen, &peer) > 0,
	     "key generation");
	b->peer_public_n = EVP_PKEY_get1_encoded_public_key(peer, &encoded);
	must(b->peer_public_n > 0 && b->peer_public_n <= sizeof(b->peer_public), "a public key");
	memcpy(b->peer_public, encoded, b->peer_public_n);
	OPENSSL_free(encoded);
	EVP_PKEY_free(peer);
}

static void bare_init(struct bare *b, const struct ike_openssl_case *what)
{
	OSSL_PARAM params[2] = {
		OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, (char *)"SHA256", 0),
		OSSL_PARAM_END,
	};
	EVP_MAC *hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);
	EVP_CIPHER *gcm = EVP_CIPHER_fetch(NULL, "AES-256-GCM", NULL);

	*b = (struct bare){ .hmac = EVP_MAC_CTX_new(hmac),
			    .md_ctx = EVP_MD_CTX_new(),
			    .sha1 = EVP_MD_fetch(NULL, "SHA1", NULL),
			    .gcm = EVP_CIPHER_CTX_new(),
			    .rsa = what->auth == IKE_OPENSSL_RSA2048 };
	must(EVP_MAC_CTX_set_params(b->hmac, params) &&
		     EVP_CipherInit_ex2(b->gcm, gcm, NULL, NULL, 1, NULL),
	     "HMAC or AES-GCM");
	EVP_MAC_free(hmac);
	EVP_CIPHER_free(gcm);
	set_group(b, what->group);
	if (what->auth == IKE_OPENSSL_RSA2048)
		b->sign_key = EVP_RSA_gen(2048);
	else if (what->auth == IKE_OPENSSL_ECDSA256)
		b->sign_key = EVP_EC_gen("P-256");
}

static void bare_fini(struct bare *b)
{
	EVP_MAC_CTX_free(b->hmac);
	EVP_MD_CTX_free(b->md_ctx);
	EVP_MD_free(b->sha1);
	EVP_CIPHER_CTX_free(b->gcm);
	EVP_PKEY_CTX_free(b->keygen);
	EVP_PKEY_free(b->own);
	EVP_PKEY_free(b->template);
	EVP_PKEY_free(b->sign_key);
}

const char *ike_openssl_auth_text(enum ike_openssl_auth auth)
{
	static const char *const names[] = { "psk", "rsa2048", "ecdsa256" };

	return names[auth];
}

const char *ike_openssl_group_text(uint16_t group)
{
	return group == 14   ? "modp2048"
	       : group == 19 ? "ecp256"
	       : group == 20 ? "ecp384"
			     : "x25519";
}

/*
 * The counts are those of PRF_HMAC_SHA2_256 and AES-256-GCM for IKE and child: 168 octets of SK_*
 * are six outputs of prf+, 72 of KEYMAT are three. AUTH by PSK is three PRF calls for each side's
 * value (identity, padded key, octets), a signature needs the first of them only. A chain of one
 * certificate is one more signature check.
 */
void ike_openssl_measure(struct ike_openssl *out, const struct ike_openssl_case *what, bool quick)
{
	bool psk = what->auth == IKE_OPENSSL_PSK;
	const struct {
		const char *operation;
		unsigned int count;
		void (*op)(struct bare *b);
	} all[] = {
		{ "key pair", 1, op_keygen },
		{ "shared secret", 1, op_derive },
		{ "PRF, short", psk ? 5 : 3, op_prf_short },
		{ "PRF, AUTH octets", psk ? 2 : 0, op_prf_octets },
		{ "prf+ output", 9, op_prf_plus },
		{ "SHA-1, NAT detection", 4, op_sha1 },
		{ "AEAD message", 2, op_seal },
		{ "signature", psk ? 0 : 1, op_sign },
		{ "signature check", psk ? 0 : 2, op_verify },
	};
	struct bare b;

	bare_init(&b, what);
	*out = (struct ike_openssl){ 0 };
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		struct ike_openssl_line *line = &out->lines[out->count];

		if (!all[i].count)
			continue;
		*line = (struct ike_openssl_line){ all[i].operation, all[i].count,
						   measure(&b, all[i].op, quick) };
		out->handshake_ns += line->count * line->ns;
		out->count++;
	}
	bare_fini(&b);
}
