#include "control/config/journal_text.h"

#include "control/config/diff.h"
#include "control/config/json_in.h"
#include "control/config/print.h"
#include "control/config/schema.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void put_meta(struct json_out *out, const struct journal_meta *meta)
{
	char fingerprint[20];

	snprintf(fingerprint, sizeof(fingerprint), "%016llx",
		 (unsigned long long)meta->fingerprint);
	json_out_string(out, "cause", meta->cause);
	if (meta->actor)
		json_out_string(out, "actor", meta->actor);
	json_out_string(out, "file", fingerprint);
}

static void put_set(struct json_out *out, const struct config_resource *resource)
{
	struct config_print print = { .shape = CONFIG_PRINT_JOURNAL, .secrets = true };

	json_out_open(out, NULL, '{');
	json_out_string(out, "kind", schema_kind(resource->kind)->list);
	json_out_string(out, "id", resource->id);
	json_out_int(out, "revision", (int64_t)resource->revision);
	config_print_resource(&print, resource, "body", out);
	json_out_close(out, '}');
}

int journal_text_change(struct json_out *out, const struct journal_meta *meta,
			const struct config *from, const struct config *to)
{
	struct config_diff diff;
	int status = config_diff(&diff, from, to);

	if (status)
		return status;
	json_out_open(out, NULL, '{');
	put_meta(out, meta);
	json_out_open(out, "set", '[');
	for (uint32_t i = 0; i < diff.count; i++)
		if (diff.items[i].now && !diff.items[i].by_others)
			put_set(out, diff.items[i].now);
	json_out_close(out, ']');
	json_out_open(out, "delete", '[');
	for (uint32_t i = 0; i < diff.count; i++) {
		if (diff.items[i].change != CONFIG_REMOVED)
			continue;
		json_out_open(out, NULL, '{');
		json_out_string(out, "kind", schema_kind(diff.items[i].kind)->list);
		json_out_string(out, "id", diff.items[i].was->id);
		json_out_close(out, '}');
	}
	json_out_close(out, ']');
	json_out_close(out, '}');
	config_diff_fini(&diff);
	return out->failed ? -ENOMEM : 0;
}

void journal_fold_init(struct journal_fold *fold)
{
	map_init(&fold->bodies);
}

static void body_free(struct journal_body *body)
{
	if (!body)
		return;
	config_json_free(body->json);
	free(body);
}

static void clear(struct journal_fold *fold)
{
	struct map_entry *entry = NULL;

	while ((entry = map_next(&fold->bodies, entry)))
		body_free(entry->value);
	map_fini(&fold->bodies);
	map_init(&fold->bodies);
}

void journal_fold_fini(struct journal_fold *fold)
{
	clear(fold);
	map_fini(&fold->bodies);
}

static int kind_of(const char *list)
{
	for (int kind = 0; kind < CONFIG_KINDS; kind++)
		if (!strcmp(schema_kind(kind)->list, list))
			return kind;
	return -1;
}

struct entry {
	int kind;
	char key[1400];
	size_t n;
};

static int entry_of(struct entry *entry, const cJSON *json)
{
	const cJSON *kind = cJSON_GetObjectItemCaseSensitive(json, "kind");
	const cJSON *id = cJSON_GetObjectItemCaseSensitive(json, "id");
	int n;

	if (!cJSON_IsString(kind) || !cJSON_IsString(id))
		return -EBADMSG;
	entry->kind = kind_of(kind->valuestring);
	n = snprintf(entry->key, sizeof(entry->key), "%d%s", entry->kind, id->valuestring);
	if (entry->kind < 0 || n < 0 || (size_t)n >= sizeof(entry->key))
		return -EBADMSG;
	entry->n = (size_t)n;
	for (char *c = entry->key; *c; c++)
		*c = (char)tolower((unsigned char)*c);
	return 0;
}

static int apply_set(struct journal_fold *fold, cJSON *json, uint64_t revision)
{
	const cJSON *own = cJSON_GetObjectItemCaseSensitive(json, "revision");
	struct journal_body *body;
	struct entry entry;
	void *old = NULL;
	int status = entry_of(&entry, json);

	if (status)
		return status;
	body = calloc(1, sizeof(*body));
	if (!body)
		return -ENOMEM;
	body->kind = (uint32_t)entry.kind;
	body->revision = cJSON_IsNumber(own) ? (uint64_t)own->valuedouble : revision;
	body->json = cJSON_DetachItemFromObjectCaseSensitive(json, "body");
	status = cJSON_IsObject(body->json) ? map_set(&fold->bodies, entry.key, entry.n, body, &old)
					    : -EBADMSG;
	if (status)
		body_free(body);
	body_free(old);
	return status;
}

int journal_fold_apply(struct journal_fold *fold, const char *payload, size_t n, bool base,
		       uint64_t revision)
{
	struct config_report report;
	struct entry entry;
	cJSON *root = NULL;
	int status;

	config_report_init(&report);
	status = config_json_parse(&root, payload, n, &report);
	config_report_fini(&report);
	if (status)
		return status == -ENOMEM ? status : -EBADMSG;
	if (base)
		clear(fold);
	for (cJSON *item = cJSON_GetArrayItem(cJSON_GetObjectItemCaseSensitive(root, "set"), 0);
	     item && !status; item = item->next)
		status = apply_set(fold, item, revision);
	for (cJSON *item = cJSON_GetArrayItem(cJSON_GetObjectItemCaseSensitive(root, "delete"), 0);
	     item && !status; item = item->next) {
		status = entry_of(&entry, item);
		if (!status)
			body_free(map_del(&fold->bodies, entry.key, entry.n));
	}
	config_json_free(root);
	return status;
}

static void put_json(struct json_out *out, const char *key, const cJSON *json)
{
	char *text;

	config_json_setup();
	text = cJSON_PrintUnformatted(json);
	if (!text) {
		out->failed = true;
		return;
	}
	json_out_raw(out, key, text);
	cJSON_free(text);
}

void journal_fold_text(const struct journal_fold *fold, const struct journal_meta *meta,
		       struct json_out *out)
{
	struct map_entry *entry = NULL;

	json_out_open(out, NULL, '{');
	put_meta(out, meta);
	json_out_open(out, "set", '[');
	while ((entry = map_next(&fold->bodies, entry))) {
		const struct journal_body *body = entry->value;
		const cJSON *id = cJSON_GetObjectItemCaseSensitive(body->json, "id");

		json_out_open(out, NULL, '{');
		json_out_string(out, "kind", schema_kind(body->kind)->list);
		json_out_string(out, "id", cJSON_IsString(id) ? id->valuestring : "/appliance");
		json_out_int(out, "revision", (int64_t)body->revision);
		put_json(out, "body", body->json);
		json_out_close(out, '}');
	}
	json_out_close(out, ']');
	json_out_close(out, '}');
}

void journal_fold_file(const struct journal_fold *fold, struct json_out *out)
{
	json_out_open(out, NULL, '{');
	for (uint32_t kind = 0; kind < CONFIG_KINDS; kind++) {
		struct map_entry *entry = NULL;

		if (kind != CONFIG_APPLIANCE)
			json_out_open(out, schema_kind(kind)->list, '[');
		while ((entry = map_next(&fold->bodies, entry))) {
			const struct journal_body *body = entry->value;

			if (body->kind == kind)
				put_json(out,
					 kind == CONFIG_APPLIANCE ? schema_kind(kind)->list : NULL,
					 body->json);
		}
		if (kind != CONFIG_APPLIANCE)
			json_out_close(out, ']');
	}
	json_out_close(out, '}');
}
