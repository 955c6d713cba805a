#include "control/ikev2/sa.h"

#include "base/log.h"
#include "control/ikev2/child.h"
#include "control/ikev2/handlers.h"

#include <errno.h>
#include <stdlib.h>

static const char *const state_texts[IKEV2_STATE_COUNT] = {
	[IKEV2_STATE_NEW] = "new",
	[IKEV2_STATE_INIT_SENT] = "connecting",
	[IKEV2_STATE_HALF_OPEN] = "half open",
	[IKEV2_STATE_AUTH_SENT] = "authenticating",
	[IKEV2_STATE_ESTABLISHED] = "established",
	[IKEV2_STATE_REKEYED] = "rekeyed",
	[IKEV2_STATE_DELETING] = "deleting",
	[IKEV2_STATE_GONE] = "gone",
};

/* The legal steps; GONE is reached from everywhere. */
static const struct {
	uint8_t from;
	uint8_t to;
} transitions[] = {
	{ IKEV2_STATE_NEW, IKEV2_STATE_INIT_SENT },
	{ IKEV2_STATE_NEW, IKEV2_STATE_HALF_OPEN },
	{ IKEV2_STATE_NEW, IKEV2_STATE_ESTABLISHED }, /* made by a rekey, or imported */
	{ IKEV2_STATE_INIT_SENT, IKEV2_STATE_AUTH_SENT },
	{ IKEV2_STATE_AUTH_SENT, IKEV2_STATE_ESTABLISHED },
	{ IKEV2_STATE_HALF_OPEN, IKEV2_STATE_ESTABLISHED },
	{ IKEV2_STATE_ESTABLISHED, IKEV2_STATE_REKEYED },
	{ IKEV2_STATE_ESTABLISHED, IKEV2_STATE_DELETING },
	{ IKEV2_STATE_REKEYED, IKEV2_STATE_DELETING },
	{ IKEV2_STATE_DELETING, IKEV2_STATE_DELETING },
};

/* IKE SAs of one connection. */
struct ikev2_peers {
	struct list sas;
};

const char *ikev2_state_text(enum ikev2_state state)
{
	return (unsigned int)state < IKEV2_STATE_COUNT ? state_texts[state] : "?";
}

struct ikev2_sa *ikev2_sa_find(const struct ikev2_engine *engine, uint64_t spi)
{
	return map_get_u64(&engine->by_spi, spi);
}

int ikev2_sa_spi(struct ikev2_engine *engine, uint64_t *spi)
{
	do {
		int error = secret_random(spi, sizeof(*spi));

		if (error)
			return error;
	} while (!*spi || ikev2_sa_find(engine, *spi));
	return 0;
}

int ikev2_sa_new_as(struct ikev2_engine *engine, uint64_t spi, struct ikev2_sa **out)
{
	struct ikev2_sa *sa = ikev2_sa_find(engine, spi) ? NULL : calloc(1, sizeof(*sa));

	if (!sa || map_set(&engine->by_spi, &spi, sizeof(spi), sa, NULL)) {
		free(sa);
		return -ENOMEM;
	}
	sa->spi = spi;
	sa->engine = engine;
	sa->last_seen_ns = engine->now_ns;
	list_init(&sa->jobs);
	list_init(&sa->children);
	list_init(&sa->peer_link);
	list_add_tail(&engine->sas, &sa->link);
	engine->counters.sas++;
	*out = sa;
	return 0;
}

int ikev2_sa_new(struct ikev2_engine *engine, bool initiator, struct ikev2_sa **out)
{
	uint64_t spi;
	int error = ikev2_sa_spi(engine, &spi);

	if (!error)
		error = ikev2_sa_new_as(engine, spi, out);
	if (!error)
		(*out)->initiator = (*out)->dialled = initiator;
	return error;
}

