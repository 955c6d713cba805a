/* The two profiles against each other and against Azure's tables; custom policies. */
#include "../../cmocka_all.h"
#include "control/ike/build.h"
#include "control/ike/constants.h"
#include "control/ike/policy.h"

#include <errno.h>
#include <string.h>

static uint8_t buffer[32768];

static struct span sa_of(const struct ike_proposal *proposals, size_t count, size_t spi_size)
{
	struct ike_header h = { .spi_i = 1, .exchange = INFORMATIONAL };
	struct ike_builder b;
	struct span message;

	ike_build_start(&b, buffer, sizeof(buffer), &h);
	ike_build_sa(&b, proposals, count, (struct span){ (const uint8_t *)"12345678", spi_size });
	assert_int_equal(ike_build_end(&b, &message), 0);
	return (struct span){ message.p + 32, message.n - 32 };
}

static void every_proposal_is_legal(void **state)
{
	for (int i = IKE_PROFILE_STRONG; i <= IKE_PROFILE_AZURE_COMPAT; i++) {
		const struct ike_policy *p = ike_policy_profile(i);
		const struct {
			const struct ike_proposal *list;
			uint8_t count;
		} lists[] = {
			{ p->ike_offer, p->ike_offer_count },
			{ p->ike_accept, p->ike_accept_count },
			{ p->child_offer, p->child_offer_count },
			{ p->child_accept, p->child_accept_count },
		};

		for (size_t k = 0; k < 4; k++) {
			assert_true(lists[k].count > 0);
			for (uint8_t n = 0; n < lists[k].count; n++) {
				assert_null(ike_proposal_check(&lists[k].list[n]));
				assert_int_not_equal(lists[k].list[n]
							     .transforms[lists[k].list[n].count - 1]
							     .type,
						     0);
			}
		}
	}
	assert_ptr_equal(ike_policy_by_name("strong"), ike_policy_profile(IKE_PROFILE_STRONG));
	assert_null(ike_policy_by_name("weak"));
}

/* Nothing that needs an explicit switch is in the default (RFC 8247, RFC 8221). */
static void strong_is_strong(void **state)
{
	const struct ike_policy *p = ike_policy_profile(IKE_PROFILE_STRONG);

	assert_false(p->weak);
	assert_int_equal(p->child_lifetime_bytes, 0);
	for (uint8_t i = 0; i < p->ike_offer_count; i++) {
		for (uint8_t k = 0; k < p->ike_offer[i].count; k++) {
			const struct ike_transform *t = &p->ike_offer[i].transforms[k];

			if (t->type == IKE_TRANSFORM_ENCR)
				assert_int_equal(t->key_bits, 256);
			if (t->type == IKE_TRANSFORM_DH)
				assert_true(t->id >= 14 && t->id != 22 && t->id != 23 &&
					    t->id != 24 && t->id != 25 && t->id != 26);
			if (t->type == IKE_TRANSFORM_INTEG)
				assert_true(t->id >= AUTH_HMAC_SHA2_256_128);
			if (t->type == IKE_TRANSFORM_PRF)
				assert_true(t->id >= PRF_HMAC_SHA2_256);
		}
	}
	assert_false(ike_proposal_has_group(p->child_accept, p->child_accept_count, IKE_DH_NONE));
}

static int answer(const struct ike_policy *us, struct span body, bool child, bool first,
		  struct ike_suite *suite)
{
	struct ike_select select = {
		.policy = child ? us->child_accept : us->ike_accept,
		.count = child ? us->child_accept_count : us->ike_accept_count,
		.protocol = child ? IKE_PROTOCOL_ESP : IKE_PROTOCOL_IKE,
		.spi_size = child ? 4 : 0,
		.ignore_dh = first,
	};

	return ike_select(&select, body, suite);
}

