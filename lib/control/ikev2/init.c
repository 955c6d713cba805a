#include "control/ikev2/init.h"

#include "control/ikev2/child.h"

#include <errno.h>
#include <stdlib.h>

int ikev2_init_keep(struct ikev2_bytes *to, struct span bytes)
{
	uint8_t *copy = malloc(bytes.n ? bytes.n : 1);

	if (!copy)
		return -ENOMEM;
	memcpy(copy, bytes.p, bytes.n);
	free(to->p);
	*to = (struct ikev2_bytes){ copy, bytes.n };
	return 0;
}

/* RFC 7296 section 2.10: at least half the key size of the negotiated PRF. */
bool ikev2_init_nonce_fits(const struct ike_suite *suite, size_t bytes)
{
	return bytes * 2 >= crypto_prf_key_size(ike_suite_prf(suite));
}

void ikev2_init_build(struct ikev2_sa *sa, struct ike_builder *b,
		      const struct ikev2_init_payloads *payloads)
{
	ike_build_ke(b, crypto_dh_group(payloads->dh), crypto_dh_public(payloads->dh));
	ike_build_nonce(b, payloads->nonce);
	ikev2_mobike_build_nat(sa, b, payloads->header, &sa->path);
	if (!sa->connection || !ikev2_sa_config(sa)->no_fragmentation)
		ike_build_notify(b, IKE_N_IKEV2_FRAGMENTATION_SUPPORTED, (struct span){ 0 });
	ike_build_signature_hashes(b, IKE_AUTH_HASHES);
}

void ikev2_init_notifies(struct ikev2_sa *sa, const struct ike_message *message)
{
	struct ike_notify notify;

	sa->fragmentation = ike_notify_has(message, IKE_N_IKEV2_FRAGMENTATION_SUPPORTED) &&
			    (!sa->connection || !ikev2_sa_config(sa)->no_fragmentation);
	sa->setup->peer_childless = ike_notify_has(message, IKE_N_CHILDLESS_IKEV2_SUPPORTED);
	if (ike_notify_find(message, IKE_N_SIGNATURE_HASH_ALGORITHMS, &notify) == IKE_ERROR_OK)
		sa->setup->peer_hashes = ike_signature_hashes_decode(notify.data);
}

int ikev2_init_keys(struct ikev2_task *task)
{
	struct ikev2_sa *sa = task->sa;
	struct ikev2_setup *setup = sa->setup;
	const struct ike_exchange_secrets in = {
		.ni = { setup->ni, setup->ni_len },
		.nr = { setup->nr, setup->nr_len },
		.shared = secret_span(&task->dh->shared),
		.spi_i = sa->initiator ? sa->spi : sa->peer_spi,
		.spi_r = sa->initiator ? sa->peer_spi : sa->spi,
	};
	int error;

	if (task->error)
		return task->error;
	error = ike_keymat_initial(sa->engine->crypto, &sa->suite, &in, &sa->keys);
	secret_free(&task->dh->shared);
	if (error)
		return error;
	sa->low = ikev2_low_of(in.ni, in.nr);
	ikev2_trace_keys(sa);
	return 0;
}

static enum ikev2_step fail(struct ikev2_task *task, enum ikev2_reason reason, const char *detail)
{
	ikev2_sa_end(task->sa, reason, detail);
	return IKEV2_DONE;
}

/* The first request, or the same again with a cookie or another group. */
static enum ikev2_step init_send_request(struct ikev2_task *task)
{
	struct ikev2_sa *sa = task->sa;
	struct ikev2_setup *setup = sa->setup;
	const struct ike_policy *policy = ikev2_sa_config(sa)->policy;
	const struct ike_header header = ikev2_exchange_header(sa, IKE_SA_INIT, false, sa->next_id);
	const struct ikev2_init_payloads payloads = {
		.header = &header,
		.dh = task->offer.dh,
		.nonce = { setup->ni, setup->ni_len },
	};
	struct ike_builder b;
	int error;

