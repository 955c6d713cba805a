/*
 * DOC: dialling
 *
 * Commands go to the engine from here, never from inside its hooks: a hook puts the tunnel on the
 * work list and the loop comes back. A tunnel that failed is dialled again after a few seconds,
 * later after longer, at most RETRY_MAX; so are the children asked for that a peer refuses. What a
 * peer deletes when it has just come up is made again at once the first time, which may be an
 * operator's doing, and then after as long as if it had been refused.
 *
 * Thousands of tunnels are paced. What was begun is brought to its end first: of dials that are
 * younger than FRESH_NS there are at most FRESH_MAX, the others wait for their turn; a peer that is
 * dead holds its place no longer than that. Ways home after an evacuation are paced with them:
 * asked all at once, thousands would be answered too late and sent away again. And after DIAL_BURST
 * of them or DIAL_SLICE_NS the loop serves everything else, so that those that are up are heard.
 */
#include "control/tunnel/dial.h"
#include "control/tunnel/bundle.h"
#include "control/tunnel/drain.h"
#include "control/tunnel/evacuate.h"
#include "control/tunnel/lookup.h"
#include "control/tunnel/watch.h"

#include "base/log.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TOPIC "tunnel"
#define RETRY_FIRST_NS (2 * CLOCK_NS_PER_S)
#define RETRY_MAX_NS (30 * CLOCK_NS_PER_S)
#define BRIEF_NS (10 * CLOCK_NS_PER_S)	     /* a shorter life was none */
#define NEXT_ADDRESS_NS (4 * CLOCK_NS_PER_S) /* of a name that has several */
#define DIAL_BURST 64
#define DIAL_SLICE_NS (10 * CLOCK_NS_PER_MS)
#define DIAL_GAP_NS (5 * CLOCK_NS_PER_MS)
#define FRESH_NS CLOCK_NS_PER_S
#define FRESH_MAX 256
#define FRESH_HOME_MAX 1024 /* with ways home, whose answers are looked for in every while */

static uint64_t now(const struct tunnels *all)
{
	return clock_now_ns(all->clock);
}

/* Never later than was wanted before. */
static void wake(struct tunnels *all, uint64_t in_ns)
{
	uint64_t at = now(all) + in_ns;

	if (all->work_at_ns && all->work_at_ns <= at)
		return;
	all->work_at_ns = at;
	event_timer_set(all->work_timer, in_ns);
}

static void wake_at(struct tunnels *all, uint64_t at_ns)
{
	uint64_t time = now(all);

	wake(all, at_ns > time ? at_ns - time : 0);
}

static void fresh_no_more(struct tunnel *tunnel)
{
	struct tunnels *all = tunnel->all;

	if (list_empty(&tunnel->fresh))
		return;
	list_del(&tunnel->fresh);
	all->fresh_count--;
	if (!list_empty(&all->turns))
		wake(all, 0);
}

void dial_ended(struct tunnel *tunnel)
{
	tunnel->dialling = false;
	fresh_no_more(tunnel);
}

static struct tunnel *fresh_oldest(const struct tunnels *all)
{
	return list_empty(&all->fresh) ? NULL : list_entry(all->fresh.next, struct tunnel, fresh);
}

static void fresh_grow_old(struct tunnels *all)
{
	struct tunnel *oldest;

	while ((oldest = fresh_oldest(all)) && now(all) - oldest->dialled_ns >= FRESH_NS)
		fresh_no_more(oldest);
}

static bool has_room(const struct tunnel *tunnel)
{
	return tunnel->all->fresh_count < (tunnel->ike ? FRESH_HOME_MAX : FRESH_MAX);
}

/* False: it waits, and is dialled when others have come to an end. */
static bool turn_comes(struct tunnel *tunnel)
{
	struct tunnels *all = tunnel->all;

	if (!has_room(tunnel)) {
		if (list_empty(&tunnel->turn))
			list_add_tail(&all->turns, &tunnel->turn);
		return false;
	}
	list_del(&tunnel->turn);
	return true;
}