/* A peer with exactly Azure's defaults: first child, then rekeys without PFS. */
static void azure_defaults(void **state)
{
	const struct ike_policy *compat = ike_policy_profile(IKE_PROFILE_AZURE_COMPAT);
	const struct ike_policy *strong = ike_policy_profile(IKE_PROFILE_STRONG);
	struct ike_suite suite;

	assert_int_equal(answer(compat, sa_of(compat->ike_offer, compat->ike_offer_count, 0), false,
				false, &suite),
			 0);
	assert_int_equal(suite.encr, ENCR_AES_CBC);
	assert_int_equal(suite.key_bits, 256);
	assert_int_equal(suite.integ, AUTH_HMAC_SHA1_96);
	assert_int_equal(suite.dh, 2);
	for (int first = 0; first < 2; first++) {
		assert_int_equal(answer(compat,
					sa_of(compat->child_offer, compat->child_offer_count, 4),
					true, first, &suite),
				 0);
		assert_int_equal(suite.encr, ENCR_AES_GCM_16);
		assert_int_equal(suite.dh, IKE_DH_NONE);
	}
	/* `strong` takes neither its IKE nor, from the first rekey, a child without PFS. */
	assert_int_equal(answer(strong, sa_of(compat->ike_offer, compat->ike_offer_count, 0), false,
				false, &suite),
			 -ENOENT);
	assert_int_equal(answer(strong, sa_of(compat->child_offer, compat->child_offer_count, 4),
				true, true, &suite),
			 0);
	assert_int_equal(answer(strong, sa_of(compat->child_offer, compat->child_offer_count, 4),
				true, false, &suite),
			 -ENOENT);
}

static struct ike_custom_policy custom(void)
{
	return (struct ike_custom_policy){ "GCMAES256", "SHA384", "ECP384", "GCMAES256",
					   "GCMAES256", "ECP384", 27000,    102400000 };
}

/* Azure with GCMAES256/SHA384/ECP384/PFS ECP384 on the other side of `strong`. */
static void azure_custom(void **state)
{
	struct ike_custom_policy names = custom();
	const struct ike_policy *strong = ike_policy_profile(IKE_PROFILE_STRONG);
	struct ike_policy_owned peer;
	struct ike_suite suite;
	const char *field, *why;
	char text[IKE_SUITE_TEXT];

	assert_int_equal(ike_policy_custom(&peer, &names, &field, &why), 0);
	assert_false(peer.policy.weak);
	assert_int_equal(peer.policy.child_lifetime_bytes, UINT64_C(102400000) * 1024);
	assert_int_equal(answer(strong, sa_of(&peer.ike, 1, 0), false, false, &suite), 0);
	assert_string_equal(ike_suite_text(text, &suite),
			    "ENCR_AES_GCM_16-256/PRF_HMAC_SHA2_384/ecp384");
	assert_int_equal(answer(strong, sa_of(&peer.child, 1, 4), true, false, &suite), 0);
	assert_int_equal(suite.dh, 20);
	assert_int_equal(
		answer(&peer.policy, sa_of(strong->child_offer, 2, 4), true, false, &suite), 0);
	assert_int_equal(suite.dh, 20);
}

static void custom_names(void **state)
{
	static const struct {
		int member;
		const char *value;
		const char *field; /* NULL: accepted */
		bool weak;
	} table[] = {
		{ 0, "DES", "ikeEncryption" },
		{ 0, "None", "ikeEncryption" },
		{ 0, "gcmaes256", "ikeEncryption" },
		{ 0, "GCMAES192", "ikeEncryption" },
		{ 0, "AES192", NULL },
		{ 0, "DES3", NULL, true },
		{ 1, "MD5", "ikeIntegrity" },
		{ 1, "GCMAES128", "ikeIntegrity" },
		{ 1, "GCMAES256", NULL },
		{ 1, "SHA1", NULL, true },
		{ 2, "None", "dhGroup" },
		{ 2, "DHGroup24", NULL, true },
		{ 2, "DHGroup2048", NULL },
		{ 3, "DES", "ipsecEncryption" },
		{ 3, "AES256", "ipsecIntegrity" },
		{ 3, "GCMAES128", "ipsecIntegrity" },
		{ 4, "SHA256", "ipsecIntegrity" },
		{ 4, "MD5", "ipsecIntegrity" },
		{ 5, "PFSMM", NULL },
		{ 5, "None", NULL },
		{ 5, "PFS1", NULL, true },
		{ 5, "PFS15", "pfsGroup" },
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct ike_custom_policy names = custom();
		const char **members[] = { &names.ike_encryption,  &names.ike_integrity,
					   &names.dh_group,	   &names.ipsec_encryption,
					   &names.ipsec_integrity, &names.pfs_group };
		struct ike_policy_owned out;
		const char *field, *why;
		int error;

		*members[table[i].member] = table[i].value;
		error = ike_policy_custom(&out, &names, &field, &why);
		assert_int_equal(error, table[i].field ? -EINVAL : 0);
		if (table[i].field) {
			assert_string_equal(field, table[i].field);
			assert_true(strlen(why) > 10);
			continue;
		}
		assert_int_equal(out.policy.weak, table[i].weak);
		assert_null(ike_proposal_check(&out.ike));
		assert_null(ike_proposal_check(&out.child));
	}
}

