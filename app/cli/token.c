#include "token.h"

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

int token_command(char **words, int count)
{
	const char *file = getenv("VPNGW_TOKENS") ? getenv("VPNGW_TOKENS") : DEFAULT_FILE;
	struct auth_new_token wanted = { 0 };
	char token[AUTH_TOKEN_TEXT];
	char line[512];
	int rc;

	if (count < 3 || count > 4 || strcmp(words[0], "create") || strpbrk(words[1], " \t\n#") ||
	    strlen(words[1]) > 63 || role_of(words[2], &wanted.role) < 0) {
		fprintf(stderr, "vpngw: usage: vpngw token create NAME read|operate|admin "
				"[2027-01-31T00:00:00Z]\n");
		return 2;
	}
	wanted.name = words[1];
	wanted.expires = count == 4 ? words[3] : NULL;
	rc = auth_token_make(&wanted, token, line, sizeof(line));
	if (rc == 0)
		rc = append(file, line);
	if (rc < 0) {
		fprintf(stderr, "vpngw: %s: %s\n", file, strerror(-rc));
		return 1;
	}
	puts(token); /* the only time that it is seen */
	secret_wipe(token, sizeof(token));
	fprintf(stderr, "vpngw: known after the next reload (systemctl reload vpngw-control)\n");
	return 0;
}
