/*
 * Rows of hostile/hostile_inputs.json that a decoder, the choice of a proposal or the crypto door
 * has to stop. A function per row, named by its id; the file says what the input is and who fell
 * for it. What needs a state machine is tested with the engines.
 */
#include "vector.h"

#include "control/crypto/dh.h"
#include "control/crypto/key.h"
#include "control/ike/auth.h"
#include "control/ike/build.h"
#include "control/ike/constants.h"
#include "control/ike/fragment.h"
#include "control/ike/identity.h"
#include "control/ike/payload.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static struct crypto *crypto;
static struct ike_message m;
static uint8_t buffer[70000];

/* A request IKE_SA_INIT whose payloads are `chain`, first of type `first`. */
static struct span request(uint8_t first, const uint8_t *chain, size_t n)
{
	static const uint8_t header[24] = { 0, 0, 0, 0, 0, 0,	 0,  1, 0, 0, 0, 0,
					    0, 0, 0, 0, 0, 0x20, 34, 8, 0, 0, 0, 0 };
	struct writer w = writer_of(buffer, sizeof(buffer));

	writer_bytes(&w, header, sizeof(header));
	writer_u32(&w, (uint32_t)(28 + n));
	writer_bytes(&w, chain, n);
	buffer[16] = first;
	return (struct span){ buffer, writer_len(&w) };
}

#define BYTES(...) (const uint8_t[]){ __VA_ARGS__ }, sizeof((const uint8_t[]){ __VA_ARGS__ })

static void decodes_to(enum ike_error expected, struct span datagram)
{
	enum ike_error error = ike_message_decode(datagram, &m);

	if (!error)
		error = ike_message_check(&m);
	assert_int_equal(error, expected);
}

static void H001(void)
{
	static const size_t sizes[] = { 0, 1, 4, 16, 17, 27 };

	request(0, NULL, 0);
	for (size_t i = 0; i < 6; i++)
		decodes_to(IKE_ERROR_SHORT, (struct span){ buffer, sizes[i] });
}

static void length_field(uint32_t length)
{
	struct span datagram = request(0, NULL, 0);
	struct writer w = writer_of(buffer + 24, 4);

	writer_u32(&w, length);
	decodes_to(IKE_ERROR_LENGTH, datagram);
}

static void H002(void)
{
	length_field(0);
	length_field(1);
	length_field(27);
}

static void H003(void)
{
	length_field(29);
	length_field(0xffffffff);
	length_field(0x7fffffff);
}

static void H006(void)
{
	struct span datagram = request(0, NULL, 0);

	buffer[7] = 0;
	decodes_to(IKE_ERROR_SPI_ZERO, datagram);
}

static void H008(void)
{
	static const uint8_t types[] = { 0, 1, 33, 38, 39, 40, 41, 42, 43, 44, 240, 255 };

	for (size_t i = 0; i < sizeof(types); i++) {
		struct span datagram = request(0, NULL, 0);

		buffer[18] = types[i];
		decodes_to(IKE_ERROR_EXCHANGE, datagram);
	}
}

static void H011(void)
{
	struct span datagram = request(0, NULL, 0);

	buffer[23] = 1;
	decodes_to(IKE_ERROR_MESSAGE_ID, datagram);
	memset(buffer + 20, 0xff, 4);
	decodes_to(IKE_ERROR_MESSAGE_ID, datagram);
}

static void H012(void)
{
	static const uint8_t keepalive = 0xff, zero[4];
	struct span inner;

	assert_int_equal(ike_natt_classify((struct span){ &keepalive, 1 }, &inner),
			 IKE_NATT_KEEPALIVE);
	for (size_t n = 0; n < 4; n++)
		assert_int_equal(ike_natt_classify((struct span){ zero, n }, &inner),
				 IKE_NATT_SHORT);
	assert_int_equal(ike_natt_classify((struct span){ zero, 4 }, &inner), IKE_NATT_IKE);
	decodes_to(IKE_ERROR_SHORT, inner);
}

