/*
 * DOC: SA pairs
 *
 * The two SAs of a child in the data plane: installed as one batch, inbound first, so that an
 * answer that announces the inbound one leaves only when every worker has it. Keys pass through
 * and are not kept. Ids are given away again when the data plane has confirmed the removal.
 */
#include "control/tunnel/pair.h"
#include "control/tunnel/carry.h"
#include "control/tunnel/lookup.h"
#include "control/tunnel/slot.h"

#include "base/log.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define TOPIC "tunnel"
#define WINDOW_DEFAULT 1024

struct sa_pair *pair_of_sa(struct tunnels *all, uint32_t sa)
{
	struct sa_pair *pair = map_get_u32(&all->outbound, sa);

	return pair ? pair : map_get_u32(&all->inbound, sa);
}

static struct sa_pair *pair_alloc(uint32_t child)
{
	struct sa_pair *pair = calloc(1, sizeof(*pair));

	if (!pair)
		return NULL;
	pair->child = child;
	list_init(&pair->of_tunnel);
	list_init(&pair->silent);
	return pair;
}

static void pair_tie(struct sa_pair *pair, struct tunnel *tunnel, uint16_t slot)
{
	pair->tunnel = tunnel;
	pair->entry = slot;
	list_add_tail(&tunnel->pairs, &pair->of_tunnel);
	slot_get(tunnel, slot);
}

/* The ids stay taken. */
static void pair_forget(struct tunnels *all, struct sa_pair *pair)
{
	list_del(&pair->of_tunnel);
	list_del(&pair->silent);
	map_del(&all->pairs, &pair->child, sizeof(pair->child));
	map_del(&all->outbound, &pair->outbound, sizeof(pair->outbound));
	map_del(&all->inbound, &pair->inbound, sizeof(pair->inbound));
	free(pair);
}

static uint32_t spi_get(void *context, const struct ikev2_connection *connection)
{
	struct tunnels *all = context;
	uint32_t spi;
	uint32_t id;
	uint16_t salt;

	if (desired_id_unnamed(all->desired, CONTRACT_SA, &id) < 0)
		return 0;
	/* The salt keeps a number from coming back at once for another SA (and below 256 never). */
	do {
		if (secret_random(&salt, sizeof(salt)) < 0) {
			desired_id_put(all->desired, CONTRACT_SA, id);
			return 0;
		}
		salt = (salt & 0x1f) | (uint16_t)(all->node_bits << 5);
		spi = contract_spi(salt, id);
	} while (spi < 256);
	if (map_set(&all->spis, &spi, sizeof(spi), all, NULL) == 0)
		return spi;
	desired_id_put(all->desired, CONTRACT_SA, id);
	return 0;
}

static void spi_put(void *context, uint32_t spi)
{
	struct tunnels *all = context;

	/* One that had a pair went with it. */
	if (map_del(&all->spis, &spi, sizeof(spi)))
		desired_id_put(all->desired, CONTRACT_SA, spi & CONTRACT_SPI_ID_MASK);
}

static void pair_free(struct tunnels *all, struct sa_pair *pair)
{
	if (pair->tunnel) {
		slot_mute(pair->tunnel, pair->entry, pair->outbound);
		slot_put(pair->tunnel, pair->entry);
	}
	desired_id_put(all->desired, CONTRACT_SA, pair->inbound);
	desired_id_put(all->desired, CONTRACT_SA, pair->outbound);
	pair_forget(all, pair);
}

struct installation {
	struct tunnels *all;
	uint64_t token;
	uint32_t child;
};

