#include "control/bgp/leftover.h"

#include "base/log.h"
#include "control/bgp/state.h"
#include "control/config/json_in.h"

#include <stdio.h>
#include <stdlib.h>

#define TOPIC "bgp"
#define AT_ONCE 64 /* questions */
#define ZEBRA_S 10 /* until it is done without zebra */
#define HEARD_S 3  /* zebra has heard from the kernel what is gone */
#define ROUNDS_MAX 3

static void leftover_ask(struct bgp_leftover *l);

static void leftover_rest(struct bgp_leftover *l)
{
	vty_free(l->zebra);
	l->zebra = NULL;
	free(l->list);
	l->list = NULL;
	l->count = l->rounds = 0;
	l->state = LEFTOVER_REST;
	leftover_set_rest(route_leftovers(l->bgp->route, l->part));
}

void bgp_leftover_begin(struct bgp_leftover *leftover)
{
	leftover_rest(leftover);
	leftover->state = LEFTOVER_WATCH;
	route_leftovers_begin(leftover->bgp->route, leftover->part);
}

void bgp_leftover_fini(struct bgp_leftover *leftover)
{
	vty_free(leftover->zebra);
	free(leftover->list);
}

bool bgp_leftover_is_known(const char *json, size_t n)
{
	struct config_report report;
	cJSON *root = NULL;
	bool known = true; /* who cannot answer is not contradicted */

	config_report_init(&report);
	if (config_json_parse(&root, json, n, &report) == 0)
		known = cJSON_GetArraySize(cJSON_GetObjectItemCaseSensitive(root, "paths")) > 0;
	config_json_free(root);
	config_report_fini(&report);
	return known;
}

static void leftover_told(const struct bgp_leftover *l)
{
	char text[NET_PREFIX_TEXT];

	log_warn(TOPIC,
		 "routes were left over by a daemon that no longer has them; they are taken out "
		 "daemon=%s count=%u first=%s table=%u",
		 l->daemon->name, l->lost, net_prefix_text(text, &l->list[0].prefix),
		 l->list[0].table);
}

/* All of a round is answered, or the daemon went away: then it is as if nobody had asked, and its
 * return begins anew. */
static void leftover_all_answered(struct bgp_leftover *l)
{
	if (l->failed) {
		l->state = LEFTOVER_WATCH;
		return;
	}
	if (!l->lost) {
		leftover_rest(l);
		return;
	}
	l->count = l->lost;
	leftover_told(l);
	l->ticks = 0;
	l->state = LEFTOVER_CLEAN;
}

static void leftover_answered(void *context, int status, const char *text, size_t n)
{
	struct bgp_leftover *l = context;
	struct leftover route = l->list[l->answered++];

	l->failed |= status != 0;
	if (!l->failed && !bgp_leftover_is_known(text, n))
		l->list[l->lost++] = route;
	if (l->answered == l->asked)
		leftover_ask(l);
}

/* The next of the list. A question that cannot be asked is answered at once. */
static void leftover_ask(struct bgp_leftover *l)
{
	uint32_t at = l->asked;
	char command[128];
	char text[NET_PREFIX_TEXT];

	if (l->failed || at == l->count) {
		leftover_all_answered(l);
		return;
	}
	l->asked = l->count - at < AT_ONCE ? l->count : at + AT_ONCE;
	for (uint32_t end = l->asked; at < end; at++) {
		const struct net_prefix *prefix = &l->list[at].prefix;

		snprintf(command, sizeof(command), "show bgp ipv%u unicast %s bestpath json",
			 prefix->addr.family, net_prefix_text(text, prefix));
		vty_send(l->daemon->vty, command, leftover_answered, l);
	}
}

static void leftover_ask_all(struct bgp_leftover *l)
{
	l->state = LEFTOVER_ASK;
	l->asked = l->answered = l->lost = 0;
	l->failed = false;
	leftover_ask(l);
}

