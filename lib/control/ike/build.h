#pragma once
/*
 * DOC: building messages
 *
 * One buffer, one pass: header, outer payloads, then (for a protected message) SK with the inner
 * payloads behind it. Lengths and next-payload fields are patched when a payload is closed. The
 * writer's failure sticks: ask once, at the end (ike_build_end() or ike_sk_seal()).
 *
 *     ike_build_start(&b, buffer, sizeof(buffer), &header);
 *     ike_build_sk(&b, iv_bytes);              protected messages only
 *     ike_build_notify(&b, ...); ...
 *     ike_build_end(&b, &message)              or ike_sk_seal() of sk.h
 */
#include "base/writer.h"
#include "control/ike/message.h"
#include "control/ike/proposal.h"
#include "net/selector.h"

struct ike_builder {
	struct writer w;
	uint8_t *next;	/* where the type of the next payload goes */
	uint8_t *open;	/* generic header of the open payload */
	uint8_t *sk;	/* generic header of SK */
	uint8_t *inner; /* first byte after the IV */
};

/* next_payload and length of the header are filled in later. */
void ike_build_start(struct ike_builder *b, void *buffer, size_t n,
		     const struct ike_header *header);
void ike_build_sk(struct ike_builder *b, size_t iv_bytes);

void ike_build_open(struct ike_builder *b, uint8_t type);
void ike_build_close(struct ike_builder *b);
/* A payload whose body is there already. */
void ike_build_raw(struct ike_builder *b, uint8_t type, struct span body);

/* `spi` goes into every proposal: 8 bytes for an IKE rekey, 4 for ESP, none in IKE_SA_INIT. */
void ike_build_sa(struct ike_builder *b, const struct ike_proposal *proposals, size_t count,
		  struct span spi);
/* For the first child in IKE_AUTH: without the groups, which only count from the first rekey. */
void ike_build_sa_no_dh(struct ike_builder *b, const struct ike_proposal *proposals, size_t count,
			struct span spi);
/* The answer: one proposal with the number and the transforms of the suite. */
void ike_build_suite(struct ike_builder *b, const struct ike_suite *suite, struct span spi);
void ike_build_ke(struct ike_builder *b, uint16_t group, struct span data);
void ike_build_nonce(struct ike_builder *b, struct span nonce);
/* type: IKE_PAYLOAD_IDi or IKE_PAYLOAD_IDr */
void ike_build_id(struct ike_builder *b, uint8_t type, uint8_t id_type, struct span data);
void ike_build_cert(struct ike_builder *b, uint8_t encoding, struct span data);
void ike_build_certreq(struct ike_builder *b, uint8_t encoding, struct span authorities);
void ike_build_auth(struct ike_builder *b, uint8_t method, struct span data);
/* A notify without SPI (protocol 0). */
void ike_build_notify(struct ike_builder *b, uint16_t type, struct span data);
void ike_build_notify_spi(struct ike_builder *b, uint16_t type, uint8_t protocol, uint32_t spi,
			  struct span data);
void ike_build_delete_ike(struct ike_builder *b);
void ike_build_delete_esp(struct ike_builder *b, const uint32_t *spis, size_t count);
/* type: IKE_PAYLOAD_TSi or IKE_PAYLOAD_TSr */
void ike_build_ts(struct ike_builder *b, uint8_t type, const struct net_selector *selectors,
		  size_t count);
/* Attributes are added with ike_build_cp_attribute() until ike_build_close(). */
void ike_build_cp(struct ike_builder *b, uint8_t cfg_type);
void ike_build_cp_attribute(struct ike_builder *b, uint16_t type, struct span value);
void ike_build_eap(struct ike_builder *b, struct span bytes);
void ike_build_vendor(struct ike_builder *b, struct span id);
/* set of 1 << enum ike_signature_hash */
void ike_build_signature_hashes(struct ike_builder *b, uint32_t set);

/* An unprotected message; -ENOBUFS when it did not fit. */
__attribute__((warn_unused_result)) int ike_build_end(struct ike_builder *b, struct span *message);
