/*
 * Requests as commands make them: errors are printed, operations followed to their end.
 */
#include "cli.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define FILE_MAX (16u << 20)

static const char *text_of(const cJSON *item)
{
	return cJSON_IsString(item) ? item->valuestring : "";
}

static void error_text(const cJSON *error, enum cli_exit code)
{
	const cJSON *details = cJSON_GetObjectItem(error, "details");
	const cJSON *detail;

	bool several = cJSON_GetArraySize(details) > 1;
	const char *target = cli_text(error, "target");
	bool pointer = !several && target[0] == '/' && !strstr(cli_text(error, "message"), target);

	fprintf(stderr, "vpngw: %s: %s%s%s\n", cli_text(error, "code"), pointer ? target : "",
		pointer ? ": " : "", cli_text(error, "message"));
	if (several)
		cJSON_ArrayForEach(detail, details) fprintf(
			stderr, "  %s%s%s\n", cli_text(detail, "target"),
			cli_text(detail, "target")[0] ? ": " : "", cli_text(detail, "message"));
	if (code == CLI_NOT_ALLOWED)
		fprintf(stderr, "vpngw: give a token with --token-file or VPNGW_TOKEN; "
				"'vpngw token create' makes one\n");
}

/* Of an operation that failed, in the shape of a refusal. */
static void error_show(const struct cli *cli, const cJSON *error, enum cli_exit code)
{
	char *text = cli->json && error ? cJSON_PrintUnformatted(error) : NULL;

	if (text)
		fprintf(stderr, "{\"error\":%s}\n", text);
	else
		error_text(error, code);
	cJSON_free(text);
}

static void error_print(const struct cli *cli, const struct client_answer *answer)
{
	cJSON *root = cJSON_Parse(text_get(&answer->body));
	const cJSON *error = cJSON_GetObjectItem(root, "error");

	if (cli->json && root)
		fprintf(stderr, "%s\n", text_get(&answer->body));
	else if (error || cli_text(root, "code")[0])
		error_text(error ? error : root, cli->error);
	else
		fprintf(stderr, "vpngw: the endpoint answered %d\n", answer->status);
	cJSON_Delete(root);
}

static void warnings_print(const struct cli *cli, const char *line)
{
	while (*line && !cli->quiet) {
		size_t n = strcspn(line, "\n");

		fputs("vpngw: warning: ", stderr);
		fwrite(line, 1, n, stderr);
		fputc('\n', stderr);
		line += n + (line[n] == '\n');
	}
}

static enum cli_exit exit_of(int status)
{
	if (status < 400)
		return CLI_DONE;
	if (status == 401 || status == 403)
		return CLI_NOT_ALLOWED;
	return status == 404 ? CLI_NOT_FOUND : CLI_FAILED;
}

enum cli_exit cli_ask(struct cli *cli, const struct client_request *request,
		      struct client_answer *answer)
{
	char why[700] = "";
	int rc;

	cli_progress_begin(cli, "waiting for the gateway");
	rc = client_ask(&cli->client, request, answer, why, sizeof(why));
	cli_progress_end();
	cli->error = rc < 0 ? CLI_UNREACHABLE : exit_of(answer->status);
	if (cli->error == CLI_DONE) {
		warnings_print(cli, text_get(&answer->warnings));
		return CLI_DONE;
	}
	if (rc < 0 && !cli->quiet)
		fprintf(stderr, "vpngw: %s\n", why);
	else if (!cli->quiet)
		error_print(cli, answer);
	client_answer_fini(answer);
	return cli->error;
}

static cJSON *page_get(struct cli *cli, const char *path, bool may_be_empty)
{
	struct client_request request = { .method = "GET", .path = path };
	struct client_answer answer;
	cJSON *json;

	if (cli_ask(cli, &request, &answer) != CLI_DONE)
		return NULL;
	json = cJSON_Parse(text_get(&answer.body));
	if (!json && !(may_be_empty && !answer.body.n)) {
		cli->error = CLI_FAILED;
		fprintf(stderr, "vpngw: the answer of %s is no JSON\n", path);
	}
	client_answer_fini(&answer);
	return json;
}

/* A long list comes a page at a time: the others are added to the first. False: one is missing. */
static bool pages_join(struct cli *cli, cJSON *root)
{
	cJSON *list = cJSON_GetObjectItem(root, "value");
	cJSON *next = cJSON_DetachItemFromObject(root, "nextLink");
	bool whole = true;

	while (whole && list && text_of(next)[0]) {
		cJSON *page = page_get(cli, text_of(next), false);
		cJSON *items = cJSON_GetObjectItem(page, "value");

		cJSON_Delete(next);
		next = cJSON_DetachItemFromObject(page, "nextLink");
		while (items && items->child)
			cJSON_AddItemToArray(list, cJSON_DetachItemViaPointer(items, items->child));
		whole = page != NULL;
		cJSON_Delete(page);
	}
	cJSON_Delete(next);
	return whole;
}

cJSON *cli_get(struct cli *cli, const char *path)
{
	cJSON *root = page_get(cli, path, false);

	if (root && pages_join(cli, root))
		return root;
	cJSON_Delete(root);
	return NULL;
}

