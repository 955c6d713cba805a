#pragma once
/*
 * Own requests: the queue, sending, retransmitting; and answers to the peer's requests.
 */
#include "control/ikev2/task.h"

/* NULL on -ENOMEM. */
struct ikev2_job *ikev2_job_add(struct ikev2_sa *sa, enum ikev2_job_kind kind);
struct ikev2_job *ikev2_job_find(const struct ikev2_sa *sa, enum ikev2_job_kind kind,
				 uint32_t child);
void ikev2_job_free(struct ikev2_job *job);
/* Again after a while that grows with the attempts; -ELOOP when there were too many. */
__attribute__((warn_unused_result)) int ikev2_job_again(struct ikev2_sa *sa, struct ikev2_job *job);
/* Starts the next job that may run. */
void ikev2_exchange_kick(struct ikev2_sa *sa);
uint64_t ikev2_exchange_deadline(const struct ikev2_sa *sa);
void ikev2_exchange_timer(struct ikev2_sa *sa);
/* Taken over by another engine: what is outstanding is sent again, and counted anew. */
void ikev2_exchange_resume(struct ikev2_sa *sa);
/* Ends the own exchange with its job and offer. */
void ikev2_exchange_end(struct ikev2_sa *sa);
void ikev2_exchange_free(struct ikev2_exchange *exchange); /* without job and offer */
/* The answer is here: job and offer go to the task, the next message ID is due. */
void ikev2_exchange_take(struct ikev2_task *task);

/* Header of a message of ours. */
struct ike_header ikev2_exchange_header(const struct ikev2_sa *sa, enum ike_exchange exchange,
					bool response, uint32_t message_id);
void ikev2_exchange_start(struct ikev2_sa *sa, struct ike_builder *b, enum ike_exchange exchange);
void ikev2_exchange_start_response(struct ikev2_sa *sa, struct ike_builder *b,
				   const struct ike_message *request);
/* Takes job and offer over (zeroes *offer); 0 or -errno with the IKE SA unchanged. */
__attribute__((warn_unused_result)) int ikev2_exchange_send(struct ikev2_sa *sa,
							    struct ike_builder *b,
							    struct ikev2_job *job,
							    struct ikev2_offer *offer);
/* Seals, stores and sends the answer to task's request. */
__attribute__((warn_unused_result)) int ikev2_exchange_respond(struct ikev2_task *task,
							       struct ike_builder *b);
/* An answer with one notify. */
void ikev2_exchange_respond_notify(struct ikev2_task *task, uint16_t notify, struct span data);
void ikev2_exchange_resend(struct ikev2_sa *sa, const struct ikev2_path *path, bool marker);
void ikev2_exchange_packets(struct ikev2_sa *sa, const struct ike_packets *packets,
			    const struct ikev2_path *path, bool marker);
void ikev2_exchange_send_raw(struct ikev2_engine *engine, const struct ikev2_path *path,
			     bool marker, struct span bytes,
			     const struct ikev2_connection *connection);

/* trace.c */
void ikev2_trace_message(const struct ikev2_sa *sa, const char *what,
			 const struct ike_message *message, const struct ikev2_path *path);
void ikev2_trace_sent(const struct ikev2_sa *sa, const struct ike_builder *b, size_t bytes);
__attribute__((format(printf, 2, 3))) void ikev2_trace_local(const struct ikev2_sa *sa,
							     const char *format, ...);
void ikev2_trace_keys(const struct ikev2_sa *sa);
