#include "control/ikev2/child.h"
#include "control/ikev2/handlers.h"

#include <stdlib.h>

#define DELETES_MAX 256

void ikev2_informational_goodbye(struct ikev2_sa *sa, uint16_t notify)
{
	struct ikev2_job *job = calloc(1, sizeof(*job));
	struct ike_builder b;

	if (!job || sa->own) {
		free(job);
		return;
	}
	job->kind = IKEV2_JOB_DELETE;
	ikev2_exchange_start(sa, &b, INFORMATIONAL);
	if (notify)
		ike_build_notify(&b, notify, (struct span){ 0 });
	else
		ike_build_delete_ike(&b);
	if (ikev2_exchange_send(sa, &b, job, NULL))
		free(job);
	ikev2_exchange_end(sa);
}

/*
 * The Delete is sent once (RFC 7296 section 2.8), unless a request of ours has no answer yet. Else
 * the peer would go on sending into what is not there.
 */
void ikev2_informational_close(struct ikev2_sa *sa, enum ikev2_reason reason)
{
	if (sa->state == IKEV2_STATE_ESTABLISHED)
		ikev2_informational_goodbye(sa, 0);
	ikev2_sa_end(sa, reason, NULL);
}

/* Every child whose Delete is queued goes into one message. */
static size_t collect(struct ikev2_task *task, uint32_t spis[DELETES_MAX])
{
	struct ikev2_sa *sa = task->sa;
	struct ikev2_job *job = task->job;
	size_t n = 0;

	for (;;) {
		struct ikev2_child *child = ikev2_child_find(sa->engine, job->child);

		if (child && child->sa == sa && child->state != IKEV2_CHILD_LINGERING &&
		    !child->delete_sent) {
			ikev2_child_state(child, IKEV2_CHILD_DELETING, "our Delete goes out");
			child->delete_sent = true;
			child->rekey_ns = child->expire_ns = child->replaced_ns = 0;
			spis[n++] = child->spi;
		}
		if (job != task->job) {
			list_del(&job->link);
			ikev2_job_free(job);
		}
		job = NULL;
		for (struct list *at = sa->jobs.next; at != &sa->jobs; at = at->next) {
			struct ikev2_job *next = list_entry(at, struct ikev2_job, link);

			if (next->kind == IKEV2_JOB_CHILD_DELETE)
				job = next;
		}
		if (!job || n == DELETES_MAX)
			return n;
	}
}

enum ikev2_step ikev2_informational_start(struct ikev2_task *task)
{
	struct ikev2_sa *sa = task->sa;
	uint32_t spis[DELETES_MAX];
	struct ike_builder b;
	size_t n = 0;

	if (task->job->kind == IKEV2_JOB_CHILD_DELETE) {
		n = collect(task, spis);
		if (!n)
			return IKEV2_DONE;
	}
	ikev2_exchange_start(sa, &b, INFORMATIONAL);
	if (task->job->kind == IKEV2_JOB_CHILD_DELETE)
		ike_build_delete_esp(&b, spis, n);
	else if (task->job->kind == IKEV2_JOB_DELETE)
		ike_build_delete_ike(&b);
	else if (task->job->kind == IKEV2_JOB_PROBE)
		ikev2_mobike_ask(sa, &b);
	if (task->job->kind == IKEV2_JOB_DELETE && sa->state != IKEV2_STATE_DELETING)
		ikev2_sa_state(sa, IKEV2_STATE_DELETING, "our Delete goes out");
	if (ikev2_exchange_send(sa, &b, task->job, NULL))
		ikev2_sa_end(sa, IKEV2_REASON_RESOURCES, NULL);
	else
		task->job = NULL;
	return IKEV2_DONE;
}

static void children_deleted(struct ikev2_sa *sa)
{
	struct list *at;
	struct list *next;

	list_for_each_safe (at, next, &sa->children) {
		struct ikev2_child *child = list_entry(at, struct ikev2_child, link);

		if (child->delete_sent && child->state == IKEV2_CHILD_DELETING) {
			child->delete_sent = false;
			ikev2_child_linger(child,
					   child->reason ? child->reason : IKEV2_REASON_DELETED);
		}
	}
}

enum ikev2_step ikev2_informational_response(struct ikev2_task *task)
{
	struct ikev2_sa *sa = task->sa;
	uint8_t kind = sa->own->job->kind;

