/*
 * Azure's operations that have no answer here: those not built (501 with the feature that they
 * belong to), and those of ExpressRoute gateways, which this never is. Never a silent 404.
 */
#include "control/rest/state.h"

#include <string.h>
#include <strings.h>

static const struct {
	const char *action;
	const char *feature;
} features[] = {
	{ "resetvpnclientsharedkey", "point-to-site" },
	{ "generatevpnclientpackage", "point-to-site" },
	{ "generatevpnprofile", "point-to-site" },
	{ "getvpnprofilepackageurl", "point-to-site" },
	{ "setvpnclientipsecparameters", "point-to-site" },
	{ "getvpnclientipsecparameters", "point-to-site" },
	{ "getVpnClientConnectionHealth", "point-to-site" },
	{ "disconnectVirtualNetworkGatewayVpnConnections", "point-to-site" },
	{ "prepareMigration", "migration to other public addresses" },
	{ "executeMigration", "migration to other public addresses" },
	{ "commitMigration", "migration to other public addresses" },
	{ "abortMigration", "migration to other public addresses" },
};

static bool has_segment(const struct http_request *request, const char *text)
{
	for (uint32_t i = 0; i < request->segment_count; i++)
		if (!strcasecmp(request->segments[i], text))
			return true;
	return false;
}

static void not_built(struct router_call *call)
{
	const char *feature = "this", *action = NULL;

	/* Once it has refused, call->request is no more. */
	if (!rest_find(call, CONFIG_GATEWAY, call->names[0]))
		return;
	for (size_t i = 0; i < sizeof(features) / sizeof(features[0]); i++) {
		if (!has_segment(call->request, features[i].action))
			continue;
		action = features[i].action;
		feature = features[i].feature;
	}
	rest_refuse(call, &(struct error_answer){ 501, "NotImplemented", action },
		    "The operation %s belongs to %s, which is not built yet.", action ? action : "",
		    feature);
}

static void not_express_route(struct router_call *call)
{
	if (rest_find(call, CONFIG_GATEWAY, call->names[0]))
		rest_refuse(call, &(struct error_answer){ 400, "NotSupported", NULL },
			    "This operation is for gateways of type ExpressRoute; '%s' is of type "
			    "Vpn.",
			    call->names[0]);
}

/* There is no server to have a secret until point-to-site is built. */
static void radius_secrets(struct router_call *call)
{
	const struct config_resource *gateway = rest_find(call, CONFIG_GATEWAY, call->names[0]);
	struct http_reply reply = { .secret = true };

	if (!gateway)
		return;
	rest_audit(call, gateway->id, "radius secrets read");
	text_add(&reply.body, "{\"value\":[]}");
	rest_answer(call, &reply);
}

#define GATEWAY_POST(action, handler)                                                              \
	{                                                                                          \
		HTTP_POST, "virtualNetworkGateways/*/" action, CONFIG_TOKEN_OPERATE, handler       \
	}

static const struct router_row later_rows[] = {
	GATEWAY_POST("resetvpnclientsharedkey", not_built),
	GATEWAY_POST("generatevpnclientpackage", not_built),
	GATEWAY_POST("generatevpnprofile", not_built),
	GATEWAY_POST("getvpnprofilepackageurl", not_built),
	GATEWAY_POST("setvpnclientipsecparameters", not_built),
	GATEWAY_POST("getvpnclientipsecparameters", not_built),
	GATEWAY_POST("getVpnClientConnectionHealth", not_built),
	GATEWAY_POST("disconnectVirtualNetworkGatewayVpnConnections", not_built),
	GATEWAY_POST("prepareMigration", not_built),
	GATEWAY_POST("executeMigration", not_built),
	GATEWAY_POST("commitMigration", not_built),
	GATEWAY_POST("abortMigration", not_built),
};

const struct rest_rows rest_later_rows = { later_rows, sizeof(later_rows) / sizeof(later_rows[0]),
					   REST_NOT_BUILT };

static const struct router_row other_rows[] = {
	GATEWAY_POST("getResiliencyInformation", not_express_route),
	GATEWAY_POST("getRoutesInformation", not_express_route),
	GATEWAY_POST("getFailoverAllTestsDetails", not_express_route),
	GATEWAY_POST("getFailoverSingleTestDetails", not_express_route),
	GATEWAY_POST("startSiteFailoverTest", not_express_route),
	GATEWAY_POST("stopSiteFailoverTest", not_express_route),
	{ HTTP_POST, "virtualNetworkGateways/*/listRadiusSecrets", CONFIG_TOKEN_ADMIN,
	  radius_secrets },
};

const struct rest_rows rest_other_rows = { other_rows, sizeof(other_rows) / sizeof(other_rows[0]),
					   REST_OF_AZURE };
