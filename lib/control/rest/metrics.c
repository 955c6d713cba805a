#include "control/rest/metrics.h"

#include "control/config/list.h"
#include "control/config/sku.h"
#include "control/rest/metrics_dataplane.h"
#include "control/rest/state.h"
#include "control/tunnel/plan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Not `instance`: a scraper calls its target so, and renames what comes with the samples. */
#define INSTANCE "gateway_instance"

enum tunnel_value {
	IN_BYTES,
	OUT_BYTES,
	IN_PACKETS,
	OUT_PACKETS,
	IN_DROPPED,
	OUT_DROPPED,
	IN_OUTSIDE,
	OUT_OUTSIDE,
	IN_SOURCE,
	IKE_SAS,
	CHILD_SAS,
	PEAK,
	UP,
	TUNNEL_VALUES
};

static const struct metrics_sample tunnel_samples[] = {
	[IN_BYTES] = { "vpngw_tunnel_ingress_bytes_total", "counter",
		       "Inner bytes received (TunnelIngressBytes)." },
	[OUT_BYTES] = { "vpngw_tunnel_egress_bytes_total", "counter",
			"Inner bytes sent (TunnelEgressBytes)." },
	[IN_PACKETS] = { "vpngw_tunnel_ingress_packets_total", "counter",
			 "Inner packets received (TunnelIngressPackets)." },
	[OUT_PACKETS] = { "vpngw_tunnel_egress_packets_total", "counter",
			  "Inner packets sent (TunnelEgressPackets)." },
	[IN_DROPPED] = { "vpngw_tunnel_ingress_dropped_packets_total", "counter",
			 "Packets of the tunnel given up (TunnelIngressPacketDropCount)." },
	[OUT_DROPPED] = { "vpngw_tunnel_egress_dropped_packets_total", "counter",
			  "Packets for the tunnel given up (TunnelEgressPacketDropCount)." },
	[IN_OUTSIDE] = { "vpngw_tunnel_ingress_selector_dropped_packets_total", "counter",
			 "Those outside the selectors (TunnelIngressPacketDropTSMismatch)." },
	[OUT_OUTSIDE] = { "vpngw_tunnel_egress_selector_dropped_packets_total", "counter",
			  "Those outside the selectors (TunnelEgressPacketDropTSMismatch)." },
	[IN_SOURCE] = { "vpngw_tunnel_ingress_source_dropped_packets_total", "counter",
			"Those whose source the connection's sourceCheck does not let in." },
	[IKE_SAS] = { "vpngw_tunnel_ike_sas", "gauge", "IKE SAs (MmsaCount)." },
	[CHILD_SAS] = { "vpngw_tunnel_child_sas", "gauge", "Pairs of ESP SAs (QmsaCount)." },
	[PEAK] = { "vpngw_tunnel_peak_packets_per_second", "gauge",
		   "Most packets of a second in the last minutes (TunnelPeakPackets)." },
	[UP] = { "vpngw_tunnel_up", "gauge", "1 when the tunnel is connected." },
};

/* The values of a tunnel are read once; its samples stand apart, each metric's together. */
struct tunnel_row {
	uint64_t values[TUNNEL_VALUES];
	struct text labels;
};

struct tunnel_rows {
	const struct usage *usage;
	struct tunnel_row *rows;
	size_t count;
	size_t capacity;
	bool failed;
};

static struct tunnel_row *row_add(struct tunnel_rows *all)
{
	if (all->count == all->capacity) {
		size_t capacity = all->capacity ? all->capacity * 2 : 64;
		struct tunnel_row *rows = realloc(all->rows, capacity * sizeof(*rows));

		all->failed |= !rows;
		if (!rows)
			return NULL;
		all->rows = rows;
		all->capacity = capacity;
	}
	return &all->rows[all->count++];
}

static struct text tunnel_labels(const struct tunnel_status *status)
{
	char remote[NET_ADDR_TEXT] = "";
	struct text labels = { 0 };

	if (status->remote.family)
		net_addr_text(remote, &status->remote);
	metrics_label(&labels, "gateway", status->plan->gateway->resource.name, true);
	metrics_label(&labels, "connection", status->connection->resource.name, false);
	metrics_label(&labels, "remote_ip", remote, false);
	metrics_label(&labels, INSTANCE, tunnel_instance_text(status->instance), false);
	text_add_bytes(&labels, "} ", 2);
	return labels;
}

