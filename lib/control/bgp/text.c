#include "control/bgp/text.h"

#include "control/bgp/filter.h"
#include "control/bgp/text_ip6.h"
#include "control/route/route.h"
#include "control/route/speaker.h"
#include "control/tunnel/plan_bgp.h"

#include <stdio.h>
#include <string.h>

const struct config_gateway *bgp_gateway(const struct config *config)
{
	for (uint32_t i = 0; i < config_count(config, CONFIG_GATEWAY); i++) {
		const struct config_gateway *gateway = config_gateway_at(config, i);

		if (gateway->enable_bgp && config_gateway_is_ours(config, gateway))
			return gateway;
	}
	return NULL;
}

static bool has_instance(const struct config_gateway *gateway, uint32_t instance)
{
	return instance == 0 ||
	       (gateway->active_active && instance < gateway->ip_configurations.count);
}

bool bgp_has_speaker(const struct bgp_wanted *w, uint32_t instance)
{
	struct net_addr own;

	return has_instance(w->gateway, instance) &&
	       plan_speaker_address(w->config, w->gateway, instance, &own);
}

void bgp_text_session(const struct bgp_session *s, struct text *out)
{
	char peer[NET_ADDR_TEXT];
	char local[NET_ADDR_TEXT];

	net_addr_text(peer, &s->is.peer);
	net_addr_text(local, &s->is.local);
	text_add(out, " neighbor %s remote-as %u\n", peer, s->is.peer_as);
	if (s->is.bfd_ms)
		text_add(out, " neighbor %s bfd\n neighbor %s bfd profile vpngw-%u\n", peer, peer,
			 s->is.bfd_ms);
	if (s->is.password)
		text_add(out, " neighbor %s password %.*s\n", peer, (int)s->is.password->n,
			 (const char *)s->is.password->p);
	/* Who is on the link itself is lost with the link. */
	if (s->instance != BGP_CIRCUIT)
		text_add(out, " neighbor %s ebgp-multihop 255\n", peer);
	/* The device opens a session with an APIPA address, as with Azure. */
	text_add(out, " neighbor %s update-source %s\n", peer, local);
	text_add(out, " neighbor %s timers %u %u\n", peer, s->is.keepalive_s, s->is.hold_s);
	text_add(out, " neighbor %s timers connect %u\n", peer, s->instance == BGP_CIRCUIT ? 1 : 5);
}

static void network(struct text *out, enum net_family family, const struct net_prefix *prefixes,
		    uint32_t count)
{
	char text[NET_PREFIX_TEXT];

	for (uint32_t i = 0; i < count; i++)
		if (prefixes[i].addr.family == family && prefixes[i].length)
			text_add(out, "  network %s\n", net_prefix_text(text, &prefixes[i]));
}

static void own_networks(const struct config *config, const struct config_gateway *gateway,
			 enum net_family family, struct text *out)
{
	const struct config_virtual_network *here = config_gateway_network(config, gateway);

	if (here)
		network(out, family, here->prefixes.items, here->prefixes.count);
	for (uint32_t i = 0; here && i < config_count(config, CONFIG_VIRTUAL_NETWORK); i++) {
		const struct config_virtual_network *spoke = config_virtual_network_at(config, i);

		if (spoke != here && config_is_spoke(spoke, here))
			network(out, family, spoke->prefixes.items, spoke->prefixes.count);
	}
}

void bgp_text_networks(const struct config *config, const struct config_gateway *gateway,
		       struct text *out)
{
	own_networks(config, gateway, NET_IP4, out);
}

void bgp_text_all_networks(const struct bgp_wanted *w, enum net_family family, struct text *out)
{
	own_networks(w->config, w->gateway, family, out);
	for (uint32_t i = 0; i < config_count(w->config, CONFIG_CONNECTION); i++) {
		const struct config_connection *c = config_connection_at(w->config, i);
		const struct config_local_gateway *site =
			config_local_gateway_find(w->config, &c->local_gateway);

		if (site && !strcmp(c->gateway.key, w->gateway->resource.key))
			network(out, family, site->prefixes.items, site->prefixes.count);
	}
}

