#pragma once
/*
 * DOC: diagnostic logs
 *
 * What Azure's diagnostic settings send to a workspace: categories of lines with columns, each line
 * a JSON object. Under systemd (JOURNAL_STREAM) they go to the journal by its native protocol, with
 * category, operation and resource as fields of their own; else to a file that is bounded: at
 * FILE_MAX it becomes FILE.1 and a new one begins.
 *
 * A line says what happened for an operator. It is built from names, addresses, pointers of
 * properties and the sentences of state changes; values of a configuration never enter it, so no
 * secret can. Categories that a peer can make talk are held to LINES_PER_S; what was left out is
 * counted in a line.
 *
 * Owner: app/control. Thread: the event loop's. Left out on purpose: P2SDiagnosticLog has no source
 * until there are clients.
 */
#include "control/bgp/bgp.h"
#include "control/config/diff.h"
#include "control/tunnel/tunnels.h"

enum diagnostics_category {
	DIAGNOSTICS_GATEWAY,
	DIAGNOSTICS_TUNNEL,
	DIAGNOSTICS_ROUTE,
	DIAGNOSTICS_IKE,
	DIAGNOSTICS_P2S,
	DIAGNOSTICS_CATEGORIES
};
const char *diagnostics_category_text(enum diagnostics_category category);

struct diagnostics;

struct diagnostics_config {
	const struct clock *clock;
	const char *file;    /* when there is no journal */
	const char *journal; /* socket of the journal's native protocol; NULL: none */
};

__attribute__((warn_unused_result)) int diagnostics_new(struct diagnostics **diagnostics,
							const struct diagnostics_config *config);
void diagnostics_free(struct diagnostics *diagnostics);
/* "GatewayDiagnosticLog,TunnelDiagnosticLog"; -EINVAL leaves it as it was. */
__attribute__((warn_unused_result)) int diagnostics_select(struct diagnostics *diagnostics,
							   const char *categories);
/* The file is opened anew at the next line: somebody moved it away. */
void diagnostics_reopen(struct diagnostics *diagnostics);

struct diagnostics_line {
	enum diagnostics_category category;
	bool warning;
	const char *operation;
	const char *resource; /* name of the gateway; "": of none */
	const char *group;
	const char *instance;	/* instance_s; NULL: the line has none */
	const char *remote;	/* remoteIP_s */
	const char *connection; /* connectionName_s, ours */
	const char *message;
};
void diagnostics_write(struct diagnostics *diagnostics, const struct diagnostics_line *line);

/* sources.c: what happens, as lines. */
/* `diff` NULL: what ran at start. */
void diagnostics_configured(struct diagnostics *diagnostics, const struct config *config,
			    const struct config_diff *diff);
void diagnostics_refused(struct diagnostics *diagnostics, const struct config_report *report);
void diagnostics_dataplane(struct diagnostics *diagnostics, bool attached);
void diagnostics_tunnel(struct diagnostics *diagnostics, const struct tunnel_status *status);
/* The configuration has it no more, or anew. */
void diagnostics_tunnel_goes(struct diagnostics *diagnostics, const char *name);
void diagnostics_ike(struct diagnostics *diagnostics, const char *tunnel, const char *line);
void diagnostics_route(struct diagnostics *diagnostics, const struct net_prefix *prefix,
		       const struct rib_candidate *best);
void diagnostics_bgp(struct diagnostics *diagnostics, const struct bgp_peer *peer);
