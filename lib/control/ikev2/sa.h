#pragma once
/*
 * DOC: inside the engine
 *
 * An IKE SA has at most one own request outstanding (window 1): struct ikev2_exchange. What is to
 * be requested waits as a struct ikev2_job. Work on a message that needs a hook is a struct
 * ikev2_task, a chain of steps; an IKE SA has a slot for each of the three kinds of work, so that a
 * request of the peer is served while our own one, or its answer, waits for something.
 *
 * An IKE SA that ended is unlinked at once and freed when the outermost call returns: no step has
 * to ask whether what it holds is still there, only whether it is GONE.
 */
#include "base/heap.h"
#include "base/list.h"
#include "base/map.h"
#include "control/ike/build.h"
#include "control/ike/fragment.h"
#include "control/ike/keymat.h"
#include "control/ike/sk.h"
#include "control/ikev2/info.h"

#define IKEV2_NONCE_BYTES 32
#define IKEV2_NS_PER_S UINT64_C(1000000000)
#define IKEV2_NS_PER_MS UINT64_C(1000000)
#define IKEV2_LINGER_NS (5 * IKEV2_NS_PER_S)
#define IKEV2_REPLACED_NS (60 * IKEV2_NS_PER_S) /* then we delete what the peer should have */
#define IKEV2_REKEY_MARGIN_S 10
#define IKEV2_SUSPECT_NS (1200 * IKEV2_NS_PER_MS) /* a round trip may take half a second */
#define IKEV2_COOKIE_TRIES 4
#define IKEV2_KE_TRIES 3
#define IKEV2_GONE_MAX 4

/* The lowest nonce of an exchange: which of two SAs is redundant (RFC 7296 section 2.8). */
struct ikev2_low {
	uint8_t bytes[IKEV2_NONCE_BYTES];
	uint8_t n;
};

struct ikev2_connection {
	struct ikev2_config config;
	uint32_t refs;
};

enum ikev2_job_kind {
	IKEV2_JOB_INIT,
	IKEV2_JOB_AUTH,
	IKEV2_JOB_PROBE,
	IKEV2_JOB_CHILD_NEW,
	IKEV2_JOB_CHILD_REKEY,
	IKEV2_JOB_CHILD_DELETE,
	IKEV2_JOB_REKEY,
	IKEV2_JOB_DELETE,
	IKEV2_JOB_MOVE,
	IKEV2_JOB_KINDS
};

struct ikev2_job {
	struct list link;
	uint8_t kind; /* enum ikev2_job_kind */
	uint8_t attempts;
	bool has_packet;
	bool single_pair; /* the packet's addresses and nothing else */
	uint16_t entry;
	uint16_t group; /* asked for by INVALID_KE_PAYLOAD, 0: our first */
	uint32_t child; /* rekey, delete */
	uint64_t not_before_ns;
	struct net_selector packet[2];
};

/* What a request of ours leaves behind for its answer. */
struct ikev2_offer {
	struct crypto_dh *dh;
	uint16_t group;
	uint8_t nonce[IKEV2_NONCE_BYTES];
	uint64_t ike_spi;
	uint32_t esp_spi;
	/* The peer rekeyed the same SA at the same time: what came out of its exchange. */
	uint32_t rival_child;
	uint64_t rival_ike;
	struct ikev2_low rival_low;    /* of rival_child */
	uint32_t gone[IKEV2_GONE_MAX]; /* the peer's Deletes meanwhile, of what we do not know */
};

struct ikev2_bytes {
	uint8_t *p;
	size_t n;
};

struct ikev2_exchange {
	struct ikev2_job *job;
	struct ikev2_offer offer;
	struct ike_packets packets;
	uint32_t message_id;
	uint8_t tries;
	uint8_t tries_max;
	uint64_t next_ns;
	uint64_t interval_ns;
	uint64_t first_ns;   /* when it was sent first, by this engine */
	uint64_t paused_ns;  /* since then, in which nothing was heard for a pause of ours */
	uint8_t cookie2[16]; /* MOVE */
	/* While its answer is worked on, so that it can be exported: */
	bool no_install; /* imported: the child's keys may be in the data plane already */
	struct secret dh_private;
	struct ikev2_bytes dh_public;
};