static void H013(void)
{
	struct span datagram = request(0, NULL, 0), inner;
	uint8_t marked[32] = { 0 };

	buffer[0] = 0x12; /* an SPI that is no marker */
	assert_int_equal(ike_natt_classify(datagram, &inner), IKE_NATT_ESP);
	memcpy(marked + 4, buffer, 28);
	decodes_to(IKE_ERROR_LENGTH, (struct span){ marked, 32 });
}

static void H017(void)
{
	decodes_to(IKE_ERROR_PAYLOAD_LENGTH, request(33, BYTES(33, 0, 0, 0)));
}

static void H018(void)
{
	for (uint8_t n = 1; n < 4; n++)
		decodes_to(IKE_ERROR_PAYLOAD_LENGTH, request(43, BYTES(0, 0, 0, n, 0, 0, 0, 0)));
}

static void H020(void)
{
	decodes_to(IKE_ERROR_TRAILING, request(43, BYTES(0, 0, 0, 4, 9)));
	decodes_to(IKE_ERROR_TRAILING, request(43, BYTES(0, 0, 0, 4, 9, 9)));
	decodes_to(IKE_ERROR_TRAILING, request(43, BYTES(0, 0, 0, 4, 9, 9, 9)));
}

static void H021(void)
{
	decodes_to(IKE_ERROR_PAYLOAD_LENGTH, request(33, NULL, 0));
	decodes_to(IKE_ERROR_PAYLOAD_LENGTH, request(43, BYTES(40, 0, 0, 4)));
}

static void H023(void)
{
	static const uint8_t doubled[] = { 33, 34, 40 };

	for (size_t i = 0; i < 3; i++) {
		uint8_t chain[] = { 34, 0, 0, 5, 0, 40, 0, 0, 5, 0, 0, 0, 0, 5, 0, 0, 0, 0, 5, 0 };

		chain[10] = doubled[i];
		decodes_to(IKE_ERROR_PAYLOAD_TWICE, request(33, chain, sizeof(chain)));
	}
}

static void H024(void)
{
	decodes_to(IKE_ERROR_PAYLOAD_MISSING, request(0, NULL, 0));
	decodes_to(IKE_ERROR_PAYLOAD_MISSING, request(34, BYTES(40, 0, 0, 5, 0, 0, 0, 0, 5, 0)));
	decodes_to(IKE_ERROR_PAYLOAD_MISSING, request(33, BYTES(40, 0, 0, 5, 0, 0, 0, 0, 5, 0)));
	decodes_to(IKE_ERROR_PAYLOAD_MISSING, request(33, BYTES(34, 0, 0, 5, 0, 0, 0, 0, 5, 0)));
}

static void H027(void)
{
	decodes_to(IKE_ERROR_OK, request(1, BYTES(4, 0, 0, 5, 0, 33, 0, 0, 5, 0, 34, 0, 0, 5, 0, 40,
						  0, 0, 5, 0, 0, 0, 0, 5, 0)));
}

static void H028(void)
{
	decodes_to(IKE_ERROR_OK, request(40, BYTES(33, 0, 0, 5, 0, 34, 0, 0, 5, 0, 0, 0, 0, 5, 0)));
}

static void H029(void)
{
	struct span datagram = request(46, BYTES(0, 0, 0, 8, 1, 2, 3, 4, 0, 0, 0, 4));

	buffer[18] = INFORMATIONAL;
	decodes_to(IKE_ERROR_SK_NOT_LAST, datagram);
	datagram = request(46, BYTES(33, 0, 0, 8, 1, 2, 3, 4));
	buffer[18] = INFORMATIONAL;
	assert_int_equal(ike_message_decode(datagram, &m), IKE_ERROR_OK);
	/* SK inside SK, and a chain that goes on behind the plain text. */
	assert_int_equal(ike_message_append(&m, 46, (struct span){ BYTES(0, 0, 0, 4) }),
			 IKE_ERROR_PAYLOAD_PLACE);
	assert_int_equal(ike_message_append(&m, 41, (struct span){ BYTES(42, 0, 0, 4) }),
			 IKE_ERROR_PAYLOAD_LENGTH);
}

