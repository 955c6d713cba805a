#include "control/ikev2/auth.h"
#include "control/ikev2/child.h"

#include <errno.h>
#include <stdlib.h>

static enum ikev2_step fail(struct ikev2_task *task, enum ikev2_reason reason, const char *detail)
{
	ikev2_sa_end(task->sa, reason, detail);
	return IKEV2_DONE;
}

/* The entry that goes with IKE_AUTH, or -1: childless. */
static int first_entry(const struct ikev2_sa *sa)
{
	const struct ikev2_config *config = ikev2_sa_config(sa);

	if (config->childless && sa->setup->peer_childless)
		return -1;
	for (uint16_t i = 0; i < config->child_count; i++)
		if (!config->children[i].on_demand)
			return i;
	/* RFC 6023: without the peer's notify IKE_AUTH needs a child. */
	return config->child_count && !sa->setup->peer_childless ? 0 : -1;
}

static bool exact_id(const struct ike_id *id)
{
	bool text = id && id->type != ID_IPV4_ADDR && id->type != ID_IPV6_ADDR;

	return id && id->type && !(text && memchr(id->data, '*', id->size));
}

/* An older IKE SA of this connection is up: the peer must not throw that away. */
static bool may_contact(const struct ikev2_sa *sa)
{
	const struct ikev2_engine *engine = sa->engine;
	const struct ikev2_config *config = ikev2_sa_config(sa);
	const struct ikev2_sa *other = NULL;

	if (!config->initial_contact || sa->reauthenticates)
		return false;
	while ((other = ikev2_sa_peer(sa, other)))
		if (other->state >= IKEV2_STATE_ESTABLISHED &&
		    net_addr_equal(&other->path.local, &sa->path.local))
			return false;
	return !engine->hooks.may_initial_contact ||
	       engine->hooks.may_initial_contact(engine->hooks.context, sa->connection, &sa->path);
}

static enum ikev2_step initiator_send_request(struct ikev2_task *task)
{
	struct ikev2_sa *sa = task->sa;
	const struct ikev2_config *config = ikev2_sa_config(sa);
	uint8_t body[IKEV2_ID_BODY];
	struct span id = ikev2_auth_local_id(sa, body);
	int entry = first_entry(sa);
	struct ike_builder b;

	if (task->error)
		return fail(task, IKEV2_REASON_NO_CREDENTIAL, NULL);
	ikev2_exchange_start(sa, &b, IKE_AUTH);
	ike_build_id(&b, IKE_PAYLOAD_IDi, body[0], (struct span){ id.p + 4, id.n - 4 });
	ikev2_auth_build_certs(sa, &b);
	if (may_contact(sa))
		ike_build_notify(&b, IKE_N_INITIAL_CONTACT, (struct span){ 0 });
	ikev2_auth_build_certreq(config, &b);
	if (exact_id(config->remote_id) && !config->or_address)
		ike_build_id(&b, IKE_PAYLOAD_IDr, config->remote_id->type,
			     ike_id_span(config->remote_id));
	if (ikev2_auth_build_own(task, &b))
		return fail(task, IKEV2_REASON_NO_CREDENTIAL, NULL);
	if (config->mobike)
		ike_build_notify(&b, IKE_N_MOBIKE_SUPPORTED, (struct span){ 0 });
	sa->setup->first_entry = entry;
	if (entry >= 0) {
		struct ikev2_child_offer offer = { .job = task->job, .first = true };

		task->job->entry = (uint16_t)entry;
		offer.spi = sa->engine->hooks.spi_get(sa->engine->hooks.context, sa->connection);
		if (!offer.spi)
			return fail(task, IKEV2_REASON_RESOURCES, NULL);
		task->offer.esp_spi = offer.spi;
		ikev2_negotiate_offer(sa, &b, &offer);
	}
	if (ikev2_exchange_send(sa, &b, task->job, &task->offer))
		return fail(task, IKEV2_REASON_RESOURCES, NULL);
	task->job = NULL;
	ikev2_sa_state(sa, IKEV2_STATE_AUTH_SENT, "keys agreed, proving who we are");
	return IKEV2_DONE;
}

enum ikev2_step ikev2_auth_start(struct ikev2_task *task)
{
	return ikev2_auth_own(task, initiator_send_request);
}

