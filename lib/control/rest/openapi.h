#pragma once
/*
 * /openapi.json: made from the rows and the schema table, so that it says what there is.
 */
#include "control/rest/router.h"

void openapi_get(struct router_call *call);
