#include "cli.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COLUMNS_MAX 16

struct cli_table {
	char **cells; /* row by row */
	size_t count;
	size_t capacity;
	bool failed;
};

const char *cli_text(const cJSON *object, const char *name)
{
	const cJSON *item = cJSON_GetObjectItem(object, name);

	return cJSON_IsString(item) ? item->valuestring : "";
}

double cli_number(const cJSON *object, const char *name)
{
	const cJSON *item = cJSON_GetObjectItem(object, name);

	return cJSON_IsNumber(item) ? item->valuedouble : 0;
}

static const char *scaled(char buf[CLI_UNIT_TEXT], double value, const char *const units[5])
{
	int unit = 0;

	while (value >= 999.95 && unit < 4) {
		value /= 1000;
		unit++;
	}
	snprintf(buf, CLI_UNIT_TEXT, unit ? "%.1f %s" : "%.0f %s", value, units[unit]);
	return buf;
}

const char *cli_rate(char buf[CLI_UNIT_TEXT], double bits_per_s)
{
	static const char *const units[5] = { "bit/s", "kbit/s", "Mbit/s", "Gbit/s", "Tbit/s" };

	return scaled(buf, bits_per_s, units);
}

const char *cli_bytes(char buf[CLI_UNIT_TEXT], double bytes)
{
	static const char *const units[5] = { "B", "kB", "MB", "GB", "TB" };

	return scaled(buf, bytes, units);
}

void cli_cell(struct cli_table *table, const char *text)
{
	if (table->count == table->capacity) {
		size_t capacity = table->capacity ? table->capacity * 2 : 64;
		char **cells = realloc(table->cells, capacity * sizeof(*cells));

		table->failed |= !cells;
		if (!cells)
			return;
		table->cells = cells;
		table->capacity = capacity;
	}
	table->cells[table->count] = strdup(text);
	table->failed |= !table->cells[table->count];
	if (table->cells[table->count])
		table->count++;
}

void cli_cellf(struct cli_table *table, const char *format, ...)
{
	char text[256];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	cli_cell(table, text);
}

/* Columns are as wide as they must be; bytes after the first of a UTF-8 letter take no place. */
static int width_of(const char *text)
{
	int width = 0;

	for (; *text; text++)
		width += ((unsigned char)*text & 0xc0) != 0x80;
	return width;
}

static void table_print(const struct cli *cli, const struct cli_table *table, size_t columns)
{
	int width[COLUMNS_MAX] = { 0 };

	for (size_t i = 0; i < table->count; i++)
		if (width_of(table->cells[i]) > width[i % columns])
			width[i % columns] = width_of(table->cells[i]);
	for (size_t i = 0; i < table->count; i++) {
		bool last = i % columns == columns - 1;

		if (cli->color && i == 0)
			fputs("\033[1m", stdout);
		fputs(table->cells[i], stdout);
		if (!last)
			printf("%*s", width[i % columns] - width_of(table->cells[i]) + 2, "");
		if (cli->color && i == columns - 1)
			fputs("\033[0m", stdout);
		if (last)
			putchar('\n');
	}
}

static void table_fini(struct cli_table *table)
{
	for (size_t i = 0; i < table->count; i++)
		free(table->cells[i]);
	free(table->cells);
}

enum cli_exit cli_table_show(struct cli *cli, const cJSON *root, const struct cli_columns *columns)
{
	struct cli_table table = { 0 };
	const cJSON *item;
	size_t heads = 0;

	for (; columns->heads[heads]; heads++)
		cli_cell(&table, columns->heads[heads]);
	if (!columns->list)
		columns->row(&table, root);
	else
		cJSON_ArrayForEach(item, cJSON_GetObjectItem(root, columns->list))
			columns->row(&table, item);
	if (table.failed)
		fprintf(stderr, "vpngw: out of memory\n");
	else
		table_print(cli, &table, heads);
	table_fini(&table);
	return table.failed ? CLI_FAILED : CLI_DONE;
}

static enum cli_exit page_draw(struct cli *cli, void *context)
{
	const struct cli_columns *columns = context;
	enum cli_exit code;
	cJSON *root;

	if (cli->json)
		return cli_print(cli, columns->path);
	root = cli_get(cli, columns->path);
	if (!root)
		return cli->error;
	cli_screen_clear(cli);
	code = cli_table_show(cli, root, columns);
	cJSON_Delete(root);
	return code;
}

enum cli_exit cli_page(struct cli *cli, const struct cli_columns *columns)
{
	struct cli_columns page = *columns;

	return cli_repeat(cli, page_draw, &page);
}
