/*
 * The command line: options of every command and of the one that is named, anywhere; the rest are
 * words.
 */
#include "cli.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum taken { NOT_OURS, TAKEN, BAD };

/* The command line and where its reading stands. */
struct given {
	char **argv;
	int argc;
	int *at;
};

/* An option of every command: where its value goes, or a flag. */
struct global {
	const char *name;
	const char **value;
	bool *flag;
};

__attribute__((format(printf, 2, 3))) static enum taken bad(const struct cli *cli,
							    const char *format, ...)
{
	va_list args;

	if (cli->quiet)
		return BAD;
	va_start(args, format);
	fputs("vpngw: ", stderr);
	vfprintf(stderr, format, args);
	fputc('\n', stderr);
	va_end(args);
	return BAD;
}

/* "--name value", "--name=value" or "--name"; *at moves over the value. */
static enum taken take_value(const struct cli *cli, const struct given *given, const char *name,
			     const char **value)
{
	const char *word = given->argv[*given->at] + 2;
	size_t n = strlen(name);

	if (strncmp(word, name, n) || (word[n] && word[n] != '='))
		return NOT_OURS;
	if (word[n] == '=') {
		*value = word + n + 1;
		return TAKEN;
	}
	if (*given->at + 1 == given->argc)
		return bad(cli, "--%s needs a value", name);
	*value = given->argv[++*given->at];
	return TAKEN;
}

static enum taken take_timeout(struct cli *cli, const char *text)
{
	char *end;
	unsigned long seconds = strtoul(text, &end, 10);

	if (!*text || *end || seconds < 1 || seconds > 3600)
		return bad(cli, "--timeout %s: expected 1 to 3600 seconds", text);
	cli->client.timeout_s = (unsigned int)seconds;
	return TAKEN;
}

static enum taken take_global(struct cli *cli, const struct given *given)
{
	const struct global globals[] = {
		{ "url", &cli->client.url, NULL },    { "token-file", &cli->token_file, NULL },
		{ "ca", &cli->client.ca_file, NULL }, { "insecure", NULL, &cli->client.insecure },
		{ "watch", NULL, &cli->watch },	      { "help", NULL, &cli->help },
	};
	const char *output = NULL;
	const char *timeout = NULL;
	enum taken taken = NOT_OURS;

	for (size_t i = 0; taken == NOT_OURS && i < sizeof(globals) / sizeof(globals[0]); i++) {
		if (globals[i].value) {
			taken = take_value(cli, given, globals[i].name, globals[i].value);
		} else if (!strcmp(given->argv[*given->at] + 2, globals[i].name)) {
			*globals[i].flag = true;
			taken = TAKEN;
		}
	}
	if (taken == NOT_OURS)
		taken = take_value(cli, given, "timeout", &timeout);
	if (timeout)
		return take_timeout(cli, timeout);
	if (taken == NOT_OURS)
		taken = take_value(cli, given, "output", &output);
	if (!output)
		return taken;
	cli->json = !strcmp(output, "json");
	if (cli->json || !strcmp(output, "table"))
		return TAKEN;
	return bad(cli, "-o %s: expected json or table", output);
}

/* An option of the command that the words before it name. */
static enum taken take_own(struct cli *cli, const struct given *given)
{
	const struct cli_option *options = cli->command ? cli->command->options : NULL;

	for (int i = 0; options && options[i].name; i++) {
		enum taken taken = NOT_OURS;

		if (options[i].argument) {
			taken = take_value(cli, given, options[i].name, &cli->values[i]);
		} else if (!strcmp(given->argv[*given->at] + 2, options[i].name)) {
			cli->values[i] = "";
			taken = TAKEN;
		}
		if (taken != NOT_OURS)
			return taken;
	}
	return bad(cli, "unknown option %s%s%s; see vpngw %s%s--help", given->argv[*given->at],
		   cli->command ? " of " : "", cli->command ? cli->command->name : "",
		   cli->command ? cli->command->name : "", cli->command ? " " : "");
}

static enum taken take_option(struct cli *cli, const struct given *given)
{
	static char output[] = "--output";
	char **word = &given->argv[*given->at];
	enum taken taken;

	if (!strcmp(*word, "-o"))
		*word = output;
	if (!strcmp(*word, "-h")) {
		cli->help = true;
		return TAKEN;
	}
	taken = strncmp(*word, "--", 2) ? NOT_OURS : take_global(cli, given);
	return taken == NOT_OURS ? take_own(cli, given) : taken;
}

/* While it is completed, the last word is a word whatever it looks like. */
enum cli_exit cli_arguments_parse(struct cli *cli, char **argv, int argc, char **words, int *count)
{
	bool only_words = false;
	int used;

	for (int at = 1; at < argc; at++) {
		const struct given given = { argv, argc - cli->quiet, &at };
		bool word = only_words || argv[at][0] != '-' || !argv[at][1] ||
			    (cli->quiet && at == argc - 1);

		if (!word && !strcmp(argv[at], "--")) {
			only_words = true;
		} else if (!word) {
			if (take_option(cli, &given) == BAD)
				return CLI_USAGE;
		} else if (*count == CLI_WORDS_MAX) {
			bad(cli, "too many words");
			return CLI_USAGE;
		} else {
			words[(*count)++] = argv[at];
			cli->command = cli_command_find(words, *count, &used);
		}
	}
	return CLI_DONE;
}

const char *cli_arguments_global(unsigned int i)
{
	static const char *const names[] = { "--url",	   "--token-file", "--ca",
					     "--insecure", "--watch",	   "--timeout",
					     "--output",   "--help",	   "--version" };

	return i < sizeof(names) / sizeof(names[0]) ? names[i] : NULL;
}
