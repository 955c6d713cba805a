#pragma once
/*
 * DOC: protection of messages
 *
 * SK and SKF payloads, in place (RFC 7296 section 3.14, RFC 5282, RFC 7383). The ICV is checked
 * before anything of the content is looked at.
 *
 * A counter of the IKE SA gives the IV of AEAD ciphers and CTR: it is never used twice with a key,
 * a retransmission sends the stored bytes, and an imported SA jumps it forward. CBC IVs are random.
 */
#include "control/crypto/crypto.h"
#include "control/ike/build.h"
#include "control/ike/keymat.h"

#define IKE_FRAGMENTS_MAX 64
/* Size of an IP packet that certainly passes: RFC 7383 section 2.5.1. */
#define IKE_FRAGMENT_MTU_IP4 576
#define IKE_FRAGMENT_MTU_IP6 1280

struct ike_sk {
	struct crypto *crypto;
	const struct ike_suite *suite; /* of the IKE SA */
	const struct ike_keys *keys;
	bool initiator;	      /* whose key: the original initiator's (true) or the responder's */
	uint64_t *iv_counter; /* sealing only */
};

/* One message as the datagrams that carry it, each ready to be sent (without non-ESP marker). */
struct ike_packets {
	uint8_t *bytes; /* one allocation: datagrams back to back */
	uint16_t count;
	uint32_t total;
	uint16_t lengths[IKE_FRAGMENTS_MAX];
};

void ike_packets_fini(struct ike_packets *packets);
/* An unprotected message (copied). */
__attribute__((warn_unused_result)) int ike_packets_of(struct ike_packets *packets,
						       struct span message);
struct span ike_packets_get(const struct ike_packets *packets, uint16_t i);

size_t ike_sk_iv_bytes(const struct ike_suite *suite); /* for ike_build_sk() */
/*
 * Closes SK of the builder: padding, encryption, ICV. Above `fragment_bytes` of IKE message (0: no
 * fragmentation) it becomes SKF datagrams. -ENOBUFS, -EMSGSIZE above IKE_FRAGMENTS_MAX, -ENOMEM,
 * -EOVERFLOW when the counter ends.
 */
__attribute__((warn_unused_result)) int ike_sk_seal(const struct ike_sk *sk, struct ike_builder *b,
						    size_t fragment_bytes,
						    struct ike_packets *packets);

/*
 * Checks and decrypts message->sk_body in place (the datagram's bytes change) and gives the
 * content without padding. SK: the inner payloads are appended to the message too.
 */
enum ike_error ike_sk_open(const struct ike_sk *sk, struct ike_message *message,
			   struct span *content);
