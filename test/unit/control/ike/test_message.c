/* Header, payload chain and the legality table. */
#include "../../cmocka_all.h"
#include "control/ike/build.h"
#include "control/ike/payload.h"

#include <string.h>

static uint8_t buffer[4096];
static struct ike_message m;
static const uint8_t nonce_bytes[32] = { 1, 2, 3 };
static const struct span nonce = { nonce_bytes, sizeof(nonce_bytes) };

static struct ike_header header(uint8_t exchange, uint8_t flags, uint32_t id)
{
	return (struct ike_header){ .spi_i = 0x1122334455667788,
				    .spi_r = exchange == IKE_SA_INIT && !(flags & IKE_FLAG_RESPONSE)
						     ? 0
						     : 0x99aabbccddeeff00,
				    .exchange = exchange,
				    .flags = flags,
				    .message_id = id };
}

static struct ike_proposal proposal(void)
{
	struct ike_proposal p;
	struct span bad;

	assert_int_equal(
		ike_proposal_parse(&p, IKE_PROTOCOL_IKE, "aes256gcm16-prfsha256-x25519", &bad), 0);
	return p;
}

static struct span init_request(void)
{
	struct ike_header h = header(IKE_SA_INIT, IKE_FLAG_INITIATOR, 0);
	struct ike_proposal p = proposal();
	struct ike_builder b;
	struct span message;

	ike_build_start(&b, buffer, sizeof(buffer), &h);
	ike_build_sa(&b, &p, 1, (struct span){ 0 });
	ike_build_ke(&b, 31, nonce);
	ike_build_nonce(&b, nonce);
	assert_int_equal(ike_build_end(&b, &message), 0);
	return message;
}

static void header_round_trip(void **state)
{
	struct span message = init_request();
	struct ike_header h;

	assert_int_equal(ike_header_decode(message, &h), IKE_ERROR_OK);
	assert_int_equal(h.spi_i, 0x1122334455667788);
	assert_int_equal(h.major, 2);
	assert_int_equal(h.exchange, IKE_SA_INIT);
	assert_int_equal(h.next_payload, IKE_PAYLOAD_SA);
	assert_true(ike_header_is_initiator(&h));
	assert_false(ike_header_is_response(&h));
	assert_int_equal(ike_message_decode(message, &m), IKE_ERROR_OK);
	assert_int_equal(m.count, 3);
	assert_int_equal(ike_message_check(&m), IKE_ERROR_OK);
}

static void every_prefix_fails(void **state)
{
	struct span message = init_request();

	for (size_t n = 0; n < message.n; n++) {
		uint8_t copy[4096];
		enum ike_error error;

		memcpy(copy, message.p, n);
		error = ike_message_decode((struct span){ copy, n }, &m);
		assert_int_equal(error, n < IKE_HEADER_BYTES ? IKE_ERROR_SHORT : IKE_ERROR_LENGTH);
		if (n < IKE_HEADER_BYTES)
			continue;
		/* The same with a length that fits: the chain breaks, or ends before it is whole.
		 */
		copy[24] = copy[25] = 0;
		copy[26] = (uint8_t)(n >> 8);
		copy[27] = (uint8_t)n;
		assert_int_not_equal(ike_message_decode((struct span){ copy, n }, &m),
				     IKE_ERROR_OK);
	}
}

