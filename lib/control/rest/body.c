/*
 * Bodies of resources: what the configuration says, and what is the case at this moment.
 */
#include "control/config/print.h"
#include "control/config/schema.h"
#include "control/rest/gateway.h"
#include "control/rest/state.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

struct printing {
	struct rest *rest;
	const char *state; /* provisioningState */
};

struct sums {
	uint64_t in;
	uint64_t out;
	struct json_out *json; /* tunnels are printed here unless NULL */
};

static void time_text(char buf[32], uint64_t wall_ms)
{
	time_t seconds = (time_t)(wall_ms / 1000);
	struct tm tm;

	gmtime_r(&seconds, &tm);
	strftime(buf, 32, "%Y-%m-%dT%H:%M:%SZ", &tm);
}

static void body_tunnel(void *context, const struct tunnel_status *status)
{
	struct sums *sums = context;
	char time[32];

	sums->in += status->bytes_in;
	sums->out += status->bytes_out;
	if (!sums->json)
		return;
	json_out_open(sums->json, NULL, '{');
	json_out_string(sums->json, "tunnel", status->name);
	json_out_string(sums->json, "connectionStatus", tunnel_state_text(status->state));
	json_out_int(sums->json, "ingressBytesTransferred", (int64_t)status->bytes_in);
	json_out_int(sums->json, "egressBytesTransferred", (int64_t)status->bytes_out);
	if (status->established_wall_ms) {
		time_text(time, status->established_wall_ms);
		json_out_string(sums->json, "lastConnectionEstablishedUtcTime", time);
	}
	if (status->reason[0]) { /* ours: why it is down */
		json_out_string(sums->json, "lastFailureReason", status->reason);
		json_out_string(sums->json, "lastFailureDetail", status->detail);
		json_out_int(sums->json, "lastFailureCode", status->azure_code);
	}
	json_out_close(sums->json, '}');
}

static bool print_connection(const struct printing *printing,
			     const struct config_print_place *place, struct json_out *out)
{
	struct tunnels *tunnels = printing->rest->config.tunnels;
	const char *key = place->resource->key;
	struct sums sums = { 0 };

	if (!strcmp(place->name, "connectionStatus")) {
		json_out_string(out, place->name,
				tunnel_state_text(tunnels_connection_state(tunnels, key)));
		return true;
	}
	if (!strcmp(place->name, "tunnelConnectionStatus")) {
		sums.json = out;
		json_out_open(out, place->name, '[');
		tunnels_each(tunnels, key, body_tunnel, &sums);
		json_out_close(out, ']');
		return true;
	}
	if (strcmp(place->name, "ingressBytesTransferred") &&
	    strcmp(place->name, "egressBytesTransferred"))
		return false;
	tunnels_each(tunnels, key, body_tunnel, &sums);
	json_out_int(out, place->name, (int64_t)(place->name[0] == 'i' ? sums.in : sums.out));
	return true;
}

static bool status(void *context, const struct config_print_place *place, struct json_out *out)
{
	const struct printing *printing = context;
	char guid[ID_GUID_TEXT];

	if (!strcmp(place->name, "provisioningState")) {
		json_out_string(out, place->name, printing->state);
		return true;
	}
	if (!strcmp(place->name, "resourceGuid")) {
		id_guid_of_name(guid, place->resource->key);
		json_out_string(out, place->name, guid);
		return true;
	}
	if (place->resource->kind == CONFIG_GATEWAY)
		return rest_gateway_print(config_store_latest(printing->rest->config.store), place,
					  out);
	return place->resource->kind == CONFIG_CONNECTION && print_connection(printing, place, out);
}

static void print_body(struct rest *rest, const struct config_resource *resource, const char *state,
		       const char *const *without, struct json_out *out)
{
	struct printing printing = { rest, state };
	struct config_print print = { .shape = CONFIG_PRINT_BODY,
				      .status = status,
				      .context = &printing,
				      .without = without };

	config_print_resource(&print, resource, NULL, out);
}

void rest_print(struct rest *rest, const struct config_resource *resource, const char *state,
		struct json_out *out)
{
	print_body(rest, resource, state, NULL, out);
}

void rest_print_entity(struct rest *rest, const struct config_resource *resource, const char *state,
		       struct json_out *out)
{
	static const char *const without[] = {
		"ingressNatRules",	     "egressNatRules",	       "dpdTimeoutSeconds",
		"tunnelProperties",	     "useLocalAzureIpAddress", "authenticationType",
		"certificateAuthentication", "routingConfiguration",   NULL
	};

	print_body(rest, resource, state, without, out);
}