static void sa(enum ike_error expected, const uint8_t *bytes, size_t n)
{
	assert_int_equal(ike_sa_check((struct span){ bytes, n }), expected);
}

static void H032(void)
{
	sa(IKE_ERROR_SA_SYNTAX, NULL, 0);
}

/* One proposal with one ENCR transform; places are then bent. */
static const uint8_t good_sa[] = { 0, 0, 0, 16, 1, 1, 0, 1, 0, 0, 0, 8, 1, 0, 0, 20 };

static void bent(size_t at, uint8_t value, enum ike_error expected)
{
	uint8_t copy[sizeof(good_sa)];

	memcpy(copy, good_sa, sizeof(copy));
	copy[at] = value;
	sa(expected, copy, sizeof(copy));
}

static void H033(void)
{
	sa(IKE_ERROR_OK, good_sa, sizeof(good_sa));
	bent(3, 0, IKE_ERROR_SA_SYNTAX);
	bent(3, 7, IKE_ERROR_SA_SYNTAX);
	bent(3, 17, IKE_ERROR_SA_SYNTAX);
	bent(0, 1, IKE_ERROR_SA_SYNTAX);
	bent(0, 2, IKE_ERROR_SA_SYNTAX);
	bent(0, 3, IKE_ERROR_SA_SYNTAX);
	bent(8, 3, IKE_ERROR_SA_SYNTAX);
}

static void H034(void)
{
	bent(7, 0, IKE_ERROR_SA_SYNTAX);
	bent(7, 255, IKE_ERROR_SA_SYNTAX);
	bent(11, 7, IKE_ERROR_SA_SYNTAX);
	bent(11, 0, IKE_ERROR_SA_SYNTAX);
}

static void many_proposals(size_t count, uint8_t transforms, enum ike_error expected)
{
	struct writer w = writer_of(buffer, sizeof(buffer));

	for (size_t i = 0; i < count; i++) {
		writer_u16(&w, i + 1 < count ? 0x0200 : 0);
		writer_u16(&w, (uint16_t)(8 + 8 * transforms));
		writer_u8(&w, (uint8_t)(i + 1));
		writer_u8(&w, 1);
		writer_u8(&w, 0);
		writer_u8(&w, transforms);
		for (uint8_t k = 0; k < transforms; k++) {
			writer_u16(&w, k + 1 < transforms ? 0x0300 : 0);
			writer_u16(&w, 8);
			writer_u16(&w, 0x0400);
			writer_u16(&w, k);
		}
	}
	assert_true(writer_ok(&w));
	sa(expected, buffer, writer_len(&w));
}

static void H035(void)
{
	many_proposals(255, 1, IKE_ERROR_OK);
	many_proposals(256, 1, IKE_ERROR_SA_TOO_LARGE);
	many_proposals(8, 250, IKE_ERROR_SA_TOO_LARGE);
}

static void H036(void)
{
	bent(4, 0, IKE_ERROR_SA_NUMBER);
	bent(4, 2, IKE_ERROR_SA_NUMBER);
}

static int chosen(const char *policy, const uint8_t *body, size_t n)
{
	struct ike_proposal own;
	struct ike_select select = { &own, 1, IKE_PROTOCOL_IKE, 0, 0, false };
	struct ike_suite suite;
	struct span bad;

	assert_int_equal(ike_proposal_parse(&own, IKE_PROTOCOL_IKE, policy, &bad), 0);
	return ike_select(&select, (struct span){ body, n }, &suite);
}

