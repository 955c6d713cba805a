#include "control/ikev2/child.h"

#include "base/log.h"
#include "control/ikev2/exchange.h"
#include "control/ikev2/handlers.h"
#include "control/ikev2/selector.h"

#include <errno.h>
#include <stdlib.h>

static const char *const state_texts[IKEV2_CHILD_STATE_COUNT] = {
	[IKEV2_CHILD_NEW] = "new",	     [IKEV2_CHILD_UP] = "up",
	[IKEV2_CHILD_REKEYING] = "rekeying", [IKEV2_CHILD_REKEYED] = "rekeyed",
	[IKEV2_CHILD_DELETING] = "deleting", [IKEV2_CHILD_LINGERING] = "lingering",
};

static const struct {
	uint8_t from;
	uint8_t to;
} transitions[] = {
	{ IKEV2_CHILD_NEW, IKEV2_CHILD_UP },
	{ IKEV2_CHILD_NEW, IKEV2_CHILD_DELETING },
	{ IKEV2_CHILD_UP, IKEV2_CHILD_REKEYING },
	{ IKEV2_CHILD_UP, IKEV2_CHILD_REKEYED },
	{ IKEV2_CHILD_UP, IKEV2_CHILD_DELETING },
	{ IKEV2_CHILD_UP, IKEV2_CHILD_LINGERING },
	{ IKEV2_CHILD_REKEYING, IKEV2_CHILD_UP },
	{ IKEV2_CHILD_REKEYING, IKEV2_CHILD_REKEYED },
	{ IKEV2_CHILD_REKEYING, IKEV2_CHILD_DELETING },
	{ IKEV2_CHILD_REKEYING, IKEV2_CHILD_LINGERING },
	{ IKEV2_CHILD_REKEYED, IKEV2_CHILD_UP },
	{ IKEV2_CHILD_REKEYED, IKEV2_CHILD_DELETING },
	{ IKEV2_CHILD_REKEYED, IKEV2_CHILD_LINGERING },
	{ IKEV2_CHILD_DELETING, IKEV2_CHILD_LINGERING },
};

const char *ikev2_child_state_text(enum ikev2_child_state state)
{
	return (unsigned int)state < IKEV2_CHILD_STATE_COUNT ? state_texts[state] : "?";
}

/* "Lowest" octet by octet; the shorter one is lower when it is a prefix (section 2.8.1). */
bool ikev2_low_less(const struct ikev2_low *a, const struct ikev2_low *b)
{
	size_t n = a->n < b->n ? a->n : b->n;
	int order = memcmp(a->bytes, b->bytes, n);

	return order ? order < 0 : a->n < b->n;
}

static struct ikev2_low low_one(struct span nonce)
{
	struct ikev2_low low = { .n = nonce.n < IKEV2_NONCE_BYTES ? (uint8_t)nonce.n
								  : IKEV2_NONCE_BYTES };

	memcpy(low.bytes, nonce.p, low.n);
	return low;
}

struct ikev2_low ikev2_low_of(struct span a, struct span b)
{
	struct ikev2_low first = low_one(a);
	struct ikev2_low second = low_one(b);

	return ikev2_low_less(&first, &second) ? first : second;
}

int ikev2_child_new(struct ikev2_sa *sa, uint32_t spi, struct ikev2_child **out)
{
	struct ikev2_child *child = calloc(1, sizeof(*child));

	if (!child)
		return -ENOMEM;
	child->sa = sa;
	child->spi = spi;
	child->entry = IKEV2_ENTRY_ACCEPTED;
	list_init(&child->link);
	*out = child;
	return 0;
}

void ikev2_child_drop(struct ikev2_child *child)
{
	const struct ikev2_hooks *hooks = &child->sa->engine->hooks;

	if (child->installed)
		hooks->child_remove(hooks->context, child->spi);
	else
		hooks->spi_put(hooks->context, child->spi);
	free(child->selectors);
	secret_wipe(child, sizeof(*child));
	free(child);
}

void ikev2_child_link(struct ikev2_sa *sa, struct ikev2_child *child)
{
	child->sa = sa;
	list_add_tail(&sa->children, &child->link);
	if (map_set(&sa->engine->by_child, &child->spi, sizeof(child->spi), child, NULL))
		log_error("ikev2", "out of memory, a child cannot be found spi=%08x", child->spi);
	sa->engine->counters.children++;
	/* The addresses changed while the data plane installed it: it was in no list then. */
	if (child->installed && child->moves != sa->moves)
		sa->engine->hooks.child_move(sa->engine->hooks.context, child->spi, &sa->path);
	child->moves = sa->moves;
}

