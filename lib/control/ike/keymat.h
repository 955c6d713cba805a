#pragma once
/*
 * DOC: keying material
 *
 * One secret block per IKE SA holds SK_d, SK_ai, SK_ar, SK_ei, SK_er, SK_pi, SK_pr in the order of
 * RFC 7296 section 2.14; the accessors give the pieces. It is plain data: sizes and bytes, no
 * pointer into OpenSSL, so that it can be exported.
 *
 * Every derivation takes a struct ike_exchange_secrets. More than one key exchange (RFC 9370) fits
 * without another form: IKE_INTERMEDIATE calls ike_keymat_step() once per additional exchange, and
 * CREATE_CHILD_SA puts the secrets of IKE_FOLLOWUP_KE into `more`.
 */
#include "base/secret.h"
#include "control/crypto/crypto.h"
#include "control/ike/message.h"
#include "control/ike/proposal.h"

struct ike_keys {
	struct secret block;
	uint8_t prf_bytes; /* SK_d, SK_pi, SK_pr: preferred key length of the PRF */
	uint8_t integ_bytes;
	uint8_t encr_bytes; /* with the salt */
	uint8_t prf;	    /* enum crypto_prf: of prf+ with SK_d, also when this SA is rekeyed */
};

void ike_keys_wipe(struct ike_keys *keys);
struct span ike_keys_d(const struct ike_keys *keys);
/* The key that the original initiator (true) or the responder (false) sends with. */
struct span ike_keys_a(const struct ike_keys *keys, bool initiator);
struct span ike_keys_e(const struct ike_keys *keys, bool initiator);
struct span ike_keys_p(const struct ike_keys *keys, bool initiator);

struct ike_exchange_secrets {
	struct span ni; /* nonces without their headers */
	struct span nr;
	struct span shared;	 /* g^ir; empty: child without PFS */
	const struct span *more; /* RFC 9370: SK(1)..SK(n) of IKE_FOLLOWUP_KE */
	size_t more_count;
	uint64_t spi_i; /* of the IKE SA that is made */
	uint64_t spi_r;
};

/* IKE_SA_INIT. */
__attribute__((warn_unused_result)) int ike_keymat_initial(struct crypto *crypto,
							   const struct ike_suite *suite,
							   const struct ike_exchange_secrets *in,
							   struct ike_keys *keys);
/* Rekey of an IKE SA (section 2.18): SKEYSEED with the old PRF, the rest with the new one. */
__attribute__((warn_unused_result)) int ike_keymat_rekey(struct crypto *crypto,
							 const struct ike_keys *old,
							 const struct ike_suite *suite,
							 const struct ike_exchange_secrets *in,
							 struct ike_keys *keys);
/* IKE_INTERMEDIATE (RFC 9370 section 2.2.2): in->shared is SK(n); keys become those of step n. */
__attribute__((warn_unused_result)) int ike_keymat_step(struct crypto *crypto,
							const struct ike_suite *suite,
							const struct ike_exchange_secrets *in,
							struct ike_keys *keys);
/* RFC 8784 section 3: mixes a PPK into SK_d, SK_pi and SK_pr. */
__attribute__((warn_unused_result)) int ike_keymat_ppk(struct crypto *crypto, struct span ppk,
						       struct ike_keys *keys);

/* Child SA (section 2.17): four keys, each direction named by the exchange's initiator. */
struct ike_child_keys {
	struct secret block;
	uint8_t encr_bytes; /* with the salt */
	uint8_t integ_bytes;
};

__attribute__((warn_unused_result)) int ike_keymat_child(struct crypto *crypto,
							 const struct ike_keys *ike,
							 const struct ike_suite *child,
							 const struct ike_exchange_secrets *in,
							 struct ike_child_keys *keys);
void ike_child_keys_wipe(struct ike_child_keys *keys);
/* Keys of packets from the exchange's initiator (true) or its responder (false). */
struct span ike_child_keys_e(const struct ike_child_keys *keys, bool initiator);
struct span ike_child_keys_a(const struct ike_child_keys *keys, bool initiator);

/*
 * cipher, integrity, icv_bytes, key lengths, keys and the ESN flag of *sa for packets of that
 * sender; everything else is the caller's. The caller wipes the message.
 */
void ike_child_sa_fill(struct contract_sa *sa, const struct ike_suite *child,
		       const struct ike_child_keys *keys, bool from_initiator);

/* SPIi, SPIr, address and port (RFC 7296 section 2.23). */
__attribute__((warn_unused_result)) int ike_nat_detection(struct crypto *crypto,
							  const struct ike_header *header,
							  const struct net_addr *addr,
							  uint16_t port, uint8_t hash[20]);
