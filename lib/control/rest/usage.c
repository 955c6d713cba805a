/*
 * DOC: usage against limits
 *
 * What a gateway or a connection carries at this moment, next to what its SKU (or its own limit)
 * allows. The list in `value` has the shape of Azure's usages: name, unit, currentValue, limit; our
 * own are `headroom`, and the rates beside the list. What has no limit has null there.
 */
#include "base/clock.h"
#include "control/config/json_out.h"
#include "control/config/list.h"
#include "control/config/sku.h"
#include "control/rest/state.h"

#include <string.h>

#define BITS_PER_MBIT 1000000

struct metered {
	const char *name;
	const char *text;
	const char *unit;
	uint64_t current;
	uint64_t limit; /* 0: none */
};

static void print_metered(struct json_out *out, const struct metered *m)
{
	json_out_open(out, NULL, '{');
	json_out_open(out, "name", '{');
	json_out_string(out, "value", m->name);
	json_out_string(out, "localizedValue", m->text);
	json_out_close(out, '}');
	json_out_string(out, "unit", m->unit);
	json_out_int(out, "currentValue", (int64_t)m->current);
	if (m->limit) {
		json_out_int(out, "limit", (int64_t)m->limit);
		json_out_int(out, "headroom",
			     m->limit > m->current ? (int64_t)(m->limit - m->current) : 0);
	} else {
		json_out_null(out, "limit");
		json_out_null(out, "headroom");
	}
	json_out_close(out, '}');
}

static void print_traffic(struct json_out *out, const struct usage_traffic *traffic,
			  const struct usage_charge *charge)
{
	json_out_int(out, "ingressBitsPerSecond", (int64_t)traffic->rate.bits_in);
	json_out_int(out, "egressBitsPerSecond", (int64_t)traffic->rate.bits_out);
	json_out_int(out, "ingressPacketsPerSecond", (int64_t)traffic->rate.packets_in);
	json_out_int(out, "egressPacketsPerSecond", (int64_t)traffic->rate.packets_out);
	json_out_int(out, "refusedPacketsPerSecond", (int64_t)charge->refused_packets_per_s);
	json_out_int(out, "refusedPackets", (int64_t)charge->refused_packets);
	json_out_int(out, "tunnels", traffic->tunnels);
	json_out_int(out, "tunnelsConnected", traffic->connected);
}

/* What a limit in bits compares with: what it was charged, or the fuller direction. */
static uint64_t throughput(const struct usage_traffic *traffic, const struct usage_charge *charge,
			   bool sum)
{
	const struct usage_rate *rate = &traffic->rate;

	if (sum)
		return charge ? charge->bits_per_s : rate->bits_in + rate->bits_out;
	return rate->bits_in > rate->bits_out ? rate->bits_in : rate->bits_out;
}

static const char *direction_text(bool sum)
{
	return sum ? "sum" : "each";
}

static void print_resource_head(struct json_out *out, const struct config_resource *resource)
{
	json_out_string(out, "id", resource->id);
	json_out_string(out, "name", resource->name);
}

static void print_connection(struct rest *rest, const struct config_connection *c,
			     struct json_out *out)
{
	struct usage_traffic traffic = usage_of_resource(rest->usage, c->resource.key);
	const struct config_limit *own = c->limits;
	bool sum = !own || own->direction == CONFIG_DIRECTION_SUM;
	struct usage_charge charge;
	bool known = usage_charge_of(rest->usage, c->resource.key, &charge);
	const struct metered usage_rows[] = {
		{ "Throughput", "Throughput of the connection", "BitsPerSecond",
		  throughput(&traffic, known ? &charge : NULL, sum),
		  own ? (uint64_t)own->bits_per_s : 0 },
		{ "PacketRate", "Packets of the connection", "PacketsPerSecond",
		  sum || traffic.rate.packets_in > traffic.rate.packets_out
			  ? traffic.rate.packets_in + (sum ? traffic.rate.packets_out : 0)
			  : traffic.rate.packets_out,
		  own ? (uint64_t)own->packets_per_s : 0 },
	};

	json_out_open(out, NULL, '{');
	print_resource_head(out, &c->resource);
	json_out_string(out, "limitDirection", direction_text(sum));
	print_traffic(out, &traffic, &charge);
	json_out_open(out, "value", '[');
	for (size_t i = 0; i < sizeof(usage_rows) / sizeof(usage_rows[0]); i++)
		print_metered(out, &usage_rows[i]);
	json_out_close(out, ']');
	json_out_close(out, '}');
}

/* As the rule that refuses the one too many counts them. */
uint32_t rest_usage_connections(const struct config *config, const struct config_gateway *gateway)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < config_count(config, CONFIG_CONNECTION); i++)
		count += !strcmp(config_connection_at(config, i)->gateway.key,
				 gateway->resource.key);
	return count;
}

