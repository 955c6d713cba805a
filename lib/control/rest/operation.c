#include "control/rest/operation.h"

#include "base/log.h"
#include "base/map.h"
#include "control/rest/error.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define TOPIC "rest"
#define LIFE_MS (UINT64_C(24) * 3600 * 1000)
#define RECORDS_MAX 100000
#define LINE_MAX_BYTES 256

struct operation_store {
	struct map by_id;
	struct operation **order; /* by start, a ring would save little */
	size_t count;
	size_t capacity;
	int fd; /* -1: in memory only */
};

static const char *const state_text[] = { "InProgress", "Succeeded", "Failed" };

static void operation_free(struct operation *operation)
{
	free(operation->result);
	free(operation->code);
	free(operation->message);
	free(operation);
}

/* The file has a line a change of state: "id state started ended code". */
static void record(struct operation_store *all, const struct operation *o)
{
	char line[LINE_MAX_BYTES];
	int n = snprintf(line, sizeof(line), "%s %d %llu %llu %s\n", o->id, (int)o->state,
			 (unsigned long long)o->started_ms, (unsigned long long)o->ended_ms,
			 o->code ? o->code : "-");

	if (all->fd >= 0 && write(all->fd, line, (size_t)n) != n)
		log_error(TOPIC, "cannot record an operation error=\"%s\"", strerror(errno));
}

/* The oldest go when their day is over. */
static void expire(struct operation_store *all, uint64_t now_ms)
{
	size_t gone = 0;

	while (gone < all->count && all->order[gone]->state != OPERATION_RUNNING &&
	       (all->order[gone]->started_ms + LIFE_MS < now_ms ||
		all->count - gone > RECORDS_MAX)) {
		map_del(&all->by_id, all->order[gone]->id, sizeof(all->order[gone]->id));
		operation_free(all->order[gone]);
		gone++;
	}
	if (!gone)
		return;
	all->count -= gone;
	memmove(all->order, all->order + gone, all->count * sizeof(all->order[0]));
}

static int insert(struct operation_store *all, struct operation *o)
{
	int rc;

	if (all->count == all->capacity) {
		size_t capacity = all->capacity ? all->capacity * 2 : 64;
		void *grown = reallocarray(all->order, capacity, sizeof(all->order[0]));

		if (!grown)
			return -ENOMEM;
		all->order = grown;
		all->capacity = capacity;
	}
	rc = map_set(&all->by_id, o->id, sizeof(o->id), o, NULL);
	if (rc == 0)
		all->order[all->count++] = o;
	return rc;
}

static void line_read(struct operation_store *all, const char *line)
{
	unsigned long long started;
	unsigned long long ended;
	struct operation *o;
	char id[ID_GUID_TEXT] = "";
	char code[128] = "";
	int state;

	if (sscanf(line, "%36s %d %llu %llu %127s", id, &state, &started, &ended, code) != 5 ||
	    state < OPERATION_RUNNING || state > OPERATION_FAILED || strlen(id) != 36)
		return; /* the last line of a crash may be half a line */
	o = map_get(&all->by_id, id, sizeof(id));
	if (!o) {
		o = calloc(1, sizeof(*o));
		if (!o)
			return;
		memcpy(o->id, id, sizeof(id));
		if (insert(all, o) < 0) {
			free(o);
			return;
		}
	}
	o->state = (enum operation_state)state;
	o->started_ms = started;
	o->ended_ms = ended;
	o->result_status = 200;
	if (state == OPERATION_FAILED && !o->code)
		o->code = strdup(code);
}

static void file_read(struct operation_store *all, const char *file)
{
	char line[LINE_MAX_BYTES];
	FILE *from = fopen(file, "re");

	while (from && fgets(line, sizeof(line), from))
		line_read(all, line);
	if (from)
		fclose(from);
}

/* Written anew at each start, so that the file does not grow for ever. */
static int file_open(struct operation_store *all, const char *file)
{
	char *fresh;
	int rc = 0;

	if (asprintf(&fresh, "%s.new", file) < 0)
		return -ENOMEM;
	all->fd = open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0600);
	if (all->fd < 0)
		rc = -errno;
	for (size_t i = 0; rc == 0 && i < all->count; i++)
		record(all, all->order[i]);
	if (rc == 0 && rename(fresh, file) < 0)
		rc = -errno;
	free(fresh);
	return rc;
}

int operation_store_new(struct operation_store **operations, const char *file)
{
	struct operation_store *all = calloc(1, sizeof(*all));
	int rc = 0;

	if (!all)
		return -ENOMEM;
	all->fd = -1;
	map_init(&all->by_id);
	if (file)
		file_read(all, file);
	for (size_t i = 0; i < all->count; i++)
		if (all->order[i]->state == OPERATION_RUNNING)
			operation_fail(all, all->order[i], "OperationInterrupted",
				       "The control program was restarted before the operation "
				       "was done.");
	expire(all, clock_wall_ms());
	if (file)
		rc = file_open(all, file);
	if (rc < 0)
		operation_store_free(all);
	else
		*operations = all;
	return rc;
}

void operation_store_free(struct operation_store *all)
{
	if (!all)
		return;
	for (size_t i = 0; i < all->count; i++)
		operation_free(all->order[i]);
	free(all->order);
	map_fini(&all->by_id);
	if (all->fd >= 0)
		close(all->fd);
	free(all);
}

int operation_start(struct operation_store *all, struct operation **operation)
{
	struct operation *o = calloc(1, sizeof(*o));
	int rc;

	if (!o)
		return -ENOMEM;
	id_guid(o->id);
	o->started_ms = clock_wall_ms();
	expire(all, o->started_ms);
	rc = insert(all, o);
	if (rc < 0) {
		free(o);
		return rc;
	}
	record(all, o);
	*operation = o;
	return 0;
}

void operation_succeed(struct operation_store *all, struct operation *o, int status,
		       const char *body)
{
	o->state = OPERATION_SUCCEEDED;
	o->ended_ms = clock_wall_ms();
	o->result_status = status;
	o->result = body ? strdup(body) : NULL;
	record(all, o);
}

void operation_fail(struct operation_store *all, struct operation *o, const char *code,
		    const char *message)
{
	o->state = OPERATION_FAILED;
	o->ended_ms = clock_wall_ms();
	free(o->code);
	o->code = strdup(code);
	o->message = strdup(message);
	record(all, o);
}

const struct operation *operation_find(const struct operation_store *all, const char *id)
{
	char key[ID_GUID_TEXT] = "";

	if (strlen(id) != sizeof(key) - 1)
		return NULL;
	memcpy(key, id, sizeof(key));
	return map_get(&all->by_id, key, sizeof(key));
}

struct operation *operation_running(struct operation_store *all, const char *id)
{
	struct operation *o = map_get(&all->by_id, id, sizeof(o->id));

	return o && o->state == OPERATION_RUNNING ? o : NULL;
}

void operation_render(const struct operation *o, struct text *out)
{
	text_add(out, "{\"name\":\"%s\",\"status\":\"%s\"", o->id, state_text[o->state]);
	if (o->state == OPERATION_FAILED) {
		text_add(out, ",\"error\":{\"code\":");
		error_json_string(out, o->code ? o->code : "OperationFailed");
		text_add(out, ",\"message\":");
		error_json_string(out, o->message ? o->message : "The operation did not succeed.");
		text_add(out, "}");
	}
	text_add(out, "}");
}

size_t operation_count(const struct operation_store *all)
{
	return all->count;
}
