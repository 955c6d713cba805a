#include "ike_openssl.h"

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PRF_BYTES 48
#define KEY_BYTES 32
#define LINES_MAX 12
#define BYTES_MAX 4096
#define TAG_BYTES 16

struct ike_openssl {
	struct ike_openssl_case what;
	struct ike_openssl_line lines[LINES_MAX];
	size_t line_count;
	EVP_MAC_CTX *hmac;
	EVP_MD_CTX *md_ctx;
	EVP_MD *sha1;
	EVP_CIPHER_CTX *gcm;
	EVP_PKEY_CTX *keygen;
	EVP_PKEY *own, *peer, *template;
	const char *raw; /* X25519 */
	uint8_t peer_public[260];
	size_t peer_public_n;
	size_t shared_bytes;
	EVP_PKEY *sign_key;
	uint8_t signature[512];
	size_t signature_n;
	uint8_t ciphered[IKE_OPENSSL_DATAGRAMS][BYTES_MAX + TAG_BYTES];
};

static const uint8_t bytes[BYTES_MAX] = { 1, 2, 3 };

static void must(bool ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "bench: OpenSSL cannot do %s\n", what);
	exit(1);
}

static void mac(struct ike_openssl *b, size_t key_n, size_t n)
{
	uint8_t out[PRF_BYTES];
	size_t out_n;

	must(EVP_MAC_init(b->hmac, key_n ? bytes : NULL, key_n, NULL) &&
		     EVP_MAC_update(b->hmac, bytes, n) &&
		     EVP_MAC_final(b->hmac, out, &out_n, sizeof(out)),
	     "HMAC");
}

static void run_skeyseed(struct ike_openssl *b)
{
	mac(b, 64, b->shared_bytes); /* the nonces are the key */
}

static void run_short(struct ike_openssl *b)
{
	mac(b, PRF_BYTES, 16);
}

static void run_peer_octets(struct ike_openssl *b)
{
	mac(b, PRF_BYTES, b->what.sizes.peer_octets);
}

static void run_own_octets(struct ike_openssl *b)
{
	mac(b, PRF_BYTES, b->what.sizes.own_octets);
}

static void run_prf_plus(struct ike_openssl *b)
{
	mac(b, PRF_BYTES, 64 + 16 + 1); /* nonces, SPIs, number */
}

/* The key is already in; the output before goes in as well. */
static void run_prf_plus_more(struct ike_openssl *b)
{
	mac(b, 0, PRF_BYTES + 64 + 16 + 1);
}

static void run_sha1(struct ike_openssl *b)
{
	uint8_t out[20];

	must(EVP_DigestInit_ex2(b->md_ctx, b->sha1, NULL) &&
		     EVP_DigestUpdate(b->md_ctx, bytes, 22) &&
		     EVP_DigestFinal_ex(b->md_ctx, out, NULL),
	     "SHA-1");
}

static void aead(struct ike_openssl *b, int seal, uint8_t *data, size_t size)
{
	int n;
	bool ok = EVP_CipherInit_ex2(b->gcm, NULL, bytes, bytes, seal, NULL) &&
		  EVP_CipherUpdate(b->gcm, NULL, &n, bytes, 32);

	if (ok && !seal)
		ok = EVP_CIPHER_CTX_ctrl(b->gcm, EVP_CTRL_AEAD_SET_TAG, TAG_BYTES, data + size);
	ok = ok && EVP_CipherUpdate(b->gcm, data, &n, data, (int)size) &&
	     EVP_CipherFinal_ex(b->gcm, data + size, &n);
	if (ok && seal)
		ok = EVP_CIPHER_CTX_ctrl(b->gcm, EVP_CTRL_AEAD_GET_TAG, TAG_BYTES, data + size);
	must(ok, "AES-GCM");
}

static void run_open(struct ike_openssl *b)
{
	uint8_t data[BYTES_MAX + TAG_BYTES];

	for (size_t i = 0; i < IKE_OPENSSL_DATAGRAMS && b->what.sizes.opened[i]; i++) {
		memcpy(data, b->ciphered[i], b->what.sizes.opened[i] + TAG_BYTES);
		aead(b, 0, data, b->what.sizes.opened[i]);
	}
}

