/* Proposal texts, selection as responder, the check of an answer. */
#include "../../cmocka_all.h"
#include "control/ike/build.h"
#include "control/ike/constants.h"

#include <errno.h>
#include <string.h>

static uint8_t buffer[16384];

static struct ike_proposal ike(const char *text)
{
	struct ike_proposal p;
	struct span bad;

	if (ike_proposal_parse(&p, IKE_PROTOCOL_IKE, text, &bad))
		fail_msg("%s at %.*s", text, (int)bad.n, bad.p);
	return p;
}

static struct ike_proposal esp(const char *text)
{
	struct ike_proposal p;
	struct span bad;

	if (ike_proposal_parse(&p, IKE_PROTOCOL_ESP, text, &bad))
		fail_msg("%s at %.*s", text, (int)bad.n, bad.p);
	return p;
}

static struct span sa_of(const struct ike_proposal *proposals, size_t count, size_t spi_size)
{
	struct ike_header h = { .spi_i = 1, .exchange = INFORMATIONAL };
	struct ike_builder b;
	struct span message;

	ike_build_start(&b, buffer, sizeof(buffer), &h);
	ike_build_sa(&b, proposals, count,
		     (struct span){ (const uint8_t *)"\1\2\3\4\5\6\7\10", spi_size });
	assert_int_equal(ike_build_end(&b, &message), 0);
	return (struct span){ message.p + 32, message.n - 32 };
}

static int choose(struct ike_proposal policy, struct ike_proposal peer, uint16_t ke,
		  struct ike_suite *suite)
{
	struct ike_select select = { &policy, 1, IKE_PROTOCOL_IKE, 0, ke, false };

	return ike_select(&select, sa_of(&peer, 1, 0), suite);
}

static void texts(void **state)
{
	struct ike_proposal p;
	struct span bad;

	p = ike("aes256-sha256-modp2048");
	assert_int_equal(p.count, 4); /* the PRF comes with the integrity algorithm */
	assert_int_equal(p.transforms[3].id, PRF_HMAC_SHA2_256);
	p = esp("aes128gcm16");
	assert_int_equal(p.count, 2); /* no ESN */
	assert_int_equal(ike_proposal_parse(&p, IKE_PROTOCOL_IKE, "aes256-sha257-x25519", &bad),
			 -EINVAL);
	assert_memory_equal(bad.p, "sha257", bad.n);
	assert_int_equal(ike_proposal_parse(&p, IKE_PROTOCOL_IKE, "", &bad), -EINVAL);
	assert_int_equal(ike_proposal_parse(&p, IKE_PROTOCOL_IKE, "aes256-", &bad), -EINVAL);
}

/* Combinations that are refused whoever writes them. */
static void illegal(void **state)
{
	static const struct {
		uint8_t protocol;
		const char *text;
	} table[] = {
		{ IKE_PROTOCOL_IKE, "aes256-prfsha256-x25519" },     /* CBC without integrity */
		{ IKE_PROTOCOL_IKE, "aes256gcm16-x25519" },	     /* no PRF */
		{ IKE_PROTOCOL_IKE, "aes256gcm16-prfsha256" },	     /* no group */
		{ IKE_PROTOCOL_IKE, "aes256gcm16-prfsha256-nopfs" }, /* DH NONE */
		{ IKE_PROTOCOL_IKE, "null-sha256-x25519" },
		{ IKE_PROTOCOL_IKE, "aes256gcm16-sha256-prfsha256-x25519" }, /* AEAD with INTEG */
		{ IKE_PROTOCOL_IKE, "aes256gcm16-aes256-sha256-x25519" },    /* mixed */
		{ IKE_PROTOCOL_IKE, "aes256gcm16-prfsha256-x25519-esn" },
		{ IKE_PROTOCOL_ESP, "null" }, /* no protection at all */
		{ IKE_PROTOCOL_ESP, "aes256" },
		{ IKE_PROTOCOL_ESP, "aes256gcm16-prfsha256" },
		{ IKE_PROTOCOL_ESP, "sha256" },
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct ike_proposal p;
		struct span bad;

		assert_int_equal(ike_proposal_parse(&p, table[i].protocol, table[i].text, &bad),
				 -EINVAL);
	}
}

