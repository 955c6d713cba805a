/*
 * Which payloads an exchange has, in which direction and how often, as one table (RFC 7296
 * sections 1.2 to 1.4 and appendix C). What depends on the state of an exchange (EAP rounds, an
 * answer that is only an error) has min 0 here and is the engine's to require.
 */
#include "control/ike/message.h"

#include <string.h>

enum { REQUEST = 1, RESPONSE = 2, BOTH = 3 };

struct rule {
	uint8_t exchange;
	uint8_t direction;
	uint8_t payload;
	bool encrypted;
	uint8_t min;
	uint8_t max;
};

#define MANY IKE_PAYLOADS_MAX

static const struct rule rules[] = {
	{ IKE_SA_INIT, REQUEST, IKE_PAYLOAD_SA, false, 1, 1 },
	{ IKE_SA_INIT, REQUEST, IKE_PAYLOAD_KE, false, 1, 1 },
	{ IKE_SA_INIT, REQUEST, IKE_PAYLOAD_NONCE, false, 1, 1 },
	{ IKE_SA_INIT, RESPONSE, IKE_PAYLOAD_SA, false, 0, 1 },
	{ IKE_SA_INIT, RESPONSE, IKE_PAYLOAD_KE, false, 0, 1 },
	{ IKE_SA_INIT, RESPONSE, IKE_PAYLOAD_NONCE, false, 0, 1 },
	{ IKE_SA_INIT, BOTH, IKE_PAYLOAD_CERTREQ, false, 0, MANY },
	{ IKE_SA_INIT, BOTH, IKE_PAYLOAD_N, false, 0, MANY },
	{ IKE_SA_INIT, BOTH, IKE_PAYLOAD_V, false, 0, MANY },

	{ IKE_AUTH, REQUEST, IKE_PAYLOAD_IDi, true, 0, 1 },
	{ IKE_AUTH, BOTH, IKE_PAYLOAD_IDr, true, 0, 1 },
	{ IKE_AUTH, BOTH, IKE_PAYLOAD_CERT, true, 0, MANY },
	{ IKE_AUTH, BOTH, IKE_PAYLOAD_CERTREQ, true, 0, MANY },
	{ IKE_AUTH, BOTH, IKE_PAYLOAD_AUTH, true, 0, 1 },
	{ IKE_AUTH, BOTH, IKE_PAYLOAD_EAP, true, 0, 1 },
	{ IKE_AUTH, BOTH, IKE_PAYLOAD_CP, true, 0, 1 },
	{ IKE_AUTH, BOTH, IKE_PAYLOAD_SA, true, 0, 1 },
	{ IKE_AUTH, BOTH, IKE_PAYLOAD_TSi, true, 0, 1 },
	{ IKE_AUTH, BOTH, IKE_PAYLOAD_TSr, true, 0, 1 },
	{ IKE_AUTH, BOTH, IKE_PAYLOAD_N, true, 0, MANY },
	{ IKE_AUTH, BOTH, IKE_PAYLOAD_V, true, 0, MANY },

	{ CREATE_CHILD_SA, REQUEST, IKE_PAYLOAD_SA, true, 1, 1 },
	{ CREATE_CHILD_SA, REQUEST, IKE_PAYLOAD_NONCE, true, 1, 1 },
	{ CREATE_CHILD_SA, RESPONSE, IKE_PAYLOAD_SA, true, 0, 1 },
	{ CREATE_CHILD_SA, RESPONSE, IKE_PAYLOAD_NONCE, true, 0, 1 },
	{ CREATE_CHILD_SA, BOTH, IKE_PAYLOAD_KE, true, 0, 1 },
	{ CREATE_CHILD_SA, BOTH, IKE_PAYLOAD_TSi, true, 0, 1 },
	{ CREATE_CHILD_SA, BOTH, IKE_PAYLOAD_TSr, true, 0, 1 },
	{ CREATE_CHILD_SA, BOTH, IKE_PAYLOAD_CP, true, 0, 1 },
	{ CREATE_CHILD_SA, BOTH, IKE_PAYLOAD_N, true, 0, MANY },
	{ CREATE_CHILD_SA, BOTH, IKE_PAYLOAD_V, true, 0, MANY },

	{ INFORMATIONAL, BOTH, IKE_PAYLOAD_N, true, 0, MANY },
	{ INFORMATIONAL, BOTH, IKE_PAYLOAD_D, true, 0, MANY },
	{ INFORMATIONAL, BOTH, IKE_PAYLOAD_CP, true, 0, 1 },
	{ INFORMATIONAL, BOTH, IKE_PAYLOAD_V, true, 0, MANY },

	{ IKE_AUTH, BOTH, IKE_PAYLOAD_SK, false, 0, 1 },
	{ IKE_AUTH, BOTH, IKE_PAYLOAD_SKF, false, 0, 1 },
	{ CREATE_CHILD_SA, BOTH, IKE_PAYLOAD_SK, false, 0, 1 },
	{ CREATE_CHILD_SA, BOTH, IKE_PAYLOAD_SKF, false, 0, 1 },
	{ INFORMATIONAL, BOTH, IKE_PAYLOAD_SK, false, 0, 1 },
	{ INFORMATIONAL, BOTH, IKE_PAYLOAD_SKF, false, 0, 1 },
};

