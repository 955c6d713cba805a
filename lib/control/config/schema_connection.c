#include "control/config/schema_rows.h"

#include <ctype.h>
#include <string.h>

#define NO_NAT "NAT is not built yet"
#define NO_EXPRESS_ROUTE "the private circuit is a port of the appliance with the role circuit"
#define BROKEN "it is broken; take AES or AES-GCM"

static const struct schema_enum connection_type_values[] = {
	{ .name = "IPsec", .value = CONFIG_CONNECTION_IPSEC },
	{ .name = "Vnet2Vnet", .value = CONFIG_CONNECTION_VNET2VNET },
	{ .name = "ExpressRoute",
	  .value = CONFIG_CONNECTION_EXPRESS_ROUTE,
	  .refused = true,
	  .reason = NO_EXPRESS_ROUTE },
	{ .name = "VPNClient",
	  .value = CONFIG_CONNECTION_VPN_CLIENT,
	  .refused = true,
	  .reason = "clients are configured on the gateway" },
	{ 0 }
};
static const struct schema_enum protocol_values[] = { { .name = "IKEv2", .value = CONFIG_IKEV2 },
						      { .name = "IKEv1",
							.value = CONFIG_IKEV1,
							.refused = true,
							.reason = "IKEv1 is not built yet" },
						      { 0 } };
static const struct schema_enum connection_mode_values[] = {
	{ .name = "Default", .value = CONFIG_MODE_DEFAULT },
	{ .name = "ResponderOnly", .value = CONFIG_MODE_RESPONDER_ONLY },
	{ .name = "InitiatorOnly", .value = CONFIG_MODE_INITIATOR_ONLY },
	{ 0 }
};
static const struct schema_enum authentication_values[] = {
	{ .name = "PSK", .value = CONFIG_AUTH_PSK },
	{ .name = "Certificate", .value = CONFIG_AUTH_CERTIFICATE },
	{ 0 }
};
static const struct schema_enum connection_profile_values[] = {
	{ .name = "inherit", .value = CONFIG_CRYPTO_INHERIT },
	{ .name = "strong", .value = CONFIG_CRYPTO_STRONG },
	{ .name = "azure-compat", .value = CONFIG_CRYPTO_AZURE_COMPAT },
	{ 0 }
};
static const struct schema_enum source_check_values[] = {
	{ .name = "feasible", .value = CONFIG_SOURCE_FEASIBLE },
	{ .name = "strict", .value = CONFIG_SOURCE_STRICT },
	{ .name = "off", .value = CONFIG_SOURCE_OFF },
	{ 0 }
};
static const struct schema_enum dh_values[] = { { .name = "None",
						  .value = CONFIG_DH_NONE,
						  .refused = true,
						  .reason = "IKE has no exchange without a group" },
						{ .name = "DHGroup1", .value = CONFIG_DH_1 },
						{ .name = "DHGroup2", .value = CONFIG_DH_2 },
						{ .name = "DHGroup14", .value = CONFIG_DH_14 },
						{ .name = "DHGroup2048", .value = CONFIG_DH_2048 },
						{ .name = "ECP256", .value = CONFIG_DH_ECP256 },
						{ .name = "ECP384", .value = CONFIG_DH_ECP384 },
						{ .name = "DHGroup24", .value = CONFIG_DH_24 },
						{ 0 } };
static const struct schema_enum pfs_values[] = { { .name = "None", .value = CONFIG_PFS_NONE },
						 { .name = "PFS1", .value = CONFIG_PFS_1 },
						 { .name = "PFS2", .value = CONFIG_PFS_2 },
						 { .name = "PFS2048", .value = CONFIG_PFS_2048 },
						 { .name = "ECP256", .value = CONFIG_PFS_ECP256 },
						 { .name = "ECP384", .value = CONFIG_PFS_ECP384 },
						 { .name = "PFS24", .value = CONFIG_PFS_24 },
						 { .name = "PFS14", .value = CONFIG_PFS_14 },
						 { .name = "PFSMM", .value = CONFIG_PFS_MM },
						 { 0 } };
