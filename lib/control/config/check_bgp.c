#include "control/config/check.h"

#include "base/map.h"
#include "control/config/id.h"

#include <string.h>

/* Reserved by Azure, and by IANA (RFC 7607, 5398, 4893, 6996 section 5, 7300). */
bool check_asn_reserved(int64_t asn, bool ours)
{
	static const struct {
		int64_t low, high;
	} ranges[] = {
		{ 0, 0 },	  { 8074, 8075 },	    { 12076, 12076 },
		{ 23456, 23456 }, { 64496, 64511 },	    { 65517, 65520 },
		{ 65535, 65551 }, { 429496729, 429496729 }, { 4294967295, 4294967295 },
	};

	/* 65515 is what Azure's gateways have: ours may, a site may not. */
	if (asn == 65515)
		return !ours;
	for (size_t i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++)
		if (asn >= ranges[i].low && asn <= ranges[i].high)
			return true;
	return false;
}

static bool is_azure_apipa(const struct net_addr *addr)
{
	return addr->family == NET_IP4 && addr->bytes[0] == 169 && addr->bytes[1] == 254 &&
	       (addr->bytes[2] == 21 || addr->bytes[2] == 22);
}

static void check_custom(struct check *check, const struct config_gateway *gateway, uint32_t i,
			 uint32_t k)
{
	static const char path[] =
		"/properties/bgpSettings/bgpPeeringAddresses/#/customBgpIpAddresses/#";
	const struct config_bgp *bgp = gateway->bgp;
	const struct net_addr *addr = &bgp->addresses.items[i].custom.items[k];
	const struct check_place *place = AT(&gateway->resource, path, i, k);

	if (!is_azure_apipa(addr))
		check_fail(check, place, CODE_PARAMETER,
			   "Must be between 169.254.21.0 and 169.254.22.255.");
	for (uint32_t m = 0; m <= i; m++)
		for (uint32_t n = 0; n < (m == i ? k : bgp->addresses.items[m].custom.count); n++)
			if (net_addr_equal(addr, &bgp->addresses.items[m].custom.items[n]))
				check_fail(check, place, CODE_PARAMETER, "Is there twice.");
}

void check_bgp_timers(struct check *check, const struct check_place *place,
		      const struct config_bgp *bgp)
{
	if (bgp->bfd_ms && bgp->bfd_ms < 10)
		check_fail(check, place, CODE_PARAMETER,
			   "bfdIntervalMilliseconds must be 10 to 4000, or 0 for none.");
	if (bgp->hold_s && bgp->hold_s < 3)
		check_fail(check, place, CODE_PARAMETER,
			   "holdSeconds must be 3 to 65535, or 0 for three keepalives.");
	else if (bgp->hold_s && bgp->keepalive_s >= bgp->hold_s)
		check_fail(check, place, CODE_PARAMETER,
			   "keepaliveSeconds must be less than holdSeconds.");
}

static void check_gateway(struct check *check, const struct config_gateway *gateway)
{
	const struct config_bgp *bgp = gateway->bgp;
	const struct config_resource *resource = &gateway->resource;
	uint32_t total = 0, wanted = gateway->active_active ? 2 : 1;

	if (!bgp)
		return;
	check_bgp_timers(check, AT(resource, "/properties/bgpSettings"), bgp);
	if (check_asn_reserved(bgp->asn, true))
		check_fail(check, AT(resource, "/properties/bgpSettings/asn"), CODE_PARAMETER,
			   "AS %lld is reserved.", (long long)bgp->asn);
	if (bgp->addresses.count && bgp->addresses.count != wanted)
		check_fail(check, AT(resource, "/properties/bgpSettings/bgpPeeringAddresses"),
			   "BgpPeeringAddressesCountNotCorrect",
			   "There must be %u, one per IP configuration, not %u.", wanted,
			   bgp->addresses.count);
	for (uint32_t i = 0; i < bgp->addresses.count; i++) {
		total += bgp->addresses.items[i].custom.count;
		for (uint32_t k = 0; k < bgp->addresses.items[i].custom.count; k++)
			check_custom(check, gateway, i, k);
	}
	if (total > 32)
		check_fail(check, AT(resource, "/properties/bgpSettings/bgpPeeringAddresses"),
			   CODE_PARAMETER, "At most 32 custom addresses; there are %u.", total);
}

/* FRR's speakers serve one gateway of an appliance. */
static void check_one_speaks(struct check *check)
{
	const struct config_gateway *first = NULL;

	for (uint32_t g = 0; g < config_count(check->config, CONFIG_GATEWAY); g++) {
		const struct config_gateway *gateway = config_gateway_at(check->config, g);

		if (!gateway->enable_bgp || !config_gateway_is_ours(check->config, gateway))
			continue;
		if (first)
			check_not_built(check, AT(&gateway->resource, "/properties/enableBgp"),
					"BGP on a second gateway of an appliance is not built; "
					"%s has it already.",
					first->resource.name);
		else
			first = gateway;
	}
}

static bool has_custom(const struct config_bgp_addresses *own, const struct net_addr *addr)
{
	for (uint32_t k = 0; own && k < own->custom.count; k++)
		if (net_addr_equal(&own->custom.items[k], addr))
			return true;
	return false;
}

