/*
 * Packets that wait for an SA or a neighbour: bounded, in order, given up after a time. They are
 * tried again when the tables changed, before what came since, so that a flow keeps its order; and
 * PATH_HOLD_LOOKS times while one waits, to ask again and to give up. So a burst costs the same
 * however many wait.
 */
#include "dataplane/nodes/path_fragment.h"
#include "dataplane/nodes/path_watch.h"

#define PATH_HOLD_LOOKS 64

void path_hold(struct path *path, struct path_packet *p, enum contract_drop why)
{
	/* who scans a network for neighbours must not shut out those who wait for an SA */
	uint16_t *share = &path->held_for[why == CONTRACT_DROP_NEIGHBOUR_NONE];

	if (p->held_until && (int64_t)(path->now_tsc - p->held_until) >= 0) {
		path_drop(path, p, why);
		return;
	}
	if (*share == PATH_HELD / 2) {
		path_drop(path, p,
			  why == CONTRACT_DROP_TUNNEL_HELD_LATE ? CONTRACT_DROP_TUNNEL_HELD_FULL
								: why);
		return;
	}
	if (!p->held_until)
		p->held_until = path->now_tsc + path->hold_tsc;
	if (p->from < PATH_FROM_TUNNEL)
		p->charged = 0;
	if (unlikely(path->watch))
		path_watch_hold(path, p, why);
	p->from = PATH_FROM_MIRROR; /* TTL and source were dealt with */
	path->held[path->held_count++] = *p;
	(*share)++;
}

void path_await_neighbour(struct path *path, struct path_packet *p, uint32_t port,
			  const struct net_addr *addr)
{
	struct path_event event = { .type = CONTRACT_NEIGHBOUR_WANTED, .domain = p->domain };

	if (path_event_allowed(path)) {
		event.neighbour.port = port;
		event.neighbour.addr = *addr;
		path_event(path, &event);
	}
	path_hold(path, p, CONTRACT_DROP_NEIGHBOUR_NONE);
}

bool path_holds(const struct path *path)
{
	return path->held_count != 0;
}

static bool is_due(struct path *path)
{
	uint64_t changes = __atomic_load_n(&path->fib->changes, __ATOMIC_ACQUIRE) +
			   __atomic_load_n(&path->sas->changes, __ATOMIC_ACQUIRE);

	if (changes == path->held_changes &&
	    path->now_tsc - path->held_tried < path->hold_tsc / PATH_HOLD_LOOKS)
		return false;
	path->held_changes = changes;
	path->held_tried = path->now_tsc;
	return true;
}

/* Through route and tunnel again, oldest first; what still has to wait comes back in order. */
static void retry_all(struct path *path)
{
	uint32_t n = path->held_count;
	struct path_packet *held = path->retry;

	memcpy(held, path->held, n * sizeof(held[0]));
	path->held_count = 0;
	memset(path->held_for, 0, sizeof(path->held_for));
	for (uint32_t from = 0; from < n; from += PATH_VECTOR) {
		uint32_t count = n - from < PATH_VECTOR ? n - from : PATH_VECTOR;

		path_vector_begin(path, false);
		for (uint32_t i = 0; i < count; i++) {
			struct path_packet *p = &path->packets[i];

			*p = held[from + i];
			if (p->given)
				path_follow(path, p, p->nexthop);
			else
				path_add(&path->forward, p);
		}
		path_route(path);
		path_step_end(path, PATH_STEP_ROUTE, path->forward.n);
		if (path->tunnelled.n)
			path_tunnel(path);
		if (path->made_count)
			path_made_run(path);
	}
}

void path_retry_held(struct path *path)
{
	if (is_due(path))
		retry_all(path);
}
