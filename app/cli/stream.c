/*
 * Server-sent events: "event: NAME" and "data: JSON" lines, an event a blank line.
 */
#include "cli.h"

#include <stdio.h>
#include <string.h>

struct lines {
	struct cli *cli;
	cli_event show;
	char event[64];
	char text[8192];
	size_t n;
};

static void line_take(struct lines *lines)
{
	if (!strncmp(lines->text, "event: ", 7))
		snprintf(lines->event, sizeof(lines->event), "%.63s", lines->text + 7);
	else if (!strncmp(lines->text, "data: ", 6))
		lines->show(lines->cli, lines->event, lines->text + 6);
}

static bool on_piece(void *context, const char *bytes, size_t n)
{
	struct lines *lines = context;

	cli_progress_end(); /* it answers: from here on it is not us who wait */
	for (size_t i = 0; i < n; i++) {
		if (bytes[i] != '\n') {
			if (lines->n + 1 < sizeof(lines->text))
				lines->text[lines->n++] = bytes[i];
			continue;
		}
		lines->text[lines->n] = '\0';
		lines->n = 0;
		line_take(lines);
	}
	return fflush(stdout) == 0;
}

enum cli_exit cli_stream(struct cli *cli, const char *method, const char *path, const char *body,
			 cli_event show)
{
	struct lines lines = { .cli = cli, .show = show };
	struct client_request request = { method, path, body, on_piece, &lines };
	struct client_answer answer = { 0 };
	enum cli_exit code = cli_ask(cli, &request, &answer);

	if (code == CLI_DONE)
		client_answer_fini(&answer);
	return code;
}
