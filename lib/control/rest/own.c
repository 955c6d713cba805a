/*
 * Our own pages: health, status, events, history, export, metrics.
 */
#include "base/log.h"
#include "control/config/print.h"
#include "control/config/sku.h"
#include "control/rest/events.h"
#include "control/rest/metrics.h"
#include "control/rest/openapi.h"
#include "control/rest/state.h"

#include <stdio.h>
#include <string.h>

static void healthz(struct router_call *call)
{
	struct http_reply reply = { 0 };

	text_add(&reply.body, "{\"status\":\"ok\"}");
	rest_answer(call, &reply);
}

/* Ready: the data plane is attached. */
static void readyz(struct router_call *call)
{
	struct http_reply reply = { 0 };
	bool ready = requests_attached(desired_requests(rest_of(call)->config.desired));

	reply.status = ready ? 200 : 503;
	text_add(&reply.body, "{\"status\":\"%s\"}", ready ? "ready" : "no data plane");
	rest_answer(call, &reply);
}

struct showing {
	struct rest *rest;
	struct json_out *out;
};

static void own_tunnel(void *context, const struct tunnel_status *status)
{
	const struct showing *showing = context;
	struct usage_traffic traffic = usage_of_tunnel(showing->rest->usage, status->name);
	struct json_out *out = showing->out;
	char text[NET_ADDR_TEXT];

	json_out_open(out, NULL, '{');
	json_out_string(out, "name", status->name);
	json_out_string(out, "connection", status->connection->resource.name);
	json_out_string(out, "connectionStatus", tunnel_state_text(status->state));
	json_out_string(out, "localAddress", net_addr_text(text, &status->local));
	json_out_string(out, "remoteAddress", net_addr_text(text, &status->remote));
	json_out_int(out, "instance", status->instance);
	json_out_bool(out, "suspect", status->suspect);
	json_out_bool(out, "pathDown", status->path_down);
	json_out_int(out, "ingressBytes", (int64_t)status->bytes_in);
	json_out_int(out, "egressBytes", (int64_t)status->bytes_out);
	json_out_int(out, "ingressPackets", (int64_t)status->packets_in);
	json_out_int(out, "egressPackets", (int64_t)status->packets_out);
	json_out_int(out, "ingressPacketsDroppedBySource", (int64_t)status->source_in);
	json_out_int(out, "ingressBitsPerSecond", (int64_t)traffic.rate.bits_in);
	json_out_int(out, "egressBitsPerSecond", (int64_t)traffic.rate.bits_out);
	json_out_int(out, "establishedMs", (int64_t)status->established_wall_ms);
	json_out_string(out, "reason", status->reason);
	json_out_string(out, "detail", status->detail);
	json_out_close(out, '}');
}

static void status(struct router_call *call)
{
	struct rest *rest = rest_of(call);
	const struct config *config = config_store_running(rest->config.store);
	const struct requests *requests = desired_requests(rest->config.desired);
	struct json_out out;
	struct showing showing = { rest, &out };

	json_out_init(&out);
	json_out_open(&out, NULL, '{');
	json_out_string(&out, "dataPlane", requests_attached(requests) ? "attached" : "lost");
	json_out_int(&out, "revision", (int64_t)config->revision);
	json_out_int(&out, "connections", config_count(config, CONFIG_CONNECTION));
	json_out_int(&out, "prefixes", (int64_t)rib_count(route_rib(rest->config.route)));
	rest_usage_print(rest, "gateways", &out);
	json_out_open(&out, "tunnels", '[');
	tunnels_each(rest->config.tunnels, NULL, own_tunnel, &showing);
	json_out_close(&out, ']');
	json_out_close(&out, '}');
	rest_answer_json(call, &out);
}

static void on_route(void *context, const struct net_prefix *prefix,
		     const struct rib_candidate *candidate, bool best)
{
	struct json_out *out = context;
	char text[NET_PREFIX_TEXT];

	json_out_open(out, NULL, '{');
	json_out_string(out, "prefix", net_prefix_text(text, prefix));
	json_out_string(out, "origin", candidate->origin);
	json_out_int(out, "metric", candidate->metric);
	json_out_int(out, "nexthop", candidate->nexthop);
	json_out_bool(out, "best", best);
	json_out_close(out, '}');
}

