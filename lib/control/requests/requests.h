#pragma once
/*
 * DOC: requests to the data plane
 *
 * Control's end of the contract. It attaches to the data plane as soon as there is one and again
 * whenever it comes back, gives every request a number and calls its completion exactly once: with
 * the answer, or with NULL when the data plane was lost first. Requests leave in the order in which
 * they were made; when the ring is full they wait here, so that a caller never loses one. Datagrams
 * are dropped instead (and counted): IKE sends them again.
 *
 * Owner: app/control. Thread: the event loop's. Completions and hooks run from the loop, never from
 * inside the call that made the request.
 */
#include "base/span.h"
#include "contract/channel.h"
#include "contract/counters.h"
#include "control/event/loop.h"

/* So many messages of the data plane in a row wake it once, with all that they led to. */
#define REQUESTS_ROW 8

struct requests;

/* answer is NULL when the data plane was lost; `message` holds it (an SA's final counters). */
typedef void (*requests_done)(void *context, const struct contract_answer *answer);
/* A listed object. */
typedef void (*requests_object)(void *context, const struct contract_header *message);

struct requests_hooks {
	void *context;
	/* Attached: list, confirm or set what is wanted, then requests_adopted(). */
	void (*attached)(void *context, const struct contract_limits *limits);
	void (*lost)(void *context);
	/* Punts and events. */
	void (*event)(void *context, const struct contract_header *message);
	/* Before `lost`: its counters can be read a last time. May be NULL. */
	void (*losing)(void *context);
};

/* What a request carries behind its header. Bytes are copied (and key material wiped after). */
struct requests_message {
	enum contract_type type;
	enum contract_kind kind;
	uint32_t id;
	uint32_t domain;
	uint32_t owner;
	const void *body;
	uint32_t body_length;
	const void *tail; /* selectors, members */
	uint32_t tail_length;
	const void *opaque;
	uint16_t opaque_length;
};

__attribute__((warn_unused_result)) int requests_new(struct requests **requests,
						     struct event_loop *loop, const char *path,
						     const struct requests_hooks *hooks);
/* Outstanding completions are called with NULL. */
void requests_free(struct requests *requests);
/* At the start, when nothing else is served yet: waits for a data plane that was asked to answer.
 */
void requests_await(struct requests *requests, int timeout_ms);
bool requests_attached(const struct requests *requests);
const struct contract_limits *requests_limits(const struct requests *requests);	    /* attached */
const struct contract_counters *requests_counters(const struct requests *requests); /* or NULL */
/* All that came until then was read; by the monotonic clock, as is now_ns. */
uint64_t requests_read_until_ns(const struct requests *requests, uint64_t now_ns);

/* -ENOTCONN without a data plane, -EMSGSIZE, -ENOMEM: the completion is not called then. */
__attribute__((warn_unused_result)) int requests_make(struct requests *requests,
						      const struct requests_message *message,
						      requests_done done, void *context);
__attribute__((warn_unused_result)) int requests_list(struct requests *requests,
						      enum contract_kind kind, requests_object each,
						      requests_done done, void *context);
/* A request that is no object: a body of its own kind. */
__attribute__((warn_unused_result)) int requests_body(struct requests *requests,
						      enum contract_type type,
						      const struct span *body, requests_done done,
						      void *context);
/* Answered when all before it is applied. */
__attribute__((warn_unused_result)) int requests_probe(struct requests *requests,
						       requests_done done, void *context);
/* What was neither set nor confirmed since the attach is removed. */
__attribute__((warn_unused_result)) int requests_adopted(struct requests *requests,
							 requests_done done, void *context);

/* What follows is one batch until its end: applied whole or not at all, with one completion. */
void requests_batch_begin(struct requests *requests);
void requests_batch_cancel(struct requests *requests);
__attribute__((warn_unused_result)) int requests_batch_end(struct requests *requests,
							   requests_done done, void *context);

/* A datagram out of a public port; -EAGAIN when it was dropped. */
__attribute__((warn_unused_result)) int requests_send(struct requests *requests,
						      const struct contract_datagram *datagram,
						      const void *payload);
