/*
 * CREATE_CHILD_SA for the IKE SA itself (RFC 7296 section 2.18), with the collisions of section
 * 2.8.2 and 2.25.2. The new IKE SA of a collision waits, without children and unheard of, until it
 * is clear which of the two stays.
 */
#include "control/ikev2/child.h"
#include "control/ikev2/handlers.h"
#include "control/ikev2/init.h"
#include "control/ikev2/negotiate.h"

#include <errno.h>

#define RETRY_NS (60 * IKEV2_NS_PER_S)

static void retry_later(struct ikev2_sa *sa)
{
	sa->rekey_ns = sa->engine->now_ns + RETRY_NS;
}

static enum ikev2_step rekey_send_request(struct ikev2_task *task)
{
	struct ikev2_sa *sa = task->sa;
	const struct ike_policy *policy = ikev2_sa_config(sa)->policy;
	struct ike_builder b;
	uint8_t spi[8];
	struct writer w = writer_of(spi, sizeof(spi));

	if (task->error || sa->state != IKEV2_STATE_ESTABLISHED ||
	    ikev2_sa_spi(sa->engine, &task->offer.ike_spi) ||
	    secret_random(task->offer.nonce, IKEV2_NONCE_BYTES)) {
		retry_later(sa);
		return IKEV2_DONE;
	}
	task->offer.dh = task->dh->dh;
	task->offer.group = crypto_dh_group(task->dh->dh);
	task->dh->dh = NULL;
	writer_u64(&w, task->offer.ike_spi);
	ikev2_exchange_start(sa, &b, CREATE_CHILD_SA);
	ike_build_sa(&b, policy->ike_offer, policy->ike_offer_count, (struct span){ spi, 8 });
	ike_build_nonce(&b, (struct span){ task->offer.nonce, IKEV2_NONCE_BYTES });
	ike_build_ke(&b, task->offer.group, crypto_dh_public(task->offer.dh));
	if (ikev2_exchange_send(sa, &b, task->job, &task->offer))
		retry_later(sa);
	else
		task->job = NULL;
	return IKEV2_DONE;
}

enum ikev2_step ikev2_rekey_start(struct ikev2_task *task)
{
	struct ikev2_sa *sa = task->sa;
	const struct ike_policy *policy = ikev2_sa_config(sa)->policy;
	uint16_t group = task->job->group;

	/* What was agreed before goes first when the policy still has it. */
	if (!group &&
	    ike_proposal_has_group(policy->ike_offer, policy->ike_offer_count, sa->suite.dh))
		group = sa->suite.dh;
	if (!group)
		group = ike_proposal_first_group(policy->ike_offer, policy->ike_offer_count);
	return ikev2_task_dh(task, group, (struct span){ 0 }, rekey_send_request);
}

static void inherit_path(const struct ikev2_sa *old, struct ikev2_sa *heir)
{
	heir->path = old->path;
	heir->floated = old->floated;
	heir->nat_local = old->nat_local;
	heir->nat_remote = old->nat_remote;
	heir->encapsulate = old->encapsulate;
}

/*
 * MOBIKE crosses the rekey: the peer may have moved after the successor was made, or on it before
 * it had the children, and our own address update may be under way at the old IKE SA, where the
 * peer no longer has children.
 */
static void inherit_moves(struct ikev2_sa *old, struct ikev2_sa *heir)
{
	if (heir->moves)
		ikev2_mobike_tell(heir);
	else
		inherit_path(old, heir);
	if (old->own && old->own->job->kind == IKEV2_JOB_MOVE &&
	    !ikev2_job_find(heir, IKEV2_JOB_MOVE, 0) && !ikev2_job_add(heir, IKEV2_JOB_MOVE))
		ikev2_trace_local(heir, "out of memory: the peer is not told of our address");
	old->heir = heir->spi;
}

/* What a successor needs to talk at all. */
static int inherit(const struct ikev2_sa *old, struct ikev2_sa *heir)
{
	heir->dialled = old->dialled;
	inherit_path(old, heir);
	heir->fragmentation = old->fragmentation;
	heir->mobike = old->mobike;
	heir->local_method = old->local_method;
	heir->remote_method = old->remote_method;
	heir->line_low = old->line_low;
	heir->user = old->user;
	heir->redundant = true; /* until it has won */
	heir->expire_ns = old->engine->now_ns + IKEV2_REPLACED_NS;
	ikev2_sa_set_connection(heir, old->connection);
	return ike_id_set(&heir->remote_id, old->remote_id.type, ike_id_span(&old->remote_id));
}

