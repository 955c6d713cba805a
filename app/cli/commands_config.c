/*
 * The whole configuration: what runs, what a file would change, history and the way back.
 */
#include "cli.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* A configuration, to be freed; NULL after an error was printed. The endpoint takes none for its
 * own file, which is not what somebody means who names one. */
static char *file_read(const char *name)
{
	char *text = cli_file_read(name);
	cJSON *json = text ? cJSON_Parse(text) : NULL;

	if (cJSON_IsObject(json) && !json->child) {
		fprintf(stderr, "vpngw: %s: holds no configuration\n", name);
		free(text);
		text = NULL;
	}
	cJSON_Delete(json);
	return text;
}

static enum cli_exit running_show(struct cli *cli, char **arguments, int count)
{
	return cli_print(cli, "/config");
}

/* One line for each resource that a file would change; the gateway's own without FILE. */
static enum cli_exit diff(struct cli *cli, char **arguments, int count)
{
	char *body = count ? file_read(arguments[0]) : strdup("");
	struct client_request request = { "POST", "/config/import?dryRun=true", body };
	const cJSON *line;
	cJSON *result = NULL;
	enum cli_exit code = body ? cli_action(cli, &request, &result) : CLI_FAILED;

	if (code == CLI_DONE && cli->json)
		cli_json_print(result);
	else
		cJSON_ArrayForEach(line, cJSON_GetObjectItemCaseSensitive(result, "changes"))
			puts(cJSON_GetStringValue(line) ? cJSON_GetStringValue(line) : "");
	if (code == CLI_DONE && !cli->json &&
	    !cJSON_GetArraySize(cJSON_GetObjectItem(result, "changes")))
		puts("nothing would change");
	cJSON_Delete(result);
	free(body);
	return code;
}

static enum cli_exit apply(struct cli *cli, char **arguments, int count)
{
	const char *confirm = cli_option(cli, "confirm");
	char path[128] = "/config/import";
	enum cli_exit code = CLI_DONE;
	char *body;

	if (cli_option(cli, "dry-run"))
		return diff(cli, arguments, count);
	if (confirm)
		code = cli_path(path, sizeof(path), "/config/import?confirm=%s", confirm);
	if (code != CLI_DONE)
		return code;
	body = count ? file_read(arguments[0]) : strdup("");
	code = body ? cli_change(cli, "POST", path, body) : CLI_FAILED;
	free(body);
	if (code == CLI_DONE && confirm && !cli->json)
		printf("taken back in %s s unless confirmed: vpngw config confirm\n", confirm);
	return code;
}

static const struct cli_option apply_options[] = {
	{ "dry-run", NULL, "says what would change, and changes nothing" },
	{ "confirm", "SECONDS", "takes the change back unless it is confirmed within" },
	{ 0 },
};

static enum cli_exit confirm(struct cli *cli, char **arguments, int count)
{
	return cli_change(cli, "POST", "/config/confirm", "{}");
}

static enum cli_exit rollback(struct cli *cli, char **arguments, int count)
{
	char path[128];
	enum cli_exit code =
		cli_path(path, sizeof(path), "/config/rollback?revision=%s", arguments[0]);

	return code == CLI_DONE ? cli_change(cli, "POST", path, "{}") : code;
}

static void lines_print_json(FILE *lines, bool good)
{
	cJSON *root = cJSON_CreateObject();
	cJSON *messages = cJSON_AddArrayToObject(root, "messages");
	char line[1024];

	cJSON_AddBoolToObject(root, "good", good);
	rewind(lines);
	while (fgets(line, sizeof(line), lines)) {
		line[strcspn(line, "\n")] = '\0';
		cJSON_AddItemToArray(messages, cJSON_CreateString(line));
	}
	cli_json_print(root);
	cJSON_Delete(root);
}

/* The control program knows the schema. With -o json what it says becomes a list. */
static enum cli_exit check(struct cli *cli, char **arguments, int count)
{
	FILE *said = cli->json ? tmpfile() : NULL;
	int status = 0;
	pid_t pid = !cli->json ? 0 : said ? fork() : -1;

	if (pid < 0) {
		fprintf(stderr, "vpngw: cannot run vpngw-control: %s\n", strerror(errno));
		if (said)
			fclose(said);
		return CLI_FAILED;
	}
	if (!pid) {
		if (said && (dup2(fileno(said), 1) < 0 || dup2(fileno(said), 2) < 0))
			_exit(CLI_FAILED);
		execlp("vpngw-control", "vpngw-control", "--check-config", arguments[0], NULL);
		fprintf(stderr, "vpngw: vpngw-control is not installed: %s\n", strerror(errno));
		_exit(CLI_FAILED);
	}
	waitpid(pid, &status, 0);
	lines_print_json(said, status == 0);
	fclose(said);
	return status == 0 ? CLI_DONE : CLI_FAILED;
}

static void history_row(struct cli_table *table, const cJSON *item)
{
	time_t seconds = (time_t)(cli_number(item, "timeMs") / 1000);
	struct tm tm;
	char when[32];

	gmtime_r(&seconds, &tm);
	strftime(when, sizeof(when), "%Y-%m-%d %H:%M:%SZ", &tm);
	cli_cellf(table, "%.0f", cli_number(item, "revision"));
	cli_cell(table, when);
	cli_cell(table, cli_text(item, "cause"));
	cli_cell(table, cli_text(item, "actor"));
	cli_cellf(table, "%.0f set, %.0f deleted", cli_number(item, "set"),
		  cli_number(item, "deleted"));
}

static enum cli_exit history(struct cli *cli, char **arguments, int count)
{
	static const char *const heads[] = { "REVISION", "WHEN", "CAUSE", "WHO", "CHANGES", NULL };

	return cli_page(cli, &(struct cli_columns){ "/history", "value", heads, history_row });
}

static const struct command config_commands[] = {
	{ "config show", "", "the running configuration as a file, without keys",
	  "vpngw config show > now.json", 0, 0, running_show, NULL },
	{ "config check", "FILE", "all that is wrong with a file (on the gateway's machine)",
	  "vpngw config check vpngw.json", 1, 1, check, NULL },
	{ "config apply", "[FILE]", "makes this file run; without FILE the gateway's own, again",
	  "vpngw config apply new.json --confirm 120", 0, 1, apply, apply_options },
	{ "config diff", "[FILE]", "what this file would change; without FILE the gateway's own",
	  "vpngw config diff new.json", 0, 1, diff, NULL },
	{ "config history", "", "revisions, who made them and why", "vpngw config history", 0, 0,
	  history, NULL },
	{ "config rollback", "REVISION", "goes back to a revision", "vpngw config rollback 7", 1, 1,
	  rollback, NULL },
	{ "config confirm", "", "keeps a change that would else be taken back",
	  "vpngw config confirm", 0, 0, confirm, NULL },
};

const struct command_set cli_config_commands = {
	"The configuration", config_commands, sizeof(config_commands) / sizeof(config_commands[0])
};
