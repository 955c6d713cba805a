#include "cli.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static void error_print(const struct client_answer *answer)
{
	cJSON *root = cJSON_Parse(text_get(&answer->body));
	const cJSON *error = cJSON_GetObjectItem(root, "error");

	if (error)
		fprintf(stderr, "vpngw: %s: %s\n", cli_text(error, "code"),
			cli_text(error, "message"));
	else
		fprintf(stderr, "vpngw: the endpoint answered %d\n", answer->status);
	cJSON_Delete(root);
}

/* 0 with an answer below 400. */
static int ask(struct cli *cli, const struct client_request *request, struct client_answer *answer)
{
	char why[700];

	if (client_ask(&cli->client, request, answer, why, sizeof(why)) < 0) {
		fprintf(stderr, "vpngw: %s\n", why);
		client_answer_fini(answer);
		return -EIO;
	}
	if (answer->status < 400)
		return 0;
	error_print(answer);
	client_answer_fini(answer);
	return -EPERM;
}

cJSON *cli_get(struct cli *cli, const char *path)
{
	struct client_request request = { .method = "GET", .path = path };
	struct client_answer answer;
	cJSON *json;

	if (ask(cli, &request, &answer) < 0)
		return NULL;
	json = cJSON_Parse(text_get(&answer.body));
	if (!json)
		fprintf(stderr, "vpngw: the answer of %s is no JSON\n", path);
	client_answer_fini(&answer);
	return json;
}

int cli_print(struct cli *cli, const char *path)
{
	struct client_request request = { .method = "GET", .path = path };
	struct client_answer answer;

	if (ask(cli, &request, &answer) < 0)
		return 1;
	fwrite(answer.body.p, 1, answer.body.n, stdout);
	if (answer.body.n && answer.body.p[answer.body.n - 1] != '\n')
		putchar('\n');
	client_answer_fini(&answer);
	return 0;
}

/* Polls until the operation has ended. */
static int follow(struct cli *cli, const char *url)
{
	static const struct timespec pause = { .tv_nsec = 200000000 };
	int code = -1;

	while (code < 0) {
		cJSON *status = cli_get(cli, url);
		const char *state = cli_text(status, "status");

		if (!status)
			return 1;
		if (!strcmp(state, "Succeeded")) {
			code = 0;
		} else if (!strcmp(state, "Failed")) {
			const cJSON *error = cJSON_GetObjectItem(status, "error");

			fprintf(stderr, "vpngw: %s: %s\n", cli_text(error, "code"),
				cli_text(error, "message"));
			code = 1;
		} else {
			nanosleep(&pause, NULL); /* what Retry-After is for */
		}
		cJSON_Delete(status);
	}
	return code;
}

int cli_change(struct cli *cli, const char *method, const char *path, const char *body)
{
	struct client_request request = { .method = method, .path = path, .body = body };
	struct client_answer answer;
	int code = 0;

	if (ask(cli, &request, &answer) < 0)
		return 1;
	if (answer.location[0])
		code = follow(cli, answer.location);
	if (cli->json && answer.body.n)
		puts(text_get(&answer.body));
	else if (code == 0)
		puts("done");
	client_answer_fini(&answer);
	return code;
}

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

void cli_table(const struct cli *cli, const char *const *cells, int rows, int columns)
{
	int width[16] = { 0 };

	for (int r = 0; r < rows; r++)
		for (int c = 0; c < columns && c < 16; c++)
			if ((int)strlen(cells[r * columns + c]) > width[c])
				width[c] = (int)strlen(cells[r * columns + c]);
	for (int r = 0; r < rows; r++) {
		if (cli->color && r == 0)
			printf("\033[1m");
		for (int c = 0; c < columns && c < 16; c++)
			printf("%-*s%s", c + 1 < columns ? width[c] : 0, cells[r * columns + c],
			       c + 1 < columns ? "  " : "");
		printf("%s\n", cli->color && r == 0 ? "\033[0m" : "");
	}
}

int cli_path(char *path, size_t size, const char *format, const char *name)
{
	if (!name[0] || strpbrk(name, "/?#% ")) {
		fprintf(stderr, "vpngw: '%s' is no name of a resource\n", name);
		return -EINVAL;
	}
	snprintf(path, size, format, name);
	return 0;
}
