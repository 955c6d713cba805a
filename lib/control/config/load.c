#include "control/config/build.h"
#include "control/config/parse.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const enum config_kind order[] = {
	CONFIG_APPLIANCE, /* first: it qualifies the names of the others */
	CONFIG_VIRTUAL_NETWORK, CONFIG_PUBLIC_IP,  CONFIG_GATEWAY,
	CONFIG_LOCAL_GATEWAY,	CONFIG_CONNECTION,
};

static const struct schema_field top_rows[] = {
	{ .name = "$schema" },
	{ .name = "appliance" },
	{ .name = "virtualNetworks" },
	{ .name = "publicIPAddresses" },
	{ .name = "virtualNetworkGateways" },
	{ .name = "localNetworkGateways" },
	{ .name = "connections" },
};
static const struct schema_object top = { .name = "configuration", SCHEMA_ROWS(top_rows) };

static int put_one(struct config_build *build, enum config_kind kind, const cJSON *json,
		   const char *origin)
{
	struct config_body body = { .kind = kind, .origin = origin, .json = json };
	int status = config_build_put(build, &body);

	return status == -EINVAL ? 0 : status; /* go on for further findings */
}

static int put_list(struct config_build *build, enum config_kind kind, const cJSON *list,
		    struct config_report *report)
{
	const char *name = schema_kind(kind)->list;
	char origin[64];
	uint32_t i = 0;
	int status = 0;

	if (!list)
		return 0;
	snprintf(origin, sizeof(origin), "/%s", name);
	if (kind == CONFIG_APPLIANCE)
		return put_one(build, kind, list, origin);
	if (!cJSON_IsArray(list)) {
		struct where where = { .root = origin };

		where_error(report, &where, CODE_FORMAT, "Must be an array.");
		return 0;
	}
	for (const cJSON *item = list->child; item && !status; item = item->next) {
		snprintf(origin, sizeof(origin), "/%s/%u", name, i++);
		status = put_one(build, kind, item, origin);
	}
	return status;
}

static int load_tree(struct config **config, const struct config_source *source, const cJSON *root,
		     struct config_report *report)
{
	struct config_build_options options = { .catalogue = source->catalogue,
						.previous = source->previous,
						.empty = true,
						.lenient = source->lenient };
	struct parse parse = { .report = report, .lenient = source->lenient };
	struct where where = { .root = "" };
	struct config_build *build;
	int status;

	if (!cJSON_IsObject(root)) {
		where_error(report, &where, CODE_FORMAT, "Must be an object.");
		return -EINVAL;
	}
	parse_keys(&parse, &top, root, &where);
	status = config_build_begin(&build, &options, report);
	if (status)
		return status;
	for (size_t i = 0; i < sizeof(order) / sizeof(order[0]) && !status; i++) {
		const char *name = schema_kind(order[i])->list;

		status = put_list(build, order[i], cJSON_GetObjectItemCaseSensitive(root, name),
				  report);
	}
	if (status) {
		config_build_drop(build);
		return status;
	}
	return config_build_end(build, config);
}

int config_load_text(struct config **config, const struct config_source *source, const char *text,
		     size_t n, struct config_report *report)
{
	cJSON *root;
	int status = config_json_parse(&root, text, n, report);

	if (status)
		return status;
	status = load_tree(config, source, root, report);
	config_json_free(root);
	return status;
}

static int read_whole(const char *path, char **text, size_t *n)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	char *buf = NULL;
	size_t got = 0;
	int status = 0;

	if (fd < 0)
		return -errno;
	if (fstat(fd, &st))
		status = -errno;
	else if (!S_ISREG(st.st_mode))
		status = -EISDIR;
	else if ((uint64_t)st.st_size > CONFIG_JSON_FILE_BYTES)
		status = -EFBIG;
	if (!status && !(buf = malloc((size_t)st.st_size + 1)))
		status = -ENOMEM;
	while (!status && got < (size_t)st.st_size) {
		ssize_t part = read(fd, buf + got, (size_t)st.st_size - got);

		if (part < 0 && errno == EINTR)
			continue;
		if (part < 0)
			status = -errno;
		if (part <= 0)
			break;
		got += (size_t)part;
	}
	close(fd);
	if (status) {
		free(buf);
		return status;
	}
	*text = buf;
	*n = got;
	return 0;
}

int config_load_file(struct config **config, const struct config_source *source, const char *path,
		     struct config_report *report)
{
	char *text = NULL;
	size_t n = 0;
	int status = read_whole(path, &text, &n);

	if (status) {
		struct where where = { .root = "" };

		where_error(report, &where, NULL, "%s cannot be read: %s.", path,
			    strerror(-status));
		return status;
	}
	status = config_load_text(config, source, text, n, report);
	secret_wipe(text, n);
	free(text);
	return status;
}