/* What only the first two exchanges need. */
struct ikev2_setup {
	struct ikev2_bytes request; /* of IKE_SA_INIT, as it was on the wire: AUTH covers it */
	struct ikev2_bytes response;
	uint8_t ni[IKE_NONCE_MAX];
	uint8_t nr[IKE_NONCE_MAX];
	uint16_t ni_len;
	uint16_t nr_len;
	uint8_t cookie[IKE_COOKIE_MAX];
	uint8_t cookie_len;
	uint8_t cookie_tries;
	uint8_t ke_tries;
	uint8_t resent; /* responder: how often the first answer was */
	uint16_t candidate_count;
	struct ikev2_connection **candidates;
	uint32_t peer_hashes;
	bool peer_childless;
	bool no_child; /* imported: the keys of the first child may have been installed already */
	int32_t first_entry; /* that goes with IKE_AUTH, -1: none */
	uint64_t started_ns;
};

enum ikev2_slot { IKEV2_SLOT_REQUEST, IKEV2_SLOT_RESPONSE, IKEV2_SLOT_LOCAL, IKEV2_SLOTS };

struct ikev2_sa {
	struct ikev2_engine *engine;
	struct list link;	   /* engine->sas, or its graveyard */
	struct list peer_link;	   /* of the same connection */
	struct ikev2_peers *peers; /* all of them */
	struct heap_node timer;
	struct ikev2_connection *connection; /* responder: NULL until IKE_AUTH */
	uint64_t spi;
	uint64_t peer_spi;
	uint64_t user;
	uint8_t state;	/* enum ikev2_state */
	uint8_t reason; /* why it ends */
	bool initiator; /* SPIi is ours */
	bool dialled;
	bool up;	/* UP was told */
	bool redundant; /* lost a collision: nobody hears of it */
	bool floated;	/* messages have the non-ESP marker */
	bool nat_local;
	uint8_t seen_as[20]; /* hash of our address as the peer saw it; not exported */
	bool nat_remote;
	bool encapsulate;
	bool fragmentation;
	bool mobike;
	bool suspect;
	uint8_t moves; /* changes of addresses that its children were told */
	uint8_t local_method;
	uint8_t remote_method;
	struct ikev2_path path;
	struct ike_suite suite;
	struct ike_keys keys;
	uint64_t iv_counter;
	uint32_t next_id;
	uint32_t expected_id;
	bool has_response;
	struct ike_packets response;
	struct ikev2_exchange *own;
	struct ikev2_setup *setup;
	struct ike_reassembly *reassembly[2]; /* requests, responses; when one is under way */
	struct ikev2_task *tasks[IKEV2_SLOTS];
	struct list jobs;
	struct list children;
	struct ike_id remote_id;
	struct ikev2_low low;	   /* of the exchange that made it */
	struct ikev2_low line_low; /* of the IKE_SA_INIT that its line began with */
	uint64_t reauthenticates;  /* the IKE SA that this one was dialled to replace, or 0 */
	uint64_t heir;		   /* REKEYED: the one that has its children */
	uint64_t established_ns;
	uint64_t rekey_ns;
	uint64_t expire_ns;
	uint64_t reauth_ns;
	uint64_t last_seen_ns; /* a message of the peer */
	uint64_t traffic_ns;   /* its ESP, when that was last looked at */
	uint64_t last_sent_ns;
	uint64_t redundant_ns; /* when the loser of a double dial is deleted */
};

/* One that the peer made does not send before the peer surely has read our answer. */
enum ikev2_waits {
	IKEV2_WAITS_NOT,
	IKEV2_WAITS_REQUEST, /* with a window of 1 the next request says so */
	IKEV2_WAITS_ANY,     /* made in IKE_AUTH: before our answer the peer can say nothing */
};

struct ikev2_child {
	struct list link;
	struct ikev2_sa *sa;
	uint32_t spi; /* inbound: its name */
	uint32_t peer_spi;
	uint32_t replaces;
	uint32_t replaced_by;
	uint16_t entry;
	uint8_t moves; /* of its IKE SA, when it was installed */
	uint8_t state; /* enum ikev2_child_state */
	uint8_t reason;
	bool initiator;
	bool installed; /* the data plane has it, or is about to */
	bool sends;
	bool told; /* CHILD_UP or CHILD_REKEYED was told */
	bool delete_sent;
	bool redundant;
	uint8_t waits; /* enum ikev2_waits */
	bool more;     /* ADDITIONAL_TS_POSSIBLE */
	uint8_t local_count;
	uint8_t remote_count;
	struct net_selector *selectors; /* local ones, then remote ones */
	struct ike_suite suite;
	struct ikev2_low low;
	uint64_t established_ns;
	uint64_t rekey_ns;
	uint64_t expire_ns;
	uint64_t replaced_ns; /* then we delete it ourselves */
	uint64_t remove_ns;   /* LINGERING: until then */
};

