#pragma once
/*
 * Server-sent events: what changes, as it changes.
 */
#include "control/rest/state.h"

void events_subscribe(struct router_call *call);
/* `data` is one line of JSON. */
void events_publish(struct rest *rest, const char *event, const char *data);
void events_end_all(struct rest *rest);