static void our_order_wins(void **state)
{
	struct ike_suite suite;

	assert_int_equal(choose(ike("aes256-aes128-sha512-sha256-modp3072-modp2048"),
				ike("aes128-aes256-sha256-sha512-modp2048-modp3072"), 0, &suite),
			 0);
	assert_int_equal(suite.key_bits, 256);
	assert_int_equal(suite.integ, AUTH_HMAC_SHA2_512_256);
	assert_int_equal(suite.dh, 15);
	/* The group of the KE payload saves a round trip, if policy has it. */
	assert_int_equal(choose(ike("aes256-sha256-modp3072-modp2048"),
				ike("aes256-sha256-modp2048-modp3072"), 14, &suite),
			 0);
	assert_int_equal(suite.dh, 14);
	assert_int_equal(choose(ike("aes256-sha256-modp3072-modp2048"),
				ike("aes256-sha256-modp1024-modp3072"), 2, &suite),
			 0);
	assert_int_equal(suite.dh, 15);
}

static void nothing_in_common(void **state)
{
	static const struct {
		const char *policy, *peer, *why;
	} table[] = {
		{ "aes256-sha256-modp2048", "aes128-sha256-modp2048",
		  "ENCR: peer offers ENCR_AES_CBC-128, policy has ENCR_AES_CBC-256" },
		{ "aes256-sha256-modp2048", "aes256-sha256-modp1024",
		  "DH: peer offers modp1024, policy has modp2048" },
		{ "aes256-sha256-prfsha512-modp2048", "aes256-sha256-modp2048",
		  "PRF: peer offers PRF_HMAC_SHA2_256, policy has PRF_HMAC_SHA2_512" },
		{ "aes256gcm16-prfsha256-x25519", "aes256-sha256-x25519",
		  "ENCR: peer offers ENCR_AES_CBC-256, policy has ENCR_AES_GCM_16-256; "
		  "INTEG: peer offers AUTH_HMAC_SHA2_256_128, policy has none" },
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct ike_proposal policy = ike(table[i].policy), peer = ike(table[i].peer);
		struct ike_select select = { &policy, 1, IKE_PROTOCOL_IKE, 0, 0, false };
		struct span body = sa_of(&peer, 1, 0);
		struct ike_suite suite;
		char why[256];

		assert_int_equal(ike_select(&select, body, &suite), -ENOENT);
		assert_string_equal(ike_select_why(&select, body, why, sizeof(why)), table[i].why);
		for (size_t n = 1; n < sizeof(why); n += 7)
			assert_true(strlen(ike_select_why(&select, body, why, n)) < n);
	}
}

static void pfs(void **state)
{
	struct ike_proposal need = esp("aes256gcm16-x25519"), may = esp("aes256gcm16-x25519-nopfs"),
			    none = esp("aes256gcm16");
	struct ike_select select = { &need, 1, IKE_PROTOCOL_ESP, 4, 31, false };
	struct ike_suite suite;
	char why[128];

	assert_int_equal(ike_select(&select, sa_of(&need, 1, 4), &suite), 0);
	assert_int_equal(suite.dh, 31);
	select.ke_group = 0;
	assert_int_equal(ike_select(&select, sa_of(&none, 1, 4), &suite), -ENOENT);
	assert_string_equal(ike_select_why(&select, sa_of(&none, 1, 4), why, sizeof(why)),
			    "DH: peer offers none, policy has x25519");
	select.policy = &may;
	assert_int_equal(ike_select(&select, sa_of(&none, 1, 4), &suite), 0);
	assert_int_equal(suite.dh, IKE_DH_NONE);
	assert_false(suite.present & 1u << IKE_TRANSFORM_DH);
	select.policy = &none;
	assert_int_equal(ike_select(&select, sa_of(&need, 1, 4), &suite), -ENOENT);
	assert_int_equal(ike_select(&select, sa_of(&may, 1, 4), &suite), 0);
	assert_true(suite.present & 1u << IKE_TRANSFORM_DH);
	/* The first child has no exchange of its own: groups do not count. */
	select.ignore_dh = true;
	assert_int_equal(ike_select(&select, sa_of(&need, 1, 4), &suite), 0);
	assert_int_equal(suite.dh, IKE_DH_NONE);
}

static void esn(void **state)
{
	struct ike_proposal both = esp("aes256gcm16-esn-noesn"), no = esp("aes256gcm16-noesn"),
			    yes = esp("aes256gcm16-esn");
	struct ike_select select = { &both, 1, IKE_PROTOCOL_ESP, 4, 0, false };
	struct ike_suite suite;

	assert_int_equal(ike_select(&select, sa_of(&both, 1, 4), &suite), 0);
	assert_int_equal(suite.esn, IKE_ESN_YES);
	assert_int_equal(ike_select(&select, sa_of(&no, 1, 4), &suite), 0);
	assert_int_equal(suite.esn, IKE_ESN_NO);
	select.policy = &no;
	assert_int_equal(ike_select(&select, sa_of(&yes, 1, 4), &suite), -ENOENT);
}

