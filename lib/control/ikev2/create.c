/*
 * CREATE_CHILD_SA for children: new ones and rekeys, with the collisions of RFC 7296 section 2.8.1
 * and 2.25.1.
 */
#include "control/ikev2/child.h"
#include "control/ikev2/handlers.h"
#include "control/ikev2/negotiate.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define RETRY_NS (30 * IKEV2_NS_PER_S)

static struct ikev2_child *old_of(const struct ikev2_task *task)
{
	return ikev2_child_find(task->sa->engine, task->slot == IKEV2_SLOT_REQUEST
							  ? task->rekeyed_child
							  : task->job->child);
}

/* It could not be rekeyed now: it stays as it is, and is tried again before it ends. */
static void stay(struct ikev2_child *child, uint64_t retry_ns)
{
	if (!child || child->state != IKEV2_CHILD_REKEYING)
		return;
	ikev2_child_state(child, IKEV2_CHILD_UP, "the rekey failed");
	if (retry_ns)
		child->rekey_ns = child->sa->engine->now_ns + retry_ns;
}

static enum ikev2_step give_up(struct ikev2_task *task, enum ikev2_reason reason)
{
	struct ikev2_child *old = old_of(task);

	ikev2_child_failed(task->sa, task->job->entry, reason, task->detail);
	stay(old, RETRY_NS);
	return IKEV2_DONE;
}

static enum ikev2_step create_send_request(struct ikev2_task *task)
{
	struct ikev2_sa *sa = task->sa;
	struct ikev2_child *old = old_of(task);
	struct ikev2_child_offer offer = { .job = task->job, .old = old };
	struct ike_builder b;

	if (task->error)
		return give_up(task, IKEV2_REASON_DH);
	/* While the key was made the peer may have deleted or rekeyed it. */
	if (task->job->kind == IKEV2_JOB_CHILD_REKEY &&
	    (!old || old->state != IKEV2_CHILD_REKEYING || old->replaced_by))
		return IKEV2_DONE;
	offer.spi = sa->engine->hooks.spi_get(sa->engine->hooks.context, sa->connection);
	if (!offer.spi || secret_random(task->offer.nonce, IKEV2_NONCE_BYTES))
		return give_up(task, IKEV2_REASON_RESOURCES);
	task->offer.esp_spi = offer.spi;
	if (task->dh) {
		task->offer.dh = task->dh->dh;
		task->offer.group = crypto_dh_group(task->dh->dh);
		task->dh->dh = NULL;
	}
	offer.dh = task->offer.dh;
	offer.nonce = (struct span){ task->offer.nonce, IKEV2_NONCE_BYTES };
	ikev2_exchange_start(sa, &b, CREATE_CHILD_SA);
	if (old)
		ike_build_notify_spi(&b, IKE_N_REKEY_SA, IKE_PROTOCOL_ESP, old->spi,
				     (struct span){ 0 });
	ikev2_negotiate_offer(sa, &b, &offer);
	if (ikev2_exchange_send(sa, &b, task->job, &task->offer))
		return give_up(task, IKEV2_REASON_RESOURCES);
	task->job = NULL;
	return IKEV2_DONE;
}

enum ikev2_step ikev2_create_start(struct ikev2_task *task)
{
	struct ikev2_sa *sa = task->sa;
	struct ikev2_child *old = old_of(task);
	uint16_t group = task->job->group ? task->job->group : ikev2_negotiate_group(sa);

	if (task->job->kind == IKEV2_JOB_CHILD_REKEY) {
		if (!old || old->state != IKEV2_CHILD_UP)
			return IKEV2_DONE;
		task->job->entry = old->entry;
		ikev2_child_state(old, IKEV2_CHILD_REKEYING, "our rekey starts");
	} else if (task->job->entry >= ikev2_sa_config(sa)->child_count) {
		return IKEV2_DONE;
	}
	if (group == IKE_DH_NONE)
		return ikev2_task_goto(task, create_send_request);
	return ikev2_task_dh(task, group, (struct span){ 0 }, create_send_request);
}

