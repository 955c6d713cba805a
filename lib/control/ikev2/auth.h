#pragma once
/*
 * What both sides of IKE_AUTH share: identities, certificates, the octets of AUTH.
 */
#include "control/ikev2/handlers.h"
#include "control/ikev2/negotiate.h"

#define IKEV2_ID_BODY (IKE_ID_MAX + 4)

/* The body of our ID payload (RFC 7296 section 3.5). */
struct span ikev2_auth_local_id(const struct ikev2_sa *sa, uint8_t body[IKEV2_ID_BODY]);
struct ike_auth_octets ikev2_auth_octets(const struct ikev2_sa *sa, bool local, struct span id);
/* Asks for the key or the signature; then ikev2_auth_build_own(). */
enum ikev2_step ikev2_auth_own(struct ikev2_task *task, ikev2_step_fn then);
/* [CERT...], AUTH. */
__attribute__((warn_unused_result)) int ikev2_auth_build_own(struct ikev2_task *task,
							     struct ike_builder *b);
void ikev2_auth_build_certs(const struct ikev2_sa *sa, struct ike_builder *b);
void ikev2_auth_build_certreq(const struct ikev2_config *config, struct ike_builder *b);
/* Checks AUTH of the peer with sa->connection; task->error: 0 or -EACCES with the reason. */
enum ikev2_step ikev2_auth_check(struct ikev2_task *task, ikev2_step_fn then);
bool ikev2_auth_id_fits(const struct ikev2_config *config, const struct ikev2_path *path,
			const struct ike_id_payload *id);
/* The peer's certificates out of the message, once. */
void ikev2_auth_take_certs(struct ikev2_task *task);
bool ikev2_auth_subject_fits(const struct ikev2_config *config, const struct ikev2_task *task);
void ikev2_auth_wrong_subject(struct ikev2_task *task); /* says so in task->detail */
void ikev2_auth_mobike(struct ikev2_sa *sa, const struct ike_message *message);