	ikev2_exchange_end(sa);
	sa->next_id++;
	if (kind == IKEV2_JOB_DELETE)
		ikev2_sa_end(sa, sa->reason ? sa->reason : IKEV2_REASON_DELETED, NULL);
	else if (kind == IKEV2_JOB_CHILD_DELETE)
		children_deleted(sa);
	else if (kind == IKEV2_JOB_PROBE)
		ikev2_mobike_seen(sa, &task->message);
	return IKEV2_DONE;
}

/*
 * The peer's Delete of children: answered with the paired SPIs, but not those whose Delete of ours
 * crosses (RFC 7296 section 1.4.1 and 2.25.1).
 */
static size_t delete_children(struct ikev2_sa *sa, const struct ike_delete *del, uint32_t *spis,
			      size_t n)
{
	for (uint16_t i = 0; i < del->count; i++) {
		struct ikev2_child *child = ikev2_child_find_peer(sa, ike_delete_spi(del, i));

		if (!child) {
			ikev2_create_gone(sa, ike_delete_spi(del, i));
			continue;
		}
		ikev2_create_old_gone(child);
		if (child->delete_sent && child->state == IKEV2_CHILD_DELETING) {
			child->delete_sent = false;
			ikev2_child_linger(child,
					   child->reason ? child->reason : IKEV2_REASON_DELETED);
			continue;
		}
		if (n < DELETES_MAX)
			spis[n++] = child->spi;
		ikev2_child_linger(child, IKEV2_REASON_PEER_DELETED);
	}
	return n;
}

static enum ikev2_step peer_deletes_ike(struct ikev2_task *task)
{
	struct ikev2_sa *sa = task->sa;
	struct ike_builder b;
	const struct ikev2_task *response = sa->tasks[IKEV2_SLOT_RESPONSE];
	const struct ikev2_offer *offer = sa->own    ? &sa->own->offer
					  : response ? &response->offer
						     : NULL;
	struct ikev2_sa *rival = offer ? ikev2_sa_find(sa->engine, offer->rival_ike) : NULL;
	bool ours = sa->state == IKEV2_STATE_DELETING && sa->reason;

	ikev2_exchange_start_response(sa, &b, &task->message);
	if (ikev2_exchange_respond(task, &b))
		sa->engine->counters.dropped++;
	/* Section 2.25.2: our own rekey is forgotten; what the peer made lives on. */
	if (rival && sa->state == IKEV2_STATE_ESTABLISHED)
		ikev2_rekey_won(sa, rival);
	ikev2_sa_end(sa, ours ? sa->reason : IKEV2_REASON_PEER_DELETED, NULL);
	return IKEV2_DONE;
}

enum ikev2_step ikev2_informational_request(struct ikev2_task *task)
{
	struct ikev2_sa *sa = task->sa;
	const struct ike_payload *at = NULL;
	struct ike_delete del;
	uint32_t spis[DELETES_MAX];
	struct ike_builder b;
	size_t n = 0;

	/* Our AUTH was refused after all, or the peer's end could not use what we sent. */
	if (ike_notify_has(&task->message, IKE_N_AUTHENTICATION_FAILED)) {
		ikev2_exchange_start_response(sa, &b, &task->message);
		if (ikev2_exchange_respond(task, &b))
			sa->engine->counters.dropped++;
		ikev2_sa_end(sa, IKEV2_REASON_PEER_AUTHENTICATION, NULL);
		return IKEV2_DONE;
	}
	while ((at = ike_message_next(&task->message, IKE_PAYLOAD_D, at))) {
		if (ike_delete_decode(at->body, &del) != IKE_ERROR_OK)
			continue;
		if (del.protocol == IKE_PROTOCOL_IKE)
			return peer_deletes_ike(task);
		if (del.protocol == IKE_PROTOCOL_ESP)
			n = delete_children(sa, &del, spis, n);
	}
	ikev2_exchange_start_response(sa, &b, &task->message);
	if (n)
		ike_build_delete_esp(&b, spis, n);
	ikev2_mobike_request(task, &b);
	if (ikev2_exchange_respond(task, &b))
		sa->engine->counters.dropped++;
	return IKEV2_DONE;
}