static void delete_job(struct ikev2_child *child, enum ikev2_reason reason)
{
	struct ikev2_job *job;

	child->reason = (uint8_t)reason;
	if (ikev2_job_find(child->sa, IKEV2_JOB_CHILD_DELETE, child->spi))
		return;
	job = ikev2_job_add(child->sa, IKEV2_JOB_CHILD_DELETE);
	if (job)
		job->child = child->spi;
	else
		child->replaced_ns = child->sa->engine->now_ns + IKEV2_NS_PER_S;
}

/* `heir` takes over from `old` for good. */
static void succeed(struct ikev2_child *heir, struct ikev2_child *old)
{
	heir->redundant = false;
	heir->replaced_ns = 0;
	heir->replaces = old ? old->spi : 0;
	ikev2_child_tell_up(heir);
	if (!old)
		return;
	old->replaced_by = heir->spi;
	if (old->state == IKEV2_CHILD_UP || old->state == IKEV2_CHILD_REKEYING)
		ikev2_child_state(old, IKEV2_CHILD_REKEYED, "a newer one took over");
	old->rekey_ns = 0;
	old->replaced_ns = old->sa->engine->now_ns + IKEV2_REPLACED_NS;
}

/* Our rekey came to nothing; the peer's, if there was one, holds. */
static bool rival_holds(struct ikev2_task *task, struct ikev2_child *old)
{
	struct ikev2_child *rival = ikev2_child_find(task->sa->engine, task->offer.rival_child);

	if (!rival || rival->state == IKEV2_CHILD_LINGERING)
		return false;
	succeed(rival, old);
	rival->waits = rival->sends ? IKEV2_WAITS_NOT : IKEV2_WAITS_REQUEST;
	if (!old)
		ikev2_child_switch(rival);
	return true;
}

static void remake(struct ikev2_sa *sa, uint16_t entry)
{
	struct ikev2_job *job;

	if (entry >= ikev2_sa_config(sa)->child_count ||
	    ikev2_sa_config(sa)->children[entry].on_demand)
		return;
	job = ikev2_job_add(sa, IKEV2_JOB_CHILD_NEW);
	if (job)
		job->entry = entry;
}

static enum ikev2_step other_group(struct ikev2_task *task, const struct ike_notify *notify)
{
	const struct ike_policy *policy = ikev2_sa_config(task->sa)->policy;
	struct cursor c = cursor_of(notify->data.p, notify->data.n);
	uint16_t group = cursor_u16(&c);
	struct ikev2_child *old = old_of(task);

	if (!cursor_ok(&c) || ++task->job->attempts > IKEV2_KE_TRIES ||
	    !ike_proposal_has_group(policy->child_offer, policy->child_offer_count, group)) {
		snprintf(task->detail, sizeof(task->detail), "the peer wants PFS group %s",
			 crypto_dh_text(group));
		return give_up(task, IKEV2_REASON_PFS);
	}
	stay(old, 0);
	task->job->group = group;
	list_add_tail(&task->sa->jobs, &task->job->link);
	task->job = NULL;
	return IKEV2_DONE;
}

/* RFC 7296 section 2.9: asked again for the traffic that there is, and no more. */
static enum ikev2_step single_pair(struct ikev2_task *task, enum ikev2_reason reason)
{
	struct ikev2_job *job = task->job;

	if (!job->has_packet || job->single_pair)
		return give_up(task, reason);
	job->single_pair = true;
	list_add_tail(&task->sa->jobs, &job->link);
	task->job = NULL;
	return IKEV2_DONE;
}

static enum ikev2_step refused(struct ikev2_task *task, const struct ike_notify *notify)
{
	struct ikev2_sa *sa = task->sa;
	struct ikev2_child *old = old_of(task);
	enum ikev2_reason reason = ikev2_negotiate_reason(notify->type);
	uint16_t entry = task->job->entry;

