#include "control/config/build.h"
#include "control/config/embedded.h"
#include "control/config/file.h"
#include "control/config/parse.h"

#include <errno.h>
#include <stdio.h>

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
						.complete = source->complete,
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

int config_load_file(struct config **config, const struct config_source *source, const char *path,
		     struct config_report *report)
{
	struct config_file file;
	int status = config_file_read(&file, path, report);

	if (status)
		return status;
	status = config_load_text(config, source, file.text, file.n, report);
	config_file_fini(&file);
	return status;
}

struct span config_demo_text(void)
{
	return config_embedded_demo;
}