static void metrics_tunnel(void *context, const struct tunnel_status *status)
{
	struct tunnel_rows *all = context;
	struct tunnel_row *row = row_add(all);

	if (!row)
		return;
	*row = (struct tunnel_row){
		.values = { [IN_BYTES] = status->bytes_in,
			    [OUT_BYTES] = status->bytes_out,
			    [IN_PACKETS] = status->packets_in,
			    [OUT_PACKETS] = status->packets_out,
			    [IN_DROPPED] = status->dropped_in,
			    [OUT_DROPPED] = status->dropped_out,
			    [IN_OUTSIDE] = status->outside_in,
			    [OUT_OUTSIDE] = status->outside_out,
			    [IN_SOURCE] = status->source_in,
			    [IKE_SAS] = status->ike_sas,
			    [CHILD_SAS] = status->child_sas,
			    [PEAK] = usage_of_tunnel(all->usage, status->name).peak_packets,
			    [UP] = status->state == TUNNEL_CONNECTED },
		.labels = tunnel_labels(status),
	};
	all->failed |= row->labels.failed;
}

/* A hundred thousand of them with thousands of tunnels. */
static void tunnel_sample(struct text *out, const char *name, const struct text *labels,
			  uint64_t value)
{
	text_add_bytes(out, name, strlen(name));
	text_add_bytes(out, labels->p, labels->n);
	text_add_u64(out, value);
	text_add_bytes(out, "\n", 1);
}

static void tunnels(struct rest *rest, struct text *out)
{
	struct tunnel_rows all = { .usage = rest->usage };

	tunnels_each(rest->config.tunnels, NULL, metrics_tunnel, &all);
	for (int v = 0; v < TUNNEL_VALUES && !all.failed; v++) {
		metrics_head(out, &tunnel_samples[v]);
		for (size_t i = 0; i < all.count; i++)
			tunnel_sample(out, tunnel_samples[v].name, &all.rows[i].labels,
				      all.rows[i].values[v]);
	}
	for (size_t i = 0; i < all.count; i++)
		text_fini(&all.rows[i].labels);
	free(all.rows);
	out->failed |= all.failed;
}

static const struct metrics_sample bgp_samples[] = {
	{ "vpngw_bgp_peer_status", "gauge", "1 when the BGP session is up (BgpPeerStatus)." },
	{ "vpngw_bgp_routes_learned", "gauge",
	  "Prefixes that a peer announces (BgpRoutesLearned)." },
	{ "vpngw_bgp_routes_advertised", "gauge",
	  "Prefixes that a peer is told (BgpRoutesAdvertised)." },
};

struct bgp_pass {
	struct text *out;
	unsigned int value;
};

static void on_peer(void *context, const struct bgp_peer *peer)
{
	const struct bgp_pass *pass = context;
	const uint64_t values[] = { peer->state == BGP_CONNECTED, peer->received, peer->sent };
	char text[NET_ADDR_TEXT];

	text_add(pass->out, "%s", bgp_samples[pass->value].name);
	metrics_label(pass->out, "bgp_peer_address", net_addr_text(text, &peer->peer), true);
	metrics_label(pass->out, "connection", peer->connection->resource.name, false);
	metrics_label(pass->out, INSTANCE, tunnel_instance_text(peer->instance), false);
	text_add(pass->out, "} %llu\n", (unsigned long long)values[pass->value]);
}

static void bgp(struct rest *rest, struct text *out)
{
	for (unsigned int v = 0; v < sizeof(bgp_samples) / sizeof(bgp_samples[0]); v++) {
		struct bgp_pass pass = { out, v };

		metrics_head(out, &bgp_samples[v]);
		bgp_peers_each(rest->config.bgp, NULL, on_peer, &pass);
	}
}

enum gateway_value {
	PREFIXES,
	CONNECTIONS,
	CONNECTIONS_LIMIT,
	BANDWIDTH,
	BANDWIDTH_LIMIT,
	REFUSED
};

static const struct metrics_sample gateway_samples[] = {
	[PREFIXES] = { "vpngw_gateway_address_prefixes", "gauge",
		       "Prefixes of the gateway's network (VnetAddressPrefixCount)." },
	[CONNECTIONS] = { "vpngw_gateway_connections", "gauge", "Connections of the gateway." },
	[CONNECTIONS_LIMIT] = { "vpngw_gateway_connections_limit", "gauge",
				"Connections that its SKU carries; absent without a limit." },
	[BANDWIDTH] = { "vpngw_gateway_bandwidth_bytes_per_second", "gauge",
			"Inner bytes of the last second, as the SKU's limit counts them." },
	[BANDWIDTH_LIMIT] = { "vpngw_gateway_bandwidth_limit_bytes_per_second", "gauge",
			      "What the SKU carries; absent without a limit." },
	[REFUSED] = { "vpngw_gateway_limited_packets_total", "counter",
		      "Packets over the limit of the SKU." },
};

