#pragma once
/*
 * DOC: tunnels
 *
 * Turns the resources into tunnels and keeps them up: it owns the desired and the actual state,
 * dials, adopts what a former control left in the data plane, gives new SAs to the data plane, and
 * tells it which tunnels carry the flows.
 *
 * After a restart of control the SAs of the data plane go on carrying traffic while new IKE SAs
 * are negotiated; they are removed when their successors carry. After a restart of the data plane
 * the IKE SAs are still here and new children are negotiated: a key enters a data plane once.
 *
 * Owner: app/control. Thread: the event loop's.
 */
#include "base/clock.h"
#include "control/config/config.h"
#include "control/requests/desired.h"
#include "control/route/route.h"

struct tunnels;
struct plan_tunnel;

enum tunnel_state {
	TUNNEL_UNKNOWN,
	TUNNEL_CONNECTING,
	TUNNEL_CONNECTED,
	TUNNEL_NOT_CONNECTED,
};

/* What BFD says of the path inside a tunnel. */
enum tunnel_bfd { TUNNEL_BFD_NONE, TUNNEL_BFD_UP, TUNNEL_BFD_DOWN };

/* What REST calls connectionStatus. */
const char *tunnel_state_text(enum tunnel_state state);
/* As Azure calls the two instances of a gateway. */
const char *tunnel_instance_text(uint32_t instance);

struct tunnel_status {
	const char *name;
	const struct plan_tunnel *plan; /* with the BGP session inside */
	uint32_t id;			/* in the data plane; 0: it has none yet */
	enum tunnel_bfd bfd;
	const struct config_connection *connection;
	enum tunnel_state state;
	struct net_addr local;
	struct net_addr remote;
	uint32_t instance;
	bool suspect;
	bool path_down;		      /* no link, or nothing leads to the peer */
	uint64_t established_wall_ms; /* 0: never */
	uint64_t bytes_in;
	uint64_t bytes_out;
	uint64_t packets_in;
	uint64_t packets_out;
	uint64_t dropped_in; /* packets, with those outside the selectors */
	uint64_t dropped_out;
	uint64_t outside_in; /* the selectors */
	uint64_t outside_out;
	uint64_t source_in; /* dropped for their source */
	uint32_t ike_sas;
	uint32_t child_sas;  /* pairs */
	uint16_t azure_code; /* of the last failure, 0: none */
	const char *reason;  /* a sentence, or "" */
	const char *detail;
};

/* What is at the far end, for the counters of where packets go. */
enum contract_destination tunnel_far_end(const struct config_connection *connection);

typedef void (*tunnels_visit)(void *context, const struct tunnel_status *status);

struct tunnels_hooks {
	void *context;
	/* Something that status shows has changed. */
	void (*changed)(void *context, const struct tunnel_status *status);
	/* "[RECEIVED] ..." of one connection; may be NULL. */
	void (*trace)(void *context, const char *tunnel, const char *line);
	/* SECRET; NULL unless the operator asked. */
	void (*key_log)(void *context, const char *line);
	/* A tunnel (its id in the data plane, 0: none) is about to go; may be NULL. */
	void (*goes)(void *context, uint32_t id, const char *name);
};

__attribute__((warn_unused_result)) int tunnels_new(struct tunnels **tunnels,
						    struct event_loop *loop,
						    const struct clock *clock,
						    struct desired *desired, struct route *route,
						    const struct tunnels_hooks *hooks);
void tunnels_free(struct tunnels *tunnels);
/* Keeps IKE SAs in this file over a restart of control. Before the data plane is attached. */
__attribute__((warn_unused_result)) int tunnels_keep(struct tunnels *tunnels, const char *path);

/* Makes the world follow this configuration; what did not change is not touched. */
__attribute__((warn_unused_result)) int tunnels_apply(struct tunnels *tunnels,
						      const struct config *config, char *why,
						      size_t why_size);
/* Certificates, keys and CRLs are read again from their files; a file that is wrong changes
 * nothing. */
void tunnels_credentials_reload(struct tunnels *tunnels);
/* The data plane: attached with its ports known, lost, and its events (true: it was ours). */
void tunnels_ready(struct tunnels *tunnels, bool same_instance);
void tunnels_lost(struct tunnels *tunnels);
bool tunnels_event(struct tunnels *tunnels, const struct contract_header *message);
/* A port appeared, or a link changed. */
void tunnels_ports_changed(struct tunnels *tunnels);

/* What is planned for a connection (its key); NULL: nothing. Until the next apply. */
struct plan_connection;
const struct plan_connection *tunnels_plan_of(const struct tunnels *tunnels,
					      const char *connection_key);
/* All tunnels, or those of one connection (its key). */
void tunnels_each(struct tunnels *tunnels, const char *connection_key, tunnels_visit visit,
		  void *context);
/*
 * The tunnels whose BGP session this configuration has no more, or between other speakers: who asks
 * before it is applied can say so in them.
 */
void tunnels_each_ending(struct tunnels *tunnels, const struct config *to, tunnels_visit visit,
			 void *context);
/*
 * Rises whenever the tunnels, their order, their resources or their limits may have changed: as
 * long as it is the same, tunnels_each() visits the same ones.
 */
uint64_t tunnels_changes(const struct tunnels *tunnels);
/* The limit in the data plane of a gateway or a connection, by its key; 0: none. */
uint32_t tunnels_limit_of(const struct tunnels *tunnels, const char *key);
/* Routes ask which group is behind next hops of a TUN; -ENOENT. */
__attribute__((warn_unused_result)) int tunnels_recurse(struct tunnels *tunnels,
							const struct net_addr *gateways,
							uint32_t count, uint32_t *group);
/* And whose packets may have a source there: a number for each connection. */
uint32_t tunnels_sources(struct tunnels *tunnels, const struct net_addr *gateways, uint32_t count,
			 uint32_t *sources, uint32_t room);
/*
 * BFD was lost a moment ago in all tunnels of the connections that are behind these next hops, and
 * their IKE SAs live: whether they are dead nobody knows. No next hops: in some tunnel.
 */
bool tunnels_suspect(const struct tunnels *tunnels, const struct net_addr *gateways,
		     uint32_t count);
/* The whole of a connection: connected when one of its tunnels is. */
enum tunnel_state tunnels_connection_state(struct tunnels *tunnels, const char *connection_key);
/*
 * A tunnel (its name) that is down by BFD carries no flows and keeps its IKE SA. False for a tunnel
 * that is not there.
 */
bool tunnels_bfd(struct tunnels *tunnels, const char *name, enum tunnel_bfd state);
/* New keys now: of the children, or of the IKE SAs; -ENOENT: no tunnel, or none that is up. */
__attribute__((warn_unused_result)) int tunnels_rekey(struct tunnels *tunnels,
						      const char *connection_key, bool ike);
/*
 * Tears the connection's tunnels down and dials them anew; -ENOENT. With `drain` no packet is lost:
 * flows leave a tunnel that has living siblings, then its children and IKE SA are rekeyed, then
 * flows return; without siblings it is rekeyed in place.
 */
struct tunnels_reset {
	const char *connection; /* its key */
	bool one_instance;	/* only the tunnels of `instance` */
	bool drain;
	uint32_t instance;
};
__attribute__((warn_unused_result)) int tunnels_reset(struct tunnels *tunnels,
						      const struct tunnels_reset *reset);