void ikev2_rekey_won(struct ikev2_sa *old, struct ikev2_sa *heir)
{
	const struct ikev2_event event = {
		.kind = IKEV2_EVENT_REKEYED,
		.ike = heir->spi,
		.old_ike = old->spi,
		.user = old->user,
		.connection = old->connection,
		.path = &heir->path,
		.detail = "",
		.initiator = old->dialled,
	};
	struct list *at;
	struct list *next;

	list_for_each_safe (at, next, &old->children) {
		struct ikev2_child *child = list_entry(at, struct ikev2_child, link);

		list_del(at);
		list_add_tail(&heir->children, at);
		child->sa = heir;
		child->moves = heir->moves;
	}
	list_for_each_safe (at, next, &old->jobs) {
		if (list_entry(at, struct ikev2_job, link)->kind == IKEV2_JOB_REKEY)
			continue;
		list_del(at);
		list_add_tail(&heir->jobs, at);
	}
	inherit_moves(old, heir);
	heir->redundant = false;
	heir->up = old->up;
	heir->user = old->user;
	heir->reauthenticates = old->reauthenticates;
	ikev2_sa_lifetimes(heir);
	heir->reauth_ns = old->reauth_ns;
	old->up = false;
	old->redundant = true;
	old->rekey_ns = old->reauth_ns = old->redundant_ns = 0;
	old->expire_ns = old->engine->now_ns + IKEV2_REPLACED_NS;
	old->reason = IKEV2_REASON_REKEYED;
	ikev2_sa_state(old, IKEV2_STATE_REKEYED, "its children have moved");
	old->engine->hooks.event(old->engine->hooks.context, &event);
	ikev2_exchange_kick(heir);
	ikev2_timer_schedule(heir);
}

static void delete_job(struct ikev2_sa *sa)
{
	sa->reason = IKEV2_REASON_REKEYED;
	if (!ikev2_job_find(sa, IKEV2_JOB_DELETE, 0) && !ikev2_job_add(sa, IKEV2_JOB_DELETE))
		sa->expire_ns = sa->engine->now_ns;
	ikev2_exchange_kick(sa);
	ikev2_timer_schedule(sa);
}

/* Keys of the successor from this exchange (section 2.18). */
static int derive(struct ikev2_task *task, struct ikev2_sa *heir,
		  const struct ike_exchange_secrets *in)
{
	int error = ike_keymat_rekey(task->sa->engine->crypto, &task->sa->keys, &heir->suite, in,
				     &heir->keys);

	secret_free(&task->dh->shared);
	if (error)
		return error;
	heir->low = ikev2_low_of(in->ni, in->nr);
	ikev2_trace_keys(heir);
	return 0;
}

static uint64_t rekey_spi_of(const struct ike_suite *suite)
{
	struct cursor c = cursor_of(suite->spi, sizeof(suite->spi));

	return cursor_u64(&c);
}

static enum ikev2_step decide(struct ikev2_task *task, struct ikev2_sa *mine)
{
	struct ikev2_sa *sa = task->sa;
	struct ikev2_sa *rival = ikev2_sa_find(sa->engine, task->offer.rival_ike);

	if (rival && (!mine || ikev2_low_less(&mine->low, &rival->low))) {
		ikev2_rekey_won(sa, rival);
		if (mine)
			delete_job(mine);
		return IKEV2_DONE;
	}
	if (!mine)
		return IKEV2_NEXT;
	ikev2_rekey_won(sa, mine);
	delete_job(sa);
	return IKEV2_DONE;
}

static enum ikev2_step failed(struct ikev2_task *task, enum ikev2_reason reason)
{
	if (decide(task, NULL) == IKEV2_DONE)
		return IKEV2_DONE;
	ikev2_trace_local(task->sa, "the rekey failed: %s", ikev2_reason_text(reason));
	retry_later(task->sa);
	return IKEV2_DONE;
}

static enum ikev2_step response_shared(struct ikev2_task *task)
{
	struct ikev2_sa *sa = task->sa;
	const struct ike_payload *payload = ike_message_find(&task->message, IKE_PAYLOAD_NONCE);
	struct ike_exchange_secrets in = {
		.ni = { task->offer.nonce, IKEV2_NONCE_BYTES },
		.shared = secret_span(&task->dh->shared),
		.spi_i = task->offer.ike_spi,
		.spi_r = rekey_spi_of(&task->suite),
	};
	struct ikev2_sa *mine;

