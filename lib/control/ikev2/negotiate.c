#include "control/ikev2/negotiate.h"

#include "control/ikev2/child.h"
#include "control/ikev2/exchange.h"
#include "control/ikev2/handlers.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

uint16_t ikev2_negotiate_group(const struct ikev2_sa *sa)
{
	const struct ike_policy *policy = ikev2_sa_config(sa)->policy;

	return ike_proposal_first_group(policy->child_offer, policy->child_offer_count);
}

static void build_ts(struct ike_builder *b, uint8_t type, const struct net_selector *packet,
		     const struct net_selector *list, uint8_t count)
{
	struct net_selector all[IKEV2_SELECTORS_MAX + 1];
	size_t n = 0;

	if (packet)
		all[n++] = *packet;
	for (uint8_t i = 0; i < count && i < IKEV2_SELECTORS_MAX; i++)
		all[n++] = list[i];
	ike_build_ts(b, type, all, n);
}

void ikev2_negotiate_offer(struct ikev2_sa *sa, struct ike_builder *b,
			   const struct ikev2_child_offer *offer)
{
	const struct ikev2_config *config = ikev2_sa_config(sa);
	const struct ike_policy *policy = config->policy;
	const struct ikev2_child_config *entry = NULL;
	const uint8_t spi[4] = { (uint8_t)(offer->spi >> 24), (uint8_t)(offer->spi >> 16),
				 (uint8_t)(offer->spi >> 8), (uint8_t)offer->spi };
	const struct net_selector *packet = offer->job->has_packet ? offer->job->packet : NULL;

	if (offer->first) /* RFC 7296 section 1.2: the first child has no key exchange */
		ike_build_sa_no_dh(b, policy->child_offer, policy->child_offer_count,
				   (struct span){ spi, 4 });
	else
		ike_build_sa(b, policy->child_offer, policy->child_offer_count,
			     (struct span){ spi, 4 });
	if (!offer->first)
		ike_build_nonce(b, offer->nonce);
	if (offer->dh)
		ike_build_ke(b, crypto_dh_group(offer->dh), crypto_dh_public(offer->dh));
	if (offer->old) {
		const struct ikev2_child *old = offer->old;

		build_ts(b, IKE_PAYLOAD_TSi, NULL, old->selectors, old->local_count);
		build_ts(b, IKE_PAYLOAD_TSr, NULL, old->selectors + old->local_count,
			 old->remote_count);
		return;
	}
	entry = &config->children[offer->job->entry];
	build_ts(b, IKE_PAYLOAD_TSi, packet, entry->local,
		 offer->job->single_pair ? 0 : entry->local_count);
	build_ts(b, IKE_PAYLOAD_TSr, packet ? packet + 1 : NULL, entry->remote,
		 offer->job->single_pair ? 0 : entry->remote_count);
}

enum ikev2_reason ikev2_negotiate_reason(uint16_t notify)
{
	switch (notify) {
	case 0:
		return IKEV2_REASON_NONE;
	case IKE_N_NO_PROPOSAL_CHOSEN:
		return IKEV2_REASON_PROPOSAL_CHILD;
	case IKE_N_INVALID_KE_PAYLOAD:
		return IKEV2_REASON_PFS;
	case IKE_N_TS_UNACCEPTABLE:
	case IKE_N_SINGLE_PAIR_REQUIRED:
		return IKEV2_REASON_SELECTORS;
	case IKE_N_NO_ADDITIONAL_SAS:
		return IKEV2_REASON_NO_ADDITIONAL_SAS;
	case IKE_N_CHILD_SA_NOT_FOUND:
		return IKEV2_REASON_CHILD_NOT_FOUND;
	case IKE_N_TEMPORARY_FAILURE:
		return IKEV2_REASON_TEMPORARY;
	case IKE_N_INVALID_SYNTAX:
		return IKEV2_REASON_PEER_SYNTAX;
	default:
		return IKEV2_REASON_PEER_ERROR;
	}
}

