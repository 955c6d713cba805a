#pragma once
/*
 * Building an ESP packet around an IP packet, in place.
 */
#include "dataplane/esp/esp.h"
#include "net/checksum.h"

#include <rte_byteorder.h>

/* How the outer header follows the inner one (RFC 6040 section 4.1, RFC 4301 section 5.1.2). */
struct esp_look {
	uint8_t tos;	/* DSCP and ECN of the outer header */
	uint16_t df_be; /* don't-fragment bit of an outer IPv4 header */
};

static ESP_INLINE uint8_t esp_tos4(const uint8_t *ip)
{
	return ip[1];
}

static ESP_INLINE uint8_t esp_tos6(const uint8_t *ip)
{
	return (uint8_t)(ip[0] << 4 | ip[1] >> 4);
}

static ESP_INLINE struct esp_look esp_look(const struct sa_tunnel *tunnel, const uint8_t *ip,
					   bool ip6)
{
	uint8_t tos = ip6 ? esp_tos6(ip) : esp_tos4(ip);
	bool df = ip6 || (ip[6] & (NET_IP4_DF >> 8));

	if (tunnel->flags & CONTRACT_TUNNEL_FIXED_DSCP)
		tos = (uint8_t)(tunnel->dscp << 2 | (tos & 3));
	if (tunnel->df != CONTRACT_DF_COPY)
		df = tunnel->df == CONTRACT_DF_SET;
	return (struct esp_look){ tos, df ? RTE_BE16(NET_IP4_DF) : 0 };
}

/* Padding 1, 2, 3, ... (RFC 4303 section 2.4), its length, next header. */
static ESP_INLINE void esp_trailer(uint8_t *end, uint32_t padding, bool inner6)
{
	static const uint64_t rows[2][4] = {
		{ 0x0400, 0x040101, 0x04020201, 0x0403030201 },
		{ 0x2900, 0x290101, 0x29020201, 0x2903030201 },
	};

	if (__builtin_expect(padding < 4, 1)) {
		/* five bytes at most; what is written behind them, the ICV overwrites */
		memcpy(end, &rows[inner6][padding], sizeof(rows[0][0]));
		return;
	}
	for (uint32_t i = 0; i < padding; i++)
		end[i] = (uint8_t)(i + 1);
	end[padding] = (uint8_t)padding;
	end[padding + 1] = inner6 ? NET_PROTO_IP6 : NET_PROTO_IP4;
}

/*
 * Outer headers up to the SPI; `esp` is where the ESP header stands, `bytes` what follows there.
 * Whole words: small stores into what a wide one has just written would cost more.
 */
static ESP_INLINE void esp_head4(const struct sa_outbound *out, uint8_t *esp, uint32_t bytes,
				 struct esp_look look, uint16_t id)
{
	uint8_t *at = esp - out->head_bytes;
	uint64_t length_be = rte_cpu_to_be_16((uint16_t)(bytes + out->head_bytes));
	uint64_t id_be = look.df_be ? 0 : rte_cpu_to_be_16(id); /* RFC 6864 */
	uint64_t words[3];
	uint64_t sum;

	memcpy(words, out->head, sizeof(words));
	/* version, TOS, length, ID, fragment; TTL, protocol, checksum, source; destination */
	sum = (words[1] >> 16 & 0xffff) + length_be + id_be + look.df_be +
	      ((uint64_t)look.tos << 8);
	sum = (sum & 0xffff) + (sum >> 16);
	sum += sum >> 16;
	words[0] |= (uint64_t)look.tos << 8 | length_be << 16 | id_be << 32 |
		    (uint64_t)look.df_be << 48;
	words[1] = (words[1] & ~UINT64_C(0xffff0000)) | (~sum & 0xffff) << 16;
	memcpy(at, &words[0], sizeof(words[0]));
	memcpy(at + 8, &words[1], sizeof(words[1]));
	memcpy(at + 16, &words[2], sizeof(words[2]));
	if (out->flags & SA_UDP) {
		struct net_udp_hdr *udp = (struct net_udp_hdr *)(at + sizeof(struct net_ip4_hdr));

		memcpy(at + 24, out->head + 24, 8);
		udp->length_be = rte_cpu_to_be_16((uint16_t)(bytes + sizeof(*udp)));
	}
}

