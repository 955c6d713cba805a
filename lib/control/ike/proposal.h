#pragma once
/*
 * DOC: proposals
 *
 * Policy is an ordered list of struct ike_proposal, each the product of its transforms as in the
 * SA payload. What was agreed is a struct ike_suite: plain data with one transform of each type.
 *
 * The responder takes the first of *its* proposals that any proposal of the peer satisfies, and
 * within it its own order of transforms; only the group of the peer's KE payload goes first when
 * it is in both lists, because that saves a round trip and our list holds nothing that policy
 * rejects. Unknown transforms and attributes make a transform unusable, an unknown type the
 * proposal (RFC 7296 section 3.3.6); neither the message.
 */
#include "base/span.h"
#include "contract/sa.h"
#include "control/crypto/prf.h"
#include "control/ike/constants.h"
#include "control/ike/error.h"

#define IKE_TRANSFORMS_MAX 32	     /* of a proposal of ours */
#define IKE_PEER_TRANSFORMS_MAX 1024 /* of all the peer's proposals together */
#define IKE_PEER_PROPOSALS_MAX 255

struct ike_transform {
	uint8_t type; /* enum ike_transform_type */
	uint8_t zero;
	uint16_t id;
	uint16_t key_bits; /* 0: no Key Length attribute */
};

struct ike_proposal {
	uint8_t protocol; /* enum ike_protocol */
	uint8_t count;
	struct ike_transform transforms[IKE_TRANSFORMS_MAX]; /* in order of preference */
};

struct ike_suite {
	uint8_t protocol;
	uint8_t number;	  /* of the peer's (answer: our) proposal */
	uint8_t present;  /* 1 << enum ike_transform_type: what was offered and goes into an answer
			   */
	uint8_t spi_size; /* the peer's SPI */
	uint8_t spi[8];	  /* wire order */
	uint16_t encr;
	uint16_t key_bits;
	uint16_t prf;
	uint16_t integ;
	uint16_t dh; /* IKE_DH_NONE: no key exchange */
	uint16_t esn;
};

/* A proposal text is as long as this at most; "?" where a number is unknown. */
#define IKE_SUITE_TEXT 160
/* "AES_GCM_16-256/PRF_HMAC_SHA2_384/ecp384" */
const char *ike_suite_text(char buf[IKE_SUITE_TEXT], const struct ike_suite *suite);

/* Adds a transform; false when the proposal is full. */
bool ike_proposal_add(struct ike_proposal *proposal, enum ike_transform_type type, uint16_t id,
		      uint16_t key_bits);
/*
 * "aes256gcm16-prfsha384-ecp384" to a proposal, keywords joined by '-': aes128 aes192 aes256 (CBC),
 * aes128ctr.., aes128gcm8|12|16.., chacha20poly1305, 3des, null; sha1 sha256 sha384 sha512 aesxcbc
 * aescmac; prfsha1 .. prfaesxcbc prfaescmac; modp768 .. modp8192 modp2048s256 ecp192 .. ecp521
 * ecp224bp .. x25519 x448 nopfs; esn noesn. -EINVAL, with `bad` the keyword that is wrong.
 */
__attribute__((warn_unused_result)) int ike_proposal_parse(struct ike_proposal *proposal,
							   enum ike_protocol protocol,
							   const char *text, struct span *bad);
/* NULL when it is complete and legal (AEAD without INTEG, CBC with it, IKE with DH), or why not. */
const char *ike_proposal_check(const struct ike_proposal *proposal);
struct ike_proposal ike_proposal_without_dh(const struct ike_proposal *proposal);
/* The first group of the first proposal: what a KE payload is made for. IKE_DH_NONE: no PFS. */
uint16_t ike_proposal_first_group(const struct ike_proposal *proposals, size_t count);
bool ike_proposal_has_group(const struct ike_proposal *proposals, size_t count, uint16_t group);

struct ike_select {
	const struct ike_proposal *policy;
	size_t count;
	uint8_t protocol;  /* that is negotiated */
	uint8_t spi_size;  /* required of the peer's proposals: 0, 4 or 8 */
	uint16_t ke_group; /* of the message's KE payload, IKE_DH_NONE without one */
	bool ignore_dh;	   /* first child in IKE_AUTH: no key exchange is possible */
};

/* Syntax of a whole SA payload: counts, lengths, numbers, SPI sizes. */
enum ike_error ike_sa_check(struct span body);
/* Responder. 0, -ENOENT: no proposal chosen, -EBADMSG: bad syntax (ask ike_sa_check()). */
__attribute__((warn_unused_result)) int ike_select(const struct ike_select *select,
						   struct span body, struct ike_suite *suite);
/*
 * Initiator: the answer must be exactly one proposal of ours with exactly one transform of each
 * type that we offered in it. 0, -EPROTO: it is not, -EBADMSG: bad syntax.
 */
__attribute__((warn_unused_result)) int ike_select_answer(const struct ike_select *offered,
							  struct span body,
							  struct ike_suite *suite);
/*
 * Why nothing was chosen, for status and log: which types found no common transform, for instance
 * "DH: peer offers modp1024, policy has x25519, ecp384". Cut to size; returns buf.
 */
const char *ike_select_why(const struct ike_select *select, struct span body, char *buf,
			   size_t size);

/* What a suite means to the crypto and contract tables. */
enum crypto_prf ike_suite_prf(const struct ike_suite *suite); /* CRYPTO_PRF_NONE: unknown */
enum contract_cipher ike_suite_cipher(const struct ike_suite *suite);
enum contract_integrity ike_suite_integrity(const struct ike_suite *suite);
uint8_t ike_suite_icv_bytes(const struct ike_suite *suite);
bool ike_suite_is_aead(const struct ike_suite *suite);
