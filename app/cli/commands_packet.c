/*
 * What packets do: captures into files of the gateway, and traces line by line.
 */
#include "cli.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define ACTION_BYTES 512
#define SECONDS_DEFAULT 60

static const struct cli_option filter_options[] = {
	{ "source", "SUBNET", "inner source; without --one-way answers match too" },
	{ "destination", "SUBNET", "inner destination" },
	{ "source-port", "N", "TCP or UDP port" },
	{ "destination-port", "N", "TCP or UDP port" },
	{ "protocol", "N", "TCP, UDP, ICMP or a number" },
	{ "one-way", NULL, "not the answers" },
	{ "seconds", "N", "ends by itself after this time (60)" },
	{ NULL, NULL, NULL },
};

static const struct cli_option capture_options[] = {
	{ "filter", "JSON", "Azure's filterData" },
	{ "gateway", NULL, "CONNECTION is a gateway's name: all its connections" },
	{ NULL, NULL, NULL },
};

static const struct cli_option stop_options[] = {
	{ "gateway", NULL, "CONNECTION is a gateway's name" },
	{ NULL, NULL, NULL },
};

static enum cli_exit action_path(struct cli *cli, char path[ACTION_BYTES], const char *name,
				 const char *action)
{
	char format[96];

	snprintf(format, sizeof(format), "/%s/%%s/%s",
		 cli_option(cli, "gateway") ? "virtualNetworkGateways" : "connections", action);
	return cli_path(path, ACTION_BYTES, format, name);
}

static enum cli_exit capture_start(struct cli *cli, char **arguments, int count)
{
	const char *filter = cli_option(cli, "filter");
	char path[ACTION_BYTES];
	enum cli_exit code = action_path(cli, path, arguments[0], "startPacketCapture");
	cJSON *body = cJSON_CreateObject();
	char *text;

	if (filter)
		cJSON_AddStringToObject(body, "filterData", filter);
	text = cJSON_PrintUnformatted(body);
	if (code == CLI_DONE)
		code = cli_change(cli, "POST", path, text);
	cJSON_free(text);
	cJSON_Delete(body);
	return code;
}

/* Azure's answer is a JSON string that holds JSON. */
static void show_stopped(struct cli *cli, const cJSON *result)
{
	cJSON *inner = cJSON_IsString(result) ? cJSON_Parse(result->valuestring) : NULL;
	const cJSON *data = cJSON_GetArrayItem(cJSON_GetObjectItem(inner, "Data"), 0);
	const cJSON *file;

	if (cli->json) {
		cli_json_print(inner);
	} else if (data) {
		printf("%.0f packets, %.0f lost\n", cli_number(data, "packets"),
		       cli_number(data, "lost"));
		cJSON_ArrayForEach(file, cJSON_GetObjectItem(data, "files"))
			printf("%s\n", cJSON_GetStringValue(file));
	}
	cJSON_Delete(inner);
}

static enum cli_exit capture_stop(struct cli *cli, char **arguments, int count)
{
	char path[ACTION_BYTES];
	enum cli_exit code = action_path(cli, path, arguments[0], "stopPacketCapture");
	struct client_request request = { .method = "POST", .path = path, .body = "{}" };
	cJSON *result = NULL;

	if (code == CLI_DONE)
		code = cli_action(cli, &request, &result);
	if (code == CLI_DONE)
		show_stopped(cli, result);
	cJSON_Delete(result);
	return code;
}

static void capture_row(struct cli_table *table, const cJSON *item)
{
	char bytes[CLI_UNIT_TEXT];

	cli_cell(table, cli_text(item, "name"));
	cli_cell(table, cli_text(item, "of"));
	cli_cellf(table, "%.0f", cli_number(item, "packets"));
	cli_cell(table, cli_bytes(bytes, cli_number(item, "bytes")));
	cli_cellf(table, "%.0f", cli_number(item, "lost"));
	cli_cell(table, cli_text(item, "error"));
}

static void file_row(struct cli_table *table, const cJSON *item)
{
	time_t seconds = (time_t)(cli_number(item, "changedMs") / 1000);
	char bytes[CLI_UNIT_TEXT];
	char when[32];
	struct tm tm;

	gmtime_r(&seconds, &tm);
	strftime(when, sizeof(when), "%Y-%m-%d %H:%M:%SZ", &tm);
	cli_cell(table, cli_text(item, "name"));
	cli_cell(table, cli_bytes(bytes, cli_number(item, "bytes")));
	cli_cell(table, when);
	cli_cell(table, cJSON_IsTrue(cJSON_GetObjectItem(item, "running")) ? "running" : "ended");
}

/* What runs, then the files of all. */
static enum cli_exit capture_list_draw(struct cli *cli, void *context)
{
	static const char *const heads[] = {
		"NAME", "OF", "PACKETS", "BYTES", "LOST", "ERROR", NULL
	};
	static const char *const file_heads[] = { "FILE", "SIZE", "CHANGED", "CAPTURE", NULL };
	const struct cli_columns running = { NULL, "value", heads, capture_row };
	const struct cli_columns files = { NULL, "files", file_heads, file_row };
	enum cli_exit code;
	cJSON *root;

	if (cli->json)
		return cli_print(cli, "/captures");
	root = cli_get(cli, "/captures");
	if (!root)
		return cli->error;
	cli_screen_clear(cli);
	code = cli_table_show(cli, root, &running);
	putchar('\n');
	if (code == CLI_DONE)
		code = cli_table_show(cli, root, &files);
	cJSON_Delete(root);
	return code;
}

static enum cli_exit capture_list(struct cli *cli, char **arguments, int count)
{
	return cli_repeat(cli, capture_list_draw, NULL);
}

struct sink {
	FILE *file;
	bool good;
};