	if (rival_holds(task, old))
		return IKEV2_DONE;
	switch (notify->type) {
	case IKE_N_TEMPORARY_FAILURE:
		stay(old, 0);
		if (ikev2_job_again(sa, task->job))
			ikev2_child_failed(sa, entry, reason, NULL);
		task->job = NULL;
		return IKEV2_DONE;
	case IKE_N_CHILD_SA_NOT_FOUND:
		/* Deleted while our request was late: the peer wanted that. */
		if (!old || old->state != IKEV2_CHILD_REKEYING)
			return IKEV2_DONE;
		ikev2_child_remove(old, reason, NULL);
		remake(sa, entry);
		return IKEV2_DONE;
	case IKE_N_INVALID_KE_PAYLOAD:
		return other_group(task, notify);
	case IKE_N_SINGLE_PAIR_REQUIRED:
		return single_pair(task, reason);
	case IKE_N_NO_PROPOSAL_CHOSEN:
		/* What worked in IKE_AUTH without a group fails with one: it is the group. */
		if (task->job->child && task->offer.group) {
			snprintf(task->detail, sizeof(task->detail),
				 "the peer refuses the rekey; our PFS group is %s",
				 crypto_dh_text(task->offer.group));
			reason = IKEV2_REASON_PFS;
		}
		return give_up(task, reason);
	default:
		return give_up(task, reason);
	}
}

/*
 * The peer deleted the new child before its answer was here (strongSwan does when it is told to):
 * there is nothing to use, and what was to be replaced is no longer wanted.
 */
static bool deleted_before(struct ikev2_task *task)
{
	struct ikev2_child *old = old_of(task);
	bool deleted = false;

	for (size_t i = 0; i < IKEV2_GONE_MAX; i++)
		deleted |= task->offer.gone[i] && task->offer.gone[i] == task->child->peer_spi;
	if (!deleted)
		return false;
	if (rival_holds(task, old))
		return true;
	if (!old)
		ikev2_child_failed(task->sa, task->job->entry, IKEV2_REASON_PEER_DELETED, NULL);
	else
		delete_job(old, IKEV2_REASON_PEER_DELETED);
	return true;
}

/* Against the peer's rekey of the same child, also when it has deleted its new one meanwhile. */
static bool loses(const struct ikev2_task *task, const struct ikev2_low *low)
{
	return task->offer.rival_child && ikev2_low_less(low, &task->offer.rival_low);
}

/* Both rekeyed: of the two new ones the one with the lowest nonce goes (section 2.8.1). */
static enum ikev2_step response_installed(struct ikev2_task *task)
{
	struct ikev2_sa *sa = task->sa;
	struct ikev2_child *old = old_of(task);
	struct ikev2_child *mine = task->child;
	struct ikev2_child *rival = ikev2_child_find(sa->engine, task->offer.rival_child);
	bool lost = loses(task, &mine->low);

	if (task->error) {
		ikev2_negotiate_undo(task, IKEV2_REASON_INSTALL);
		if (!rival_holds(task, old)) {
			ikev2_child_failed(sa, task->job->entry, IKEV2_REASON_INSTALL, NULL);
			stay(old, RETRY_NS);
		}
		return IKEV2_DONE;
	}
	if (deleted_before(task)) {
		task->child = NULL;
		ikev2_child_drop(mine);
		return IKEV2_DONE;
	}
	task->child = NULL;
	ikev2_child_link(sa, mine);
	if (lost) {
		mine->redundant = true;
		mine->replaces = 0;
		ikev2_child_up(mine);
		rival_holds(task, old);
		delete_job(mine, IKEV2_REASON_REDUNDANT);
		return IKEV2_DONE;
	}
	mine->redundant = true; /* until it has succeeded: one event only */
	ikev2_child_up(mine);
	succeed(mine, old);
	if (old)
		delete_job(old, IKEV2_REASON_REKEYED);
	if (rival)
		rival->replaced_ns = sa->engine->now_ns + IKEV2_REPLACED_NS;
	return IKEV2_DONE;
}

