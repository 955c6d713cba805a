/*
 * DOC: vpngw, the command line
 *
 * Everything goes over the REST endpoint, so that it works from another machine too, and what it
 * may do is what its token may do. Tables are for people, `-o json` is what the endpoint said.
 */
#include "cli.h"

#include "base/secret.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "token.h"

#define DEFAULT_URL "https://127.0.0.1:8443"
#define DEFAULT_TOKEN_FILE "/var/lib/vpngw/cli.token"
#define DEFAULT_CA "/var/lib/vpngw/api.crt"

enum { OPT_URL = 256, OPT_TOKEN_FILE, OPT_CA, OPT_INSECURE, OPT_WATCH, OPT_HELP, OPT_VERSION };

static const struct option long_options[] = {
	{ "url", required_argument, NULL, OPT_URL },
	{ "token-file", required_argument, NULL, OPT_TOKEN_FILE },
	{ "ca", required_argument, NULL, OPT_CA },
	{ "insecure", no_argument, NULL, OPT_INSECURE },
	{ "watch", no_argument, NULL, OPT_WATCH },
	{ "output", required_argument, NULL, 'o' },
	{ "help", no_argument, NULL, OPT_HELP },
	{ "version", no_argument, NULL, OPT_VERSION },
	{ 0 },
};

static void help(void)
{
	puts("vpngw: looks at the gateway and changes it, over its REST endpoint\n\n"
	     "usage: vpngw [options] COMMAND [arguments]\n");
	for (unsigned int i = 0; i < cli_command_count; i++)
		printf("  %-15s %-11s %s\n", cli_commands[i].name, cli_commands[i].arguments,
		       cli_commands[i].help);
	puts("  token create    NAME ROLE   makes a token on this machine (read, operate, "
	     "admin)\n\n"
	     "  --url URL          endpoint (VPNGW_URL, default " DEFAULT_URL ")\n"
	     "  --token-file FILE  the token (VPNGW_TOKEN, default " DEFAULT_TOKEN_FILE ")\n"
	     "  --ca FILE          certificate that the endpoint's comes from\n"
	     "  --insecure         does not check the endpoint's certificate\n"
	     "  -o json            what the endpoint said, for programs\n"
	     "  --watch            again every second (status)\n"
	     "  --help, --version\n\n"
	     "vpngw COMMAND --help shows an example.");
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

static const struct command *command_find(const char *name)
{
	for (unsigned int i = 0; i < cli_command_count; i++)
		if (!strcmp(cli_commands[i].name, name))
			return &cli_commands[i];
	return NULL;
}

static int run(struct cli *cli, char **words, int count, bool want_help)
{
	const struct command *command;

	if (!count) {
		help();
		return want_help ? 0 : 2;
	}
	if (!strcmp(words[0], "token"))
		return token_command(words + 1, count - 1);
	command = command_find(words[0]);
	if (!command) {
		fprintf(stderr, "vpngw: unknown command '%s'; see vpngw --help\n", words[0]);
		return 2;
	}
	if (want_help) {
		printf("vpngw %s %s\n  %s\n  example: %s\n", command->name, command->arguments,
		       command->help, command->example);
		return 0;
	}
	if (count - 1 < command->least || count - 1 > command->most) {
		fprintf(stderr, "vpngw: usage: vpngw %s %s\n", command->name, command->arguments);
		return 2;
	}
	return command->run(cli, words + 1, count - 1);
}

int main(int argc, char **argv)
{
	struct cli cli = { .client.url = getenv("VPNGW_URL") };
	const char *token_file = DEFAULT_TOKEN_FILE;
	bool want_help = false;
	int option;

	signal(SIGPIPE, SIG_IGN);
	if (!cli.client.url)
		cli.client.url = DEFAULT_URL;
	cli.client.ca_file = access(DEFAULT_CA, R_OK) == 0 ? DEFAULT_CA : NULL;
	cli.color = isatty(STDOUT_FILENO) && !getenv("NO_COLOR");
	while ((option = getopt_long(argc, argv, "o:", long_options, NULL)) != -1) {
		switch (option) {
		case OPT_URL:
			cli.client.url = optarg;
			break;
		case OPT_TOKEN_FILE:
			token_file = optarg;
			break;
		case OPT_CA:
			cli.client.ca_file = optarg;
			break;
		case OPT_INSECURE:
			cli.client.insecure = true;
			break;
		case OPT_WATCH:
			cli.watch = true;
			break;
		case OPT_HELP:
			want_help = true;
			break;
		case OPT_VERSION:
			puts("vpngw " VPNGW_VERSION);
			return 0;
		case 'o':
			cli.json = !strcmp(optarg, "json");
			if (cli.json)
				break;
			fprintf(stderr, "vpngw: -o %s: expected json\n", optarg);
			return 2;
		default:
			fprintf(stderr, "vpngw: see vpngw --help\n");
			return 2;
		}
	}
	cli.client.token = getenv("VPNGW_TOKEN");
	if (!cli.client.token)
		cli.client.token = token_read(token_file);
	return run(&cli, argv + optind, argc - optind, want_help);
}
