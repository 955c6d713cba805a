/*
 * BGP: sessions and routes, as the API's operations list them.
 */
#include "cli.h"

#include <stdio.h>
#include <string.h>

struct column {
	const char *head;
	const char *name;
};

/* The rows of an operation's result, columns as wide as their widest cell. */
static void rows_print(const cJSON *rows, const struct column *columns, int count)
{
	const cJSON *row;

	for (int c = 0; c < count; c++) {
		int width = (int)strlen(columns[c].head);

		cJSON_ArrayForEach(row, rows)
		{
			int n = (int)strlen(cli_text(row, columns[c].name));

			width = n > width ? n : width;
		}
		printf("%-*s%s", width, columns[c].head, c + 1 < count ? "  " : "\n");
	}
	cJSON_ArrayForEach(row, rows)
	{
		for (int c = 0; c < count; c++) {
			const cJSON *cell = cJSON_GetObjectItemCaseSensitive(row, columns[c].name);
			int width = (int)strlen(columns[c].head);
			const cJSON *other;

			cJSON_ArrayForEach(other, rows)
			{
				int n = (int)strlen(cli_text(other, columns[c].name));

				width = n > width ? n : width;
			}
			if (cJSON_IsNumber(cell))
				printf("%-*.0f", width, cell->valuedouble);
			else
				printf("%-*s", width, cli_text(row, columns[c].name));
			printf("%s", c + 1 < count ? "  " : "\n");
		}
	}
}

static enum cli_exit table_show(struct cli *cli, const char *path, const struct column *columns,
				int count)
{
	struct client_request request = { .method = "POST", .path = path };
	cJSON *result = NULL;
	enum cli_exit rc = cli_action(cli, &request, &result);

	if (rc == CLI_DONE && cli->json)
		cli_json_print(result);
	else if (rc == CLI_DONE)
		rows_print(cJSON_GetObjectItemCaseSensitive(result, "value"), columns, count);
	cJSON_Delete(result);
	return rc;
}

static enum cli_exit peers(struct cli *cli, char **arguments, int count)
{
	static const struct column columns[] = { { "PEER", "neighbor" },
						 { "LOCAL", "localAddress" },
						 { "AS", "asn" },
						 { "STATE", "state" },
						 { "SINCE", "connectedDuration" },
						 { "ROUTES", "routesReceived" } };
	char path[512];
	enum cli_exit rc = cli_path(path, sizeof(path),
				    "/virtualNetworkGateways/%s/getBgpPeerStatus", arguments[0]);

	return rc == CLI_DONE ? table_show(cli, path, columns, sizeof(columns) / sizeof(columns[0]))
			      : rc;
}

static const struct column route_columns[] = {
	{ "NETWORK", "network" },    { "NEXT HOP", "nextHop" }, { "PEER", "sourcePeer" },
	{ "LOCAL", "localAddress" }, { "ORIGIN", "origin" },	{ "AS PATH", "asPath" }
};
#define ROUTE_COLUMNS (int)(sizeof(route_columns) / sizeof(route_columns[0]))

static enum cli_exit learned(struct cli *cli, char **arguments, int count)
{
	char path[512];
	enum cli_exit rc = cli_path(path, sizeof(path),
				    "/virtualNetworkGateways/%s/getLearnedRoutes", arguments[0]);

	return rc == CLI_DONE ? table_show(cli, path, route_columns, ROUTE_COLUMNS) : rc;
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
	return rc == CLI_DONE ? table_show(cli, whole, route_columns, ROUTE_COLUMNS) : rc;
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
	  "vpngw circuits", 0, 0, circuits, NULL },
	{ "bgp peers", "GATEWAY", "the BGP sessions and their states", "vpngw bgp peers gw", 1, 1,
	  peers, NULL },
	{ "bgp learned", "GATEWAY", "the routes that peers announce", "vpngw bgp learned gw", 1, 1,
	  learned, NULL },
	{ "bgp advertised", "GATEWAY ADDRESS", "the routes that a peer is told",
	  "vpngw bgp advertised gw 10.20.0.1", 2, 2, advertised, NULL },
};

const struct command_set cli_bgp_commands = { "BGP", bgp_commands,
					      sizeof(bgp_commands) / sizeof(bgp_commands[0]) };
