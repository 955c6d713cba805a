#include "control/rest/metrics.h"

#include <string.h>

struct sample {
	const char *name;
	const char *type; /* "counter" or "gauge" */
	const char *help;
};

static void head(struct text *out, const struct sample *sample)
{
	text_add(out, "# HELP %s %s\n# TYPE %s %s\n", sample->name, sample->help, sample->name,
		 sample->type);
}

/* Label values: backslash, quote and newline are escaped. */
static void label(struct text *out, const char *name, const char *value, bool first)
{
	text_add(out, "%s%s=\"", first ? "{" : ",", name);
	for (const char *c = value; *c; c++) {
		if (*c == '"' || *c == '\\')
			text_add(out, "\\%c", *c);
		else if (*c == '\n')
			text_add(out, "\\n");
		else
			text_add_bytes(out, c, 1);
	}
	text_add(out, "\"");
}

static void drops(const struct contract_counters *counters, struct text *out)
{
	static const struct sample sample = { "vpngw_dropped_packets_total", "counter",
					      "Packets given up, by reason." };

	head(out, &sample);
	for (int d = CONTRACT_DROP_NONE + 1; d < CONTRACT_DROP_COUNT; d++) {
		text_add(out, "%s", sample.name);
		label(out, "reason", contract_drop_name((enum contract_drop)d), true);
		text_add(out, "} %llu\n",
			 (unsigned long long)contract_counters_sum(counters, CONTRACT_COUNT_DROPS,
								   0, (uint32_t)d));
	}
}

static void workers(const struct contract_counters *counters, struct text *out)
{
	static const struct {
		struct sample sample;
		uint32_t column;
	} rows[] = {
		{ { "vpngw_worker_busy_cycles_total", "counter", "Cycles spent on packets." },
		  CONTRACT_WORKER_BUSY_CYCLES },
		{ { "vpngw_worker_idle_cycles_total", "counter", "Cycles spent waiting." },
		  CONTRACT_WORKER_IDLE_CYCLES },
		{ { "vpngw_worker_packets_total", "counter", "Packets taken from ports." },
		  CONTRACT_WORKER_PACKETS },
		{ { "vpngw_worker_rx_missed_total", "counter", "Packets the NIC had no room for." },
		  CONTRACT_WORKER_RX_MISSED },
		{ { "vpngw_worker_handed_over_total", "counter",
		    "Packets given to other workers, for want of queues." },
		  CONTRACT_WORKER_HANDED_OVER },
		{ { "vpngw_worker_waits_total", "counter",
		    "Waits for sequence numbers that another worker held." },
		  CONTRACT_WORKER_WAITS },
	};

	for (size_t r = 0; r < sizeof(rows) / sizeof(rows[0]); r++) {
		head(out, &rows[r].sample);
		for (uint32_t w = 0; w < counters->header->workers; w++)
			text_add(out, "%s{worker=\"%u\"} %llu\n", rows[r].sample.name, w,
				 (unsigned long long)contract_counters_row(
					 counters, CONTRACT_COUNT_WORKER, w, 0)[rows[r].column]);
	}
}

/* One pass over the tunnels a metric, because a metric's samples stand together. */
enum tunnel_value { IN_BYTES, OUT_BYTES, IN_PACKETS, OUT_PACKETS, UP };

static const struct sample tunnel_samples[] = {
	[IN_BYTES] = { "vpngw_tunnel_ingress_bytes_total", "counter",
		       "Inner bytes received (TunnelIngressBytes)." },
	[OUT_BYTES] = { "vpngw_tunnel_egress_bytes_total", "counter",
			"Inner bytes sent (TunnelEgressBytes)." },
	[IN_PACKETS] = { "vpngw_tunnel_ingress_packets_total", "counter",
			 "Inner packets received (TunnelIngressPackets)." },
	[OUT_PACKETS] = { "vpngw_tunnel_egress_packets_total", "counter",
			  "Inner packets sent (TunnelEgressPackets)." },
	[UP] = { "vpngw_tunnel_up", "gauge", "1 when the tunnel is connected." },
};

struct pass {
	struct text *out;
	enum tunnel_value value;
};

static void on_tunnel(void *context, const struct tunnel_status *status)
{
	const struct pass *pass = context;
	const uint64_t values[] = {
		[IN_BYTES] = status->bytes_in,
		[OUT_BYTES] = status->bytes_out,
		[IN_PACKETS] = status->packets_in,
		[OUT_PACKETS] = status->packets_out,
		[UP] = status->state == TUNNEL_CONNECTED,
	};
	char remote[NET_ADDR_TEXT] = "";
	char instance[8];

	if (status->remote.family)
		net_addr_text(remote, &status->remote);
	instance[0] = (char)('0' + status->instance % 10);
	instance[1] = '\0';
	text_add(pass->out, "%s", tunnel_samples[pass->value].name);
	label(pass->out, "connection", status->connection->resource.name, true);
	label(pass->out, "remote_ip", remote, false);
	label(pass->out, "instance", instance, false);
	text_add(pass->out, "} %llu\n", (unsigned long long)values[pass->value]);
}

static const struct sample bgp_samples[] = {
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
	label(pass->out, "BgpPeerAddress", net_addr_text(text, &peer->peer), true);
	label(pass->out, "Instance",
	      peer->instance ? "GatewayTenantWorker_IN_1" : "GatewayTenantWorker_IN_0", false);
	text_add(pass->out, "} %llu\n", (unsigned long long)values[pass->value]);
}

static void bgp(struct rest *rest, struct text *out)
{
	for (unsigned int v = 0; v < sizeof(bgp_samples) / sizeof(bgp_samples[0]); v++) {
		struct bgp_pass pass = { out, v };

		head(out, &bgp_samples[v]);
		bgp_peers_each(rest->config.bgp, NULL, on_peer, &pass);
	}
}

void metrics_render(struct rest *rest, struct text *out)
{
	static const struct sample attached = { "vpngw_dataplane_attached", "gauge",
						"1 when the data plane is attached." };
	static const struct sample prefixes = { "vpngw_rib_prefixes", "gauge",
						"Prefixes in the routing table." };
	const struct requests *requests = desired_requests(rest->config.desired);
	const struct contract_counters *counters = requests_counters(requests);

	head(out, &attached);
	text_add(out, "%s %d\n", attached.name, counters != NULL);
	head(out, &prefixes);
	text_add(out, "%s %zu\n", prefixes.name, rib_count(route_rib(rest->config.route)));
	for (int v = IN_BYTES; v <= UP; v++) {
		struct pass pass = { out, (enum tunnel_value)v };

		head(out, &tunnel_samples[v]);
		tunnels_each(rest->config.tunnels, NULL, on_tunnel, &pass);
	}
	if (rest->config.bgp)
		bgp(rest, out);
	if (!counters)
		return;
	drops(counters, out);
	workers(counters, out);
}
