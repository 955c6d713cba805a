/*
 * What is the case: each command asks for one page and shows it.
 */
#include "cli.h"
#include "picture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static enum cli_exit draw_status(struct cli *cli, void *context)
{
	cJSON *root;

	if (cli->json)
		return cli_print(cli, "/status");
	root = cli_get(cli, "/status");
	if (root)
		picture_draw(cli, root);
	cJSON_Delete(root);
	return root ? CLI_DONE : cli->error;
}

static enum cli_exit status(struct cli *cli, char **arguments, int count)
{
	return cli_repeat(cli, draw_status, NULL);
}

static void tunnel_row(struct cli_table *table, const cJSON *item)
{
	cli_cell(table, cli_text(item, "connection"));
	cli_cell(table, cli_text(item, "localAddress"));
	cli_cell(table, cli_text(item, "remoteAddress"));
	cli_cell(table, cJSON_IsTrue(cJSON_GetObjectItem(item, "suspect"))
				? "suspect"
				: cli_text(item, "connectionStatus"));
	cli_cell(table, cli_text(item, "reason"));
}

static enum cli_exit tunnels(struct cli *cli, char **arguments, int count)
{
	static const char *const heads[] = { "CONNECTION", "LOCAL",  "REMOTE",
					     "STATUS",	   "REASON", NULL };

	return cli_page(cli, &(struct cli_columns){ "/status", "tunnels", heads, tunnel_row });
}

static void connection_row(struct cli_table *table, const cJSON *item)
{
	const cJSON *properties = cJSON_GetObjectItem(item, "properties");
	char in[CLI_UNIT_TEXT], out[CLI_UNIT_TEXT];

	cli_cell(table, cli_text(item, "name"));
	cli_cell(table, cli_text(properties, "connectionType"));
	cli_cell(table, cli_text(properties, "connectionStatus"));
	cli_cell(table, cli_bytes(in, cli_number(properties, "ingressBytesTransferred")));
	cli_cell(table, cli_bytes(out, cli_number(properties, "egressBytesTransferred")));
	cli_cell(table, cli_text(properties, "provisioningState"));
}

static enum cli_exit connections(struct cli *cli, char **arguments, int count)
{
	static const char *const heads[] = { "NAME", "TYPE",	     "STATUS", "IN",
					     "OUT",  "PROVISIONING", NULL };

	return cli_page(cli,
			&(struct cli_columns){ "/connections", "value", heads, connection_row });
}

static void route_row(struct cli_table *table, const cJSON *item)
{
	cli_cell(table, cli_text(item, "prefix"));
	cli_cell(table, cli_text(item, "origin"));
	cli_cellf(table, "%.0f", cli_number(item, "metric"));
	cli_cell(table, cJSON_IsTrue(cJSON_GetObjectItem(item, "best")) ? "best" : "");
}

static enum cli_exit routes(struct cli *cli, char **arguments, int count)
{
	static const char *const heads[] = { "PREFIX", "ORIGIN", "METRIC", "", NULL };

	return cli_page(cli, &(struct cli_columns){ "/routes", "value", heads, route_row });
}

static void limit_cell(struct cli_table *table, const cJSON *item, const char *name)
{
	if (cli_number(item, name) > 0)
		cli_cellf(table, "%.0f", cli_number(item, name));
	else
		cli_cell(table, "no limit");
}

static void sku_row(struct cli_table *table, const cJSON *item)
{
	const cJSON *features = cJSON_GetObjectItem(item, "features");

	cli_cell(table, cli_text(item, "name"));
	cli_cell(table, cli_text(item, "generation"));
	limit_cell(table, item, "aggregateThroughputMbps");
	limit_cell(table, item, "siteToSiteTunnels");
	limit_cell(table, item, "sstpClients");
	limit_cell(table, item, "ikeAndOpenVpnClients");
	cli_cellf(table, "%d", cJSON_GetArraySize(features));
}

static enum cli_exit skus(struct cli *cli, char **arguments, int count)
{
	static const char *const heads[] = { "SKU",	     "GENERATION", "MBIT/S",   "TUNNELS",
					     "SSTP CLIENTS", "CLIENTS",	   "FEATURES", NULL };

	return cli_page(cli, &(struct cli_columns){ "/skus", "value", heads, sku_row });
}

/* Azure's answer is a JSON string that holds JSON. */
static cJSON *unquoted(cJSON *result)
{
	cJSON *inner = cJSON_IsString(result) ? cJSON_Parse(result->valuestring) : NULL;

	return inner;
}