static void fresh_begins(struct tunnel *tunnel)
{
	tunnel->dialled_ns = now(tunnel->all);
	fresh_no_more(tunnel);
	list_add_tail(&tunnel->all->fresh, &tunnel->fresh);
	tunnel->all->fresh_count++;
}

void dial_home(struct tunnel *tunnel)
{
	struct tunnels *all = tunnel->all;

	if (!turn_comes(tunnel)) {
		wake_at(all, fresh_oldest(all)->dialled_ns + FRESH_NS);
		return;
	}
	fresh_begins(tunnel);
	watch_return(tunnel, now(all));
}

void dial_wanted(struct tunnel *tunnel)
{
	tunnel->wanted = true;
	dial_place(tunnel);
}

void dial_place(struct tunnel *tunnel)
{
	if (list_empty(&tunnel->work))
		list_add_tail(&tunnel->all->work, &tunnel->work);
	wake(tunnel->all, 0);
}

void dial_soon(struct tunnel *tunnel, uint64_t in_ns)
{
	struct tunnels *all = tunnel->all;
	const struct heap_node *first;

	if (heap_set(&all->dials, &tunnel->dial_at, now(all) + in_ns + 1) < 0) {
		log_error(TOPIC, "out of memory: tunnel=\"%s\" is not dialled", tunnel->name);
		return;
	}
	first = heap_first(&all->dials);
	if (first == &tunnel->dial_at)
		wake(all, in_ns);
}

void dial_flows_update(const struct tunnel *tunnel)
{
	struct tunnels *all = tunnel->all;
	const struct plan_connection *site = tunnel->site;
	struct flow_member members[CONTRACT_MEMBERS_MAX];
	struct flow_site flow = { .name = site->connection->resource.key,
				  .members = members,
				  .member_count = site->tunnel_count };

	for (uint32_t i = 0; i < site->tunnel_count && i < CONTRACT_MEMBERS_MAX; i++) {
		const struct tunnel *t = all->items[site->first_tunnel + i];

		members[i] = (struct flow_member){ t->id, tunnel_fitness(t) };
	}
	flow_table_update(all->flows, &flow);
	bundle_update(all, tunnel->id);
}

static void state_set(struct tunnel *tunnel, enum tunnel_state state, const char *story)
{
	if (tunnel->state == state)
		return;
	log_info(TOPIC, "%s -> %s: %s tunnel=\"%s\"", tunnel_state_text(tunnel->state),
		 tunnel_state_text(state), story, tunnel->name);
	tunnel->state = (uint8_t)state;
	dial_flows_update(tunnel);
	tunnel_status_changed(tunnel);
}

/* Later after each failure in a row. */
static void try_later(struct tunnel *tunnel, uint32_t *failures)
{
	uint64_t in = RETRY_FIRST_NS << (*failures < 4 ? *failures : 4);

	++*failures;
	dial_soon(tunnel, in < RETRY_MAX_NS ? in : RETRY_MAX_NS);
}

void dial_ike_end(const struct tunnel *tunnel, uint64_t ike)
{
	if (ike && ikev2_delete(tunnel->all->engine, ike, false, now(tunnel->all)) < 0)
		log_debug(TOPIC, "IKE SA was gone already tunnel=\"%s\"", tunnel->name);
}

void dial_cancel(struct tunnel *tunnel)
{
	if (tunnel->dialled != tunnel->ike)
		dial_ike_end(tunnel, tunnel->dialled);
	dial_ike_end(tunnel,
		     ikev2_established(tunnel->all->engine, tunnel->connection, tunnel->ike));
	dial_ended(tunnel);
}

/* The next IKE SA begins at home, and without a past. */
static void begin_anew(struct tunnel *tunnel)
{
	tunnel->evacuated = false;
	tunnel->failures = 0;
	tunnel->child_failures = 0;
	tunnel->brief_children = 0;
	tunnel->drain = 0;
	tunnel->suspect = false;
}

