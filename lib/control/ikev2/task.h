#pragma once
/*
 * Work on one message (or towards one) as a chain of steps; task.c runs them.
 */
#include "control/ikev2/sa.h"

enum ikev2_step {
	IKEV2_NEXT, /* task->step says what comes */
	IKEV2_WAIT, /* a hook was called after ikev2_task_wait() */
	IKEV2_DONE,
};

struct ikev2_task;
typedef enum ikev2_step (*ikev2_step_fn)(struct ikev2_task *task);

#define IKEV2_PEER_CERTS (CRYPTO_CHAIN_MAX - 1)

struct ikev2_task {
	struct ikev2_sa *sa;
	ikev2_step_fn step;
	uint64_t token;
	uint8_t slot;
	bool running;
	bool completed;
	bool waits_dh; /* the job is in somebody's hands */

	/* the message, unless slot is LOCAL */
	uint8_t *bytes;
	size_t bytes_n;
	struct ike_content whole; /* reassembled content */
	struct ikev2_path path;
	bool marker;

	/* results of hooks */
	int error;
	struct crypto_dh_job *dh;
	struct secret psk;
	struct ike_auth_pad psk_pad;
	enum crypto_chain_result chain;
	struct ike_auth_result auth;
	struct ikev2_connection **found;
	size_t found_count;

	/* between steps */
	struct ikev2_job *job;		 /* LOCAL: what is being started */
	struct ikev2_exchange *exchange; /* RESPONSE: what is answered, job and offer taken out */
	struct ikev2_offer offer;
	struct ike_suite suite;
	struct ikev2_child *child; /* being made, not yet linked */
	struct ikev2_sa *successor;
	uint32_t rekeyed_child;
	uint16_t child_error; /* notify in place of the first child; 0: none */
	enum ikev2_reason child_reason;
	bool offered_child; /* the peer's IKE_AUTH asks for a child */
	struct ike_id_payload remote_id;
	struct crypto_cert *certs[IKEV2_PEER_CERTS + 1];
	uint8_t cert_count;
	char detail[200];
	char detail_id[IKE_ID_TEXT];
	ikev2_step_fn after_auth;

	struct ike_message message;
};

__attribute__((warn_unused_result)) int ikev2_task_new(struct ikev2_sa *sa, enum ikev2_slot slot,
						       struct ikev2_task **task);
void ikev2_task_free(struct ikev2_task *task);
/* Runs until it waits or ends; it may be freed afterwards. */
void ikev2_task_run(struct ikev2_task *task, ikev2_step_fn first);
/* Call the hook after this and return IKEV2_WAIT. */
void ikev2_task_wait(struct ikev2_task *task, ikev2_step_fn then);
static inline enum ikev2_step ikev2_task_goto(struct ikev2_task *task, ikev2_step_fn then)
{
	task->step = then;
	return IKEV2_NEXT;
}

/* The hooks as steps. */
/* A key of this group, and with `peer` the shared secret: task->dh, task->error. */
enum ikev2_step ikev2_task_dh(struct ikev2_task *task, uint16_t group, struct span peer,
			      ikev2_step_fn then);
/* The same with a key that was made before (it is taken over). */
enum ikev2_step ikev2_task_dh_with(struct ikev2_task *task, struct crypto_dh *dh, struct span peer,
				   ikev2_step_fn then);
enum ikev2_step ikev2_task_psk(struct ikev2_task *task, ikev2_step_fn then);
enum ikev2_step ikev2_task_lookup(struct ikev2_task *task, ikev2_step_fn then);
enum ikev2_step ikev2_task_sign(struct ikev2_task *task, const struct ike_auth_octets *octets,
				ikev2_step_fn then);
enum ikev2_step ikev2_task_chain(struct ikev2_task *task, ikev2_step_fn then);
/* task->child with keys of an exchange that `initiator` says we started. */
enum ikev2_step ikev2_task_install(struct ikev2_task *task, struct ike_child_keys *keys, bool send,
				   ikev2_step_fn then);