/* Payloads of these numbers are understood; PS and GSPM have names only. */
static bool understood(uint8_t type)
{
	return (type >= IKE_PAYLOAD_SA && type <= IKE_PAYLOAD_EAP) || type == IKE_PAYLOAD_SKF;
}

/*
 * Outside an IKE SA errors travel without protection (RFC 7296 sections 1.5 and 2.21.4): only
 * notifies, as INFORMATIONAL or as the answer of any exchange. The engine believes none of it.
 */
static bool unprotected_notify(const struct ike_message *message)
{
	if (message->sk_type || message->count == 0 || message->header.exchange == IKE_SA_INIT)
		return false;
	if (message->header.exchange != INFORMATIONAL && !ike_header_is_response(&message->header))
		return false;
	for (uint16_t i = 0; i < message->count; i++)
		if (message->payloads[i].type != IKE_PAYLOAD_N)
			return false;
	return true;
}

static const struct rule *find_rule(const struct ike_header *header, uint8_t type, bool encrypted)
{
	uint8_t direction = ike_header_is_response(header) ? RESPONSE : REQUEST;

	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++)
		if (rules[i].exchange == header->exchange && (rules[i].direction & direction) &&
		    rules[i].payload == type && rules[i].encrypted == encrypted)
			return &rules[i];
	return NULL;
}

static enum ike_error check_required(const struct ike_message *message,
				     uint8_t counts[const static 256])
{
	uint8_t direction = ike_header_is_response(&message->header) ? RESPONSE : REQUEST;

	if (message->header.exchange != IKE_SA_INIT && !message->sk_type)
		return IKE_ERROR_PAYLOAD_MISSING;
	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++)
		if (rules[i].exchange == message->header.exchange &&
		    (rules[i].direction & direction) && counts[rules[i].payload] < rules[i].min)
			return IKE_ERROR_PAYLOAD_MISSING;
	/* An answer with SA is a whole one. */
	if (message->header.exchange == IKE_SA_INIT && counts[IKE_PAYLOAD_SA] &&
	    (!counts[IKE_PAYLOAD_KE] || !counts[IKE_PAYLOAD_NONCE]))
		return IKE_ERROR_PAYLOAD_MISSING;
	if (message->header.exchange == CREATE_CHILD_SA && counts[IKE_PAYLOAD_SA] &&
	    !counts[IKE_PAYLOAD_NONCE])
		return IKE_ERROR_PAYLOAD_MISSING;
	return counts[IKE_PAYLOAD_TSi] == counts[IKE_PAYLOAD_TSr] ? IKE_ERROR_OK
								  : IKE_ERROR_PAYLOAD_MISSING;
}

enum ike_error ike_message_check(struct ike_message *message)
{
	uint8_t counts[256] = { 0 };

	/* An unknown critical payload outweighs the rest: its sender has to learn the type. */
	for (uint16_t i = 0; i < message->count; i++) {
		const struct ike_payload *payload = &message->payloads[i];

		if (payload->critical && !understood(payload->type)) {
			message->unknown_critical = payload->type;
			return IKE_ERROR_CRITICAL;
		}
	}
	if (unprotected_notify(message))
		return IKE_ERROR_OK;
	for (uint16_t i = 0; i < message->count; i++) {
		const struct ike_payload *payload = &message->payloads[i];
		const struct rule *rule;

		if (!understood(payload->type))
			continue;
		rule = find_rule(&message->header, payload->type, payload->encrypted);
		if (!rule)
			return IKE_ERROR_PAYLOAD_PLACE;
		if (++counts[payload->type] > rule->max)
			return IKE_ERROR_PAYLOAD_TWICE;
	}
	return check_required(message, counts);
}