/* The whole batch was applied, or nothing of it. */
static void installed(void *context, const struct contract_answer *answer)
{
	struct installation *in = context;
	struct tunnels *all = in->all;
	struct sa_pair *pair = map_get_u32(&all->pairs, in->child);
	int error = !answer ? -ENOTCONN : answer->status == CONTRACT_APPLIED ? 0 : -EIO;

	if (answer && answer->status != CONTRACT_APPLIED)
		log_error(TOPIC, "the data plane refused an SA: %s", answer->reason);
	if (pair && error == 0)
		pair->installed = true;
	else if (pair && answer)
		pair_free(all, pair);
	ikev2_tick(all->engine,
		   clock_now_ns(all->clock)); /* the engine's time is its last call's */
	ikev2_install_done(all->engine, in->token, error);
	free(in);
	tunnel_rearm(all);
}

/* The opaque part names the pair: a later control finds the two that belong together. */
static int sa_add(struct tunnels *all, uint32_t id, const struct sa_pair *pair,
		  const struct contract_sa *sa)
{
	struct requests_message message = {
		.type = CONTRACT_ADD,
		.kind = CONTRACT_SA,
		.id = id,
		.owner = pair->tunnel->id,
		.body = sa,
		.body_length = sizeof(*sa),
		.opaque = &pair->child,
		.opaque_length = sizeof(pair->child),
	};

	return requests_make(desired_requests(all->desired), &message, NULL, NULL);
}

/* What the engine left to us. */
static void complete(const struct tunnels *all, struct contract_sa *sa, const struct sa_pair *pair)
{
	sa->tunnel = pair->tunnel->id;
	sa->child = pair->contract_child;
	if (sa->direction == CONTRACT_INBOUND)
		sa->window = WINDOW_DEFAULT;
	else
		sa->spread = (uint32_t)config_appliance(all->plan.config)->sequence_spread;
	if (sa->direction == CONTRACT_INBOUND && pair->tunnel->plan->gateway->no_replay_protection)
		sa->flags |= CONTRACT_SA_NO_REPLAY_CHECK;
}

static int pair_register(struct tunnels *all, struct sa_pair *pair)
{
	int rc = map_set(&all->pairs, &pair->child, sizeof(pair->child), pair, NULL);

	if (rc == 0)
		rc = map_set(&all->outbound, &pair->outbound, sizeof(pair->outbound), pair, NULL);
	if (rc == 0)
		rc = map_set(&all->inbound, &pair->inbound, sizeof(pair->inbound), pair, NULL);
	return rc;
}

static struct sa_pair *pair_new(struct tunnels *all, struct tunnel *tunnel,
				const struct ikev2_child_install *install, uint16_t slot)
{
	struct sa_pair *pair = pair_alloc(install->child);

	if (!pair)
		return NULL;
	pair->inbound = install->child & CONTRACT_SPI_ID_MASK;
	pair->contract_child = tunnel->children[slot].id;
	if (desired_id_unnamed(all->desired, CONTRACT_SA, &pair->outbound) < 0) {
		free(pair);
		return NULL;
	}
	if (pair_register(all, pair) < 0) {
		desired_id_put(all->desired, CONTRACT_SA, pair->outbound);
		pair_forget(all, pair);
		return NULL;
	}
	map_del(&all->spis, &pair->child, sizeof(pair->child));
	pair_tie(pair, tunnel, slot);
	if (!install->send)
		carry_await(all, pair);
	return pair;
}

/* The negotiated selectors and the SA that sends. */
static int child_point(struct sa_pair *pair, const struct ikev2_child_install *install)
{
	struct ikev2_child_config as = {
		.local = install->local,
		.remote = install->remote,
		.local_count = install->local_count,
		.remote_count = install->remote_count,
	};

	if (install->send)
		pair->tunnel->children[pair->entry].outbound_sa = pair->outbound;
	return tunnel_child_publish(pair->tunnel, pair->entry, &as);
}

/* An SA names an object that is there: those behind the entries are made with their first SA. */
static int child_object(const struct sa_pair *pair, const struct ikev2_child_install *install)
{
	struct tunnel *tunnel = pair->tunnel;
	const struct ikev2_child_config as = {
		.local = install->local,
		.remote = install->remote,
		.local_count = install->local_count,
		.remote_count = install->remote_count,
	};

	if (pair->entry < tunnel->child_count || tunnel->children[pair->entry].own)
		return 0;
	return tunnel_child_publish(tunnel, pair->entry, &as);
}

