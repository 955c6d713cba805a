#pragma once
/*
 * Opening an ESP packet in place: before the cipher, and after its tag held.
 */
#include "contract/drops.h"
#include "dataplane/esp/outbound.h"

/* The bytes from the ESP header on. */
struct esp_received {
	uint8_t *esp;
	uint32_t bytes;
	uint64_t number; /* out: the 64-bit number that the tag is verified with */
};

/* SPI already looked up: checks that need no key and the operation that opens it. */
static ESP_INLINE enum contract_drop esp_check_as(struct cipher_op *op, struct sa_slot *slot,
						  struct esp_form form, struct esp_received *r)
{
	const struct sa_inbound *in = &slot->in;
	uint32_t overhead = ESP_HDR + form.iv_bytes + form.tag_bytes;
	uint64_t highest = __atomic_load_n(&slot->window.highest, __ATOMIC_RELAXED);
	uint8_t *esp = r->esp;
	uint32_t bytes = r->bytes;
	uint32_t spi_be;
	uint32_t low;

	if (bytes < overhead + ESP_TRAILER)
		return CONTRACT_DROP_ESP_SHORT;
	/* RFC 4303 section 2.4: the text ends on a block (at least on 4 bytes) */
	if ((bytes - overhead) & (uint32_t)(form.block - 1))
		return CONTRACT_DROP_ESP_LENGTH;
	memcpy(&spi_be, esp, 4);
	memcpy(&low, esp + 4, 4);
	low = rte_be_to_cpu_32(low);
	r->number = in->flags & SA_ESN ? window_infer(highest, slot->window.size, low) : low;
	if (!(in->flags & SA_NO_REPLAY)) {
		enum window_verdict verdict = window_check(&slot->window, highest, r->number);

		if (verdict != WINDOW_NEW)
			return verdict == WINDOW_SEEN ? CONTRACT_DROP_ESP_REPLAY_SEEN
						      : CONTRACT_DROP_ESP_REPLAY_OLD;
	}
	if (form.flags & SA_RANDOM_IV)
		memcpy(op->iv, esp + ESP_HDR, sizeof(op->iv)); /* all: one move */
	else
		esp_nonce(op, esp + ESP_HDR, in->salt, form.salt_bytes, form.flags);
	esp_aad(op, spi_be, r->number, in->flags);
	op->text = esp + ESP_HDR + form.iv_bytes;
	op->length = (uint16_t)(bytes - overhead);
	op->tag = op->text + op->length;
	op->key = in->key;
	op->head = (uint8_t)(ESP_HDR + form.iv_bytes);
	op->tag_bytes = form.tag_bytes;
	return CONTRACT_DROP_NONE;
}

static ESP_INLINE enum contract_drop esp_check(struct cipher_op *op, struct sa_slot *slot,
					       struct esp_received *r)
{
	if (__builtin_expect(slot->in.flags & SA_COMMON, 1))
		return esp_check_as(op, slot, ESP_FORM_COMMON, r);
	return esp_check_as(op, slot, ESP_FORM_OF(&slot->in, SA_RANDOM_IV | SA_CTR), r);
}

/* Padding must be 1, 2, 3, ... (RFC 4303 section 2.4: the receiver should look). */
static ESP_INLINE bool esp_padding_good(const uint8_t *end, uint32_t padding)
{
	if (__builtin_expect(padding < 4, 1)) {
		uint32_t row; /* what stands before it is there: the ESP header at least */

		memcpy(&row, end + padding - sizeof(row), sizeof(row));
		return (uint64_t)row >> (32 - 8 * padding) ==
		       (0x030201 & ((1u << 8 * padding) - 1));
	}
	for (uint32_t i = 0; i < padding; i++)
		if (end[i] != i + 1)
			return false;
	return true;
}

/* After the tag held and the number is committed: what is inside. */
static ESP_INLINE enum contract_drop esp_open(const struct cipher_op *op, uint32_t *length,
					      uint8_t *next_header)
{
	const uint8_t *end = op->text + op->length - ESP_TRAILER;
	uint32_t padding = end[0];

	*next_header = end[1];
	if (padding + ESP_TRAILER > op->length || !esp_padding_good(end - padding, padding))
		return CONTRACT_DROP_ESP_PADDING;
	*length = op->length - ESP_TRAILER - padding;
	return CONTRACT_DROP_NONE;
}

/* RFC 6040 section 4.2: the ECN field that goes on; 0xff when the packet must be dropped. */
static ESP_INLINE uint8_t esp_ecn(uint8_t outer, uint8_t inner)
{
	static const uint8_t table[4][4] = {
		/* inner: not-ECT, ECT(1), ECT(0), CE; rows by outer */
		{ 0, 1, 2, 3 },
		{ 0, 1, 1, 3 },
		{ 0, 1, 2, 3 },
		{ 0xff, 3, 3, 3 },
	};

	return table[outer & 3][inner & 3];
}
