/*
 * Usage against limits: a row for each thing that is limited.
 */
#include "cli.h"

#include <string.h>

const cJSON *cli_usage_item(const cJSON *usage, const char *name)
{
	const cJSON *item;

	cJSON_ArrayForEach(item, cJSON_GetObjectItem(usage, "value"))
	{
		if (!strcmp(cli_text(cJSON_GetObjectItem(item, "name"), "value"), name))
			return item;
	}
	return NULL;
}

static void amount(struct cli_table *table, const cJSON *item, const char *member)
{
	const cJSON *value = cJSON_GetObjectItem(item, member);
	char rate[CLI_UNIT_TEXT];

	if (!cJSON_IsNumber(value))
		cli_cell(table, "-");
	else if (!strcmp(cli_text(item, "unit"), "BitsPerSecond"))
		cli_cell(table, cli_rate(rate, value->valuedouble));
	else
		cli_cellf(table, "%.0f", value->valuedouble);
}

static void rows_of(struct cli_table *table, const cJSON *usage)
{
	const cJSON *item;

	cJSON_ArrayForEach(item, cJSON_GetObjectItem(usage, "value"))
	{
		cli_cell(table, cli_text(usage, "name"));
		cli_cell(table, cli_text(cJSON_GetObjectItem(item, "name"), "value"));
		amount(table, item, "currentValue");
		amount(table, item, "limit");
		amount(table, item, "headroom");
	}
}

static void usage_rows(struct cli_table *table, const cJSON *usage)
{
	const cJSON *connection;

	rows_of(table, usage);
	cJSON_ArrayForEach(connection, cJSON_GetObjectItem(usage, "connections"))
		rows_of(table, connection);
}

enum cli_exit cli_usage(struct cli *cli, char **arguments, int count)
{
	static const char *const heads[] = { "NAME", "WHAT", "USED", "LIMIT", "FREE", NULL };
	char path[256] = "/usage";
	enum cli_exit code = CLI_DONE;

	if (count)
		code = cli_path(path, sizeof(path), "/virtualNetworkGateways/%s/usage",
				arguments[0]);
	if (code != CLI_DONE)
		return code;
	return cli_page(cli,
			&(struct cli_columns){ path, count ? NULL : "value", heads, usage_rows });
}