/* One octet of the first request changed, and what becomes of it. */
static void header_rules(void **state)
{
	static const struct {
		uint8_t at, value;
		enum ike_error error;
	} table[] = {
		{ 17, 0x10, IKE_ERROR_MAJOR_VERSION }, /* IKEv1 */
		{ 17, 0x30, IKE_ERROR_MAJOR_VERSION },
		{ 17, 0x2f, IKE_ERROR_OK }, /* minor version: ignored */
		{ 18, 0, IKE_ERROR_EXCHANGE },
		{ 18, 33, IKE_ERROR_EXCHANGE },
		{ 18, 38, IKE_ERROR_EXCHANGE },
		{ 18, 240, IKE_ERROR_EXCHANGE },
		{ 19, 0x00, IKE_ERROR_FLAGS },
		{ 19, 0x28, IKE_ERROR_FLAGS },
		{ 19, 0xdf, IKE_ERROR_OK }, /* reserved and version bits: ignored */
		{ 23, 1, IKE_ERROR_MESSAGE_ID },
		{ 8, 1, IKE_ERROR_FLAGS }, /* responder SPI in a request */
		{ 27, 27, IKE_ERROR_LENGTH },
		{ 24, 0xff, IKE_ERROR_LENGTH },
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct span message = init_request();
		struct ike_header h;

		buffer[table[i].at] = table[i].value;
		if (table[i].at == 19 && table[i].value == 0xdf)
			buffer[19] &= (uint8_t)~IKE_FLAG_RESPONSE;
		assert_int_equal(ike_header_decode(message, &h), table[i].error);
		if (table[i].error == IKE_ERROR_MAJOR_VERSION)
			assert_int_equal(h.spi_i, 0x1122334455667788);
		else if (table[i].error)
			assert_int_equal(h.spi_i, 0);
	}
	init_request();
	memset(buffer, 0, 8);
	assert_int_equal(ike_message_decode((struct span){ buffer, buffer[27] }, &m),
			 IKE_ERROR_SPI_ZERO);
}

static void chain_rules(void **state)
{
	struct span message = init_request();
	uint8_t *sa = buffer + IKE_HEADER_BYTES;

	for (uint8_t length = 0; length < 4; length++) {
		message = init_request();
		sa[2] = 0;
		sa[3] = length;
		assert_int_equal(ike_message_decode(message, &m), IKE_ERROR_PAYLOAD_LENGTH);
	}
	message = init_request();
	sa[2] = 0xff;
	assert_int_equal(ike_message_decode(message, &m), IKE_ERROR_PAYLOAD_LENGTH);
	message = init_request();
	sa[0] = IKE_PAYLOAD_NONE;
	assert_int_equal(ike_message_decode(message, &m), IKE_ERROR_TRAILING);
}

static struct span with(uint8_t exchange, uint8_t flags, const uint8_t *types, size_t count)
{
	struct ike_header h = header(exchange, flags, exchange == IKE_SA_INIT ? 0 : 1);
	struct ike_builder b;
	struct span message;

	ike_build_start(&b, buffer, sizeof(buffer), &h);
	for (size_t i = 0; i < count; i++)
		ike_build_raw(&b, types[i], nonce);
	assert_int_equal(ike_build_end(&b, &message), 0);
	return message;
}

#define WITH(exchange, flags, ...)                                                                 \
	with(exchange, flags, (const uint8_t[]){ __VA_ARGS__ },                                    \
	     sizeof((const uint8_t[]){ __VA_ARGS__ }))

static enum ike_error check(struct span message)
{
	enum ike_error error = ike_message_decode(message, &m);

	return error ? error : ike_message_check(&m);
}

static void legality_of_sa_init(void **state)
{
	const uint8_t request = IKE_FLAG_INITIATOR, response = IKE_FLAG_RESPONSE;

	/* Order does not matter. */
	assert_int_equal(check(WITH(IKE_SA_INIT, request, 40, 34, 33)), IKE_ERROR_OK);
	assert_int_equal(check(WITH(IKE_SA_INIT, request, 41, 33, 43, 34, 40, 41)), IKE_ERROR_OK);
	assert_int_equal(check(WITH(IKE_SA_INIT, request, 33, 34)), IKE_ERROR_PAYLOAD_MISSING);
	assert_int_equal(check(WITH(IKE_SA_INIT, request, 33, 40)), IKE_ERROR_PAYLOAD_MISSING);
	assert_int_equal(check(WITH(IKE_SA_INIT, request, 33, 34, 40, 40)),
			 IKE_ERROR_PAYLOAD_TWICE);
	assert_int_equal(check(WITH(IKE_SA_INIT, request, 33, 34, 40, 39)),
			 IKE_ERROR_PAYLOAD_PLACE);
	assert_int_equal(check(WITH(IKE_SA_INIT, request, 33, 34, 40, 46)),
			 IKE_ERROR_PAYLOAD_PLACE);
	assert_int_equal(check(WITH(IKE_SA_INIT, response, 41)), IKE_ERROR_OK);
	assert_int_equal(check(WITH(IKE_SA_INIT, response, 33, 40)), IKE_ERROR_PAYLOAD_MISSING);
	/* Payload numbers of IKEv1 are just unknown. */
	assert_int_equal(check(WITH(IKE_SA_INIT, request, 1, 4, 33, 34, 40)), IKE_ERROR_OK);
}