#define GCM "aes256gcm16-prfsha256-x25519"
#define ENCR_GCM 3, 0, 0, 12, 1, 0, 0, 20, 0x80, 14, 1, 0
#define PRF 3, 0, 0, 8, 2, 0, 0, 5
#define DH_LAST 0, 0, 0, 8, 4, 0, 0, 31

static void H039(void)
{
	assert_int_equal(chosen(GCM, BYTES(0, 0, 0, 36, 1, 1, 0, 3, ENCR_GCM, PRF, DH_LAST)), 0);
	assert_int_equal(
		chosen(GCM, BYTES(0, 0, 0, 28, 1, 1, 0, 2, ENCR_GCM, 0, 0, 0, 8, 2, 0, 0, 5)),
		-ENOENT);
	assert_int_equal(
		chosen(GCM, BYTES(0, 0, 0, 36, 1, 1, 0, 3, ENCR_GCM, PRF, 0, 0, 0, 8, 4, 0, 0, 0)),
		-ENOENT);
	assert_int_equal(chosen(GCM, BYTES(0, 0, 0, 28, 1, 1, 0, 2, ENCR_GCM, DH_LAST)), -ENOENT);
}

static void H040(void)
{
	assert_int_equal(chosen(GCM, BYTES(0, 0, 0, 44, 1, 1, 0, 4, ENCR_GCM, PRF, 3, 0, 0, 8, 3, 0,
					   0, 12, DH_LAST)),
			 -ENOENT);
	assert_int_equal(chosen("aes256-sha256-x25519",
				BYTES(0, 0, 0, 44, 1, 1, 0, 4, 3, 0, 0, 12, 1, 0, 0, 12, 0x80, 14,
				      1, 0, PRF, 3, 0, 0, 8, 3, 0, 0, 0, DH_LAST)),
			 -ENOENT);
	assert_int_equal(
		chosen("aes256-sha256-x25519", BYTES(0, 0, 0, 40, 1, 1, 0, 4, 3, 0, 0, 8, 1, 0, 0,
						     11, PRF, 3, 0, 0, 8, 3, 0, 0, 12, DH_LAST)),
		-ENOENT);
}

static void H041(void)
{
	static const uint16_t lengths[] = { 0, 1, 127, 129, 128, 65535 };

	for (size_t i = 0; i < 6; i++) {
		uint8_t body[] = { 0, 0, 0, 36, 1, 1, 0, 3, ENCR_GCM, PRF, DH_LAST };

		body[18] = (uint8_t)(lengths[i] >> 8);
		body[19] = (uint8_t)lengths[i];
		assert_int_equal(chosen(GCM, body, sizeof(body)), -ENOENT);
	}
	/* Missing, twice, in the long form. */
	assert_int_equal(
		chosen(GCM, BYTES(0, 0, 0, 32, 1, 1, 0, 3, 3, 0, 0, 8, 1, 0, 0, 20, PRF, DH_LAST)),
		-ENOENT);
	assert_int_equal(chosen(GCM, BYTES(0, 0, 0, 40, 1, 1, 0, 3, 3, 0, 0, 16, 1, 0, 0, 20, 0x80,
					   14, 1, 0, 0x80, 14, 1, 0, PRF, DH_LAST)),
			 -ENOENT);
	assert_int_equal(chosen(GCM, BYTES(0, 0, 0, 38, 1, 1, 0, 3, 3, 0, 0, 14, 1, 0, 0, 20, 0, 14,
					   0, 2, 1, 0, PRF, DH_LAST)),
			 -ENOENT);
}

static void H042(void)
{
	/* An attribute of no octets is only unknown, one past the end is bad syntax. */
	assert_int_equal(chosen(GCM, BYTES(0, 0, 0, 36, 1, 1, 0, 3, 3, 0, 0, 12, 1, 0, 0, 20, 0, 14,
					   0, 0, PRF, DH_LAST)),
			 -ENOENT);
	sa(IKE_ERROR_SA_SYNTAX,
	   BYTES(0, 0, 0, 20, 1, 1, 0, 1, 0, 0, 0, 12, 1, 0, 0, 20, 0, 14, 0xff, 0xff));
}

