/*
 * Which commands there are, and what is said of them.
 */
#include "cli.h"

#include <stdio.h>
#include <string.h>

const struct command_set *const cli_sets[] = {
	&cli_state_commands,  &cli_config_commands,   &cli_resource_commands, &cli_bgp_commands,
	&cli_packet_commands, &cli_metering_commands, &cli_token_commands,
};
const unsigned int cli_set_count = sizeof(cli_sets) / sizeof(cli_sets[0]);

/* How many of the words are the name; 0: it is another. */
static int matches(const char *name, char **words, int count)
{
	size_t n = strcspn(name, " ");

	if (!count || strlen(words[0]) != n || strncmp(words[0], name, n))
		return 0;
	if (!name[n])
		return 1;
	return count > 1 && !strcmp(words[1], name + n + 1) ? 2 : 0;
}

const struct command *cli_command_find(char **words, int count, int *used)
{
	const struct command *found = NULL;

	*used = 0;
	for (unsigned int s = 0; s < cli_set_count; s++)
		for (unsigned int i = 0; i < cli_sets[s]->count; i++) {
			const struct command *command = &cli_sets[s]->commands[i];
			int n = matches(command->name, words, count);

			if (n <= *used)
				continue;
			*used = n;
			found = command;
		}
	return found;
}

void cli_command_help(const struct command *command)
{
	printf("usage: vpngw %s%s%s%s\n\n  %s\n", command->name, command->arguments[0] ? " " : "",
	       command->arguments, command->options || command->watches ? " [options]" : "",
	       command->help);
	if (command->options || command->watches)
		putchar('\n');
	for (const struct cli_option *option = command->options; option && option->name; option++) {
		char usage[40];

		snprintf(usage, sizeof(usage), "%s %s", option->name,
			 option->argument ? option->argument : "");
		printf("  --%-22s %s\n", usage, option->help);
	}
	if (command->watches)
		printf("  --%-22s %s\n", "watch", "again every second");
	printf("\nexample:\n  %s\n", command->example);
}

const char *cli_option(const struct cli *cli, const char *name)
{
	const struct cli_option *options = cli->command ? cli->command->options : NULL;

	for (int i = 0; options && options[i].name; i++)
		if (!strcmp(options[i].name, name))
			return cli->values[i];
	return NULL;
}
