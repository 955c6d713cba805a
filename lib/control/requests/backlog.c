#include "control/requests/backlog.h"

#include "base/secret.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct backlog_item {
	struct backlog_item *next;
	size_t n;
	uint8_t bytes[];
};

int backlog_add(struct backlog *backlog, const void *bytes, size_t n)
{
	struct backlog_item *item = malloc(sizeof(*item) + n);

	if (!item)
		return -ENOMEM;
	item->next = NULL;
	item->n = n;
	memcpy(item->bytes, bytes, n);
	if (backlog->last)
		backlog->last->next = item;
	else
		backlog->first = item;
	backlog->last = item;
	backlog->count++;
	return 0;
}

bool backlog_first(const struct backlog *backlog, struct span *bytes)
{
	if (!backlog->first)
		return false;
	*bytes = (struct span){ backlog->first->bytes, backlog->first->n };
	return true;
}

void backlog_drop_first(struct backlog *backlog)
{
	struct backlog_item *item = backlog->first;

	backlog->first = item->next;
	if (!backlog->first)
		backlog->last = NULL;
	backlog->count--;
	secret_wipe(item->bytes, item->n);
	free(item);
}

void backlog_clear(struct backlog *backlog)
{
	while (backlog->first)
		backlog_drop_first(backlog);
}
