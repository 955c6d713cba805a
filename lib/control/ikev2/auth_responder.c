#include "control/ikev2/auth.h"
#include "control/ikev2/child.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define REFUSED_NS (12 * IKEV2_NS_PER_S) /* two retransmissions of a usual peer */

static void tell_failed(struct ikev2_task *task, enum ikev2_reason reason)
{
	ikev2_trace_local(task->sa, "authentication refused: %s %s", ikev2_reason_text(reason),
			  task->detail);
	if (task->sa->connection)
		ikev2_sa_event(task->sa, IKEV2_EVENT_FAILED, reason, task->detail);
}

/*
 * The answer says nothing about the cause. The IKE SA stays a little, so that a lost answer can be
 * sent again, and takes no other request; it counts as half-open all that time, so that wrong keys
 * cannot pile up state.
 */
static enum ikev2_step responder_refuse(struct ikev2_task *task, enum ikev2_reason reason)
{
	struct ikev2_sa *sa = task->sa;

	sa->engine->counters.auth_failed++;
	ikev2_exchange_respond_notify(task, IKE_N_AUTHENTICATION_FAILED, (struct span){ 0 });
	tell_failed(task, reason);
	sa->reason = (uint8_t)reason;
	sa->expire_ns = sa->engine->now_ns + REFUSED_NS;
	ikev2_timer_schedule(sa);
	return IKEV2_DONE;
}

static bool proposal_has(const struct ike_proposal *proposal, uint8_t type, uint16_t id,
			 uint16_t key_bits)
{
	bool listed = false;

	for (uint8_t i = 0; i < proposal->count; i++) {
		const struct ike_transform *transform = &proposal->transforms[i];

		if (transform->type != type)
			continue;
		listed = true;
		if (transform->id == id && transform->key_bits == key_bits)
			return true;
	}
	return !listed && !id; /* AEAD: no integrity at all */
}

/* The suite was chosen for the first candidate; the connection must have it too. */
static bool suite_fits(const struct ike_policy *policy, const struct ike_suite *suite)
{
	for (uint8_t i = 0; i < policy->ike_accept_count; i++) {
		const struct ike_proposal *proposal = &policy->ike_accept[i];

		if (proposal_has(proposal, IKE_TRANSFORM_ENCR, suite->encr, suite->key_bits) &&
		    proposal_has(proposal, IKE_TRANSFORM_PRF, suite->prf, 0) &&
		    proposal_has(proposal, IKE_TRANSFORM_INTEG, suite->integ, 0) &&
		    proposal_has(proposal, IKE_TRANSFORM_DH, suite->dh, 0))
			return true;
	}
	return false;
}

static bool local_id_fits(const struct ikev2_task *task, const struct ikev2_config *config,
			  const struct ike_id_payload *wanted)
{
	const struct net_addr *addr = &task->sa->path.local;

	if (!wanted->type)
		return true;
	if (config->local_id && config->local_id->type)
		return ike_id_equal(config->local_id, wanted->type, wanted->data);
	return wanted->data.n == net_addr_len(addr) &&
	       memcmp(wanted->data.p, addr->bytes, wanted->data.n) == 0;
}

static struct ikev2_connection *candidate(const struct ikev2_task *task,
					  const struct ike_id_payload *wanted, uint8_t auth)
{
	const struct ikev2_sa *sa = task->sa;

	for (uint16_t i = 0; i < sa->setup->candidate_count; i++) {
		struct ikev2_connection *connection = sa->setup->candidates[i];
		const struct ikev2_config *config = &connection->config;

		if (config->mode != IKEV2_MODE_INITIATOR && config->remote_auth == auth &&
		    ikev2_auth_subject_fits(config, task) &&
		    ikev2_auth_id_fits(config, &task->path, &task->remote_id) &&
		    local_id_fits(task, config, wanted) && suite_fits(config->policy, &sa->suite))
			return connection;
	}
	return NULL;
}

