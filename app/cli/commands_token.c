/*
 * Tokens of the endpoint, made on the gateway's own machine in its state directory.
 */
#include "cli.h"

#include "base/clock.h"
#include "base/when.h"
#include "control/rest/auth.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#define LINE_BYTES 512
#define DEFAULT_FILE "/var/lib/vpngw/tokens"
#define NAME_LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-@"

static int role_of(const char *text, enum config_token_role *role)
{
	for (int r = CONFIG_TOKEN_READ; r <= CONFIG_TOKEN_ADMIN; r++)
		if (!strcasecmp(auth_role_text((enum config_token_role)r), text)) {
			*role = (enum config_token_role)r;
			return 0;
		}
	return -EINVAL;
}

/* The file belongs to the control program's user: whoever owns the directory. */
static int append(const char *path, const char *line)
{
	char directory[512];
	struct stat st;
	char *slash;
	int fd;
	int rc = 0;

	snprintf(directory, sizeof(directory), "%s", path);
	slash = strrchr(directory, '/');
	if (slash)
		*slash = '\0';
	fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return -errno;
	if (slash && stat(directory, &st) == 0 && fchown(fd, st.st_uid, st.st_gid) < 0)
		rc = -errno;
	if (rc == 0 && write(fd, line, strlen(line)) != (ssize_t)strlen(line))
		rc = -errno;
	close(fd);
	return rc;
}

static const char *tokens_file(void)
{
	return getenv("VPNGW_TOKENS") ? getenv("VPNGW_TOKENS") : DEFAULT_FILE;
}

static enum cli_exit token_fault(const char *file, int error)
{
	fprintf(stderr, "vpngw: %s: %s\n", file, strerror(error));
	return CLI_FAILED;
}

static enum cli_exit create(struct cli *cli, char **arguments, int count)
{
	const char *file = tokens_file();
	struct auth_new_token wanted = { .name = arguments[0],
					 .expires = count == 3 ? arguments[2] : NULL };
	char token[AUTH_TOKEN_TEXT];
	uint64_t expires_ms;
	char line[512];
	int rc;

	if (!wanted.name[0] || wanted.name[strspn(wanted.name, NAME_LETTERS)] ||
	    strlen(wanted.name) > 63) {
		fprintf(stderr,
			"vpngw: a token's name has 1 to 63 letters, digits, '.', '_', '-' or "
			"'@'\n");
		return CLI_USAGE;
	}
	if (role_of(arguments[1], &wanted.role) < 0) {
		fprintf(stderr, "vpngw: '%s' is no role; there are read, operate, admin\n",
			arguments[1]);
		return CLI_USAGE;
	}
	rc = auth_token_make(&wanted, token, line, sizeof(line));
	if (rc == -EINVAL) {
		fprintf(stderr, "vpngw: '%s' is no time such as 2027-01-31T00:00:00Z\n",
			wanted.expires ? wanted.expires : "");
		return CLI_USAGE;
	}
	if (rc == 0 && wanted.expires && when_parse(wanted.expires, &expires_ms) == 0 &&
	    expires_ms <= clock_wall_ms()) {
		fprintf(stderr, "vpngw: '%s' has passed already\n", wanted.expires);
		return CLI_USAGE;
	}
	if (rc == 0)
		rc = append(file, line);
	if (rc < 0)
		return token_fault(file, -rc);
	if (cli->json)
		printf("{\"name\":\"%s\",\"token\":\"%s\"}\n", wanted.name, token);
	else
		puts(token); /* the only time that it is seen */
	secret_wipe(token, sizeof(token));
	fprintf(stderr, "vpngw: known after the next reload (systemctl reload vpngw-control)\n");
	return CLI_DONE;
}

#define TOKEN_WORDS 3
/* "name role expires" of a line; false: it is a comment, or no token. */
static bool token_words(const char *line, char words[TOKEN_WORDS][64])
{
	return line[0] != '#' &&
	       sscanf(line, "%63s %63s %63s", words[0], words[1], words[2]) == TOKEN_WORDS;
}

static void token_row(struct cli_table *table, const cJSON *item)
{
	const char *expires = cli_text(item, "expires");

	cli_cell(table, cli_text(item, "name"));
	cli_cell(table, cli_text(item, "role"));
	cli_cell(table, expires[0] ? expires : "never");
}