static void run_seal(struct ike_openssl *b)
{
	uint8_t data[BYTES_MAX + TAG_BYTES];

	for (size_t i = 0; i < IKE_OPENSSL_DATAGRAMS && b->what.sizes.sealed[i]; i++) {
		memset(data, 0, b->what.sizes.sealed[i]);
		aead(b, 1, data, b->what.sizes.sealed[i]);
	}
}

static void run_keygen(struct ike_openssl *b)
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

static void run_derive(struct ike_openssl *b)
{
	uint8_t out[260];
	size_t n = sizeof(out);
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, b->own, NULL);

	must(EVP_PKEY_set1_encoded_public_key(b->peer, b->peer_public, b->peer_public_n) && ctx &&
		     EVP_PKEY_derive_init(ctx) > 0 &&
		     EVP_PKEY_derive_set_peer_ex(ctx, b->peer, 0) > 0 &&
		     EVP_PKEY_derive(ctx, out, &n) > 0,
	     "a shared secret");
	b->shared_bytes = n;
	EVP_PKEY_CTX_free(ctx);
}

static void run_sign(struct ike_openssl *b)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	EVP_PKEY_CTX *key_ctx;

	b->signature_n = sizeof(b->signature);
	must(EVP_DigestSignInit_ex(ctx, &key_ctx, "SHA256", NULL, NULL, b->sign_key, NULL) &&
		     (b->what.auth != IKE_OPENSSL_RSA2048 ||
		      EVP_PKEY_CTX_set_rsa_padding(key_ctx, RSA_PKCS1_PSS_PADDING)) &&
		     EVP_DigestSign(ctx, b->signature, &b->signature_n, bytes,
				    b->what.sizes.own_octets),
	     "a signature");
	EVP_MD_CTX_free(ctx);
}

/* Of one's own: its octets, where the peer's are as long or nearly so. */
static void run_verify(struct ike_openssl *b)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	EVP_PKEY_CTX *key_ctx;

	must(EVP_DigestVerifyInit_ex(ctx, &key_ctx, "SHA256", NULL, NULL, b->sign_key, NULL) &&
		     (b->what.auth != IKE_OPENSSL_RSA2048 ||
		      EVP_PKEY_CTX_set_rsa_padding(key_ctx, RSA_PKCS1_PSS_PADDING)) &&
		     EVP_DigestVerify(ctx, b->signature, b->signature_n, bytes,
				      b->what.sizes.own_octets) == 1,
	     "a signature check");
	EVP_MD_CTX_free(ctx);
}

/* The key that peers' values are put into. */
static EVP_PKEY *peer_key(const struct ike_openssl *b)
{
	EVP_PKEY *key = NULL;

	if (b->raw)
		return EVP_PKEY_new_raw_public_key_ex(NULL, b->raw, NULL, b->peer_public,
						      b->peer_public_n);
	key = EVP_PKEY_new();
	must(EVP_PKEY_copy_parameters(key, b->template), "a peer's key");
	return key;
}

static void set_group(struct ike_openssl *b, uint16_t group)
{
	static const char *const names[] = { [14] = "modp_2048", [19] = "P-256", [20] = "P-384" };
	OSSL_PARAM params[2] = { OSSL_PARAM_END, OSSL_PARAM_END };
	const char *type = group == 14 ? "DH" : group == 31 ? "X25519" : "EC";
	EVP_PKEY_CTX *ctx;
	EVP_PKEY *other = NULL;
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
		     EVP_PKEY_generate(b->keygen, &other) > 0,
	     "key generation");
	b->peer_public_n = EVP_PKEY_get1_encoded_public_key(other, &encoded);
	must(b->peer_public_n > 0 && b->peer_public_n <= sizeof(b->peer_public), "a public key");
	memcpy(b->peer_public, encoded, b->peer_public_n);
	OPENSSL_free(encoded);
	EVP_PKEY_free(other);
	b->peer = peer_key(b);
	must(b->peer != NULL, "a peer's key");
}

