#pragma once
/*
 * DOC: authentication of IKE_AUTH
 *
 * What AUTH covers (RFC 7296 section 2.15): the sender's first message as it was on the wire, the
 * other side's nonce, prf(SK_p, RestOfIDPayload) and, with IKE_INTERMEDIATE, IntAuth (RFC 9242).
 *
 * Signatures: the old methods 1, 9, 10, 11 and RFC 7427 (14). With 14 only hashes that the other
 * side announced are used, SHA-1 never, PSS only with explicit parameters that repeat the hash and
 * its length.
 */
#include "control/crypto/key.h"
#include "control/crypto/prf.h"
#include "control/ike/payload.h"

/* prf(Shared Secret, "Key Pad for IKEv2"): the same for both sides of one exchange. Wipe it. */
struct ike_auth_pad {
	uint8_t bytes[CRYPTO_PRF_MAX];
	bool made;
};

struct ike_auth_octets {
	struct span message; /* of the side that authenticates */
	struct span nonce;   /* of the other side */
	struct span id;	     /* body of IDi or IDr of the side that authenticates */
	struct span sk_p;    /* SK_pi or SK_pr of the same side */
	struct span int_auth;
	enum crypto_prf prf;
	struct ike_auth_pad *pad; /* kept from one to the next with the same secret; may be NULL */
};

#define IKE_AUTH_DATA_MAX (CRYPTO_SIGNATURE_MAX + 96)

/* *n is the room, then the length. An empty secret is -EINVAL. */
__attribute__((warn_unused_result)) int ike_auth_psk(struct crypto *crypto, struct span psk,
						     const struct ike_auth_octets *octets,
						     uint8_t *out, size_t *n);
/* -EBADMSG when it is wrong; constant time. */
__attribute__((warn_unused_result)) int ike_auth_psk_check(struct crypto *crypto, struct span psk,
							   const struct ike_auth_octets *octets,
							   struct span data);
/* EAP: the MSK, or SK_p when the method makes none, in place of the PSK (section 2.16). */

/* What we announce in SIGNATURE_HASH_ALGORITHMS. */
#define IKE_AUTH_HASHES                                                                            \
	(1u << IKE_SIGNATURE_HASH_SHA2_256 | 1u << IKE_SIGNATURE_HASH_SHA2_384 |                   \
	 1u << IKE_SIGNATURE_HASH_SHA2_512 | 1u << IKE_SIGNATURE_HASH_IDENTITY)

struct ike_auth_signer {
	const struct crypto_key *key;
	uint32_t peer_hashes; /* set of 1 << enum ike_signature_hash; 0: no RFC 7427 */
	bool prefer_pkcs1;    /* RSA: PKCS#1 v1.5 instead of PSS with method 14 */
};

struct ike_auth_result {
	uint8_t method; /* enum ike_auth_method */
	size_t n;
	uint8_t data[IKE_AUTH_DATA_MAX];
};

/* -ENOTSUP when key and announcement leave no scheme. */
__attribute__((warn_unused_result)) int ike_auth_sign(struct crypto *crypto,
						      const struct ike_auth_signer *signer,
						      const struct ike_auth_octets *octets,
						      struct ike_auth_result *result);
/*
 * our_hashes: what we announced (0: we did not; method 14 is then refused). -EBADMSG wrong
 * signature or encoding, -EPROTONOSUPPORT a method or algorithm that we refuse.
 */
__attribute__((warn_unused_result)) int ike_auth_verify(struct crypto *crypto,
							const struct crypto_key *key,
							uint32_t our_hashes,
							const struct ike_auth_octets *octets,
							const struct ike_auth_payload *auth);
