#pragma once
/*
 * From a running configuration of FRR to the wanted one: the commands in their order, one a line,
 * each context entered and left. Only what is ours is taken away: `router bgp` and names that
 * begin with VPNGW-. Pure.
 */
#include "base/text.h"

void bgp_diff(const char *running, const char *wanted, struct text *commands);