struct ikev2_child *ikev2_child_find(const struct ikev2_engine *engine, uint32_t spi)
{
	return spi ? map_get_u32(&engine->by_child, spi) : NULL;
}

struct ikev2_child *ikev2_child_find_peer(const struct ikev2_sa *sa, uint32_t peer_spi)
{
	struct list *at;

	list_for_each (at, &sa->children) {
		struct ikev2_child *child = list_entry(at, struct ikev2_child, link);

		if (child->peer_spi == peer_spi && child->state != IKEV2_CHILD_LINGERING)
			return child;
	}
	return NULL;
}

void ikev2_child_state(struct ikev2_child *child, enum ikev2_child_state state, const char *story)
{
	bool legal = false;

	for (size_t i = 0; i < sizeof(transitions) / sizeof(transitions[0]); i++)
		legal |= transitions[i].from == child->state && transitions[i].to == state;
	ikev2_trace_local(child->sa, "child %08x %s -> %s: %s%s", child->spi,
			  ikev2_child_state_text(child->state), ikev2_child_state_text(state),
			  story, legal ? "" : " (ILLEGAL)");
	if (!legal)
		log_error("ikev2", "illegal step of a child from=%s to=%s spi=%08x",
			  ikev2_child_state_text(child->state), ikev2_child_state_text(state),
			  child->spi);
	child->state = (uint8_t)state;
}

static void tell(struct ikev2_child *child, enum ikev2_event_kind kind, enum ikev2_reason reason,
		 const char *detail)
{
	const struct ikev2_sa *sa = child->sa;
	const struct ikev2_event event = {
		.kind = (uint8_t)kind,
		.reason = (uint8_t)reason,
		.entry = child->entry,
		.child = child->spi,
		.old_child = kind == IKEV2_EVENT_CHILD_REKEYED ? child->replaces : 0,
		.ike = sa->spi,
		.user = sa->user,
		.connection = sa->connection,
		.path = &sa->path,
		.detail = detail ? detail : "",
		.initiator = sa->dialled,
	};

	sa->engine->hooks.event(sa->engine->hooks.context, &event);
}

void ikev2_child_failed(struct ikev2_sa *sa, uint16_t entry, enum ikev2_reason reason,
			const char *detail)
{
	struct ikev2_child none = { .sa = sa, .entry = entry };

	ikev2_trace_local(sa, "child of entry %u failed: %s %s", entry, ikev2_reason_text(reason),
			  detail ? detail : "");
	tell(&none, IKEV2_EVENT_CHILD_FAILED, reason, detail);
}

static void fill(const struct ikev2_child *child, const struct ike_child_keys *keys, bool inbound,
		 struct contract_sa *sa)
{
	const struct ikev2_sa *ike = child->sa;
	const struct ikev2_config *config = ikev2_sa_config(ike);
	bool esn = child->suite.esn == IKE_ESN_YES;

	ike_child_sa_fill(sa, &child->suite, keys, inbound != child->initiator);
	sa->spi = inbound ? child->spi : child->peer_spi;
	sa->direction = inbound ? CONTRACT_INBOUND : CONTRACT_OUTBOUND;
	sa->local = ike->path.local;
	sa->remote = ike->path.remote;
	if (ike->encapsulate) {
		sa->flags |= CONTRACT_SA_UDP;
		sa->local_port = ike->path.local_port;
		sa->remote_port = ike->path.remote_port;
	}
	/* RFC 4303 section 3.3.3: without ESN the sequence number must not cycle. */
	sa->hard_packets = config->child_lifetime_packets;
	if (!esn && (!sa->hard_packets || sa->hard_packets > UINT32_MAX - (1u << 16)))
		sa->hard_packets = UINT32_MAX - (1u << 16);
	sa->soft_packets = sa->hard_packets - sa->hard_packets / 8;
	sa->hard_bytes = config->child_lifetime_bytes ? config->child_lifetime_bytes
						      : config->policy->child_lifetime_bytes;
	sa->soft_bytes = sa->hard_bytes - sa->hard_bytes / 8;
}