void dial_forget(struct tunnel *tunnel)
{
	dial_ike_end(tunnel, tunnel->ike);
	if (tunnel->ike) {
		tunnel->reason = IKEV2_REASON_DELETED;
		snprintf(tunnel->detail, sizeof(tunnel->detail), "its configuration changed");
	}
	tunnel->ike = 0;
	tunnel->brief_ikes = 0;
	tunnel->prove = false;
	begin_anew(tunnel);
}

static void retry(struct tunnel *tunnel)
{
	dial_ended(tunnel);
	try_later(tunnel, &tunnel->failures);
}

/* Deleted by the peer when it had just come up. */
static bool was_brief(const struct tunnel *tunnel, const struct ikev2_event *event, uint64_t up_ns)
{
	return event->reason == IKEV2_REASON_PEER_DELETED && now(tunnel->all) - up_ns < BRIEF_NS;
}

/* Its files are looked at again each time that it would dial. */
static bool may_authenticate(struct tunnel *tunnel)
{
	if (!tunnel->peer->problem[0] || tunnel_credentials_read(tunnel) == 0)
		return true;
	tunnel->reason = IKEV2_REASON_NO_CREDENTIAL;
	snprintf(tunnel->detail, sizeof(tunnel->detail), "%s", tunnel->peer->problem);
	if (tunnel->state == TUNNEL_NOT_CONNECTED)
		tunnel_status_changed(tunnel);
	state_set(tunnel, TUNNEL_NOT_CONNECTED, ikev2_reason_text(tunnel->reason));
	retry(tunnel);
	return false;
}

/* Only the peer can dial. */
static bool peer_dials(const struct tunnel *tunnel)
{
	return tunnel->peer->config.mode == IKEV2_MODE_RESPONDER ||
	       (!tunnel->plan->fqdn && !tunnel->remote.family);
}

/* Its IKE SA went with the configuration that it had, and it is not dialled yet, or not at all. */
static void status_without(struct tunnel *tunnel)
{
	enum tunnel_state state = peer_dials(tunnel) ? TUNNEL_NOT_CONNECTED : TUNNEL_CONNECTING;

	if (tunnel->state == TUNNEL_UNKNOWN || tunnel->state == TUNNEL_NOT_CONNECTED ||
	    tunnel_sends(tunnel))
		return;
	state_set(tunnel, state, "its configuration changed");
}

static void dial(struct tunnel *tunnel)
{
	struct tunnels *all = tunnel->all;
	struct ikev2_dial dial = {
		.path = { .local = tunnel->plan->local },
		.user = tunnel->id,
	};
	int rc;

	heap_del(&all->dials, &tunnel->dial_at);
	if (!all->ready || tunnel->ike || tunnel->dialling)
		return;
	status_without(tunnel);
	if (peer_dials(tunnel) || !tunnel_name_ready(tunnel) || !tunnel->remote.family)
		return;
	if (tunnel->no_path) { /* dialled when a port changes */
		state_set(tunnel, TUNNEL_NOT_CONNECTED, tunnel->detail);
		return;
	}
	if (!may_authenticate(tunnel))
		return;
	if (!tunnel_usable(tunnel))
		state_set(tunnel, TUNNEL_CONNECTING, "dialling");
	if (!turn_comes(tunnel))
		return;
	dial.connection = tunnel->connection;
	dial.path.remote = tunnel->remote;
	rc = ikev2_initiate(all->engine, &dial, now(all), &tunnel->dialled);
	if (rc < 0) {
		log_error(TOPIC, "cannot dial tunnel=\"%s\" error=\"%s\"", tunnel->name,
			  strerror(-rc));
		retry(tunnel);
		return;
	}
	tunnel->dialling = true;
	fresh_begins(tunnel);
	if (tunnel_name_more(tunnel))
		dial_soon(tunnel, NEXT_ADDRESS_NS);
}

/* The peer divides the space in its own way: ours would be refused. A packet may still ask. */
static bool divided_otherwise(const struct tunnel *tunnel)
{
	for (uint32_t i = tunnel->child_count; i < tunnel->slot_count; i++)
		if (tunnel->children[i].outbound_sa)
			return true;
	return false;
}