static void value(uint16_t group, const uint8_t *bytes, size_t n)
{
	struct crypto_dh *dh;
	struct secret shared;

	assert_int_equal(crypto_dh_new(crypto, group, &dh), 0);
	assert_int_equal(crypto_dh_compute(crypto, dh, (struct span){ bytes, n }, &shared),
			 -EBADMSG);
	crypto_dh_free(dh);
}

static void H050(void)
{
	static const uint16_t groups[] = { 2, 14, 19, 20, 21, 31, 32 };
	static const uint8_t bytes[8000] = { 9 };
	struct ike_ke ke;

	assert_int_equal(ike_ke_decode((struct span){ bytes, 4 }, &ke), IKE_ERROR_KE_SYNTAX);
	for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++) {
		size_t n = crypto_dh_public_size(groups[i]);

		value(groups[i], bytes, 0);
		value(groups[i], bytes, 1);
		value(groups[i], bytes, n - 1);
		value(groups[i], bytes, n + 1);
		value(groups[i], bytes, sizeof(bytes));
	}
}

/* The prime of group 2 (RFC 2409 section 6.2). */
static const char p1024[] = "ffffffffffffffffc90fdaa22168c234c4c6628b80dc1cd129024e088a67cc74"
			    "020bbea63b139b22514a08798e3404ddef9519b3cd3a431b302b0a6df25f1437"
			    "4fe1356d6d51c245e485b576625e7ec6f44c42e9a637ed6b0bff5cb6f406b7ed"
			    "ee386bfb5a899fa5ae9f24117c4b1fe649286651ece65381ffffffffffffffff";

static void H051(void)
{
	static struct vector_bytes p;
	uint8_t ones[128], zero[128] = { 0 };

	value(2, zero, 128);
	zero[127] = 1;
	value(2, zero, 128);
	memset(ones, 0xff, 128);
	value(2, ones, 128);
	vector_unhex(&p, p1024);
	value(2, p.p, 128);
	p.p[127]--;
	value(2, p.p, 128); /* p - 1 */
	memset(p.p + 120, 0, 8);
	p.p[119]++; /* p + 1: the carry of eight ff */
	value(2, p.p, 128);
}

static void H052(void)
{
	static uint8_t two[256];

	assert_false(crypto_dh_supported(crypto, 22));
	assert_false(crypto_dh_supported(crypto, 23));
	two[255] = 2; /* not in group 24's subgroup of 256 bits */
	value(24, two, 256);
}

static void H056(void)
{
	struct ike_ke ke;

	assert_int_equal(ike_ke_decode((struct span){ BYTES(0, 31, 0xff, 0xff, 1) }, &ke),
			 IKE_ERROR_OK);
	assert_int_equal(ke.group, 31);
}

static void H068(void)
{
	static const uint8_t numbers[][4] = { { 0, 0, 0, 1 }, { 0, 1, 0, 0 }, { 0, 2, 0, 1 } };
	struct ike_reassembly *r = calloc(1, sizeof(*r));
	struct ike_content whole;

	for (size_t i = 0; i < 3; i++) {
		uint8_t chain[] = { 0, 0, 0, 12, 0, 0, 0, 0, 1, 2, 3, 4 };
		struct span datagram;

		memcpy(chain + 4, numbers[i], 4);
		datagram = request(53, chain, sizeof(chain));
		buffer[18] = IKE_AUTH;
		buffer[23] = 1;
		decodes_to(IKE_ERROR_FRAGMENT_NUMBER, datagram);
	}
	m = (struct ike_message){ .sk_number = 1, .sk_total = 65535 };
	assert_int_equal(ike_reassembly_add(r, &m, (struct span){ buffer, 10 }, 0, &whole),
			 IKE_ERROR_FRAGMENT_LIMIT);
	free(r);
}