/* The prefixes of a network and all in them; gives the number after the last. */
static unsigned int own_list(const struct config_virtual_network *network, enum net_family family,
			     unsigned int seq, struct text *out)
{
	bool ip6 = family == NET_IP6;
	unsigned int most = ip6 ? 128 : 32;
	char text[NET_PREFIX_TEXT];

	for (uint32_t i = 0; i < network->prefixes.count; i++, seq += 5) {
		const struct net_prefix *prefix = &network->prefixes.items[i];

		if (prefix->addr.family != family)
			continue;
		text_add(out, "ip%s prefix-list VPNGW-NETWORK%s seq %u permit %s", ip6 ? "v6" : "",
			 ip6 ? "6" : "", seq, net_prefix_text(text, prefix));
		if (prefix->length < most)
			text_add(out, " le %u", most);
		text_add(out, "\n");
	}
	return seq;
}

void bgp_text_own(const struct config *config, const struct config_gateway *gateway,
		  enum net_family family, struct text *out)
{
	const struct config_virtual_network *here = config_gateway_network(config, gateway);
	unsigned int seq = here ? own_list(here, family, 5, out) : 5;

	for (uint32_t i = 0; here && i < config_count(config, CONFIG_VIRTUAL_NETWORK); i++) {
		const struct config_virtual_network *spoke = config_virtual_network_at(config, i);

		if (spoke != here && config_is_spoke(spoke, here))
			seq = own_list(spoke, family, seq, out);
	}
}

static void filters(const struct bgp_wanted *w, struct text *out)
{
	text_add(out, "ip prefix-list VPNGW-DEFAULT seq 5 permit 0.0.0.0/0\n"
		      "ip prefix-list VPNGW-TUNNELS seq 5 permit 240.0.0.0/4 le 32\n");
	bgp_text_own(w->config, w->gateway, NET_IP4, out);
	text_add(out, "route-map VPNGW-RIB permit 10\n"
		      " match ip next-hop prefix-list VPNGW-TUNNELS\n"
		      "exit\n"
		      "route-map VPNGW-OUT deny 5\n"
		      " match ip address prefix-list VPNGW-DEFAULT\n"
		      "exit\n"
		      "route-map VPNGW-OUT permit 10\n"
		      "exit\n"
		      "route-map VPNGW-NONE deny 10\n"
		      "exit\n");
}

static void session_filter(const struct bgp_session *s, struct text *out)
{
	struct net_addr via = speaker_via(s->tunnel);
	char text[NET_ADDR_TEXT];

	char name[32];
	char set[NET_ADDR_TEXT + 24];
	struct bgp_filter in = { .name = name, .set = set };

	snprintf(name, sizeof(name), "VPNGW-IN-%u", s->tunnel);
	snprintf(set, sizeof(set), "set ip next-hop %s", net_addr_text(text, &via));
	text_add(out,
		 "route-map %s deny 5\n"
		 " match ip address prefix-list VPNGW-NETWORK\n"
		 "exit\n",
		 name);
	if (s->is.filters && s->is.filters->in.count) {
		in.rules = s->is.filters->in.items;
		in.count = s->is.filters->in.count;
		bgp_text_filter(&in, out);
		return;
	}
	text_add(out,
		 "route-map %s permit 10\n"
		 " %s\n"
		 "exit\n",
		 name, set);
}

static bool filters_out(const struct bgp_session *s)
{
	return s->is.filters && s->is.filters->out.count;
}

/* Of a session with rules: a map of its own. */
static void session_filter_out(const struct bgp_session *s, struct text *out)
{
	char name[32];
	struct bgp_filter filter = { .name = name };

	if (!filters_out(s))
		return;
	filter.rules = s->is.filters->out.items;
	filter.count = s->is.filters->out.count;
	snprintf(name, sizeof(name), "VPNGW-OUT-%u", s->tunnel);
	text_add(out,
		 "route-map %s deny 5\n"
		 " match ip address prefix-list VPNGW-DEFAULT\n"
		 "exit\n",
		 name);
	bgp_text_filter(&filter, out);
}

static void session_family(const struct bgp_session *s, struct text *out)
{
	char peer[NET_ADDR_TEXT];

	net_addr_text(peer, &s->is.peer);
	if (s->is.prefix_limit)
		text_add(out, "  neighbor %s maximum-prefix %u restart " BGP_RESTART "\n", peer,
			 s->is.prefix_limit);
	text_add(out, BGP_KEEPS "  neighbor %s route-map VPNGW-IN-%u in\n", peer, peer, s->tunnel);
	if (filters_out(s))
		text_add(out, "  neighbor %s route-map VPNGW-OUT-%u out\n", peer, s->tunnel);
	else
		text_add(out, "  neighbor %s route-map VPNGW-OUT out\n", peer);
}

