#pragma once
/*
 * DOC: two IKE engines in one process
 *
 * A world holds two peers, a fake clock and the datagrams between them. The test decides about
 * every datagram (pass, lose, double, hold back); nothing sleeps and nothing is random but the
 * nonces and keys. Each peer has a data plane of its own: a list of what was installed, which is
 * compared with the other side's.
 *
 * Always checked: no key is installed twice in an outbound SA, no IV is used for two messages of
 * one IKE SA and direction, no SPI is in use twice.
 */
#include "base/list.h"
#include "base/map.h"
#include "control/ikev2/engine.h"
#include "control/ikev2/info.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define WORLD_EVENTS 512
#define WORLD_SECOND UINT64_C(1000000000)

struct world;

struct world_sa {
	struct list link;
	uint32_t child;
	uint32_t replaces;
	uint16_t entry;
	bool sends;
	struct contract_sa inbound;
	struct contract_sa outbound;
	struct net_selector local;
	struct net_selector remote;
	uint8_t local_count;
	uint8_t remote_count;
};

struct world_event {
	uint8_t kind;
	uint8_t reason;
	uint16_t entry;
	uint32_t child;
	uint32_t old_child;
	uint64_t ike;
	uint64_t old_ike;
	char detail[160];
};

struct world_pending { /* completions that the test wants later */
	struct list link;
	uint64_t token;
	int kind; /* 1 lookup, 2 psk, 3 install, 4 dh */
	struct crypto_dh_job *job;
};

struct world_peer {
	struct world *world;
	const char *name;
	struct ikev2_engine *engine;
	struct net_addr addr;
	struct ikev2_config config;
	struct ikev2_connection *connection;
	struct ikev2_child_config children[8];
	struct net_selector locals[8];
	struct net_selector remotes[8];
	const char *psk;
	struct ikev2_engine_config engine_config;
	struct list sas;
	struct list pending;
	uint32_t next_spi;
	uint32_t spis;		/* handed out and not given back */
	int fail_install;	/* so many times */
	bool slow;		/* completions wait for world_complete() */
	bool replaced;		/* SPIs that were under way may be lost */
	bool nobody;		/* lookup finds nothing */
	uint64_t seen_ns;	/* data-plane traffic; 0: none */
	uint64_t read_until_ns; /* what came later was not read; 0: all was */
	char said[400];		/* the last message that it sent, as its trace says it */
	struct world_event events[WORLD_EVENTS];
	size_t event_count;
};

enum world_fate { WORLD_PASS, WORLD_LOSE, WORLD_DOUBLE, WORLD_HOLD };

struct world_packet {
	struct list link;
	struct ikev2_path path; /* as the receiver sees it */
	bool marker;
	bool to_b;
	size_t n;
	uint8_t bytes[];
};

struct world {
	uint64_t now_ns;
	struct world_peer a;
	struct world_peer b;
	struct list packets;
	struct list held;
	struct map ivs;
	struct map keys;
	size_t sent;
	/* The fate of the n-th datagram (from 0); NULL: all pass. */
	enum world_fate (*fate)(struct world *world, const struct world_packet *packet, size_t n);
	void *context;
	bool always_reachable; /* what one side sends on, the other must take: checked at each step
				*/
	bool trace;
	bool listen;		  /* world_peer.said is kept */
	struct net_addr nat_addr; /* a's address as b sees it; family 0: no NAT */
	uint16_t nat_port;
};

void world_init(struct world *world, enum ike_profile profile);
/* Engines with what a.config and b.config say now. */
void world_start(struct world *world);
void world_fini(struct world *world);
void world_dial(struct world *world, struct world_peer *from, uint64_t *ike);
/* Delivers what is under way until nothing is; time stands still. */
void world_deliver(struct world *world);
/* This datagram, which is in no queue (and stays the caller's). */
void world_hand_over(struct world *world, const struct world_packet *packet);
/* What always_reachable asks for; done after each datagram and each deadline. */
void world_check(struct world *world);
/* One datagram, or one completion of a slow peer; false: there is none. */
bool world_step(struct world *world);
/* Another engine takes over from what the first one exports; hooks under way are forgotten. */
void world_replace(struct world_peer *peer);
/* Another engine takes over from this older export; the data plane is as it is now. */
void world_return(struct world_peer *peer, struct span bytes);
/* What is under way is lost. */
void world_lose(struct world *world);
/* Time passes: deliveries and deadlines. */
void world_run(struct world *world, uint64_t for_ns);
/* Puts what was held back into the queue again. */
void world_release(struct world *world);
/* Ends what the slow peer has been asked; false when there is nothing. */
bool world_complete(struct world_peer *peer);
/* Both sides have the same SAs (and the number of settled children is `children`, -1: any). */
void world_agree(struct world *world, int children);
/* Nothing is left on either side, no SPI is lost. */
void world_empty(struct world *world);
/* Somebody gave up because nothing came through. */
bool world_died(const struct world *world);
size_t world_count(const struct world_peer *peer, enum ikev2_event_kind kind);
const struct world_event *world_last(const struct world_peer *peer, enum ikev2_event_kind kind);
uint64_t world_ike(const struct world_peer *peer);   /* the established one; fails without */
uint32_t world_child(const struct world_peer *peer); /* the one that sends */
/* What a peer is told to do, as a step of a scenario. */
void world_child_rekey(struct world *world, struct world_peer *peer);
void world_ike_rekey(struct world *world, struct world_peer *peer);
size_t world_established(const struct world_peer *peer);
/* The usual beginning: a dials, both are up with one child. */
void world_up(struct world *world);
