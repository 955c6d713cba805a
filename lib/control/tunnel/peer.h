#pragma once
/*
 * One tunnel's configuration in the words of the IKE engine. The engine keeps it as long as an IKE
 * SA of it lives, also when the tunnel itself has gone.
 */
#include "control/ikev2/engine.h"
#include "control/tunnel/accept.h"
#include "control/tunnel/credential.h"
#include "control/tunnel/plan.h"

struct tunnel;

struct peer {
	struct ikev2_config config;
	struct tunnel *tunnel; /* NULL when it is gone */
	struct secret psk;
	struct credential credential;
	char problem[CREDENTIAL_WHY]; /* why it cannot authenticate itself, or "" */
	struct ike_id local_id;
	struct ike_id remote_id;
	struct ike_policy_owned policy;
	struct ikev2_child_config *children;
	struct net_selector *selectors; /* of all children, one row */
	struct accept_space accept;
	char *name;
	char *subject; /* of the peer's certificate; NULL: any */
	bool weak;
};

struct peer_source {
	const struct plan_tunnel *tunnel;
	const struct plan_connection *site;
	const struct config *config;
	bool strict; /* files that cannot be used are an error, not peer.problem */
};

/* `why` is a sentence when the result is -EINVAL. */
__attribute__((warn_unused_result)) int peer_new(struct peer **peer,
						 struct ikev2_connection **connection,
						 const struct peer_source *source, char *why,
						 size_t why_size);
struct peer *peer_of(const struct ikev2_connection *connection);
/* The two would lead to the same negotiation. */
bool peer_same(const struct peer *a, const struct peer *b);
/* As above but for what only the next negotiation asks: our certificate, what we accept. */
bool peer_renewed(const struct peer *a, const struct peer *b);
/* What a connection negotiates; `own` holds a policy of its own and outlives *policy. */
__attribute__((warn_unused_result)) int peer_policy(const struct ike_policy **policy,
						    struct ike_policy_owned *own,
						    const struct config *config,
						    const struct config_connection *connection,
						    char *why, size_t why_size);
