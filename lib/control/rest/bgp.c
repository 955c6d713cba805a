/*
 * What BGP does, in the API's shape: peers, learned and advertised routes.
 */
#include "control/config/json_out.h"
#include "control/rest/state.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* As .NET writes a TimeSpan: [d.]hh:mm:ss.fffffff */
static const char *time_span(char text[40], uint64_t ms)
{
	uint64_t s = ms / 1000;
	char days[24] = "";

	if (s >= 86400)
		snprintf(days, sizeof(days), "%llu.", (unsigned long long)(s / 86400));
	snprintf(text, 40, "%s%02u:%02u:%02u.%07u", days, (unsigned int)(s / 3600 % 24),
		 (unsigned int)(s / 60 % 60), (unsigned int)(s % 60),
		 (unsigned int)(ms % 1000 * 10000));
	return text;
}

struct peers {
	struct json_out out;
	struct net_addr only; /* NET_NONE: all */
};

static void peer_print(void *context, const struct bgp_peer *peer)
{
	struct peers *peers = context;
	struct json_out *out = &peers->out;
	char text[NET_ADDR_TEXT];
	char span[40];

	if (peers->only.family && !net_addr_equal(&peers->only, &peer->peer))
		return;
	json_out_open(out, NULL, '{');
	json_out_string(out, "localAddress", net_addr_text(text, &peer->local));
	json_out_string(out, "neighbor", net_addr_text(text, &peer->peer));
	json_out_int(out, "asn", peer->as);
	json_out_string(out, "state", bgp_state_text(peer->state));
	if (peer->state == BGP_CONNECTED)
		json_out_string(out, "connectedDuration", time_span(span, peer->connected_ms));
	json_out_int(out, "routesReceived", (int64_t)peer->received);
	json_out_int(out, "messagesSent", (int64_t)peer->messages_sent);
	json_out_int(out, "messagesReceived", (int64_t)peer->messages_received);
	json_out_close(out, '}');
}

/* The gateway of the call when it has BGP; else the exchange was ended. */
static const struct config_gateway *gateway_of(struct router_call *call)
{
	const struct config_gateway *gateway =
		(const void *)rest_find(call, CONFIG_GATEWAY, call->names[0]);

	if (gateway && !gateway->enable_bgp) {
		rest_refuse(call, &(struct error_answer){ 409, "OperationNotAllowed", NULL },
			    "BGP is not enabled on gateway '%s'.", gateway->resource.name);
		return NULL;
	}
	return gateway;
}

/* False: the exchange was ended. */
static bool peer_of(struct router_call *call, bool required, struct net_addr *addr)
{
	const char *text = http_query(call->request, "peer");

	memset(addr, 0, sizeof(*addr));
	if (!text && !required)
		return true;
	if (text && net_addr_parse(addr, text) == 0)
		return true;
	rest_refuse(call, &(struct error_answer){ 400, "InvalidParameter", "peer" },
		    "peer must be the IP address of a BGP peer.");
	return false;
}

static void peer_status(struct router_call *call)
{
	const struct config_gateway *gateway = gateway_of(call);
	struct peers peers = { 0 };

	if (!gateway || !peer_of(call, false, &peers.only))
		return;
	json_out_init(&peers.out);
	json_out_open(&peers.out, NULL, '{');
	json_out_open(&peers.out, "value", '[');
	bgp_peers_each(rest_of(call)->config.bgp, gateway->resource.key, peer_print, &peers);
	json_out_close(&peers.out, ']');
	json_out_close(&peers.out, '}');
	rest_answer_operation(call, json_out_text(&peers.out));
	json_out_fini(&peers.out);
}

/* An answer of FRR's may come when the record has gone: it is found by its id. */
struct waiting {
	struct rest *rest;
	char id[ID_GUID_TEXT];
};

static void routes_done(void *context, const char *json, const char *why)
{
	struct waiting *w = context;
	struct operation *operation = operation_running(w->rest->operations, w->id);

	if (operation && json)
		operation_succeed(w->rest->operations, operation, 200, json);
	else if (operation)
		operation_fail(w->rest->operations, operation, "BgpNotAvailable", why);
	free(w);
}

static struct waiting *routes_begin(struct router_call *call)
{
	struct rest *rest = rest_of(call);
	struct waiting *w = calloc(1, sizeof(*w));
	struct operation *operation;
	struct http_reply reply = { .status = 202 };

	if (!w || operation_start(rest->operations, &operation) < 0) {
		free(w);
		rest_refuse_memory(call);
		return NULL;
	}
	w->rest = rest;
	memcpy(w->id, operation->id, sizeof(w->id));
	rest_follow(&reply, call, operation, REST_BOTH);
	rest_answer(call, &reply);
	return w;
}

static void learned(struct router_call *call)
{
	struct rest *rest = rest_of(call);
	struct waiting *w = gateway_of(call) ? routes_begin(call) : NULL;

	if (w)
		bgp_learned(rest->config.bgp, routes_done, w);
}

static void advertised(struct router_call *call)
{
	struct rest *rest = rest_of(call);
	struct net_addr peer;
	struct waiting *w;

	if (!gateway_of(call) || !peer_of(call, true, &peer))
		return;
	w = routes_begin(call);
	if (w)
		bgp_advertised(rest->config.bgp, &peer, routes_done, w);
}

static const struct router_row bgp_rows[] = {
	{ HTTP_POST, "virtualNetworkGateways/*/getBgpPeerStatus", CONFIG_TOKEN_OPERATE,
	  peer_status },
	{ HTTP_POST, "virtualNetworkGateways/*/getLearnedRoutes", CONFIG_TOKEN_OPERATE, learned },
	{ HTTP_POST, "virtualNetworkGateways/*/getAdvertisedRoutes", CONFIG_TOKEN_OPERATE,
	  advertised },
};

const struct rest_rows rest_bgp_rows = { bgp_rows, sizeof(bgp_rows) / sizeof(bgp_rows[0]) };
