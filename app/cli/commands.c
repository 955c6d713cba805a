/*
 * The commands: each asks for one page and shows it as a table, or changes one thing.
 */
#include "cli.h"
#include "picture.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define ROWS_MAX 20000

static int status(struct cli *cli, char **arguments, int count)
{
	static const struct timespec second = { .tv_sec = 1 };
	struct picture before = { 0 };
	int code;

	if (cli->json && !cli->watch)
		return cli_print(cli, "/status");
	do {
		cJSON *root = cli_get(cli, "/status");

		code = root ? 0 : 1;
		if (root)
			picture_draw(cli, root, &before);
		cJSON_Delete(root);
		fflush(stdout);
	} while (cli->watch && code == 0 && nanosleep(&second, NULL) == 0);
	picture_fini(&before);
	return code;
}

/* Rows of "value" through a function that gives a row's cells. */
typedef void (*row_cells)(const cJSON *item, const char **cells);

static int table_of(struct cli *cli, const char *path, const char *list, const char *const *head,
		    int columns, row_cells fill)
{
	cJSON *root;
	const cJSON *item;
	const char **cells;
	int rows = 1;

	if (cli->json)
		return cli_print(cli, path);
	root = cli_get(cli, path);
	if (!root)
		return 1;
	cells = calloc((size_t)(cJSON_GetArraySize(cJSON_GetObjectItem(root, list)) + 1) *
			       (size_t)columns,
		       sizeof(*cells));
	if (cells) {
		memcpy(cells, head, (size_t)columns * sizeof(*cells));
		cJSON_ArrayForEach(item, cJSON_GetObjectItem(root, list))
			fill(item, cells + rows++ * columns);
		cli_table(cli, cells, rows, columns);
	}
	free(cells);
	cJSON_Delete(root);
	return cells ? 0 : 1;
}

static void tunnel_cells(const cJSON *item, const char **cells)
{
	cells[0] = cli_text(item, "connection");
	cells[1] = cli_text(item, "localAddress");
	cells[2] = cli_text(item, "remoteAddress");
	cells[3] = cli_text(item, "connectionStatus");
	cells[4] = cli_text(item, "reason");
}

static int tunnels(struct cli *cli, char **arguments, int count)
{
	static const char *const head[] = { "CONNECTION", "LOCAL", "REMOTE", "STATUS", "REASON" };

	return table_of(cli, "/status", "tunnels", head, 5, tunnel_cells);
}

static void connection_cells(const cJSON *item, const char **cells)
{
	const cJSON *properties = cJSON_GetObjectItem(item, "properties");

	cells[0] = cli_text(item, "name");
	cells[1] = cli_text(properties, "connectionType");
	cells[2] = cli_text(properties, "connectionStatus");
	cells[3] = cli_text(properties, "provisioningState");
}

static int connections(struct cli *cli, char **arguments, int count)
{
	static const char *const head[] = { "NAME", "TYPE", "STATUS", "PROVISIONING" };

	return table_of(cli, "/connections", "value", head, 4, connection_cells);
}

static void route_cells(const cJSON *item, const char **cells)
{
	cells[0] = cli_text(item, "prefix");
	cells[1] = cli_text(item, "origin");
	cells[2] = cJSON_IsTrue(cJSON_GetObjectItem(item, "best")) ? "best" : "";
}

static int routes(struct cli *cli, char **arguments, int count)
{
	static const char *const head[] = { "PREFIX", "ORIGIN", "" };

	return table_of(cli, "/routes", "value", head, 3, route_cells);
}

static void sku_cells(const cJSON *item, const char **cells)
{
	cells[0] = cli_text(item, "name");
	cells[1] = cli_text(item, "generation");
	cells[2] = cJSON_PrintUnformatted(cJSON_GetObjectItem(item, "aggregateThroughputMbps"));
	cells[3] = cJSON_PrintUnformatted(cJSON_GetObjectItem(item, "siteToSiteTunnels"));
}

static int skus(struct cli *cli, char **arguments, int count)
{
	static const char *const head[] = { "SKU", "GENERATION", "MBIT/S", "TUNNELS" };

	return table_of(cli, "/skus", "value", head, 4, sku_cells);
}

static void history_cells(const cJSON *item, const char **cells)
{
	cells[0] = cJSON_PrintUnformatted(cJSON_GetObjectItem(item, "revision"));
	cells[1] = cli_text(item, "cause");
	cells[2] = cli_text(item, "actor");
}

static int history(struct cli *cli, char **arguments, int count)
{
	static const char *const head[] = { "REVISION", "CAUSE", "WHO" };

	return table_of(cli, "/history", "value", head, 3, history_cells);
}

static int reset(struct cli *cli, char **arguments, int count)
{
	char path[256];

	if (cli_path(path, sizeof(path), "/connections/%s/resetconnection", arguments[0]) < 0)
		return 2;
	return cli_change(cli, "POST", path, NULL);
}

