#pragma once
/*
 * What an IKE SA and its children are, for status, REST (the getikesas shape) and tests. Copies:
 * valid as long as the caller likes.
 */
#include "control/ikev2/engine.h"

enum ikev2_state {
	IKEV2_STATE_NEW,
	IKEV2_STATE_INIT_SENT, /* initiator: waits for the answer of IKE_SA_INIT */
	IKEV2_STATE_HALF_OPEN, /* responder: answered IKE_SA_INIT */
	IKEV2_STATE_AUTH_SENT, /* initiator: waits for the answer of IKE_AUTH */
	IKEV2_STATE_ESTABLISHED,
	IKEV2_STATE_REKEYED,  /* its children have moved; lives until it is deleted */
	IKEV2_STATE_DELETING, /* our Delete is on its way */
	IKEV2_STATE_GONE,
	IKEV2_STATE_COUNT
};

enum ikev2_child_state {
	IKEV2_CHILD_NEW, /* keys on their way to the data plane */
	IKEV2_CHILD_UP,
	IKEV2_CHILD_REKEYING,  /* our rekey is on its way */
	IKEV2_CHILD_REKEYED,   /* replaced; lives until it is deleted */
	IKEV2_CHILD_DELETING,  /* our Delete is queued or on its way */
	IKEV2_CHILD_LINGERING, /* deleted; takes late packets for a few seconds */
	IKEV2_CHILD_STATE_COUNT
};

const char *ikev2_state_text(enum ikev2_state state);
const char *ikev2_child_state_text(enum ikev2_child_state state);

struct ikev2_info {
	uint64_t ike; /* our SPI */
	uint64_t peer_spi;
	uint64_t user;
	uint8_t state;	/* enum ikev2_state */
	bool initiator; /* of this IKE SA: SPIi is ours */
	bool dialled;	/* we started the line of IKE SAs that it belongs to */
	bool nat_local;
	bool nat_remote;
	bool encapsulated; /* UDP encapsulation of ESP */
	bool fragmentation;
	bool mobike;
	bool asks; /* a request of ours waits for its answer, or to be sent */
	struct ikev2_path path;
	struct ike_suite suite;
	uint8_t local_auth_method; /* enum ike_auth_method */
	uint8_t remote_auth_method;
	uint64_t established_ns;
	uint64_t rekey_ns;  /* soft; 0: none */
	uint64_t expire_ns; /* hard; 0: none */
	uint64_t last_seen_ns;
	uint32_t next_request_id;
	uint32_t expected_request_id;
	uint16_t child_count;
	uint8_t remote_id_type;
	struct span remote_id; /* points into the IKE SA: read before the next call */
	const struct ikev2_connection *connection;
};

struct ikev2_child_info {
	uint64_t ike;
	uint32_t child; /* inbound SPI */
	uint32_t outbound_spi;
	uint32_t replaced_by;
	uint16_t entry;
	uint8_t state; /* enum ikev2_child_state */
	bool initiator;
	bool sends;
	bool waits; /* for a sign that the peer has it, before it sends */
	uint8_t local_count;
	uint8_t remote_count;
	const struct net_selector *local; /* point into the child: read before the next call */
	const struct net_selector *remote;
	struct ike_suite suite;
	uint64_t established_ns;
	uint64_t rekey_ns;
	uint64_t expire_ns;
};

__attribute__((warn_unused_result)) int ikev2_info(const struct ikev2_engine *engine, uint64_t ike,
						   struct ikev2_info *info);
__attribute__((warn_unused_result)) int ikev2_child_info(const struct ikev2_engine *engine,
							 uint32_t child,
							 struct ikev2_child_info *info);
/* Walks: 0 starts; 0 is the end. An IKE SA may go between two steps; the walk then starts over. */
uint64_t ikev2_next(const struct ikev2_engine *engine, uint64_t after);
uint32_t ikev2_child_next(const struct ikev2_engine *engine, uint64_t ike, uint32_t after);
/* An established IKE SA of this connection that is not `except` (0: any); 0: there is none. */
uint64_t ikev2_established(const struct ikev2_engine *engine,
			   const struct ikev2_connection *connection, uint64_t except);
