/* Each payload: built, decoded, compared; then every prefix of its body, which must fail cleanly.
 */
#include "../../cmocka_all.h"
#include "control/ike/build.h"
#include "control/ike/payload.h"

#include <stdlib.h>
#include <string.h>

static uint8_t buffer[8192];
static struct ike_builder b;
static const uint8_t bytes[300] = { 0xaa, 0xbb, 0xcc, 0xdd, 0xee };

static struct span some(size_t n)
{
	return (struct span){ bytes, n };
}

static void begin(void)
{
	struct ike_header h = { .spi_i = 1, .spi_r = 2, .exchange = INFORMATIONAL };

	ike_build_start(&b, buffer, sizeof(buffer), &h);
}

static struct span body(void)
{
	static struct ike_message m;
	struct span message;

	assert_int_equal(ike_build_end(&b, &message), 0);
	assert_int_equal(ike_message_decode(message, &m), IKE_ERROR_OK);
	assert_int_equal(m.count, 1);
	return m.payloads[0].body;
}

/* In memory of its exact size, so that a sanitizer sees a read past its end. */
#define PREFIXES_FAIL(full, decode, out)                                                           \
	for (size_t n_ = 0; n_ < (full).n; n_++) {                                                 \
		uint8_t *copy_ = malloc(n_ ? n_ : 1);                                              \
                                                                                                   \
		memcpy(copy_, (full).p, n_);                                                       \
		assert_int_not_equal(decode((struct span){ copy_, n_ }, out), IKE_ERROR_OK);       \
		free(copy_);                                                                       \
	}

static void ke(void **state)
{
	struct ike_ke out;
	struct span full;

	begin();
	ike_build_ke(&b, 20, some(1));
	full = body();
	assert_int_equal(ike_ke_decode(full, &out), IKE_ERROR_OK);
	assert_int_equal(out.group, 20);
	assert_int_equal(out.data.n, 1);
	PREFIXES_FAIL(full, ike_ke_decode, &out);
}

static void id(void **state)
{
	static const struct {
		uint8_t type;
		uint16_t n;
		bool ok;
	} table[] = {
		{ ID_IPV4_ADDR, 4, true },
		{ ID_IPV4_ADDR, 3, false },
		{ ID_IPV4_ADDR, 16, false },
		{ ID_IPV6_ADDR, 16, true },
		{ ID_IPV6_ADDR, 4, false },
		{ ID_FQDN, 5, true },
		{ ID_FQDN, 0, false },
		{ ID_FQDN, 6, false }, /* a zero octet */
		{ ID_KEY_ID, 6, true },
		{ ID_KEY_ID, 0, false },
		{ ID_NULL, 0, true },
		{ 0, 4, false },
		{ 77, 9, true },
	};
	struct ike_id_payload out;
	struct span full;

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		begin();
		ike_build_id(&b, IKE_PAYLOAD_IDi, table[i].type, some(table[i].n));
		full = body();
		assert_int_equal(ike_id_decode(full, &out),
				 table[i].ok ? IKE_ERROR_OK : IKE_ERROR_ID_SYNTAX);
		assert_int_equal(out.body.n, table[i].n + 4u);
	}
	begin();
	ike_build_id(&b, IKE_PAYLOAD_IDr, ID_IPV6_ADDR, some(16));
	full = body();
	PREFIXES_FAIL(full, ike_id_decode, &out);
	memset(buffer, 1, sizeof(buffer));
	buffer[0] = ID_KEY_ID;
	assert_int_equal(ike_id_decode((struct span){ buffer, 4 + IKE_ID_MAX }, &out),
			 IKE_ERROR_OK);
	assert_int_equal(ike_id_decode((struct span){ buffer, 5 + IKE_ID_MAX }, &out),
			 IKE_ERROR_ID_SYNTAX);
}

static void cert_and_request(void **state)
{
	struct ike_cert out;
	struct span full;

	begin();
	ike_build_cert(&b, IKE_CERT_X509_SIGNATURE, some(1));
	full = body();
	assert_int_equal(ike_cert_decode(full, &out), IKE_ERROR_OK);
	assert_int_equal(out.encoding, 4);
	PREFIXES_FAIL(full, ike_cert_decode, &out);
	begin();
	ike_build_certreq(&b, IKE_CERT_X509_SIGNATURE, some(40));
	full = body();
	assert_int_equal(ike_certreq_decode(full, &out), IKE_ERROR_OK);
	full.n--;
	assert_int_equal(ike_certreq_decode(full, &out), IKE_ERROR_CERTREQ_SYNTAX);
	full.n = 1;
	assert_int_equal(ike_certreq_decode(full, &out), IKE_ERROR_OK);
	full.n = 0;
	assert_int_equal(ike_certreq_decode(full, &out), IKE_ERROR_CERTREQ_SYNTAX);
}

