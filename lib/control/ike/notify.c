#include "control/ike/payload.h"

/* Sizes that an RFC fixes; a type without a row has any. */
static const struct {
	uint16_t type;
	uint8_t spi_size;
	uint16_t min;
	uint16_t max;
} sizes[] = {
	{ IKE_N_UNSUPPORTED_CRITICAL_PAYLOAD, 0, 1, 1 },
	{ IKE_N_INVALID_KE_PAYLOAD, 0, 2, 2 },
	{ IKE_N_INVALID_SPI, 0, 4, 4 },
	{ IKE_N_CHILD_SA_NOT_FOUND, 4, 0, UINT16_MAX },
	{ IKE_N_REKEY_SA, 4, 0, UINT16_MAX },
	{ IKE_N_SET_WINDOW_SIZE, 0, 4, 4 },
	{ IKE_N_IPCOMP_SUPPORTED, 0, 3, 3 },
	{ IKE_N_NAT_DETECTION_SOURCE_IP, 0, 20, 20 },
	{ IKE_N_NAT_DETECTION_DESTINATION_IP, 0, 20, 20 },
	{ IKE_N_COOKIE, 0, 1, IKE_COOKIE_MAX },
	{ IKE_N_ADDITIONAL_IP4_ADDRESS, 0, 4, 4 },
	{ IKE_N_ADDITIONAL_IP6_ADDRESS, 0, 16, 16 },
	{ IKE_N_COOKIE2, 0, 8, 64 },
	{ IKE_N_AUTH_LIFETIME, 0, 4, 4 },
	{ IKE_N_SIGNATURE_HASH_ALGORITHMS, 0, 2, UINT16_MAX },
};

static enum ike_error check_sizes(const struct ike_notify *notify)
{
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		if (sizes[i].type != notify->type)
			continue;
		if (sizes[i].spi_size &&
		    (notify->spi.n != sizes[i].spi_size ||
		     (notify->protocol != IKE_PROTOCOL_AH && notify->protocol != IKE_PROTOCOL_ESP)))
			return IKE_ERROR_NOTIFY_SYNTAX;
		if (notify->data.n < sizes[i].min || notify->data.n > sizes[i].max)
			return IKE_ERROR_NOTIFY_DATA;
		if (notify->type == IKE_N_SIGNATURE_HASH_ALGORITHMS && notify->data.n % 2)
			return IKE_ERROR_NOTIFY_DATA;
	}
	return IKE_ERROR_OK;
}

enum ike_error ike_notify_decode(struct span body, struct ike_notify *notify)
{
	struct cursor c = cursor_of(body.p, body.n);
	uint8_t spi_size;

	notify->protocol = cursor_u8(&c);
	spi_size = cursor_u8(&c);
	notify->type = cursor_u16(&c);
	notify->spi = cursor_span(&c, spi_size);
	notify->data = cursor_rest(&c);
	if (!cursor_ok(&c))
		return IKE_ERROR_NOTIFY_SYNTAX;
	return check_sizes(notify);
}

/* A look before the whole is decoded. */
static bool notify_may_be(struct span body, uint16_t type)
{
	return body.n >= 4 && body.p[2] == type >> 8 && body.p[3] == (type & 0xff);
}

enum ike_error ike_notify_find(const struct ike_message *message, uint16_t type,
			       struct ike_notify *notify)
{
	const struct ike_payload *payload = NULL;

	while ((payload = ike_message_next(message, IKE_PAYLOAD_N, payload))) {
		enum ike_error error;

		if (!notify_may_be(payload->body, type))
			continue;
		error = ike_notify_decode(payload->body, notify);
		if (notify->type == type)
			return error;
	}
	*notify = (struct ike_notify){ 0 };
	return IKE_ERROR_PAYLOAD_MISSING;
}

bool ike_notify_has(const struct ike_message *message, uint16_t type)
{
	struct ike_notify notify;

	return ike_notify_find(message, type, &notify) == IKE_ERROR_OK;
}

uint16_t ike_notify_first_error(const struct ike_message *message, struct ike_notify *notify)
{
	const struct ike_payload *payload = NULL;

	while ((payload = ike_message_next(message, IKE_PAYLOAD_N, payload)))
		if (ike_notify_decode(payload->body, notify) == IKE_ERROR_OK && notify->type != 0 &&
		    notify->type < IKE_N_STATUS_FIRST)
			return notify->type;
	*notify = (struct ike_notify){ 0 };
	return 0;
}

uint32_t ike_signature_hashes_decode(struct span data)
{
	struct cursor c = cursor_of(data.p, data.n);
	uint32_t set = 0;

	while (cursor_left(&c) >= 2) {
		uint16_t hash = cursor_u16(&c);

		if (hash < 32)
			set |= UINT32_C(1) << hash;
	}
	return set;
}