struct ikev2_sa *ikev2_sa_of(const struct ikev2_engine *engine,
			     const struct ikev2_connection *connection,
			     const struct ikev2_sa *after)
{
	const struct ikev2_peers *peers =
		after ? after->peers
		      : map_get(&engine->by_connection, &connection, sizeof(connection));
	struct list *at;

	if (!peers)
		return NULL;
	at = after ? after->peer_link.next : peers->sas.next;
	return at == &peers->sas ? NULL : list_entry(at, struct ikev2_sa, peer_link);
}

struct ikev2_sa *ikev2_sa_peer(const struct ikev2_sa *sa, const struct ikev2_sa *after)
{
	struct ikev2_sa *peer;

	if (!sa->peers)
		return NULL;
	peer = ikev2_sa_of(sa->engine, sa->connection, after);
	return peer == sa ? ikev2_sa_of(sa->engine, sa->connection, sa) : peer;
}

void ikev2_sa_set_connection(struct ikev2_sa *sa, struct ikev2_connection *connection)
{
	struct map *map = &sa->engine->by_connection;
	struct ikev2_connection *before = sa->connection;
	struct ikev2_peers *peers = sa->peers;

	sa->peers = NULL;
	if (before) {
		list_del(&sa->peer_link);
		if (peers && list_empty(&peers->sas)) {
			map_del(map, &before, sizeof(before));
			free(peers);
		}
	}
	sa->connection = connection ? ikev2_connection_get(connection) : NULL;
	if (before)
		ikev2_connection_put(before);
	if (!connection)
		return;
	peers = map_get(map, &connection, sizeof(connection));
	if (!peers) {
		peers = malloc(sizeof(*peers));
		if (!peers)
			return; /* only convergence suffers */
		list_init(&peers->sas);
		if (map_set(map, &connection, sizeof(connection), peers, NULL)) {
			free(peers);
			return;
		}
	}
	list_add_tail(&peers->sas, &sa->peer_link);
	sa->peers = peers;
}

void ikev2_sa_setup_free(struct ikev2_sa *sa)
{
	struct ikev2_setup *setup = sa->setup;

	if (!setup)
		return;
	for (uint16_t i = 0; i < setup->candidate_count; i++)
		ikev2_connection_put(setup->candidates[i]);
	free(setup->candidates);
	free(setup->request.p);
	free(setup->response.p);
	secret_wipe(setup, sizeof(*setup));
	free(setup);
	sa->setup = NULL;
}

void ikev2_sa_state(struct ikev2_sa *sa, enum ikev2_state state, const char *story)
{
	bool legal = state == IKEV2_STATE_GONE;

	for (size_t i = 0; i < sizeof(transitions) / sizeof(transitions[0]); i++)
		legal |= transitions[i].from == sa->state && transitions[i].to == state;
	ikev2_trace_local(sa, "%s -> %s: %s%s", ikev2_state_text(sa->state),
			  ikev2_state_text(state), story, legal ? "" : " (ILLEGAL)");
	if (!legal)
		log_error("ikev2", "illegal step from=%s to=%s ike=%016lx",
			  ikev2_state_text(sa->state), ikev2_state_text(state), sa->spi);
	sa->state = (uint8_t)state;
}

void ikev2_sa_event(struct ikev2_sa *sa, enum ikev2_event_kind kind, enum ikev2_reason reason,
		    const char *detail)
{
	const struct ikev2_event event = {
		.kind = (uint8_t)kind,
		.reason = (uint8_t)reason,
		.ike = sa->spi,
		.user = sa->user,
		.connection = sa->connection,
		.path = &sa->path,
		.detail = detail ? detail : "",
		.initiator = sa->dialled,
	};

	sa->engine->hooks.event(sa->engine->hooks.context, &event);
}