static enum ikev2_step finish(struct ikev2_task *task)
{
	struct ikev2_sa *sa = task->sa;
	struct ikev2_child *child = task->child;
	bool contact = ike_notify_has(&task->message, IKE_N_INITIAL_CONTACT);

	task->child = NULL;
	if (child)
		ikev2_child_link(sa, child);
	ikev2_establish(sa, contact);
	if (sa->state == IKEV2_STATE_GONE)
		return IKEV2_DONE;
	if (child) {
		ikev2_child_up(child);
		child->waits = ikev2_child_carried(child) ? IKEV2_WAITS_ANY : IKEV2_WAITS_NOT;
		if (!child->waits)
			ikev2_child_switch(child);
	} else if (task->offered_child) {
		ikev2_child_failed(sa, IKEV2_ENTRY_ACCEPTED, task->child_reason, task->detail);
	}
	ikev2_sa_setup_free(sa);
	ikev2_converge(sa);
	return IKEV2_DONE;
}

/* Runs when our own AUTH is ready: the answer is built in one go. */
static enum ikev2_step send_response(struct ikev2_task *task)
{
	struct ikev2_sa *sa = task->sa;
	uint8_t body[IKEV2_ID_BODY];
	struct span id = ikev2_auth_local_id(sa, body);
	struct ike_builder b;

	if (task->error)
		return responder_refuse(task, IKEV2_REASON_NO_CREDENTIAL);
	ikev2_exchange_start_response(sa, &b, &task->message);
	ike_build_id(&b, IKE_PAYLOAD_IDr, body[0], (struct span){ id.p + 4, id.n - 4 });
	ikev2_auth_build_certs(sa, &b);
	if (ikev2_auth_build_own(task, &b))
		return responder_refuse(task, IKEV2_REASON_NO_CREDENTIAL);
	if (task->child)
		ikev2_negotiate_answer(task, &b, (struct span){ 0 }, NULL);
	else if (task->child_error)
		ike_build_notify(&b, task->child_error, (struct span){ 0 });
	if (sa->mobike)
		ike_build_notify(&b, IKE_N_MOBIKE_SUPPORTED, (struct span){ 0 });
	if (ikev2_exchange_respond(task, &b)) {
		ikev2_sa_end(sa, IKEV2_REASON_RESOURCES, NULL);
		return IKEV2_DONE;
	}
	return ikev2_task_goto(task, finish);
}

static enum ikev2_step responder_child_installed(struct ikev2_task *task)
{
	if (task->error) {
		ikev2_child_drop(task->child);
		task->child = NULL;
		task->error = 0; /* the IKE SA can do without */
		task->child_error = IKE_N_TEMPORARY_FAILURE;
		task->child_reason = IKEV2_REASON_INSTALL;
	}
	return ikev2_auth_own(task, send_response);
}

static enum ikev2_step responder_checked(struct ikev2_task *task)
{
	struct ikev2_sa *sa = task->sa;
	const struct ikev2_setup *setup = sa->setup;
	const struct ike_exchange_secrets secrets = {
		.ni = { setup->ni, setup->ni_len },
		.nr = { setup->nr, setup->nr_len },
	};

	if (task->error)
		return responder_refuse(task, task->child_reason);
	ike_id_fini(&sa->remote_id); /* an import may have brought it */
	if (ike_id_set(&sa->remote_id, task->remote_id.type, task->remote_id.data))
		return responder_refuse(task, IKEV2_REASON_RESOURCES);
	ikev2_auth_mobike(sa, &task->message);
	task->offered_child = ike_message_find(&task->message, IKE_PAYLOAD_SA);
	if (task->offered_child && setup->no_child) {
		task->child_error = IKE_N_TEMPORARY_FAILURE;
		task->child_reason = IKEV2_REASON_INSTALL;
	} else if (task->offered_child) {
		task->child_error = ikev2_negotiate_choose(task, true, NULL);
		if (!task->child_error)
			return ikev2_negotiate_install(task, &secrets, false,
						       responder_child_installed);
	}
	return ikev2_auth_own(task, send_response);
}

