#pragma once
/*
 * The configuration of FRR's daemons as text, in the form in which they print it themselves: what
 * runs and what is wanted can be compared line by line. Pure.
 */
#include "base/text.h"
#include "control/config/config.h"
#include "control/tunnel/plan.h"

#define BGP_INSTANCES 2
#define BGP_CIRCUIT BGP_INSTANCES /* instance of the sessions of circuits (circuit.h) */
/* Between the speakers and the collector, on the loopback interface (RFC 7335's block). */
#define BGP_INNER "192.0.0."
#define BGP_COLLECTOR "192.0.0.6"
#define BGP_ANNOUNCED "192.0.0.5"
/* A session keeps what it was told, so that a map applies anew without asking the peer to say it
 * again: FRR marks all routes of a session while it is told again, and one that is withdrawn in
 * those milliseconds stayed for minutes. */
#define BGP_KEEPS "  neighbor %s soft-reconfiguration inbound\n"
#define BGP_INNER_KEEPS "  neighbor " BGP_INNER "%u soft-reconfiguration inbound\n"

/* Equal paths: the members that a group can have; of who announces, the hops that the kernel takes.
 */
#define BGP_PATHS "64"
#define BGP_ANNOUNCED_PATHS "255"
/* Minutes until a session is tried again that had more prefixes than its limit. */
#define BGP_RESTART "5"
/* "bgp no-rib" alone does not keep a speaker's routes from its zebra: when update-delay ends FRR
 * 8.4 gives it the whole table all the same. */
#define BGP_INSTALLS_NONE "  table-map VPNGW-NONE\n"

struct bgp_session {
	uint32_t tunnel; /* id in the data plane; 0: over a circuit */
	uint32_t instance;
	const char *name; /* of the tunnel, or of the circuit's port */
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
bool bgp_has_speaker(const struct bgp_wanted *wanted, uint32_t instance);
/* SECRET when a session has a password. False: the instance has no speaker. */
bool bgp_text_speaker(const struct bgp_wanted *wanted, uint32_t instance, struct text *out);
/* The settings of one session; FRR prints them in this order. SECRET with a password. */
void bgp_text_session(const struct bgp_session *session, struct text *out);
/* Its peers keep its routes while it is away: what it leads to goes on without it. */
void bgp_text_graceful(struct text *out);
/* What a gateway announces of its own: its network and those that use it; no sites. */
void bgp_text_networks(const struct config *config, const struct config_gateway *gateway,
		       struct text *out);
/* What peers learn from us whatever other peers say: these and the prefixes of sites. */
void bgp_text_all_networks(const struct bgp_wanted *wanted, enum net_family family,
			   struct text *out);
/* VPNGW-NETWORK, or with NET_IP6 VPNGW-NETWORK6: the prefixes of its network, of those that use
 * it, and all in them: nobody else announces those. */
void bgp_text_own(const struct config *config, const struct config_gateway *gateway,
		  enum net_family family, struct text *out);
void bgp_text_collector(const struct bgp_wanted *wanted, struct text *out);
/* Of the daemon that notes who announces what: all paths are equal to it. */
void bgp_text_announced(const struct bgp_wanted *wanted, struct text *out);
/* One for both speakers. */
void bgp_text_bfd(const struct bgp_wanted *wanted, struct text *out);
/* "AS -l ADDRESS...": what a speaker's daemon must be started with. */
void bgp_text_arguments(const struct bgp_wanted *wanted, uint32_t instance, struct text *out);
