#pragma once
/*
 * What the two files of IKE_SA_INIT share.
 */
#include "control/ikev2/handlers.h"

/* SA, KE, Nonce and the notifies that both sides send. */
struct ikev2_init_payloads {
	const struct ike_header *header; /* as NAT detection sees it */
	struct crypto_dh *dh;
	struct span nonce;
};

void ikev2_init_build(struct ikev2_sa *sa, struct ike_builder *b,
		      const struct ikev2_init_payloads *payloads);
void ikev2_init_notifies(struct ikev2_sa *sa, const struct ike_message *message);
__attribute__((warn_unused_result)) int ikev2_init_keep(struct ikev2_bytes *to, struct span bytes);
/* Key material of the IKE SA from setup and task->dh. */
__attribute__((warn_unused_result)) int ikev2_init_keys(struct ikev2_task *task);
bool ikev2_init_nonce_fits(const struct ike_suite *suite, size_t bytes);