static void routes(struct router_call *call)
{
	struct json_out out;

	json_out_init(&out);
	json_out_open(&out, NULL, '{');
	json_out_open(&out, "value", '[');
	rib_each(route_rib(rest_of(call)->config.route), on_route, &out);
	json_out_close(&out, ']');
	json_out_close(&out, '}');
	rest_answer_json(call, &out);
}

static void skus(struct router_call *call)
{
	static const char *const generations[] = { "None", "Generation1", "Generation2" };
	const struct sku_catalogue *catalogue =
		config_store_running(rest_of(call)->config.store)->catalogue;
	struct json_out out;

	json_out_init(&out);
	json_out_open(&out, NULL, '{');
	json_out_open(&out, "value", '[');
	for (uint32_t i = 0; i < catalogue->skus.count; i++) {
		const struct sku *sku = &catalogue->skus.items[i];

		json_out_open(&out, NULL, '{');
		json_out_string(&out, "name", sku->name);
		json_out_string(&out, "family", sku->family);
		json_out_string(&out, "generation", generations[sku->generation]);
		json_out_int(&out, "aggregateThroughputMbps", sku->throughput_mbps);
		json_out_int(&out, "siteToSiteTunnels", sku->tunnels);
		json_out_int(&out, "sstpClients", sku->clients_sstp);
		json_out_int(&out, "ikeAndOpenVpnClients", sku->clients_ike_openvpn);
		json_out_open(&out, "features", '[');
		for (uint32_t f = 0; f < sku->features.count; f++)
			json_out_string(&out, NULL,
					sku_feature_name((enum sku_feature)sku->features.items[f]));
		json_out_close(&out, ']');
		json_out_close(&out, '}');
	}
	json_out_close(&out, ']');
	json_out_close(&out, '}');
	rest_answer_json(call, &out);
}

static void history(struct router_call *call)
{
	const struct config_revision *revisions;
	struct json_out out;
	uint32_t count = 0;

	revisions = config_store_history(rest_of(call)->config.store, &count);
	json_out_init(&out);
	json_out_open(&out, NULL, '{');
	json_out_open(&out, "value", '[');
	for (uint32_t i = 0; i < count; i++) {
		json_out_open(&out, NULL, '{');
		json_out_int(&out, "revision", (int64_t)revisions[i].revision);
		json_out_int(&out, "timeMs", (int64_t)revisions[i].wall_ms);
		json_out_string(&out, "cause", revisions[i].cause);
		json_out_string(&out, "actor", revisions[i].actor);
		json_out_int(&out, "set", revisions[i].set);
		json_out_int(&out, "deleted", revisions[i].deleted);
		json_out_close(&out, '}');
	}
	json_out_close(&out, ']');
	json_out_close(&out, '}');
	rest_answer_json(call, &out);
}

/* The configuration as a file, without keys. */
static void export(struct router_call *call)
{
	struct json_out out;

	json_out_init(&out);
	out.pretty = true;
	config_print_file(config_store_running(rest_of(call)->config.store), false, &out);
	rest_answer_json(call, &out);
}

static void metrics(struct router_call *call)
{
	struct http_reply reply = { .content_type = "text/plain; version=0.0.4; charset=utf-8" };

	metrics_render(rest_of(call), &reply.body);
	rest_answer(call, &reply);
}

static const struct router_row own_rows[] = {
	{ HTTP_GET, "healthz", CONFIG_TOKEN_READ, healthz },
	{ HTTP_GET, "readyz", CONFIG_TOKEN_READ, readyz },
	{ HTTP_GET, "status", CONFIG_TOKEN_READ, status },
	{ HTTP_GET, "routes", CONFIG_TOKEN_READ, routes },
	{ HTTP_GET, "openapi.json", CONFIG_TOKEN_READ, openapi_get },
	{ HTTP_GET, "usage", CONFIG_TOKEN_READ, rest_usage_list },
	{ HTTP_GET, "skus", CONFIG_TOKEN_READ, skus },
	{ HTTP_GET, "history", CONFIG_TOKEN_READ, history },
	{ HTTP_GET, "config", CONFIG_TOKEN_ADMIN, export },
	{ HTTP_GET, "metrics", CONFIG_TOKEN_READ, metrics },
	{ HTTP_GET, "events", CONFIG_TOKEN_READ, events_subscribe },
};

const struct rest_rows rest_own_rows = { own_rows, sizeof(own_rows) / sizeof(own_rows[0]),
					 REST_OWN };