	if (task->error || ike_nonce_decode(payload->body, &in.nr) != IKE_ERROR_OK ||
	    sa->state != IKEV2_STATE_ESTABLISHED)
		return failed(task, IKEV2_REASON_DH);
	if (ikev2_sa_new_as(sa->engine, task->offer.ike_spi, &mine))
		return failed(task, IKEV2_REASON_RESOURCES);
	mine->initiator = true;
	mine->peer_spi = in.spi_r;
	mine->suite = task->suite;
	if (derive(task, mine, &in) || inherit(sa, mine)) {
		ikev2_sa_bury(mine);
		return failed(task, IKEV2_REASON_RESOURCES);
	}
	ikev2_sa_state(mine, IKEV2_STATE_ESTABLISHED, "made by our rekey");
	decide(task, mine);
	return IKEV2_DONE;
}

static enum ikev2_step refused(struct ikev2_task *task, const struct ike_notify *notify)
{
	struct ikev2_sa *sa = task->sa;
	const struct ike_policy *policy = ikev2_sa_config(sa)->policy;
	struct cursor c = cursor_of(notify->data.p, notify->data.n);
	uint16_t group = cursor_u16(&c);
	uint8_t attempts = task->job->attempts;

	if (decide(task, NULL) == IKEV2_DONE)
		return IKEV2_DONE;
	if (notify->type == IKE_N_INVALID_KE_PAYLOAD && cursor_ok(&c) &&
	    attempts < IKEV2_KE_TRIES &&
	    ike_proposal_has_group(policy->ike_offer, policy->ike_offer_count, group)) {
		task->job->group = group;
		task->job->attempts++;
		list_add_tail(&sa->jobs, &task->job->link);
		task->job = NULL;
		return IKEV2_DONE;
	}
	if (notify->type == IKE_N_TEMPORARY_FAILURE) {
		if (ikev2_job_again(sa, task->job))
			retry_later(sa);
		task->job = NULL;
		return IKEV2_DONE;
	}
	return failed(task, ikev2_negotiate_reason(notify->type));
}

enum ikev2_step ikev2_rekey_response(struct ikev2_task *task)
{
	struct ikev2_sa *sa = task->sa;
	const struct ike_policy *policy = ikev2_sa_config(sa)->policy;
	const struct ike_payload *answer = ike_message_find(&task->message, IKE_PAYLOAD_SA);
	const struct ike_payload *key = ike_message_find(&task->message, IKE_PAYLOAD_KE);
	struct ike_select offered = {
		.policy = policy->ike_offer,
		.count = policy->ike_offer_count,
		.protocol = IKE_PROTOCOL_IKE,
		.spi_size = 8,
	};
	struct ike_notify notify;
	struct crypto_dh *dh;
	struct ike_ke ke;

	ikev2_exchange_take(task);
	if (ike_notify_first_error(&task->message, &notify))
		return refused(task, &notify);
	offered.ke_group = task->offer.group;
	if (!answer || !key || !ike_message_find(&task->message, IKE_PAYLOAD_NONCE) ||
	    ike_select_answer(&offered, answer->body, &task->suite) ||
	    ike_ke_decode(key->body, &ke) != IKE_ERROR_OK || ke.group != task->offer.group ||
	    task->suite.dh != ke.group || !rekey_spi_of(&task->suite))
		return failed(task, IKEV2_REASON_ANSWER);
	dh = task->offer.dh;
	task->offer.dh = NULL;
	return ikev2_task_dh_with(task, dh, ke.data, response_shared);
}

static struct ikev2_offer *collision(struct ikev2_sa *sa)
{
	struct ikev2_task *response = sa->tasks[IKEV2_SLOT_RESPONSE];

	if (sa->own && sa->own->job->kind == IKEV2_JOB_REKEY)
		return &sa->own->offer;
	if (response && response->job && response->job->kind == IKEV2_JOB_REKEY)
		return &response->offer;
	return NULL;
}

static enum ikev2_step respond(struct ikev2_task *task, struct ikev2_sa *heir, struct span nonce)
{
	struct ikev2_sa *sa = task->sa;
	struct ikev2_offer *offer;
	struct ike_builder b;
	uint8_t spi[8];
	struct writer w = writer_of(spi, sizeof(spi));

	writer_u64(&w, heir->spi);
	ikev2_exchange_start_response(sa, &b, &task->message);
	ike_build_suite(&b, &heir->suite, (struct span){ spi, 8 });
	ike_build_nonce(&b, nonce);
	ike_build_ke(&b, crypto_dh_group(task->dh->dh), crypto_dh_public(task->dh->dh));
	if (ikev2_exchange_respond(task, &b)) {
		ikev2_sa_bury(heir);
		return IKEV2_DONE;
	}
	ikev2_sa_state(heir, IKEV2_STATE_ESTABLISHED, "made by the peer's rekey");
	offer = collision(sa);
	if (offer)
		offer->rival_ike = heir->spi;
	else
		ikev2_rekey_won(sa, heir);
	ikev2_timer_schedule(heir);
	return IKEV2_DONE;
}

