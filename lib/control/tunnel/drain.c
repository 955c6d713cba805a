/*
 * DOC: planned switchover
 *
 * The new path comes first: our flows go to the siblings by a change of groups, and when every
 * worker has it and nothing more leaves on the tunnel, the peer is told by MOBIKE to use a
 * sibling's address. Nobody uses the address then. A peer that cannot move its SAs makes them anew
 * by itself when it hears of the address (strongSwan's ESP in user space), and a rekey of ours that
 * crosses that one has left it without a child: so it is asked once more when it has answered,
 * because what it makes of the address it has begun before it takes the next message; and then
 * waited for until nothing changes any more. Then the SAs are made anew, and the old ones go when
 * the new ones carry. At the end the IKE SA goes home, and flows return when the peer has answered
 * there. A peer without MOBIKE stays with its half where it was, which a rekey does not disturb.
 *
 * Each step waits for its answer and not for a time: workers, control or the peer may stand still
 * as long as they like. Whatever does not end in GIVE_UP is left as it is, and flows return.
 */
#include "control/tunnel/drain.h"

#include "base/log.h"
#include "control/tunnel/dial.h"
#include "control/tunnel/evacuate.h"
#include "control/tunnel/watch.h"

#include <stdlib.h>

#define TOPIC "tunnel"
#define GIVE_UP_NS (10 * CLOCK_NS_PER_S)

enum stage {
	STAYS,
	LEAVES,	 /* our flows are told to go */
	MOVES,	 /* the peer is told */
	RENEWS,	 /* new SAs are being made */
	RETURNS, /* they are there */
};

bool drain_children_rekey(const struct tunnel *tunnel)
{
	struct ikev2_engine *engine = tunnel->all->engine;
	struct ikev2_child_info info;
	uint32_t child = 0;
	bool any = false;

	while ((child = ikev2_child_next(engine, tunnel->ike, child)))
		if (ikev2_child_info(engine, child, &info) == 0 && info.state == IKEV2_CHILD_UP &&
		    info.sends)
			any |= ikev2_child_rekey(engine, child, clock_now_ns(tunnel->all->clock)) ==
			       0;
	return any;
}

bool drain_renew(struct tunnel *tunnel)
{
	return !tunnel_path_down(tunnel) && drain_children_rekey(tunnel) &&
	       ikev2_rekey(tunnel->all->engine, tunnel->ike, clock_now_ns(tunnel->all->clock)) == 0;
}

/* A question to the data plane, behind the change of groups. */
struct leaving {
	struct tunnels *all;
	uint32_t tunnel;
	uint64_t since_ns; /* of the drain that asks */
};

/* NULL: the data plane is lost, and perhaps `all` as well. The drain gives up by itself. */
static void on_applied(void *context, const struct contract_answer *answer)
{
	struct leaving *leaving = context;
	struct tunnel *tunnel = answer ? map_get_u32(&leaving->all->by_id, leaving->tunnel) : NULL;

	if (tunnel && tunnel->drain == LEAVES && tunnel->drain_since_ns == leaving->since_ns)
		tunnel->drain_applied = true;
	free(leaving);
}

static void applied_ask(const struct tunnel *tunnel)
{
	struct leaving *leaving = malloc(sizeof(*leaving));

	if (leaving)
		*leaving = (struct leaving){ tunnel->all, tunnel->id, tunnel->drain_since_ns };
	if (leaving &&
	    requests_probe(desired_requests(tunnel->all->desired), on_applied, leaving) == 0)
		return;
	log_warn(TOPIC, "the data plane cannot be asked tunnel=\"%s\"", tunnel->name);
	free(leaving);
}

bool drain_start(struct tunnel *tunnel)
{
	if (tunnel->drain || !tunnel_usable(tunnel) || !evacuate_sibling(tunnel))
		return tunnel->drain != STAYS;
	tunnel->drain = LEAVES;
	tunnel->drain_since_ns = clock_now_ns(tunnel->all->clock);
	tunnel->drain_sent = UINT64_MAX;
	tunnel->drain_applied = false;
	dial_flows_update(tunnel);
	applied_ask(tunnel);
	return true;
}

static void flows_return(struct tunnel *tunnel, uint64_t now_ns, const char *story)
{
	log_info(TOPIC, "%s, flows return tunnel=\"%s\"", story, tunnel->name);
	tunnel->drain = STAYS;
	if (!tunnel->evacuated) {
		dial_flows_update(tunnel);
		return;
	}
	/* As after a path that was silent: not before IKE has answered at home. */
	tunnel->suspect = true;
	watch_return(tunnel, now_ns);
}

/* The children, 0 while one of them is being made, replaced or deleted. */
static uint64_t settled(const struct tunnel *tunnel)
{
	struct ikev2_engine *engine = tunnel->all->engine;
	struct ikev2_child_info info;
	uint64_t children = 0;
	uint32_t child = 0;

	while ((child = ikev2_child_next(engine, tunnel->ike, child))) {
		if (ikev2_child_info(engine, child, &info) < 0 ||
		    info.state == IKEV2_CHILD_LINGERING)
			continue;
		if (info.state != IKEV2_CHILD_UP || !info.sends)
			return 0;
		children = children * 31 + child;
	}
	return children;
}

/* The peer owes us no answer, to the move and to the question behind it. */
static bool answered(struct tunnel *tunnel, uint64_t now_ns)
{
	struct ikev2_info info;

	if (ikev2_info(tunnel->all->engine, tunnel->ike, &info) < 0 || info.asks)
		return false;
	if (tunnel->drain_asked)
		return true;
	watch_probe(tunnel, now_ns);
	tunnel->drain_asked = true;
	return false;
}

/* Twice the same: what the peer makes of it has come to an end. */
static void moved(struct tunnel *tunnel, uint64_t now_ns)
{
	uint64_t children = answered(tunnel, now_ns) ? settled(tunnel) : 0;

	if (!children || children != tunnel->drain_sent) {
		tunnel->drain_sent = children;
		return;
	}
	tunnel->drain = RENEWS;
	if (!drain_renew(tunnel))
		flows_return(tunnel, now_ns, "the SAs cannot be made anew now");
}

static void left(struct tunnel *tunnel)
{
	uint64_t sent = watch_sent(tunnel);

	if (!tunnel->drain_applied || sent != tunnel->drain_sent) {
		tunnel->drain_sent = sent;
		return;
	}
	log_info(TOPIC, "drained, new SAs are made tunnel=\"%s\"", tunnel->name);
	tunnel->drain = MOVES;
	tunnel->drain_sent = 0;
	tunnel->drain_asked = false;
	evacuate(tunnel);
}

void drain_watch(struct tunnel *tunnel, uint64_t now_ns)
{
	if (!tunnel->drain)
		return;
	if (!tunnel->ike || tunnel->suspect || tunnel_path_down(tunnel)) {
		tunnel->drain = STAYS; /* something else happened to it */
		dial_flows_update(tunnel);
	} else if (tunnel->drain == RETURNS) {
		flows_return(tunnel, now_ns, "new SAs carry");
	} else if (now_ns - tunnel->drain_since_ns > GIVE_UP_NS) {
		flows_return(tunnel, now_ns, "no new SAs in time");
	} else if (tunnel->drain == LEAVES) {
		left(tunnel);
	} else if (tunnel->drain == MOVES) {
		moved(tunnel, now_ns);
	}
}

void drain_renewed(struct tunnel *tunnel)
{
	if (tunnel->drain == RENEWS)
		tunnel->drain = RETURNS;
}
