#pragma once
/*
 * Encoded messages that wait for room in the ring, in order. Their bytes are wiped when they go.
 */
#include "base/span.h"

#include <stdbool.h>

struct backlog {
	struct backlog_item *first;
	struct backlog_item *last;
	size_t count;
};

__attribute__((warn_unused_result)) int backlog_add(struct backlog *backlog, const void *bytes,
						    size_t n);
bool backlog_first(const struct backlog *backlog, struct span *bytes);
void backlog_drop_first(struct backlog *backlog);
void backlog_clear(struct backlog *backlog);
