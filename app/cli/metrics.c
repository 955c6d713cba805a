/*
 * Prometheus text as JSON: a sample each, for programs that have no parser of that text.
 */
#include "cli.h"

#include <stdlib.h>
#include <string.h>

/* name="value", with backslashes before what is quoted; the place after it. */
static const char *label_take(cJSON *labels, const char *at)
{
	const char *equals = strchr(at, '=');
	char name[64], value[512];
	size_t n = 0;

	if (!equals || equals[1] != '"' || (size_t)(equals - at) >= sizeof(name))
		return NULL;
	memcpy(name, at, (size_t)(equals - at));
	name[equals - at] = '\0';
	for (at = equals + 2; *at && *at != '"'; at++) {
		at += *at == '\\' && at[1];
		if (n < sizeof(value) - 1)
			value[n++] = *at;
	}
	value[n] = '\0';
	cJSON_AddStringToObject(labels, name, value);
	return *at ? at + 1 + (at[1] == ',') : NULL;
}

static void sample_take(cJSON *samples, char *line)
{
	cJSON *sample = cJSON_CreateObject();
	cJSON *labels = cJSON_CreateObject();
	size_t n = strcspn(line, "{ ");
	const char *at = line + n;

	if (*at == '{')
		for (at++; at && *at && *at != '}';)
			at = label_take(labels, at);
	if (at && *at)
		at++; /* the bracket, or the blank */
	line[n] = '\0';
	cJSON_AddStringToObject(sample, "name", line);
	cJSON_AddItemToObject(sample, "labels", labels);
	cJSON_AddNumberToObject(sample, "value", at ? strtod(at, NULL) : 0);
	cJSON_AddItemToArray(samples, sample);
}

enum cli_exit cli_metrics_json(struct cli *cli)
{
	struct client_request request = { .method = "GET", .path = "/metrics" };
	struct client_answer answer;
	enum cli_exit code = cli_ask(cli, &request, &answer);
	char *line, *rest;
	cJSON *root;
	cJSON *samples;

	if (code != CLI_DONE)
		return code;
	root = cJSON_CreateObject();
	samples = cJSON_AddArrayToObject(root, "value");
	text_add(&answer.body, "%s", "");
	rest = answer.body.p;
	while (rest && (line = strsep(&rest, "\n")))
		if (line[0] && line[0] != '#')
			sample_take(samples, line);
	cli_json_print(root);
	cJSON_Delete(root);
	client_answer_fini(&answer);
	return CLI_DONE;
}
