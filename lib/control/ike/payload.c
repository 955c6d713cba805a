#include "control/ike/payload.h"

enum ike_error ike_ke_decode(struct span body, struct ike_ke *ke)
{
	struct cursor c = cursor_of(body.p, body.n);

	ke->group = cursor_u16(&c);
	cursor_u16(&c);
	ke->data = cursor_rest(&c);
	return cursor_ok(&c) && ke->data.n ? IKE_ERROR_OK : IKE_ERROR_KE_SYNTAX;
}

static bool id_size_fits(uint8_t type, struct span data)
{
	if (data.n > IKE_ID_MAX)
		return false;
	switch (type) {
	case ID_IPV4_ADDR:
		return data.n == 4;
	case ID_IPV6_ADDR:
		return data.n == 16;
	case ID_NULL:
		return true; /* RFC 7619 section 2.2: empty, else ignored */
	case ID_FQDN:
	case ID_RFC822_ADDR:
		return data.n > 0 && !memchr(data.p, 0, data.n);
	default:
		return data.n > 0;
	}
}

enum ike_error ike_id_decode(struct span body, struct ike_id_payload *id)
{
	struct cursor c = cursor_of(body.p, body.n);

	id->body = body;
	id->type = cursor_u8(&c);
	cursor_take(&c, 3);
	id->data = cursor_rest(&c);
	if (!cursor_ok(&c) || id->type == 0 || !id_size_fits(id->type, id->data))
		return IKE_ERROR_ID_SYNTAX;
	return IKE_ERROR_OK;
}

enum ike_error ike_cert_decode(struct span body, struct ike_cert *cert)
{
	struct cursor c = cursor_of(body.p, body.n);

	cert->encoding = cursor_u8(&c);
	cert->data = cursor_rest(&c);
	return cursor_ok(&c) && cert->data.n ? IKE_ERROR_OK : IKE_ERROR_CERT_SYNTAX;
}

enum ike_error ike_certreq_decode(struct span body, struct ike_cert *certreq)
{
	struct cursor c = cursor_of(body.p, body.n);

	certreq->encoding = cursor_u8(&c);
	certreq->data = cursor_rest(&c);
	if (!cursor_ok(&c))
		return IKE_ERROR_CERTREQ_SYNTAX;
	/* RFC 7296 section 3.7: SHA-1 hashes */
	if (certreq->encoding == IKE_CERT_X509_SIGNATURE && certreq->data.n % 20)
		return IKE_ERROR_CERTREQ_SYNTAX;
	return IKE_ERROR_OK;
}

enum ike_error ike_auth_decode(struct span body, struct ike_auth_payload *auth)
{
	struct cursor c = cursor_of(body.p, body.n);

	auth->method = cursor_u8(&c);
	cursor_take(&c, 3);
	auth->data = cursor_rest(&c);
	return cursor_ok(&c) && auth->data.n ? IKE_ERROR_OK : IKE_ERROR_AUTH_SYNTAX;
}

enum ike_error ike_nonce_decode(struct span body, struct span *nonce)
{
	*nonce = body;
	if (body.n < IKE_NONCE_MIN || body.n > IKE_NONCE_MAX)
		return IKE_ERROR_NONCE_SIZE;
	return IKE_ERROR_OK;
}

enum ike_error ike_delete_decode(struct span body, struct ike_delete *del)
{
	struct cursor c = cursor_of(body.p, body.n);
	size_t size;

	del->protocol = cursor_u8(&c);
	del->spi_size = cursor_u8(&c);
	del->count = cursor_u16(&c);
	del->spis = cursor_rest(&c);
	if (!cursor_ok(&c))
		return IKE_ERROR_DELETE_SYNTAX;
	/* RFC 7296 section 3.11: the IKE SA is named by the header. */
	size = del->protocol == IKE_PROTOCOL_IKE ? 0 : 4;
	if (del->protocol < IKE_PROTOCOL_IKE || del->protocol > IKE_PROTOCOL_ESP ||
	    del->spi_size != size || del->spis.n != size * del->count ||
	    (del->protocol == IKE_PROTOCOL_IKE && del->count))
		return IKE_ERROR_DELETE_SYNTAX;
	return IKE_ERROR_OK;
}

static enum ike_error selector_decode(struct cursor *c, enum net_family family,
				      struct net_selector *selector)
{
	size_t n = family == NET_IP4 ? 4 : 16;
	const uint8_t *start, *end;