static void auth(void **state)
{
	struct ike_auth_payload out;
	struct span full;

	begin();
	ike_build_auth(&b, IKE_AUTH_SHARED_KEY_MIC, some(1));
	full = body();
	assert_int_equal(ike_auth_decode(full, &out), IKE_ERROR_OK);
	assert_int_equal(out.method, 2);
	PREFIXES_FAIL(full, ike_auth_decode, &out);
}

static void nonce(void **state)
{
	static const size_t sizes[] = { 0, 15, 16, 256, 257 };
	struct span out;

	for (size_t i = 0; i < 5; i++)
		assert_int_equal(ike_nonce_decode(some(sizes[i]), &out),
				 sizes[i] >= 16 && sizes[i] <= 256 ? IKE_ERROR_OK
								   : IKE_ERROR_NONCE_SIZE);
}

static void notify(void **state)
{
	static const struct {
		uint16_t type;
		uint16_t n;
		enum ike_error error;
	} table[] = {
		{ IKE_N_COOKIE, 0, IKE_ERROR_NOTIFY_DATA },
		{ IKE_N_COOKIE, 1, IKE_ERROR_OK },
		{ IKE_N_COOKIE, 64, IKE_ERROR_OK },
		{ IKE_N_COOKIE, 65, IKE_ERROR_NOTIFY_DATA },
		{ IKE_N_COOKIE2, 7, IKE_ERROR_NOTIFY_DATA },
		{ IKE_N_COOKIE2, 8, IKE_ERROR_OK },
		{ IKE_N_SET_WINDOW_SIZE, 3, IKE_ERROR_NOTIFY_DATA },
		{ IKE_N_SET_WINDOW_SIZE, 4, IKE_ERROR_OK },
		{ IKE_N_NAT_DETECTION_SOURCE_IP, 19, IKE_ERROR_NOTIFY_DATA },
		{ IKE_N_NAT_DETECTION_SOURCE_IP, 20, IKE_ERROR_OK },
		{ IKE_N_INVALID_KE_PAYLOAD, 1, IKE_ERROR_NOTIFY_DATA },
		{ IKE_N_INVALID_KE_PAYLOAD, 2, IKE_ERROR_OK },
		{ IKE_N_SIGNATURE_HASH_ALGORITHMS, 3, IKE_ERROR_NOTIFY_DATA },
		{ IKE_N_REKEY_SA, 0, IKE_ERROR_NOTIFY_SYNTAX }, /* protocol 0, no SPI */
		{ IKE_N_CHILD_SA_NOT_FOUND, 0, IKE_ERROR_NOTIFY_SYNTAX },
		{ 12345, 0, IKE_ERROR_OK },
		{ 54321, 200, IKE_ERROR_OK },
	};
	struct ike_notify out;
	struct span full;

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		begin();
		ike_build_notify(&b, table[i].type, some(table[i].n));
		full = body();
		assert_int_equal(ike_notify_decode(full, &out), table[i].error);
		assert_int_equal(out.type, table[i].type);
	}
	begin();
	ike_build_notify_spi(&b, IKE_N_REKEY_SA, IKE_PROTOCOL_ESP, 0x01020304, some(0));
	full = body();
	assert_int_equal(ike_notify_decode(full, &out), IKE_ERROR_OK);
	assert_memory_equal(out.spi.p, "\1\2\3\4", 4);
	PREFIXES_FAIL(full, ike_notify_decode, &out);
	begin();
	ike_build_notify_spi(&b, IKE_N_REKEY_SA, IKE_PROTOCOL_IKE, 0x01020304, some(0));
	assert_int_equal(ike_notify_decode(body(), &out), IKE_ERROR_NOTIFY_SYNTAX);
	/* An SPI size past the end. */
	full = some(8);
	assert_int_equal(ike_notify_decode(full, &out), IKE_ERROR_NOTIFY_SYNTAX);
}

