#include "control/ike/message.h"

#include "base/cursor.h"

static bool exchange_known(uint8_t exchange)
{
	return exchange >= IKE_SA_INIT && exchange <= INFORMATIONAL;
}

/* What RFC 7296 sections 2.2, 2.6 and 3.1 fix before any state is looked up. */
static enum ike_error header_check(const struct ike_header *header)
{
	bool response = ike_header_is_response(header);
	bool initiator = ike_header_is_initiator(header);

	if (header->spi_i == 0)
		return IKE_ERROR_SPI_ZERO;
	if (!exchange_known(header->exchange))
		return IKE_ERROR_EXCHANGE;
	/* Both are only ever started by the original initiator. */
	if (header->exchange <= IKE_AUTH && initiator == response)
		return IKE_ERROR_FLAGS;
	if (header->exchange == IKE_SA_INIT) {
		if (header->message_id != 0)
			return IKE_ERROR_MESSAGE_ID;
		if (!response && header->spi_r != 0)
			return IKE_ERROR_FLAGS;
	} else if (header->exchange == IKE_AUTH && header->message_id == 0) {
		return IKE_ERROR_MESSAGE_ID;
	}
	return IKE_ERROR_OK;
}

enum ike_error ike_header_decode(struct span datagram, struct ike_header *header)
{
	struct cursor c = cursor_of(datagram.p, datagram.n);
	struct ike_header h = { 0 };
	uint8_t version;
	enum ike_error error;

	*header = h;
	h.spi_i = cursor_u64(&c);
	h.spi_r = cursor_u64(&c);
	h.next_payload = cursor_u8(&c);
	version = cursor_u8(&c);
	h.exchange = cursor_u8(&c);
	h.flags = cursor_u8(&c);
	h.message_id = cursor_u32(&c);
	h.length = cursor_u32(&c);
	if (!cursor_ok(&c))
		return IKE_ERROR_SHORT;
	if (h.length != datagram.n)
		return IKE_ERROR_LENGTH;
	h.major = version >> 4;
	h.minor = version & 0xf;
	if (h.major != IKE_VERSION_MAJOR) {
		*header = h;
		return IKE_ERROR_MAJOR_VERSION;
	}
	error = header_check(&h);
	if (!error)
		*header = h;
	return error;
}

static enum ike_error take_sk(struct ike_message *message, const struct ike_payload *payload,
			      uint8_t next, struct cursor *rest)
{
	struct cursor c = cursor_of(payload->body.p, payload->body.n);

	if (payload->encrypted)
		return IKE_ERROR_PAYLOAD_PLACE;
	if (cursor_left(rest) != 0)
		return IKE_ERROR_SK_NOT_LAST;
	message->sk_type = payload->type;
	message->sk_next = next;
	message->sk_body = payload->body;
	if (payload->type == IKE_PAYLOAD_SK)
		return IKE_ERROR_OK;
	/* RFC 7383 section 2.5 */
	message->sk_number = cursor_u16(&c);
	message->sk_total = cursor_u16(&c);
	if (!cursor_ok(&c))
		return IKE_ERROR_SK_SHORT;
	if (message->sk_number == 0 || message->sk_number > message->sk_total)
		return IKE_ERROR_FRAGMENT_NUMBER;
	return IKE_ERROR_OK;
}

static enum ike_error take_chain(struct ike_message *message, uint8_t type, struct span bytes,
				 bool encrypted)
{
	struct cursor c = cursor_of(bytes.p, bytes.n);

	while (type != IKE_PAYLOAD_NONE) {
		struct ike_payload *payload = &message->payloads[message->count];
		uint8_t next = cursor_u8(&c);
		uint8_t flags = cursor_u8(&c);
		uint16_t length = cursor_u16(&c);
		enum ike_error error;

		if (message->count == IKE_PAYLOADS_MAX)
			return IKE_ERROR_TOO_MANY_PAYLOADS;
		if (!cursor_ok(&c) || length < IKE_PAYLOAD_HEADER_BYTES)
			return IKE_ERROR_PAYLOAD_LENGTH;
		payload->type = type;
		payload->critical = flags & 0x80;
		payload->encrypted = encrypted;
		payload->body = cursor_span(&c, (size_t)length - IKE_PAYLOAD_HEADER_BYTES);
		if (!cursor_ok(&c))
			return IKE_ERROR_PAYLOAD_LENGTH;
		if (type == IKE_PAYLOAD_SK || type == IKE_PAYLOAD_SKF) {
			error = take_sk(message, payload, next, &c);
			if (error)
				return error;
			next = IKE_PAYLOAD_NONE; /* the next one is inside */
		}
		message->count++;
		type = next;
	}
	return cursor_left(&c) ? IKE_ERROR_TRAILING : IKE_ERROR_OK;
}

enum ike_error ike_message_decode(struct span datagram, struct ike_message *message)
{
	enum ike_error error;

	message->bytes = datagram;
	message->count = 0;
	message->sk_type = message->sk_next = 0;
	message->sk_number = message->sk_total = 0;
	message->sk_body = (struct span){ 0 };
	message->unknown_critical = 0;
	error = ike_header_decode(datagram, &message->header);
	if (error)
		return error;
	return take_chain(
		message, message->header.next_payload,
		(struct span){ datagram.p + IKE_HEADER_BYTES, datagram.n - IKE_HEADER_BYTES },
		false);
}

enum ike_error ike_message_append(struct ike_message *message, uint8_t first, struct span inner)
{
	return take_chain(message, first, inner, true);
}

const struct ike_payload *ike_message_next(const struct ike_message *message, uint8_t type,
					   const struct ike_payload *after)
{
	const struct ike_payload *end = message->payloads + message->count;
	const struct ike_payload *p = after ? after + 1 : message->payloads;

	for (; p < end; p++)
		if (p->type == type)
			return p;
	return NULL;
}

const struct ike_payload *ike_message_find(const struct ike_message *message, uint8_t type)
{
	return ike_message_next(message, type, NULL);
}

enum ike_natt ike_natt_classify(struct span datagram, struct span *message)
{
	static const uint8_t marker[IKE_NON_ESP_MARKER_BYTES];

	*message = (struct span){ 0 };
	if (datagram.n == 1 && datagram.p[0] == 0xff)
		return IKE_NATT_KEEPALIVE;
	if (datagram.n < sizeof(marker))
		return IKE_NATT_SHORT;
	if (memcmp(datagram.p, marker, sizeof(marker)) != 0)
		return IKE_NATT_ESP;
	message->p = datagram.p + sizeof(marker);
	message->n = datagram.n - sizeof(marker);
	return IKE_NATT_IKE;
}
