#pragma once
/*
 * What the engine's tables name: starters of jobs, handlers of requests and of answers, one file
 * per exchange.
 */
#include "control/ikev2/child.h"
#include "control/ikev2/exchange.h"

/* Starters (a task in slot LOCAL): build and send the request of task->job. */
enum ikev2_step ikev2_init_start(struct ikev2_task *task);
enum ikev2_step ikev2_auth_start(struct ikev2_task *task);
enum ikev2_step ikev2_create_start(struct ikev2_task *task);
enum ikev2_step ikev2_rekey_start(struct ikev2_task *task);
enum ikev2_step ikev2_informational_start(struct ikev2_task *task);
enum ikev2_step ikev2_mobike_start(struct ikev2_task *task);

/* Requests of the peer (slot REQUEST). */
enum ikev2_step ikev2_init_request(struct ikev2_task *task);
enum ikev2_step ikev2_auth_request(struct ikev2_task *task);
enum ikev2_step ikev2_create_request(struct ikev2_task *task);
enum ikev2_step ikev2_rekey_request(struct ikev2_task *task);
enum ikev2_step ikev2_informational_request(struct ikev2_task *task);

/* Answers to ours (slot RESPONSE). */
enum ikev2_step ikev2_init_response(struct ikev2_task *task);
enum ikev2_step ikev2_auth_response(struct ikev2_task *task);
enum ikev2_step ikev2_create_response(struct ikev2_task *task);
enum ikev2_step ikev2_rekey_response(struct ikev2_task *task);
enum ikev2_step ikev2_informational_response(struct ikev2_task *task);
enum ikev2_step ikev2_mobike_response(struct ikev2_task *task);

/* Without waiting for an answer: a notify (0: a Delete) to a peer that is not what it says. */
void ikev2_informational_goodbye(struct ikev2_sa *sa, uint16_t notify);
/* It may not be used any longer: it ends, with a Delete where one can be sent. */
void ikev2_informational_close(struct ikev2_sa *sa, enum ikev2_reason reason);

/* Stateless part of IKE_SA_INIT: cookies, limits; then a half-open IKE SA and its task. */
void ikev2_init_receive(struct ikev2_engine *engine, const struct ikev2_datagram *datagram,
			const struct ike_header *header);
void ikev2_init_close(struct ikev2_sa *sa); /* no longer half-open */

/* The IKE SA is authenticated: INITIAL_CONTACT, double dials, the other children. */
void ikev2_establish(struct ikev2_sa *sa, bool initial_contact);
bool ikev2_establish_same_end(const struct ikev2_sa *a, const struct ikev2_sa *b);
void ikev2_converge(struct ikev2_sa *sa); /* of two IKE SAs from a double dial */

/* room.c */
/* False: the peer may make no further child. */
bool ikev2_room_child(struct ikev2_sa *sa, bool rekey);
/* False: the peer may rekey this IKE SA when it has deleted others. */
bool ikev2_room_rekey(const struct ikev2_sa *sa);
/* There is one more: the oldest make room. */
void ikev2_room_make(struct ikev2_sa *sa);

/* The peer deletes what we are rekeying: what its own rekey made, if anything, takes over. */
void ikev2_create_old_gone(struct ikev2_child *old);
/* The peer deletes a child that we do not know: it may be the one that its late answer is about. */
void ikev2_create_gone(struct ikev2_sa *sa, uint32_t peer_spi);
/* Of a rekey: the new IKE SA takes everything over. */
void ikev2_rekey_won(struct ikev2_sa *old, struct ikev2_sa *heir);

/* mobike.c */
/* Behind a NAT: a probe asks how the peer sees us; another answer than before is announced. */
void ikev2_mobike_ask(struct ikev2_sa *sa, struct ike_builder *b);
void ikev2_mobike_seen(struct ikev2_sa *sa, const struct ike_message *message);
void ikev2_mobike_path(struct ikev2_sa *sa, const struct ikev2_path *path, bool marker);
/* Its children are told where it is. */
void ikev2_mobike_tell(struct ikev2_sa *sa);
void ikev2_mobike_build_nat(struct ikev2_sa *sa, struct ike_builder *b,
			    const struct ike_header *header, const struct ikev2_path *path);
void ikev2_mobike_check_nat(struct ikev2_sa *sa, const struct ike_message *message,
			    const struct ikev2_path *path);
/* UPDATE_SA_ADDRESSES and COOKIE2 of an INFORMATIONAL request; the notify to answer, or 0. */
uint16_t ikev2_mobike_request(struct ikev2_task *task, struct ike_builder *b);