/* Lost children of an IKE SA that is up: negotiated anew. */
static void children_make(struct tunnel *tunnel)
{
	if (divided_otherwise(tunnel))
		return;
	for (uint16_t i = 0; i < tunnel->child_count; i++) {
		tunnel->children[i].refused = false;
		if (!tunnel->children[i].outbound_sa &&
		    ikev2_child_initiate(tunnel->all->engine, tunnel->ike, i, NULL,
					 now(tunnel->all)) < 0)
			log_debug(TOPIC, "child not asked for tunnel=\"%s\" entry=%u", tunnel->name,
				  i);
	}
}

static void due(struct tunnel *tunnel)
{
	heap_del(&tunnel->all->dials, &tunnel->dial_at);
	if (tunnel->ike)
		children_make(tunnel);
	else if (tunnel->dialling && tunnel_name_more(tunnel) &&
		 ikev2_delete(tunnel->all->engine, tunnel->dialled, true, now(tunnel->all)) == 0)
		return; /* the next address is dialled in failed() */
	else
		dial(tunnel);
}

/* Where its IKE SA is to be. One that proves itself at home is left there for a while (watch.c). */
static void place(struct tunnel *tunnel)
{
	bool proves = tunnel->suspect && tunnel->home_tries;

	if (tunnel->prove && tunnel->ike && !tunnel_path_down(tunnel)) {
		tunnel->prove = false;
		watch_probe(tunnel, now(tunnel->all));
	} else if ((tunnel->suspect && !proves) || tunnel_path_down(tunnel)) {
		evacuate(tunnel);
	} else if (tunnel->evacuated && !tunnel->suspect && !tunnel->drain) {
		evacuate_return(tunnel);
	}
}

/* Enough of it: the loop has others to serve. */
static bool slice_ends(const struct tunnels *all, uint64_t began_ns, unsigned int *burst)
{
	return ++*burst == DIAL_BURST || now(all) - began_ns > DIAL_SLICE_NS;
}

static bool work_on(struct tunnels *all, uint64_t began_ns)
{
	const struct heap_node *first;
	unsigned int burst = 0;

	while (!list_empty(&all->work)) {
		struct tunnel *tunnel = list_entry(all->work.next, struct tunnel, work);

		list_del(&tunnel->work);
		place(tunnel);
		if (!tunnel->ike)
			dial(tunnel);
		else if (tunnel->wanted)
			children_make(tunnel);
		tunnel->wanted = false;
		if (slice_ends(all, began_ns, &burst))
			return true;
	}
	while ((first = heap_first(&all->dials)) && first->deadline_ns <= now(all)) {
		due((struct tunnel *)((char *)first - offsetof(struct tunnel, dial_at)));
		if (slice_ends(all, began_ns, &burst))
			return true;
	}
	while (!list_empty(&all->turns)) {
		struct tunnel *tunnel = list_entry(all->turns.next, struct tunnel, turn);

		if (!has_room(tunnel))
			return false;
		list_del(&tunnel->turn);
		if (!tunnel->ike)
			dial(tunnel);
		else if (tunnel->evacuated && tunnel->suspect && !tunnel_path_down(tunnel))
			dial_home(tunnel);
		if (slice_ends(all, began_ns, &burst))
			return true;
	}
	return false;
}

void dial_work(void *context)
{
	struct tunnels *all = context;
	const struct heap_node *first;
	const struct tunnel *oldest;

	fresh_grow_old(all);
	all->work_at_ns = 0;
	if (work_on(all, now(all))) {
		wake(all, DIAL_GAP_NS);
	} else {
		first = heap_first(&all->dials);
		oldest = list_empty(&all->turns) ? NULL : fresh_oldest(all);
		if (first)
			wake_at(all, first->deadline_ns);
		if (oldest)
			wake_at(all, oldest->dialled_ns + FRESH_NS);
	}
	tunnel_rearm(all);
}