void ikev2_child_install(struct ikev2_child *child, uint64_t token, struct ike_child_keys *keys,
			 bool send)
{
	const struct ikev2_hooks *hooks = &child->sa->engine->hooks;
	struct contract_sa inbound = { 0 };
	struct contract_sa outbound = { 0 };
	const struct ikev2_child_install install = {
		.ike = child->sa->spi,
		.user = child->sa->user,
		.connection = child->sa->connection,
		.child = child->spi,
		.replaces = child->replaces,
		.entry = child->entry,
		.send = send,
		.local_count = child->local_count,
		.remote_count = child->remote_count,
		.local = child->selectors,
		.remote = child->selectors + child->local_count,
		.inbound = &inbound,
		.outbound = &outbound,
	};

	fill(child, keys, true, &inbound);
	fill(child, keys, false, &outbound);
	ike_child_keys_wipe(keys);
	child->installed = true;
	child->sends = send;
	child->moves = child->sa->moves;
	hooks->child_install(hooks->context, token, &install);
	secret_wipe(&inbound, sizeof(inbound));
	secret_wipe(&outbound, sizeof(outbound));
}

static void lifetimes(struct ikev2_child *child)
{
	const struct ikev2_config *config = ikev2_sa_config(child->sa);
	uint32_t life_s = config->child_lifetime_s ? config->child_lifetime_s
						   : config->policy->child_lifetime_s;
	uint8_t jitter = config->jitter_percent ? config->jitter_percent : 15;
	uint64_t life = life_s * IKEV2_NS_PER_S;
	uint64_t margin = life_s > 3 * IKEV2_REKEY_MARGIN_S ? IKEV2_REKEY_MARGIN_S * IKEV2_NS_PER_S
							    : life / 4;

	child->established_ns = child->sa->engine->now_ns;
	if (life_s) {
		child->expire_ns = child->established_ns + life;
		child->rekey_ns = child->expire_ns - margin - ikev2_timer_jitter(life, jitter);
	}
}

void ikev2_child_tell_up(struct ikev2_child *child)
{
	struct ikev2_child *old = ikev2_child_find(child->sa->engine, child->replaces);

	if (child->redundant || child->told)
		return;
	child->told = true;
	if (old)
		old->replaced_by = child->spi;
	tell(child, child->replaces ? IKEV2_EVENT_CHILD_REKEYED : IKEV2_EVENT_CHILD_UP,
	     IKEV2_REASON_NONE, NULL);
}

void ikev2_child_up(struct ikev2_child *child)
{
	ikev2_child_state(child, IKEV2_CHILD_UP, "installed");
	lifetimes(child);
	ikev2_child_tell_up(child);
}

/* Who took over from it, and is not deleted itself: rekeys may follow each other fast. */
static struct ikev2_child *heir_of(const struct ikev2_child *child)
{
	struct ikev2_engine *engine = child->sa->engine;
	struct ikev2_child *heir = ikev2_child_find(engine, child->replaced_by);

	while (heir && heir->state == IKEV2_CHILD_LINGERING)
		heir = ikev2_child_find(engine, heir->replaced_by);
	return heir;
}

/* A later one sends already: nothing goes back to this one. */
static bool outlived(const struct ikev2_child *child)
{
	const struct ikev2_child *heir = child;

	while ((heir = heir_of(heir)))
		if (heir->sends)
			return true;
	return false;
}

void ikev2_child_switch(struct ikev2_child *child)
{
	const struct ikev2_hooks *hooks = &child->sa->engine->hooks;
	struct ikev2_child *old = ikev2_child_find(child->sa->engine, child->replaces);

	child->waits = IKEV2_WAITS_NOT;
	if (child->sends || outlived(child))
		return;
	child->sends = true;
	if (old)
		old->sends = false;
	hooks->child_switch(hooks->context, child->spi);
}

void ikev2_child_confirmed(struct ikev2_sa *sa, bool by_request)
{
	struct list *at;

	list_for_each (at, &sa->children) {
		struct ikev2_child *child = list_entry(at, struct ikev2_child, link);

		if (child->waits == IKEV2_WAITS_ANY || (child->waits && by_request))
			ikev2_child_switch(child);
	}
}

/* Whether one could stand in for the other: an entry may have several, with other selectors. */
static bool same_place(const struct ikev2_child *a, const struct ikev2_child *b)
{
	return a->entry == b->entry &&
	       ikev2_selector_same(a->selectors, a->local_count, b->selectors, b->local_count) &&
	       ikev2_selector_same(a->selectors + a->local_count, a->remote_count,
				   b->selectors + b->local_count, b->remote_count);
}