static enum ikev2_step identify(struct ikev2_task *task);

/* An imported one does not know its candidates: they are configuration, not state. */
static enum ikev2_step looked_up(struct ikev2_task *task)
{
	struct ikev2_setup *setup = task->sa->setup;

	setup->candidates = task->found;
	setup->candidate_count = (uint16_t)task->found_count;
	task->found = NULL;
	task->found_count = 0;
	return ikev2_task_goto(task, identify);
}

enum ikev2_step ikev2_auth_request(struct ikev2_task *task)
{
	if (!task->sa->setup->candidate_count)
		return ikev2_task_lookup(task, looked_up);
	return ikev2_task_goto(task, identify);
}

/* The nearest guess at why, for the status of the only candidate. */
static enum ikev2_reason nobody_fits(struct ikev2_task *task, uint8_t method)
{
	struct ikev2_setup *setup = task->sa->setup;
	const struct ikev2_config *config;

	ike_id_text(task->detail_id, task->remote_id.type, task->remote_id.data);
	snprintf(task->detail, sizeof(task->detail), "identity %.160s", task->detail_id);
	if (setup->candidate_count != 1)
		return IKEV2_REASON_IDENTITY;
	config = &setup->candidates[0]->config;
	ikev2_sa_set_connection(task->sa, setup->candidates[0]);
	if (config->mode == IKEV2_MODE_INITIATOR)
		return IKEV2_REASON_REFUSED_MODE;
	if (config->remote_auth != method) {
		snprintf(task->detail, sizeof(task->detail), "the peer uses %s, we expect %s",
			 method == IKEV2_AUTH_PSK ? "a pre-shared key" : "a certificate",
			 method == IKEV2_AUTH_PSK ? "a certificate" : "a pre-shared key");
		return IKEV2_REASON_IDENTITY;
	}
	if (!ikev2_auth_subject_fits(config, task)) {
		ikev2_auth_wrong_subject(task);
		return IKEV2_REASON_CERTIFICATE;
	}
	return IKEV2_REASON_IDENTITY;
}

static enum ikev2_step identify(struct ikev2_task *task)
{
	struct ikev2_sa *sa = task->sa;
	const struct ike_payload *idi = ike_message_find(&task->message, IKE_PAYLOAD_IDi);
	const struct ike_payload *idr = ike_message_find(&task->message, IKE_PAYLOAD_IDr);
	const struct ike_payload *auth = ike_message_find(&task->message, IKE_PAYLOAD_AUTH);
	struct ike_id_payload wanted = { 0 };
	struct ike_auth_payload proof;
	struct ikev2_connection *connection;
	uint8_t method;

	/* The peer may have moved to port 4500 (section 2.23). */
	sa->path = task->path;
	sa->floated = task->marker;
	if (!idi || ike_id_decode(idi->body, &task->remote_id) != IKE_ERROR_OK ||
	    (idr && ike_id_decode(idr->body, &wanted) != IKE_ERROR_OK))
		return responder_refuse(task, IKEV2_REASON_PAYLOAD);
	/* Without AUTH the peer asks for EAP, which no connection of ours has. */
	if (!auth || ike_auth_decode(auth->body, &proof) != IKE_ERROR_OK)
		return responder_refuse(task, IKEV2_REASON_PAYLOAD);
	method = proof.method == IKE_AUTH_SHARED_KEY_MIC ? IKEV2_AUTH_PSK : IKEV2_AUTH_CERT;
	if (method == IKEV2_AUTH_CERT)
		ikev2_auth_take_certs(task);
	connection = candidate(task, &wanted, method);
	if (!connection) /* section 3.5: we may answer with another IDr than was asked for */
		connection = candidate(task, &(struct ike_id_payload){ 0 }, method);
	if (!connection)
		return responder_refuse(task, nobody_fits(task, method));
	ikev2_sa_set_connection(sa, connection);
	return ikev2_auth_check(task, responder_checked);
}