static void failed(struct tunnel *tunnel, const struct ikev2_event *event)
{
	const char *text = ikev2_reason_text(event->reason);

	tunnel->reason = event->reason;
	snprintf(tunnel->detail, sizeof(tunnel->detail), "%s", event->detail ? event->detail : "");
	log_warn(TOPIC, "%s (%u)%s%s tunnel=\"%s\"", text, ikev2_reason_azure(event->reason),
		 tunnel->detail[0] ? ": " : "", tunnel->detail, tunnel->name);
	if (tunnel_name_next(tunnel)) {
		dial_ended(tunnel);
		tunnel_status_changed(tunnel);
		dial_soon(tunnel, 0);
		return;
	}
	state_set(tunnel, TUNNEL_NOT_CONNECTED, text);
	retry(tunnel);
}

void dial_no_name(struct tunnel *tunnel, const char *why)
{
	tunnel->reason = IKEV2_REASON_NAME;
	snprintf(tunnel->detail, sizeof(tunnel->detail), "%s: %s", tunnel->plan->fqdn, why);
	if (tunnel->state == TUNNEL_NOT_CONNECTED)
		tunnel_status_changed(tunnel);
	state_set(tunnel, TUNNEL_NOT_CONNECTED, ikev2_reason_text(tunnel->reason));
	retry(tunnel);
}

/* The peer dialled and we did not take it. */
static void refused(struct tunnel *tunnel, const struct ikev2_event *event)
{
	tunnel->reason = event->reason;
	snprintf(tunnel->detail, sizeof(tunnel->detail), "%s", event->detail ? event->detail : "");
	log_warn(TOPIC, "the peer's dial was refused: %s (%u)%s%s tunnel=\"%s\"",
		 ikev2_reason_text(event->reason), ikev2_reason_azure(event->reason),
		 tunnel->detail[0] ? ": " : "", tunnel->detail, tunnel->name);
	tunnel_status_changed(tunnel);
}

static void went_down(struct tunnel *tunnel, const struct ikev2_event *event)
{
	if (tunnel->ike != event->ike)
		return; /* a redundant or replaced one */
	/*
	 * Both sides may have dialled: the IKE SA that was kept need not be the last that came up.
	 * Whoever deletes the redundant one: the other side hears a plain Delete.
	 */
	tunnel->ike = ikev2_established(tunnel->all->engine, tunnel->connection, event->ike);
	if (tunnel->ike)
		return;
	if (!tunnel->by_name)
		tunnel_remote_set(tunnel, &tunnel->plan->remote);
	begin_anew(tunnel);
	tunnel->brief_ikes = was_brief(tunnel, event, tunnel->up_ns) ? tunnel->brief_ikes + 1 : 0;
	if (event->reason == IKEV2_REASON_SHUTDOWN)
		return;
	tunnel->reason = event->reason;
	snprintf(tunnel->detail, sizeof(tunnel->detail), "%s", event->detail ? event->detail : "");
	state_set(tunnel, TUNNEL_NOT_CONNECTED, ikev2_reason_text(event->reason));
	if (tunnel->brief_ikes < 2) {
		dial_wanted(tunnel);
	} else {
		tunnel->failures = tunnel->brief_ikes - 2;
		retry(tunnel);
	}
}

static void came_up(struct tunnel *tunnel, const struct ikev2_event *event)
{
	tunnel->ike = event->ike;
	tunnel->up_ns = now(tunnel->all);
	dial_ended(tunnel);
	tunnel_remote_set(tunnel, &event->path->remote);
	heap_del(&tunnel->all->dials, &tunnel->dial_at);
	log_info(TOPIC, "IKE SA up tunnel=\"%s\" role=%s", tunnel->name,
		 event->initiator ? "initiator" : "responder");
	/* The one before may have been suspect, and elsewhere: of this one the peer was heard. */
	tunnel->evacuated = !net_addr_equal(&event->path->local, &tunnel->plan->local);
	/* A peer that dialled can take nothing before it has read our answer: flows that left do
	 * not return before it has proved that, and those that are there stay on the old SA. */
	if (!event->initiator)
		tunnel_prove(tunnel);
	else if (!tunnel->evacuated)
		dial_suspect(tunnel, false);
}

