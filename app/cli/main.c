/*
 * DOC: vpngw, the command line
 *
 * Everything goes over the REST endpoint, so that it works from another machine too, and what it
 * may do is what its token may do. Tables are for people, `-o json` is what the endpoint said.
 * Exit codes: enum cli_exit. A new command is a row in the table of a file commands_*.c.
 */
#include "cli.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define DEFAULT_URL "https://127.0.0.1:8443"
#define DEFAULT_TOKEN_FILE "/var/lib/vpngw/cli.token"
#define ANSWER_S 30
#define COMPLETE_S 2 /* a shell waits for it */
#define DEFAULT_CA "/var/lib/vpngw/api.crt"

static void command_row(const char *before, const struct command *command)
{
	char usage[64];

	snprintf(usage, sizeof(usage), "%s %s", command->name, command->arguments);
	printf("%s%-34s %s\n", before, usage, command->help);
}

static void help(void)
{
	puts("vpngw: looks at the gateway and changes it, over its REST endpoint\n\n"
	     "usage: vpngw [options] COMMAND [arguments]");
	for (unsigned int s = 0; s < cli_set_count; s++) {
		printf("\n%s\n", cli_sets[s]->title);
		for (unsigned int i = 0; i < cli_sets[s]->count; i++)
			command_row("  ", &cli_sets[s]->commands[i]);
	}
	puts("\nOptions\n"
	     "  --url URL          endpoint (VPNGW_URL, default " DEFAULT_URL ")\n"
	     "  --token-file FILE  the token (VPNGW_TOKEN, default " DEFAULT_TOKEN_FILE ")\n"
	     "  --ca FILE          certificate that the endpoint's comes from\n"
	     "  --insecure         does not check the endpoint's certificate\n"
	     "  -o json            what the endpoint said, for programs (-o table: for people)\n"
	     "  --watch            again every second, for commands that show what is the case\n"
	     "  --timeout SECONDS  how long to wait for an answer (30)\n"
	     "  --help, --version\n\n"
	     "vpngw help COMMAND shows its options and an example.\n"
	     "Exit codes: 0 done, 1 refused or failed, 2 wrong command line, 3 endpoint not "
	     "reached,\n"
	     "4 token missing or not allowed, 5 not found.");
}

static char *token_read(const char *path)
{
	static char token[256];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, token, sizeof(token) - 1);

	if (fd >= 0)
		close(fd);
	if (n <= 0)
		return NULL;
	token[n] = '\0';
	token[strcspn(token, "\r\n")] = '\0';
	return token;
}

/* "config": what its second word may be. */
static bool group_help(const char *word)
{
	size_t n = strlen(word);
	bool any = false;

	for (unsigned int s = 0; s < cli_set_count; s++)
		for (unsigned int i = 0; i < cli_sets[s]->count; i++) {
			const struct command *command = &cli_sets[s]->commands[i];

			if (strncmp(command->name, word, n) || command->name[n] != ' ')
				continue;
			command_row("  vpngw ", command);
			any = true;
		}
	return any;
}

/* The first command that begins as the word does; NULL: none. */
static const char *similar(const char *word)
{
	size_t n = strlen(word);

	for (; n >= 2; n--)
		for (unsigned int s = 0; s < cli_set_count; s++)
			for (unsigned int i = 0; i < cli_sets[s]->count; i++)
				if (!strncmp(cli_sets[s]->commands[i].name, word, n))
					return cli_sets[s]->commands[i].name;
	return NULL;
}

static enum cli_exit unknown(char **words, int count)
{
	const char *meant = similar(words[0]);

	fprintf(stderr, "vpngw: unknown command '%s%s%s'; ", words[0], count > 1 ? " " : "",
		count > 1 ? words[1] : "");
	if (meant)
		fprintf(stderr, "did you mean '%.*s'? ", (int)strcspn(meant, " "), meant);
	fprintf(stderr, "see vpngw --help\n");
	return CLI_USAGE;
}

/* "help" before a command is "--help" behind it. */
static bool is_help(char ***words, int *count)
{
	if (!*count || strcmp((*words)[0], "help"))
		return false;
	++*words;
	--*count;
	return true;
}

static enum cli_exit run(struct cli *cli, char **words, int count)
{
	int used;

	if (is_help(&words, &count))
		cli->help = true;
	if (!count) {
		help();
		return cli->help ? CLI_DONE : CLI_USAGE;
	}
	cli->command = cli_command_find(words, count, &used);
	if (!cli->command) {
		if (count == 1 && group_help(words[0]))
			return cli->help ? CLI_DONE : CLI_USAGE;
		return unknown(words, count);
	}
	if (cli->help) {
		cli_command_help(cli->command);
		return CLI_DONE;
	}
	if (count - used < cli->command->least || count - used > cli->command->most) {
		fprintf(stderr, "vpngw: usage: vpngw %s %s; for example: %s\n", cli->command->name,
			cli->command->arguments, cli->command->example);
		return CLI_USAGE;
	}
	if (cli->watch && !cli->command->watches) {
		fprintf(stderr, "vpngw: %s cannot be watched; vpngw status --watch shows rates\n",
			cli->command->name);
		return CLI_USAGE;
	}
	return cli->command->run(cli, words + used, count - used);
}

int main(int argc, char **argv)
{
	struct cli cli = { .client.url = getenv("VPNGW_URL"), .token_file = DEFAULT_TOKEN_FILE };
	bool completing = argc > 1 && !strcmp(argv[1], "complete");
	char *words[CLI_WORDS_MAX];
	int count = 0;
	enum cli_exit code;

	signal(SIGPIPE, SIG_IGN);
	cli.client.timeout_s = completing ? COMPLETE_S : ANSWER_S;
	if (!cli.client.url)
		cli.client.url = DEFAULT_URL;
	cli.client.ca_file = access(DEFAULT_CA, R_OK) == 0 ? DEFAULT_CA : NULL;
	cli.color = isatty(STDOUT_FILENO) && !getenv("NO_COLOR");
	cli.progress = isatty(STDERR_FILENO);
	cli.quiet = completing;
	if (argc == 2 && !strcmp(argv[1], "--version")) {
		puts("vpngw " VPNGW_VERSION);
		return CLI_DONE;
	}
	code = cli_arguments_parse(&cli, argv + completing, argc - completing, words, &count);
	if (code != CLI_DONE && !completing)
		return code;
	cli.client.token = getenv("VPNGW_TOKEN");
	if (!cli.client.token)
		cli.client.token = token_read(cli.token_file);
	return completing ? cli_complete(&cli, words, count) : run(&cli, words, count);
}