	sa->next_id = 0; /* section 2.2: every attempt has ID 0 */
	ikev2_exchange_start(sa, &b, IKE_SA_INIT);
	if (setup->cookie_len) /* section 2.6: it goes first, the rest is as it was */
		ike_build_notify(&b, IKE_N_COOKIE,
				 (struct span){ setup->cookie, setup->cookie_len });
	ike_build_sa(&b, policy->ike_offer, policy->ike_offer_count, (struct span){ 0 });
	ikev2_init_build(sa, &b, &payloads);
	error = ikev2_exchange_send(sa, &b, task->job, &task->offer);
	if (error)
		return fail(task, IKEV2_REASON_RESOURCES, NULL);
	task->job = NULL;
	if (ikev2_init_keep(&setup->request, ike_packets_get(&sa->own->packets, 0)))
		return fail(task, IKEV2_REASON_RESOURCES, NULL);
	if (sa->state == IKEV2_STATE_NEW)
		ikev2_sa_state(sa, IKEV2_STATE_INIT_SENT, "the first request is out");
	return IKEV2_DONE;
}

static enum ikev2_step key_made(struct ikev2_task *task)
{
	if (task->error)
		return fail(task, IKEV2_REASON_DH, NULL);
	task->offer.group = crypto_dh_group(task->dh->dh);
	task->offer.dh = task->dh->dh;
	task->dh->dh = NULL;
	return ikev2_task_goto(task, init_send_request);
}

enum ikev2_step ikev2_init_start(struct ikev2_task *task)
{
	struct ikev2_sa *sa = task->sa;
	const struct ike_policy *policy = ikev2_sa_config(sa)->policy;
	uint16_t group = task->job->group;

	if (!group)
		group = ike_proposal_first_group(policy->ike_offer, policy->ike_offer_count);
	if (!sa->setup->ni_len) {
		if (secret_random(sa->setup->ni, IKEV2_NONCE_BYTES))
			return fail(task, IKEV2_REASON_RESOURCES, NULL);
		sa->setup->ni_len = IKEV2_NONCE_BYTES;
	}
	return ikev2_task_dh(task, group, (struct span){ 0 }, key_made);
}

static enum ikev2_step again_with_cookie(struct ikev2_task *task, const struct ike_notify *notify)
{
	struct ikev2_setup *setup = task->sa->setup;

	if (++setup->cookie_tries > IKEV2_COOKIE_TRIES)
		return fail(task, IKEV2_REASON_COOKIE, NULL);
	memcpy(setup->cookie, notify->data.p, notify->data.n);
	setup->cookie_len = (uint8_t)notify->data.n;
	return ikev2_task_goto(task, init_send_request);
}

/* Section 1.2: the group must be one that we offer; the full list is offered again. */
static enum ikev2_step again_with_group(struct ikev2_task *task, const struct ike_notify *notify)
{
	struct ikev2_sa *sa = task->sa;
	const struct ike_policy *policy = ikev2_sa_config(sa)->policy;
	struct cursor c = cursor_of(notify->data.p, notify->data.n);
	uint16_t group = cursor_u16(&c);

	if (!cursor_ok(&c) || group == task->offer.group ||
	    ++sa->setup->ke_tries > IKEV2_KE_TRIES ||
	    !ike_proposal_has_group(policy->ike_offer, policy->ike_offer_count, group))
		return fail(task, IKEV2_REASON_PROPOSAL_IKE,
			    "the peer asks for a DH group that our policy does not have");
	crypto_dh_free(task->offer.dh);
	memset(&task->offer, 0, sizeof(task->offer));
	task->job->group = group;
	return ikev2_task_dh(task, group, (struct span){ 0 }, key_made);
}