static void legality_outside_sk(void **state)
{
	assert_int_equal(check(WITH(IKE_AUTH, IKE_FLAG_INITIATOR, 35, 39)),
			 IKE_ERROR_PAYLOAD_PLACE);
	assert_int_equal(check(WITH(IKE_AUTH, IKE_FLAG_INITIATOR, 41)), IKE_ERROR_PAYLOAD_PLACE);
	assert_int_equal(check(WITH(IKE_AUTH, IKE_FLAG_RESPONSE, 41)), IKE_ERROR_OK);
	assert_int_equal(check(WITH(INFORMATIONAL, 0, 41)), IKE_ERROR_OK);
	assert_int_equal(check(WITH(INFORMATIONAL, 0, 41, 42)), IKE_ERROR_PAYLOAD_PLACE);
	assert_int_equal(check(WITH(INFORMATIONAL, 0, 43)), IKE_ERROR_PAYLOAD_PLACE);
	assert_int_equal(check(WITH(CREATE_CHILD_SA, 0, 46)), IKE_ERROR_PAYLOAD_MISSING);
	assert_int_equal(check(WITH(INFORMATIONAL, 0, 46)), IKE_ERROR_OK);
	assert_int_equal(check(WITH(INFORMATIONAL, 0, 41, 46)), IKE_ERROR_PAYLOAD_PLACE);
	assert_int_equal(check(WITH(INFORMATIONAL, 0, 200, 46)), IKE_ERROR_OK);
	assert_int_equal(check(WITH(INFORMATIONAL, 0, 46, 41)), IKE_ERROR_SK_NOT_LAST);
}

/* TAHI's values; the known ones may carry the bit. */
static void critical_bit(void **state)
{
	static const uint8_t types[] = { 1, 32, 49, 54, 255 };

	for (size_t i = 0; i < sizeof(types); i++) {
		struct span message = WITH(IKE_SA_INIT, IKE_FLAG_INITIATOR, types[i], 33, 34, 40);

		assert_int_equal(check(message), IKE_ERROR_OK);
		buffer[IKE_HEADER_BYTES + 1] = 0x80;
		assert_int_equal(check(message), IKE_ERROR_CRITICAL);
		assert_int_equal(m.unknown_critical, types[i]);
		assert_int_equal(ike_error_notify(IKE_ERROR_CRITICAL),
				 IKE_N_UNSUPPORTED_CRITICAL_PAYLOAD);
	}
	init_request();
	buffer[IKE_HEADER_BYTES + 1] = 0xff;
	assert_int_equal(check((struct span){ buffer, buffer[27] | (size_t)buffer[26] << 8 }),
			 IKE_ERROR_OK);
}

static void too_many_payloads(void **state)
{
	uint8_t types[IKE_PAYLOADS_MAX + 1];

	memset(types, 200, sizeof(types));
	assert_int_equal(ike_message_decode(with(INFORMATIONAL, 0, types, sizeof(types) - 1), &m),
			 IKE_ERROR_OK);
	assert_int_equal(ike_message_decode(with(INFORMATIONAL, 0, types, sizeof(types)), &m),
			 IKE_ERROR_TOO_MANY_PAYLOADS);
}

