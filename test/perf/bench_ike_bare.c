/*
 * The bare operations of a handshake as responder: AES-256-GCM, PRF-HMAC-SHA2-384, one child.
 */
#include "perf/bench_ike.h"

#include "control/crypto/cipher.h"
#include "control/crypto/prf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define PRF CRYPTO_PRF_HMAC_SHA384

struct counts {
	unsigned int dh, prf, prf_plus_bytes, sha1, aead, sign, verify;
};

struct bare_state {
	struct crypto *crypto;
	struct crypto_dh *peer;
	struct counts counts;
	uint8_t signature[CRYPTO_SIGNATURE_MAX];
	size_t signature_len;
	struct crypto_signing signing;
	uint8_t octets[700];
	uint8_t message[300];
	uint8_t key[64];
};

static void must(int error)
{
	if (error) {
		fprintf(stderr, "bench_ike: a bare operation failed: %s\n", strerror(-error));
		exit(1);
	}
}

static void prf(struct bare_state *s, size_t bytes)
{
	uint8_t out[CRYPTO_PRF_MAX];

	must(crypto_prf(s->crypto, PRF, (struct span){ s->key, 48 },
			CRYPTO_PARTS({ s->octets, bytes }), out));
	s->counts.prf++;
}

static void prf_plus(struct bare_state *s, size_t bytes)
{
	uint8_t out[512];

	must(crypto_prf_plus(s->crypto, PRF, (struct span){ s->key, 48 },
			     CRYPTO_PARTS({ s->octets, 80 }), out, bytes));
	s->counts.prf_plus_bytes += (unsigned int)bytes;
}

static void aead(struct bare_state *s, bool seal)
{
	uint8_t icv[16] = { 0 };
	struct crypto_aead with = { .cipher = CONTRACT_CIPHER_AES256_GCM,
				    .icv_bytes = 16,
				    .key = { s->key, 36 },
				    .iv = { s->key, 8 },
				    .aad = { s->octets, 32 } };

	/* Opening costs the same as sealing but for the comparison. */
	must(crypto_aead_seal(s->crypto, &with, s->message, seal ? 180 : 260, icv));
	s->counts.aead++;
}

static void dh(struct bare_state *s, uint16_t group)
{
	struct crypto_dh *own;
	struct secret shared;

	must(crypto_dh_new(s->crypto, group, &own));
	must(crypto_dh_compute(s->crypto, own, crypto_dh_public(s->peer), &shared));
	secret_free(&shared);
	crypto_dh_free(own);
	s->counts.dh++;
}

static void authenticate(struct bare_state *s, const struct crypto_key *key)
{
	uint8_t out[CRYPTO_SIGNATURE_MAX];
	size_t n = sizeof(out);

	prf(s, 12); /* of the peer's ID, of our own */
	prf(s, 12);
	if (!key) {
		for (int i = 0; i < 2; i++) {
			prf(s, 17);  /* the key pad */
			prf(s, 600); /* the octets */
		}
		return;
	}
	must(crypto_sign(s->crypto, &s->signing, CRYPTO_PARTS({ s->octets, 600 }), out, &n));
	must(crypto_verify(s->crypto, &s->signing, CRYPTO_PARTS({ s->octets, 600 }),
			   (struct span){ s->signature, s->signature_len }));
	s->counts.sign++;
	s->counts.verify++;
}

__attribute__((noinline)) static void bare_handshake(struct bare_state *s, const struct bare *bare)
{
	uint8_t hash[20];

	dh(s, bare->group);
	prf(s, 64);		      /* SKEYSEED */
	prf_plus(s, 3 * 48 + 2 * 36); /* SK_d, SK_p, SK_e */
	for (int i = 0; i < 4; i++) {
		must(crypto_hash(s->crypto, CRYPTO_HASH_SHA1, CRYPTO_PARTS({ s->octets, 22 }),
				 hash));
		s->counts.sha1++;
	}
	aead(s, false);
	authenticate(s, bare->key);
	prf_plus(s, 2 * 36); /* the child's keys */
	aead(s, true);
}

static double seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

double bare_run(const struct bare *bare, bool tell)
{
	static struct bare_state s;
	double start;

	memset(&s, 0, sizeof(s));
	must(crypto_new(&s.crypto));
	must(crypto_dh_new(s.crypto, bare->group, &s.peer));
	s.signing = (struct crypto_signing){ .key = bare->key, .hash = CRYPTO_HASH_SHA256 };
	if (bare->key) {
		s.signing.scheme = crypto_key_kind(bare->key) == CRYPTO_KEY_RSA ? CRYPTO_RSA_PSS
										: CRYPTO_ECDSA_DER;
		s.signature_len = sizeof(s.signature);
		must(crypto_sign(s.crypto, &s.signing, CRYPTO_PARTS({ s.octets, 600 }), s.signature,
				 &s.signature_len));
	}
	bare_handshake(&s, bare);
	if (tell)
		printf("  bare: %u key pair and secret, %u PRF, %u bytes of prf+, %u SHA-1, "
		       "%u AEAD, %u signature, %u check\n",
		       s.counts.dh, s.counts.prf, s.counts.prf_plus_bytes, s.counts.sha1,
		       s.counts.aead, s.counts.sign, s.counts.verify);
	start = seconds();
	for (unsigned int i = 0; i < bare->handshakes; i++)
		bare_handshake(&s, bare);
	start = seconds() - start;
	crypto_dh_free(s.peer);
	crypto_free(s.crypto);
	return start;
}