/* What the endpoint said, byte for byte, but for long lists; on a terminal it is laid out. */
static void body_print(const struct cli *cli, const struct client_answer *answer, const cJSON *root)
{
	bool lay_out = !cli->json && isatty(STDOUT_FILENO);
	char *text = !root ? NULL : lay_out ? cJSON_Print(root) : cJSON_PrintUnformatted(root);

	if (text)
		fputs(text, stdout);
	else
		fwrite(answer->body.p, 1, answer->body.n, stdout);
	if (text || (answer->body.n && answer->body.p[answer->body.n - 1] != '\n'))
		putchar('\n');
	cJSON_free(text);
}

enum cli_exit cli_print(struct cli *cli, const char *path)
{
	struct client_request request = { .method = "GET", .path = path };
	struct client_answer answer;
	cJSON *root = NULL;
	bool whole = true;

	if (cli_ask(cli, &request, &answer) != CLI_DONE)
		return cli->error;
	if (strstr(text_get(&answer.body), "\"nextLink\":") ||
	    (!cli->json && isatty(STDOUT_FILENO)))
		root = cJSON_Parse(text_get(&answer.body));
	if (root)
		whole = pages_join(cli, root);
	if (whole)
		body_print(cli, &answer, root);
	cJSON_Delete(root);
	client_answer_fini(&answer);
	return whole ? CLI_DONE : cli->error;
}

void cli_screen_clear(const struct cli *cli)
{
	if (cli->watch && isatty(STDOUT_FILENO))
		fputs("\033[H\033[2J", stdout);
}

enum cli_exit cli_repeat(struct cli *cli, enum cli_exit (*draw)(struct cli *cli, void *context),
			 void *context)
{
	static const struct timespec second = { .tv_sec = 1 };
	enum cli_exit code;

	do {
		code = draw(cli, context);
		fflush(stdout);
		/* who watches wants to see it come back */
	} while (cli->watch && (code == CLI_DONE || code == CLI_UNREACHABLE) &&
		 nanosleep(&second, NULL) == 0);
	return code;
}

/* False: it goes on. */
static bool has_ended(struct cli *cli, const char *url, enum cli_exit *code)
{
	cJSON *status = cli_get(cli, url);
	const char *state = cli_text(status, "status");
	bool ended = true;

	*code = cli->error;
	if (status && !strcmp(state, "Failed")) {
		*code = CLI_FAILED;
		error_show(cli, cJSON_GetObjectItem(status, "error"), *code);
	} else if (status) {
		ended = !strcmp(state, "Succeeded");
	}
	cJSON_Delete(status);
	return ended;
}

static enum cli_exit follow(struct cli *cli, const char *url)
{
	static const struct timespec pause = { .tv_nsec = 200000000 }; /* as Retry-After, kinder */
	enum cli_exit code;

	cli_progress_begin(cli, "the gateway works on it");
	while (!has_ended(cli, url, &code))
		nanosleep(&pause, NULL);
	cli_progress_end();
	return code;
}

enum cli_exit cli_action(struct cli *cli, const struct client_request *request, cJSON **result)
{
	struct client_answer answer;
	enum cli_exit code = cli_ask(cli, request, &answer);

	*result = NULL;
	if (code != CLI_DONE)
		return code;
	if (answer.location[0])
		code = follow(cli, answer.location);
	if (code == CLI_DONE && answer.result[0]) {
		*result = page_get(cli, answer.result, true);
		code = cli->error;
	} else if (code == CLI_DONE && answer.body.n) {
		*result = cJSON_Parse(text_get(&answer.body));
	}
	client_answer_fini(&answer);
	return code;
}

void cli_json_print(const cJSON *json)
{
	char *text = json ? cJSON_PrintUnformatted(json) : NULL;

	puts(text ? text : "{}");
	cJSON_free(text);
}

enum cli_exit cli_change(struct cli *cli, const char *method, const char *path, const char *body)
{
	struct client_request request = { .method = method, .path = path, .body = body };
	cJSON *result;
	enum cli_exit code = cli_action(cli, &request, &result);
	char *text = result ? cJSON_PrintUnformatted(result) : NULL;

	if (code == CLI_DONE && cli->json)
		puts(text ? text : "{\"status\":\"Succeeded\"}");
	else if (code == CLI_DONE)
		puts("done");
	cJSON_free(text);
	cJSON_Delete(result);
	return code;
}

enum cli_exit cli_path(char *path, size_t size, const char *format, const char *name)
{
	if (!name[0] || strpbrk(name, "/?#% &")) {
		fprintf(stderr, "vpngw: '%s' is no name of a resource\n", name);
		return CLI_USAGE;
	}
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	snprintf(path, size, format, name);
#pragma GCC diagnostic pop
	return CLI_DONE;
}

char *cli_file_read(const char *path)
{
	FILE *file = strcmp(path, "-") ? fopen(path, "re") : stdin;
	struct text text = { 0 };
	char buffer[4096];
	size_t n;
	bool bad;

	if (!file) {
		fprintf(stderr, "vpngw: %s: %s\n", path, strerror(errno));
		return NULL;
	}
	while ((n = fread(buffer, 1, sizeof(buffer), file)) > 0 && text.n < FILE_MAX)
		text_add_bytes(&text, buffer, n);
	bad = ferror(file) || text.failed || text.n >= FILE_MAX;
	if (file != stdin)
		fclose(file);
	if (bad || !text.p) {
		fprintf(stderr, "vpngw: %s: %s\n", path,
			text.n >= FILE_MAX ? "larger than 16 MiB" : "empty or cannot be read");
		text_fini(&text);
		return NULL;
	}
	return text.p;
}
