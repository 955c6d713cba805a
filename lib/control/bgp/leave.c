#include "control/bgp/state.h"

#include "base/clock.h"
#include "base/log.h"

#include <stdio.h>

#define TOPIC "bgp"
/* A speaker that is busy or stopped keeps no change from being applied. */
#define ANSWER_NS (2 * CLOCK_NS_PER_S)
/* The kernel has the word when the speaker answers: its way through the tunnel. */
#define WORD_NS (100 * CLOCK_NS_PER_MS)

void bgp_leave_over(void *context)
{
	struct bgp *bgp = context;
	bgp_left left = bgp->leaving.left;

	bgp->leaving.left = NULL;
	bgp->leaving.asked = 0;
	if (left)
		left(bgp->leaving.context);
}

static void left_answered(void *context, int status, const char *text, size_t n)
{
	struct bgp *bgp = context;

	if (bgp->leaving.asked && --bgp->leaving.asked == 0)
		event_timer_set(bgp->leaving.timer, WORD_NS);
}

/*
 * Shut down, not removed: that is a hard reset (RFC 8538), after which a peer keeps nothing. The
 * neighbour goes when what is wanted is compared with what runs.
 */
static void shut_down(void *context, const struct tunnel_status *tunnel)
{
	struct bgp *bgp = context;
	const struct plan_session *session = &tunnel->plan->session;
	struct vty *vty = bgp->speakers[tunnel->instance].bgpd.vty;
	char line[NET_ADDR_TEXT + 32];
	char peer[NET_ADDR_TEXT];

	if (tunnel->plan->gateway != bgp->gateway || !vty_is_up(vty))
		return;
	log_info(TOPIC, "the session ends peer=%s tunnel=\"%s\"",
		 net_addr_text(peer, &session->peer), tunnel->name);
	bgp->leaving.asked++;
	vty_send(vty, "configure terminal", NULL, NULL);
	snprintf(line, sizeof(line), "router bgp %u", session->as);
	vty_send(vty, line, NULL, NULL);
	snprintf(line, sizeof(line), "neighbor %s shutdown", peer);
	vty_send(vty, line, NULL, NULL);
	vty_send(vty, "end", left_answered, bgp);
}

bool bgp_leave(struct bgp *bgp, const struct config *to, bgp_left left, void *context)
{
	if (!bgp->gateway || !bgp->count)
		return false;
	tunnels_each_ending(bgp->tunnels, to, shut_down, bgp);
	if (!bgp->leaving.asked)
		return false;
	bgp->leaving.left = left;
	bgp->leaving.context = context;
	event_timer_set(bgp->leaving.timer, ANSWER_NS);
	return true;
}