/* Only who they are for: what a token is stands nowhere. */
static enum cli_exit list(struct cli *cli, char **arguments, int count)
{
	static const char *const heads[] = { "NAME", "ROLE", "EXPIRES", NULL };
	static const struct cli_columns columns = { NULL, "value", heads, token_row };
	FILE *file = fopen(tokens_file(), "re");
	char line[LINE_BYTES], words[TOKEN_WORDS][64];
	enum cli_exit code = CLI_DONE;
	cJSON *root, *tokens;

	if (!file && errno != ENOENT)
		return token_fault(tokens_file(), errno);
	root = cJSON_CreateObject();
	tokens = cJSON_AddArrayToObject(root, "value");
	while (file && fgets(line, sizeof(line), file)) {
		cJSON *token = token_words(line, words) ? cJSON_CreateObject() : NULL;

		if (!token)
			continue;
		cJSON_AddStringToObject(token, "name", words[0]);
		cJSON_AddStringToObject(token, "role", words[1]);
		cJSON_AddItemToObject(token, "expires",
				      strcmp(words[2], "never") ? cJSON_CreateString(words[2])
								: cJSON_CreateNull());
		cJSON_AddItemToArray(tokens, token);
	}
	if (file)
		fclose(file);
	if (cli->json)
		cli_json_print(root);
	else
		code = cli_table_show(cli, root, &columns);
	cJSON_Delete(root);
	return code;
}

/* All lines but those of this name; *gone counts them. */
static int lines_without(const char *path, const char *name, struct text *kept, uint32_t *gone)
{
	char line[LINE_BYTES], words[TOKEN_WORDS][64];
	FILE *file = fopen(path, "re");

	if (!file)
		return -errno;
	while (fgets(line, sizeof(line), file)) {
		if (token_words(line, words) && !strcmp(words[0], name))
			++*gone;
		else
			text_add_bytes(kept, line, strlen(line));
	}
	fclose(file);
	return kept->failed ? -ENOMEM : 0;
}

/* In one step: whoever reads it finds the old one or the new one, whole. */
static int replace(const char *path, const struct text *content)
{
	char fresh[512];
	struct stat st;
	int rc = 0;
	int fd;

	if (stat(path, &st) < 0 ||
	    snprintf(fresh, sizeof(fresh), "%s.new", path) >= (int)sizeof(fresh))
		return errno ? -errno : -ENAMETOOLONG;
	unlink(fresh);
	fd = open(fresh, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return -errno;
	if (fchown(fd, st.st_uid, st.st_gid) < 0 ||
	    write(fd, text_get(content), content->n) != (ssize_t)content->n || fsync(fd) < 0 ||
	    rename(fresh, path) < 0)
		rc = errno ? -errno : -EIO;
	close(fd);
	if (rc < 0)
		unlink(fresh);
	return rc;
}

static enum cli_exit token_delete(struct cli *cli, char **arguments, int count)
{
	const char *file = tokens_file();
	struct text kept = { 0 };
	uint32_t gone = 0;
	int rc = lines_without(file, arguments[0], &kept, &gone);

	if (rc == 0 && !gone) {
		fprintf(stderr,
			"vpngw: there is no token '%s' in %s; 'vpngw token list' shows them\n",
			arguments[0], file);
		text_fini(&kept);
		return CLI_NOT_FOUND;
	}
	if (rc == 0)
		rc = replace(file, &kept);
	text_fini(&kept);
	if (rc < 0)
		return token_fault(file, -rc);
	puts(cli->json ? "{\"status\":\"Succeeded\"}" : "done");
	fprintf(stderr, "vpngw: good until the next reload (systemctl reload vpngw-control)\n");
	return CLI_DONE;
}

static const struct command token_commands[] = {
	{ "token create", "NAME ROLE [EXPIRES]",
	  "makes a token on this machine (VPNGW_TOKENS: the file, default " DEFAULT_FILE ")",
	  "vpngw token create grafana read 2027-01-31T00:00:00Z", 2, 3, create, NULL },
	{ "token list", "", "the tokens of that file: names, roles, until when",
	  "vpngw token list -o json", 0, 0, list, NULL },
	{ "token delete", "NAME", "takes a token out of that file", "vpngw token delete grafana", 1,
	  1, token_delete, NULL },
};

const struct command_set cli_token_commands = {
	"Tokens", token_commands, sizeof(token_commands) / sizeof(token_commands[0])
};
