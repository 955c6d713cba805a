#pragma once
/*
 * DOC: the IKEv2 engine
 *
 * Sans-IO: datagrams, completions, commands and the time go in; datagrams, hook calls, events and
 * the next deadline come out. One engine per shard, one thread at a time, no globals: a test holds
 * two and hands over the messages. It owns its IKE SAs, their keys and their children; what it
 * learned from configuration it borrows (config.h).
 *
 * Names: an IKE SA is known by `ike`, its own SPI (unpredictable, unique); a child SA by `child`,
 * its inbound ESP SPI. A rekeyed IKE SA or child has a new name, told by an event. `user` is the
 * caller's number for an IKE SA; a rekeyed one inherits it.
 *
 * Hooks. A hook with a token asks for something that may take time: the caller answers with the
 * matching ikev2_..._done(), once, inside the hook or at any time later; a token whose IKE SA has
 * gone meanwhile is ignored. While a request waits, the IKE SA goes on with everything else.
 * Hooks without a token return at once. A hook may call ikev2_..._done() and the read functions,
 * not the commands: commands come from the caller's own loop.
 *
 * Export: ikev2_export() may be called between any two calls. What a hook is still working on is
 * left out on purpose: the peer's (or our) retransmission starts it again in the importing engine,
 * so that there is no half done work to carry over. Counters jump forward on import.
 *
 * The engine's time is that of the last call that took `now_ns`: before a completion that comes
 * later, call ikev2_tick() with the time. After each call ask ikev2_deadline().
 */
#include "contract/sa.h"
#include "control/crypto/dh.h"
#include "control/ike/auth.h"
#include "control/ikev2/config.h"
#include "control/ikev2/reason.h"

struct ikev2_engine;

struct ikev2_path {
	struct net_addr local;
	struct net_addr remote;
	uint16_t local_port;
	uint16_t remote_port;
};

struct ikev2_datagram {
	struct ikev2_path path;
	struct span bytes;   /* without non-ESP marker */
	bool non_esp_marker; /* it had one, or it must get one */
	bool again;	     /* to be sent: it went out before, and the IKE SA is what it was */
};

/* A NAT keepalive to be sent is one octet 0xff without marker. */

struct ikev2_child_install {
	uint64_t ike;
	uint64_t user;
	const struct ikev2_connection *connection;
	uint32_t child;	   /* its inbound SPI */
	uint32_t replaces; /* the child that it takes over from, 0: none */
	uint16_t entry;	   /* of config.children, or IKEV2_ENTRY_ACCEPTED */
	bool send;	   /* it sends at once; else ikev2_hooks.child_switch follows */
	uint8_t local_count;
	uint8_t remote_count;
	const struct net_selector *local;
	const struct net_selector *remote;
	/*
	 * Complete but for the caller's own: tunnel, child, window, spread. Hard lifetimes are set;
	 * soft ones are the caller's to report with ikev2_child_expiring().
	 */
	const struct contract_sa *inbound;
	const struct contract_sa *outbound;
};

enum ikev2_event_kind {
	IKEV2_EVENT_UP,	     /* authenticated */
	IKEV2_EVENT_DOWN,    /* was up */
	IKEV2_EVENT_FAILED,  /* never came up; half-open responders are not reported */
	IKEV2_EVENT_REKEYED, /* `ike` replaces `old_ike`; user and children moved */
	IKEV2_EVENT_CHILD_UP,
	IKEV2_EVENT_CHILD_DOWN,
	IKEV2_EVENT_CHILD_FAILED,  /* `entry` could not be negotiated; the IKE SA stays */
	IKEV2_EVENT_CHILD_REKEYED, /* `child` replaces `old_child` */
	IKEV2_EVENT_PEER_MOVED,	   /* path is the new one; children were told by child_move */
	IKEV2_EVENT_SUSPECT,	   /* listened for 1.2 s, two retransmissions: no answer */
	IKEV2_EVENT_ALIVE,	   /* answered after SUSPECT */
	IKEV2_EVENT_REAUTH,	   /* time to dial anew: ikev2_initiate(.reauthenticates = ike) */
};

struct ikev2_event {
	uint8_t kind;	/* enum ikev2_event_kind */
	uint8_t reason; /* enum ikev2_reason */
	uint16_t entry;
	uint32_t child;
	uint32_t old_child;
	uint64_t ike;
	uint64_t old_ike;
	uint64_t user;
	struct ikev2_connection *connection; /* NULL before it is known */
	const struct ikev2_path *path;
	const char *detail; /* a sentence with the particulars, or "" */
	bool initiator;	    /* we dialled (first IKE SA of the line) */
};

struct ikev2_chain_request {
	const struct ikev2_connection *connection;
	struct crypto_cert *leaf;
	struct crypto_cert *const *others;
	size_t other_count;
};

