#include "control/tunnel/plan_bgp.h"

#include <string.h>

#define COMPAT_KEEPALIVE_S 60
#define FAST_KEEPALIVE_S 3
#define HOLD_KEEPALIVES 3

static uint32_t host_order(const struct net_addr *addr)
{
	return (uint32_t)addr->bytes[0] << 24 | (uint32_t)addr->bytes[1] << 16 |
	       (uint32_t)addr->bytes[2] << 8 | addr->bytes[3];
}

bool plan_speaker_address(const struct config *config, const struct config_gateway *gateway,
			  uint32_t instance, struct net_addr *addr)
{
	const struct net_prefix *subnet = config_gateway_subnet(config, gateway);
	struct net_addr last;

	if (!subnet || subnet->length > 29)
		return false;
	last = net_prefix_last(subnet);
	if (gateway->active_active)
		*addr = net_addr_ip4(host_order(&subnet->addr) + 4 + instance);
	else
		*addr = net_addr_ip4(host_order(&last) - 1);
	return true;
}

/* The address of ours for an APIPA peer. */
static bool custom_address(const struct plan_tunnel *t, struct net_addr *addr)
{
	const struct net_addr *custom = config_custom_bgp(t->gateway, t->connection, t->instance);

	if (custom)
		*addr = *custom;
	return custom;
}

void plan_session_settings(struct plan_session *s, const struct config_bgp *bgp, bool compat)
{
	s->keepalive_s = compat ? COMPAT_KEEPALIVE_S : FAST_KEEPALIVE_S;
	if (bgp && bgp->keepalive_s)
		s->keepalive_s = (uint32_t)bgp->keepalive_s;
	s->hold_s = s->keepalive_s * HOLD_KEEPALIVES;
	if (bgp && bgp->hold_s)
		s->hold_s = (uint32_t)bgp->hold_s;
	s->bfd_ms = bgp ? (uint32_t)bgp->bfd_ms : 50;
	s->prefix_limit = bgp ? (uint32_t)bgp->prefix_limit : 4000;
	s->password = bgp && bgp->password.n ? &bgp->password : NULL;
}

/* The inside has it: without, nobody could be reached by it. */
static bool has_ip6(const struct config *config, const struct config_gateway *gateway)
{
	const struct config_virtual_network *here = config_gateway_network(config, gateway);

	for (uint32_t i = 0; here && i < here->prefixes.count; i++)
		if (here->prefixes.items[i].addr.family == NET_IP6)
			return true;
	return false;
}

void plan_bgp_set(struct plan_tunnel *tunnel, const struct config *config,
		  const struct config_local_gateway *site, const struct config_gateway *other,
		  uint32_t other_instance)
{
	struct plan_session *s = &tunnel->session;
	bool good;

	memset(s, 0, sizeof(*s));
	if (!tunnel->connection->enable_bgp || !tunnel->gateway->enable_bgp)
		return;
	plan_session_settings(s, site ? site->bgp : tunnel->gateway->bgp,
			      config_crypto_profile_of(config, tunnel->connection) ==
				      CONFIG_CRYPTO_AZURE_COMPAT);
	s->ip6 = has_ip6(config, tunnel->gateway);
	s->filters = tunnel->connection->route_filters;
	s->as = config_gateway_asn(tunnel->gateway);
	if (other) {
		s->peer_as = config_gateway_asn(other);
		good = plan_speaker_address(config, other, other_instance, &s->peer);
	} else {
		good = site && site->bgp && site->bgp->peering_address.family == NET_IP4;
		if (good) {
			s->peer = site->bgp->peering_address;
			s->peer_as = (uint32_t)site->bgp->asn;
		}
	}
	if (good && net_addr_is_link_local(&s->peer))
		good = custom_address(tunnel, &s->local);
	else if (good)
		good = plan_speaker_address(config, tunnel->gateway, tunnel->instance, &s->local);
	if (!good)
		memset(s, 0, sizeof(*s));
}