struct ikev2_engine {
	struct ikev2_hooks hooks;
	struct ikev2_engine_config config;
	struct ikev2_counters counters;
	struct crypto *crypto;
	struct list sas;
	struct list graveyard;
	struct heap timers;
	struct map by_spi;	    /* own SPI -> IKE SA */
	struct map by_init;	    /* peer's SPI and address -> half-open IKE SA */
	struct map by_child;	    /* inbound SPI -> child */
	struct map by_connection;   /* connection -> struct ikev2_peers */
	struct map by_source;	    /* address -> half-open count */
	struct map tokens;	    /* token -> task */
	struct ikev2_task *calling; /* in its hook right now */
	struct ikev2_task *spare; /* the last that ended, wiped: most messages need one at a time */
	uint64_t next_token;
	uint64_t now_ns;
	uint32_t depth;
	uint32_t half_open_elsewhere;
	bool shutting_down;
	uint64_t urgent_ns;	  /* the next turn to repeat a probe */
	uint64_t error_window_ns; /* unprotected error answers: so many per second */
	uint32_t error_count;
	uint64_t cookie_ns; /* when the secret was made */
	uint32_t cookie_version;
	uint8_t cookie_secret[2][32]; /* this one and the one before */
	bool keys_ended; /* of an IKE SA that was freed: other traces of them go as well */
	uint8_t buffer[IKE_MESSAGE_MAX];
};

/* sa.c */
__attribute__((warn_unused_result)) int ikev2_sa_new(struct ikev2_engine *engine, bool initiator,
						     struct ikev2_sa **sa);
/* With the SPI that was promised to the peer. */
__attribute__((warn_unused_result)) int ikev2_sa_new_as(struct ikev2_engine *engine, uint64_t spi,
							struct ikev2_sa **sa);
/* IKE SAs of a connection; NULL starts and ends. */
struct ikev2_sa *ikev2_sa_of(const struct ikev2_engine *engine,
			     const struct ikev2_connection *connection,
			     const struct ikev2_sa *after);
/* Others of the same connection. */
struct ikev2_sa *ikev2_sa_peer(const struct ikev2_sa *sa, const struct ikev2_sa *after);
void ikev2_sa_bury(struct ikev2_sa *sa); /* silent end: the last step of every way to end */
/* Ends it: children are removed, the events told, nothing sent. */
void ikev2_sa_end(struct ikev2_sa *sa, enum ikev2_reason reason, const char *detail);
void ikev2_sa_graves(struct ikev2_engine *engine);
/* Around all that comes from outside: what ends meanwhile is freed when the last is left. */
void ikev2_engine_enter(struct ikev2_engine *engine, uint64_t now_ns);
void ikev2_engine_leave(struct ikev2_engine *engine);
void ikev2_sa_state(struct ikev2_sa *sa, enum ikev2_state state, const char *story);
void ikev2_sa_set_connection(struct ikev2_sa *sa, struct ikev2_connection *connection);
void ikev2_sa_setup_free(struct ikev2_sa *sa);
void ikev2_sa_lifetimes(struct ikev2_sa *sa);
struct ikev2_sa *ikev2_sa_find(const struct ikev2_engine *engine, uint64_t spi);
__attribute__((warn_unused_result)) int ikev2_sa_spi(struct ikev2_engine *engine, uint64_t *spi);
void ikev2_sa_event(struct ikev2_sa *sa, enum ikev2_event_kind kind, enum ikev2_reason reason,
		    const char *detail);
static inline const struct ikev2_config *ikev2_sa_config(const struct ikev2_sa *sa)
{
	return &sa->connection->config;
}

/* timer.c */
void ikev2_timer_schedule(struct ikev2_sa *sa);
/* When ESP of the peer came last, looked at now; 0: never. */
uint64_t ikev2_timer_traffic(struct ikev2_sa *sa);
void ikev2_timer_fire(struct ikev2_sa *sa);
/* Around so many percent of `of`, five more or less. */
uint64_t ikev2_timer_jitter(uint64_t of, uint8_t percent);
