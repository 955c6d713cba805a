#pragma once
/*
 * What the commands share.
 */
#include "client.h"

#include <cjson/cJSON.h>

struct cli {
	struct client client;
	bool json;  /* -o json: what the endpoint said, as it is */
	bool watch; /* again every second */
	bool color;
};

struct command {
	const char *name;
	const char *arguments;
	const char *help;
	const char *example;
	int least; /* arguments */
	int most;
	int (*run)(struct cli *cli, char **arguments, int count); /* exit code */
};

extern const struct command cli_commands[];
extern const unsigned int cli_command_count;

/* Asks and parses; NULL after an error was printed. */
cJSON *cli_get(struct cli *cli, const char *path);
/* Sends a change, follows its operation to the end; exit code. */
int cli_change(struct cli *cli, const char *method, const char *path, const char *body);
/* Prints an answer as it is; exit code. */
int cli_print(struct cli *cli, const char *path);
const char *cli_text(const cJSON *object, const char *name);
double cli_number(const cJSON *object, const char *name);
/* A table: cells by row, the first row is the head; columns are as wide as they must be. */
void cli_table(const struct cli *cli, const char *const *cells, int rows, int columns);
/* "connections/NAME" and the like; refuses what would leave the path. */
__attribute__((warn_unused_result)) int cli_path(char *path, size_t size, const char *format,
						 const char *name);