static const struct schema_enum ike_encryption_values[] = {
	{ .name = "DES", .value = CONFIG_ENC_DES, .refused = true, .reason = BROKEN },
	{ .name = "DES3", .value = CONFIG_ENC_DES3 },
	{ .name = "AES128", .value = CONFIG_ENC_AES128 },
	{ .name = "AES192", .value = CONFIG_ENC_AES192 },
	{ .name = "AES256", .value = CONFIG_ENC_AES256 },
	{ .name = "GCMAES256", .value = CONFIG_ENC_GCM256 },
	{ .name = "GCMAES128", .value = CONFIG_ENC_GCM128 },
	{ 0 }
};
static const struct schema_enum ike_integrity_values[] = {
	{ .name = "MD5", .value = CONFIG_INT_MD5, .refused = true, .reason = BROKEN },
	{ .name = "SHA1", .value = CONFIG_INT_SHA1 },
	{ .name = "SHA256", .value = CONFIG_INT_SHA256 },
	{ .name = "SHA384", .value = CONFIG_INT_SHA384 },
	{ .name = "GCMAES256", .value = CONFIG_INT_GCM256 },
	{ .name = "GCMAES128", .value = CONFIG_INT_GCM128 },
	{ 0 }
};
static const struct schema_enum ipsec_encryption_values[] = {
	{ .name = "None", .value = CONFIG_ENC_NONE },
	{ .name = "DES", .value = CONFIG_ENC_DES, .refused = true, .reason = BROKEN },
	{ .name = "DES3", .value = CONFIG_ENC_DES3 },
	{ .name = "AES128", .value = CONFIG_ENC_AES128 },
	{ .name = "AES192", .value = CONFIG_ENC_AES192 },
	{ .name = "AES256", .value = CONFIG_ENC_AES256 },
	{ .name = "GCMAES128", .value = CONFIG_ENC_GCM128 },
	{ .name = "GCMAES192", .value = CONFIG_ENC_GCM192 },
	{ .name = "GCMAES256", .value = CONFIG_ENC_GCM256 },
	{ 0 }
};
static const struct schema_enum ipsec_integrity_values[] = {
	{ .name = "MD5", .value = CONFIG_INT_MD5, .refused = true, .reason = BROKEN },
	{ .name = "SHA1", .value = CONFIG_INT_SHA1 },
	{ .name = "SHA256", .value = CONFIG_INT_SHA256 },
	{ .name = "GCMAES128", .value = CONFIG_INT_GCM128 },
	{ .name = "GCMAES192", .value = CONFIG_INT_GCM192 },
	{ .name = "GCMAES256", .value = CONFIG_INT_GCM256 },
	{ 0 }
};
const struct schema_enum schema_direction_values[] = {
	{ .name = "sum", .value = CONFIG_DIRECTION_SUM },
	{ .name = "each", .value = CONFIG_DIRECTION_EACH },
	{ 0 }
};

#define POLICY_ENUM(json_name, member, list, text)                                                 \
	{                                                                                          \
		.name = json_name, .type = SCHEMA_ENUM, .status = SCHEMA_ENFORCED,                 \
		.flags = SCHEMA_REQUIRED, SCHEMA_AT(config_ipsec_policy, member), .values = list,  \
		.help = text                                                                       \
	}

