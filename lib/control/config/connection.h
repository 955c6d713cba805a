#pragma once
/*
 * A connection joins a gateway to a remote site or to another gateway.
 */
#include "control/config/types.h"

enum config_connection_type {
	CONFIG_CONNECTION_IPSEC,
	CONFIG_CONNECTION_VNET2VNET,
	CONFIG_CONNECTION_EXPRESS_ROUTE,
	CONFIG_CONNECTION_VPN_CLIENT,
};
enum config_protocol { CONFIG_IKEV2, CONFIG_IKEV1 };
enum config_mode { CONFIG_MODE_DEFAULT, CONFIG_MODE_RESPONDER_ONLY, CONFIG_MODE_INITIATOR_ONLY };
enum config_authentication { CONFIG_AUTH_PSK, CONFIG_AUTH_CERTIFICATE };

enum config_dh {
	CONFIG_DH_NONE,
	CONFIG_DH_1,
	CONFIG_DH_2,
	CONFIG_DH_14,
	CONFIG_DH_2048, /* the same group, the other spelling */
	CONFIG_DH_ECP256,
	CONFIG_DH_ECP384,
	CONFIG_DH_24,
};
enum config_pfs {
	CONFIG_PFS_NONE,
	CONFIG_PFS_1,
	CONFIG_PFS_2,
	CONFIG_PFS_2048,
	CONFIG_PFS_ECP256,
	CONFIG_PFS_ECP384,
	CONFIG_PFS_24,
	CONFIG_PFS_14,
	CONFIG_PFS_MM, /* the group of phase 1 */
};
enum config_encryption {
	CONFIG_ENC_NONE,
	CONFIG_ENC_DES,
	CONFIG_ENC_DES3,
	CONFIG_ENC_AES128,
	CONFIG_ENC_AES192,
	CONFIG_ENC_AES256,
	CONFIG_ENC_GCM128,
	CONFIG_ENC_GCM192,
	CONFIG_ENC_GCM256,
};
enum config_integrity {
	CONFIG_INT_MD5,
	CONFIG_INT_SHA1,
	CONFIG_INT_SHA256,
	CONFIG_INT_SHA384,
	CONFIG_INT_GCM128,
	CONFIG_INT_GCM192,
	CONFIG_INT_GCM256,
};

struct config_ipsec_policy {
	int64_t sa_lifetime_s;
	int64_t sa_data_kb;
	int ipsec_encryption; /* enum config_encryption */
	int ipsec_integrity;  /* enum config_integrity */
	int ike_encryption;
	int ike_integrity;
	int dh_group;  /* enum config_dh */
	int pfs_group; /* enum config_pfs */
};

enum config_source_check { CONFIG_SOURCE_FEASIBLE, CONFIG_SOURCE_STRICT, CONFIG_SOURCE_OFF };

struct config_selector_policy {
	CONFIG_ARRAY(struct net_prefix) local;
	CONFIG_ARRAY(struct net_prefix) remote;
};

struct config_custom_bgp_address {
	struct config_ref ip_configuration;
	struct net_addr address;
};

struct config_tunnel_properties {
	struct net_addr tunnel_address;
	struct net_addr bgp_address;
};

/* Of authenticationType Certificate. Files are named by path or file: URI, as the user wrote them.
 */
struct config_certificate_authentication {
	const char *certificate; /* ours, with the chain below the root */
	const char *private_key; /* NULL: in the same file */
	const char *subject;	 /* the peer's: a DN, "*" values allowed, or a common name */
	CONFIG_ARRAY(const char *) chain; /* roots and intermediates: base64, PEM or a file */
	CONFIG_ARRAY(const char *) revocation_lists; /* files */
	bool revocation_required;
};

/* The path of "/path" or "file:///path"; NULL for anything else. */
const char *config_file_path(const char *text);

struct config_connection {
	struct config_resource resource;
	struct config_ref gateway;	 /* virtualNetworkGateway1 */
	struct config_ref other_gateway; /* virtualNetworkGateway2 */
	struct config_ref local_gateway; /* localNetworkGateway2 */
	int type;			 /* enum config_connection_type */
	int protocol;			 /* enum config_protocol */
	int mode;			 /* enum config_mode */
	int authentication;		 /* enum config_authentication */
	int64_t dpd_timeout_s;
	int64_t routing_weight;
	struct secret shared_key; /* always there in a snapshot: generated when not given */
	bool enable_bgp;
	bool policy_selectors;
	bool use_local_address;
	bool express_route_bypass;
	bool private_link_fast_path;
	CONFIG_ARRAY(struct config_ipsec_policy) policies; /* none, or one */
	CONFIG_ARRAY(struct config_selector_policy) selectors;
	CONFIG_ARRAY(struct config_custom_bgp_address) custom_bgp;
	CONFIG_ARRAY(struct config_ref) ingress_nat;
	CONFIG_ARRAY(struct config_ref) egress_nat;
	CONFIG_ARRAY(struct config_tunnel_properties) tunnel_properties;
	const char *authorization_key;
	const char *peer; /* ExpressRoute circuit */
	const struct config_certificate_authentication *certificate;
	const char *routing_configuration;
	/* Our extensions. */
	const char *local_id;
	const char *remote_id;
	int crypto_profile; /* enum config_crypto_profile */
	int source_check;   /* enum config_source_check */
	const struct config_limit *limits;
	const struct config_route_filters *route_filters; /* filter.h; NULL: none */
};