static int metrics(struct cli *cli, char **arguments, int count)
{
	return cli_print(cli, "/metrics");
}

static int config_show(struct cli *cli, char **arguments, int count)
{
	return cli_print(cli, "/config");
}

static int config_apply(struct cli *cli, char **arguments, int count)
{
	return cli_change(cli, "POST", "/config/import", "{}");
}

static int config_confirm(struct cli *cli, char **arguments, int count)
{
	return cli_change(cli, "POST", "/config/confirm", "{}");
}

static int config_rollback(struct cli *cli, char **arguments, int count)
{
	char path[128];

	if (cli_path(path, sizeof(path), "/config/rollback?revision=%s", arguments[0]) < 0)
		return 2;
	return cli_change(cli, "POST", path, "{}");
}

static int get(struct cli *cli, char **arguments, int count)
{
	return cli_print(cli, arguments[0]);
}

static int put(struct cli *cli, char **arguments, int count)
{
	FILE *file = strcmp(arguments[1], "-") ? fopen(arguments[1], "re") : stdin;
	struct text body = { 0 };
	char buffer[4096];
	size_t n;
	int code;

	if (!file) {
		fprintf(stderr, "vpngw: %s: %s\n", arguments[1], strerror(errno));
		return 1;
	}
	while ((n = fread(buffer, 1, sizeof(buffer), file)) > 0)
		text_add_bytes(&body, buffer, n);
	if (file != stdin)
		fclose(file);
	code = cli_change(cli, "PUT", arguments[0], text_get(&body));
	text_fini(&body);
	return code;
}

static int delete (struct cli *cli, char **arguments, int count)
{
	return cli_change(cli, "DELETE", arguments[0], NULL);
}

static bool event_piece(void *context, const char *bytes, size_t n)
{
	fwrite(bytes, 1, n, stdout);
	fflush(stdout);
	return true;
}

static int events(struct cli *cli, char **arguments, int count)
{
	struct client_request request = { .method = "GET",
					  .path = "/events",
					  .piece = event_piece };
	struct client_answer answer;
	char why[700];
	int rc = client_ask(&cli->client, &request, &answer, why, sizeof(why));

	if (rc < 0)
		fprintf(stderr, "vpngw: %s\n", why);
	client_answer_fini(&answer);
	return rc < 0;
}

/* The control program knows the schema. */
static int check_config(struct cli *cli, char **arguments, int count)
{
	execlp("vpngw-control", "vpngw-control", "--check-config", arguments[0], NULL);
	fprintf(stderr, "vpngw: vpngw-control is not installed: %s\n", strerror(errno));
	return 1;
}

const struct command cli_commands[] = {
	{ "status", "[--watch]", "the gateway, its tunnels and rates", "vpngw status --watch", 0, 0,
	  status },
	{ "tunnels", "", "every tunnel and why it is down", "vpngw tunnels", 0, 0, tunnels },
	{ "connections", "", "every connection", "vpngw connections -o json", 0, 0, connections },
	{ "routes", "", "the routing table", "vpngw routes", 0, 0, routes },
	{ "skus", "", "the catalogue of SKUs", "vpngw skus", 0, 0, skus },
	{ "reset", "CONNECTION", "tears a connection's tunnels down and dials anew",
	  "vpngw reset to-branch", 1, 1, reset },
	{ "history", "", "revisions of the configuration", "vpngw history", 0, 0, history },
	{ "config-show", "", "the running configuration as a file, without keys",
	  "vpngw config-show > now.json", 0, 0, config_show },
	{ "config-apply", "", "reads the configuration file again", "vpngw config-apply", 0, 0,
	  config_apply },
	{ "config-rollback", "REVISION", "goes back to a revision", "vpngw config-rollback 7", 1, 1,
	  config_rollback },
	{ "config-confirm", "", "keeps a change that waits for it", "vpngw config-confirm", 0, 0,
	  config_confirm },
	{ "check-config", "FILE", "checks a configuration file", "vpngw check-config vpngw.json", 1,
	  1, check_config },
	{ "metrics", "", "Prometheus text", "vpngw metrics", 0, 0, metrics },
	{ "events", "", "what changes, as it changes", "vpngw events", 0, 0, events },
	{ "get", "PATH", "any page", "vpngw get /connections/to-branch", 1, 1, get },
	{ "put", "PATH FILE", "a resource from a file (- is standard input)",
	  "vpngw put /localNetworkGateways/site1 site1.json", 2, 2, put },
	{ "delete", "PATH", "a resource", "vpngw delete /connections/old", 1, 1, delete },
};
const unsigned int cli_command_count = sizeof(cli_commands) / sizeof(cli_commands[0]);