static void child_came_up(struct tunnel *tunnel, const struct ikev2_event *event)
{
	if (event->entry < tunnel->child_count)
		tunnel->children[event->entry].up_ns = now(tunnel->all);
	tunnel->failures = 0;
	tunnel->child_failures = 0;
	tunnel->established_wall_ms = clock_wall_ms();
	tunnel->remove_adopted = true;
	tunnel->reason = IKEV2_REASON_NONE;
	tunnel->detail[0] = '\0';
	state_set(tunnel, TUNNEL_CONNECTED, "child SA up");
}

/* The IKE SA is up: a peer that refuses is asked for its children less and less often. */
static void child_failed(struct tunnel *tunnel, const struct ikev2_event *event)
{
	tunnel->reason = event->reason;
	snprintf(tunnel->detail, sizeof(tunnel->detail), "%s", event->detail ? event->detail : "");
	log_warn(TOPIC, "child SA not made: %s (%u) tunnel=\"%s\"",
		 ikev2_reason_text(event->reason), ikev2_reason_azure(event->reason), tunnel->name);
	tunnel_status_changed(tunnel);
	if (event->entry < tunnel->child_count)
		tunnel->children[event->entry].refused = true;
	if (!tunnel->dial_at.deadline_ns) /* all that fail together count once */
		try_later(tunnel, &tunnel->child_failures);
}

/* True when it is asked for later, as one that was refused: those of one time count once. */
static bool child_waits(struct tunnel *tunnel, const struct ikev2_event *event)
{
	struct tunnel_child *child;
	uint32_t failures;

	if (event->entry >= tunnel->child_count)
		return false;
	child = &tunnel->children[event->entry];
	if (child->outbound_sa)
		return false;
	if (!was_brief(tunnel, event, child->up_ns)) {
		tunnel->brief_children = 0;
		return false;
	}
	if (!tunnel->brief_children || child->up_ns >= tunnel->brief_child_ns) {
		tunnel->brief_child_ns = now(tunnel->all);
		tunnel->brief_children++;
	}
	if (tunnel->brief_children < 2)
		return false;
	child->refused = true;
	failures = tunnel->brief_children - 2;
	if (!tunnel->dial_at.deadline_ns)
		try_later(tunnel, &failures);
	return true;
}

static void child_went_down(struct tunnel *tunnel, const struct ikev2_event *event)
{
	bool waits = child_waits(tunnel, event);

	for (uint32_t i = 0; i < tunnel->slot_count; i++)
		if (tunnel->children[i].outbound_sa)
			return;
	if (!tunnel->ike)
		return;
	state_set(tunnel, TUNNEL_CONNECTING, "no child SA left");
	if (!waits)
		dial_wanted(tunnel);
}

void dial_suspect(struct tunnel *tunnel, bool suspect)
{
	if (tunnel->suspect == suspect)
		return;
	tunnel->suspect = suspect;
	tunnel->suspect_since_ns = now(tunnel->all);
	if (!suspect)
		tunnel->home_tries = 0;
	if (!suspect && !tunnel->dialling)
		fresh_no_more(tunnel); /* it has come home */
	log_info(TOPIC, "%s tunnel=\"%s\"", suspect ? "suspect: the peer does not answer" : "alive",
		 tunnel->name);
	dial_flows_update(tunnel);
	tunnel_status_changed(tunnel);
	dial_place(tunnel); /* evacuation is a command: not from inside a hook */
}