static void custom_combinations(void **state)
{
	struct ike_custom_policy names = custom();
	struct ike_policy_owned out;
	const char *field, *why;

	names.ipsec_encryption = "None"; /* integrity only: legal, weak, never with GCM */
	assert_int_equal(ike_policy_custom(&out, &names, &field, &why), -EINVAL);
	names.ipsec_integrity = "SHA256";
	assert_int_equal(ike_policy_custom(&out, &names, &field, &why), 0);
	assert_true(out.policy.weak);
	names = custom();
	names.pfs_group = "PFSMM";
	assert_int_equal(ike_policy_custom(&out, &names, &field, &why), 0);
	assert_int_equal(ike_proposal_first_group(&out.child, 1), 20);
	names.sa_lifetime_s = 299;
	assert_int_equal(ike_policy_custom(&out, &names, &field, &why), -EINVAL);
	assert_string_equal(field, "saLifeTimeSeconds");
	names = custom();
	names.sa_lifetime_kb = 1023;
	assert_int_equal(ike_policy_custom(&out, &names, &field, &why), -EINVAL);
	assert_string_equal(field, "saDataSizeKilobytes");
}

/* What a suite is called in the API; what that does not have keeps its own name. */
static void words_of_suites(void **state)
{
	static const struct {
		struct ike_suite suite;
		const char *encryption, *integrity, *group;
	} rows[] = {
		{ { .protocol = IKE_PROTOCOL_IKE,
		    .encr = ENCR_AES_GCM_16,
		    .key_bits = 256,
		    .prf = PRF_HMAC_SHA2_384,
		    .dh = 20 },
		  "GCMAES256",
		  "SHA384",
		  "ECP384" },
		{ { .protocol = IKE_PROTOCOL_IKE,
		    .encr = ENCR_AES_CBC,
		    .key_bits = 128,
		    .prf = PRF_HMAC_SHA1,
		    .integ = AUTH_HMAC_SHA1_96,
		    .dh = 2 },
		  "AES128",
		  "SHA1",
		  "DHGroup2" },
		{ { .protocol = IKE_PROTOCOL_ESP, .encr = ENCR_AES_GCM_16, .key_bits = 128 },
		  "GCMAES128",
		  "GCMAES128",
		  "None" },
		{ { .protocol = IKE_PROTOCOL_ESP,
		    .encr = ENCR_3DES,
		    .integ = AUTH_HMAC_SHA2_256_128,
		    .dh = 24 },
		  "DES3",
		  "SHA256",
		  "PFS24" },
		{ { .protocol = IKE_PROTOCOL_IKE,
		    .encr = ENCR_CHACHA20_POLY1305,
		    .prf = PRF_HMAC_SHA2_512,
		    .dh = 31 },
		  "ENCR_CHACHA20_POLY1305",
		  "SHA512",
		  "x25519" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct ike_words words;

		ike_policy_words(&words, &rows[i].suite);
		assert_string_equal(words.encryption, rows[i].encryption);
		assert_string_equal(words.integrity, rows[i].integrity);
		assert_string_equal(words.group, rows[i].group);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_proposal_is_legal),
		cmocka_unit_test(strong_is_strong),
		cmocka_unit_test(azure_defaults),
		cmocka_unit_test(azure_custom),
		cmocka_unit_test(custom_names),
		cmocka_unit_test(custom_combinations),
		cmocka_unit_test(words_of_suites),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
