#pragma once
/*
 * The configuration of FRR's daemons as text, in the form in which they print it themselves: what
 * runs and what is wanted can be compared line by line. Pure.
 */
#include "base/text.h"
#include "control/config/config.h"
#include "control/tunnel/plan.h"

#define BGP_INSTANCES 2
/* Between the speakers and the collector, on the loopback interface (RFC 7335's block). */
#define BGP_INNER "192.0.0."
#define BGP_COLLECTOR "192.0.0.6"

struct bgp_session {
	uint32_t tunnel; /* id in the data plane */
	uint32_t instance;
	const char *name; /* of the tunnel */
	struct plan_session is;
};

struct bgp_wanted {
	const struct config *config;
	const struct config_gateway *gateway;
	const struct bgp_session *sessions;
	uint32_t count;
};

/* The gateway whose speakers these are: the first of ours with enableBgp; NULL: none. */
const struct config_gateway *bgp_gateway(const struct config *config);
/* SECRET when a session has a password. False: the instance has no speaker. */
bool bgp_text_speaker(const struct bgp_wanted *wanted, uint32_t instance, struct text *out);
void bgp_text_collector(const struct bgp_wanted *wanted, struct text *out);
/* One for both speakers. */
void bgp_text_bfd(const struct bgp_wanted *wanted, struct text *out);
/* "AS -l ADDRESS...": what a speaker's daemon must be started with. */
void bgp_text_arguments(const struct bgp_wanted *wanted, uint32_t instance, struct text *out);
