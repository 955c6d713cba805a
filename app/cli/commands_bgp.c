/*
 * BGP: sessions and routes, as the API's operations list them.
 */
#include "cli.h"

#include <stdio.h>
#include <string.h>

static enum cli_exit routes_show(struct cli *cli, const char *path,
				 const struct cli_columns *columns)
{
	struct client_request request = { .method = "POST", .path = path };
	cJSON *result = NULL;
	enum cli_exit rc = cli_action(cli, &request, &result);

	if (rc == CLI_DONE && cli->json)
		cli_json_print(result);
	else if (rc == CLI_DONE)
		rc = cli_table_show(cli, result, columns);
	cJSON_Delete(result);
	return rc;
}

static void peer_row(struct cli_table *table, const cJSON *item)
{
	cli_cell(table, cli_text(item, "neighbor"));
	cli_cell(table, cli_text(item, "localAddress"));
	cli_cellf(table, "%.0f", cli_number(item, "asn"));
	cli_cell(table, cli_text(item, "state"));
	cli_cell(table, cli_text(item, "connectedDuration"));
	cli_cellf(table, "%.0f", cli_number(item, "routesReceived"));
}

static enum cli_exit peers(struct cli *cli, char **arguments, int count)
{
	static const char *const heads[] = {
		"PEER", "LOCAL", "AS", "STATE", "SINCE", "ROUTES", NULL
	};
	static const struct cli_columns columns = { NULL, "value", heads, peer_row };
	char path[512];
	enum cli_exit rc = cli_path(path, sizeof(path),
				    "/virtualNetworkGateways/%s/getBgpPeerStatus", arguments[0]);

	return rc == CLI_DONE ? routes_show(cli, path, &columns) : rc;
}

static void learned_row(struct cli_table *table, const cJSON *item)
{
	static const char *const names[] = { "network",	     "nextHop", "sourcePeer",
					     "localAddress", "origin",	"asPath" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		cli_cell(table, cli_text(item, names[i]));
}

static const char *const route_heads[] = { "NETWORK", "NEXT HOP", "PEER", "LOCAL",
					   "ORIGIN",  "AS PATH",  NULL };
static const struct cli_columns route_columns = { NULL, "value", route_heads, learned_row };

static enum cli_exit learned(struct cli *cli, char **arguments, int count)
{
	char path[512];
	enum cli_exit rc = cli_path(path, sizeof(path),
				    "/virtualNetworkGateways/%s/getLearnedRoutes", arguments[0]);

	return rc == CLI_DONE ? routes_show(cli, path, &route_columns) : rc;
}

static enum cli_exit advertised(struct cli *cli, char **arguments, int count)
{
	char path[512];
	char whole[640];
	enum cli_exit rc = cli_path(path, sizeof(path),
				    "/virtualNetworkGateways/%s/getAdvertisedRoutes", arguments[0]);

	if (strspn(arguments[1], "0123456789abcdefABCDEF.:") != strlen(arguments[1])) {
		fprintf(stderr, "vpngw: %s is no IP address\n", arguments[1]);
		return CLI_USAGE;
	}
	snprintf(whole, sizeof(whole), "%s?peer=%s", path, arguments[1]);
	return rc == CLI_DONE ? routes_show(cli, whole, &route_columns) : rc;
}

static void circuit_row(struct cli_table *table, const cJSON *item)
{
	bool up = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(item, "linkUp"));

	cli_cell(table, cli_text(item, "port"));
	cli_cell(table, up ? "up" : "down");
	cli_cell(table, cli_text(item, "neighbor"));
	cli_cellf(table, "%.0f", cli_number(item, "asn"));
	cli_cell(table, cli_text(item, "state"));
	cli_cellf(table, "%.0f", cli_number(item, "routesReceived"));
	cli_cellf(table, "%.0f", cli_number(item, "routesSent"));
}

static enum cli_exit circuits(struct cli *cli, char **arguments, int count)
{
	static const char *const heads[] = { "PORT",  "LINK",	  "PEER", "AS",
					     "STATE", "RECEIVED", "SENT", NULL };
	static const struct cli_columns columns = { "/circuits", "value", heads, circuit_row };

	return cli_page(cli, &columns);
}

static const struct command bgp_commands[] = {
	{ "circuits", "", "the private circuits beside the VPN: link, BGP, routes",
	  "vpngw circuits", 0, 0, circuits, NULL, true },
	{ "bgp peers", "GATEWAY", "the BGP sessions and their states", "vpngw bgp peers gw", 1, 1,
	  peers, NULL },
	{ "bgp learned", "GATEWAY", "the routes that peers announce", "vpngw bgp learned gw", 1, 1,
	  learned, NULL },
	{ "bgp advertised", "GATEWAY ADDRESS", "the routes that a peer is told",
	  "vpngw bgp advertised gw 10.20.0.1", 2, 2, advertised, NULL },
};

const struct command_set cli_bgp_commands = { "BGP", bgp_commands,
					      sizeof(bgp_commands) / sizeof(bgp_commands[0]) };