/* A speaker's session with the collector, or with who notes what is announced. The speaker opens
 * it: FRR waits for one that restarts gracefully to do so. */
static void inner_session(const char *peer, uint32_t as, uint32_t instance, struct text *out)
{
	text_add(out,
		 " neighbor %s remote-as %u\n"
		 " neighbor %s update-source " BGP_INNER "%u\n"
		 " neighbor %s timers connect 1\n",
		 peer, as, peer, instance + 1, peer);
}

static void inner_family(const char *peer, struct text *out)
{
	text_add(out,
		 "  neighbor %s addpath-tx-all-paths\n"
		 "  neighbor %s route-map VPNGW-RIB out\n",
		 peer, peer);
}

/* A speaker that comes again waits with what it tells, and with its End-of-RIB, until it has heard
 * who is there. FRR's own deferral would wait for one peer only. */
static void graceful(struct text *out)
{
	text_add(out, " update-delay 20 8\n");
	bgp_text_graceful(out);
}

void bgp_text_graceful(struct text *out)
{
	text_add(out, " bgp graceful-restart select-defer-time 0\n"
		      " bgp graceful-restart\n"
		      " bgp graceful-restart preserve-fw-state\n");
}

bool bgp_text_speaker(const struct bgp_wanted *w, uint32_t instance, struct text *out)
{
	struct net_addr own;
	char text[NET_ADDR_TEXT];
	uint32_t as = config_gateway_asn(w->gateway);

	if (!has_instance(w->gateway, instance) ||
	    !plan_speaker_address(w->config, w->gateway, instance, &own))
		return false;
	text_add(out, "allow-reserved-ranges\n"
		      "bgp no-rib\n");
	filters(w, out);
	for (uint32_t i = 0; i < w->count; i++)
		if (w->sessions[i].instance == instance) {
			session_filter(&w->sessions[i], out);
			session_filter_out(&w->sessions[i], out);
		}
	if (bgp_ip6_used(w))
		bgp_ip6_filters(w, instance, out);
	text_add(out,
		 "router bgp %u\n"
		 " bgp router-id %s\n"
		 " no bgp ebgp-requires-policy\n"
		 " bgp bestpath as-path multipath-relax\n"
		 " no bgp network import-check\n",
		 as, net_addr_text(text, &own));
	graceful(out);
	for (uint32_t i = 0; i < w->count; i++)
		if (w->sessions[i].instance == instance)
			bgp_text_session(&w->sessions[i], out);
	inner_session(BGP_COLLECTOR, as, instance, out);
	inner_session(BGP_ANNOUNCED, as, instance, out);
	text_add(out, " address-family ipv4 unicast\n");
	bgp_text_all_networks(w, NET_IP4, out);
	for (uint32_t i = 0; i < w->count; i++)
		if (w->sessions[i].instance == instance)
			session_family(&w->sessions[i], out);
	inner_family(BGP_COLLECTOR, out);
	inner_family(BGP_ANNOUNCED, out);
	text_add(out, BGP_INSTALLS_NONE " exit-address-family\n");
	if (bgp_ip6_used(w))
		bgp_ip6_speaker(w, instance, out);
	text_add(out, "exit\n");
	return true;
}

/* `own`: the address of a daemon that listens to the speakers. `how`: the collector opens sessions
 * too, as one that restarts gracefully must; who notes what is announced waits for the speakers. */
static void speakers_of(const struct bgp_wanted *w, const char *own, const char *how,
			struct text *out)
{
	uint32_t as = config_gateway_asn(w->gateway);

	for (uint32_t i = 0; i < BGP_INSTANCES; i++)
		if (bgp_has_speaker(w, i))
			text_add(out,
				 " neighbor " BGP_INNER "%u remote-as %u\n"
				 " neighbor " BGP_INNER "%u %s\n"
				 " neighbor " BGP_INNER "%u update-source %s\n",
				 i + 1, as, i + 1, how, i + 1, own);
	text_add(out, " address-family ipv4 unicast\n");
}