static void gateway_values(struct rest *rest, const struct config_gateway *gateway,
			   uint64_t values[REFUSED + 1])
{
	const struct config *config = config_store_running(rest->config.store);
	const struct config_virtual_network *network = config_gateway_network(config, gateway);
	const struct sku *sku = sku_of_gateway(config, gateway);
	struct usage_charge charge;

	usage_charge_of(rest->usage, gateway->resource.key, &charge);
	values[PREFIXES] = network ? network->prefixes.count : 0;
	values[CONNECTIONS] = rest_usage_connections(config, gateway);
	values[CONNECTIONS_LIMIT] = sku ? (uint64_t)sku_connections(sku, gateway) : 0;
	values[BANDWIDTH] = rest_usage_bits(rest, gateway) / 8;
	values[BANDWIDTH_LIMIT] = sku ? (uint64_t)sku->throughput_mbps * 1000000 / 8 : 0;
	values[REFUSED] = charge.refused_packets;
}

static void gateway_sample(struct text *out, const struct metrics_sample *sample,
			   const char *gateway, const char *instance, uint64_t value)
{
	text_add(out, "%s", sample->name);
	metrics_label(out, "gateway", gateway, true);
	if (instance)
		metrics_label(out, INSTANCE, instance, false);
	text_add(out, "} %llu\n", (unsigned long long)value);
}

static void gateways(struct rest *rest, struct text *out)
{
	const struct config *config = config_store_running(rest->config.store);
	uint32_t count = config_count(config, CONFIG_GATEWAY);
	uint64_t(*values)[REFUSED + 1] = calloc(count + 1, sizeof(*values));

	if (!values) {
		out->failed = true;
		return;
	}
	for (uint32_t i = 0; i < count; i++)
		gateway_values(rest, config_gateway_at(config, i), values[i]);
	for (int v = PREFIXES; v <= REFUSED; v++) {
		const struct metrics_sample *sample = &gateway_samples[v];

		metrics_head(out, sample);
		for (uint32_t i = 0; i < count; i++) {
			const struct config_gateway *gateway = config_gateway_at(config, i);
			const char *name = gateway->resource.name;
			uint32_t instances = gateway->ip_configurations.count;
			uint64_t value = values[i][v];

			if ((v == CONNECTIONS_LIMIT || v == BANDWIDTH_LIMIT) && !value)
				continue;
			for (uint32_t k = 0; v == PREFIXES && k < instances; k++)
				gateway_sample(out, sample, name, tunnel_instance_text(k), value);
			if (v != PREFIXES)
				gateway_sample(out, sample, name, NULL, value);
		}
	}
	free(values);
}

static const struct metrics_sample circuit_samples[] = {
	{ "vpngw_circuit_link_up", "gauge", "1 when the link of a private circuit is up." },
	{ "vpngw_circuit_bgp_up", "gauge", "1 when the BGP session of a private circuit is up." },
	{ "vpngw_circuit_routes_learned", "gauge", "Prefixes that the circuit's peer announces." },
};

static void on_circuit(void *context, const struct config_port *port, bool up,
		       const struct bgp_peer *peer)
{
	const struct bgp_pass *pass = context;
	const uint64_t values[] = { up, peer->state == BGP_CONNECTED, peer->received };

	text_add(pass->out, "%s", circuit_samples[pass->value].name);
	metrics_label(pass->out, "port", port->name, true);
	text_add(pass->out, "} %llu\n", (unsigned long long)values[pass->value]);
}

static void circuits(struct rest *rest, struct text *out)
{
	for (unsigned int v = 0; v < sizeof(circuit_samples) / sizeof(circuit_samples[0]); v++) {
		struct bgp_pass pass = { out, v };

		metrics_head(out, &circuit_samples[v]);
		rest_circuits_each(rest, on_circuit, &pass);
	}
}

struct ports {
	struct metrics_port list[ROUTE_PORTS_MAX];
	uint32_t count;
};

static void on_port(void *context, const char *name, uint32_t id)
{
	struct ports *ports = context;
	struct metrics_port *port = &ports->list[ports->count];

	if (ports->count == ROUTE_PORTS_MAX)
		return;
	snprintf(port->name, sizeof(port->name), "%s", name);
	port->id = id;
	ports->count++;
}

void metrics_render(struct rest *rest, struct text *out)
{
	static const struct metrics_sample attached = { "vpngw_dataplane_attached", "gauge",
							"1 when the data plane is attached." };
	static const struct metrics_sample prefixes = { "vpngw_rib_prefixes", "gauge",
							"Prefixes in the routing table." };
	const struct requests *requests = desired_requests(rest->config.desired);
	const struct contract_counters *counters = requests_counters(requests);
	struct ports ports = { .count = 0 };

	metrics_head(out, &attached);
	text_add(out, "%s %d\n", attached.name, counters != NULL);
	metrics_head(out, &prefixes);
	text_add(out, "%s %zu\n", prefixes.name, rib_count(route_rib(rest->config.route)));
	tunnels(rest, out);
	gateways(rest, out);
	if (rest->config.bgp) {
		bgp(rest, out);
		circuits(rest, out);
	}
	if (!counters)
		return;
	route_ports_each(rest->config.route, on_port, &ports);
	metrics_dataplane(out, counters, ports.list, ports.count);
}
