#include "control/config/check.h"

#include "control/config/filter.h"

#include "control/config/schema.h"
#include "control/config/sku.h"

#include <string.h>

#define POLICY "/properties/ipsecPolicies/0"

static bool is_gcm(int encryption)
{
	return encryption >= CONFIG_ENC_GCM128;
}

/* GCM of a size pairs with the same size, and nothing else with GCM. */
static bool pairs(int encryption, int integrity)
{
	if (is_gcm(encryption))
		return integrity == CONFIG_INT_GCM128 + (encryption - CONFIG_ENC_GCM128);
	return integrity < CONFIG_INT_GCM128;
}

static void warn_weak(struct check *check, const struct config_connection *connection,
		      const struct config_ipsec_policy *policy)
{
	const struct {
		bool weak;
		const char *path;
	} rows[] = {
		{ policy->dh_group == CONFIG_DH_1 || policy->dh_group == CONFIG_DH_2 ||
			  policy->dh_group == CONFIG_DH_24,
		  POLICY "/dhGroup" },
		{ policy->pfs_group == CONFIG_PFS_1 || policy->pfs_group == CONFIG_PFS_2 ||
			  policy->pfs_group == CONFIG_PFS_24,
		  POLICY "/pfsGroup" },
		{ policy->ike_encryption == CONFIG_ENC_DES3, POLICY "/ikeEncryption" },
		{ policy->ipsec_encryption == CONFIG_ENC_DES3 ||
			  policy->ipsec_encryption == CONFIG_ENC_NONE,
		  POLICY "/ipsecEncryption" },
		{ policy->ike_integrity == CONFIG_INT_SHA1, POLICY "/ikeIntegrity" },
		{ policy->ipsec_integrity == CONFIG_INT_SHA1, POLICY "/ipsecIntegrity" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (rows[i].weak)
			check_warn(check, AT(&connection->resource, rows[i].path),
				   "Is weak by today's measure.");
}

static void check_policy(struct check *check, const struct config_connection *connection)
{
	const struct config_ipsec_policy *policy = connection->policies.items;
	const struct config_resource *resource = &connection->resource;

	if (!connection->policies.count)
		return;
	if (!pairs(policy->ipsec_encryption, policy->ipsec_integrity))
		check_fail(check, AT(resource, POLICY "/ipsecIntegrity"),
			   "IpsecPolicyIntegrityMismatch",
			   is_gcm(policy->ipsec_encryption)
				   ? "Must be the same GCM as ipsecEncryption."
				   : "Can be GCM only when ipsecEncryption is the same GCM.");
	/* The PRF comes of it (RFC 7296 section 2.13), and there is none named GCM. */
	if (policy->ike_integrity >= CONFIG_INT_GCM128)
		check_fail(check, AT(resource, POLICY "/ikeIntegrity"), CODE_PARAMETER,
			   "Is what the PRF is made of: take SHA256 or SHA384, also with GCM.");
	if (policy->pfs_group == CONFIG_PFS_MM && policy->dh_group == CONFIG_DH_NONE)
		check_fail(check, AT(resource, POLICY "/pfsGroup"), CODE_PARAMETER,
			   "PFSMM needs a dhGroup.");
	warn_weak(check, connection, policy);
}

static void check_ends(struct check *check, const struct config_connection *connection)
{
	const struct config_resource *resource = &connection->resource;
	bool site = connection->local_gateway.key, other = connection->other_gateway.key;

	if (connection->type == CONFIG_CONNECTION_IPSEC && !site)
		check_fail(check, AT(resource, "/properties/localNetworkGateway2"), CODE_CONTENT,
			   "Is missing: an IPsec connection leads to a local network gateway.");
	if (connection->type == CONFIG_CONNECTION_IPSEC && other)
		check_fail(check, AT(resource, "/properties/virtualNetworkGateway2"),
			   CODE_PARAMETER, "Belongs to Vnet2Vnet connections.");
	if (connection->type == CONFIG_CONNECTION_VNET2VNET && !other)
		check_fail(check, AT(resource, "/properties/virtualNetworkGateway2"), CODE_CONTENT,
			   "Is missing: a Vnet2Vnet connection leads to another gateway.");
	if (connection->type == CONFIG_CONNECTION_VNET2VNET && site)
		check_fail(check, AT(resource, "/properties/localNetworkGateway2"), CODE_PARAMETER,
			   "Belongs to IPsec connections.");
	if (other && !strcmp(connection->other_gateway.key, connection->gateway.key))
		check_fail(check, AT(resource, "/properties/virtualNetworkGateway2"),
			   CODE_PARAMETER, "A gateway cannot be connected with itself.");
}

static void check_rule(struct check *check, const struct config_connection *connection,
		       const char *path, uint32_t i, const struct config_route_rule *rule)
{
	int64_t length = rule->prefix.length;
	int64_t longest = rule->prefix.addr.family == NET_IP6 ? 128 : 32;

	if (rule->prefix.addr.family == NET_NONE && (rule->ge || rule->le))
		check_fail(check, AT(&connection->resource, path, i), CODE_PARAMETER,
			   "ge and le need a prefix.");
	else if ((rule->ge && rule->ge <= length) || rule->ge > longest ||
		 (rule->le && rule->le < (rule->ge ? rule->ge : length)) || rule->le > longest)
		check_fail(check, AT(&connection->resource, path, i), CODE_PARAMETER,
			   "Must be so: the prefix's length < ge <= le <= %d.", (int)longest);
}

static void check_filters(struct check *check, const struct config_connection *connection)
{
	const struct config_route_filters *filters = connection->route_filters;

	if (!filters)
		return;
	if (!connection->enable_bgp)
		check_fail(check, AT(&connection->resource, "/properties/routeFilters"),
			   CODE_PARAMETER, "Needs enableBgp.");
	for (uint32_t i = 0; i < filters->in.count; i++)
		check_rule(check, connection, "/properties/routeFilters/in/#", i,
			   &filters->in.items[i]);
	for (uint32_t i = 0; i < filters->out.count; i++)
		check_rule(check, connection, "/properties/routeFilters/out/#", i,
			   &filters->out.items[i]);
}

static void check_bgp(struct check *check, const struct config_connection *connection,
		      const struct config_gateway *gateway, const struct config_local_gateway *site)
{
	const struct config_resource *resource = &connection->resource;

	check_filters(check, connection);
	if (!connection->enable_bgp) {
		if (site && !site->prefixes.count &&
		    strcmp(gateway->default_site.key ? gateway->default_site.key : "",
			   site->resource.key))
			check_fail(
				check, AT(resource, "/properties/localNetworkGateway2"),
				CODE_PARAMETER,
				"%s has no address prefixes; without BGP nothing would be routed "
				"there.",
				site->resource.name);
		return;
	}
	if (!gateway->enable_bgp)
		check_fail(check, AT(resource, "/properties/enableBgp"), CODE_PARAMETER,
			   "Needs enableBgp on gateway %s.", gateway->resource.name);
	if (site && (!site->bgp || site->bgp->peering_address.family == NET_NONE))
		check_fail(check, AT(resource, "/properties/enableBgp"), CODE_PARAMETER,
			   "Needs bgpSettings with asn and bgpPeeringAddress on %s.",
			   site->resource.name);
	else if (site && site->bgp->asn == config_gateway_asn(gateway))
		check_fail(check, AT(resource, "/properties/enableBgp"), CODE_PARAMETER,
			   "%s has the AS number of the gateway; sessions are external only.",
			   site->resource.name);
}

/* A tunnel over the private circuit ends at private addresses. */
static void check_private(struct check *check, const struct config_connection *connection,
			  const struct config_gateway *gateway,
			  const struct config_local_gateway *site)
{
	const struct check_place *place =
		AT(&connection->resource, "/properties/useLocalAzureIpAddress");

	if (!connection->use_local_address)
		return;
	if (!gateway->private_ip)
		check_fail(check, place, CODE_PARAMETER,
			   "Needs enablePrivateIpAddress on gateway %s.", gateway->resource.name);
	if (connection->type != CONFIG_CONNECTION_IPSEC)
		check_fail(check, place, CODE_PARAMETER, "Belongs to IPsec connections.");
	if (!config_gateway_subnet(check->config, gateway))
		check_fail(check, place, CODE_PARAMETER,
			   "Needs an IPv4 GatewaySubnet: the tunnels end at addresses out of it.");
	if (site && site->address.family == NET_IP6)
		check_fail(check, place, CODE_PARAMETER,
			   "%s has an IPv6 address; the gateway's private address is IPv4.",
			   site->resource.name);
}

static void check_own_address(struct check *check, const struct config_connection *connection,
			      const struct config_gateway *gateway,
			      const struct config_local_gateway *site)
{
	for (uint32_t i = 0; i < gateway->ip_configurations.count; i++) {
		const struct config_public_ip *ip = config_public_ip_find(
			check->config, &gateway->ip_configurations.items[i].public_ip);

		if (ip && (net_addr_equal(&ip->address, &site->address) ||
			   net_addr_equal(config_public_ip_local(ip), &site->address)))
			check_fail(check,
				   AT(&connection->resource, "/properties/localNetworkGateway2"),
				   CODE_PARAMETER, "%s has the address of the gateway itself.",
				   site->resource.name);
	}
}

static void check_sku(struct check *check, const struct config_connection *connection,
		      const struct config_gateway *gateway)
{
	const struct sku *sku = sku_of_gateway(check->config, gateway);
	const struct config_resource *resource = &connection->resource;

	if (!sku)
		return;
	if (connection->policies.count && !sku_has(sku, SKU_IPSEC_POLICIES))
		check_fail(check, AT(resource, "/properties/ipsecPolicies"), CODE_SKU_FEATURE,
			   "SKU %s of gateway %s has no custom policies.", sku->name,
			   gateway->resource.name);
	if (connection->authentication == CONFIG_AUTH_CERTIFICATE &&
	    !sku_has(sku, SKU_CERTIFICATES))
		check_fail(check, AT(resource, "/properties/authenticationType"), CODE_SKU_FEATURE,
			   "SKU %s of gateway %s has no certificates for sites.", sku->name,
			   gateway->resource.name);
	if (connection->policy_selectors && !sku_has(sku, SKU_POLICY_SELECTORS))
		check_fail(check, AT(resource, "/properties/usePolicyBasedTrafficSelectors"),
			   CODE_SKU_FEATURE, "SKU %s of gateway %s has no such selectors.",
			   sku->name, gateway->resource.name);
}

static void check_certificate(struct check *check, const struct config_connection *connection)
{
	const struct config_certificate_authentication *with = connection->certificate;
	const struct config_resource *resource = &connection->resource;

	if (connection->authentication != CONFIG_AUTH_CERTIFICATE) {
		if (with)
			check_warn(check, AT(resource, "/properties/certificateAuthentication"),
				   "Is not used: authenticationType is PSK.");
		return;
	}
	if (!with) {
		check_fail(check, AT(resource, "/properties/certificateAuthentication"),
			   CODE_CONTENT, "Is missing: authenticationType is Certificate.");
		return;
	}
	if (!with->subject && !connection->remote_id)
		check_fail(check,
			   AT(resource, "/properties/certificateAuthentication/"
					"inboundAuthCertificateSubjectName"),
			   CODE_CONTENT,
			   "Is missing: it, or remoteId, says which of the certificates below the "
			   "chain is the peer's.");
	if (with->revocation_required && !with->revocation_lists.count)
		check_fail(check,
			   AT(resource, "/properties/certificateAuthentication/"
					"inboundAuthRevocationRequired"),
			   CODE_PARAMETER, "Needs inboundAuthRevocationLists.");
}

/* A child for each pair of a prefix here and a prefix there. */
static void check_pairs(struct check *check, const struct config_connection *connection,
			const struct config_gateway *gateway,
			const struct config_local_gateway *site)
{
	const struct config_virtual_network *here = config_gateway_network(check->config, gateway);
	const struct config_gateway *other =
		config_gateway_find(check->config, &connection->other_gateway);
	const struct config_virtual_network *there =
		other ? config_gateway_network(check->config, other) : NULL;
	const struct config_array none = { 0 };
	const struct config_array *far = site ? (const void *)&site->prefixes
					      : (there ? (const void *)&there->prefixes : &none);
	const struct net_prefix *prefixes = far->items;
	int64_t most = config_appliance(check->config)->maxima.selector_pairs, pairs = 0;

	if (!connection->policy_selectors || connection->selectors.count || !here || !far->count)
		return;
	for (uint32_t l = 0; l < here->prefixes.count; l++)
		for (uint32_t r = 0; r < far->count; r++)
			pairs += here->prefixes.items[l].addr.family == prefixes[r].addr.family;
	if (pairs > most)
		check_fail(check,
			   AT(&connection->resource, "/properties/usePolicyBasedTrafficSelectors"),
			   CODE_QUOTA,
			   "%u prefixes here and %u there give %lld pairs of selectors; "
			   "/appliance/maxima/selectorPairs is %lld.",
			   here->prefixes.count, far->count, (long long)pairs, (long long)most);
	else if (!pairs)
		check_fail(
			check,
			AT(&connection->resource, "/properties/usePolicyBasedTrafficSelectors"),
			CODE_PARAMETER,
			"The prefixes here and there are of different families: there is no pair "
			"of selectors.");
}

static void check_connection(struct check *check, uint32_t i)
{
	const struct config_connection *connection = config_connection_at(check->config, i);
	const struct config_resource *resource = &connection->resource;
	const struct config_gateway *gateway = check->gateways[i];
	const struct config_local_gateway *site = check->sites[i];

	check_ends(check, connection);
	check_policy(check, connection);
	check_certificate(check, connection);
	if (connection->dpd_timeout_s && connection->dpd_timeout_s < 9)
		check_fail(check, AT(resource, "/properties/dpdTimeoutSeconds"), CODE_PARAMETER,
			   "Must be 9 to 3600, or 0 for the default.");
	if (connection->selectors.count && !connection->policy_selectors)
		check_fail(check, AT(resource, "/properties/trafficSelectorPolicies"),
			   CODE_PARAMETER, "Needs usePolicyBasedTrafficSelectors.");
	if (connection->mode != CONFIG_MODE_DEFAULT && gateway &&
	    gateway->vpn_type == CONFIG_POLICY_BASED)
		check_fail(check, AT(resource, "/properties/connectionMode"), CODE_PARAMETER,
			   "Needs a RouteBased gateway.");
	if (connection->mode == CONFIG_MODE_INITIATOR_ONLY && site && site->address.family &&
	    net_addr_is_any(&site->address))
		check_fail(check, AT(resource, "/properties/connectionMode"), CODE_PARAMETER,
			   "%s has any address, so it must dial.", site->resource.name);
	if (!gateway)
		return;
	check_bgp(check, connection, gateway, site);
	check_vnet_connection(check, connection, gateway);
	check_private(check, connection, gateway, site);
	check_pairs(check, connection, gateway, site);
	check_sku(check, connection, gateway);
	if (site && site->address.family)
		check_own_address(check, connection, gateway, site);
}

/* Who may come from anywhere is told apart only by its identity: each is a candidate of each dial.
 */
#define ROAMING_MAX 64

static bool is_roaming(const struct config_local_gateway *site)
{
	return site && (site->fqdn || (site->address.family && net_addr_is_any(&site->address)));
}

static void check_roaming(struct check *check, const struct config_gateway *gateway)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < config_count(check->config, CONFIG_CONNECTION); i++)
		count += check->gateways[i] == gateway && is_roaming(check->sites[i]);
	if (count > ROAMING_MAX)
		check_fail(
			check, AT(&gateway->resource, ""), CODE_QUOTA,
			"%u connections lead to sites that are known by name or have any address; "
			"a gateway can have %d.",
			count, ROAMING_MAX);
}