static void on_event(void *context, const struct ikev2_event *event)
{
	struct tunnel *tunnel = event->connection ? peer_of(event->connection)->tunnel : NULL;

	if (!tunnel)
		return;
	tunnel_remember(tunnel);
	switch (event->kind) {
	case IKEV2_EVENT_UP:
		came_up(tunnel, event);
		break;
	case IKEV2_EVENT_DOWN:
		went_down(tunnel, event);
		break;
	case IKEV2_EVENT_FAILED:
		if (tunnel->ike)
			break;
		if (event->initiator)
			failed(tunnel, event);
		else
			refused(tunnel, event);
		break;
	case IKEV2_EVENT_REKEYED:
		if (tunnel->ike == event->old_ike) {
			tunnel->ike = event->ike;
			drain_renewed(tunnel);
		}
		break;
	case IKEV2_EVENT_CHILD_UP:
		child_came_up(tunnel, event);
		break;
	case IKEV2_EVENT_CHILD_DOWN:
		child_went_down(tunnel, event);
		break;
	case IKEV2_EVENT_CHILD_FAILED:
		child_failed(tunnel, event);
		break;
	case IKEV2_EVENT_SUSPECT:
		dial_suspect(tunnel, true);
		break;
	case IKEV2_EVENT_ALIVE: /* at a sibling's address it says nothing of this path */
		if (!tunnel->evacuated)
			dial_suspect(tunnel, false);
		break;
	case IKEV2_EVENT_REAUTH:
		dial_wanted(tunnel);
		break;
	default:
		break;
	}
}

/* It leaves when the IKE SA is kept: tunnel_rearm(). Keeping it costs more than all the rest. */
static void on_send(void *context, const struct ikev2_datagram *datagram,
		    const struct ikev2_connection *connection)
{
	struct tunnels *all = context;
	struct tunnel *tunnel = connection ? peer_of(connection)->tunnel : NULL;

	if (tunnel && !datagram->again)
		tunnel_remember(tunnel);
	if (outbox_add(&all->outbox, tunnel, datagram) < 0)
		log_error(TOPIC, "out of memory: an IKE message is not sent");
}

static void on_lookup(void *context, uint64_t token, const struct ikev2_path *path)
{
	struct tunnels *all = context;
	struct ikev2_connection *found[128]; /* a gateway has 64 roaming ones */
	size_t count = lookup_find(all, path, found, sizeof(found) / sizeof(found[0]));

	ikev2_lookup_done(all->engine, token, found, count);
}

static void on_psk(void *context, uint64_t token, const struct ikev2_connection *connection)
{
	struct tunnels *all = context;

	ikev2_psk_done(all->engine, token, secret_span(&peer_of(connection)->psk));
}

/* With one identity on both addresses the peer would throw the sibling out. */
static bool may_initial_contact(void *context, const struct ikev2_connection *connection,
				const struct ikev2_path *path)
{
	const struct peer *peer = peer_of(connection);
	const struct tunnel *tunnel = peer->tunnel;

	if (!tunnel)
		return false;
	/* What a former control left at the peer carries until its successor does. */
	for (uint32_t i = 0; i < tunnel->slot_count; i++)
		if (tunnel->children[i].outbound_sa)
			return false;
	for (uint32_t i = 0; i < tunnel->site->tunnel_count; i++) {
		const struct tunnel *sibling = tunnel->all->items[tunnel->site->first_tunnel + i];

		if (sibling != tunnel && (sibling->ike || sibling->dialling) &&
		    ike_id_equal(&peer->local_id, sibling->peer->local_id.type,
				 ike_id_span(&sibling->peer->local_id)))
			return false;
	}
	return true;
}

static void on_trace(void *context, uint64_t ike, const struct ikev2_connection *connection,
		     const char *line)
{
	struct tunnels *all = context;
	const char *name = connection ? ikev2_connection_config(connection)->name : "-";

	log_debug("ike", "SESSION_ID=%016llx tunnel=\"%s\" %s", (unsigned long long)ike, name,
		  line);
	if (all->hooks.trace)
		all->hooks.trace(all->hooks.context, name, line);
}

static void on_key_log(void *context, const char *line)
{
	struct tunnels *all = context;

	all->hooks.key_log(all->hooks.context, line);
}

void dial_hooks_set(struct ikev2_hooks *hooks, bool key_log)
{
	hooks->send = on_send;
	hooks->event = on_event;
	hooks->lookup = on_lookup;
	hooks->psk = on_psk;
	hooks->may_initial_contact = may_initial_contact;
	hooks->trace = on_trace;
	if (key_log)
		hooks->key_log = on_key_log;
}
