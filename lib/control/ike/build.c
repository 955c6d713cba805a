#include "control/ike/build.h"

#include "control/ike/payload.h"

#include <errno.h>

void ike_build_start(struct ike_builder *b, void *buffer, size_t n, const struct ike_header *header)
{
	*b = (struct ike_builder){ .w = writer_of(buffer, n) };
	writer_u64(&b->w, header->spi_i);
	writer_u64(&b->w, header->spi_r);
	b->next = writer_reserve(&b->w, 1);
	if (b->next)
		*b->next = IKE_PAYLOAD_NONE;
	writer_u8(&b->w, IKE_VERSION_MAJOR << 4);
	writer_u8(&b->w, header->exchange);
	writer_u8(&b->w, header->flags);
	writer_u32(&b->w, header->message_id);
	writer_u32(&b->w, 0);
}

void ike_build_open(struct ike_builder *b, uint8_t type)
{
	if (b->next)
		*b->next = type;
	b->open = writer_reserve(&b->w, IKE_PAYLOAD_HEADER_BYTES);
	if (b->open)
		memset(b->open, 0, IKE_PAYLOAD_HEADER_BYTES);
	b->next = b->open;
}

void ike_build_close(struct ike_builder *b)
{
	if (b->open)
		writer_close_u16(&b->w, b->open + 2, b->open);
	b->open = NULL;
}

/* The first inner payload's type goes into the generic header of SK itself. */
void ike_build_sk(struct ike_builder *b, size_t iv_bytes)
{
	ike_build_open(b, IKE_PAYLOAD_SK);
	b->sk = b->open;
	b->open = NULL;
	writer_zeros(&b->w, iv_bytes);
	b->inner = writer_ok(&b->w) ? b->w.p : NULL;
}

void ike_build_raw(struct ike_builder *b, uint8_t type, struct span body)
{
	ike_build_open(b, type);
	writer_span(&b->w, body);
	ike_build_close(b);
}

static void write_transform(struct writer *w, const struct ike_transform *transform, bool last)
{
	writer_u8(w, last ? 0 : 3);
	writer_u8(w, 0);
	writer_u16(w, transform->key_bits ? 12 : 8);
	writer_u8(w, transform->type);
	writer_u8(w, 0);
	writer_u16(w, transform->id);
	if (transform->key_bits) {
		writer_u16(w, 0x8000 | IKE_ATTRIBUTE_KEY_LENGTH);
		writer_u16(w, transform->key_bits);
	}
}

struct placed {
	uint8_t number;
	bool last;
	struct span spi;
};

static void write_proposal(struct writer *w, const struct ike_proposal *proposal,
			   struct placed placed)
{
	uint8_t *start = w->p, *length;

	writer_u8(w, placed.last ? 0 : 2);
	writer_u8(w, 0);
	length = writer_open_u16(w);
	writer_u8(w, placed.number);
	writer_u8(w, proposal->protocol);
	writer_u8(w, (uint8_t)placed.spi.n);
	writer_u8(w, proposal->count);
	writer_span(w, placed.spi);
	for (uint8_t i = 0; i < proposal->count; i++)
		write_transform(w, &proposal->transforms[i], i + 1 == proposal->count);
	writer_close_u16(w, length, start);
}

void ike_build_sa(struct ike_builder *b, const struct ike_proposal *proposals, size_t count,
		  struct span spi)
{
	ike_build_open(b, IKE_PAYLOAD_SA);
	for (size_t i = 0; i < count && i < UINT8_MAX; i++)
		write_proposal(&b->w, &proposals[i],
			       (struct placed){ (uint8_t)(i + 1), i + 1 == count, spi });
	ike_build_close(b);
}

void ike_build_sa_no_dh(struct ike_builder *b, const struct ike_proposal *proposals, size_t count,
			struct span spi)
{
	ike_build_open(b, IKE_PAYLOAD_SA);
	for (size_t i = 0; i < count && i < UINT8_MAX; i++) {
		struct ike_proposal bare = ike_proposal_without_dh(&proposals[i]);

		write_proposal(&b->w, &bare,
			       (struct placed){ (uint8_t)(i + 1), i + 1 == count, spi });
	}
	ike_build_close(b);
}

void ike_build_suite(struct ike_builder *b, const struct ike_suite *suite, struct span spi)
{
	const uint16_t ids[IKE_TRANSFORM_TYPES] = {
		[IKE_TRANSFORM_ENCR] = suite->encr,   [IKE_TRANSFORM_PRF] = suite->prf,
		[IKE_TRANSFORM_INTEG] = suite->integ, [IKE_TRANSFORM_DH] = suite->dh,
		[IKE_TRANSFORM_ESN] = suite->esn,
	};
	struct ike_proposal answer = { .protocol = suite->protocol };

	for (int type = IKE_TRANSFORM_ENCR; type < IKE_TRANSFORM_TYPES; type++)
		if (suite->present & 1u << type)
			(void)ike_proposal_add(&answer, type, ids[type],
					       type == IKE_TRANSFORM_ENCR ? suite->key_bits : 0);
	ike_build_open(b, IKE_PAYLOAD_SA);
	write_proposal(&b->w, &answer, (struct placed){ suite->number, true, spi });
	ike_build_close(b);
}

void ike_build_ke(struct ike_builder *b, uint16_t group, struct span data)
{
	ike_build_open(b, IKE_PAYLOAD_KE);
	writer_u16(&b->w, group);
	writer_u16(&b->w, 0);
	writer_span(&b->w, data);
	ike_build_close(b);
}

void ike_build_nonce(struct ike_builder *b, struct span nonce)
{
	ike_build_raw(b, IKE_PAYLOAD_NONCE, nonce);
}