static enum ikev2_step response_keys(struct ikev2_task *task)
{
	const struct ike_payload *payload = ike_message_find(&task->message, IKE_PAYLOAD_NONCE);
	struct ike_exchange_secrets secrets = {
		.ni = { task->offer.nonce, IKEV2_NONCE_BYTES },
	};
	struct ikev2_low low;

	if (task->error || ike_nonce_decode(payload->body, &secrets.nr) != IKE_ERROR_OK) {
		ikev2_negotiate_undo(task, IKEV2_REASON_DH);
		return give_up(task, IKEV2_REASON_DH);
	}
	if (deleted_before(task))
		return IKEV2_DONE;
	if (task->dh)
		secrets.shared = secret_span(&task->dh->shared);
	low = ikev2_low_of(secrets.ni, secrets.nr);
	return ikev2_negotiate_install(task, &secrets, !loses(task, &low), response_installed);
}

static enum ikev2_step unusable(struct ikev2_task *task, enum ikev2_reason reason)
{
	struct ikev2_child *old = old_of(task);

	ikev2_negotiate_undo(task, reason);
	if (rival_holds(task, old))
		return IKEV2_DONE;
	return give_up(task, reason);
}

enum ikev2_step ikev2_create_response(struct ikev2_task *task)
{
	const struct ike_payload *key = ike_message_find(&task->message, IKE_PAYLOAD_KE);
	struct ike_notify notify;
	struct crypto_dh *dh;
	enum ikev2_reason reason;
	struct ike_ke ke;

	ikev2_exchange_take(task);
	if (ike_notify_first_error(&task->message, &notify))
		return refused(task, &notify);
	reason = ikev2_negotiate_take(task, false, old_of(task), task->job);
	if (reason == IKEV2_REASON_NONE && !ike_message_find(&task->message, IKE_PAYLOAD_NONCE))
		reason = IKEV2_REASON_PAYLOAD;
	if (reason != IKEV2_REASON_NONE)
		return unusable(task, reason);
	if (task->suite.dh == IKE_DH_NONE)
		return ikev2_task_goto(task, response_keys);
	if (!key || ike_ke_decode(key->body, &ke) != IKE_ERROR_OK || ke.group != task->suite.dh)
		return unusable(task, IKEV2_REASON_PAYLOAD);
	dh = task->offer.dh;
	task->offer.dh = NULL;
	return ikev2_task_dh_with(task, dh, ke.data, response_keys);
}

/* Our own rekey of the same child that is under way: its offer, or NULL. */
static struct ikev2_offer *collision(struct ikev2_sa *sa, uint32_t child)
{
	struct ikev2_task *response = sa->tasks[IKEV2_SLOT_RESPONSE];

	if (sa->own && sa->own->job->kind == IKEV2_JOB_CHILD_REKEY && sa->own->job->child == child)
		return &sa->own->offer;
	if (response && response->job && response->job->kind == IKEV2_JOB_CHILD_REKEY &&
	    response->job->child == child)
		return &response->offer;
	return NULL;
}

void ikev2_create_gone(struct ikev2_sa *sa, uint32_t peer_spi)
{
	struct ikev2_task *response = sa->tasks[IKEV2_SLOT_RESPONSE];
	struct ikev2_offer *offer = NULL;

	if (sa->own && sa->own->offer.esp_spi)
		offer = &sa->own->offer;
	else if (response && response->offer.esp_spi)
		offer = &response->offer;
	for (size_t i = 0; offer && i < IKEV2_GONE_MAX; i++)
		if (!offer->gone[i]) {
			offer->gone[i] = peer_spi;
			return;
		}
}

