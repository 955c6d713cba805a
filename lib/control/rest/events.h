#pragma once
/*
 * Server-sent events: what changes, as it changes.
 */
#include "control/rest/state.h"

void events_subscribe(struct router_call *call);
/* `data` is one line of JSON. */
void events_publish(struct rest *rest, const char *event, const char *data);
/* For route_watch(); the context is the struct rest. */
void events_route_changed(void *context, const struct net_prefix *prefix,
			  const struct rib_candidate *best);
void events_end_all(struct rest *rest);
