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

static enum cli_exit create(struct cli *cli, char **arguments, int count)
{
	const char *file = getenv("VPNGW_TOKENS") ? getenv("VPNGW_TOKENS") : DEFAULT_FILE;
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
	if (rc < 0) {
		fprintf(stderr, "vpngw: %s: %s\n", file, strerror(-rc));
		return CLI_FAILED;
	}
	if (cli->json)
		printf("{\"name\":\"%s\",\"token\":\"%s\"}\n", wanted.name, token);
	else
		puts(token); /* the only time that it is seen */
	secret_wipe(token, sizeof(token));
	fprintf(stderr, "vpngw: known after the next reload (systemctl reload vpngw-control)\n");
	return CLI_DONE;
}

static const struct command token_commands[] = {
	{ "token create", "NAME ROLE [EXPIRES]",
	  "makes a token on this machine (VPNGW_TOKENS: the file, default " DEFAULT_FILE ")",
	  "vpngw token create grafana read 2027-01-31T00:00:00Z", 2, 3, create, NULL },
};

const struct command_set cli_token_commands = {
	"Tokens", token_commands, sizeof(token_commands) / sizeof(token_commands[0])
};
