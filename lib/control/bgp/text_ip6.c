#include "control/bgp/text_ip6.h"

#include "control/bgp/filter.h"
#include "control/route/speaker.h"

#include <stdio.h>
#include <string.h>

bool bgp_ip6_used(const struct bgp_wanted *w)
{
	for (uint32_t i = 0; i < w->count; i++)
		if (w->sessions[i].is.ip6)
			return true;
	return false;
}

static bool carries(const struct bgp_session *s, uint32_t instance)
{
	return s->instance == instance && s->is.ip6;
}

/* Its map begins with what is never taken or told. */
static void map_begins(const char *name, const char *refused, struct text *out)
{
	text_add(out,
		 "route-map %s deny 5\n"
		 " match ipv6 address prefix-list %s\n"
		 "exit\n",
		 name, refused);
}

static void map(const struct bgp_filter *filter, const char *refused, struct text *out)
{
	map_begins(filter->name, refused, out);
	if (filter->count)
		bgp_text_filter(filter, out);
	else
		text_add(out,
			 "route-map %s permit 10\n"
			 " %s\n"
			 "exit\n",
			 filter->name, filter->set);
}

static void session_maps(const struct bgp_session *s, struct text *out)
{
	struct net_addr via = speaker_via_ip6(s->tunnel);
	char addr[NET_ADDR_TEXT];
	char name[32];
	char set[NET_ADDR_TEXT + 48];
	struct bgp_filter filter = { .name = name, .set = set, .ip6 = true };

	snprintf(name, sizeof(name), "VPNGW-IN6-%u", s->tunnel);
	snprintf(set, sizeof(set), "set ipv6 next-hop global %s", net_addr_text(addr, &via));
	if (s->is.filters) {
		filter.rules = s->is.filters->in.items;
		filter.count = s->is.filters->in.count;
	}
	map(&filter, "VPNGW-NETWORK6", out);
	snprintf(name, sizeof(name), "VPNGW-OUT6-%u", s->tunnel);
	snprintf(set, sizeof(set), "set ipv6 next-hop global ::ffff:%s",
		 net_addr_text(addr, &s->is.local));
	if (s->is.filters) {
		filter.rules = s->is.filters->out.items;
		filter.count = s->is.filters->out.count;
	}
	map(&filter, "VPNGW-DEFAULT6", out);
}

void bgp_ip6_filters(const struct bgp_wanted *w, uint32_t instance, struct text *out)
{
	text_add(out, "ipv6 prefix-list VPNGW-DEFAULT6 seq 5 permit ::/0\n"
		      "bgp as-path access-list VPNGW-OURS seq 5 permit ^$\n"
		      "route-map VPNGW-RIB6 deny 5\n"
		      " match as-path VPNGW-OURS\n"
		      "exit\n"
		      "route-map VPNGW-RIB6 permit 10\n"
		      "exit\n");
	bgp_text_own(w->config, w->gateway, NET_IP6, out);
	for (uint32_t i = 0; i < w->count; i++)
		if (carries(&w->sessions[i], instance))
			session_maps(&w->sessions[i], out);
}

void bgp_ip6_speaker(const struct bgp_wanted *w, uint32_t instance, struct text *out)
{
	static const char *const inner[] = { BGP_ANNOUNCED, BGP_COLLECTOR };
	char peer[NET_ADDR_TEXT];

	text_add(out, " address-family ipv6 unicast\n");
	bgp_text_all_networks(w, NET_IP6, out);
	for (uint32_t i = 0; i < w->count; i++) {
		const struct bgp_session *s = &w->sessions[i];

		if (!carries(s, instance))
			continue;
		net_addr_text(peer, &s->is.peer);
		text_add(out, "  neighbor %s activate\n", peer);
		if (s->is.prefix_limit)
			text_add(out, "  neighbor %s maximum-prefix %u restart " BGP_RESTART "\n",
				 peer, s->is.prefix_limit);
		text_add(out,
			 BGP_KEEPS "  neighbor %s route-map VPNGW-IN6-%u in\n"
				   "  neighbor %s route-map VPNGW-OUT6-%u out\n",
			 peer, peer, s->tunnel, peer, s->tunnel);
	}
	for (int i = 0; i < 2; i++)
		text_add(out,
			 "  neighbor %s activate\n"
			 "  neighbor %s addpath-tx-all-paths\n"
			 "  neighbor %s route-map VPNGW-RIB6 out\n",
			 inner[i], inner[i], inner[i]);
	text_add(out, BGP_INSTALLS_NONE " exit-address-family\n");
}

void bgp_ip6_listener(const struct bgp_wanted *w, bool reflects, const char *map, struct text *out)
{
	text_add(out, " address-family ipv6 unicast\n");
	for (uint32_t i = 1; i <= BGP_INSTANCES; i++) {
		if (!bgp_has_speaker(w, i - 1))
			continue;
		text_add(out, "  neighbor " BGP_INNER "%u activate\n", i);
		if (reflects)
			text_add(out, "  neighbor " BGP_INNER "%u route-reflector-client\n", i);
		text_add(out, BGP_INNER_KEEPS "  neighbor " BGP_INNER "%u route-map %s in\n", i, i,
			 map);
	}
	text_add(out, "  maximum-paths ibgp %s\n exit-address-family\n",
		 reflects ? BGP_PATHS : BGP_ANNOUNCED_PATHS);
}