static enum ikev2_step refused(struct ikev2_task *task, uint16_t error)
{
	switch (error) {
	case IKE_N_NO_PROPOSAL_CHOSEN:
		return fail(task, IKEV2_REASON_PROPOSAL_IKE,
			    "the peer answered NO_PROPOSAL_CHOSEN");
	case IKE_N_INVALID_MAJOR_VERSION:
		return fail(task, IKEV2_REASON_VERSION, NULL);
	case IKE_N_INVALID_SYNTAX:
		return fail(task, IKEV2_REASON_PEER_SYNTAX, NULL);
	default:
		return fail(task, IKEV2_REASON_PEER_ERROR, ike_notify_text(error));
	}
}

static enum ikev2_step shared_made(struct ikev2_task *task)
{
	struct ikev2_sa *sa = task->sa;
	struct ikev2_job *job;

	if (ikev2_init_keys(task))
		return fail(task, IKEV2_REASON_DH, NULL);
	ikev2_init_notifies(sa, &task->message);
	ikev2_mobike_check_nat(sa, &task->message, &task->path);
	job = ikev2_job_add(sa, IKEV2_JOB_AUTH);
	if (!job)
		return fail(task, IKEV2_REASON_RESOURCES, NULL);
	return IKEV2_DONE;
}

/* Suite, KE and nonce of the answer; NULL or what is wrong. */
static const char *take_answer(struct ikev2_task *task, struct ike_ke *ke)
{
	struct ikev2_sa *sa = task->sa;
	struct ikev2_setup *setup = sa->setup;
	const struct ike_policy *policy = ikev2_sa_config(sa)->policy;
	const struct ike_select offered = {
		.policy = policy->ike_offer,
		.count = policy->ike_offer_count,
		.protocol = IKE_PROTOCOL_IKE,
		.ke_group = task->offer.group,
	};
	const struct ike_payload *chosen = ike_message_find(&task->message, IKE_PAYLOAD_SA);
	const struct ike_payload *key = ike_message_find(&task->message, IKE_PAYLOAD_KE);
	const struct ike_payload *random = ike_message_find(&task->message, IKE_PAYLOAD_NONCE);
	struct span nonce;

	if (!chosen || !key || !random || !task->message.header.spi_r)
		return "SA, KE, nonce or SPI is missing";
	if (ike_select_answer(&offered, chosen->body, &sa->suite))
		return "the SA payload is none of our proposals";
	if (ike_ke_decode(key->body, ke) != IKE_ERROR_OK || ke->group != sa->suite.dh ||
	    ke->group != task->offer.group)
		return "the KE payload is not of the chosen group";
	if (ike_nonce_decode(random->body, &nonce) != IKE_ERROR_OK ||
	    !ikev2_init_nonce_fits(&sa->suite, nonce.n))
		return "the nonce has a wrong size";
	memcpy(setup->nr, nonce.p, nonce.n);
	setup->nr_len = (uint16_t)nonce.n;
	return NULL;
}

enum ikev2_step ikev2_init_response(struct ikev2_task *task)
{
	struct ikev2_sa *sa = task->sa;
	struct ike_notify notify;
	struct crypto_dh *dh;
	struct ike_ke ke;
	const char *wrong;
	uint16_t error;

	ikev2_exchange_take(task);
	if (ike_notify_find(&task->message, IKE_N_COOKIE, &notify) == IKE_ERROR_OK)
		return again_with_cookie(task, &notify);
	if (ike_notify_find(&task->message, IKE_N_INVALID_KE_PAYLOAD, &notify) == IKE_ERROR_OK)
		return again_with_group(task, &notify);
	error = ike_notify_first_error(&task->message, &notify);
	if (error)
		return refused(task, error);
	wrong = take_answer(task, &ke);
	if (wrong)
		return fail(task, IKEV2_REASON_ANSWER, wrong);
	if (ikev2_init_keep(&sa->setup->response, task->message.bytes))
		return fail(task, IKEV2_REASON_RESOURCES, NULL);
	sa->peer_spi = task->message.header.spi_r;
	dh = task->offer.dh;
	task->offer.dh = NULL;
	return ikev2_task_dh_with(task, dh, ke.data, shared_made);
}
