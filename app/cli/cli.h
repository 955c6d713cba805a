#pragma once
/*
 * What the commands share. A command is a row in the table of its file (`cli_sets` in command.c
 * lists the files); help, usage errors and completion come from the row.
 */
#include "client.h"

#include <cjson/cJSON.h>

enum cli_exit {
	CLI_DONE,
	CLI_FAILED,	 /* the gateway refused it, or it went wrong here */
	CLI_USAGE,	 /* the command line is wrong */
	CLI_UNREACHABLE, /* no answer from the endpoint */
	CLI_NOT_ALLOWED, /* no token, a wrong one, or one that may not do this */
	CLI_NOT_FOUND,
};

#define CLI_OPTIONS_MAX 8

struct cli {
	struct client client;
	const char *token_file;
	bool json;  /* -o json: what the endpoint said, as it is */
	bool watch; /* again every second */
	bool help;
	bool color;
	bool progress;	     /* what takes over a second says so on stderr */
	bool quiet;	     /* completion: no errors */
	enum cli_exit error; /* of the last request that failed */
	const struct command *command;
	const char *values[CLI_OPTIONS_MAX]; /* of the command's own options */
};

/* An option of one command. */
struct cli_option {
	const char *name;     /* without the dashes; NULL ends the row */
	const char *argument; /* NULL: none */
	const char *help;
};

struct command {
	const char *name;      /* one word, or two: "config diff" */
	const char *arguments; /* "CONNECTION [FILE]": completion goes by these words */
	const char *help;
	const char *example;
	int least; /* arguments */
	int most;
	enum cli_exit (*run)(struct cli *cli, char **arguments, int count);
	const struct cli_option *options; /* NULL: none */
	bool watches;			  /* takes --watch */
};

struct command_set {
	const char *title;
	const struct command *commands;
	unsigned int count;
};

extern const struct command_set cli_state_commands;
extern const struct command_set cli_config_commands;
extern const struct command_set cli_resource_commands;
extern const struct command_set cli_packet_commands;
extern const struct command_set cli_token_commands;
extern const struct command_set cli_bgp_commands;
extern const struct command_set cli_metering_commands;

/* command.c */
extern const struct command_set *const cli_sets[];
extern const unsigned int cli_set_count;
/* The command that these words begin with; *used says how many of them name it. NULL: none. */
const struct command *cli_command_find(char **words, int count, int *used);
void cli_command_help(const struct command *command);
/* Value of an option of the running command: NULL when it was not given, "" without argument. */
const char *cli_option(const struct cli *cli, const char *name);

/* CLI_DONE with an answer below 400, which the caller ends; else the error was printed. */
enum cli_exit cli_ask(struct cli *cli, const struct client_request *request,
		      struct client_answer *answer);
/* Asks and parses; NULL after an error was printed, cli->error says which. */
cJSON *cli_get(struct cli *cli, const char *path);
/* Sends a change, follows its operation to the end and says "done". */
enum cli_exit cli_change(struct cli *cli, const char *method, const char *path, const char *body);
/* The same without a word: *result is what it gave, or NULL. */
enum cli_exit cli_action(struct cli *cli, const struct client_request *request, cJSON **result);
/* One line. */
void cli_json_print(const cJSON *json);
/* Prints an answer as it is. */
enum cli_exit cli_print(struct cli *cli, const char *path);
/* Before what --watch draws again, on a terminal. */
void cli_screen_clear(const struct cli *cli);
/* Every second with --watch, else once. */
enum cli_exit cli_repeat(struct cli *cli, enum cli_exit (*draw)(struct cli *cli, void *context),
			 void *context);

/* table.c */
const char *cli_text(const cJSON *object, const char *name);
double cli_number(const cJSON *object, const char *name);
/* Cells of one row; numbers are written into the table's own memory by cli_cell(). */
struct cli_table;
typedef void (*cli_row)(struct cli_table *table, const cJSON *item);
struct cli_columns {
	const char *path; /* what is asked for */
	const char *list; /* member that holds the rows; NULL: the page is the one item */
	const char *const *heads;
	cli_row row; /* adds as many cells as there are heads, or a multiple */
};
/* The page as a table, or as it is with -o json. */
enum cli_exit cli_page(struct cli *cli, const struct cli_columns *columns);
/* One that was asked for already, as a table. */
enum cli_exit cli_table_show(struct cli *cli, const cJSON *root, const struct cli_columns *columns);
void cli_cell(struct cli_table *table, const char *text);
__attribute__((format(printf, 2, 3))) void cli_cellf(struct cli_table *table, const char *format,
						     ...);
/* "12.3 Mbit/s", "1.2 GB". */
#define CLI_UNIT_TEXT 24
const char *cli_rate(char buf[CLI_UNIT_TEXT], double bits_per_s);
const char *cli_bytes(char buf[CLI_UNIT_TEXT], double bytes);

/* stream.c: server-sent events, line by line, until the endpoint ends them. */
typedef void (*cli_event)(struct cli *cli, const char *event, const char *data);
enum cli_exit cli_stream(struct cli *cli, const char *method, const char *path, const char *body,
			 cli_event show);
/* metrics.c: /metrics as {"value":[{"name","labels","value"}]}. */
enum cli_exit cli_metrics_json(struct cli *cli);

/* usage.c: what gateways and connections carry against their limits. */
enum cli_exit cli_usage(struct cli *cli, char **arguments, int count);
/* Of a usage's list: the item of this name; a NULL item has no limit. */
const cJSON *cli_usage_item(const cJSON *usage, const char *name);

/* "/connections/%s/..." with a name in it; refuses what would leave the path. */
__attribute__((warn_unused_result)) enum cli_exit cli_path(char *path, size_t size,
							   const char *format, const char *name);
/* A file, or standard input for "-"; NULL after an error was printed. To be freed. */
char *cli_file_read(const char *path);

/* progress.c: between these two, what takes over a second shows how long it has taken. */
void cli_progress_begin(const struct cli *cli, const char *what);
void cli_progress_end(void);

/* arguments.c */
#define CLI_WORDS_MAX 32
enum cli_exit cli_arguments_parse(struct cli *cli, char **argv, int argc, char **words, int *count);
const char *cli_arguments_global(unsigned int i); /* "--url"...; NULL after the last */

/* complete.c: `vpngw complete WORD...` prints what the last word may become. */
enum cli_exit cli_complete(struct cli *cli, char **words, int count);