void bgp_text_announced(const struct bgp_wanted *w, struct text *out)
{
	text_add(out,
		 "allow-reserved-ranges\n"
		 "route-map VPNGW-ALL permit 10\n"
		 " set local-preference 100\n"
		 " set metric 0\n"
		 " set origin igp\n"
		 " set table %u\n"
		 "exit\n"
		 "router bgp %u\n"
		 " bgp router-id " BGP_ANNOUNCED "\n"
		 " bgp bestpath as-path ignore\n"
		 " bgp bestpath as-path multipath-relax\n",
		 ROUTE_ANNOUNCED_TABLE, config_gateway_asn(w->gateway));
	speakers_of(w, BGP_ANNOUNCED, "passive", out);
	for (uint32_t i = 0; i < BGP_INSTANCES; i++)
		if (bgp_has_speaker(w, i))
			text_add(out,
				 BGP_INNER_KEEPS "  neighbor " BGP_INNER
						 "%u route-map VPNGW-ALL in\n",
				 i + 1, i + 1);
	text_add(out, "  maximum-paths ibgp " BGP_ANNOUNCED_PATHS "\n"
		      " exit-address-family\n");
	if (bgp_ip6_used(w))
		bgp_ip6_listener(w, false, "VPNGW-ALL", out);
	text_add(out, "exit\n");
}

/* The collector's map: a default goes into a table of its own (route/route.h). */
static void default_table(const char *map, const char *match, struct text *out)
{
	text_add(out,
		 "route-map %s permit 10\n"
		 " match %s\n"
		 " set table %u\n"
		 "exit\n"
		 "route-map %s permit 20\n"
		 "exit\n",
		 map, match, ROUTE_DEFAULT_TABLE, map);
}

void bgp_text_collector(const struct bgp_wanted *w, struct text *out)
{
	text_add(out, "allow-reserved-ranges\n"
		      "ip prefix-list VPNGW-DEFAULT seq 5 permit 0.0.0.0/0\n");
	default_table("VPNGW-COLLECT", "ip address prefix-list VPNGW-DEFAULT", out);
	if (bgp_ip6_used(w)) {
		text_add(out, "ipv6 prefix-list VPNGW-DEFAULT6 seq 5 permit ::/0\n");
		default_table("VPNGW-COLLECT6", "ipv6 address prefix-list VPNGW-DEFAULT6", out);
	}
	text_add(out,
		 "router bgp %u\n"
		 " bgp router-id " BGP_COLLECTOR "\n"
		 " bgp bestpath as-path multipath-relax\n",
		 config_gateway_asn(w->gateway));
	graceful(out);
	speakers_of(w, BGP_COLLECTOR, "timers connect 1", out);
	for (uint32_t i = 0; i < BGP_INSTANCES; i++)
		if (bgp_has_speaker(w, i))
			text_add(out,
				 "  neighbor " BGP_INNER
				 "%u route-reflector-client\n" BGP_INNER_KEEPS
				 "  neighbor " BGP_INNER "%u route-map VPNGW-COLLECT in\n",
				 i + 1, i + 1, i + 1);
	text_add(out, "  maximum-paths ibgp " BGP_PATHS "\n"
		      " exit-address-family\n");
	if (bgp_ip6_used(w))
		bgp_ip6_listener(w, true, "VPNGW-COLLECT6", out);
	text_add(out, "exit\n");
}

void bgp_text_bfd(const struct bgp_wanted *w, struct text *out)
{
	text_add(out, "bfd\n");
	for (uint32_t i = 0; i < w->count; i++) {
		uint32_t ms = w->sessions[i].is.bfd_ms;
		bool said = false;

		for (uint32_t k = 0; k < i && !said; k++)
			said = w->sessions[k].is.bfd_ms == ms;
		if (ms && !said)
			text_add(out,
				 " profile vpngw-%u\n"
				 "  detect-multiplier 3\n"
				 "  transmit-interval %u\n"
				 "  receive-interval %u\n"
				 " exit\n",
				 ms, ms, ms);
	}
	text_add(out, "exit\n");
}

void bgp_text_arguments(const struct bgp_wanted *w, uint32_t instance, struct text *out)
{
	const struct config_bgp_addresses *custom = config_bgp_addresses(w->gateway, instance);
	struct net_addr own;
	char text[NET_ADDR_TEXT];

	text_add(out, "%u -l " BGP_INNER "%u", config_gateway_asn(w->gateway), instance + 1);
	if (plan_speaker_address(w->config, w->gateway, instance, &own))
		text_add(out, " -l %s", net_addr_text(text, &own));
	for (uint32_t k = 0; custom && k < custom->custom.count; k++)
		text_add(out, " -l %s", net_addr_text(text, &custom->custom.items[k]));
	text_add(out, "\n");
}
