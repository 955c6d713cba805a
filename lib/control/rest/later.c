/*
 * Azure's operations that are known and not built: 501 with a sentence, never a silent 404.
 */
#include "control/rest/state.h"

static void not_built(struct router_call *call)
{
	rest_refuse(call, &(struct error_answer){ 501, "NotImplemented", NULL },
		    "This operation is not built yet; see the reference page for what is.");
}

#define GATEWAY_POST(action)                                                                       \
	{                                                                                          \
		HTTP_POST, "virtualNetworkGateways/*/" action, CONFIG_TOKEN_OPERATE, not_built     \
	}

static const struct router_row rows[] = {
	GATEWAY_POST("resetvpnclientsharedkey"),
	GATEWAY_POST("generatevpnclientpackage"),
	GATEWAY_POST("generatevpnprofile"),
	GATEWAY_POST("getvpnprofilepackageurl"),
	GATEWAY_POST("getBgpPeerStatus"),
	GATEWAY_POST("getLearnedRoutes"),
	GATEWAY_POST("getAdvertisedRoutes"),
	GATEWAY_POST("listRadiusSecrets"),
	GATEWAY_POST("getResiliencyInformation"),
	GATEWAY_POST("getRoutesInformation"),
	GATEWAY_POST("setvpnclientipsecparameters"),
	GATEWAY_POST("getvpnclientipsecparameters"),
	GATEWAY_POST("startPacketCapture"),
	GATEWAY_POST("stopPacketCapture"),
	GATEWAY_POST("getFailoverAllTestsDetails"),
	GATEWAY_POST("getFailoverSingleTestDetails"),
	GATEWAY_POST("startSiteFailoverTest"),
	GATEWAY_POST("stopSiteFailoverTest"),
	GATEWAY_POST("getVpnClientConnectionHealth"),
	GATEWAY_POST("disconnectVirtualNetworkGatewayVpnConnections"),
	GATEWAY_POST("prepareMigration"),
	GATEWAY_POST("executeMigration"),
	GATEWAY_POST("commitMigration"),
	GATEWAY_POST("abortMigration"),
	{ HTTP_GET, "virtualNetworkGateways/*/natRules", CONFIG_TOKEN_READ, not_built },
	{ HTTP_GET, "virtualNetworkGateways/*/natRules/*", CONFIG_TOKEN_READ, not_built },
	{ HTTP_PUT, "virtualNetworkGateways/*/natRules/*", CONFIG_TOKEN_ADMIN, not_built },
	{ HTTP_DELETE, "virtualNetworkGateways/*/natRules/*", CONFIG_TOKEN_ADMIN, not_built },
	{ HTTP_POST, "connections/*/startPacketCapture", CONFIG_TOKEN_OPERATE, not_built },
	{ HTTP_POST, "connections/*/stopPacketCapture", CONFIG_TOKEN_OPERATE, not_built },
};

const struct rest_rows rest_later_rows = { rows, sizeof(rows) / sizeof(rows[0]) };