static const struct schema_field policy_rows[] = {
	{ .name = "saLifeTimeSeconds",
	  .type = SCHEMA_INT,
	  .status = SCHEMA_ENFORCED,
	  .flags = SCHEMA_REQUIRED,
	  SCHEMA_AT(config_ipsec_policy, sa_lifetime_s),
	  .min = 300,
	  .max = 172799,
	  .help = "Life of a child SA." },
	{ .name = "saDataSizeKilobytes",
	  .type = SCHEMA_INT,
	  .status = SCHEMA_ENFORCED,
	  .flags = SCHEMA_REQUIRED,
	  SCHEMA_AT(config_ipsec_policy, sa_data_kb),
	  .min = 1024,
	  .max = INT32_MAX,
	  .help = "Traffic of a child SA." },
	POLICY_ENUM("ipsecEncryption", ipsec_encryption, ipsec_encryption_values,
		    "`None` is integrity alone."),
	POLICY_ENUM("ipsecIntegrity", ipsec_integrity, ipsec_integrity_values,
		    "With GCM the same as `ipsecEncryption`."),
	POLICY_ENUM("ikeEncryption", ike_encryption, ike_encryption_values, ""),
	POLICY_ENUM("ikeIntegrity", ike_integrity, ike_integrity_values,
		    "Also the PRF; with GCM only that."),
	POLICY_ENUM("dhGroup", dh_group, dh_values, ""),
	POLICY_ENUM("pfsGroup", pfs_group, pfs_values, "`PFSMM` is the group of `dhGroup`."),
};
static const struct schema_object policy_object = { .name = "IPsec policy",
						    SCHEMA_ROWS(policy_rows),
						    .size = sizeof(struct config_ipsec_policy) };

static const struct schema_field selector_rows[] = {
	{ .name = "localAddressRanges",
	  .type = SCHEMA_ARRAY,
	  .element = SCHEMA_PREFIX,
	  .status = SCHEMA_ENFORCED,
	  .flags = SCHEMA_REQUIRED,
	  SCHEMA_AT(config_selector_policy, local),
	  .min = 1,
	  .max = 100,
	  .help = "Our side." },
	{ .name = "remoteAddressRanges",
	  .type = SCHEMA_ARRAY,
	  .element = SCHEMA_PREFIX,
	  .status = SCHEMA_ENFORCED,
	  .flags = SCHEMA_REQUIRED,
	  SCHEMA_AT(config_selector_policy, remote),
	  .min = 1,
	  .max = 100,
	  .help = "The peer's side." },
};
static const struct schema_object selector_object = {
	.name = "traffic selector policy",
	SCHEMA_ROWS(selector_rows),
	.size = sizeof(struct config_selector_policy),
};

static const struct schema_field custom_bgp_rows[] = {
	{ .name = "ipConfigurationId",
	  .type = SCHEMA_REF,
	  .status = SCHEMA_ENFORCED,
	  .flags = SCHEMA_REQUIRED,
	  SCHEMA_AT(config_custom_bgp_address, ip_configuration),
	  .ref_kind = CONFIG_GATEWAY,
	  .ref_child = "ipConfigurations",
	  .help = "The leg." },
	{ .name = "customBgpIpAddress",
	  .type = SCHEMA_ADDR,
	  .status = SCHEMA_ENFORCED,
	  .flags = SCHEMA_REQUIRED,
	  SCHEMA_AT(config_custom_bgp_address, address),
	  .help = "Its APIPA address on this connection." },
};
static const struct schema_object custom_bgp_object = {
	.name = "custom BGP address",
	SCHEMA_ROWS(custom_bgp_rows),
	.size = sizeof(struct config_custom_bgp_address),
};

static const struct schema_field tunnel_rows[] = {
	{ .name = "tunnelIpAddress",
	  .type = SCHEMA_ADDR,
	  .status = SCHEMA_REFUSED,
	  .reason = "it belongs to the high-bandwidth mode",
	  SCHEMA_AT(config_tunnel_properties, tunnel_address),
	  .help = "" },
	{ .name = "bgpPeeringAddress",
	  .type = SCHEMA_ADDR,
	  .status = SCHEMA_REFUSED,
	  .reason = "it belongs to the high-bandwidth mode",
	  SCHEMA_AT(config_tunnel_properties, bgp_address),
	  .help = "" },
};
static const struct schema_object tunnel_object = {
	.name = "tunnel properties",
	SCHEMA_ROWS(tunnel_rows),
	.size = sizeof(struct config_tunnel_properties),
};