static void fragment_numbers(void **state)
{
	static const struct {
		uint16_t number, total;
		enum ike_error error;
	} table[] = {
		{ 0, 0, IKE_ERROR_FRAGMENT_NUMBER },
		{ 0, 1, IKE_ERROR_FRAGMENT_NUMBER },
		{ 1, 0, IKE_ERROR_FRAGMENT_NUMBER },
		{ 2, 1, IKE_ERROR_FRAGMENT_NUMBER },
		{ 1, 1, IKE_ERROR_OK },
		{ 65535, 65535, IKE_ERROR_OK },
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct span message = WITH(INFORMATIONAL, 0, IKE_PAYLOAD_SKF);
		uint8_t *body = buffer + IKE_HEADER_BYTES + 4;

		body[0] = (uint8_t)(table[i].number >> 8);
		body[1] = (uint8_t)table[i].number;
		body[2] = (uint8_t)(table[i].total >> 8);
		body[3] = (uint8_t)table[i].total;
		assert_int_equal(ike_message_decode(message, &m), table[i].error);
	}
}

static void natt(void **state)
{
	static const uint8_t bytes[] = { 0, 0, 0, 0, 0xff, 1, 2, 3, 4 };
	struct span message;

	assert_int_equal(ike_natt_classify((struct span){ bytes, 9 }, &message), IKE_NATT_IKE);
	assert_int_equal(message.n, 5);
	assert_int_equal(ike_natt_classify((struct span){ bytes, 4 }, &message), IKE_NATT_IKE);
	assert_int_equal(message.n, 0);
	assert_int_equal(ike_natt_classify((struct span){ bytes, 3 }, &message), IKE_NATT_SHORT);
	assert_int_equal(ike_natt_classify((struct span){ bytes, 0 }, &message), IKE_NATT_SHORT);
	assert_int_equal(ike_natt_classify((struct span){ bytes + 4, 1 }, &message),
			 IKE_NATT_KEEPALIVE);
	assert_int_equal(ike_natt_classify((struct span){ bytes + 1, 5 }, &message), IKE_NATT_ESP);
}

static void builder_runs_out_of_room(void **state)
{
	struct ike_header h = header(IKE_SA_INIT, IKE_FLAG_INITIATOR, 0);
	struct ike_proposal p = proposal();
	size_t whole = init_request().n;

	for (size_t n = 0; n < whole; n++) {
		struct ike_builder b;
		struct span message;

		ike_build_start(&b, buffer, n, &h);
		ike_build_sa(&b, &p, 1, (struct span){ 0 });
		ike_build_ke(&b, 31, nonce);
		ike_build_nonce(&b, nonce);
		assert_int_not_equal(ike_build_end(&b, &message), 0);
	}
}

static void every_error_has_words(void **state)
{
	for (int i = 0; i < IKE_ERROR_COUNT; i++) {
		assert_true(strlen(ike_error_text(i)) > 4);
		assert_true(strlen(ike_error_name(i)) > 1);
	}
	assert_string_equal(ike_error_text(IKE_ERROR_COUNT), "?");
	assert_string_equal(ike_notify_text(IKE_N_COOKIE), "COOKIE");
	assert_string_equal(ike_exchange_text(34), "IKE_SA_INIT");
	assert_string_equal(ike_payload_text(35), "IDi");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(header_round_trip),
		cmocka_unit_test(every_prefix_fails),
		cmocka_unit_test(header_rules),
		cmocka_unit_test(chain_rules),
		cmocka_unit_test(legality_of_sa_init),
		cmocka_unit_test(legality_outside_sk),
		cmocka_unit_test(critical_bit),
		cmocka_unit_test(too_many_payloads),
		cmocka_unit_test(fragment_numbers),
		cmocka_unit_test(natt),
		cmocka_unit_test(builder_runs_out_of_room),
		cmocka_unit_test(every_error_has_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