void ikev2_create_old_gone(struct ikev2_child *old)
{
	struct ikev2_offer *offer = collision(old->sa, old->spi);
	struct ikev2_child *rival;

	if (!offer)
		return;
	rival = ikev2_child_find(old->sa->engine, offer->rival_child);
	if (rival)
		succeed(rival, old);
}

static void request_done(struct ikev2_task *task, struct ikev2_child *child)
{
	struct ikev2_sa *sa = task->sa;
	struct ikev2_child *old = old_of(task);
	struct ikev2_offer *offer = old ? collision(sa, old->spi) : NULL;
	struct ikev2_job *job;

	ikev2_child_link(sa, child);
	child->redundant = true;
	ikev2_child_up(child);
	if (offer) {
		offer->rival_child = child->spi;
		offer->rival_low = child->low;
		child->replaced_ns = sa->engine->now_ns + IKEV2_REPLACED_NS;
		return;
	}
	succeed(child, old);
	if (!old && !ikev2_child_carried(child)) {
		ikev2_child_switch(child);
		return;
	}
	child->waits = IKEV2_WAITS_REQUEST;
	if (!old)
		return;
	job = ikev2_job_find(sa, IKEV2_JOB_CHILD_REKEY, old->spi);
	if (job) {
		list_del(&job->link);
		ikev2_job_free(job);
	}
}

/* While we worked on the peer's rekey our own one, or a Delete, took the child that it is about. */
static bool overtaken(const struct ikev2_task *task)
{
	const struct ikev2_child *old = old_of(task);

	return task->rekeyed_child &&
	       (!old || (old->state != IKEV2_CHILD_UP && old->state != IKEV2_CHILD_REKEYING));
}

static enum ikev2_step request_installed(struct ikev2_task *task)
{
	struct ikev2_child *child = task->child;
	struct ike_builder b;

	if (task->error || overtaken(task)) {
		ikev2_exchange_respond_notify(task, IKE_N_TEMPORARY_FAILURE, (struct span){ 0 });
		return IKEV2_DONE;
	}
	ikev2_exchange_start_response(task->sa, &b, &task->message);
	ikev2_negotiate_answer(task, &b, (struct span){ task->offer.nonce, IKEV2_NONCE_BYTES },
			       task->dh ? task->dh->dh : NULL);
	if (ikev2_exchange_respond(task, &b))
		return IKEV2_DONE;
	task->child = NULL;
	request_done(task, child);
	return IKEV2_DONE;
}

static enum ikev2_step request_keys(struct ikev2_task *task)
{
	const struct ike_payload *payload = ike_message_find(&task->message, IKE_PAYLOAD_NONCE);
	struct ike_exchange_secrets secrets = {
		.nr = { task->offer.nonce, IKEV2_NONCE_BYTES },
	};

	if (task->error || secret_random(task->offer.nonce, IKEV2_NONCE_BYTES) ||
	    ike_nonce_decode(payload->body, &secrets.ni) != IKE_ERROR_OK) {
		ikev2_exchange_respond_notify(task, IKE_N_INVALID_SYNTAX, (struct span){ 0 });
		return IKEV2_DONE;
	}
	if (overtaken(task)) {
		ikev2_exchange_respond_notify(task, IKE_N_TEMPORARY_FAILURE, (struct span){ 0 });
		return IKEV2_DONE;
	}
	if (task->dh)
		secrets.shared = secret_span(&task->dh->shared);
	return ikev2_negotiate_install(task, &secrets, false, request_installed);
}

static enum ikev2_step create_refuse(struct ikev2_task *task, uint16_t notify)
{
	const uint8_t group[2] = { (uint8_t)(task->suite.dh >> 8), (uint8_t)task->suite.dh };

