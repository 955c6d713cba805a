/*
 * Our own page of the private circuits: link and BGP session of each.
 */
#include "control/config/json_out.h"
#include "control/rest/state.h"

#include <string.h>

struct circuit_find {
	const char *port;
	struct bgp_peer peer; /* family of its address NET_NONE: no session is wanted */
};

static void find_one(void *context, const struct bgp_peer *peer)
{
	struct circuit_find *find = context;

	if (!strcmp(peer->tunnel, find->port))
		find->peer = *peer;
}

void rest_circuits_each(struct rest *rest, rest_circuit_visit visit, void *context)
{
	const struct config_appliance *appliance =
		config_appliance(config_store_running(rest->config.store));

	for (uint32_t i = 0; i < appliance->ports.count; i++) {
		const struct config_port *port = &appliance->ports.items[i];
		struct circuit_find find = { .port = port->name };

		if (!(port->role & CONFIG_ROLE_CIRCUIT))
			continue;
		bgp_circuits_each(rest->config.bgp, find_one, &find);
		visit(context, port, route_port_is_up(rest->config.route, port->name), &find.peer);
	}
}

static void print(void *context, const struct config_port *port, bool up,
		  const struct bgp_peer *peer)
{
	struct json_out *out = context;
	char text[NET_ADDR_TEXT];

	json_out_open(out, NULL, '{');
	json_out_string(out, "port", port->name);
	json_out_bool(out, "linkUp", up);
	if (peer->peer.family) {
		json_out_string(out, "localAddress", net_addr_text(text, &peer->local));
		json_out_string(out, "neighbor", net_addr_text(text, &peer->peer));
		json_out_int(out, "asn", peer->as);
		json_out_string(out, "state", bgp_state_text(peer->state));
		json_out_int(out, "routesReceived", (int64_t)peer->received);
		json_out_int(out, "routesSent", (int64_t)peer->sent);
	}
	json_out_close(out, '}');
}

static void circuits(struct router_call *call)
{
	struct json_out out;

	json_out_init(&out);
	json_out_open(&out, NULL, '{');
	json_out_open(&out, "value", '[');
	rest_circuits_each(rest_of(call), print, &out);
	json_out_close(&out, ']');
	json_out_close(&out, '}');
	rest_answer_json(call, &out);
}

static const struct router_row circuit_rows[] = {
	{ HTTP_GET, "circuits", CONFIG_TOKEN_READ, circuits },
};

const struct rest_rows rest_circuit_rows = { circuit_rows,
					     sizeof(circuit_rows) / sizeof(circuit_rows[0]),
					     REST_OWN };
