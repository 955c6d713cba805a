#pragma once
/*
 * The rules of a connection as FRR's route maps, with a prefix list and a community list for each
 * rule. Pure.
 */
#include "base/text.h"
#include "control/config/filter.h"

struct bgp_filter {
	const char *name; /* of the route map */
	const struct config_route_rule *rules;
	uint32_t count;
	bool ip6;
	const char *set; /* a line more of each entry that permits; NULL: none */
};

/* Entries from 20 on; the map's begin is the caller's. Rules with a prefix of the other family are
 * not for it. */
void bgp_text_filter(const struct bgp_filter *filter, struct text *out);