static int set_selectors(struct ikev2_child *child, const struct net_selector *local,
			 uint8_t local_count, const struct net_selector *remote,
			 uint8_t remote_count)
{
	struct net_selector *all = malloc(sizeof(*all) * ((size_t)local_count + remote_count));

	if (!all)
		return -ENOMEM;
	memcpy(all, local, sizeof(*all) * local_count);
	memcpy(all + local_count, remote, sizeof(*all) * remote_count);
	free(child->selectors);
	child->selectors = all;
	child->local_count = local_count;
	child->remote_count = remote_count;
	return 0;
}

static uint32_t spi_of(const struct ike_suite *suite)
{
	return (uint32_t)suite->spi[0] << 24 | (uint32_t)suite->spi[1] << 16 |
	       (uint32_t)suite->spi[2] << 8 | suite->spi[3];
}

static uint16_t negotiate_refuse(struct ikev2_task *task, uint16_t notify, enum ikev2_reason reason)
{
	task->child_reason = reason;
	return notify;
}

static bool narrow(struct ikev2_task *task, const struct ikev2_child *old,
		   const struct ike_ts *local, const struct ike_ts *remote,
		   struct ikev2_narrowed *out)
{
	if (!old)
		return ikev2_selector_choose(out, ikev2_sa_config(task->sa), local, remote);
	out->entry = old->entry;
	out->more = false;
	return ikev2_selector_narrow(&out->local, local, old->selectors, old->local_count) &&
	       ikev2_selector_narrow(&out->remote, remote, old->selectors + old->local_count,
				     old->remote_count);
}

/* Selectors and SPI: the child exists from here on. */
static uint16_t make_child(struct ikev2_task *task, const struct ikev2_child *old)
{
	struct ikev2_sa *sa = task->sa;
	const struct ike_payload *tsi = ike_message_find(&task->message, IKE_PAYLOAD_TSi);
	const struct ike_payload *tsr = ike_message_find(&task->message, IKE_PAYLOAD_TSr);
	struct ikev2_narrowed *narrowed = NULL;
	struct ike_ts *ts = malloc(2 * sizeof(*ts));
	uint16_t notify = IKE_N_TEMPORARY_FAILURE;
	uint32_t spi;

	task->child_reason = IKEV2_REASON_RESOURCES;
	narrowed = malloc(sizeof(*narrowed));
	if (!ts || !narrowed)
		goto out;
	notify = IKE_N_INVALID_SYNTAX;
	task->child_reason = IKEV2_REASON_PAYLOAD;
	if (!tsi || !tsr || ike_ts_decode(tsi->body, &ts[0]) != IKE_ERROR_OK ||
	    ike_ts_decode(tsr->body, &ts[1]) != IKE_ERROR_OK)
		goto out;
	notify = IKE_N_TS_UNACCEPTABLE;
	task->child_reason = IKEV2_REASON_SELECTORS;
	if (!narrow(task, old, &ts[1], &ts[0], narrowed))
		goto out;
	notify = IKE_N_NO_ADDITIONAL_SAS;
	task->child_reason = IKEV2_REASON_RESOURCES;
	if (!ikev2_room_child(sa, old)) {
		task->child_reason = IKEV2_REASON_CROWDED;
		goto out;
	}
	spi = sa->engine->hooks.spi_get(sa->engine->hooks.context, sa->connection);
	if (!spi || ikev2_child_new(sa, spi, &task->child))
		goto out;
	if (set_selectors(task->child, narrowed->local.list, narrowed->local.count,
			  narrowed->remote.list, narrowed->remote.count))
		goto out;
	task->child->entry = narrowed->entry;
	task->child->more = narrowed->more;
	notify = 0;
out:
	free(narrowed);
	free(ts);
	return notify;
}

