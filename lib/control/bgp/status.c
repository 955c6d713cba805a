#include "control/bgp/state.h"

#include "base/log.h"
#include "control/config/json_in.h"

#include <stdio.h>
#include <string.h>

#define TOPIC "bgp"

const char *bgp_state_text(enum bgp_state state)
{
	static const char *const text[] = { "Unknown", "Stopped", "Idle", "Connecting",
					    "Connected" };

	return text[state];
}

static enum bgp_state state_of(const char *text)
{
	if (!strcmp(text, "Established"))
		return BGP_CONNECTED;
	if (!strncmp(text, "Idle (", 6))
		return BGP_STOPPED;
	return !strcmp(text, "Idle") ? BGP_IDLE : BGP_CONNECTING;
}

static uint64_t number(const cJSON *json, const char *name)
{
	const cJSON *item = cJSON_GetObjectItemCaseSensitive(json, name);

	return cJSON_IsNumber(item) && item->valuedouble > 0 ? (uint64_t)item->valuedouble : 0;
}

void bgp_watch(struct bgp *bgp, bgp_visit changed, void *context)
{
	bgp->changed = changed;
	bgp->changed_context = context;
}

static void peer_known(struct bgp_peer *peer, const struct bgp_known *known)
{
	peer->state = known->state;
	peer->connected_ms = known->connected_ms;
	peer->received = known->received;
	peer->sent = known->sent;
	peer->messages_received = known->messages_received;
	peer->messages_sent = known->messages_sent;
}

static struct bgp_peer peer_of(const struct bgp *bgp, uint32_t i)
{
	const struct bgp_session *session = &bgp->sessions[i];
	struct bgp_peer peer = { .tunnel = session->name,
				 .instance = session->instance,
				 .local = session->is.local,
				 .peer = session->is.peer,
				 .as = session->is.peer_as };

	peer_known(&peer, &bgp->known[i]);
	return peer;
}

static void tell(const struct bgp *bgp, uint32_t i)
{
	const struct bgp_peer peer = peer_of(bgp, i);

	if (bgp->changed)
		bgp->changed(bgp->changed_context, &peer);
}

static bool near_limit(const struct bgp_session *session, const struct bgp_known *known)
{
	return session->is.prefix_limit &&
	       known->received * 4 >= (uint64_t)session->is.prefix_limit * 3;
}

/* What a summary does not say: which limit there is, and which one ended the session. */
static void take_limits(struct bgp_known *now, const struct bgp_known *was, uint32_t wanted)
{
	now->limit_known = was->limit_known;
	now->limit = was->limit;
	now->limit_was = now->over_limit ? was->limit_was : was->limit;
	if (!now->over_limit)
		return;
	now->ended_at = was->ended_at;
	if (!now->ended_at)
		now->ended_at = was->limit_was ? was->limit_was : wanted;
}

static void set(struct bgp *bgp, uint32_t i, const struct bgp_known *now)
{
	struct bgp_known known = *now;
	enum bgp_state was = bgp->known[i].state;
	bool near = near_limit(&bgp->sessions[i], now);
	char peer[NET_ADDR_TEXT];

	if (was != now->state)
		log_info(TOPIC, "%s -> %s peer=%s tunnel=\"%s\"",
			 bgp_state_text(bgp->known[i].state), bgp_state_text(now->state),
			 net_addr_text(peer, &bgp->sessions[i].is.peer), bgp->sessions[i].name);
	if (near && !bgp->known[i].near_limit)
		log_warn(TOPIC,
			 "a peer announces %llu prefixes of the %u that end its session peer=%s "
			 "tunnel=\"%s\"",
			 (unsigned long long)now->received, bgp->sessions[i].is.prefix_limit,
			 net_addr_text(peer, &bgp->sessions[i].is.peer), bgp->sessions[i].name);
	take_limits(&known, &bgp->known[i], bgp->sessions[i].is.prefix_limit);
	if (now->over_limit && !bgp->known[i].over_limit)
		log_warn(TOPIC,
			 "a peer announced more than its prefixLimit of %u; its session waits "
			 "for " BGP_RESTART " minutes peer=%s tunnel=\"%s\"",
			 known.ended_at, net_addr_text(peer, &bgp->sessions[i].is.peer),
			 bgp->sessions[i].name);
	known.near_limit = near;
	bgp->known[i] = known;
	if ((was == BGP_CONNECTED) != (now->state == BGP_CONNECTED))
		tell(bgp, i);
}

/* What the summary has of a peer for a family, or NULL. */
static const cJSON *summary_of(const cJSON *json, const char *family, const char *peer)
{
	const cJSON *peers = cJSON_GetObjectItemCaseSensitive(
		cJSON_GetObjectItemCaseSensitive(json, family), "peers");

	return cJSON_GetObjectItemCaseSensitive(peers, peer);
}