static void check_apipa(struct check *check, const struct config_connection *connection,
			const struct config_gateway *gateway,
			const struct config_local_gateway *site)
{
	const struct net_addr *peer = &site->bgp->peering_address;
	const struct check_place *place =
		AT(&site->resource, "/properties/bgpSettings/bgpPeeringAddress");
	const struct config_bgp *bgp = gateway->bgp;

	for (uint32_t i = 0; bgp && i < bgp->addresses.count; i++)
		if (has_custom(&bgp->addresses.items[i], peer))
			check_fail(check, place, CODE_PARAMETER,
				   "Is a customBgpIpAddress of gateway %s.",
				   gateway->resource.name);
	for (uint32_t i = 0; i < gateway->ip_configurations.count; i++)
		if (config_custom_bgp(gateway, connection, i))
			return;
	check_fail(check, place, CODE_PARAMETER,
		   "Is an APIPA address: an IP configuration of gateway %s needs "
		   "customBgpIpAddresses for it, or connection %s gatewayCustomBgpIpAddresses.",
		   gateway->resource.name, connection->resource.name);
}

static bool is_unicast(const struct net_addr *addr)
{
	return addr->family != NET_IP4 ||
	       (addr->bytes[0] && addr->bytes[0] < 224 && !net_addr_is_loopback(addr));
}

/* The addresses that a connection takes are its instances', who listen on them. */
static void check_chosen(struct check *check, const struct config_connection *connection,
			 const struct config_gateway *gateway)
{
	static const char path[] = "/properties/gatewayCustomBgpIpAddresses/#/customBgpIpAddress";

	for (uint32_t i = 0; i < connection->custom_bgp.count; i++) {
		const struct net_addr *addr = &connection->custom_bgp.items[i].address;
		const struct config_ref *leg = &connection->custom_bgp.items[i].ip_configuration;
		bool known = false;

		for (uint32_t k = 0; k < gateway->ip_configurations.count && !known; k++)
			known = config_ref_is_named(leg,
						    gateway->ip_configurations.items[k].name) &&
				has_custom(config_bgp_addresses(gateway, k), addr);
		if (!known)
			check_fail(check, AT(&connection->resource, path, i), CODE_PARAMETER,
				   "Is no customBgpIpAddress of that IP configuration of gateway "
				   "%s.",
				   gateway->resource.name);
	}
}

/* What a session could not come up with. */
static void check_peer(struct check *check, const struct config_connection *connection,
		       const struct config_gateway *gateway,
		       const struct config_local_gateway *site)
{
	const struct config_virtual_network *here = config_gateway_network(check->config, gateway);
	const struct net_addr *peer = &site->bgp->peering_address;
	const struct check_place *place =
		AT(&site->resource, "/properties/bgpSettings/bgpPeeringAddress");

	if (peer->family == NET_IP6)
		check_fail(check, place, CODE_PARAMETER,
			   "Must be an IPv4 address: its session carries IPv6 routes as well.");
	for (uint32_t i = 0; here && i < here->prefixes.count; i++)
		if (net_prefix_contains(&here->prefixes.items[i], peer))
			check_fail(check, place, CODE_PARAMETER,
				   "Is within network %s of gateway %s; it must be the site's.",
				   here->resource.name, gateway->resource.name);
	if (!is_unicast(peer))
		check_fail(check, place, CODE_PARAMETER, "Is not an address that a peer can have.");
	if (net_addr_equal(peer, &site->address))
		check_fail(check, place, CODE_PARAMETER,
			   "Is gatewayIpAddress, where the tunnels end; the speaker needs an "
			   "address that is reached through them.");
	if (net_addr_is_link_local(peer))
		check_apipa(check, connection, gateway, site);
}

/* A speaker has one session with an address. */
static void check_peers(struct check *check)
{
	struct map peers;

	map_init(&peers);
	for (uint32_t i = 0; i < config_count(check->config, CONFIG_CONNECTION); i++) {
		const struct config_connection *connection = config_connection_at(check->config, i);
		const struct config_gateway *gateway = check->gateways[i];
		const struct config_local_gateway *site = check->sites[i];
		const struct config_connection *other;
		struct {
			const struct config_gateway *gateway;
			struct net_addr peer;
		} key;

		if (!connection->enable_bgp || !gateway || !site || !site->bgp ||
		    site->bgp->peering_address.family == NET_NONE)
			continue;
		check_peer(check, connection, gateway, site);
		check_chosen(check, connection, gateway);
		memset(&key, 0, sizeof(key));
		key.gateway = gateway;
		key.peer = site->bgp->peering_address;
		other = map_get(&peers, &key, sizeof(key));
		if (other)
			check_fail(check, AT(&connection->resource, "/properties/enableBgp"),
				   CODE_PARAMETER,
				   "%s has the bgpPeeringAddress of connection %s; each site needs "
				   "one of its own.",
				   site->resource.name, other->resource.name);
		else if (map_set(&peers, &key, sizeof(key), (void *)connection, NULL) < 0)
			break;
	}
	map_fini(&peers);
}

void check_gateway_bgp(struct check *check)
{
	check_one_speaks(check);
	for (uint32_t g = 0; g < config_count(check->config, CONFIG_GATEWAY); g++)
		check_gateway(check, config_gateway_at(check->config, g));
	for (uint32_t i = 0; i < config_count(check->config, CONFIG_LOCAL_GATEWAY); i++) {
		const struct config_local_gateway *site = config_local_gateway_at(check->config, i);

		if (site->bgp)
			check_bgp_timers(check, AT(&site->resource, "/properties/bgpSettings"),
					 site->bgp);
		if (site->bgp && check_asn_reserved(site->bgp->asn, false))
			check_fail(check, AT(&site->resource, "/properties/bgpSettings/asn"),
				   CODE_PARAMETER, "AS %lld is reserved.",
				   (long long)site->bgp->asn);
	}
	check_peers(check);
}
