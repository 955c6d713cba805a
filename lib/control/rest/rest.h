#pragma once
/*
 * DOC: REST endpoint
 *
 * Azure's resources under their full paths and under short ones, and our own pages (status, events,
 * health, metrics, history). Reading answers from the running snapshot and from what tunnels and
 * routes say at this moment. A change is parsed, checked and built into a new snapshot while the
 * client waits for the answer; it is then applied behind a long-running operation.
 *
 * Changes of different resources queue; a second change of a resource that has one under way is
 * refused with 409 AnotherOperationInProgress.
 *
 * Owner: app/control. Thread: the event loop's.
 */
#include "control/bgp/bgp.h"
#include "control/capture/captures.h"
#include "control/config/store.h"
#include "control/metering/metering.h"
#include "control/diagnostics/diagnostics.h"
#include "control/requests/desired.h"
#include "control/route/route.h"
#include "control/tunnel/tunnels.h"

struct rest;

struct rest_config {
	struct event_loop *loop;
	struct config_store *store;
	struct desired *desired;
	struct route *route;
	struct tunnels *tunnels;
	struct bgp *bgp;
	struct captures *captures;
	struct metering *metering;
	const char *state_directory;
};

/* -errno with a sentence. */
__attribute__((warn_unused_result)) int rest_new(struct rest **rest,
						 const struct rest_config *config, char *why,
						 size_t why_size);
void rest_free(struct rest *rest);
/* This configuration's tokens, limits and certificates, when they differ from before. */
void rest_configure(struct rest *rest, const struct config *config);
/* Tokens and certificates from their files, which may have changed without the configuration. */
void rest_files_reload(struct rest *rest);
/* For the event stream. */
void rest_tunnel_changed(struct rest *rest, const struct tunnel_status *status);
void rest_route_changed(struct rest *rest, const struct net_prefix *prefix,
			const struct rib_candidate *best);