static const struct schema_field limit_rows[] = {
	{ .name = "bitsPerSecond",
	  .type = SCHEMA_INT,
	  .status = SCHEMA_ENFORCED,
	  .flags = SCHEMA_LIVE | SCHEMA_HAS_DEFAULT,
	  SCHEMA_AT(config_limit, bits_per_s),
	  .max = 1000000000000,
	  .help = "0: no limit. Inner IP bytes count." },
	{ .name = "packetsPerSecond",
	  .type = SCHEMA_INT,
	  .status = SCHEMA_ENFORCED,
	  .flags = SCHEMA_LIVE | SCHEMA_HAS_DEFAULT,
	  SCHEMA_AT(config_limit, packets_per_s),
	  .max = 10000000000,
	  .help = "0: no limit." },
	{ .name = "burstMicroseconds",
	  .type = SCHEMA_INT,
	  .status = SCHEMA_ENFORCED,
	  .flags = SCHEMA_LIVE | SCHEMA_HAS_DEFAULT,
	  SCHEMA_AT(config_limit, burst_us),
	  .max = 1000000,
	  .help = "0: the data plane's default." },
	{ .name = "direction",
	  .type = SCHEMA_ENUM,
	  .status = SCHEMA_ENFORCED,
	  .flags = SCHEMA_LIVE | SCHEMA_HAS_DEFAULT,
	  SCHEMA_AT(config_limit, direction),
	  .values = schema_direction_values,
	  .help = "Both directions in one bucket, or one each." },
};
static const struct schema_object limit_object = { .name = "connection limits",
						   SCHEMA_ROWS(limit_rows),
						   .size = sizeof(struct config_limit) };

/* "0x": octets in hexadecimal, as ike_psk_octets() takes them. */
static bool octets_good(const struct secret *key)
{
	if (key->n < 2 || key->p[0] != '0' || (key->p[1] | 0x20) != 'x')
		return true;
	for (size_t i = 2; i < key->n; i++)
		if (!isxdigit(key->p[i]))
			return false;
	return key->n > 2 && key->n % 2 == 0;
}

/* RFC-free rule of Azure: printable ASCII without space, '-' and '~'; the key is never quoted. */
static bool check_shared_key(const struct schema_field *field, const void *value,
			     const struct where *where, struct config_report *report)
{
	const struct secret *key = value;

	for (size_t i = 0; i < key->n; i++) {
		uint8_t c = key->p[i];

		if (c > 0x20 && c < 0x7e && c != '-')
			continue;
		where_error(report, where, CODE_PARAMETER,
			    "May hold printable ASCII only, without space, '-' and '~'; "
			    "character %zu is none.",
			    i + 1);
		return false;
	}
	if (octets_good(key))
		return true;
	where_error(report, where, CODE_PARAMETER,
		    "Begins with 0x, which stands for octets: hexadecimal digits must follow, two "
		    "each.");
	return false;
}

#define NAT_REFS(json_name, member, text)                                                          \
	{                                                                                          \
		.name = json_name, .type = SCHEMA_ARRAY, .element = SCHEMA_REF,                    \
		.status = SCHEMA_REFUSED, .reason = NO_NAT, SCHEMA_AT(config_connection, member),  \
		.ref_kind = CONFIG_GATEWAY, .ref_child = "natRules", .max = 500, .help = text      \
	}
#define READ_ONLY(json_name, text)                                                                 \
	{                                                                                          \
		.name = json_name, .type = SCHEMA_NOTHING, .status = SCHEMA_ENFORCED,              \
		.flags = SCHEMA_READ_ONLY, .help = text                                            \
	}