static void answer_is_exact(void **state)
{
	struct ike_proposal offered[] = { ike("aes256gcm16-prfsha256-prfsha384-x25519-ecp384"),
					  ike("aes256-sha256-x25519") };
	struct ike_select select = { offered, 2, IKE_PROTOCOL_IKE, 0, 0, false };
	struct ike_proposal answer = ike("aes256gcm16-prfsha384-ecp384");
	struct ike_suite suite;
	struct span body = sa_of(&answer, 1, 0);

	assert_int_equal(ike_select_answer(&select, body, &suite), 0);
	assert_int_equal(suite.prf, PRF_HMAC_SHA2_384);
	assert_int_equal(suite.dh, 20);
	assert_int_equal(suite.number, 1);
	buffer[32 + 4] = 2; /* as the answer to our second proposal it is wrong */
	assert_int_equal(ike_select_answer(&select, body, &suite), -EPROTO);
	buffer[32 + 4] = 0;
	assert_int_equal(ike_select_answer(&select, body, &suite), -EPROTO);
	buffer[32 + 4] = 3;
	assert_int_equal(ike_select_answer(&select, body, &suite), -EPROTO);
	/* Two of a type, one of none, something we never offered, two proposals. */
	assert_int_equal(ike_select_answer(&select, sa_of(&offered[0], 1, 0), &suite), -EPROTO);
	answer = ike("aes256gcm16-prfsha384-ecp384");
	answer.count--;
	assert_int_equal(ike_select_answer(&select, sa_of(&answer, 1, 0), &suite), -EPROTO);
	answer = ike("aes256gcm16-prfsha512-ecp384");
	assert_int_equal(ike_select_answer(&select, sa_of(&answer, 1, 0), &suite), -EPROTO);
	answer = ike("aes128gcm16-prfsha384-ecp384");
	assert_int_equal(ike_select_answer(&select, sa_of(&answer, 1, 0), &suite), -EPROTO);
	assert_int_equal(ike_select_answer(&select, sa_of(offered, 2, 0), &suite), -EPROTO);
	assert_int_equal(ike_select_answer(&select, (struct span){ 0 }, &suite), -EBADMSG);
}

static void suite_is_answered(void **state)
{
	struct ike_proposal offered[] = { esp("aes256-sha256-noesn"),
					  esp("aes256gcm16-x25519-esn") };
	struct ike_select select = { offered + 1, 1, IKE_PROTOCOL_ESP, 4, 31, false };
	struct ike_header h = { .spi_i = 1, .exchange = INFORMATIONAL };
	struct ike_suite suite, back;
	struct ike_builder b;
	struct span message;
	char text[IKE_SUITE_TEXT];

	assert_int_equal(ike_select(&select, sa_of(offered, 2, 4), &suite), 0);
	assert_int_equal(suite.number, 2);
	assert_memory_equal(suite.spi, "\1\2\3\4", 4);
	assert_string_equal(ike_suite_text(text, &suite), "ENCR_AES_GCM_16-256/x25519/esn");
	ike_build_start(&b, buffer, sizeof(buffer), &h);
	ike_build_suite(&b, &suite, (struct span){ (const uint8_t *)"abcd", 4 });
	assert_int_equal(ike_build_end(&b, &message), 0);
	select.policy = offered;
	select.count = 2;
	assert_int_equal(
		ike_select_answer(&select, (struct span){ message.p + 32, message.n - 32 }, &back),
		0);
	assert_memory_equal(back.spi, "abcd", 4);
	assert_int_equal(back.encr, suite.encr);
}

/* AEAD beside INTEG NONE is legal, and then the answer has it too. */
static void integ_none(void **state)
{
	struct ike_proposal policy = ike("aes256gcm16-prfsha256-x25519"), peer = policy;
	struct ike_select select = { &policy, 1, IKE_PROTOCOL_IKE, 0, 31, false };
	struct ike_suite suite;

	assert_true(ike_proposal_add(&peer, IKE_TRANSFORM_INTEG, AUTH_NONE, 0));
	assert_int_equal(ike_select(&select, sa_of(&peer, 1, 0), &suite), 0);
	assert_true(suite.present & 1u << IKE_TRANSFORM_INTEG);
	assert_int_equal(suite.integ, AUTH_NONE);
	assert_true(ike_proposal_add(&peer, IKE_TRANSFORM_INTEG, AUTH_HMAC_SHA2_256_128, 0));
	peer.transforms[peer.count - 2] = peer.transforms[peer.count - 1];
	assert_int_equal(ike_select(&select, sa_of(&peer, 1, 0), &suite), -ENOENT);
}