static void H076(void)
{
	uint8_t chain[4 * 100 + 12] = { 0 };
	struct span datagram;

	for (size_t i = 0; i < 100; i++) {
		chain[4 * i] = i < 99 ? 200 : 53;
		chain[4 * i + 3] = 4;
	}
	memcpy(chain + 400, (const uint8_t[]){ 0, 0, 0, 12, 0, 1, 0, 2, 1, 2, 3, 4 }, 12);
	datagram = request(200, chain, sizeof(chain));
	buffer[18] = IKE_AUTH;
	buffer[23] = 1;
	decodes_to(IKE_ERROR_TOO_MANY_PAYLOADS, datagram);
}

static void H077(void)
{
	struct ike_reassembly *r = calloc(1, sizeof(*r));
	struct ike_content whole;

	m = (struct ike_message){ .sk_total = 3 };
	for (uint16_t i = 1; i <= 3; i++) {
		m.sk_number = i;
		assert_int_equal(
			ike_reassembly_add(r, &m, (struct span){ buffer, 30000 }, 0, &whole),
			i < 3 ? IKE_ERROR_OK : IKE_ERROR_FRAGMENT_LIMIT);
	}
	ike_reassembly_reset(r);
	free(r);
}

static void H082(void)
{
	static const char hostile[] = "\x1b[2J%s%n\n\"'`;|$()";
	struct ike_id_payload id;
	char text[IKE_ID_TEXT];

	assert_int_equal(ike_id_decode((struct span){ BYTES(2, 0, 0, 0, 'a', 0, 'b') }, &id),
			 IKE_ERROR_ID_SYNTAX);
	ike_id_text(text, ID_FQDN, (struct span){ (const uint8_t *)hostile, strlen(hostile) });
	for (const char *c = text; *c; c++)
		assert_in_range(*c, 0x20, 0x7e);
}

static void H093(void)
{
	struct ike_auth_octets octets = { .prf = CRYPTO_PRF_HMAC_SHA256 };
	const struct span psk = { (const uint8_t *)"k", 1 };
	uint8_t auth[64];
	size_t n = sizeof(auth);

	assert_int_equal(ike_auth_psk(crypto, psk, &octets, auth, &n), 0);
	for (size_t k = 0; k < 64; k++)
		assert_int_equal(ike_auth_psk_check(crypto, psk, &octets, (struct span){ auth, k }),
				 k == 32 ? 0 : -EBADMSG);
}

static void ts(enum ike_error expected, const uint8_t *bytes, size_t n)
{
	static struct ike_ts out;

	assert_int_equal(ike_ts_decode((struct span){ bytes, n }, &out), expected);
}

#define TS4(start, end) 7, 0, 0, 16, 0, 0, 255, 255, 10, 0, 0, start, 10, 0, 0, end

static void H113(void)
{
	ts(IKE_ERROR_TS_SYNTAX, BYTES(0, 0, 0, 0));
	ts(IKE_ERROR_TS_SYNTAX, BYTES(255, 0, 0, 0, TS4(0, 255)));
	ts(IKE_ERROR_TS_SYNTAX, BYTES(1, 0, 0, 0, 7, 0, 0, 0));
	ts(IKE_ERROR_TS_SYNTAX, BYTES(1, 0, 0, 0, 7, 0, 0, 8, 0, 0, 255, 255));
	ts(IKE_ERROR_TS_SYNTAX,
	   BYTES(1, 0, 0, 0, 8, 0, 0, 16, 0, 0, 255, 255, 10, 0, 0, 0, 10, 0, 0, 1));
	ts(IKE_ERROR_OK, BYTES(1, 0, 0, 0, TS4(0, 255)));
}