/* The one that was put, when it was not the gateway that was; or NULL. */
static const struct config_resource *newcomer(const struct check *check,
					      const struct config_gateway *gateway)
{
	const struct config_resource *found = NULL;

	if (gateway->resource.revision == check->config->revision)
		return NULL;
	for (uint32_t i = 0; i < config_count(check->config, CONFIG_CONNECTION); i++) {
		const struct config_resource *one = config_at(check->config, CONFIG_CONNECTION, i);

		if (check->gateways[i] == gateway && one->revision == check->config->revision)
			found = one;
	}
	return found;
}

static void check_count(struct check *check, const struct config_gateway *gateway, uint32_t count)
{
	const struct sku *sku = sku_of_gateway(check->config, gateway);
	const struct config_resource *last;
	int64_t most = sku ? sku_connections(sku, gateway) : 0;

	if (!most || count <= most)
		return;
	last = newcomer(check, gateway);
	check_fail(check,
		   last ? AT(last, "/properties/virtualNetworkGateway1")
			: AT(&gateway->resource, "/properties/sku/name"),
		   CODE_QUOTA, "SKU %s carries %lld connections; gateway %s has %u.", sku->name,
		   (long long)most, gateway->resource.name, count);
}

void check_connections(struct check *check)
{
	uint32_t count = config_count(check->config, CONFIG_CONNECTION);

	for (uint32_t i = 0; i < count; i++)
		check_connection(check, i);
	for (uint32_t g = 0; g < config_count(check->config, CONFIG_GATEWAY); g++) {
		const struct config_gateway *gateway = config_gateway_at(check->config, g);
		uint32_t own = 0;

		for (uint32_t i = 0; i < count; i++)
			own += check->gateways[i] == gateway;
		check_count(check, gateway, own);
		check_roaming(check, gateway);
	}
}
