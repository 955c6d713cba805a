/* Several key exchanges (RFC 9370), computed once more from HMACs alone. */
#include "../../cmocka_all.h"
#include "control/crypto/prf.h"
#include "control/ike/constants.h"
#include "control/ike/keymat.h"

#include <string.h>

#define PRF CRYPTO_PRF_HMAC_SHA384
#define SIZE 48

static struct crypto *crypto;
static const uint8_t ni[32] = { 1 }, nr[40] = { 2 };
static const uint8_t secrets[3][70] = { { 3 }, { 4 }, { 5 } };
static const struct ike_suite suite = { .protocol = IKE_PROTOCOL_IKE,
					.encr = ENCR_AES_GCM_16,
					.key_bits = 256,
					.prf = PRF_HMAC_SHA2_384,
					.dh = 31 };

static int start(void **state)
{
	return secret_pool_init(1 << 16) || crypto_new(&crypto);
}

static int stop(void **state)
{
	crypto_free(crypto);
	secret_pool_fini();
	return 0;
}

static struct ike_exchange_secrets with(int which)
{
	return (struct ike_exchange_secrets){ .ni = { ni, sizeof(ni) },
					      .nr = { nr, sizeof(nr) },
					      .shared = { secrets[which], 32 + 8u * (size_t)which },
					      .spi_i = 0x1122334455667788,
					      .spi_r = 0x99aabbccddeeff00 };
}

/* prf(key, shared | Ni | Nr), or with the nonces as the key when there is none. */
static void seed(uint8_t out[SIZE], const uint8_t *sk_d, struct span shared)
{
	uint8_t nonces[sizeof(ni) + sizeof(nr)];

	memcpy(nonces, ni, sizeof(ni));
	memcpy(nonces + sizeof(ni), nr, sizeof(nr));
	if (sk_d)
		assert_int_equal(crypto_prf(crypto, PRF, (struct span){ sk_d, SIZE },
					    CRYPTO_PARTS(shared, { nonces, sizeof(nonces) }), out),
				 0);
	else
		assert_int_equal(crypto_prf(crypto, PRF, (struct span){ nonces, sizeof(nonces) },
					    CRYPTO_PARTS(shared), out),
				 0);
}

/* T1 | T2 | ... of prf+(key, text) */
static void expand(uint8_t *out, size_t n, struct span key, struct span text)
{
	uint8_t t[SIZE];

	for (uint8_t i = 1; n; i++) {
		size_t take = n < SIZE ? n : SIZE;

		assert_int_equal(crypto_prf(crypto, PRF, key,
					    CRYPTO_PARTS({ t, i > 1 ? SIZE : 0 }, text, { &i, 1 }),
					    t),
				 0);
		memcpy(out, t, take);
		out += take;
		n -= take;
	}
}

/* SKEYSEED(n) = prf(SK_d(n-1), SK(n) | Ni | Nr), all SK_* anew each time (section 2.2.2). */
static void item_54_intermediate_exchanges(void **state)
{
	static const uint8_t spis[16] = { 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88,
					  0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff, 0x00 };
	uint8_t text[sizeof(ni) + sizeof(nr) + sizeof(spis)];
	uint8_t skeyseed[SIZE], expected[3 * SIZE + 2 * 36], sk_d[SIZE];
	struct ike_keys keys = { 0 };

	memcpy(text, ni, sizeof(ni));
	memcpy(text + sizeof(ni), nr, sizeof(nr));
	memcpy(text + sizeof(ni) + sizeof(nr), spis, sizeof(spis));
	for (int n = 0; n < 3; n++) {
		struct ike_exchange_secrets in = with(n);

		if (n == 0)
			assert_int_equal(ike_keymat_initial(crypto, &suite, &in, &keys), 0);
		else
			assert_int_equal(ike_keymat_step(crypto, &suite, &in, &keys), 0);
		seed(skeyseed, n ? sk_d : NULL, in.shared);
		expand(expected, sizeof(expected), (struct span){ skeyseed, SIZE },
		       (struct span){ text, sizeof(text) });
		memcpy(sk_d, expected, SIZE);
		assert_int_equal(keys.block.n, sizeof(expected));
		assert_memory_equal(keys.block.p, expected, sizeof(expected));
	}
	ike_keys_wipe(&keys);
}

/* KEYMAT = prf+(SK_d, SK(0) | Ni | Nr | SK(1) | SK(2)) of a child (section 2.2.4). */
static void item_54_followup_exchanges(void **state)
{
	const struct ike_suite child = {
		.protocol = IKE_PROTOCOL_ESP, .encr = ENCR_AES_GCM_16, .key_bits = 256, .dh = 31
	};
	const struct span more[2] = { with(1).shared, with(2).shared };
	struct ike_exchange_secrets in = with(0);
	uint8_t text[400], expected[72];
	struct ike_keys keys = { 0 };
	struct ike_child_keys made;
	size_t n = 0;

	assert_int_equal(ike_keymat_initial(crypto, &suite, &in, &keys), 0);
	in.more = more;
	in.more_count = 2;
	assert_int_equal(ike_keymat_child(crypto, &keys, &child, &in, &made), 0);
	for (size_t i = 0; i < 5; i++) {
		const struct span parts[] = { in.shared, in.ni, in.nr, more[0], more[1] };

		memcpy(text + n, parts[i].p, parts[i].n);
		n += parts[i].n;
	}
	expand(expected, sizeof(expected), ike_keys_d(&keys), (struct span){ text, n });
	assert_int_equal(made.block.n, sizeof(expected));
	assert_memory_equal(made.block.p, expected, sizeof(expected));
	ike_child_keys_wipe(&made);
	ike_keys_wipe(&keys);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(item_54_intermediate_exchanges),
		cmocka_unit_test(item_54_followup_exchanges),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