static void H114(void)
{
	static const uint8_t types[] = { 0, 6, 9, 10, 255 };

	for (size_t i = 0; i < sizeof(types); i++) {
		static struct ike_ts out;
		uint8_t body[] = { 1, 0, 0, 0, TS4(0, 255) };

		body[4] = types[i];
		assert_int_equal(ike_ts_decode((struct span){ body, sizeof(body) }, &out),
				 IKE_ERROR_OK);
		assert_int_equal(out.count, 0); /* nothing to agree on: TS_UNACCEPTABLE */
		assert_int_equal(out.unknown, 1);
	}
	ts(IKE_ERROR_TS_RANGE, BYTES(1, 0, 0, 0, TS4(255, 0)));
	ts(IKE_ERROR_TS_RANGE,
	   BYTES(1, 0, 0, 0, 7, 0, 0, 16, 0, 2, 0, 1, 10, 0, 0, 0, 10, 0, 0, 1));
}

static void H116(void)
{
	struct ike_cp cp;
	struct span long_rest = { BYTES(1, 0, 0, 0, 0, 1, 0, 9, 1, 2, 3, 4) };
	struct span five = { BYTES(1, 0, 0, 0, 0, 1, 0, 5, 1, 2, 3, 4, 5) };
	struct span unknown = { BYTES(1, 0, 0, 0, 0x7f, 0xff, 0, 1, 1) };
	uint8_t many[4 + 4 * 1000] = { 1 };

	assert_int_equal(ike_cp_decode(long_rest, &cp), IKE_ERROR_CP_SYNTAX);
	assert_int_equal(ike_cp_decode(five, &cp), IKE_ERROR_CP_SYNTAX);
	assert_int_equal(ike_cp_decode(unknown, &cp), IKE_ERROR_OK);
	assert_int_equal(ike_cp_decode((struct span){ many, sizeof(many) }, &cp), IKE_ERROR_OK);
}

static void H119(void)
{
	static const uint8_t protocols[] = { 0, 1, 4 }, sizes[] = { 0, 3, 8 };
	struct ike_notify notify;

	for (size_t i = 0; i < 3; i++) {
		uint8_t body[] = { protocols[i], 4, 0x40, 9, 1, 2, 3, 4, 5, 6, 7, 8 };

		assert_int_equal(ike_notify_decode((struct span){ body, 8 }, &notify),
				 IKE_ERROR_NOTIFY_SYNTAX);
		body[0] = IKE_PROTOCOL_ESP;
		body[1] = sizes[i];
		assert_int_equal(ike_notify_decode((struct span){ body, 12 }, &notify),
				 IKE_ERROR_NOTIFY_SYNTAX);
	}
}

static const struct {
	const char *id;
	void (*run)(void);
} rows[] = {
#define ROW(id)                                                                                    \
	{                                                                                          \
#id, id                                                                            \
	}
	ROW(H001), ROW(H002), ROW(H003), ROW(H006), ROW(H008), ROW(H011), ROW(H012), ROW(H013),
	ROW(H017), ROW(H018), ROW(H020), ROW(H021), ROW(H023), ROW(H024), ROW(H027), ROW(H028),
	ROW(H029), ROW(H032), ROW(H033), ROW(H034), ROW(H035), ROW(H036), ROW(H039), ROW(H040),
	ROW(H041), ROW(H042), ROW(H050), ROW(H051), ROW(H052), ROW(H056), ROW(H068), ROW(H076),
	ROW(H077), ROW(H082), ROW(H093), ROW(H113), ROW(H114), ROW(H116), ROW(H119),
#undef ROW
};

static void battery(void **state)
{
	cJSON *file = vector_json("hostile/hostile_inputs.json");
	const cJSON *list = cJSON_GetObjectItemCaseSensitive(file, "rows"), *row;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		bool found = false;

		cJSON_ArrayForEach(row, list)
		{
			if (strcmp(vector_text(row, "id"), rows[i].id) != 0)
				continue;
			found = true;
			print_message("%s %s\n", rows[i].id, vector_text(row, "input"));
		}
		assert_true(found);
		rows[i].run();
	}
	cJSON_Delete(file);
}

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

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(battery) };

	return cmocka_run_group_tests(tests, start, stop);
}