static void forget_keys(struct contract_sa *sa)
{
	secret_wipe(sa->key, sizeof(sa->key));
	secret_wipe(sa->integrity_key, sizeof(sa->integrity_key));
}

static int batch(struct tunnels *all, struct sa_pair *pair,
		 const struct ikev2_child_install *install, struct installation *in)
{
	struct requests *requests = desired_requests(all->desired);
	struct contract_sa sa = *install->inbound;
	int rc;

	requests_batch_begin(requests);
	complete(all, &sa, pair);
	rc = sa_add(all, pair->inbound, pair, &sa);
	pair->in = sa;
	sa = *install->outbound;
	complete(all, &sa, pair);
	if (rc == 0)
		rc = sa_add(all, pair->outbound, pair, &sa);
	pair->out = sa;
	secret_wipe(&sa, sizeof(sa));
	forget_keys(&pair->in);
	forget_keys(&pair->out);
	if (rc < 0) {
		requests_batch_cancel(requests);
		return rc;
	}
	return requests_batch_end(requests, installed, in);
}

static void child_install(void *context, uint64_t token, const struct ikev2_child_install *install)
{
	struct tunnels *all = context;
	struct tunnel *tunnel = peer_of(install->connection)->tunnel;
	struct installation *in = malloc(sizeof(*in));
	struct sa_pair *pair = NULL;
	uint16_t slot;
	int rc = -ENOMEM;

	if (tunnel && tunnel->id && tunnel->child_count && in)
		rc = slot_find(tunnel, install, &slot);
	if (rc == 0) {
		pair = pair_new(all, tunnel, install, slot);
		rc = pair ? child_object(pair, install) : -ENOMEM;
		if (!pair)
			slot_put(tunnel, slot);
	}
	if (rc == 0) {
		*in = (struct installation){ all, token, install->child };
		rc = batch(all, pair, install, in);
	}
	if (rc < 0) {
		if (pair)
			pair_free(all, pair);
		free(in);
		ikev2_install_done(all->engine, token, rc);
		return;
	}
	if (child_point(pair, install) < 0)
		log_error(TOPIC, "out of memory for a child");
}

static void child_switch(void *context, uint32_t child)
{
	struct tunnels *all = context;
	struct sa_pair *pair = map_get_u32(&all->pairs, child);
	struct ikev2_child_info info;
	struct ikev2_child_config as;

	if (!pair || !pair->tunnel || ikev2_child_info(all->engine, child, &info) < 0)
		return;
	as = (struct ikev2_child_config){
		.local = info.local,
		.remote = info.remote,
		.local_count = info.local_count,
		.remote_count = info.remote_count,
	};
	pair->tunnel->children[pair->entry].outbound_sa = pair->outbound;
	if (tunnel_child_publish(pair->tunnel, pair->entry, &as) < 0)
		log_error(TOPIC, "out of memory for a child");
}

struct removal {
	struct tunnels *all; /* gone when there is no answer, at the end of the program */
	struct desired *desired;
	uint32_t id;
	uint32_t tunnel;
	bool inbound;
};

static void removed(void *context, const struct contract_answer *answer)
{
	struct removal *r = context;
	const struct contract_sa_final *final = (const void *)answer;
	bool applied = answer && answer->status == CONTRACT_APPLIED;
	struct tunnel *tunnel = applied ? map_get_u32(&r->all->by_id, r->tunnel) : NULL;

	if (tunnel) {
		if (r->inbound)
			tunnel->bytes_in_before += final->bytes;
		else
			tunnel->bytes_out_before += final->bytes;
	}
	desired_id_put(r->desired, CONTRACT_SA, r->id);
	free(r);
}

