#include "control/route/stale.h"

#include "base/clock.h"
#include "control/route/hold.h"

#include <errno.h>
#include <stdlib.h>

/* As BGP's graceful restart has it by default, and time for FRR's daemons to hear one another. */
#define RESTART_NS (120 * CLOCK_NS_PER_S)
#define SETTLE_NS (10 * CLOCK_NS_PER_S)
/* Of BFD: until BGP's sessions are up again and have said all, or until they will not be. */
#define HEAL_NS (8 * CLOCK_NS_PER_S)
#define SUSPECT_NS (10 * CLOCK_NS_PER_S)

struct kept {
	struct stale *all;
	enum stale_part part;
	struct hold *hold;
};

struct stale {
	struct stale_hooks hooks;
	struct kept parts[STALE_PARTS];
	struct hold *suspects;
};

static bool restarts(void *context)
{
	const struct kept *kept = context;
	const struct stale_hooks *hooks = &kept->all->hooks;

	return hooks->restarting && hooks->restarting(hooks->context, kept->part);
}

static bool suspects_last(void *context)
{
	const struct stale *stale = context;

	return stale->hooks.suspect && stale->hooks.suspect(stale->hooks.context, NULL, 0);
}

static void part_over(void *context)
{
	const struct kept *kept = context;

	kept->all->hooks.over(kept->all->hooks.context);
}

static void suspects_over(void *context)
{
	const struct stale *stale = context;

	stale->hooks.over(stale->hooks.context);
}

int stale_new(struct stale **stale, struct event_loop *loop, const struct stale_hooks *hooks)
{
	struct stale *s = calloc(1, sizeof(*s));
	struct hold_hooks daemon = { .restarting = restarts,
				     .over = part_over,
				     .settle_ns = SETTLE_NS,
				     .limit_ns = RESTART_NS,
				     .who = "a routing daemon" };
	const struct hold_hooks bfd = { .context = s,
					.restarting = suspects_last,
					.over = suspects_over,
					.settle_ns = HEAL_NS,
					.limit_ns = SUSPECT_NS,
					.who = "BFD in all tunnels of a connection" };
	int rc;

	if (!s)
		return -ENOMEM;
	s->hooks = *hooks;
	rc = hold_new(&s->suspects, loop, &bfd);
	for (int part = 0; part < STALE_PARTS && rc == 0; part++) {
		s->parts[part] = (struct kept){ .all = s, .part = (enum stale_part)part };
		daemon.context = &s->parts[part];
		rc = hold_new(&s->parts[part].hold, loop, &daemon);
	}
	if (rc < 0)
		stale_free(s);
	else
		*stale = s;
	return rc;
}

void stale_free(struct stale *stale)
{
	if (!stale)
		return;
	hold_free(stale->suspects);
	for (int part = 0; part < STALE_PARTS; part++)
		hold_free(stale->parts[part].hold);
	free(stale);
}

bool stale_keeps(struct stale *stale, enum stale_part part, const struct net_addr *gateways,
		 uint32_t count)
{
	const struct stale_hooks *hooks = &stale->hooks;

	if (hold_keeps(stale->parts[part].hold))
		return true;
	if (!count || !hooks->suspect || !hooks->suspect(hooks->context, gateways, count))
		return false;
	hold_begin(stale->suspects);
	return true;
}

bool stale_is_on(const struct stale *stale, enum stale_part part)
{
	return hold_is_on(stale->parts[part].hold) ||
	       (part != STALE_CIRCUIT && hold_is_on(stale->suspects));
}