struct ikev2_sign_request {
	const struct ikev2_connection *connection;
	const struct ike_auth_octets *octets;
	uint32_t peer_hashes;
};

struct ikev2_hooks {
	void *context;
	/* Always given. */
	void (*send)(void *context, const struct ikev2_datagram *datagram,
		     const struct ikev2_connection *connection);
	void (*event)(void *context, const struct ikev2_event *event);
	/* Responder, SA_INIT: which connections may this be? ikev2_lookup_done(). */
	void (*lookup)(void *context, uint64_t token, const struct ikev2_path *path);
	/* ikev2_psk_done() */
	void (*psk)(void *context, uint64_t token, const struct ikev2_connection *connection);
	/* A free inbound SPI, never below 256; 0: none left. Not used in the end: spi_put. */
	uint32_t (*spi_get)(void *context, const struct ikev2_connection *connection);
	void (*spi_put)(void *context, uint32_t spi);
	/* Inbound, outbound, then (send) the child, as one batch. ikev2_install_done(). Keys are
	 * wiped when this returns: copy. */
	void (*child_install)(void *context, uint64_t token,
			      const struct ikev2_child_install *install);
	/* From now on this child sends, what it replaces does not. */
	void (*child_switch)(void *context, uint32_t child);
	/* Both SAs go away. */
	void (*child_remove)(void *context, uint32_t child);
	/* New outer addresses for its SAs. */
	void (*child_move)(void *context, uint32_t child, const struct ikev2_path *path);
	/* May be NULL. */
	/* When a packet with a good ICV last came on the child; 0: never. */
	uint64_t (*child_seen_ns)(void *context, uint32_t child);
	/* May be NULL: now. All that came until then was handed over: when more comes than is read,
	 * an answer that is awaited may be among it. */
	uint64_t (*read_until_ns)(void *context, uint64_t now_ns);
	/* False: a sibling with the same identity is up, do not send INITIAL_CONTACT. */
	bool (*may_initial_contact)(void *context, const struct ikev2_connection *connection,
				    const struct ikev2_path *path);
	/* NULL: computed inline. job->token; ikev2_dh_done(). The job is the engine's. */
	void (*dh)(void *context, struct crypto_dh_job *job);
	/* NULL: inline with config.credential. ikev2_sign_done(). */
	void (*sign)(void *context, uint64_t token, const struct ikev2_sign_request *request);
	/* NULL: inline with config.trust. ikev2_chain_done(). */
	void (*chain)(void *context, uint64_t token, const struct ikev2_chain_request *request);
	/* "[RECEIVED] ..." without a newline; never a secret. */
	void (*trace)(void *context, uint64_t ike, const struct ikev2_connection *connection,
		      const char *line);
	/* A line of Wireshark's ikev2_decryption_table: SECRET. Only on the operator's demand. */
	void (*key_log)(void *context, const char *line);
};

struct ikev2_engine_config {
	uint32_t half_open_cookies; /* from so many half-open IKE SAs on: cookies; 0: 64 */
	uint32_t half_open_max;	    /* above: requests are dropped; 0: 4096 */
	uint32_t half_open_source;  /* of one source address; 0: 5. From half of it on: cookies */
	uint32_t half_open_s;	    /* 0: 30 */
	uint32_t cookie_rotate_s;   /* 0: 120 */
	uint16_t fragment_bytes;    /* of an IP packet; 0: 1280 */
	int64_t (*wall_s)(void *context); /* for certificates; NULL: time(2) */
};

struct ikev2_counters {
	uint64_t received, sent, retransmitted, dropped, init_dropped;
	uint64_t cookies_sent, auth_failed, established;
	uint32_t half_open, sas, children;
};

/* config NULL: defaults. hooks are copied. */
__attribute__((warn_unused_result)) int ikev2_engine_new(const struct ikev2_hooks *hooks,
							 const struct ikev2_engine_config *config,
							 struct ikev2_engine **engine);
/* Silent: no Delete is sent, no hook is called. */
void ikev2_engine_free(struct ikev2_engine *engine);
uint64_t ikev2_deadline(const struct ikev2_engine *engine); /* 0: none */
void ikev2_tick(struct ikev2_engine *engine, uint64_t now_ns);
void ikev2_receive(struct ikev2_engine *engine, const struct ikev2_datagram *datagram,
		   uint64_t now_ns);
const struct ikev2_counters *ikev2_counters(const struct ikev2_engine *engine);
/* Half-open IKE SAs of other shards: they count for cookies. */
void ikev2_half_open_elsewhere(struct ikev2_engine *engine, uint32_t count);

/* Completions. error: 0 or -errno. */
void ikev2_lookup_done(struct ikev2_engine *engine, uint64_t token,
		       struct ikev2_connection *const *connections, size_t count);