void ikev2_sa_lifetimes(struct ikev2_sa *sa)
{
	const struct ikev2_config *config = ikev2_sa_config(sa);
	uint32_t life_s =
		config->ike_lifetime_s ? config->ike_lifetime_s : config->policy->ike_lifetime_s;
	uint8_t jitter = config->jitter_percent ? config->jitter_percent : 15;
	uint64_t life = life_s * IKEV2_NS_PER_S;
	uint64_t margin = life_s > 3 * IKEV2_REKEY_MARGIN_S ? IKEV2_REKEY_MARGIN_S * IKEV2_NS_PER_S
							    : life / 4;

	if (config->reauth_s)
		sa->reauth_ns = sa->engine->now_ns + config->reauth_s * IKEV2_NS_PER_S;
	sa->established_ns = sa->engine->now_ns;
	sa->last_seen_ns = sa->engine->now_ns;
	sa->expire_ns = sa->rekey_ns = 0;
	if (life_s) {
		sa->expire_ns = sa->established_ns + life;
		sa->rekey_ns = sa->expire_ns - margin - ikev2_timer_jitter(life, jitter);
	}
}

void ikev2_sa_bury(struct ikev2_sa *sa)
{
	struct ikev2_engine *engine = sa->engine;

	if (sa->state == IKEV2_STATE_GONE)
		return;
	ikev2_init_close(sa);
	ikev2_sa_state(sa, IKEV2_STATE_GONE, ikev2_reason_text(sa->reason));
	map_del(&engine->by_spi, &sa->spi, sizeof(sa->spi));
	heap_del(&engine->timers, &sa->timer);
	list_del(&sa->link);
	list_add_tail(&engine->graveyard, &sa->link);
	engine->counters.sas--;
}

void ikev2_sa_end(struct ikev2_sa *sa, enum ikev2_reason reason, const char *detail)
{
	struct list *at;
	struct list *next;

	if (sa->state == IKEV2_STATE_GONE)
		return;
	sa->reason = (uint8_t)reason;
	list_for_each_safe (at, next, &sa->children)
		ikev2_child_outlive(list_entry(at, struct ikev2_child, link), reason, detail);
	if (sa->up && !sa->redundant)
		ikev2_sa_event(sa, IKEV2_EVENT_DOWN, reason, detail);
	else if (sa->dialled && !sa->redundant && !sa->up)
		ikev2_sa_event(sa, IKEV2_EVENT_FAILED, reason, detail);
	ikev2_sa_bury(sa);
}

static void free_sa(struct ikev2_sa *sa)
{
	struct list *at;
	struct list *next;

	for (int i = 0; i < IKEV2_SLOTS; i++)
		if (sa->tasks[i])
			ikev2_task_free(sa->tasks[i]);
	ikev2_exchange_end(sa);
	list_for_each_safe (at, next, &sa->jobs) {
		list_del(at);
		ikev2_job_free(list_entry(at, struct ikev2_job, link));
	}
	list_for_each_safe (at, next, &sa->children) {
		struct ikev2_child *child = list_entry(at, struct ikev2_child, link);

		list_del(at);
		map_del(&sa->engine->by_child, &child->spi, sizeof(child->spi));
		free(child->selectors);
		secret_wipe(child, sizeof(*child));
		free(child);
	}
	ike_packets_fini(&sa->response);
	for (int i = 0; i < 2; i++) {
		if (sa->reassembly[i]) {
			ike_reassembly_reset(sa->reassembly[i]);
			free(sa->reassembly[i]);
		}
	}
	sa->engine->keys_ended |= sa->keys.block.p != NULL;
	ike_keys_wipe(&sa->keys);
	ike_id_fini(&sa->remote_id);
	ikev2_sa_setup_free(sa);
	ikev2_sa_set_connection(sa, NULL);
	list_del(&sa->link);
	secret_wipe(sa, sizeof(*sa));
	free(sa);
}

void ikev2_sa_graves(struct ikev2_engine *engine)
{
	while (!list_empty(&engine->graveyard)) {
		struct ikev2_sa *sa = list_entry(engine->graveyard.next, struct ikev2_sa, link);

		free_sa(sa);
	}
	if (!engine->keys_ended)
		return;
	/* Nothing of it is left where the last message was built and its keys were used. */
	engine->keys_ended = false;
	secret_wipe(engine->buffer, sizeof(engine->buffer));
	crypto_forget(engine->crypto);
}
