#include "control/route/hold.h"

#include "base/clock.h"
#include "base/log.h"

#include <errno.h>
#include <stdlib.h>

#define TOPIC "route"
#define LOOKS 20 /* in the time to settle */

struct hold {
	struct hold_hooks hooks;
	struct event_source *timer;
	uint64_t begun_ns; /* 0: it is not on */
	uint64_t back_ns;  /* 0: the daemon is away */
};

static void look(void *context)
{
	struct hold *h = context;
	uint64_t now = clock_now_ns(&clock_monotonic);

	if (h->hooks.restarting(h->hooks.context))
		h->back_ns = 0;
	else if (!h->back_ns)
		h->back_ns = now;
	if ((!h->back_ns || now - h->back_ns < h->hooks.settle_ns) &&
	    now - h->begun_ns < h->hooks.limit_ns) {
		event_timer_set(h->timer, h->hooks.settle_ns / LOOKS);
		return;
	}
	log_info(TOPIC, "%s %s: what is not in the kernel goes", h->hooks.who,
		 h->back_ns ? "is back" : "stays away");
	h->begun_ns = 0;
	h->hooks.over(h->hooks.context);
}

int hold_new(struct hold **hold, struct event_loop *loop, const struct hold_hooks *hooks)
{
	struct hold *h = calloc(1, sizeof(*h));
	int rc;

	if (!h)
		return -ENOMEM;
	h->hooks = *hooks;
	rc = event_timer_new(&h->timer, loop, look, h);
	if (rc < 0)
		free(h);
	else
		*hold = h;
	return rc;
}

void hold_free(struct hold *hold)
{
	if (!hold)
		return;
	event_source_free(hold->timer);
	free(hold);
}

void hold_begin(struct hold *h)
{
	if (h->begun_ns)
		return;
	log_warn(TOPIC, "%s is gone: its routes stay until it is back", h->hooks.who);
	h->begun_ns = clock_now_ns(&clock_monotonic);
	h->back_ns = 0;
	event_timer_set(h->timer, h->hooks.settle_ns / LOOKS);
}

bool hold_keeps(struct hold *h)
{
	if (!h->hooks.restarting(h->hooks.context))
		return false;
	hold_begin(h);
	return true;
}

bool hold_is_on(const struct hold *hold)
{
	return hold->begun_ns;
}