uint16_t ikev2_negotiate_choose(struct ikev2_task *task, bool first, const struct ikev2_child *old)
{
	const struct ike_policy *policy = ikev2_sa_config(task->sa)->policy;
	const struct ike_payload *offer = ike_message_find(&task->message, IKE_PAYLOAD_SA);
	const struct ike_payload *key = ike_message_find(&task->message, IKE_PAYLOAD_KE);
	struct ike_select select = {
		.policy = policy->child_accept,
		.count = policy->child_accept_count,
		.protocol = IKE_PROTOCOL_ESP,
		.spi_size = 4,
		.ignore_dh = first,
	};
	struct ike_ke ke = { 0 };
	uint16_t notify;
	int error;

	if (!offer || (key && !first && ike_ke_decode(key->body, &ke) != IKE_ERROR_OK))
		return negotiate_refuse(task, IKE_N_INVALID_SYNTAX, IKEV2_REASON_PAYLOAD);
	select.ke_group = ke.group;
	error = ike_select(&select, offer->body, &task->suite);
	if (error == -ENOENT) {
		ike_select_why(&select, offer->body, task->detail, sizeof(task->detail));
		/* With the groups left aside it would have worked: say so. */
		select.ignore_dh = true;
		error = ike_select(&select, offer->body, &task->suite);
		return negotiate_refuse(task, IKE_N_NO_PROPOSAL_CHOSEN,
					error ? IKEV2_REASON_PROPOSAL_CHILD : IKEV2_REASON_PFS);
	}
	if (error || spi_of(&task->suite) < 256)
		return negotiate_refuse(task, IKE_N_INVALID_SYNTAX, IKEV2_REASON_PAYLOAD);
	/* Section 1.3: where no group is chosen, the KE payload is ignored. */
	if (!first && task->suite.dh != IKE_DH_NONE && task->suite.dh != ke.group)
		return negotiate_refuse(task, IKE_N_INVALID_KE_PAYLOAD, IKEV2_REASON_PFS);
	notify = make_child(task, old);
	if (notify)
		return notify;
	task->child->peer_spi = spi_of(&task->suite);
	task->child->suite = task->suite;
	task->child->replaces = old ? old->spi : 0;
	return 0;
}

void ikev2_negotiate_answer(struct ikev2_task *task, struct ike_builder *b, struct span nonce,
			    struct crypto_dh *dh)
{
	const struct ikev2_child *child = task->child;
	const uint8_t spi[4] = { (uint8_t)(child->spi >> 24), (uint8_t)(child->spi >> 16),
				 (uint8_t)(child->spi >> 8), (uint8_t)child->spi };

	ike_build_suite(b, &child->suite, (struct span){ spi, 4 });
	if (nonce.n)
		ike_build_nonce(b, nonce);
	if (dh)
		ike_build_ke(b, crypto_dh_group(dh), crypto_dh_public(dh));
	ike_build_ts(b, IKE_PAYLOAD_TSi, child->selectors + child->local_count,
		     child->remote_count);
	ike_build_ts(b, IKE_PAYLOAD_TSr, child->selectors, child->local_count);
	if (child->more)
		ike_build_notify(b, IKE_N_ADDITIONAL_TS_POSSIBLE, (struct span){ 0 });
}

/* The answered selectors must lie inside what we offered. */
static enum ikev2_reason take_selectors(struct ikev2_task *task, const struct ikev2_child *old,
					const struct ikev2_job *job)
{
	const struct ikev2_config *config = ikev2_sa_config(task->sa);
	const struct ike_payload *tsi = ike_message_find(&task->message, IKE_PAYLOAD_TSi);
	const struct ike_payload *tsr = ike_message_find(&task->message, IKE_PAYLOAD_TSr);
	struct ikev2_child *child = task->child;
	const struct net_selector *local;
	const struct net_selector *remote;
	uint8_t local_count;
	uint8_t remote_count;
	struct ike_ts *ts = malloc(2 * sizeof(*ts));
	enum ikev2_reason reason = IKEV2_REASON_RESOURCES;

	if (!ts)
		return reason;
	local = old ? old->selectors : config->children[job->entry].local;
	local_count = old ? old->local_count : config->children[job->entry].local_count;
	remote = old ? old->selectors + old->local_count : config->children[job->entry].remote;
	remote_count = old ? old->remote_count : config->children[job->entry].remote_count;
	reason = IKEV2_REASON_SELECTORS;
	if (!tsi || !tsr || ike_ts_decode(tsi->body, &ts[0]) != IKE_ERROR_OK ||
	    ike_ts_decode(tsr->body, &ts[1]) != IKE_ERROR_OK)
		reason = IKEV2_REASON_PAYLOAD;
	else if (ikev2_selector_inside(&ts[0], local, local_count) &&
		 ikev2_selector_inside(&ts[1], remote, remote_count) &&
		 ts[0].count <= IKEV2_SELECTORS_MAX && ts[1].count <= IKEV2_SELECTORS_MAX)
		reason = set_selectors(child, ts[0].selectors, ts[0].count, ts[1].selectors,
				       ts[1].count)
				 ? IKEV2_REASON_RESOURCES
				 : IKEV2_REASON_NONE;
	free(ts);
	return reason;
}

