/*
 * Peers that are known by name. The name is asked for when the tunnel would dial and what is known
 * is older than FRESH; its addresses are tried one after the other. What the answer is never
 * touches a tunnel that is up; without an answer the former addresses are tried.
 */
#include "control/event/resolve.h"
#include "control/tunnel/dial.h"
#include "control/tunnel/lookup.h"
#include "control/tunnel/tunnel.h"

#include "base/log.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TOPIC "tunnel"
#define FRESH_NS (30 * CLOCK_NS_PER_S)

struct peer_name {
	struct event_question *question; /* NULL: none is open */
	struct net_addr addresses[EVENT_ADDRESSES_MAX];
	uint32_t count;
	uint32_t at; /* the one that is tried */
	uint64_t asked_ns;
};

static uint64_t now(const struct tunnel *tunnel)
{
	return clock_now_ns(tunnel->all->clock);
}

void tunnel_remote_set(struct tunnel *tunnel, const struct net_addr *remote)
{
	if (net_addr_equal(&tunnel->remote, remote))
		return;
	tunnel->remote = *remote;
	lookup_moved(tunnel);
	if (tunnel->all->ready && tunnel_objects_set(tunnel) < 0)
		log_error(TOPIC, "cannot follow a peer's new address tunnel=\"%s\"", tunnel->name);
}

/* Only addresses that our own address can talk to. */
static void keep_family(struct peer_name *name, const struct tunnel *tunnel,
			const struct net_addr *addresses, uint32_t count)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < count; i++)
		if (addresses[i].family == tunnel->plan->local.family)
			name->addresses[kept++] = addresses[i];
	if (kept) {
		name->count = kept;
		name->at = 0;
	}
}

static void answered(void *context, const struct net_addr *addresses, uint32_t count,
		     const char *why)
{
	struct tunnel *tunnel = context;
	struct peer_name *name = tunnel->by_name;
	uint32_t before = name->count;

	name->question = NULL;
	if (!why) {
		name->count = 0;
		keep_family(name, tunnel, addresses, count);
		if (!name->count)
			why = "it has no address of our address's family";
	}
	if (why) {
		log_warn(TOPIC, "the peer's name has no address: %s name=%s tunnel=\"%s\"", why,
			 tunnel->plan->fqdn, tunnel->name);
		name->count = before; /* better an old address than none */
		name->at = 0;
	}
	if (name->count)
		dial_wanted(tunnel);
	else
		dial_no_name(tunnel, why);
	tunnel_rearm(tunnel->all);
}

static bool ask(struct tunnel *tunnel)
{
	struct peer_name *name = tunnel->by_name;

	if (name->question)
		return true;
	name->asked_ns = now(tunnel);
	return event_resolve(&name->question, tunnel->all->loop, tunnel->plan->fqdn, answered,
			     tunnel) == 0;
}

bool tunnel_name_ready(struct tunnel *tunnel)
{
	struct peer_name *name;

	if (!tunnel->plan->fqdn)
		return true;
	if (!tunnel->by_name)
		tunnel->by_name = calloc(1, sizeof(*tunnel->by_name));
	name = tunnel->by_name;
	if (!name) {
		dial_no_name(tunnel, strerror(ENOMEM));
		return false;
	}
	if (!name->asked_ns || now(tunnel) - name->asked_ns > FRESH_NS || name->at >= name->count ||
	    name->question) {
		if (!ask(tunnel))
			dial_no_name(tunnel, strerror(ENOMEM));
		return false;
	}
	tunnel_remote_set(tunnel, &name->addresses[name->at]);
	return true;
}

bool tunnel_name_next(struct tunnel *tunnel)
{
	struct peer_name *name = tunnel->by_name;

	return name && ++name->at < name->count;
}

bool tunnel_name_more(const struct tunnel *tunnel)
{
	return tunnel->by_name && tunnel->by_name->at + 1 < tunnel->by_name->count;
}

bool tunnel_name_has(const struct tunnel *tunnel, const struct net_addr *remote)
{
	const struct peer_name *name = tunnel->by_name;

	for (uint32_t i = 0; name && i < name->count; i++)
		if (net_addr_equal(&name->addresses[i], remote))
			return true;
	return false;
}

void tunnel_name_free(struct tunnel *tunnel)
{
	if (!tunnel->by_name)
		return;
	event_resolve_cancel(tunnel->by_name->question);
	free(tunnel->by_name);
	tunnel->by_name = NULL;
}
