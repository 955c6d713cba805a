/*
 * DOC: what one peer may have
 *
 * SPIs, SAs of the data plane and the pool of secrets are shared by all connections. A peer that is
 * authenticated and makes child after child, or IKE SA after IKE SA, by a fault or on purpose, gets
 * the share of its connection and no more: all others still have to rekey.
 *
 * A further child is refused with NO_ADDITIONAL_SAS (RFC 7296 section 1.3); what only takes late
 * packets goes first. A further IKE SA is not refused, because who comes back has lost what he had:
 * the oldest goes.
 */
#include "control/ikev2/child.h"
#include "control/ikev2/handlers.h"

/* All IKE SAs of the connection; NULL starts and ends. */
static struct ikev2_sa *next_of(struct ikev2_sa *sa, const struct ikev2_sa *after)
{
	return after ? ikev2_sa_peer(sa, after == sa ? NULL : after) : sa;
}

static size_t length_of(const struct list *list)
{
	size_t n = 0;

	for (const struct list *at = list->next; at != list; at = at->next)
		n++;
	return n;
}

static size_t children_of(struct ikev2_sa *sa)
{
	const struct ikev2_sa *at = NULL;
	size_t n = 0;

	while ((at = next_of(sa, at)))
		n += length_of(&at->children);
	return n;
}

static void drop_late(struct ikev2_sa *sa)
{
	struct ikev2_sa *of = NULL;
	struct list *at;
	struct list *next;

	while ((of = next_of(sa, of))) {
		list_for_each_safe (at, next, &of->children) {
			struct ikev2_child *child = list_entry(at, struct ikev2_child, link);

			if (child->state == IKEV2_CHILD_LINGERING)
				ikev2_child_remove(child, child->reason, NULL);
		}
	}
}

bool ikev2_room_child(struct ikev2_sa *sa, bool rekey)
{
	size_t max = (size_t)ikev2_sa_config(sa)->children_max * (rekey ? 2 : 1);

	if (!max || children_of(sa) < max)
		return true;
	drop_late(sa);
	if (children_of(sa) < max)
		return true;
	ikev2_trace_local(sa, "refused: %s", ikev2_reason_text(IKEV2_REASON_CROWDED));
	return false;
}

static size_t count_up(const struct ikev2_sa *sa, struct ikev2_sa **oldest)
{
	struct ikev2_sa *at = NULL;
	size_t n = 0;

	*oldest = NULL;
	while ((at = ikev2_sa_peer(sa, at))) {
		if (at->state < IKEV2_STATE_ESTABLISHED || at->state == IKEV2_STATE_GONE)
			continue;
		n++;
		if (!*oldest || at->established_ns < (*oldest)->established_ns)
			*oldest = at;
	}
	return n;
}

bool ikev2_room_rekey(const struct ikev2_sa *sa)
{
	size_t max = (size_t)ikev2_sa_config(sa)->ike_max * 2;
	struct ikev2_sa *oldest;

	return !max || count_up(sa, &oldest) < max;
}

void ikev2_room_make(struct ikev2_sa *sa)
{
	size_t max = ikev2_sa_config(sa)->ike_max;
	struct ikev2_sa *oldest;

	while (max && count_up(sa, &oldest) >= max)
		ikev2_informational_close(oldest, IKEV2_REASON_CROWDED);
}
