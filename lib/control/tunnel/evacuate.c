/*
 * DOC: evacuation
 *
 * Moving our flows off a dead tunnel is one message to the data plane; the peer's flows follow only
 * when the peer knows. MOBIKE (RFC 4555) tells it: the dead tunnel's IKE SA announces a living
 * sibling's address as its own, over that address, and the peer's packets come there within a round
 * trip. The tunnel carries nothing of ours meanwhile. It goes home when its link is back; after a
 * silent path it tries after 5 s, then ever later, because only going there shows whether the path
 * is good. A peer without MOBIKE finds out by its own liveness check.
 */
#include "control/tunnel/evacuate.h"

#include "base/log.h"

#include <string.h>

#define TOPIC "tunnel"
/* An answer at the sibling's address says nothing of home: only going there does. */
#define HOME_FIRST_NS (5 * CLOCK_NS_PER_S)
#define HOME_DOUBLINGS 3

const struct tunnel *evacuate_sibling(const struct tunnel *tunnel)
{
	for (uint32_t i = 0; i < tunnel->site->tunnel_count; i++) {
		const struct tunnel *sibling = tunnel->all->items[tunnel->site->first_tunnel + i];

		if (sibling != tunnel && tunnel_usable(sibling) &&
		    !net_addr_equal(&sibling->plan->local, &tunnel->plan->local))
			return sibling;
	}
	return NULL;
}

static int move(struct tunnel *tunnel, const struct net_addr *local)
{
	struct ikev2_info info;
	struct ikev2_path path;

	if (ikev2_info(tunnel->all->engine, tunnel->ike, &info) < 0 || !info.mobike)
		return -1;
	path = info.path;
	path.local = *local;
	return ikev2_move(tunnel->all->engine, tunnel->ike, &path,
			  clock_now_ns(tunnel->all->clock));
}

void evacuate(struct tunnel *tunnel)
{
	const struct tunnel *sibling = evacuate_sibling(tunnel);
	char text[NET_ADDR_TEXT];

	if (!tunnel->ike || tunnel->evacuated || !sibling ||
	    move(tunnel, &sibling->plan->local) < 0)
		return;
	tunnel->evacuated = true;
	tunnel->home_at_ns =
		clock_now_ns(tunnel->all->clock) +
		(HOME_FIRST_NS << (tunnel->home_tries < HOME_DOUBLINGS ? tunnel->home_tries
								       : HOME_DOUBLINGS));
	tunnel->home_tries++;
	log_info(TOPIC, "the peer is told to use %s meanwhile tunnel=\"%s\"",
		 net_addr_text(text, &sibling->plan->local), tunnel->name);
}

void evacuate_return(struct tunnel *tunnel)
{
	if (!tunnel->evacuated)
		return;
	tunnel->evacuated = false;
	if (tunnel->ike && move(tunnel, &tunnel->plan->local) < 0)
		log_warn(TOPIC, "the IKE SA cannot go home tunnel=\"%s\"", tunnel->name);
}
