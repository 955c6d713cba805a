#pragma once
/*
 * Our extension: which routes a connection's BGP sessions take in and tell, and their communities.
 * The first rule that fits decides; what fits none is refused. No rules: everything.
 */
#include "control/config/types.h"

enum config_rule_action { CONFIG_RULE_PERMIT, CONFIG_RULE_DENY };

struct config_route_rule {
	int action;		  /* enum config_rule_action */
	struct net_prefix prefix; /* NET_NONE: any */
	int64_t ge;		  /* lengths of what lies in it; both 0: itself */
	int64_t le;
	CONFIG_ARRAY(const char *) communities; /* it has all of these */
	CONFIG_ARRAY(const char *) set_communities;
};

struct config_route_filters {
	CONFIG_ARRAY(struct config_route_rule) in;
	CONFIG_ARRAY(struct config_route_rule) out;
};

/* "65010:100", "no-export" or "no-advertise" as RFC 1997's number. False: it is neither. */
bool config_community(const char *text, uint32_t *community);
