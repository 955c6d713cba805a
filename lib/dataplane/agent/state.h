#pragma once
/*
 * What the files of the agent share.
 */
#include "dataplane/agent/agent.h"
#include "dataplane/agent/book.h"

#define AGENT_TURN_REQUESTS 512	      /* requests in a turn */
#define AGENT_TURN_NS CLOCK_NS_PER_MS /* and how long they may take: BFD waits behind them */
#define AGENT_TURN_SLICE 512	      /* objects listed or looked at by the sweep in a turn */

/* The outcome of a request in the making. */
struct outcome {
	uint16_t status; /* enum contract_status */
	uint16_t index;
	uint32_t count;
	char reason[CONTRACT_REASON];
};

/* An object that is changed: `old` or `now` may be NULL, not both. Owned by the journal. */
struct change {
	struct contract_object *old;
	struct contract_object *now;
	bool late; /* done when the batch is complete, because it cannot be undone */
};

struct journal {
	uint32_t late;
	struct change *changes;
	uint32_t count;
	uint32_t capacity;
};

/* SAs that left the tables, and answers that wait for workers. */
struct waiting {
	uint64_t token;
	uint64_t request; /* 0: nobody waits for the answer */
	uint32_t session;
	struct outcome outcome;
	uint32_t sa;	   /* whose counters the answer carries, 0: none */
	uint64_t sequence; /* its last */
	struct waiting *next;
};

/* Any object as it is listed. */
union kind_room {
	struct contract_object object;
	uint8_t fib[FIB_OBJECT_MAX];
	uint8_t sa[SA_OBJECT_MAX];
	uint8_t address[ADDRESS_OBJECT_MAX];
};

/* A place in the objects of a kind, wherever they are kept. */
struct place {
	enum contract_kind kind;
	uint32_t cursor;
};

struct listing {
	bool active;
	uint64_t request;
	struct place place;
	uint32_t sent;
};

struct sweep {
	bool active;
	uint64_t request; /* to be answered, 0: it was the grace time */
	uint32_t stage;
	uint32_t removed; /* in this pass of the stage */
	struct place place;
};

#define EVENTS_TYPES_MAX 96
#define EVENTS_CLASSES_MAX 8

struct event_bucket {
	uint64_t credit_ns;
	uint64_t last_ns;
};

#define EVENTS_WANTED 1024

struct event_wanted {
	uint64_t hash; /* of the port and the address; 0: unused */
	uint64_t until_ns;
};

struct agent {
	struct agent_config config;
	struct channel *channel; /* NULL: no control */
	uint32_t session;
	uint64_t now_ns;   /* of the last turn */
	uint64_t grace_ns; /* when the sweep starts by itself; 0: done */
	struct book book;
	struct journal journal;
	struct waiting *waiting;
	struct waiting **waiting_last;
	struct listing listing;
	struct sweep sweep;
	uint8_t *message;   /* CONTRACT_MESSAGE_MAX */
	uint64_t links_due; /* ports whose link change control has not been told yet */
	uint64_t requests;
	uint64_t refused;
	uint64_t punts_dropped;
	uint64_t sends_dropped;
	uint64_t events_policed;
	uint64_t events_lost;
	uint64_t captured_lost;
	uint32_t datagram_id;
	struct event_bucket event_buckets[EVENTS_TYPES_MAX];
	struct event_wanted wanted[EVENTS_WANTED];
	struct event_bucket punt_buckets[EVENTS_CLASSES_MAX];
};
