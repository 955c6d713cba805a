/*
 * What the shells ask for at TAB: each candidate on a line of its own. Commands and options come
 * from the tables; names of resources from the endpoint, without a word when it cannot be asked.
 * "FILE" on a line says that the shell completes names of files itself.
 */
#include "cli.h"

#include <stdio.h>
#include <string.h>

static void candidate(const char *text, size_t n, const char *start)
{
	if (!strncmp(text, start, strlen(start)))
		printf("%.*s\n", (int)n, text);
}

/* The word of a command's name at this place; groups come once. */
static void complete_name(char **words, int count)
{
	const char *last = words[count - 1];
	const char *before = "";

	for (unsigned int s = 0; s < cli_set_count; s++)
		for (unsigned int i = 0; i < cli_sets[s]->count; i++) {
			const char *name = cli_sets[s]->commands[i].name;
			size_t first = strcspn(name, " ");

			if (count == 1 && (strncmp(before, name, first) || before[first] != ' '))
				candidate(name, first, last);
			if (count == 2 && name[first] && strlen(words[0]) == first &&
			    !strncmp(words[0], name, first))
				candidate(name + first + 1, strlen(name + first + 1), last);
			before = name;
		}
}

static void complete_options(const struct cli *cli, const char *start)
{
	const struct cli_option *own = cli->command ? cli->command->options : NULL;
	char name[40];

	for (; own && own->name; own++) {
		snprintf(name, sizeof(name), "--%s", own->name);
		candidate(name, strlen(name), start);
	}
	for (unsigned int i = 0; cli_arguments_global(i); i++)
		candidate(cli_arguments_global(i), strlen(cli_arguments_global(i)), start);
}

/* Those in the page's `list`, each below `folder`, which may be NULL. */
static void complete_names_of(struct cli *cli, const char *path, const char *list,
			      const char *start, const char *folder)
{
	cJSON *root = cli_get(cli, path);
	const cJSON *item;

	cJSON_ArrayForEach(item, cJSON_GetObjectItem(root, list))
	{
		const char *name = cli_text(item, "name");
		char revision[24];

		snprintf(revision, sizeof(revision), "%.0f", cli_number(item, "revision"));
		if (!name[0])
			name = revision;
		if (folder && !strncmp(name, start, strlen(start)))
			printf("%s/%s\n", folder, name);
		else if (!folder)
			candidate(name, strlen(name), start);
	}
	cJSON_Delete(root);
}

/* A page, or a resource of a collection. */
static void complete_path(struct cli *cli, const char *start)
{
	static const char *const collections[] = { "/connections", "/virtualNetworkGateways",
						   "/localNetworkGateways", "/virtualNetworks",
						   "/publicIPAddresses" };
	static const char *const pages[] = { "/status",	 "/usage",   "/routes",	     "/skus",
					     "/config",	 "/history", "/captures",    "/circuits",
					     "/metrics", "/healthz", "/openapi.json" };

	for (size_t i = 0; i < sizeof(pages) / sizeof(pages[0]); i++)
		candidate(pages[i], strlen(pages[i]), start);
	for (size_t i = 0; i < sizeof(collections) / sizeof(collections[0]); i++) {
		size_t n = strlen(collections[i]);

		if (!strncmp(start, collections[i], n) && start[n] == '/')
			complete_names_of(cli, collections[i], "value", start + n + 1,
					  collections[i]);
		else
			candidate(collections[i], n, start);
	}
}

/* Argument `place` of "CONNECTION [FILE]". */
static void complete_argument(struct cli *cli, int place, const char *start)
{
	static const struct {
		const char *word;
		const char *path;
		const char *list;
	} resources[] = {
		{ "CONNECTION", "/connections", "value" },
		{ "GATEWAY", "/virtualNetworkGateways", "value" },
		{ "REVISION", "/history", "value" },
		{ "CAPTURE", "/captures", "files" },
	};
	static const char *const roles[] = { "read", "operate", "admin" };
	const char *word = cli->command->arguments;
	size_t n;

	for (; place > 0 && *word; place--) {
		word += strcspn(word, " ");
		word += strspn(word, " ");
	}
	word += *word == '[';
	n = strcspn(word, " ]");
	for (size_t i = 0; i < sizeof(resources) / sizeof(resources[0]); i++)
		if (strlen(resources[i].word) == n && !strncmp(word, resources[i].word, n))
			complete_names_of(cli, resources[i].path, resources[i].list, start, NULL);
	for (size_t i = 0; n == 4 && !strncmp(word, "ROLE", n) && i < 3; i++)
		candidate(roles[i], strlen(roles[i]), start);
	if (n == 4 && !strncmp(word, "PATH", n))
		complete_path(cli, start);
	if (n == 4 && !strncmp(word, "FILE", n))
		puts("FILE");
}

enum cli_exit cli_complete(struct cli *cli, char **words, int count)
{
	int used = 0;

	if (!count)
		return CLI_DONE;
	if (words[count - 1][0] == '-') {
		complete_options(cli, words[count - 1]);
		return CLI_DONE;
	}
	cli->command = cli_command_find(words, count - 1, &used);
	if (cli->command)
		complete_argument(cli, count - 1 - used, words[count - 1]);
	else if (count <= 2)
		complete_name(words, count);
	return CLI_DONE;
}