/* One octet and three reserved ones in front, as ID, AUTH and CP have them. */
static void build_typed(struct ike_builder *b, uint8_t payload, uint8_t type, struct span data)
{
	ike_build_open(b, payload);
	writer_u8(&b->w, type);
	writer_zeros(&b->w, 3);
	writer_span(&b->w, data);
	ike_build_close(b);
}

void ike_build_id(struct ike_builder *b, uint8_t type, uint8_t id_type, struct span data)
{
	build_typed(b, type, id_type, data);
}

void ike_build_auth(struct ike_builder *b, uint8_t method, struct span data)
{
	build_typed(b, IKE_PAYLOAD_AUTH, method, data);
}

void ike_build_cert(struct ike_builder *b, uint8_t encoding, struct span data)
{
	ike_build_open(b, IKE_PAYLOAD_CERT);
	writer_u8(&b->w, encoding);
	writer_span(&b->w, data);
	ike_build_close(b);
}

void ike_build_certreq(struct ike_builder *b, uint8_t encoding, struct span authorities)
{
	ike_build_open(b, IKE_PAYLOAD_CERTREQ);
	writer_u8(&b->w, encoding);
	writer_span(&b->w, authorities);
	ike_build_close(b);
}

void ike_build_notify(struct ike_builder *b, uint16_t type, struct span data)
{
	ike_build_open(b, IKE_PAYLOAD_N);
	writer_u8(&b->w, IKE_PROTOCOL_NONE);
	writer_u8(&b->w, 0);
	writer_u16(&b->w, type);
	writer_span(&b->w, data);
	ike_build_close(b);
}

void ike_build_notify_spi(struct ike_builder *b, uint16_t type, uint8_t protocol, uint32_t spi,
			  struct span data)
{
	ike_build_open(b, IKE_PAYLOAD_N);
	writer_u8(&b->w, protocol);
	writer_u8(&b->w, sizeof(spi));
	writer_u16(&b->w, type);
	writer_u32(&b->w, spi);
	writer_span(&b->w, data);
	ike_build_close(b);
}

static void build_delete(struct ike_builder *b, uint8_t protocol, const uint32_t *spis,
			 size_t count)
{
	ike_build_open(b, IKE_PAYLOAD_D);
	writer_u8(&b->w, protocol);
	writer_u8(&b->w, count ? sizeof(*spis) : 0);
	writer_u16(&b->w, (uint16_t)count);
	for (size_t i = 0; i < count; i++)
		writer_u32(&b->w, spis[i]);
	ike_build_close(b);
}

void ike_build_delete_ike(struct ike_builder *b)
{
	build_delete(b, IKE_PROTOCOL_IKE, NULL, 0);
}

void ike_build_delete_esp(struct ike_builder *b, const uint32_t *spis, size_t count)
{
	build_delete(b, IKE_PROTOCOL_ESP, spis, count);
}

static void write_selector(struct writer *w, const struct net_selector *selector)
{
	size_t n = net_addr_len(&selector->start);

	writer_u8(w, n == 4 ? TS_IPV4_ADDR_RANGE : TS_IPV6_ADDR_RANGE);
	writer_u8(w, selector->protocol);
	writer_u16(w, (uint16_t)(8 + 2 * n));
	writer_u16(w, selector->port_start);
	writer_u16(w, selector->port_end);
	writer_bytes(w, selector->start.bytes, n);
	writer_bytes(w, selector->end.bytes, n);
}

void ike_build_ts(struct ike_builder *b, uint8_t type, const struct net_selector *selectors,
		  size_t count)
{
	ike_build_open(b, type);
	if (count == 0 || count > IKE_TS_MAX)
		b->w.failed = true;
	writer_u8(&b->w, (uint8_t)count);
	writer_zeros(&b->w, 3);
	for (size_t i = 0; i < count; i++)
		write_selector(&b->w, &selectors[i]);
	ike_build_close(b);
}

void ike_build_cp(struct ike_builder *b, uint8_t cfg_type)
{
	ike_build_open(b, IKE_PAYLOAD_CP);
	writer_u8(&b->w, cfg_type);
	writer_zeros(&b->w, 3);
}

void ike_build_cp_attribute(struct ike_builder *b, uint16_t type, struct span value)
{
	if (value.n > UINT16_MAX)
		b->w.failed = true;
	writer_u16(&b->w, type);
	writer_u16(&b->w, (uint16_t)value.n);
	writer_span(&b->w, value);
}

void ike_build_eap(struct ike_builder *b, struct span bytes)
{
	ike_build_raw(b, IKE_PAYLOAD_EAP, bytes);
}

void ike_build_vendor(struct ike_builder *b, struct span id)
{
	ike_build_raw(b, IKE_PAYLOAD_V, id);
}

void ike_build_signature_hashes(struct ike_builder *b, uint32_t set)
{
	uint8_t data[2 * 32];
	struct writer w = writer_of(data, sizeof(data));

	for (uint16_t i = 0; i < 32; i++)
		if (set & UINT32_C(1) << i)
			writer_u16(&w, i);
	ike_build_notify(b, IKE_N_SIGNATURE_HASH_ALGORITHMS, (struct span){ data, writer_len(&w) });
}

int ike_build_end(struct ike_builder *b, struct span *message)
{
	size_t n = writer_len(&b->w);

	if (!writer_ok(&b->w) || b->open || b->sk || n > IKE_MESSAGE_MAX)
		return -ENOBUFS;
	b->w.p = b->w.start + 24;
	writer_u32(&b->w, (uint32_t)n);
	b->w.p = b->w.start + n;
	*message = (struct span){ b->w.start, n };
	return 0;
}