static bool call_one(const struct ikev2_child *child, struct ikev2_sa *of)
{
	struct list *at;

	list_for_each (at, &of->children) {
		struct ikev2_child *other = list_entry(at, struct ikev2_child, link);
		bool stands_by = other->waits || (other->sends && other->installed &&
						  other->state != IKEV2_CHILD_LINGERING);

		if (other != child && stands_by && same_place(other, child) && !outlived(other)) {
			other->sends = false; /* with two that may send the last one does */
			ikev2_child_switch(other);
			return true;
		}
	}
	return false;
}

/*
 * Nothing took over from it, but another child of its entry may stand by: of this IKE SA, or of
 * one that was dialled to replace it, or before both sides had dialled.
 */
static void call_standby(const struct ikev2_child *child)
{
	struct ikev2_sa *other = NULL;

	if (call_one(child, child->sa))
		return;
	while ((other = ikev2_sa_peer(child->sa, other)))
		if (ikev2_establish_same_end(child->sa, other) && call_one(child, other))
			return;
}

/* Whether what this one has is carried between the same two ends already. */
bool ikev2_child_carried(const struct ikev2_child *child)
{
	const struct ikev2_sa *sa = child->sa;
	const struct list *at;

	while (sa) {
		bool same = sa == child->sa || ikev2_establish_same_end(child->sa, sa);

		for (at = sa->children.next; same && at != &sa->children; at = at->next) {
			const struct ikev2_child *other = list_entry(at, struct ikev2_child, link);

			if (other != child && other->sends && other->installed &&
			    other->state != IKEV2_CHILD_LINGERING && same_place(other, child))
				return true;
		}
		sa = ikev2_sa_peer(child->sa, sa == child->sa ? NULL : sa);
	}
	return false;
}

/* It sends no more: what takes its place does, and who was told that it is up hears of it. */
static void child_leave(struct ikev2_child *child, enum ikev2_reason reason, const char *detail)
{
	struct ikev2_child *heir = heir_of(child);

	if (heir)
		ikev2_child_switch(heir);
	else if (child->sends && !ikev2_child_find(child->sa->engine, child->replaced_by))
		call_standby(child);
	if (child->told && !child->replaced_by && child->state != IKEV2_CHILD_LINGERING)
		tell(child, IKEV2_EVENT_CHILD_DOWN, reason, detail);
}

void ikev2_child_remove(struct ikev2_child *child, enum ikev2_reason reason, const char *detail)
{
	struct ikev2_engine *engine = child->sa->engine;

	child_leave(child, reason, detail);
	ikev2_trace_local(child->sa, "child %08x removed: %s", child->spi,
			  ikev2_reason_text(reason));
	if (child->installed)
		engine->hooks.child_remove(engine->hooks.context, child->spi);
	list_del(&child->link);
	map_del(&engine->by_child, &child->spi, sizeof(child->spi));
	engine->counters.children--;
	free(child->selectors);
	secret_wipe(child, sizeof(*child)); /* it has a nonce */
	free(child);
}

/* The IKE SA with a child that carries what this one did between the same two ends. */
static struct ikev2_sa *stand_in(const struct ikev2_child *child)
{
	struct ikev2_sa *other = NULL;
	const struct list *at;

	while ((other = ikev2_sa_peer(child->sa, other))) {
		if (other->state != IKEV2_STATE_ESTABLISHED ||
		    !ikev2_establish_same_end(child->sa, other))
			continue;
		list_for_each (at, &other->children) {
			const struct ikev2_child *o = list_entry(at, struct ikev2_child, link);

			if (o->installed && o->state != IKEV2_CHILD_LINGERING &&
			    same_place(o, child))
				return other;
		}
	}
	return NULL;
}

/* Takes late packets, and sends none. */
static void linger(struct ikev2_child *child, enum ikev2_reason reason)
{
	ikev2_child_state(child, IKEV2_CHILD_LINGERING, ikev2_reason_text(reason));
	child->remove_ns = child->sa->engine->now_ns + IKEV2_LINGER_NS;
}