static enum ikev2_step initiator_child_installed(struct ikev2_task *task)
{
	struct ikev2_sa *sa = task->sa;
	uint16_t entry = task->child->entry;

	if (task->error) {
		ikev2_child_failed(sa, entry, IKEV2_REASON_INSTALL, NULL);
		ikev2_negotiate_undo(task, IKEV2_REASON_INSTALL);
	} else {
		struct ikev2_child *child = task->child;

		task->child = NULL;
		ikev2_child_link(sa, child);
		ikev2_child_up(child);
	}
	ikev2_sa_setup_free(sa);
	ikev2_converge(sa);
	return IKEV2_DONE;
}

static enum ikev2_step child_refused(struct ikev2_task *task, enum ikev2_reason reason)
{
	struct ikev2_sa *sa = task->sa;

	ikev2_child_failed(sa, task->job->entry, reason, task->detail);
	ikev2_negotiate_undo(task, reason);
	ikev2_sa_setup_free(sa);
	ikev2_converge(sa);
	return IKEV2_DONE;
}

/* The child part of the answer; whatever it is, the IKE SA stays (section 1.2). */
static enum ikev2_step take_child(struct ikev2_task *task)
{
	struct ikev2_sa *sa = task->sa;
	const struct ikev2_setup *setup = sa->setup;
	const struct ike_exchange_secrets secrets = {
		.ni = { setup->ni, setup->ni_len },
		.nr = { setup->nr, setup->nr_len },
	};
	struct ike_notify notify;
	enum ikev2_reason reason;

	if (!task->offer.esp_spi) {
		ikev2_sa_setup_free(sa);
		ikev2_converge(sa);
		return IKEV2_DONE;
	}
	reason = ikev2_negotiate_reason(ike_notify_first_error(&task->message, &notify));
	if (reason == IKEV2_REASON_NONE)
		reason = ikev2_negotiate_take(task, true, NULL, task->job);
	if (reason != IKEV2_REASON_NONE)
		return child_refused(task, reason);
	return ikev2_negotiate_install(task, &secrets, true, initiator_child_installed);
}

static enum ikev2_step initiator_checked(struct ikev2_task *task)
{
	struct ikev2_sa *sa = task->sa;

	if (task->error) {
		/* The peer believes that it is authenticated: it must hear that it is not. */
		ikev2_informational_goodbye(sa, IKE_N_AUTHENTICATION_FAILED);
		return fail(task, task->child_reason, task->detail);
	}
	ike_id_fini(&sa->remote_id); /* an import may have brought it */
	if (ike_id_set(&sa->remote_id, task->remote_id.type, task->remote_id.data))
		return fail(task, IKEV2_REASON_RESOURCES, NULL);
	ikev2_auth_mobike(sa, &task->message);
	ikev2_establish(sa, false);
	return take_child(task);
}

enum ikev2_step ikev2_auth_response(struct ikev2_task *task)
{
	struct ikev2_sa *sa = task->sa;
	const struct ike_payload *id = ike_message_find(&task->message, IKE_PAYLOAD_IDr);
	struct ike_notify notify;
	uint16_t error = ike_notify_first_error(&task->message, &notify);

	ikev2_exchange_take(task);
	if (!ike_message_find(&task->message, IKE_PAYLOAD_AUTH)) {
		if (error == IKE_N_AUTHENTICATION_FAILED)
			return fail(task, IKEV2_REASON_PEER_AUTHENTICATION, NULL);
		if (error)
			return fail(task, ikev2_negotiate_reason(error), ike_notify_text(error));
		return fail(task, IKEV2_REASON_PAYLOAD, "AUTH is missing");
	}
	if (!id || ike_id_decode(id->body, &task->remote_id) != IKE_ERROR_OK)
		return fail(task, IKEV2_REASON_PAYLOAD, "IDr is missing");
	if (!ikev2_auth_id_fits(ikev2_sa_config(sa), &sa->path, &task->remote_id)) {
		ike_id_text(task->detail_id, task->remote_id.type, task->remote_id.data);
		ikev2_informational_goodbye(sa, IKE_N_AUTHENTICATION_FAILED);
		return fail(task, IKEV2_REASON_IDENTITY, task->detail_id);
	}
	return ikev2_auth_check(task, initiator_checked);
}
