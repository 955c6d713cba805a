#pragma once
/*
 * What IKE holds for a connection, in the shape that Azure's getikesas answers.
 */
#include "base/text.h"
#include "control/tunnel/tunnels.h"

/* JSON: {"Status":"Successful","Data":[...]}; Data is null when there is none. No secret. */
void dump_ike_sas(struct tunnels *tunnels, const char *connection_key, struct text *out);