static void print_sa(const cJSON *sa)
{
	const cJSON *children = cJSON_GetObjectItem(sa, "quickModeSa");
	const cJSON *child;

	printf("IKE  %s === %s  %s/%s/%s  %s  %.0f of %.0f s\n", cli_text(sa, "localEndpoint"),
	       cli_text(sa, "remoteEndpoint"), cli_text(sa, "encryption"),
	       cli_text(sa, "integrity"), cli_text(sa, "dhGroup"),
	       cJSON_IsTrue(cJSON_GetObjectItem(sa, "isSaInitiator")) ? "initiator" : "responder",
	       cli_number(sa, "elapsedTimeInseconds"), cli_number(sa, "lifeTimeSeconds"));
	cJSON_ArrayForEach(child, children) printf(
		"ESP    %08x in  %08x out  %s/%s/%s  %.0f of %.0f s\n",
		(unsigned int)cli_number(child, "inboundSPI"),
		(unsigned int)cli_number(child, "outboundSPI"), cli_text(child, "encryption"),
		cli_text(child, "integrity"), cli_text(child, "pfsGroupId"),
		cli_number(child, "elapsedTimeInseconds"), cli_number(child, "lifeTimeSeconds"));
}

static enum cli_exit sas(struct cli *cli, char **arguments, int count)
{
	struct client_request request = { .method = "POST" };
	char path[256];
	enum cli_exit code =
		cli_path(path, sizeof(path), "/connections/%s/getikesas", arguments[0]);
	cJSON *result, *inner;
	const cJSON *sa;

	if (code != CLI_DONE)
		return code;
	request.path = path;
	code = cli_action(cli, &request, &result);
	if (code != CLI_DONE)
		return code;
	inner = unquoted(result);
	if (cli->json && cJSON_IsString(result))
		puts(result->valuestring);
	else if (!cJSON_GetArraySize(cJSON_GetObjectItem(inner, "Data")))
		puts("no security association");
	else
		cJSON_ArrayForEach(sa, cJSON_GetObjectItem(inner, "Data")) print_sa(sa);
	cJSON_Delete(inner);
	cJSON_Delete(result);
	return CLI_DONE;
}

static enum cli_exit metrics(struct cli *cli, char **arguments, int count)
{
	return cli->json ? cli_metrics_json(cli) : cli_print(cli, "/metrics");
}

/* "tunnel name=a/0 connectionStatus=Connected" */
static void show_members(const char *event, const cJSON *data)
{
	const cJSON *member;

	fputs(event, stdout);
	cJSON_ArrayForEach(member, data)
	{
		char *text = cJSON_IsString(member) ? NULL : cJSON_PrintUnformatted(member);

		printf(" %s=%s", member->string ? member->string : "",
		       text ? text : cJSON_GetStringValue(member));
		cJSON_free(text);
	}
	putchar('\n');
}

/* With -o json a line for each event: {"event":"tunnel","data":{...}}. */
static void show_event(struct cli *cli, const char *event, const char *data)
{
	cJSON *json = cli->json ? NULL : cJSON_Parse(data);

	if (cli->json)
		printf("{\"event\":\"%s\",\"data\":%s}\n", event, data);
	else if (json)
		show_members(event, json);
	cJSON_Delete(json);
}

static enum cli_exit events(struct cli *cli, char **arguments, int count)
{
	return cli_stream(cli, "GET", "/events", NULL, show_event);
}

static const struct command state_commands[] = {
	{ "status", "", "the gateway, its tunnels, rates and headroom (--watch: every second)",
	  "vpngw status --watch", 0, 0, status, NULL, true },
	{ "connections", "", "every connection and what it has carried",
	  "vpngw connections -o json", 0, 0, connections, NULL, true },
	{ "tunnels", "", "every tunnel and why it is down", "vpngw tunnels", 0, 0, tunnels, NULL,
	  true },
	{ "sas", "CONNECTION", "the security associations of a connection", "vpngw sas to-branch",
	  1, 1, sas, NULL },
	{ "routes", "", "the routing table", "vpngw routes", 0, 0, routes, NULL, true },
	{ "usage", "[GATEWAY]", "what gateways carry against their SKUs' limits, and what is free",
	  "vpngw usage gw", 0, 1, cli_usage, NULL, true },
	{ "skus", "", "the catalogue of SKUs with their limits", "vpngw skus", 0, 0, skus, NULL },
	{ "metrics", "", "Prometheus text", "vpngw metrics", 0, 0, metrics, NULL },
	{ "events", "", "what changes, as it changes", "vpngw events", 0, 0, events, NULL },
};

const struct command_set cli_state_commands = {
	"What is the case", state_commands, sizeof(state_commands) / sizeof(state_commands[0])
};