static void print_gateway_rows(struct json_out *out, const struct config *config,
			       const struct config_gateway *gateway, uint64_t bits_per_s)
{
	const struct sku *sku = sku_of_gateway(config, gateway);
	const struct metered usage_rows[] = {
		{ "AggregateThroughput", "Throughput of all tunnels and clients", "BitsPerSecond",
		  bits_per_s, sku ? (uint64_t)sku->throughput_mbps * BITS_PER_MBIT : 0 },
		{ "SiteToSiteTunnels", "Site-to-site and VNet-to-VNet connections", "Count",
		  rest_usage_connections(config, gateway),
		  sku ? (uint64_t)sku_connections(sku, gateway) : 0 },
		{ "SstpClients", "Point-to-site clients by SSTP", "Count", 0,
		  sku ? (uint64_t)sku->clients_sstp : 0 },
		{ "IkeV2AndOpenVpnClients", "Point-to-site clients by IKEv2 and OpenVPN", "Count",
		  0, sku ? (uint64_t)sku->clients_ike_openvpn : 0 },
	};

	json_out_open(out, "value", '[');
	for (size_t i = 0; i < sizeof(usage_rows) / sizeof(usage_rows[0]); i++)
		print_metered(out, &usage_rows[i]);
	json_out_close(out, ']');
}

uint64_t rest_usage_bits(struct rest *rest, const struct config_gateway *gateway)
{
	const struct config *config = config_store_running(rest->config.store);
	struct usage_traffic traffic = usage_of_resource(rest->usage, gateway->resource.key);
	struct usage_charge charge;
	bool known = usage_charge_of(rest->usage, gateway->resource.key, &charge);

	return throughput(&traffic, known ? &charge : NULL,
			  config_appliance(config)->limit_direction == CONFIG_DIRECTION_SUM);
}

static void print_gateway(struct rest *rest, const struct config_gateway *gateway, bool whole,
			  struct json_out *out)
{
	const struct config *config = config_store_running(rest->config.store);
	struct usage_traffic traffic = usage_of_resource(rest->usage, gateway->resource.key);
	bool sum = config_appliance(config)->limit_direction == CONFIG_DIRECTION_SUM;
	struct usage_charge charge;
	bool known = usage_charge_of(rest->usage, gateway->resource.key, &charge);

	json_out_open(out, NULL, '{');
	print_resource_head(out, &gateway->resource);
	json_out_string(out, "sku", gateway->sku.name);
	json_out_string(out, "limitDirection", direction_text(sum));
	print_traffic(out, &traffic, &charge);
	print_gateway_rows(out, config, gateway, throughput(&traffic, known ? &charge : NULL, sum));
	json_out_open(out, "connections", '[');
	for (uint32_t i = 0; whole && i < config_count(config, CONFIG_CONNECTION); i++) {
		const struct config_connection *c = config_connection_at(config, i);

		if (!strcmp(c->gateway.key, gateway->resource.key))
			print_connection(rest, c, out);
	}
	json_out_close(out, ']');
	json_out_close(out, '}');
}

static void gateway_usage(struct router_call *call)
{
	const struct config_resource *found = rest_find(call, CONFIG_GATEWAY, call->names[0]);
	struct json_out out;

	if (!found)
		return;
	json_out_init(&out);
	print_gateway(rest_of(call), (const void *)found, true, &out);
	rest_answer_json(call, &out);
}

static void connection_usage(struct router_call *call)
{
	const struct config_resource *found = rest_find(call, CONFIG_CONNECTION, call->names[0]);
	struct json_out out;

	if (!found)
		return;
	json_out_init(&out);
	print_connection(rest_of(call), (const void *)found, &out);
	rest_answer_json(call, &out);
}

void rest_usage_print(struct rest *rest, const char *member, struct json_out *out)
{
	const struct config *config = config_store_running(rest->config.store);

	json_out_open(out, member, '[');
	for (uint32_t i = 0; i < config_count(config, CONFIG_GATEWAY); i++)
		print_gateway(rest, config_gateway_at(config, i), false, out);
	json_out_close(out, ']');
}

void rest_usage_list(struct router_call *call)
{
	struct json_out out;

	json_out_init(&out);
	json_out_open(&out, NULL, '{');
	rest_usage_print(rest_of(call), "value", &out);
	json_out_close(&out, '}');
	rest_answer_json(call, &out);
}

static const struct router_row usage_rows[] = {
	{ HTTP_GET, "virtualNetworkGateways/*/usage", CONFIG_TOKEN_READ, gateway_usage },
	{ HTTP_GET, "connections/*/usage", CONFIG_TOKEN_READ, connection_usage },
};

const struct rest_rows rest_usage_rows = { usage_rows, sizeof(usage_rows) / sizeof(usage_rows[0]),
					   REST_OF_AZURE };
