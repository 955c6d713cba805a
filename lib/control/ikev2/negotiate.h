#pragma once
/*
 * The payloads of a child SA, the same in IKE_AUTH and CREATE_CHILD_SA: offer, choice, answer.
 */
#include "control/ikev2/selector.h"
#include "control/ikev2/task.h"

struct ikev2_child_offer {
	const struct ikev2_job *job; /* entry and packet */
	uint32_t spi;
	bool first;		       /* IKE_AUTH: no key exchange */
	const struct ikev2_child *old; /* rekey */
	struct span nonce;	       /* not in IKE_AUTH */
	struct crypto_dh *dh;	       /* NULL: without PFS */
};

/* SA, [Nonce, KE,] TSi, TSr */
void ikev2_negotiate_offer(struct ikev2_sa *sa, struct ike_builder *b,
			   const struct ikev2_child_offer *offer);
/* The group that our offer of a child has first; IKE_DH_NONE: no PFS. */
uint16_t ikev2_negotiate_group(const struct ikev2_sa *sa);

/*
 * Responder: suite and selectors into task->suite and task->child (with its SPI). 0, or the notify
 * to answer with task->child_reason and task->detail set. `old`: what is rekeyed, or NULL.
 */
uint16_t ikev2_negotiate_choose(struct ikev2_task *task, bool first, const struct ikev2_child *old);
/* SA, [Nonce, KE,] TSi, TSr of the answer. */
void ikev2_negotiate_answer(struct ikev2_task *task, struct ike_builder *b, struct span nonce,
			    struct crypto_dh *dh);
/*
 * Initiator: the answer into task->suite and task->child, which takes over task->offer.esp_spi.
 * NONE, or the reason with task->detail set; task->child then still names what the peer has made.
 */
enum ikev2_reason ikev2_negotiate_take(struct ikev2_task *task, bool first,
				       const struct ikev2_child *old, const struct ikev2_job *job);
/* Keys of task->child and its installation. */
enum ikev2_step ikev2_negotiate_install(struct ikev2_task *task,
					const struct ike_exchange_secrets *secrets, bool send,
					ikev2_step_fn then);
enum ikev2_reason ikev2_negotiate_reason(uint16_t notify);
/* The peer has made a child that we cannot use: it is deleted. Consumes task->child. */
void ikev2_negotiate_undo(struct ikev2_task *task, enum ikev2_reason reason);