/* The daemon has settled: what nothing has touched since it is back. */
static void leftover_collect(struct bgp_leftover *l)
{
	const struct leftover_set *all = route_leftovers(l->bgp->route, l->part);
	struct leftover route;
	size_t at = 0;

	free(l->list);
	l->list = NULL;
	l->count = 0;
	while (leftover_set_next(all, &at, &route))
		l->count++;
	l->list = calloc(l->count + 1, sizeof(*l->list));
	if (!l->list)
		return;
	at = 0;
	for (uint32_t i = 0; i < l->count; i++)
		(void)leftover_set_next(all, &at, &l->list[i]);
	leftover_ask_all(l);
}

static void leftover_take_out(struct bgp_leftover *l)
{
	for (uint32_t i = 0; i < l->count; i++)
		route_leftover_delete(l->bgp->route, &l->list[i]);
	l->ticks = 0;
	l->state = LEFTOVER_WAIT;
}

static void leftover_allowed(void *context, int status, const char *text, size_t n)
{
	leftover_take_out(context);
}

static void up_or_down(void *context)
{
}

static void zebra_connect(struct bgp_leftover *l)
{
	const struct vty_hooks hooks = { l, up_or_down, up_or_down };
	char path[384];

	snprintf(path, sizeof(path), "%s/%s/zebra.vty", l->bgp->directory, l->folder);
	if (!l->zebra && vty_new(&l->zebra, l->bgp->loop, path, &hooks) < 0)
		l->zebra = NULL;
	if (l->zebra)
		vty_try(l->zebra);
}

static void leftover_clean(struct bgp_leftover *l)
{
	zebra_connect(l);
	if (!l->zebra || !vty_is_up(l->zebra)) {
		if (++l->ticks >= ZEBRA_S)
			leftover_take_out(l);
		return;
	}
	l->state = LEFTOVER_ALLOW;
	vty_send(l->zebra, "configure terminal", NULL, NULL);
	vty_send(l->zebra, "allow-external-route-update", NULL, NULL);
	vty_send(l->zebra, "end", leftover_allowed, l);
}

/* zebra may have let go with it of what the daemon said just then: it says all again. */
static void as_before(struct bgp_leftover *l)
{
	static const char *const again[] = {
		"configure terminal",	       "router bgp",
		"address-family ipv4 unicast", "no table-map VPNGW",
		"exit-address-family",	       "address-family ipv6 unicast",
		"no table-map VPNGW",	       "end",
	};

	if (l->zebra) {
		vty_send(l->zebra, "configure terminal", NULL, NULL);
		vty_send(l->zebra, "no allow-external-route-update", NULL, NULL);
		vty_send(l->zebra, "end", NULL, NULL);
	}
	for (size_t i = 0; i < sizeof(again) / sizeof(again[0]); i++)
		vty_send(l->daemon->vty, again[i], NULL, NULL);
	l->state = LEFTOVER_CLOSE;
}

/* What is there again is asked for again: it was told anew, or zebra has put it back. */
static void look_again(struct bgp_leftover *l)
{
	const struct leftover_set *all = route_leftovers(l->bgp->route, l->part);
	uint32_t back = 0;

	vty_free(l->zebra);
	l->zebra = NULL;
	for (uint32_t i = 0; i < l->count; i++)
		if (leftover_set_has(all, &l->list[i]))
			l->list[back++] = l->list[i];
	l->count = back;
	if (back && ++l->rounds < ROUNDS_MAX) {
		leftover_ask_all(l);
		return;
	}
	if (back)
		log_error(TOPIC, "routes left over cannot be taken out daemon=%s count=%u",
			  l->daemon->name, back);
	leftover_rest(l);
}

void bgp_leftover_tick(struct bgp_leftover *leftover)
{
	switch (leftover->state) {
	case LEFTOVER_WATCH:
		if (!bgp_restarting(leftover->bgp, leftover->part))
			leftover_collect(leftover);
		break;
	case LEFTOVER_CLEAN:
		leftover_clean(leftover);
		break;
	case LEFTOVER_WAIT:
		if (++leftover->ticks >= HEARD_S)
			as_before(leftover);
		break;
	case LEFTOVER_CLOSE:
		look_again(leftover);
		break;
	case LEFTOVER_REST:
	case LEFTOVER_ASK:
	case LEFTOVER_ALLOW:
		break;
	}
}