static const struct schema_field connection_properties[] = {
	{ .name = "virtualNetworkGateway1",
	  .type = SCHEMA_REF,
	  .status = SCHEMA_ENFORCED,
	  .flags = SCHEMA_REQUIRED | SCHEMA_IMMUTABLE,
	  SCHEMA_AT(config_connection, gateway),
	  .ref_kind = CONFIG_GATEWAY,
	  .help = "The gateway." },
	{ .name = "virtualNetworkGateway2",
	  .type = SCHEMA_REF,
	  .status = SCHEMA_ENFORCED,
	  SCHEMA_AT(config_connection, other_gateway),
	  .ref_kind = CONFIG_GATEWAY,
	  .help = "Of `Vnet2Vnet`: the other gateway." },
	{ .name = "localNetworkGateway2",
	  .type = SCHEMA_REF,
	  .status = SCHEMA_ENFORCED,
	  SCHEMA_AT(config_connection, local_gateway),
	  .ref_kind = CONFIG_LOCAL_GATEWAY,
	  .help = "Of `IPsec`: the remote site." },
	{ .name = "connectionType",
	  .type = SCHEMA_ENUM,
	  .status = SCHEMA_ENFORCED,
	  .flags = SCHEMA_REQUIRED | SCHEMA_IMMUTABLE,
	  SCHEMA_AT(config_connection, type),
	  .values = connection_type_values,
	  .help = "" },
	{ .name = "connectionProtocol",
	  .type = SCHEMA_ENUM,
	  .status = SCHEMA_ENFORCED,
	  .flags = SCHEMA_IMMUTABLE | SCHEMA_HAS_DEFAULT,
	  SCHEMA_AT(config_connection, protocol),
	  .values = protocol_values,
	  .help = "" },
	{ .name = "connectionMode",
	  .type = SCHEMA_ENUM,
	  .status = SCHEMA_ENFORCED,
	  .flags = SCHEMA_HAS_DEFAULT | SCHEMA_LIVE,
	  SCHEMA_AT(config_connection, mode),
	  .values = connection_mode_values,
	  .help = "Who dials the first exchange." },
	{ .name = "authenticationType",
	  .type = SCHEMA_ENUM,
	  .status = SCHEMA_ENFORCED,
	  .flags = SCHEMA_HAS_DEFAULT,
	  SCHEMA_AT(config_connection, authentication),
	  .values = authentication_values,
	  .help = "" },
	{ .name = "certificateAuthentication",
	  .type = SCHEMA_OBJECT,
	  .status = SCHEMA_ENFORCED,
	  SCHEMA_AT(config_connection, certificate),
	  .object = &schema_certificate,
	  .help = "Of `Certificate`." },
	{ .name = "sharedKey",
	  .type = SCHEMA_SECRET,
	  .status = SCHEMA_ENFORCED,
	  .flags = SCHEMA_WRITE_ONLY,
	  SCHEMA_AT(config_connection, shared_key),
	  .min = 1,
	  .max = 128,
	  .check = check_shared_key,
	  .help = "1 to 128 printable ASCII characters without space, `-`, `~`; `0x` and "
		  "hexadecimal "
		  "digits are those octets. Absent: what it was, else a random one. Read it with "
		  "`GET "
		  ".../sharedkey`." },
	{ .name = "dpdTimeoutSeconds",
	  .type = SCHEMA_INT,
	  .status = SCHEMA_ENFORCED,
	  .flags = SCHEMA_LIVE | SCHEMA_HAS_DEFAULT,
	  SCHEMA_AT(config_connection, dpd_timeout_s),
	  .min = 0,
	  .max = 3600,
	  .preset = 45,
	  .help = "9 to 3600; 0 is the default. After this long without an answer a peer is "
		  "dead." },
	{ .name = "routingWeight",
	  .type = SCHEMA_INT,
	  .status = SCHEMA_STORED,
	  .flags = SCHEMA_LIVE | SCHEMA_HAS_DEFAULT,
	  SCHEMA_AT(config_connection, routing_weight),
	  .max = 32000,
	  .help = "No effect for VPN, as in Azure." },
	{ .name = "enableBgp",
	  .type = SCHEMA_BOOL,
	  .status = SCHEMA_ENFORCED,
	  SCHEMA_AT(config_connection, enable_bgp),
	  .help = "BGP through FRR, in the tunnels." },
	{ .name = "gatewayCustomBgpIpAddresses",
	  .type = SCHEMA_ARRAY,
	  .element = SCHEMA_OBJECT,
	  .status = SCHEMA_ENFORCED,
	  SCHEMA_AT(config_connection, custom_bgp),
	  .object = &custom_bgp_object,
	  .max = 2,
	  .help = "APIPA addresses of ours for this connection, one per IP configuration." },
	{ .name = "usePolicyBasedTrafficSelectors",
	  .type = SCHEMA_BOOL,
	  .status = SCHEMA_ENFORCED,
	  SCHEMA_AT(config_connection, policy_selectors),
	  .help = "Each pair of prefixes is a selector instead of any to any. What a peer asks "
		  "for is narrowed to a pair, with `azure-compat` to the prefixes of both sides." },
	{ .name = "trafficSelectorPolicies",
	  .type = SCHEMA_ARRAY,
	  .element = SCHEMA_OBJECT,
	  .status = SCHEMA_ENFORCED,
	  SCHEMA_AT(config_connection, selectors),
	  .object = &selector_object,
	  .max = 100,
	  .help = "Need `usePolicyBasedTrafficSelectors`." },
	{ .name = "ipsecPolicies",
	  .type = SCHEMA_ARRAY,
	  .element = SCHEMA_OBJECT,
	  .status = SCHEMA_ENFORCED,
	  SCHEMA_AT(config_connection, policies),
	  .object = &policy_object,
	  .max = 1,
	  .help = "One, complete; it replaces the profile." },
	{ .name = "useLocalAzureIpAddress",
	  .type = SCHEMA_BOOL,
	  .status = SCHEMA_ENFORCED,
	  SCHEMA_AT(config_connection, use_local_address),
	  .help = "Tunnels from the gateway's private addresses over a port with the role "
		  "`circuit`; needs `enablePrivateIpAddress` on the gateway." },
	NAT_REFS("ingressNatRules", ingress_nat, ""),
	NAT_REFS("egressNatRules", egress_nat, ""),
	{ .name = "tunnelProperties",
	  .type = SCHEMA_ARRAY,
	  .element = SCHEMA_OBJECT,
	  .status = SCHEMA_REFUSED,
	  .reason = "it belongs to the high-bandwidth mode",
	  SCHEMA_AT(config_connection, tunnel_properties),
	  .object = &tunnel_object,
	  .max = 2,
	  .help = "" },
	{ .name = "authorizationKey",
	  .type = SCHEMA_STRING,
	  .status = SCHEMA_REFUSED,
	  .reason = NO_EXPRESS_ROUTE,
	  SCHEMA_AT(config_connection, authorization_key),
	  .help = "" },
	{ .name = "peer",
	  .type = SCHEMA_JSON,
	  .status = SCHEMA_REFUSED,
	  .reason = NO_EXPRESS_ROUTE,
	  SCHEMA_AT(config_connection, peer),
	  .help = "" },
	{ .name = "expressRouteGatewayBypass",
	  .type = SCHEMA_BOOL,
	  .status = SCHEMA_REFUSED,
	  .reason = NO_EXPRESS_ROUTE,
	  SCHEMA_AT(config_connection, express_route_bypass),
	  .help = "" },
	{ .name = "enablePrivateLinkFastPath",
	  .type = SCHEMA_BOOL,
	  .status = SCHEMA_REFUSED,
	  .reason = NO_EXPRESS_ROUTE,
	  SCHEMA_AT(config_connection, private_link_fast_path),
	  .help = "" },
	{ .name = "routingConfiguration",
	  .type = SCHEMA_JSON,
	  .status = SCHEMA_REFUSED,
	  .reason = "it belongs to Virtual WAN",
	  SCHEMA_AT(config_connection, routing_configuration),
	  .help = "" },
	{ .name = "localId",
	  .type = SCHEMA_STRING,
	  .status = SCHEMA_ENFORCED,
	  .flags = SCHEMA_EXTENSION,
	  SCHEMA_AT(config_connection, local_id),
	  .max = 255,
	  .help = "Our IKE identity: an address, a name, user@name. Default: the public address "
		  "of the tunnel." },
	{ .name = "remoteId",
	  .type = SCHEMA_STRING,
	  .status = SCHEMA_ENFORCED,
	  .flags = SCHEMA_EXTENSION,
	  SCHEMA_AT(config_connection, remote_id),
	  .max = 255,
	  .help = "The peer's; `%any` takes each. Default: its address, or what it says when it "
		  "is behind a NAT." },
	{ .name = "cryptoProfile",
	  .type = SCHEMA_ENUM,
	  .status = SCHEMA_ENFORCED,
	  .flags = SCHEMA_EXTENSION | SCHEMA_HAS_DEFAULT,
	  SCHEMA_AT(config_connection, crypto_profile),
	  .values = connection_profile_values,
	  .help = "`inherit`: the appliance's." },
	{ .name = "sourceCheck",
	  .type = SCHEMA_ENUM,
	  .status = SCHEMA_ENFORCED,
	  .flags = SCHEMA_EXTENSION | SCHEMA_HAS_DEFAULT | SCHEMA_LIVE,
	  SCHEMA_AT(config_connection, source_check),
	  .values = source_check_values,
	  .help = "Which inner sources are taken out of its tunnels: those in prefixes that the "
		  "site "
		  "was configured with or announces, whichever way is best (`feasible`); those "
		  "that "
		  "are routed into this very tunnel (`strict`); all (`off`)." },
	{ .name = "limits",
	  .type = SCHEMA_OBJECT,
	  .status = SCHEMA_ENFORCED,
	  .flags = SCHEMA_EXTENSION | SCHEMA_LIVE,
	  SCHEMA_AT(config_connection, limits),
	  .object = &limit_object,
	  .help = "" },
	{ .name = "routeFilters",
	  .type = SCHEMA_OBJECT,
	  .status = SCHEMA_ENFORCED,
	  .flags = SCHEMA_EXTENSION | SCHEMA_LIVE,
	  SCHEMA_AT(config_connection, route_filters),
	  .object = &schema_route_filters,
	  .help = "Which routes its BGP sessions take in and tell." },
	READ_ONLY("connectionStatus", "`Unknown`, `Connecting`, `Connected`, `NotConnected`."),
	READ_ONLY("tunnelConnectionStatus", "One entry per tunnel."),
	READ_ONLY("ingressBytesTransferred", ""),
	READ_ONLY("egressBytesTransferred", ""),
	SCHEMA_PROVISIONING_ROWS,
};
static const struct schema_object connection_properties_object = {
	.name = "connection properties", SCHEMA_ROWS(connection_properties)
};