static void notifies_of_a_message(void **state)
{
	static struct ike_message m;
	struct ike_notify out;
	struct span message;

	begin();
	ike_build_notify(&b, IKE_N_INITIAL_CONTACT, some(0));
	ike_build_notify(&b, IKE_N_COOKIE, some(65)); /* broken */
	ike_build_notify(&b, IKE_N_TS_UNACCEPTABLE, some(0));
	assert_int_equal(ike_build_end(&b, &message), 0);
	assert_int_equal(ike_message_decode(message, &m), IKE_ERROR_OK);
	assert_true(ike_notify_has(&m, IKE_N_INITIAL_CONTACT));
	assert_false(ike_notify_has(&m, IKE_N_MOBIKE_SUPPORTED));
	assert_int_equal(ike_notify_find(&m, IKE_N_COOKIE, &out), IKE_ERROR_NOTIFY_DATA);
	assert_int_equal(ike_notify_find(&m, IKE_N_COOKIE2, &out), IKE_ERROR_PAYLOAD_MISSING);
	assert_int_equal(ike_notify_first_error(&m, &out), IKE_N_TS_UNACCEPTABLE);
}

static void signature_hashes(void **state)
{
	const uint32_t set = 1u << 2 | 1u << 4 | 1u << 5;
	struct ike_notify out;

	begin();
	ike_build_signature_hashes(&b, set);
	assert_int_equal(ike_notify_decode(body(), &out), IKE_ERROR_OK);
	assert_int_equal(ike_signature_hashes_decode(out.data), set);
	/* Numbers that nobody has assigned are skipped. */
	assert_int_equal(ike_signature_hashes_decode((struct span){ (uint8_t *)"\xff\xff\0\2", 4 }),
			 1u << 2);
}

static void delete (void **state)
{
	const uint32_t spis[] = { 0x11223344, 0xffffffff };
	struct ike_delete out;
	struct span full;
	uint8_t copy[32];

	begin();
	ike_build_delete_esp(&b, spis, 2);
	full = body();
	assert_int_equal(ike_delete_decode(full, &out), IKE_ERROR_OK);
	assert_int_equal(out.count, 2);
	assert_int_equal(ike_delete_spi(&out, 0), spis[0]);
	assert_int_equal(ike_delete_spi(&out, 1), spis[1]);
	PREFIXES_FAIL(full, ike_delete_decode, &out);
	for (size_t at = 0; at < 4; at++) { /* protocol, SPI size, count: each one off */
		memcpy(copy, full.p, full.n);
		copy[at]++;
		assert_int_equal(ike_delete_decode((struct span){ copy, full.n }, &out),
				 IKE_ERROR_DELETE_SYNTAX);
	}
	begin();
	ike_build_delete_ike(&b);
	full = body();
	assert_int_equal(ike_delete_decode(full, &out), IKE_ERROR_OK);
	assert_int_equal(out.protocol, IKE_PROTOCOL_IKE);
	PREFIXES_FAIL(full, ike_delete_decode, &out);
}

static struct net_selector range(const char *start, const char *end, uint16_t from, uint16_t to)
{
	struct net_selector s = { .port_start = from, .port_end = to, .protocol = 17 };

	assert_int_equal(net_addr_parse(&s.start, start), 0);
	assert_int_equal(net_addr_parse(&s.end, end), 0);
	return s;
}

static void ts(void **state)
{
	const struct net_selector selectors[] = {
		range("10.0.0.0", "10.0.0.255", 0, 65535),
		range("2001:db8::", "2001:db8::ffff", 500, 500),
		range("10.1.0.1", "10.1.0.1", 65535, 0), /* OPAQUE */
	};
	static struct ike_ts out;
	uint8_t copy[128];
	struct span full;

	begin();
	ike_build_ts(&b, IKE_PAYLOAD_TSi, selectors, 3);
	full = body();
	assert_int_equal(ike_ts_decode(full, &out), IKE_ERROR_OK);
	assert_int_equal(out.count, 3);
	for (int i = 0; i < 3; i++)
		assert_memory_equal(&out.selectors[i], &selectors[i], sizeof(selectors[0]));
	PREFIXES_FAIL(full, ike_ts_decode, &out);

	memcpy(copy, full.p, full.n);
	copy[4] = 9; /* a type that nobody knows is skipped */
	assert_int_equal(ike_ts_decode((struct span){ copy, full.n }, &out), IKE_ERROR_OK);
	assert_int_equal(out.count, 2);
	assert_int_equal(out.unknown, 1);
	copy[4] = TS_IPV6_ADDR_RANGE; /* length of the other family */
	assert_int_equal(ike_ts_decode((struct span){ copy, full.n }, &out), IKE_ERROR_TS_SYNTAX);
	memcpy(copy, full.p, full.n);
	copy[4 + 8] = 11; /* starts after it ends */
	assert_int_equal(ike_ts_decode((struct span){ copy, full.n }, &out), IKE_ERROR_TS_RANGE);
	memcpy(copy, full.p, full.n);
	copy[0] = 0;
	assert_int_equal(ike_ts_decode((struct span){ copy, full.n }, &out), IKE_ERROR_TS_SYNTAX);
	copy[0] = 4;
	assert_int_equal(ike_ts_decode((struct span){ copy, full.n }, &out), IKE_ERROR_TS_SYNTAX);
	copy[0] = 2;
	assert_int_equal(ike_ts_decode((struct span){ copy, full.n }, &out), IKE_ERROR_TS_SYNTAX);
	begin();
	ike_build_ts(&b, IKE_PAYLOAD_TSi, selectors, 0);
	assert_int_not_equal(ike_build_end(&b, &full), 0);
}

