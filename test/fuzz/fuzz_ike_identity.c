/*
 * What a peer says of itself: an identity (its type is the first octet), a certificate, and AUTH
 * data by RFC 7427 for a key that is not the peer's.
 */
#include "control/ike/auth.h"
#include "control/ike/constants.h"
#include "control/ike/identity.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct {
	struct crypto *crypto;
	struct crypto_key *key;
	struct crypto_trust *trust;
	struct ike_id patterns[4];
} fixture;

/* A public key on P-256, made for this test. */
static const char key_pem[] = "-----BEGIN PUBLIC KEY-----\n"
			      "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEWlDzMRHsy/nBBw6E7lnbfcMRbOW+\n"
			      "yZTBNWm+zYQfgH7+fAwWtF1wSW7FknnwEMDvxqjJahLCxwHblBjnp9iHpg==\n"
			      "-----END PUBLIC KEY-----\n";

static void start(void)
{
	static const char *const texts[] = { "*.example", "*@example", "CN=*, O=x", "10.0.0.1" };

	if (secret_pool_init(1 << 16) || crypto_new(&fixture.crypto) ||
	    crypto_trust_new(&fixture.trust))
		abort();
	for (int i = 0; i < 4; i++)
		if (ike_id_parse(&fixture.patterns[i], texts[i]))
			abort();
	if (crypto_key_load_public((struct span){ (const uint8_t *)key_pem, strlen(key_pem) },
				   &fixture.key))
		abort();
}

static void identity(uint8_t type, struct span data)
{
	char text[IKE_ID_TEXT];

	ike_id_text(text, type, data);
	if (strlen(text) >= sizeof(text))
		abort();
	for (int i = 0; i < 4; i++)
		ike_id_matches(&fixture.patterns[i], type, data);
}

static void certificate(uint8_t type, struct span data)
{
	struct crypto_chain_check check = { .trust = fixture.trust, .now_s = 1795305600 };
	char text[IKE_ID_TEXT];

	if (crypto_cert_load(data, &check.leaf))
		return;
	crypto_cert_text(check.leaf, text, sizeof(text));
	ike_id_in_cert(type, crypto_cert_subject(check.leaf), check.leaf);
	ike_id_in_cert(ID_FQDN, (struct span){ (const uint8_t *)"gw.test", 7 }, check.leaf);
	crypto_cert_not_after(check.leaf);
	/* There is no anchor: nothing may be good. */
	if (crypto_chain_check(&check) == CRYPTO_CHAIN_OK)
		abort();
	crypto_cert_put(check.leaf);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ike_auth_octets octets = { .prf = CRYPTO_PRF_HMAC_SHA256 };
	struct ike_auth_payload auth;

	if (!fixture.crypto)
		start();
	if (size == 0)
		return 0;
	identity(data[0], (struct span){ data + 1, size - 1 });
	certificate(data[0], (struct span){ data + 1, size - 1 });
	auth = (struct ike_auth_payload){ data[0], { data + 1, size - 1 } };
	if (ike_auth_verify(fixture.crypto, fixture.key, IKE_AUTH_HASHES, &octets, &auth) == 0)
		abort();
	return 0;
}