static const struct schema_field connection_rows[] = {
	SCHEMA_RESOURCE_ROWS,
	{ .name = "properties",
	  .type = SCHEMA_OBJECT,
	  .status = SCHEMA_ENFORCED,
	  .flags = SCHEMA_INLINE | SCHEMA_REQUIRED,
	  .object = &connection_properties_object,
	  .help = "" },
};
const struct schema_object schema_connection = {
	.name = "connections",
	SCHEMA_ROWS(connection_rows),
	.size = sizeof(struct config_connection),
};

static const struct schema_field lng_space_rows[] = {
	{ .name = "addressPrefixes",
	  .type = SCHEMA_ARRAY,
	  .element = SCHEMA_PREFIX,
	  .status = SCHEMA_ENFORCED,
	  .flags = SCHEMA_LIVE,
	  SCHEMA_AT(config_local_gateway, prefixes),
	  .max = 1000,
	  .help = "What is behind the site; empty only with BGP." },
};
static const struct schema_object lng_space_object = { .name = "address space of a site",
						       SCHEMA_ROWS(lng_space_rows) };

static bool check_fqdn(const struct schema_field *field, const void *value,
		       const struct where *where, struct config_report *report)
{
	const char *name = *(const char *const *)value;
	size_t label = 0;

	for (const char *c = name; *c; c++) {
		bool letter = (*c | 0x20) >= 'a' && (*c | 0x20) <= 'z';

		if (letter || (*c >= '0' && *c <= '9') || *c == '_' || (*c == '-' && label)) {
			if (++label <= 63)
				continue;
		} else if (*c == '.' && label) {
			label = 0;
			continue;
		}
		where_error(
			report, where, CODE_PARAMETER,
			"\"%s\" is no host name: labels of letters, digits and '-' with dots in "
			"between.",
			name);
		return false;
	}
	return true;
}