static void cp(void **state)
{
	struct ike_cp_attribute attribute;
	struct cursor c;
	struct ike_cp out;
	struct span full;

	begin();
	ike_build_cp(&b, CFG_REQUEST);
	ike_build_cp_attribute(&b, INTERNAL_IP4_ADDRESS, some(0));
	ike_build_cp_attribute(&b, INTERNAL_IP4_DNS, some(4));
	ike_build_cp_attribute(&b, 5, some(3)); /* expired number: any length */
	ike_build_close(&b);
	full = body();
	assert_int_equal(ike_cp_decode(full, &out), IKE_ERROR_OK);
	c = cursor_of(out.attributes.p, out.attributes.n);
	assert_true(ike_cp_next(&c, &attribute));
	assert_int_equal(attribute.type, INTERNAL_IP4_ADDRESS);
	assert_true(ike_cp_next(&c, &attribute));
	assert_int_equal(attribute.value.n, 4);
	assert_true(ike_cp_next(&c, &attribute));
	assert_false(ike_cp_next(&c, &attribute));
	assert_true(cursor_ok(&c));
	for (size_t n = 0; n < full.n; n++) {
		enum ike_error error = ike_cp_decode((struct span){ full.p, n }, &out);
		bool boundary = n == 4 || n == 8 || n == 16;

		assert_int_equal(error, boundary ? IKE_ERROR_OK : IKE_ERROR_CP_SYNTAX);
	}
	begin();
	ike_build_cp(&b, CFG_REPLY);
	ike_build_cp_attribute(&b, INTERNAL_IP4_ADDRESS, some(5));
	ike_build_close(&b);
	assert_int_equal(ike_cp_decode(body(), &out), IKE_ERROR_CP_SYNTAX);
}

static void eap(void **state)
{
	static const uint8_t request[] = { 1, 7, 0, 6, 26, 9 }, success[] = { 3, 7, 0, 4 };
	uint8_t copy[8];
	struct ike_eap out;
	struct span full = { request, sizeof(request) };

	assert_int_equal(ike_eap_decode(full, &out), IKE_ERROR_OK);
	assert_int_equal(out.type, 26);
	assert_int_equal(out.data.n, 1);
	PREFIXES_FAIL(full, ike_eap_decode, &out);
	full = (struct span){ success, 4 };
	assert_int_equal(ike_eap_decode(full, &out), IKE_ERROR_OK);
	PREFIXES_FAIL(full, ike_eap_decode, &out);
	for (uint8_t length = 0; length < 8; length++) { /* a length below its own header */
		memcpy(copy, request, sizeof(request));
		copy[3] = length;
		assert_int_equal(ike_eap_decode((struct span){ copy, 6 }, &out),
				 length == 6 ? IKE_ERROR_OK : IKE_ERROR_EAP_SYNTAX);
	}
	memcpy(copy, request, sizeof(request));
	copy[0] = 5;
	assert_int_equal(ike_eap_decode((struct span){ copy, 6 }, &out), IKE_ERROR_EAP_SYNTAX);
	copy[0] = 3; /* Success has no data */
	assert_int_equal(ike_eap_decode((struct span){ copy, 6 }, &out), IKE_ERROR_EAP_SYNTAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ke),
		cmocka_unit_test(id),
		cmocka_unit_test(cert_and_request),
		cmocka_unit_test(auth),
		cmocka_unit_test(nonce),
		cmocka_unit_test(notify),
		cmocka_unit_test(notifies_of_a_message),
		cmocka_unit_test(signature_hashes),
		cmocka_unit_test(delete),
		cmocka_unit_test(ts),
		cmocka_unit_test(cp),
		cmocka_unit_test(eap),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