void ikev2_psk_done(struct ikev2_engine *engine, uint64_t token, struct span psk); /* empty: none */
void ikev2_install_done(struct ikev2_engine *engine, uint64_t token, int error);
void ikev2_dh_done(struct ikev2_engine *engine, struct crypto_dh_job *job);
void ikev2_sign_done(struct ikev2_engine *engine, uint64_t token, int error,
		     const struct ike_auth_result *result);
void ikev2_chain_done(struct ikev2_engine *engine, uint64_t token, enum crypto_chain_result result);

/* Commands. -ENOENT: no such IKE SA or child; -EBUSY: its state does not allow it now. */
struct ikev2_dial {
	struct ikev2_connection *connection;
	struct ikev2_path path; /* ports 0: 500, and 4500 after NAT detection */
	uint64_t user;
	uint64_t reauthenticates; /* deleted when the new one carries; 0: none */
};
__attribute__((warn_unused_result)) int ikev2_initiate(struct ikev2_engine *engine,
						       const struct ikev2_dial *dial,
						       uint64_t now_ns, uint64_t *ike);
void ikev2_set_user(struct ikev2_engine *engine, uint64_t ike, uint64_t user);
/* The IKE SA and its successors follow another configuration from their next exchange on. */
__attribute__((warn_unused_result)) int ikev2_rebind(struct ikev2_engine *engine, uint64_t ike,
						     struct ikev2_connection *connection);
/*
 * A child for this entry; `packet` (local, remote: the packet that asked, or NULL) goes first in
 * TSi and TSr (RFC 7296 section 2.9). 0 also when one is already being made.
 */
__attribute__((warn_unused_result)) int ikev2_child_initiate(struct ikev2_engine *engine,
							     uint64_t ike, uint16_t entry,
							     const struct net_selector packet[2],
							     uint64_t now_ns);
__attribute__((warn_unused_result)) int ikev2_child_rekey(struct ikev2_engine *engine,
							  uint32_t child, uint64_t now_ns);
__attribute__((warn_unused_result)) int ikev2_child_delete(struct ikev2_engine *engine,
							   uint32_t child, uint64_t now_ns);
/* Soft limit of packets or bytes: rekey, or (hard) delete and make anew. */
void ikev2_child_expiring(struct ikev2_engine *engine, uint32_t child, bool hard, uint64_t now_ns);
/* Traffic came in on a child that does not send yet: the peer has it. */
void ikev2_child_carries(struct ikev2_engine *engine, uint32_t child, uint64_t now_ns);
__attribute__((warn_unused_result)) int ikev2_rekey(struct ikev2_engine *engine, uint64_t ike,
						    uint64_t now_ns);
/* Sends a Delete and waits for its answer; `silent` forgets at once. */
__attribute__((warn_unused_result)) int ikev2_delete(struct ikev2_engine *engine, uint64_t ike,
						     bool silent, uint64_t now_ns);
/* Probe now (the data plane or BFD suspects something). */
__attribute__((warn_unused_result)) int ikev2_probe(struct ikev2_engine *engine, uint64_t ike,
						    uint64_t now_ns);
/* Our address changed: MOBIKE UPDATE_SA_ADDRESSES, or -ENOTSUP without MOBIKE. */
__attribute__((warn_unused_result)) int ikev2_move(struct ikev2_engine *engine, uint64_t ike,
						   const struct ikev2_path *path, uint64_t now_ns);
/* ESP with a good ICV came from elsewhere: followed when the peer is behind a NAT. */
void ikev2_peer_moved(struct ikev2_engine *engine, uint32_t child, const struct net_addr *remote,
		      uint16_t remote_port, uint64_t now_ns);
/* Deletes everything; done when ikev2_counters()->sas is 0. */
void ikev2_shutdown(struct ikev2_engine *engine, uint64_t now_ns);

/*
 * Export and import; info.h has the dump for people. Bytes hold keys: the caller's to wipe. When it
 * is more than `room` (0: any), deleted children that only take late packets are left out: many
 * rekeys a second leave many of them.
 */
__attribute__((warn_unused_result)) int ikev2_export(const struct ikev2_engine *engine,
						     uint64_t ike, size_t room, struct secret *out);
struct ikev2_import {
	struct span bytes;
	struct ikev2_connection *connection; /* NULL only for one that had none yet */
	bool other_clock; /* of another machine: what was left of each time is left now */
	/*
	 * An inbound SPI that our outstanding request offers: the caller keeps it from being given
	 * away. True: the data plane may have its SAs already (the export is older): they are
	 * not installed once more. NULL: what was exported is all that was done.
	 */
	bool (*offered)(void *context, uint32_t spi);
	void *context;
};
/* The IKE SA goes on as if nothing had happened; -EEXIST, -EBADMSG, -EPROTO (another version). */
__attribute__((warn_unused_result)) int ikev2_import(struct ikev2_engine *engine,
						     const struct ikev2_import *import,
						     uint64_t now_ns, uint64_t *ike);
