#pragma once
/*
 * Names to addresses without a wait: /etc/hosts, then the name servers of /etc/resolv.conf, both
 * read for each question, so that a change of them is seen.
 */
#include "control/event/loop.h"
#include "net/addr.h"

#define EVENT_ADDRESSES_MAX 8

struct event_question;

/* `why` NULL: count is one at least. The question is freed when this returns. */
typedef void (*event_resolved)(void *context, const struct net_addr *addresses, uint32_t count,
			       const char *why);

/* The callback comes from the loop, never from inside this call. */
__attribute__((warn_unused_result)) int event_resolve(struct event_question **question,
						      struct event_loop *loop, const char *name,
						      event_resolved callback, void *context);
void event_resolve_cancel(struct event_question *question); /* not told; NULL is fine */