	if (task->child_reason == IKEV2_REASON_PFS ||
	    task->child_reason == IKEV2_REASON_PROPOSAL_CHILD ||
	    task->child_reason == IKEV2_REASON_SELECTORS) {
		struct ikev2_child *old = old_of(task);

		if (notify != IKE_N_INVALID_KE_PAYLOAD)
			ikev2_child_failed(task->sa, old ? old->entry : IKEV2_ENTRY_ACCEPTED,
					   task->child_reason, task->detail);
	}
	ikev2_exchange_respond_notify(task, notify,
				      notify == IKE_N_INVALID_KE_PAYLOAD ? (struct span){ group, 2 }
									 : (struct span){ 0 });
	return IKEV2_DONE;
}

static bool rekeying_ike(const struct ikev2_sa *sa)
{
	const struct ikev2_task *local = sa->tasks[IKEV2_SLOT_LOCAL];
	const struct ikev2_task *response = sa->tasks[IKEV2_SLOT_RESPONSE];

	return (sa->own && sa->own->job->kind == IKEV2_JOB_REKEY) ||
	       (local && local->job && local->job->kind == IKEV2_JOB_REKEY) ||
	       (response && response->job && response->job->kind == IKEV2_JOB_REKEY);
}

/* RFC 7296 section 2.25.1. 0, or the notify to create_refuse with. */
static uint16_t find_rekeyed(struct ikev2_task *task)
{
	struct ikev2_child *old;
	struct ike_notify notify;
	struct cursor c;

	if (ike_notify_find(&task->message, IKE_N_REKEY_SA, &notify) != IKE_ERROR_OK)
		return 0;
	c = cursor_of(notify.spi.p, notify.spi.n);
	old = ikev2_child_find_peer(task->sa, cursor_u32(&c));
	if (!cursor_ok(&c) || !old)
		return IKE_N_CHILD_SA_NOT_FOUND;
	if (old->state != IKEV2_CHILD_UP && old->state != IKEV2_CHILD_REKEYING)
		return IKE_N_TEMPORARY_FAILURE;
	if (ikev2_job_find(task->sa, IKEV2_JOB_CHILD_DELETE, old->spi))
		return IKE_N_TEMPORARY_FAILURE;
	task->rekeyed_child = old->spi;
	return 0;
}

enum ikev2_step ikev2_create_request(struct ikev2_task *task)
{
	struct ikev2_sa *sa = task->sa;
	const struct ike_payload *key = ike_message_find(&task->message, IKE_PAYLOAD_KE);
	const struct ike_payload *nonce = ike_message_find(&task->message, IKE_PAYLOAD_NONCE);
	struct ike_ke ke = { 0 };
	uint16_t notify;

	if (sa->state != IKEV2_STATE_ESTABLISHED || sa->redundant || rekeying_ike(sa))
		return create_refuse(task, IKE_N_TEMPORARY_FAILURE);
	notify = find_rekeyed(task);
	if (notify == IKE_N_CHILD_SA_NOT_FOUND) {
		struct ike_notify asked;
		struct ike_builder b;
		struct cursor c;

		if (ike_notify_find(&task->message, IKE_N_REKEY_SA, &asked) != IKE_ERROR_OK)
			return IKEV2_DONE;
		c = cursor_of(asked.spi.p, asked.spi.n);
		ikev2_exchange_start_response(sa, &b, &task->message);
		ike_build_notify_spi(&b, notify, IKE_PROTOCOL_ESP, cursor_u32(&c),
				     (struct span){ 0 });
		if (ikev2_exchange_respond(task, &b))
			sa->engine->counters.dropped++;
		return IKEV2_DONE;
	}
	if (!notify && !nonce)
		notify = IKE_N_INVALID_SYNTAX;
	if (!notify)
		notify = ikev2_negotiate_choose(task, false, old_of(task));
	if (notify)
		return create_refuse(task, notify);
	if (task->suite.dh == IKE_DH_NONE)
		return ikev2_task_goto(task, request_keys);
	if (!key || ike_ke_decode(key->body, &ke) != IKE_ERROR_OK)
		return create_refuse(task, IKE_N_INVALID_SYNTAX);
	return ikev2_task_dh(task, ke.group, ke.data, request_keys);
}
