/*
 * DOC: one IKE SA per tunnel
 *
 * INITIAL_CONTACT (RFC 7296 section 2.4) removes only what the peer cannot have any more: IKE SAs
 * of the same connection, same local address, same remote endpoint and identity, that were up
 * before the new one's first message came. It is sent only by a side that has no IKE SA of this
 * kind up, so that a double dial never throws both away.
 *
 * Both sides dial at once: of two IKE SAs of one connection between the same two ends, one dialled
 * by each side, the one whose IKE_SA_INIT has the lowest of the four nonces is redundant. Both
 * sides know all four. Only the side that dialled the redundant one deletes it, and only when the
 * other one has a child that carries: nothing is dialled again, nothing is down in between.
 */
#include "control/ikev2/child.h"
#include "control/ikev2/handlers.h"

#define CONVERGE_NS IKEV2_NS_PER_S

bool ikev2_establish_same_end(const struct ikev2_sa *a, const struct ikev2_sa *b)
{
	return net_addr_equal(&a->path.local, &b->path.local) &&
	       ike_id_equal(&a->remote_id, b->remote_id.type, ike_id_span(&b->remote_id)) &&
	       (net_addr_equal(&a->path.remote, &b->path.remote) || a->nat_remote);
}

static void start_anew(struct ikev2_sa *sa)
{
	struct ikev2_sa *other = ikev2_sa_peer(sa, NULL);

	while (other) {
		struct ikev2_sa *next = ikev2_sa_peer(sa, other);

		if (other->state >= IKEV2_STATE_ESTABLISHED && other->state != IKEV2_STATE_GONE &&
		    ikev2_establish_same_end(sa, other) &&
		    other->established_ns < sa->setup->started_ns)
			ikev2_sa_end(other, IKEV2_REASON_INITIAL_CONTACT, NULL);
		other = next;
	}
}

static void queue_children(struct ikev2_sa *sa)
{
	const struct ikev2_config *config = ikev2_sa_config(sa);

	for (uint16_t i = 0; i < config->child_count; i++) {
		struct ikev2_job *job;

		if (config->children[i].on_demand || (int32_t)i == sa->setup->first_entry)
			continue;
		job = ikev2_job_add(sa, IKEV2_JOB_CHILD_NEW);
		if (job)
			job->entry = i;
		else
			ikev2_child_failed(sa, i, IKEV2_REASON_RESOURCES, NULL);
	}
}

void ikev2_establish(struct ikev2_sa *sa, bool initial_contact)
{
	if (initial_contact)
		start_anew(sa);
	if (!sa->initiator)
		ikev2_room_make(sa);
	ikev2_sa_state(sa, IKEV2_STATE_ESTABLISHED, "authenticated");
	ikev2_init_close(sa);
	ikev2_sa_lifetimes(sa);
	sa->line_low = sa->low;
	sa->up = true;
	sa->engine->counters.established++;
	if (sa->initiator)
		queue_children(sa);
	ikev2_sa_event(sa, IKEV2_EVENT_UP, IKEV2_REASON_NONE, NULL);
}

static bool carries(const struct ikev2_sa *sa)
{
	const struct list *at;

	if (sa->state != IKEV2_STATE_ESTABLISHED || sa->redundant)
		return false;
	for (at = sa->children.next; at != &sa->children; at = at->next) {
		const struct ikev2_child *child = list_entry(at, struct ikev2_child, link);

		if (child->sends && child->installed)
			return true;
	}
	return false;
}

static void delete_for(struct ikev2_sa *sa, enum ikev2_reason reason)
{
	sa->redundant_ns = 0;
	if (sa->state != IKEV2_STATE_ESTABLISHED || ikev2_job_find(sa, IKEV2_JOB_DELETE, 0))
		return;
	sa->reason = (uint8_t)reason;
	if (!ikev2_job_add(sa, IKEV2_JOB_DELETE))
		sa->redundant_ns = sa->engine->now_ns + CONVERGE_NS;
	ikev2_exchange_kick(sa);
	ikev2_timer_schedule(sa);
}

/* A double dial: the redundant one of the two, or NULL when they are none. */
static struct ikev2_sa *redundant_of(struct ikev2_sa *a, struct ikev2_sa *b)
{
	if (a->dialled == b->dialled || !ikev2_establish_same_end(a, b) || a->reauthenticates ||
	    b->reauthenticates)
		return NULL;
	return ikev2_low_less(&a->line_low, &b->line_low) ? a : b;
}

void ikev2_converge(struct ikev2_sa *sa)
{
	struct ikev2_sa *old = ikev2_sa_find(sa->engine, sa->reauthenticates);
	struct ikev2_sa *other = NULL;
	uint64_t now = sa->engine->now_ns;
	bool due = sa->redundant_ns && sa->redundant_ns <= now;

	if (sa->state != IKEV2_STATE_ESTABLISHED || sa->redundant)
		return;
	if (due)
		sa->redundant_ns = 0;
	if (old && carries(sa)) {
		sa->reauthenticates = 0;
		delete_for(old, IKEV2_REASON_REKEYED);
	}
	while ((other = ikev2_sa_peer(sa, other))) {
		struct ikev2_sa *loser;

		if (other->state != IKEV2_STATE_ESTABLISHED || other->redundant)
			continue;
		loser = redundant_of(sa, other);
		if (!loser || !loser->dialled)
			continue;
		if (loser == sa && due && carries(other)) {
			delete_for(sa, IKEV2_REASON_REDUNDANT);
			return;
		}
		if (!loser->redundant_ns) {
			loser->redundant_ns = now + CONVERGE_NS;
			ikev2_timer_schedule(loser);
		}
	}
}
