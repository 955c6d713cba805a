#pragma once
/*
 * DOC: long-running operations
 *
 * A change or an action that is answered before it is done leaves a record: what Azure clients poll
 * by Azure-AsyncOperation or Location until it is terminal. Records live for 24 hours and survive a
 * restart in a file of the state directory; what was not finished then has failed, never vanished.
 */
#include "base/clock.h"
#include "base/id.h"
#include "base/text.h"

#include <stdbool.h>

enum operation_state { OPERATION_RUNNING, OPERATION_SUCCEEDED, OPERATION_FAILED };

struct operation {
	char id[ID_GUID_TEXT];
	enum operation_state state;
	uint64_t started_ms; /* wall clock */
	uint64_t ended_ms;
	int result_status; /* of the Location answer when it succeeded: 200 or 204 */
	char *result;	   /* its body, or NULL */
	char *code;	   /* when it failed */
	char *message;
};

struct operation_store;

/* `file` NULL: records are kept in memory only. */
__attribute__((warn_unused_result)) int operation_store_new(struct operation_store **operations,
							    const char *file);
void operation_store_free(struct operation_store *operations);
__attribute__((warn_unused_result)) int operation_start(struct operation_store *operations,
							struct operation **operation);
/* `body` may be NULL. Not called twice for one operation. */
void operation_succeed(struct operation_store *operations, struct operation *operation, int status,
		       const char *body);
void operation_fail(struct operation_store *operations, struct operation *operation,
		    const char *code, const char *message);
const struct operation *operation_find(const struct operation_store *operations, const char *id);
/* One that has not ended, to end it; NULL: it has, or is forgotten. */
struct operation *operation_running(struct operation_store *operations, const char *id);
/* {"status":"Succeeded"...} as Azure-AsyncOperation answers. */
void operation_render(const struct operation *operation, struct text *out);
size_t operation_count(const struct operation_store *operations);