enum ikev2_reason ikev2_negotiate_take(struct ikev2_task *task, bool first,
				       const struct ikev2_child *old, const struct ikev2_job *job)
{
	struct ikev2_sa *sa = task->sa;
	const struct ike_policy *policy = ikev2_sa_config(sa)->policy;
	const struct ike_payload *answer = ike_message_find(&task->message, IKE_PAYLOAD_SA);
	struct ike_select offered = {
		.policy = policy->child_offer,
		.count = policy->child_offer_count,
		.protocol = IKE_PROTOCOL_ESP,
		.spi_size = 4,
		.ke_group = task->offer.group,
		.ignore_dh = first,
	};

	if (ikev2_child_new(sa, task->offer.esp_spi, &task->child))
		return IKEV2_REASON_RESOURCES;
	task->offer.esp_spi = 0;
	task->child->initiator = true;
	task->child->entry = old ? old->entry : job->entry;
	task->child->replaces = old ? old->spi : 0;
	if (!answer)
		return IKEV2_REASON_PAYLOAD;
	if (ike_select_answer(&offered, answer->body, &task->suite)) {
		snprintf(task->detail, sizeof(task->detail),
			 "the answer is none of our IPsec proposals");
		return IKEV2_REASON_ANSWER;
	}
	task->child->peer_spi = spi_of(&task->suite);
	task->child->suite = task->suite;
	if (task->child->peer_spi < 256)
		return IKEV2_REASON_PAYLOAD;
	if (!first && task->suite.dh != IKE_DH_NONE && task->suite.dh != task->offer.group) {
		snprintf(task->detail, sizeof(task->detail),
			 "the answer has another PFS group than our key exchange");
		return IKEV2_REASON_PFS;
	}
	return take_selectors(task, old, job);
}

enum ikev2_step ikev2_negotiate_install(struct ikev2_task *task,
					const struct ike_exchange_secrets *secrets, bool send,
					ikev2_step_fn then)
{
	struct ike_child_keys keys = { 0 };

	if (task->exchange && task->exchange->no_install) {
		task->error = -EEXIST;
		return ikev2_task_goto(task, then);
	}
	task->error = ike_keymat_child(task->sa->engine->crypto, &task->sa->keys,
				       &task->child->suite, secrets, &keys);
	if (task->error)
		return ikev2_task_goto(task, then);
	task->child->low = ikev2_low_of(secrets->ni, secrets->nr);
	return ikev2_task_install(task, &keys, send, then);
}

void ikev2_negotiate_undo(struct ikev2_task *task, enum ikev2_reason reason)
{
	struct ikev2_child *child = task->child;
	struct ikev2_job *job;

	if (!child || !child->peer_spi)
		return;
	task->child = NULL;
	child->redundant = true;
	child->reason = (uint8_t)reason;
	child->replaces = 0;
	ikev2_child_link(task->sa, child);
	job = ikev2_job_add(task->sa, IKEV2_JOB_CHILD_DELETE);
	if (job)
		job->child = child->spi;
}