static ESP_INLINE void esp_head6(const struct sa_outbound *out, uint8_t *esp, uint32_t bytes,
				 struct esp_look look)
{
	uint8_t *at = esp - out->head_bytes;
	struct net_ip6_hdr *ip = (struct net_ip6_hdr *)at;

	memcpy(at, out->head6, out->head_bytes + 4);
	ip->version_class_flow_be |= rte_cpu_to_be_32((uint32_t)look.tos << 20);
	ip->payload_length_be = rte_cpu_to_be_16((uint16_t)(bytes + out->head_bytes - sizeof(*ip)));
	if (out->flags & SA_UDP) {
		struct net_udp_hdr *udp = (struct net_udp_hdr *)(ip + 1);

		udp->length_be = ip->payload_length_be;
	}
}

/* Nonce or initial counter block from the number (RFC 4106, 7634, 3686, 4309). */
static ESP_INLINE void esp_nonce(struct cipher_op *op, uint8_t *iv, uint32_t salt,
				 uint8_t salt_bytes, uint16_t flags)
{
	memcpy(op->iv, &salt, 4);
	memcpy(op->iv + salt_bytes, iv, 8);
	if (flags & SA_CTR)
		*(uint32_t *)(op->iv + 12) = RTE_BE32(1);
}

static ESP_INLINE void esp_aad(struct cipher_op *op, uint32_t spi_be, uint64_t number,
			       uint16_t flags)
{
	uint64_t low_be = rte_cpu_to_be_32((uint32_t)number);
	uint64_t first = spi_be | low_be << 32;
	uint64_t second = 0;

	if (flags & SA_ESN) {
		first = spi_be | (uint64_t)rte_cpu_to_be_32((uint32_t)(number >> 32)) << 32;
		second = low_be;
	}
	/* by halves: small stores that one wide load collects would stall it */
	memcpy(op->aad, &first, sizeof(first));
	memcpy(op->aad + 8, &second, sizeof(second));
	op->aad_bytes = flags & SA_ESN ? 12 : 8;
	op->esn = (flags & SA_ESN) != 0;
}

/* What is wrapped up. */
struct esp_inner {
	uint8_t *text;
	uint32_t length;
	uint32_t extra; /* bytes of zeros that follow the packet (TFC) */
	bool ip6;
	struct esp_look look;
};

/*
 * Headers, IV, padding and trailer around the packet and the operation that seals them. Gives the
 * start of the outer packet. An SA whose IVs are random has got its IV written before the text by
 * the caller.
 */
static ESP_INLINE uint8_t *esp_build(struct cipher_op *op, const struct sa_outbound *out,
				     struct esp_form form, uint64_t number,
				     const struct esp_inner *inner)
{
	uint8_t *text = inner->text;
	uint32_t length = inner->length + inner->extra;
	uint8_t *esp = text - form.iv_bytes - ESP_HDR;
	uint32_t padding = esp_padding(length, form.block);
	uint32_t bytes = length + padding + ESP_TRAILER;
	uint32_t number_be = rte_cpu_to_be_32((uint32_t)number);
	uint32_t total = ESP_HDR + form.iv_bytes + bytes + form.tag_bytes;
	uint32_t spi_be;

	if (__builtin_expect(inner->extra, 0))
		memset(text + inner->length, 0, inner->extra);
	esp_trailer(text + length, padding, inner->ip6);
	if (form.flags & SA_IP6)
		esp_head6(out, esp, total, inner->look);
	else
		esp_head4(out, esp, total, inner->look, (uint16_t)number);
	memcpy(&spi_be, esp, 4);
	memcpy(esp + 4, &number_be, 4);
	if (__builtin_expect(!(form.flags & SA_RANDOM_IV), 1)) {
		uint64_t iv = rte_cpu_to_be_64(number);

		if (form.iv_bytes)
			memcpy(esp + ESP_HDR, &iv, 8);
		esp_nonce(op, esp + ESP_HDR, out->salt, form.salt_bytes, form.flags);
	} else {
		memcpy(op->iv, esp + ESP_HDR, sizeof(op->iv)); /* all: one move */
	}
	esp_aad(op, spi_be, number, out->flags);
	op->text = text;
	op->tag = text + bytes;
	op->key = out->key;
	op->length = (uint16_t)bytes;
	op->head = (uint8_t)(ESP_HDR + form.iv_bytes);
	op->tag_bytes = form.tag_bytes;
	return esp - out->head_bytes;
}