void ikev2_child_outlive(struct ikev2_child *child, enum ikev2_reason reason, const char *detail)
{
	bool agreed = reason == IKEV2_REASON_REDUNDANT || reason == IKEV2_REASON_REKEYED ||
		      reason == IKEV2_REASON_PEER_DELETED;
	struct ikev2_sa *host = agreed && child->installed ? stand_in(child) : NULL;

	if (!host || child->state == IKEV2_CHILD_LINGERING) {
		ikev2_child_remove(child, reason, detail);
		return;
	}
	child_leave(child, reason, detail);
	linger(child, reason);
	list_del(&child->link);
	list_add_tail(&host->children, &child->link);
	child->sa = host;
	ikev2_timer_schedule(host);
}

/*
 * The peer's data plane did not take its half of the rekey, so it deletes what it has just made:
 * the old child, which nobody has deleted, takes over again.
 */
static void give_back(struct ikev2_child *heir)
{
	struct ikev2_child *old = ikev2_child_find(heir->sa->engine, heir->replaces);

	if (!old || old->state != IKEV2_CHILD_REKEYED || old->replaced_by != heir->spi ||
	    !old->installed)
		return;
	ikev2_child_state(old, IKEV2_CHILD_UP, "its successor is gone");
	old->replaced_by = 0;
	old->replaced_ns = 0;
	old->replaces = heir->spi;
	old->told = false;
	old->rekey_ns = old->sa->engine->now_ns + IKEV2_REPLACED_NS;
	ikev2_child_tell_up(old);
}

void ikev2_child_linger(struct ikev2_child *child, enum ikev2_reason reason)
{
	struct ikev2_child *heir;

	if (reason == IKEV2_REASON_PEER_DELETED)
		give_back(child);
	if (!ikev2_child_find(child->sa->engine, child->replaced_by) && !child->redundant) {
		/* The peer has it no more: nothing may be sent on it. */
		ikev2_child_remove(child, reason, NULL);
		return;
	}
	heir = heir_of(child);
	if (heir)
		ikev2_child_switch(heir);
	linger(child, reason);
}

static void add_child_job(struct ikev2_child *child, enum ikev2_job_kind kind)
{
	struct ikev2_job *job;

	if (ikev2_job_find(child->sa, kind, child->spi))
		return;
	job = ikev2_job_add(child->sa, kind);
	if (job)
		job->child = child->spi;
}

/* Not used any more from this moment; the peer is told. */
static void expire(struct ikev2_child *child)
{
	const struct ikev2_hooks *hooks = &child->sa->engine->hooks;
	struct ikev2_child *heir = heir_of(child);

	if (heir)
		ikev2_child_switch(heir);
	child->expire_ns = child->rekey_ns = child->replaced_ns = 0;
	child->reason = IKEV2_REASON_LIFETIME;
	if (child->installed)
		hooks->child_remove(hooks->context, child->spi);
	child->installed = false;
	if (child->told && !child->replaced_by)
		tell(child, IKEV2_EVENT_CHILD_DOWN, IKEV2_REASON_LIFETIME, NULL);
	child->told = false;
	add_child_job(child, IKEV2_JOB_CHILD_DELETE);
}

void ikev2_child_timers(struct ikev2_child *child, uint64_t now_ns)
{
	if (child->remove_ns && child->remove_ns <= now_ns) {
		ikev2_child_remove(child, child->reason, NULL);
		return;
	}
	if (child->expire_ns && child->expire_ns <= now_ns) {
		expire(child);
		return;
	}
	if (child->rekey_ns && child->rekey_ns <= now_ns) {
		child->rekey_ns = 0;
		if (child->state == IKEV2_CHILD_UP && !child->redundant)
			add_child_job(child, IKEV2_JOB_CHILD_REKEY);
	}
	if (child->replaced_ns && child->replaced_ns <= now_ns) {
		child->replaced_ns = 0;
		add_child_job(child, IKEV2_JOB_CHILD_DELETE);
	}
}

static void earlier(uint64_t *deadline, uint64_t candidate)
{
	if (candidate && (!*deadline || candidate < *deadline))
		*deadline = candidate;
}

uint64_t ikev2_child_deadline(const struct ikev2_child *child)
{
	uint64_t deadline = child->remove_ns;

	if (deadline)
		return deadline;
	earlier(&deadline, child->rekey_ns);
	earlier(&deadline, child->expire_ns);
	earlier(&deadline, child->replaced_ns);
	return deadline;
}