static void fetch_all(struct ike_openssl *b)
{
	OSSL_PARAM params[2] = {
		OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, (char *)"SHA384", 0),
		OSSL_PARAM_END,
	};
	EVP_MAC *hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);
	EVP_CIPHER *gcm = EVP_CIPHER_fetch(NULL, "AES-256-GCM", NULL);

	b->hmac = EVP_MAC_CTX_new(hmac);
	b->md_ctx = EVP_MD_CTX_new();
	b->sha1 = EVP_MD_fetch(NULL, "SHA1", NULL);
	b->gcm = EVP_CIPHER_CTX_new();
	must(EVP_MAC_CTX_set_params(b->hmac, params) &&
		     EVP_CipherInit_ex2(b->gcm, gcm, NULL, NULL, 1, NULL),
	     "HMAC or AES-GCM");
	EVP_MAC_free(hmac);
	EVP_CIPHER_free(gcm);
}

/*
 * 216 octets of SK_* are five outputs of prf+, 72 of KEYMAT two: two with a new key, five more.
 * Short ones: both identities, and the key pad of a pre-shared key, which is one for both values.
 * The certificate at hand is an anchor: no signature above it is to be checked.
 */
static void list_lines(struct ike_openssl *b)
{
	bool psk = b->what.auth == IKE_OPENSSL_PSK;
	const struct ike_openssl_line all[] = {
		{ "key pair", 1, run_keygen },
		{ "shared secret", 1, run_derive },
		{ "PRF, SKEYSEED", 1, run_skeyseed },
		{ "PRF, short", psk ? 3 : 2, run_short },
		{ "PRF, peer's octets", psk, run_peer_octets },
		{ "PRF, own octets", psk, run_own_octets },
		{ "prf+, first output", 2, run_prf_plus },
		{ "prf+, further output", 5, run_prf_plus_more },
		{ "SHA-1, NAT detection", 4, run_sha1 },
		{ "AEAD, open", 1, run_open },
		{ "AEAD, seal", 1, run_seal },
		{ "signature", !psk, run_sign },
		{ "signature check", !psk, run_verify },
	};

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		if (all[i].count)
			b->lines[b->line_count++] = all[i];
}

struct ike_openssl *ike_openssl_new(const struct ike_openssl_case *what)
{
	struct ike_openssl *b = calloc(1, sizeof(*b));

	must(b != NULL, "without memory");
	b->what = *what;
	fetch_all(b);
	set_group(b, what->group);
	if (what->auth == IKE_OPENSSL_RSA2048)
		b->sign_key = EVP_RSA_gen(2048);
	else if (what->auth == IKE_OPENSSL_ECDSA256)
		b->sign_key = EVP_EC_gen("P-256");
	for (size_t i = 0; i < IKE_OPENSSL_DATAGRAMS; i++)
		if (what->sizes.opened[i])
			aead(b, 1, b->ciphered[i], what->sizes.opened[i]);
	list_lines(b);
	ike_openssl_handshake(b);
	return b;
}

void ike_openssl_free(struct ike_openssl *b)
{
	EVP_MAC_CTX_free(b->hmac);
	EVP_MD_CTX_free(b->md_ctx);
	EVP_MD_free(b->sha1);
	EVP_CIPHER_CTX_free(b->gcm);
	EVP_PKEY_CTX_free(b->keygen);
	EVP_PKEY_free(b->own);
	EVP_PKEY_free(b->peer);
	EVP_PKEY_free(b->template);
	EVP_PKEY_free(b->sign_key);
	free(b);
}

const struct ike_openssl_line *ike_openssl_line(const struct ike_openssl *b, size_t i)
{
	return i < b->line_count ? &b->lines[i] : NULL;
}

__attribute__((noinline)) void ike_openssl_handshake(struct ike_openssl *b)
{
	for (size_t i = 0; i < b->line_count; i++)
		for (unsigned int k = 0; k < b->lines[i].count; k++)
			b->lines[i].run(b);
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