static void peer_take(struct bgp *bgp, uint32_t i, const cJSON *json, const cJSON *ip6)
{
	const char *state = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(json, "state"));
	struct bgp_known now = { .state = state ? state_of(state) : BGP_UNKNOWN,
				 .messages_received = number(json, "msgRcvd"),
				 .messages_sent = number(json, "msgSent") };

	now.over_limit = state && !strcmp(state, "Idle (PfxCt)");
	if (now.state == BGP_CONNECTED) {
		now.connected_ms = number(json, "peerUptimeMsec");
		now.received = number(json, "pfxRcd") + number(ip6, "pfxRcd");
		now.sent = number(json, "pfxSnt") + number(ip6, "pfxSnt");
	}
	set(bgp, i, &now);
}

void bgp_status_take(struct bgp *bgp, uint32_t instance, const char *text, size_t n)
{
	struct config_report report;
	char peer[NET_ADDR_TEXT];
	cJSON *json = NULL;

	config_report_init(&report);
	if (config_json_parse(&json, text, n, &report) < 0) {
		log_warn(TOPIC, "FRR's summary is no JSON instance=%u", instance);
	} else {
		for (uint32_t i = 0; i < bgp->count; i++) {
			if (bgp->sessions[i].instance != instance)
				continue;
			net_addr_text(peer, &bgp->sessions[i].is.peer);
			peer_take(bgp, i, summary_of(json, "ipv4Unicast", peer),
				  summary_of(json, "ipv6Unicast", peer));
		}
	}
	config_json_free(json);
	config_report_fini(&report);
}

void bgp_status_lost(struct bgp *bgp, uint32_t instance)
{
	static const struct bgp_known unknown = { .state = BGP_UNKNOWN };

	for (uint32_t i = 0; i < bgp->count; i++) {
		struct bgp_known *known = &bgp->known[i];

		if (bgp->sessions[i].instance != instance)
			continue;
		set(bgp, i, &unknown);
		/* One that starts anew has what its file says. */
		known->limit_known = false;
		known->limit = known->limit_was = 0;
	}
}

void bgp_status_limits(struct bgp *bgp, uint32_t instance)
{
	for (uint32_t i = 0; i < bgp->count; i++) {
		if (bgp->sessions[i].instance != instance)
			continue;
		bgp->known[i].limit_known = true;
		bgp->known[i].limit = bgp->sessions[i].is.prefix_limit;
	}
}

void bgp_status_clear(struct bgp *bgp, struct daemon *d, uint32_t instance)
{
	char command[NET_ADDR_TEXT + 16];
	char peer[NET_ADDR_TEXT];

	for (uint32_t i = 0; i < bgp->count; i++) {
		struct bgp_known *known = &bgp->known[i];

		if (bgp->sessions[i].instance != instance || !known->ended_at ||
		    !known->limit_known || (known->limit && known->limit <= known->ended_at))
			continue;
		known->ended_at = known->limit;
		snprintf(command, sizeof(command), "clear bgp %s",
			 net_addr_text(peer, &bgp->sessions[i].is.peer));
		vty_send(d->vty, command, NULL, NULL);
	}
}

const struct bgp_session *bgp_session_find(const struct bgp *bgp, uint32_t instance,
					   const struct net_addr *peer)
{
	for (uint32_t i = 0; i < bgp->count; i++)
		if (bgp->sessions[i].instance == instance &&
		    net_addr_equal(&bgp->sessions[i].is.peer, peer))
			return &bgp->sessions[i];
	return NULL;
}

struct walk {
	struct bgp *bgp;
	const char *gateway;
	bgp_visit visit;
	void *context;
	uint32_t at;
};

/* Sessions stand in the order of tunnels. */
static void one(void *context, const struct tunnel_status *status)
{
	struct walk *walk = context;
	const struct bgp *bgp = walk->bgp;
	struct bgp_peer peer = { .tunnel = status->name,
				 .connection = status->connection,
				 .instance = status->instance,
				 .local = status->plan->session.local,
				 .peer = status->plan->session.peer,
				 .as = status->plan->session.peer_as,
				 .bfd = status->bfd };

	if (!peer.peer.family ||
	    (walk->gateway && strcmp(walk->gateway, status->connection->gateway.key)))
		return;
	for (uint32_t i = 0; i < bgp->count; i++)
		if (bgp->sessions[i].tunnel == status->id)
			peer_known(&peer, &bgp->known[i]);
	walk->visit(walk->context, &peer);
}

void bgp_peers_each(struct bgp *bgp, const char *gateway, bgp_visit visit, void *context)
{
	struct walk walk = { bgp, gateway, visit, context, 0 };

	tunnels_each(bgp->tunnels, NULL, one, &walk);
}

void bgp_circuits_each(struct bgp *bgp, bgp_visit visit, void *context)
{
	for (uint32_t i = 0; i < bgp->count; i++) {
		const struct bgp_peer peer = peer_of(bgp, i);

		if (peer.instance == BGP_CIRCUIT)
			visit(context, &peer);
	}
}
