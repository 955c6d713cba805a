#include "control/bgp/circuit.h"

#include "control/route/circuit.h"
#include "control/tunnel/plan_bgp.h"

const struct config_gateway *bgp_circuit_gateway(const struct config *config)
{
	const struct config_gateway *found = bgp_gateway(config);

	for (uint32_t i = 0; !found && i < config_count(config, CONFIG_GATEWAY); i++)
		if (config_gateway_is_ours(config, config_gateway_at(config, i)))
			found = config_gateway_at(config, i);
	return found;
}

uint32_t bgp_circuit_sessions(const struct config *config,
			      struct bgp_session sessions[BGP_CIRCUITS_MAX])
{
	const struct config_appliance *appliance = config_appliance(config);
	const struct config_gateway *gateway = bgp_circuit_gateway(config);
	uint32_t count = 0;

	for (uint32_t i = 0; gateway && i < appliance->ports.count && count < BGP_CIRCUITS_MAX;
	     i++) {
		const struct config_port *port = &appliance->ports.items[i];
		struct bgp_session s = { .instance = BGP_CIRCUIT, .name = port->name };
		const struct net_addr *local;

		if (!(port->role & CONFIG_ROLE_CIRCUIT) || !port->bgp)
			continue;
		local = config_port_address_to(port, &port->bgp->peering_address);
		if (!local)
			continue;
		s.is.local = *local;
		plan_session_settings(&s.is, port->bgp,
				      appliance->crypto_profile == CONFIG_CRYPTO_AZURE_COMPAT);
		s.is.as = config_gateway_asn(gateway);
		s.is.peer = port->bgp->peering_address;
		s.is.peer_as = (uint32_t)port->bgp->asn;
		sessions[count++] = s;
	}
	return count;
}

static const struct bgp_session *first_of(const struct bgp_wanted *w)
{
	for (uint32_t i = 0; i < w->count; i++)
		if (w->sessions[i].instance == BGP_CIRCUIT)
			return &w->sessions[i];
	return NULL;
}

static void family(const struct bgp_session *s, struct text *out)
{
	char peer[NET_ADDR_TEXT];

	net_addr_text(peer, &s->is.peer);
	if (s->is.prefix_limit)
		text_add(out, "  neighbor %s maximum-prefix %u restart " BGP_RESTART "\n", peer,
			 s->is.prefix_limit);
	text_add(out,
		 BGP_KEEPS "  neighbor %s route-map VPNGW-CIRCUIT-IN in\n"
			   "  neighbor %s route-map VPNGW-CIRCUIT-OUT out\n",
		 peer, peer, peer);
}

bool bgp_text_circuit(const struct bgp_wanted *w, struct text *out)
{
	const struct bgp_session *first = first_of(w);
	char text[NET_ADDR_TEXT];

	if (!first)
		return false;
	bgp_text_own(w->config, w->gateway, NET_IP4, out);
	text_add(out,
		 "bgp as-path access-list VPNGW-NONE seq 5 permit ^$\n"
		 "route-map VPNGW-CIRCUIT-IN deny 5\n"
		 " match ip address prefix-list VPNGW-NETWORK\n"
		 "exit\n"
		 "route-map VPNGW-CIRCUIT-IN permit 10\n"
		 " set table %u\n"
		 "exit\n"
		 "route-map VPNGW-CIRCUIT-OUT permit 10\n"
		 " match as-path VPNGW-NONE\n"
		 "exit\n"
		 "router bgp %u\n"
		 " bgp router-id %s\n"
		 " no bgp ebgp-requires-policy\n"
		 " bgp bestpath as-path multipath-relax\n"
		 " no bgp network import-check\n",
		 CIRCUIT_TABLE, first->is.as, net_addr_text(text, &first->is.local));
	bgp_text_graceful(out);
	for (uint32_t i = 0; i < w->count; i++)
		if (w->sessions[i].instance == BGP_CIRCUIT)
			bgp_text_session(&w->sessions[i], out);
	text_add(out, " address-family ipv4 unicast\n");
	bgp_text_networks(w->config, w->gateway, out);
	for (uint32_t i = 0; i < w->count; i++)
		if (w->sessions[i].instance == BGP_CIRCUIT)
			family(&w->sessions[i], out);
	text_add(out, "  maximum-paths 64\n"
		      " exit-address-family\n"
		      "exit\n");
	return true;
}

void bgp_text_circuit_arguments(const struct bgp_wanted *w, struct text *out)
{
	const struct bgp_session *first = first_of(w);
	char text[NET_ADDR_TEXT];

	if (!first) {
		text_add(out, "-\n"); /* the launcher ends it */
		return;
	}
	text_add(out, "%u", first->is.as);
	for (uint32_t i = 0; i < w->count; i++)
		if (w->sessions[i].instance == BGP_CIRCUIT)
			text_add(out, " -l %s", net_addr_text(text, &w->sessions[i].is.local));
	text_add(out, "\n");
}