static void key_lengths(void **state)
{
	struct ike_proposal policy = ike("aes256gcm16-prfsha256-x25519"), peer = policy;
	struct ike_select select = { &policy, 1, IKE_PROTOCOL_IKE, 0, 31, false };
	struct ike_suite suite;

	peer.transforms[0].key_bits = 0; /* AES without its key length */
	assert_int_equal(ike_select(&select, sa_of(&peer, 1, 0), &suite), -ENOENT);
	policy = ike("chacha20poly1305-prfsha256-x25519");
	peer = policy;
	peer.transforms[0].key_bits = 256; /* a key length on a cipher that has but one */
	assert_int_equal(ike_select(&select, sa_of(&peer, 1, 0), &suite), -ENOENT);
	peer = policy;
	peer.transforms[1].key_bits = 128; /* on a PRF */
	assert_int_equal(ike_select(&select, sa_of(&peer, 1, 0), &suite), -ENOENT);
}

/* An unknown transform is passed over, an unknown type spoils its proposal, never the message. */
static void unknown(void **state)
{
	struct ike_proposal policy = ike("aes256gcm16-prfsha256-x25519"), peer[2];
	struct ike_select select = { &policy, 1, IKE_PROTOCOL_IKE, 0, 31, false };
	struct ike_suite suite;

	peer[0] = peer[1] = policy;
	assert_true(ike_proposal_add(&peer[0], IKE_TRANSFORM_ENCR, 1024, 0));
	assert_int_equal(ike_select(&select, sa_of(peer, 2, 0), &suite), 0);
	assert_int_equal(suite.number, 1);
	assert_true(ike_proposal_add(&peer[0], 6, 35, 0)); /* RFC 9370: not yet ours */
	assert_int_equal(ike_select(&select, sa_of(peer, 2, 0), &suite), 0);
	assert_int_equal(suite.number, 2);
}

static void syntax(void **state)
{
	struct ike_proposal p[2] = { ike("aes256gcm16-prfsha256-x25519"),
				     ike("aes256-sha256-x25519") };
	struct span body = sa_of(p, 2, 0);
	uint8_t copy[512];

	assert_int_equal(ike_sa_check(body), IKE_ERROR_OK);
	for (size_t n = 0; n < body.n; n++)
		assert_int_not_equal(ike_sa_check((struct span){ body.p, n }), IKE_ERROR_OK);
	for (size_t at = 0; at < 8; at++) {
		static const enum ike_error expected[8] = {
			IKE_ERROR_SA_SYNTAX, IKE_ERROR_OK,	  /* last or not, reserved */
			IKE_ERROR_SA_SYNTAX, IKE_ERROR_SA_SYNTAX, /* length */
			IKE_ERROR_SA_NUMBER, IKE_ERROR_SA_SPI, /* number, protocol AH: SPI of 4 */
			IKE_ERROR_SA_SPI,    IKE_ERROR_SA_SYNTAX, /* SPI size, transforms */
		};

		memcpy(copy, body.p, body.n);
		copy[at]++;
		assert_int_equal(ike_sa_check((struct span){ copy, body.n }), expected[at]);
	}
	memcpy(copy, body.p, body.n);
	copy[7] = 0;
	assert_int_equal(ike_sa_check((struct span){ copy, body.n }), IKE_ERROR_SA_SYNTAX);
	assert_int_equal(ike_sa_check(sa_of(p, 1, 4)), IKE_ERROR_SA_SPI);
}

static void too_large(void **state)
{
	static struct ike_proposal many[64];

	for (int i = 0; i < 64; i++) {
		many[i].protocol = IKE_PROTOCOL_IKE;
		for (uint16_t k = 0; k < IKE_TRANSFORMS_MAX; k++)
			assert_true(ike_proposal_add(&many[i], IKE_TRANSFORM_DH, k, 0));
	}
	assert_false(ike_proposal_add(&many[0], IKE_TRANSFORM_DH, 1, 0));
	assert_int_equal(ike_sa_check(sa_of(many, 32, 0)), IKE_ERROR_OK);
	assert_int_equal(ike_sa_check(sa_of(many, 33, 0)), IKE_ERROR_SA_TOO_LARGE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(texts),
		cmocka_unit_test(illegal),
		cmocka_unit_test(our_order_wins),
		cmocka_unit_test(nothing_in_common),
		cmocka_unit_test(pfs),
		cmocka_unit_test(esn),
		cmocka_unit_test(answer_is_exact),
		cmocka_unit_test(suite_is_answered),
		cmocka_unit_test(integ_none),
		cmocka_unit_test(key_lengths),
		cmocka_unit_test(unknown),
		cmocka_unit_test(syntax),
		cmocka_unit_test(too_large),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
