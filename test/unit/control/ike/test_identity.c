#include "../../cmocka_all.h"
#include "control/ike/constants.h"
#include "control/ike/identity.h"

#include <errno.h>
#include <string.h>

static struct span text(const char *s)
{
	return (struct span){ (const uint8_t *)s, strlen(s) };
}

static struct ike_id id_of(const char *s)
{
	struct ike_id id;

	if (ike_id_parse(&id, s))
		fail_msg("%s", s);
	return id;
}

static void parsed_and_printed(void **state)
{
	static const struct {
		const char *text;
		uint8_t type;
		uint16_t size;
		const char *printed; /* NULL: as written */
	} table[] = {
		{ "203.0.113.1", ID_IPV4_ADDR, 4, NULL },
		{ "2001:db8::1", ID_IPV6_ADDR, 16, NULL },
		{ "gw.example", ID_FQDN, 10, NULL },
		{ "*.example", ID_FQDN, 9, NULL },
		{ "carol@example.org", ID_RFC822_ADDR, 17, NULL },
		{ "keyid:00ff7A", ID_KEY_ID, 3, "keyid:00ff7a" },
		{ "fqdn:203.0.113.1", ID_FQDN, 11, "203.0.113.1" },
		{ "email:x", ID_RFC822_ADDR, 1, "x" },
		{ "C=CH, O=Example, CN=gw", ID_DER_ASN1_DN, 0, NULL },
		{ "dn:CN=a\\, b", ID_DER_ASN1_DN, 0, NULL },
		{ "*", 0, 0, NULL },
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct ike_id id = id_of(table[i].text);
		char buf[IKE_ID_TEXT];

		assert_int_equal(id.type, table[i].type);
		if (table[i].type != ID_DER_ASN1_DN)
			assert_int_equal(id.size, table[i].size);
		ike_id_text(buf, id.type, ike_id_span(&id));
		if (table[i].printed || table[i].text[0] != 'd')
			assert_string_equal(buf,
					    table[i].printed ? table[i].printed : table[i].text);
		ike_id_fini(&id);
	}
}

static void refused(void **state)
{
	static const char *const table[] = { "",      "keyid:", "keyid:0", "keyid:0g",
					     "fqdn:", "email:", "dn:",	   "CN=",
					     "XX=gw", "=gw",	"CN=a,,",  "dn:gw" };

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct ike_id id;

		assert_int_equal(ike_id_parse(&id, table[i]), -EINVAL);
		assert_null(id.data);
	}
}

static void patterns(void **state)
{
	static const struct {
		const char *pattern, *id;
		bool matches;
	} table[] = {
		{ "*", "gw.example", true },
		{ "*", "203.0.113.1", true },
		{ "gw.example", "GW.Example", true },
		{ "gw.example", "gw.example.org", false },
		{ "gw.example", "email:gw.example", false },
		{ "*.example", "gw.example", true },
		{ "*.example", "a.b.example", true },
		{ "*.example", "example", false },
		{ "*.example", "fqdn:.example", false },
		{ "*.example", "badexample", false },
		{ "*@example.org", "carol@example.org", true },
		{ "*@example.org", "carol@other.org", false },
		{ "203.0.113.1", "203.0.113.1", true },
		{ "203.0.113.1", "203.0.113.2", false },
		{ "203.0.113.1", "fqdn:203.0.113.1", false },
		{ "CN=gw, O=x", "CN=GW, O=X", true }, /* as X.509 compares */
		{ "CN=gw, O=x", "O=x, CN=gw", false },
		{ "CN=*, O=x", "CN=anything, O=x", true },
		{ "CN=*, O=x", "CN=anything, O=y", false },
		{ "CN=*", "CN=anything, O=x", false },
		{ "keyid:01", "keyid:01", true },
		{ "keyid:01", "keyid:0100", false },
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct ike_id pattern = id_of(table[i].pattern), id = id_of(table[i].id);

		if (ike_id_matches(&pattern, id.type, ike_id_span(&id)) != table[i].matches)
			fail_msg("%s and %s", table[i].pattern, table[i].id);
		ike_id_fini(&pattern);
		ike_id_fini(&id);
	}
}

/* Text of a peer never reaches a log as it is; broken data prints as octets. */
static void hostile_text(void **state)
{
	static const uint8_t long_id[IKE_ID_MAX] = { 1 };
	char buf[IKE_ID_TEXT];

	ike_id_text(buf, ID_FQDN, text("a\x1b[31m\nb"));
	assert_null(strchr(buf, 0x1b));
	assert_null(strchr(buf, '\n'));
	assert_memory_equal(ike_id_text(buf, ID_DER_ASN1_DN, text("0\x82")), "type9:3082", 10);
	assert_memory_equal(ike_id_text(buf, ID_IPV4_ADDR, text("abc")), "type1:616263", 12);
	for (int type = 0; type < 256; type++)
		assert_true(strlen(ike_id_text(buf, (uint8_t)type,
					       (struct span){ long_id, sizeof(long_id) })) <
			    IKE_ID_TEXT);
}

static void dn_with_bad_lengths(void **state)
{
	struct ike_id id = id_of("CN=gw, O=x");
	struct span good = ike_id_span(&id);
	uint8_t copy[64];

	assert_true(crypto_dn_valid(good));
	for (size_t n = 0; n < good.n; n++)
		assert_false(crypto_dn_valid((struct span){ good.p, n }));
	for (size_t at = 1; at < good.n; at++) { /* inner lengths that lie */
		memcpy(copy, good.p, good.n);
		copy[at] = 0xff;
		(void)crypto_dn_equal((struct span){ copy, good.n }, good);
		(void)crypto_dn_matches((struct span){ copy, good.n }, good);
	}
	assert_false(crypto_dn_valid((struct span){ (const uint8_t *)"\x30\x00", 2 }));
	ike_id_fini(&id);
}

static void psk(void **state)
{
	char longest[200];
	struct secret octets;

	assert_int_equal(ike_psk_octets(&octets, "abc"), 0);
	assert_int_equal(octets.n, 3); /* no added NUL */
	assert_memory_equal(octets.p, "abc", 3);
	secret_free(&octets);
	assert_int_equal(ike_psk_octets(&octets, "0x00fF10"), 0);
	assert_int_equal(octets.n, 3);
	assert_memory_equal(octets.p, "\0\xff\x10", 3);
	secret_free(&octets);
	memset(longest, 'k', sizeof(longest));
	longest[128] = 0;
	assert_int_equal(ike_psk_octets(&octets, longest), 0);
	assert_int_equal(octets.n, 128);
	secret_free(&octets);
	assert_int_equal(ike_psk_octets(&octets, ""), -EINVAL);
	assert_int_equal(ike_psk_octets(&octets, "0x"), -EINVAL);
	assert_int_equal(ike_psk_octets(&octets, "0x123"), -EINVAL);
	assert_int_equal(ike_psk_octets(&octets, "0x12zz"), -EINVAL);
	assert_null(octets.p);
}

static int start(void **state)
{
	return secret_pool_init(1 << 16);
}

static int stop(void **state)
{
	secret_pool_fini();
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parsed_and_printed),
		cmocka_unit_test(refused),
		cmocka_unit_test(patterns),
		cmocka_unit_test(hostile_text),
		cmocka_unit_test(dn_with_bad_lengths),
		cmocka_unit_test(psk),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