static enum ikev2_step request_shared(struct ikev2_task *task)
{
	struct ikev2_sa *sa = task->sa;
	const struct ike_payload *payload = ike_message_find(&task->message, IKE_PAYLOAD_NONCE);
	struct ike_exchange_secrets in = {
		.nr = { task->offer.nonce, IKEV2_NONCE_BYTES },
		.shared = secret_span(&task->dh->shared),
		.spi_i = rekey_spi_of(&task->suite),
	};
	struct ikev2_sa *heir;

	if (sa->state != IKEV2_STATE_ESTABLISHED) {
		ikev2_exchange_respond_notify(task, IKE_N_TEMPORARY_FAILURE, (struct span){ 0 });
		return IKEV2_DONE;
	}
	if (task->error || ike_nonce_decode(payload->body, &in.ni) != IKE_ERROR_OK ||
	    secret_random(task->offer.nonce, IKEV2_NONCE_BYTES) ||
	    ikev2_sa_new(sa->engine, false, &heir)) {
		ikev2_exchange_respond_notify(task, IKE_N_INVALID_SYNTAX, (struct span){ 0 });
		return IKEV2_DONE;
	}
	in.spi_r = heir->spi;
	heir->peer_spi = in.spi_i;
	heir->suite = task->suite;
	if (derive(task, heir, &in) || inherit(sa, heir)) {
		ikev2_sa_bury(heir);
		ikev2_exchange_respond_notify(task, IKE_N_TEMPORARY_FAILURE, (struct span){ 0 });
		return IKEV2_DONE;
	}
	return respond(task, heir, in.nr);
}

/* Section 2.25.2: not while a child is being made, rekeyed or closed by us. */
static bool busy_with_child(const struct ikev2_sa *sa)
{
	const struct ikev2_task *tasks[] = { sa->tasks[IKEV2_SLOT_LOCAL],
					     sa->tasks[IKEV2_SLOT_RESPONSE] };
	uint32_t kinds = 1u << IKEV2_JOB_CHILD_NEW | 1u << IKEV2_JOB_CHILD_REKEY |
			 1u << IKEV2_JOB_CHILD_DELETE;

	if (sa->own && kinds >> sa->own->job->kind & 1)
		return true;
	for (size_t i = 0; i < 2; i++)
		if (tasks[i] && tasks[i]->job && kinds >> tasks[i]->job->kind & 1)
			return true;
	return false;
}

enum ikev2_step ikev2_rekey_request(struct ikev2_task *task)
{
	struct ikev2_sa *sa = task->sa;
	const struct ike_policy *policy = ikev2_sa_config(sa)->policy;
	const struct ike_payload *offer = ike_message_find(&task->message, IKE_PAYLOAD_SA);
	const struct ike_payload *key = ike_message_find(&task->message, IKE_PAYLOAD_KE);
	struct ike_select select = {
		.policy = policy->ike_accept,
		.count = policy->ike_accept_count,
		.protocol = IKE_PROTOCOL_IKE,
		.spi_size = 8,
	};
	uint8_t wanted[2];
	struct ike_ke ke;
	int error;

	if (sa->state != IKEV2_STATE_ESTABLISHED || sa->redundant || busy_with_child(sa) ||
	    !ikev2_room_rekey(sa)) {
		ikev2_exchange_respond_notify(task, IKE_N_TEMPORARY_FAILURE, (struct span){ 0 });
		return IKEV2_DONE;
	}
	if (!key || ike_ke_decode(key->body, &ke) != IKE_ERROR_OK ||
	    !ike_message_find(&task->message, IKE_PAYLOAD_NONCE)) {
		ikev2_exchange_respond_notify(task, IKE_N_INVALID_SYNTAX, (struct span){ 0 });
		return IKEV2_DONE;
	}
	select.ke_group = ke.group;
	error = ike_select(&select, offer->body, &task->suite);
	if (error || !rekey_spi_of(&task->suite)) {
		ikev2_exchange_respond_notify(
			task, error == -ENOENT ? IKE_N_NO_PROPOSAL_CHOSEN : IKE_N_INVALID_SYNTAX,
			(struct span){ 0 });
		return IKEV2_DONE;
	}
	if (task->suite.dh != ke.group) {
		wanted[0] = (uint8_t)(task->suite.dh >> 8);
		wanted[1] = (uint8_t)task->suite.dh;
		ikev2_exchange_respond_notify(task, IKE_N_INVALID_KE_PAYLOAD,
					      (struct span){ wanted, 2 });
		return IKEV2_DONE;
	}
	return ikev2_task_dh(task, ke.group, ke.data, request_shared);
}