	selector->port_start = cursor_u16(c);
	selector->port_end = cursor_u16(c);
	start = cursor_take(c, n);
	end = cursor_take(c, n);
	if (!cursor_ok(c) || cursor_left(c))
		return IKE_ERROR_TS_SYNTAX;
	selector->start = net_addr_of(family, start);
	selector->end = net_addr_of(family, end);
	if (net_addr_compare(&selector->start, &selector->end) > 0)
		return IKE_ERROR_TS_RANGE;
	/* OPAQUE is the one range that runs backwards. */
	if (selector->port_start > selector->port_end &&
	    !(selector->port_start == 65535 && selector->port_end == 0))
		return IKE_ERROR_TS_RANGE;
	return IKE_ERROR_OK;
}

enum ike_error ike_ts_decode(struct span body, struct ike_ts *ts)
{
	struct cursor c = cursor_of(body.p, body.n);
	uint8_t count = cursor_u8(&c);

	ts->count = ts->unknown = 0;
	cursor_take(&c, 3);
	if (count == 0)
		return IKE_ERROR_TS_SYNTAX;
	for (uint8_t i = 0; i < count; i++) {
		struct net_selector *selector = &ts->selectors[ts->count];
		uint8_t type = cursor_u8(&c);
		uint8_t protocol = cursor_u8(&c);
		uint16_t length = cursor_u16(&c);
		struct cursor sub;
		enum ike_error error;

		if (!cursor_ok(&c) || length < 4)
			return IKE_ERROR_TS_SYNTAX;
		sub = cursor_sub(&c, (size_t)length - 4);
		if (type != TS_IPV4_ADDR_RANGE && type != TS_IPV6_ADDR_RANGE) {
			ts->unknown++;
			continue;
		}
		*selector = (struct net_selector){ .protocol = protocol };
		error = selector_decode(&sub, type == TS_IPV4_ADDR_RANGE ? NET_IP4 : NET_IP6,
					selector);
		if (error)
			return error;
		ts->count++;
	}
	return cursor_ok(&c) && !cursor_left(&c) ? IKE_ERROR_OK : IKE_ERROR_TS_SYNTAX;
}

bool ike_cp_next(struct cursor *attributes, struct ike_cp_attribute *attribute)
{
	uint16_t length;

	if (!cursor_ok(attributes) || cursor_left(attributes) == 0)
		return false;
	attribute->type = cursor_u16(attributes) & 0x7fff; /* R bit: ignored on receipt */
	length = cursor_u16(attributes);
	attribute->value = cursor_span(attributes, length);
	return cursor_ok(attributes);
}

/* RFC 7296 section 3.15.1; others have any length. */
static bool cp_size_fits(const struct ike_cp_attribute *attribute)
{
	size_t n = attribute->value.n;

	switch (attribute->type) {
	case INTERNAL_IP4_ADDRESS:
	case INTERNAL_IP4_NETMASK:
	case INTERNAL_IP4_DNS:
	case INTERNAL_IP4_NBNS:
	case INTERNAL_IP4_DHCP:
		return n == 0 || n == 4;
	case INTERNAL_IP6_ADDRESS:
	case INTERNAL_IP6_SUBNET:
		return n == 0 || n == 17;
	case INTERNAL_IP6_DNS:
	case INTERNAL_IP6_DHCP:
		return n == 0 || n == 16;
	case INTERNAL_IP4_SUBNET:
		return n == 0 || n == 8;
	case SUPPORTED_ATTRIBUTES:
		return n % 2 == 0;
	default:
		return true;
	}
}

enum ike_error ike_cp_decode(struct span body, struct ike_cp *cp)
{
	struct cursor c = cursor_of(body.p, body.n);
	struct ike_cp_attribute attribute;

	cp->type = cursor_u8(&c);
	cursor_take(&c, 3);
	cp->attributes = (struct span){ c.p, cursor_left(&c) };
	while (ike_cp_next(&c, &attribute))
		if (!cp_size_fits(&attribute))
			return IKE_ERROR_CP_SYNTAX;
	if (!cursor_ok(&c) || cp->type < CFG_REQUEST || cp->type > CFG_ACK)
		return IKE_ERROR_CP_SYNTAX;
	return IKE_ERROR_OK;
}

enum ike_error ike_eap_decode(struct span body, struct ike_eap *eap)
{
	struct cursor c = cursor_of(body.p, body.n);
	uint16_t length;

	*eap = (struct ike_eap){ .bytes = body };
	eap->code = cursor_u8(&c);
	eap->identifier = cursor_u8(&c);
	length = cursor_u16(&c);
	if (!cursor_ok(&c) || length != body.n || eap->code < EAP_REQUEST ||
	    eap->code > EAP_FAILURE)
		return IKE_ERROR_EAP_SYNTAX;
	if (eap->code >= EAP_SUCCESS)
		return length == 4 ? IKE_ERROR_OK : IKE_ERROR_EAP_SYNTAX;
	eap->type = cursor_u8(&c);
	eap->data = cursor_rest(&c);
	return cursor_ok(&c) ? IKE_ERROR_OK : IKE_ERROR_EAP_SYNTAX;
}
