/*
 * What was carried between two times.
 */
#include "cli.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#define QUERY_BYTES 1024

/* "&name=value", escaped; false when it does not fit. */
static bool query_add(char path[QUERY_BYTES], const char *name, const char *value)
{
	size_t n = strlen(path);

	n += (size_t)snprintf(path + n, QUERY_BYTES - n, "%c%s=", strchr(path, '?') ? '&' : '?',
			      name);
	for (; *value && n + 4 < QUERY_BYTES; value++)
		n += (size_t)snprintf(
			path + n, QUERY_BYTES - n,
			isalnum((unsigned char)*value) || strchr("-.:_", *value) ? "%c" : "%%%02X",
			(unsigned char)*value);
	return !*value;
}

/* The gateway that is meant when none is named: the only one. */
static enum cli_exit only_gateway(struct cli *cli, char name[128])
{
	cJSON *root = cli_get(cli, "/virtualNetworkGateways");
	const cJSON *list = cJSON_GetObjectItem(root, "value");
	enum cli_exit code = CLI_DONE;

	if (!root)
		return cli->error;
	if (cJSON_GetArraySize(list) == 1) {
		snprintf(name, 128, "%s", cli_text(cJSON_GetArrayItem(list, 0), "name"));
	} else {
		fprintf(stderr, "vpngw: there are %d gateways: name one\n",
			cJSON_GetArraySize(list));
		code = CLI_USAGE;
	}
	cJSON_Delete(root);
	return code;
}

static double to_tunnels(const cJSON *item)
{
	double bytes = 0;
	const cJSON *entry;

	cJSON_ArrayForEach(entry, cJSON_GetObjectItem(item, "ingressByDestination"))
	{
		const char *to = cli_text(entry, "destination");

		if (!strcmp(to, "Site") || !strcmp(to, "VirtualNetworkGateway") ||
		    !strcmp(to, "Client"))
			bytes += cli_number(entry, "bytes");
	}
	return bytes;
}

static double to_one(const cJSON *item, const char *destination)
{
	const cJSON *entry;

	cJSON_ArrayForEach(entry, cJSON_GetObjectItem(item, "ingressByDestination"))
	{
		if (!strcmp(cli_text(entry, "destination"), destination))
			return cli_number(entry, "bytes");
	}
	return 0;
}

static void row(struct cli_table *table, const cJSON *item)
{
	const double bytes[] = { cli_number(item, "egressBytes"),
				 cli_number(item, "ingressBytes"),
				 to_one(item, "VirtualNetwork"),
				 to_one(item, "PeeredVirtualNetwork"),
				 to_tunnels(item),
				 to_one(item, "Internet") };
	char text[CLI_UNIT_TEXT];

	cli_cell(table, cli_text(item, "name"));
	cli_cellf(table, "%.2f", cli_number(item, "tunnelHours"));
	for (size_t i = 0; i < sizeof(bytes) / sizeof(bytes[0]); i++)
		cli_cell(table, cli_bytes(text, bytes[i]));
}

/* The gateway's own figures as the last row. */
static void total_add(cJSON *root)
{
	cJSON *total = cJSON_Duplicate(root, true);

	if (!total)
		return;
	cJSON_DeleteItemFromObject(total, "connections");
	cJSON_ReplaceItemInObject(total, "name", cJSON_CreateString("all"));
	cJSON_AddItemToArray(cJSON_GetObjectItem(root, "connections"), total);
}

static enum cli_exit meters_show(struct cli *cli, const char *path)
{
	static const char *const heads[] = { "CONNECTION", "HOURS",	  "OUT",
					     "IN",	   "TO INSIDE",	  "TO PEERED",
					     "TO TUNNELS", "TO INTERNET", NULL };
	const struct cli_columns columns = { path, "connections", heads, row };
	cJSON *root = cli_get(cli, path);
	enum cli_exit code;

	if (!root)
		return cli->error;
	printf("%s  %s to %s  %.2f gateway hours\n", cli_text(root, "name"), cli_text(root, "from"),
	       cli_text(root, "to"), cli_number(root, "gatewayHours"));
	total_add(root);
	code = cli_table_show(cli, root, &columns);
	cJSON_Delete(root);
	return code;
}

static enum cli_exit metering(struct cli *cli, char **arguments, int count)
{
	static const char *const times[] = { "from", "to" };
	char path[QUERY_BYTES];
	char name[128];
	enum cli_exit code = CLI_DONE;

	if (count)
		snprintf(name, sizeof(name), "%s", arguments[0]);
	else
		code = only_gateway(cli, name);
	if (code == CLI_DONE)
		code = cli_path(path, sizeof(path), "/virtualNetworkGateways/%s/metering", name);
	for (size_t i = 0; code == CLI_DONE && i < sizeof(times) / sizeof(times[0]); i++)
		if (cli_option(cli, times[i]) &&
		    !query_add(path, times[i], cli_option(cli, times[i]))) {
			fprintf(stderr, "vpngw: --%s is too long for a time\n", times[i]);
			code = CLI_USAGE;
		}
	if (code == CLI_DONE && cli_option(cli, "csv") && !query_add(path, "format", "csv"))
		code = CLI_USAGE;
	if (code != CLI_DONE)
		return code;
	return cli->json || cli_option(cli, "csv") ? cli_print(cli, path) : meters_show(cli, path);
}

static const struct cli_option options[] = {
	{ "from", "TIME", "2026-11-01 or 2026-11-01T06:00:00Z; begin of the month without it" },
	{ "to", "TIME", "now without it" },
	{ "csv", NULL, "for spreadsheets" },
	{ 0 }
};

static const struct command metering_commands[] = {
	{ "metering", "[GATEWAY]", "what was carried, and for how long, between two times",
	  "vpngw metering gw --from 2026-11-01 --csv", 0, 1, metering, options },
};

const struct command_set cli_metering_commands = {
	"Metering", metering_commands, sizeof(metering_commands) / sizeof(metering_commands[0])
};