static void sa_remove(struct tunnels *all, uint32_t id, uint32_t tunnel, bool inbound)
{
	struct requests_message message = { .type = CONTRACT_DELETE,
					    .kind = CONTRACT_SA,
					    .id = id };
	struct removal *removal = malloc(sizeof(*removal));

	if (!removal) {
		log_error(TOPIC, "out of memory: an SA stays until the next attach sa=%u", id);
		return;
	}
	*removal = (struct removal){ all, all->desired, id, tunnel, inbound };
	if (requests_make(desired_requests(all->desired), &message, removed, removal) < 0) {
		/* Without a data plane there is no SA. */
		desired_id_put(all->desired, CONTRACT_SA, id);
		free(removal);
	}
}

static void pair_remove(struct tunnels *all, struct sa_pair *pair)
{
	struct tunnel *tunnel = pair->tunnel;
	uint32_t tunnel_id = tunnel ? tunnel->id : 0;

	if (tunnel)
		slot_mute(tunnel, pair->entry, pair->outbound);
	sa_remove(all, pair->outbound, tunnel_id, false);
	sa_remove(all, pair->inbound, tunnel_id, true);
	if (tunnel)
		slot_put(tunnel, pair->entry);
	pair_forget(all, pair);
}

static void child_remove(void *context, uint32_t child)
{
	struct tunnels *all = context;
	struct sa_pair *pair = map_get_u32(&all->pairs, child);

	if (!pair)
		return;
	if (pair->tunnel) /* what is kept of its IKE SA names the child still */
		tunnel_remember(pair->tunnel);
	pair_remove(all, pair);
}

/* It stays known as one of this pair. */
static void sa_move(struct tunnels *all, const struct sa_pair *pair, struct contract_sa *sa,
		    const struct ikev2_path *path)
{
	uint32_t id = sa == &pair->in ? pair->inbound : pair->outbound;
	struct requests_message message = {
		.type = CONTRACT_SET,
		.kind = CONTRACT_SA,
		.id = id,
		.owner = sa->tunnel,
		.body = sa,
		.body_length = sizeof(*sa),
		.opaque = &pair->child,
		.opaque_length = sizeof(pair->child),
	};

	sa->local = path->local;
	sa->remote = path->remote;
	sa->local_port = path->local_port;
	sa->remote_port = path->remote_port;
	if (requests_make(desired_requests(all->desired), &message, NULL, NULL) < 0)
		log_error(TOPIC, "cannot tell the data plane a peer's new address sa=%u", id);
}

static void child_move(void *context, uint32_t child, const struct ikev2_path *path)
{
	struct tunnels *all = context;
	struct sa_pair *pair = map_get_u32(&all->pairs, child);

	if (!pair)
		return;
	sa_move(all, pair, &pair->out, path);
	sa_move(all, pair, &pair->in, path);
	if (pair->tunnel && !net_addr_equal(&pair->tunnel->remote, &path->remote)) {
		pair->tunnel->remote = path->remote;
		lookup_moved(pair->tunnel);
		if (tunnel_objects_set(pair->tunnel) < 0)
			log_error(TOPIC, "cannot follow a peer's new address");
	}
}

static uint64_t child_seen_ns(void *context, uint32_t child)
{
	const struct tunnels *all = context;
	const struct contract_counters *counters =
		requests_counters(desired_requests(all->desired));

	return counters ? contract_counters_max(counters, CONTRACT_COUNT_SAS,
						child & CONTRACT_SPI_ID_MASK, CONTRACT_SA_LAST_NS)
			: 0;
}

static uint64_t read_until_ns(void *context, uint64_t now_ns)
{
	const struct tunnels *all = context;

	return requests_read_until_ns(desired_requests(all->desired), now_ns);
}

void pair_hooks_set(struct ikev2_hooks *hooks)
{
	hooks->spi_get = spi_get;
	hooks->spi_put = spi_put;
	hooks->child_install = child_install;
	hooks->child_switch = child_switch;
	hooks->child_remove = child_remove;
	hooks->child_move = child_move;
	hooks->child_seen_ns = child_seen_ns;
	hooks->read_until_ns = read_until_ns;
}

