#pragma once
/* An IKE SA's keys for a suite text, and messages under them. */
#include "../../cmocka_all.h"
#include "control/ike/constants.h"
#include "control/ike/fragment.h"

#include <errno.h>
#include <string.h>

struct sk_sa {
	struct crypto *crypto;
	struct ike_suite suite;
	struct ike_keys keys;
	uint64_t counter;
};

static inline void sk_sa_start(struct sk_sa *sa, const char *text)
{
	static const uint8_t nonce[32] = { 7 }, shared[32] = { 9 };
	struct ike_exchange_secrets in = { .ni = { nonce, 32 },
					   .nr = { nonce, 32 },
					   .shared = { shared, 32 },
					   .spi_i = 1,
					   .spi_r = 2 };
	struct ike_proposal p;
	struct span bad;

	*sa = (struct sk_sa){ 0 };
	if (ike_proposal_parse(&p, IKE_PROTOCOL_IKE, text, &bad))
		fail_msg("%s at %.*s", text, (int)bad.n, bad.p);
	for (uint8_t i = 0; i < p.count; i++) {
		const struct ike_transform *t = &p.transforms[i];

		if (t->type == IKE_TRANSFORM_ENCR) {
			sa->suite.encr = t->id;
			sa->suite.key_bits = t->key_bits;
		}
		if (t->type == IKE_TRANSFORM_PRF)
			sa->suite.prf = t->id;
		if (t->type == IKE_TRANSFORM_INTEG)
			sa->suite.integ = t->id;
	}
	assert_int_equal(crypto_new(&sa->crypto), 0);
	assert_int_equal(ike_keymat_initial(sa->crypto, &sa->suite, &in, &sa->keys), 0);
}

static inline void sk_sa_stop(struct sk_sa *sa)
{
	ike_keys_wipe(&sa->keys);
	crypto_free(sa->crypto);
}

static inline struct ike_sk sk_of(struct sk_sa *sa, bool initiator)
{
	return (struct ike_sk){ sa->crypto, &sa->suite, &sa->keys, initiator, &sa->counter };
}

/* A request of the initiator with `n` octets in one vendor payload (none for 0). */
static inline int sk_seal(struct sk_sa *sa, size_t n, size_t fragment_bytes,
			  struct ike_packets *packets)
{
	static uint8_t buffer[70000], content[70000];
	struct ike_header h = { .spi_i = 1,
				.spi_r = 2,
				.exchange = INFORMATIONAL,
				.flags = IKE_FLAG_INITIATOR,
				.message_id = 3 };
	struct ike_sk sk = sk_of(sa, true);
	struct ike_builder b;

	for (size_t i = 0; i < n; i++)
		content[i] = (uint8_t)(i * 7 + i / 256);
	ike_build_start(&b, buffer, sizeof(buffer), &h);
	ike_build_sk(&b, ike_sk_iv_bytes(&sa->suite));
	if (n)
		ike_build_vendor(&b, (struct span){ content, n });
	return ike_sk_seal(&sk, &b, fragment_bytes, packets);
}

static inline bool sk_content_is(struct span got, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (got.p[i] != (uint8_t)(i * 7 + i / 256))
			return false;
	return got.n == n;
}