static bool on_bytes(void *context, const char *bytes, size_t n)
{
	struct sink *sink = context;

	sink->good = fwrite(bytes, 1, n, sink->file) == n;
	return sink->good;
}

static enum cli_exit capture_fetch(struct cli *cli, char **arguments, int count)
{
	char path[ACTION_BYTES];
	enum cli_exit code = cli_path(path, sizeof(path), "/captures/%s", arguments[0]);
	const char *to = count > 1 ? arguments[1] : arguments[0];
	struct sink sink = { .good = true };
	struct client_request request = { "GET", path, NULL, on_bytes, &sink };
	struct client_answer answer;

	if (code != CLI_DONE)
		return code;
	sink.file = strcmp(to, "-") ? fopen(to, "wxe") : stdout;
	if (!sink.file) {
		fprintf(stderr, "vpngw: %s: %s\n", to, strerror(errno));
		return CLI_FAILED;
	}
	code = cli_ask(cli, &request, &answer);
	if (code == CLI_DONE)
		client_answer_fini(&answer);
	if (fclose(sink.file) || !sink.good) {
		fprintf(stderr, "vpngw: %s: %s\n", to, strerror(errno));
		code = CLI_FAILED;
	}
	if (code != CLI_DONE && strcmp(to, "-"))
		remove(to);
	if (code == CLI_DONE && cli->json && strcmp(to, "-"))
		puts("{\"status\":\"Succeeded\"}");
	return code;
}

static enum cli_exit capture_delete(struct cli *cli, char **arguments, int count)
{
	char path[ACTION_BYTES];
	enum cli_exit code = cli_path(path, sizeof(path), "/captures/%s", arguments[0]);

	return code == CLI_DONE ? cli_change(cli, "DELETE", path, NULL) : code;
}

static void add_entry(cJSON *filter, const char *key, const char *value)
{
	if (value)
		cJSON_AddItemToObject(filter, key, cJSON_CreateStringArray(&value, 1));
}

static char *trace_body(struct cli *cli)
{
	const char *seconds = cli_option(cli, "seconds");
	cJSON *body = cJSON_CreateObject();
	cJSON *filter = cJSON_CreateObject();
	cJSON *filters;
	char *text;

	add_entry(filter, "SourceSubnets", cli_option(cli, "source"));
	add_entry(filter, "DestinationSubnets", cli_option(cli, "destination"));
	add_entry(filter, "SourcePort", cli_option(cli, "source-port"));
	add_entry(filter, "DestinationPort", cli_option(cli, "destination-port"));
	add_entry(filter, "Protocol", cli_option(cli, "protocol"));
	if (cli_option(cli, "one-way"))
		cJSON_AddTrueToObject(filter, "CaptureSingleDirectionTrafficOnly");
	filters = cJSON_AddArrayToObject(cJSON_AddObjectToObject(body, "filterData"), "Filters");
	if (filter->child)
		cJSON_AddItemToArray(filters, filter);
	else
		cJSON_Delete(filter);
	cJSON_AddNumberToObject(body, "seconds",
				seconds ? (double)strtol(seconds, NULL, 10) : SECONDS_DEFAULT);
	text = cJSON_PrintUnformatted(body);
	cJSON_Delete(body);
	return text;
}

/* "packet 7 route  nextHop=3 ttl=63": what is not said twice. */
static void show_step(const cJSON *step)
{
	const cJSON *field;

	printf("%-18s %8.0f %-10s", cli_text(step, "time"), cli_number(step, "packet"),
	       cli_text(step, "step"));
	cJSON_ArrayForEach(field, step)
	{
		if (!strcmp(field->string, "time") || !strcmp(field->string, "packet") ||
		    !strcmp(field->string, "step"))
			continue;
		if (!strcmp(field->string, "spi"))
			printf(" spi=0x%08x", (unsigned int)field->valuedouble);
		else if (cJSON_IsString(field))
			printf(" %s=%s", field->string, field->valuestring);
		else
			printf(" %s=%.0f", field->string, field->valuedouble);
	}
	putchar('\n');
}

static void show_line(struct cli *cli, const char *event, const char *data)
{
	cJSON *step = cJSON_Parse(data);

	if (cli->json)
		puts(data);
	else if (step)
		show_step(step);
	cJSON_Delete(step);
}

static enum cli_exit trace(struct cli *cli, char **arguments, int count)
{
	char *body = trace_body(cli);
	enum cli_exit code = cli_stream(cli, "POST", "/trace", body, show_line);

	cJSON_free(body);
	return code;
}

static const struct command packet_commands[] = {
	{ "capture start", "CONNECTION", "captures packets of a connection into pcapng files",
	  "vpngw capture start to-branch --filter \"{'Filters':[{'Protocol':6}]}\"", 1, 1,
	  capture_start, capture_options },
	{ "capture stop", "CONNECTION", "ends it and names the files",
	  "vpngw capture stop to-branch", 1, 1, capture_stop, stop_options },
	{ "capture list", "", "captures that run, and the files of all", "vpngw capture list", 0, 0,
	  capture_list, NULL, true },
	{ "capture get", "CAPTURE [FILE]", "fetches a file that was captured; - is standard output",
	  "vpngw capture get to-branch-20260101T000000.000Z-1.pcapng", 1, 2, capture_fetch, NULL },
	{ "capture delete", "CAPTURE", "deletes a file of a capture that has ended",
	  "vpngw capture delete to-branch-20260101T000000.000Z-1.pcapng", 1, 1, capture_delete,
	  NULL },
	{ "trace", "", "follows packets through every step", "vpngw trace --protocol ICMP", 0, 0,
	  trace, filter_options },
};

const struct command_set cli_packet_commands = {
	"Packets", packet_commands, sizeof(packet_commands) / sizeof(packet_commands[0])
};
