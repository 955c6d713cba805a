#pragma once
/* Every decoder on every payload of a message, and what the engine does with an SA payload. */
#include "control/ike/constants.h"
#include "control/ike/payload.h"
#include "control/ike/policy.h"

#include <stdlib.h>

static inline void decode_sa(struct span body)
{
	const struct ike_policy *policy = ike_policy_profile(IKE_PROFILE_AZURE_COMPAT);
	const struct {
		const struct ike_proposal *list;
		uint8_t count, protocol, spi_size;
	} sets[] = {
		{ policy->ike_accept, policy->ike_accept_count, IKE_PROTOCOL_IKE, 0 },
		{ policy->child_accept, policy->child_accept_count, IKE_PROTOCOL_ESP, 4 },
	};
	struct ike_suite suite;
	char why[200], text[IKE_SUITE_TEXT];

	for (int i = 0; i < 2; i++) {
		struct ike_select select = {
			sets[i].list, sets[i].count, sets[i].protocol, sets[i].spi_size, 2, false
		};

		if (ike_select(&select, body, &suite) == 0) {
			ike_suite_text(text, &suite);
			/* What was chosen must be usable. */
			if (ike_suite_cipher(&suite) >= CONTRACT_CIPHER_COUNT ||
			    ike_suite_icv_bytes(&suite) < 8)
				abort();
		} else {
			ike_select_why(&select, body, why, sizeof(why));
		}
		(void)!ike_select_answer(&select, body, &suite);
	}
}

static inline void decode_payload(const struct ike_payload *payload)
{
	static struct ike_ts ts;
	struct ike_ke ke;
	struct ike_id_payload id;
	struct ike_cert cert;
	struct ike_auth_payload auth;
	struct ike_notify notify;
	struct ike_delete del;
	struct ike_cp_attribute attribute;
	struct ike_cp cp;
	struct ike_eap eap;
	struct cursor c;
	struct span nonce;

	ike_ke_decode(payload->body, &ke);
	ike_id_decode(payload->body, &id);
	ike_cert_decode(payload->body, &cert);
	ike_certreq_decode(payload->body, &cert);
	ike_auth_decode(payload->body, &auth);
	ike_nonce_decode(payload->body, &nonce);
	if (ike_notify_decode(payload->body, &notify) == IKE_ERROR_OK)
		ike_signature_hashes_decode(notify.data);
	if (ike_delete_decode(payload->body, &del) == IKE_ERROR_OK &&
	    del.protocol != IKE_PROTOCOL_IKE)
		for (uint16_t i = 0; i < del.count; i++)
			ike_delete_spi(&del, i);
	if (ike_ts_decode(payload->body, &ts) == IKE_ERROR_OK) {
		char text[NET_SELECTOR_TEXT];

		for (uint8_t i = 0; i < ts.count; i++)
			net_selector_text(text, &ts.selectors[i]);
	}
	if (ike_cp_decode(payload->body, &cp) == IKE_ERROR_OK) {
		c = cursor_of(cp.attributes.p, cp.attributes.n);
		while (ike_cp_next(&c, &attribute))
			;
	}
	ike_eap_decode(payload->body, &eap);
	decode_sa(payload->body);
}

static inline void decode_message(struct ike_message *message)
{
	struct ike_notify notify;

	ike_message_check(message);
	for (uint16_t i = 0; i < message->count; i++)
		decode_payload(&message->payloads[i]);
	ike_notify_first_error(message, &notify);
	ike_notify_has(message, IKE_N_COOKIE);
}
