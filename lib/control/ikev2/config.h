#pragma once
/*
 * DOC: what a connection is to the engine
 *
 * struct ikev2_config is plain data. The engine keeps a shallow copy in a reference counted
 * struct ikev2_connection: everything that a pointer names stays the caller's, unchanged, until
 * release() is called (the last IKE SA of this configuration is gone and the caller has put its
 * own reference). A changed configuration is a new ikev2_connection; living IKE SAs keep theirs
 * until ikev2_rebind().
 */
#include "control/crypto/cert.h"
#include "control/ike/identity.h"
#include "control/ike/policy.h"
#include "net/selector.h"

enum ikev2_auth { IKEV2_AUTH_PSK = 1, IKEV2_AUTH_CERT = 2 };
/* RESPONDER: we never dial, INITIATOR: a dial of the peer is refused. First exchange only. */
enum ikev2_mode { IKEV2_MODE_DEFAULT, IKEV2_MODE_INITIATOR, IKEV2_MODE_RESPONDER };

/* One pair of selector lists: one child SA. */
struct ikev2_child_config {
	const struct net_selector *local;
	const struct net_selector *remote;
	uint8_t local_count;
	uint8_t remote_count;
	bool on_demand; /* else negotiated when the IKE SA comes up, one after the other */
};

/* In place of an entry: selectors that were accepted beyond the configured ones. */
#define IKEV2_ENTRY_ACCEPTED UINT16_MAX

struct ikev2_credential {
	const struct crypto_key *key;
	struct crypto_cert *const *certs; /* leaf first, without the root */
	uint8_t cert_count;
};

struct ikev2_config {
	void *context; /* the caller's: found again with ikev2_connection_context() */
	void (*release)(void *context); /* NULL: static data */
	const char *name;		/* for logs and traces */
	const struct ike_policy *policy;
	const struct ike_id *local_id;	/* NULL or type 0: the local address */
	const struct ike_id *remote_id; /* a pattern; NULL or type 0: the remote address, or any
					   identity when `any_identity` */
	/* remote_auth CERT: the subject of its certificate, a DN or a common name; NULL: any */
	const char *remote_subject;
	const struct ikev2_credential *credential; /* local_auth CERT */
	const struct crypto_trust *trust;	   /* remote_auth CERT */
	const struct ikev2_child_config *children;
	/*
	 * What a responder accepts beyond the entries of `children` (azure-compat: the routed space
	 * of the gateway); none: only the configured product, narrowed.
	 */
	const struct net_selector *accept_local;
	const struct net_selector *accept_remote;
	uint16_t child_count;
	/* What one peer may have, of all that is shared (room.c); 0: no limit. Twice as many while
	 * it rekeys. */
	uint16_t children_max;
	uint16_t ike_max;
	uint8_t accept_local_count;
	uint8_t accept_remote_count;
	uint8_t mode;	     /* enum ikev2_mode */
	uint8_t local_auth;  /* enum ikev2_auth */
	uint8_t remote_auth; /* enum ikev2_auth */
	bool any_identity;
	bool or_address; /* of the peer instead of remote_id: known by name, calls itself by address
			  */
	bool crl_required;
	bool initial_contact; /* may be sent; the engine knows when it is right (INITIAL_CONTACT) */
	bool mobike;
	bool no_fragmentation;
	bool force_encapsulation;  /* UDP also without NAT */
	bool childless;		   /* IKE SA first, every child by CREATE_CHILD_SA (RFC 6023) */
	uint8_t jitter_percent;	   /* 0: 15; of the soft lifetimes */
	uint16_t dpd_s;		   /* 0: no probes. Dead after this time without a sign of life */
	uint16_t keepalive_s;	   /* 0: 20 */
	uint32_t ike_lifetime_s;   /* 0: the policy's */
	uint32_t child_lifetime_s; /* 0: the policy's */
	uint32_t reauth_s;	   /* 0: never; make before break */
	uint64_t child_lifetime_bytes;	 /* 0: the policy's */
	uint64_t child_lifetime_packets; /* 0: none beyond what the cipher demands */
	uint32_t retransmit_ms;		 /* 0: 4000 */
	uint8_t retransmit_tries;	 /* 0: 5 */
};

struct ikev2_connection;

__attribute__((warn_unused_result)) int ikev2_connection_new(const struct ikev2_config *config,
							     struct ikev2_connection **connection);
struct ikev2_connection *ikev2_connection_get(struct ikev2_connection *connection);
void ikev2_connection_put(struct ikev2_connection *connection);
const struct ikev2_config *ikev2_connection_config(const struct ikev2_connection *connection);
void *ikev2_connection_context(const struct ikev2_connection *connection);