static const struct schema_field local_gateway_properties[] = {
	{ .name = "localNetworkAddressSpace",
	  .type = SCHEMA_OBJECT,
	  .status = SCHEMA_ENFORCED,
	  .flags = SCHEMA_INLINE,
	  .object = &lng_space_object,
	  .help = "" },
	{ .name = "gatewayIpAddress",
	  .type = SCHEMA_ADDR,
	  .status = SCHEMA_ENFORCED,
	  SCHEMA_AT(config_local_gateway, address),
	  .help = "Address of the remote device (`0.0.0.0` or `::`, ours: any; it must dial), or" },
	{ .name = "sharedPrefixes",
	  .type = SCHEMA_BOOL,
	  .status = SCHEMA_ENFORCED,
	  .flags = SCHEMA_EXTENSION | SCHEMA_LIVE,
	  SCHEMA_AT(config_local_gateway, shared_prefixes),
	  .help = "Another site of the gateway may have the same prefixes (dual redundancy without "
		  "BGP); both say so, and flows are spread over both." },
	{ .name = "fqdn",
	  .type = SCHEMA_STRING,
	  .status = SCHEMA_ENFORCED,
	  SCHEMA_AT(config_local_gateway, fqdn),
	  .min = 1,
	  .max = 253,
	  .check = check_fqdn,
	  .help = "its name, which is resolved before each dial; all its addresses are tried, and "
		  "a "
		  "tunnel that is up goes on whatever the answer. The peer may call itself by this "
		  "name or by its address, unless `remoteId` says otherwise." },
	{ .name = "bgpSettings",
	  .type = SCHEMA_OBJECT,
	  .status = SCHEMA_ENFORCED,
	  SCHEMA_AT(config_local_gateway, bgp),
	  .object = &schema_bgp,
	  .help = "" },
	SCHEMA_PROVISIONING_ROWS,
};
static const struct schema_object local_gateway_properties_object = {
	.name = "local network gateway properties", SCHEMA_ROWS(local_gateway_properties)
};
static const struct schema_field local_gateway_rows[] = {
	SCHEMA_RESOURCE_ROWS,
	{ .name = "properties",
	  .type = SCHEMA_OBJECT,
	  .status = SCHEMA_ENFORCED,
	  .flags = SCHEMA_INLINE | SCHEMA_REQUIRED,
	  .object = &local_gateway_properties_object,
	  .help = "" },
};
const struct schema_object schema_local_gateway = {
	.name = "localNetworkGateways",
	SCHEMA_ROWS(local_gateway_rows),
	.size = sizeof(struct config_local_gateway),
};