/* The data plane started anew: nothing to remove there, and the ids are free. */
void pair_forget_all(struct tunnels *all)
{
	struct map_entry *entry = map_next(&all->pairs, NULL);

	while (entry) {
		struct sa_pair *pair = entry->value;

		entry = map_next(&all->pairs, entry);
		pair_free(all, pair);
	}
}

void pair_adopted_remove(struct tunnel *tunnel)
{
	struct list *at, *next;

	list_for_each_safe (at, next, &tunnel->pairs) {
		struct sa_pair *pair = list_entry(at, struct sa_pair, of_tunnel);

		if (pair->adopted)
			pair_remove(tunnel->all, pair);
	}
}

void pair_orphan(struct tunnel *tunnel)
{
	/* Before the objects that they refer to. */
	while (!list_empty(&tunnel->pairs))
		pair_remove(tunnel->all, list_entry(tunnel->pairs.next, struct sa_pair, of_tunnel));
}

static struct sa_pair *adopt_pair(struct tunnels *all, uint32_t child)
{
	struct sa_pair *pair = map_get_u32(&all->pairs, child);

	if (pair)
		return pair;
	pair = pair_alloc(child);
	if (!pair)
		return NULL;
	pair->adopted = pair->installed = true;
	if (map_set(&all->pairs, &child, sizeof(child), pair, NULL) == 0)
		return pair;
	free(pair);
	return NULL;
}

/* A listed SA of a former control. */
void pair_adopt(struct tunnels *all, const struct contract_header *message)
{
	const struct contract_object *object = contract_object_of(message);
	const struct contract_sa *sa = contract_body_of(message);
	struct sa_pair *pair;
	uint32_t child;

	if (object->opaque_length != sizeof(child) ||
	    desired_id_claim(all->desired, CONTRACT_SA, object->id) < 0)
		return; /* not ours: swept when adoption is complete */
	memcpy(&child, contract_opaque_of(message), sizeof(child));
	pair = adopt_pair(all, child);
	if (!pair)
		return;
	pair->contract_child = sa->child;
	pair->tunnel_id = sa->tunnel;
	if (sa->direction == CONTRACT_INBOUND) {
		pair->inbound = object->id;
		pair->in = *sa;
	} else {
		pair->outbound = object->id;
		pair->out = *sa;
	}
	if (map_set(sa->direction == CONTRACT_INBOUND ? &all->inbound : &all->outbound, &object->id,
		    sizeof(object->id), pair, NULL) < 0)
		log_error(TOPIC, "out of memory for an adopted SA");
}

static void confirm(struct tunnels *all, uint32_t id)
{
	struct requests_message message = { .type = CONTRACT_CONFIRM,
					    .kind = CONTRACT_SA,
					    .id = id };

	if (id && requests_make(desired_requests(all->desired), &message, NULL, NULL) < 0)
		log_error(TOPIC, "cannot confirm an SA sa=%u", id);
}

/* Ties the adopted pairs to the tunnels of the configuration; the others are swept. */
uint32_t pair_adopt_finish(struct tunnels *all)
{
	struct map_entry *entry = map_next(&all->pairs, NULL);
	uint32_t kept = 0;

	while (entry) {
		struct sa_pair *pair = entry->value;
		struct tunnel *tunnel = map_get_u32(&all->by_id, pair->tunnel_id);

		entry = map_next(&all->pairs, entry);
		if (pair->adopted && !pair->tunnel &&
		    (!tunnel || !pair->inbound || !pair->outbound)) {
			pair_free(all, pair);
			continue;
		}
		if (pair->adopted && !pair->tunnel) {
			pair_tie(pair, tunnel, slot_adopt(tunnel, pair->contract_child));
		}
		confirm(all, pair->inbound);
		confirm(all, pair->outbound);
		kept++;
	}
	return kept;
}
