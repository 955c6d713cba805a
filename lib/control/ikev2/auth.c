#include "control/ikev2/auth.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

struct span ikev2_auth_local_id(const struct ikev2_sa *sa, uint8_t body[IKEV2_ID_BODY])
{
	const struct ike_id *id = ikev2_sa_config(sa)->local_id;
	const struct net_addr *addr = &sa->path.local;
	size_t n;

	memset(body, 0, 4);
	if (id && id->type) {
		n = id->size < IKE_ID_MAX ? id->size : IKE_ID_MAX;
		body[0] = id->type;
		memcpy(body + 4, id->data, n);
	} else {
		n = net_addr_len(addr);
		body[0] = addr->family == NET_IP6 ? ID_IPV6_ADDR : ID_IPV4_ADDR;
		memcpy(body + 4, addr->bytes, n);
	}
	return (struct span){ body, n + 4 };
}

bool ikev2_auth_id_fits(const struct ikev2_config *config, const struct ikev2_path *path,
			const struct ike_id_payload *id)
{
	const struct ike_id *wanted = config->remote_id;

	if (wanted && wanted->type && ike_id_matches(wanted, id->type, id->data))
		return true;
	if (wanted && wanted->type && !config->or_address)
		return false;
	if (config->any_identity)
		return true;
	return (id->type == ID_IPV4_ADDR || id->type == ID_IPV6_ADDR) &&
	       id->data.n == net_addr_len(&path->remote) &&
	       memcmp(id->data.p, path->remote.bytes, id->data.n) == 0;
}

struct ike_auth_octets ikev2_auth_octets(const struct ikev2_sa *sa, bool local, struct span id)
{
	const struct ikev2_setup *setup = sa->setup;
	bool of_initiator = sa->initiator == local;

	return (struct ike_auth_octets){
		.message = of_initiator ? (struct span){ setup->request.p, setup->request.n }
					: (struct span){ setup->response.p, setup->response.n },
		.nonce = of_initiator ? (struct span){ setup->nr, setup->nr_len }
				      : (struct span){ setup->ni, setup->ni_len },
		.id = id,
		.sk_p = ike_keys_p(&sa->keys, of_initiator),
		.prf = ike_suite_prf(&sa->suite),
	};
}

enum ikev2_step ikev2_auth_own(struct ikev2_task *task, ikev2_step_fn then)
{
	uint8_t body[IKEV2_ID_BODY];
	struct ike_auth_octets octets;

	if (ikev2_sa_config(task->sa)->local_auth == IKEV2_AUTH_PSK) {
		if (task->psk.n) /* the peer's AUTH was checked with it */
			return ikev2_task_goto(task, then);
		return ikev2_task_psk(task, then);
	}
	octets = ikev2_auth_octets(task->sa, true, ikev2_auth_local_id(task->sa, body));
	return ikev2_task_sign(task, &octets, then);
}

void ikev2_auth_build_certs(const struct ikev2_sa *sa, struct ike_builder *b)
{
	const struct ikev2_config *config = ikev2_sa_config(sa);
	const struct ikev2_credential *credential = config->credential;

	if (config->local_auth != IKEV2_AUTH_CERT || !credential)
		return;
	for (uint8_t i = 0; i < credential->cert_count; i++)
		ike_build_cert(b, IKE_CERT_X509_SIGNATURE, crypto_cert_der(credential->certs[i]));
}

void ikev2_auth_build_certreq(const struct ikev2_config *config, struct ike_builder *b)
{
	uint8_t ids[20 * 20];
	size_t n = 0;
	struct crypto_cert *anchor;

	if (config->remote_auth != IKEV2_AUTH_CERT || !config->trust)
		return;
	for (size_t i = 0; n < sizeof(ids); i++, n += 20) {
		anchor = crypto_trust_anchor(config->trust, i);
		if (!anchor)
			break;
		crypto_cert_key_id(anchor, ids + n);
	}
	if (n)
		ike_build_certreq(b, IKE_CERT_X509_SIGNATURE, (struct span){ ids, n });
}

int ikev2_auth_build_own(struct ikev2_task *task, struct ike_builder *b)
{
	struct ikev2_sa *sa = task->sa;
	uint8_t body[IKEV2_ID_BODY];
	uint8_t data[CRYPTO_PRF_MAX];
	size_t n = sizeof(data);
	struct ike_auth_octets octets;
	int error;

	if (task->error)
		return task->error;
	if (ikev2_sa_config(sa)->local_auth == IKEV2_AUTH_CERT) {
		sa->local_method = task->auth.method;
		ike_build_auth(b, task->auth.method,
			       (struct span){ task->auth.data, task->auth.n });
		return 0;
	}
	octets = ikev2_auth_octets(sa, true, ikev2_auth_local_id(sa, body));
	octets.pad = &task->psk_pad;
	error = ike_auth_psk(sa->engine->crypto, secret_span(&task->psk), &octets, data, &n);
	if (error)
		return error;
	sa->local_method = IKE_AUTH_SHARED_KEY_MIC;
	ike_build_auth(b, IKE_AUTH_SHARED_KEY_MIC, (struct span){ data, n });
	return 0;
}

static enum ikev2_step auth_refuse(struct ikev2_task *task, enum ikev2_reason reason)
{
	task->error = -EACCES;
	task->child_reason = reason;
	return IKEV2_NEXT;
}

static const struct ike_auth_octets *peer_octets(struct ikev2_task *task,
						 struct ike_auth_octets *octets)
{
	*octets = ikev2_auth_octets(task->sa, false, task->remote_id.body);
	return octets;
}

static bool peer_auth(struct ikev2_task *task, struct ike_auth_payload *auth)
{
	const struct ike_payload *payload = ike_message_find(&task->message, IKE_PAYLOAD_AUTH);

	return payload && ike_auth_decode(payload->body, auth) == IKE_ERROR_OK;
}

static enum ikev2_step check_psk(struct ikev2_task *task)
{
	static const uint8_t nobody[32];
	struct span psk = secret_span(&task->psk);
	struct ike_auth_octets octets;
	struct ike_auth_payload auth;
	bool known = !task->error && psk.n;

	task->step = task->after_auth;
	if (!peer_auth(task, &auth))
		return auth_refuse(task, IKEV2_REASON_PAYLOAD);
	/* The same work for a peer without a key: the time says nothing. */
	if (!known)
		psk = (struct span){ nobody, sizeof(nobody) };
	peer_octets(task, &octets);
	octets.pad = known ? &task->psk_pad : NULL;
	if (ike_auth_psk_check(task->sa->engine->crypto, psk, &octets, auth.data))
		return auth_refuse(task, known ? IKEV2_REASON_AUTHENTICATION
					       : IKEV2_REASON_NO_CREDENTIAL);
	if (!known)
		return auth_refuse(task, IKEV2_REASON_NO_CREDENTIAL);
	task->error = 0;
	task->sa->remote_method = IKE_AUTH_SHARED_KEY_MIC;
	return IKEV2_NEXT;
}

/* RFC 7296 section 3.6: the first one has the key of AUTH. */
void ikev2_auth_take_certs(struct ikev2_task *task)
{
	const struct ike_payload *at = NULL;
	struct ike_cert cert;

	if (task->cert_count)
		return;
	while ((at = ike_message_next(&task->message, IKE_PAYLOAD_CERT, at))) {
		if (ike_cert_decode(at->body, &cert) != IKE_ERROR_OK ||
		    cert.encoding != IKE_CERT_X509_SIGNATURE ||
		    task->cert_count == IKEV2_PEER_CERTS + 1)
			continue;
		if (crypto_cert_load_known(task->sa->engine->crypto, cert.data,
					   &task->certs[task->cert_count]) == 0)
			task->cert_count++;
		else if (!task->cert_count)
			return; /* the leaf itself is bad */
	}
}

bool ikev2_auth_subject_fits(const struct ikev2_config *config, const struct ikev2_task *task)
{
	return !config->remote_subject || !task->cert_count ||
	       crypto_dn_matches_text(config->remote_subject, crypto_cert_subject(task->certs[0]));
}

void ikev2_auth_wrong_subject(struct ikev2_task *task)
{
	char subject[sizeof(task->detail) - 48];

	snprintf(task->detail, sizeof(task->detail), "its subject \"%s\" is not the expected one",
		 crypto_cert_text(task->certs[0], subject, sizeof(subject)));
}

/*
 * Identity and key belong together (conformance 45): the certificate names the identity, or its
 * subject was configured and the identity is the address that the connection leads to (Azure).
 */
static bool identity_proven(const struct ikev2_task *task)
{
	const struct ikev2_config *config = ikev2_sa_config(task->sa);
	const struct ike_id_payload *id = &task->remote_id;
	const struct net_addr *addr = &task->path.remote;

	if (ike_id_in_cert(id->type, id->data, task->certs[0]))
		return true;
	return config->remote_subject && (id->type == ID_IPV4_ADDR || id->type == ID_IPV6_ADDR) &&
	       id->data.n == net_addr_len(addr) && !memcmp(id->data.p, addr->bytes, id->data.n);
}

static enum ikev2_step check_chain(struct ikev2_task *task)
{
	struct ike_auth_octets octets;
	struct ike_auth_payload auth;

	task->step = task->after_auth;
	if (task->chain != CRYPTO_CHAIN_OK) {
		char subject[sizeof(task->detail) - 96];

		snprintf(task->detail, sizeof(task->detail), "%.80s (\"%s\")",
			 crypto_chain_text(task->chain),
			 crypto_cert_text(task->certs[0], subject, sizeof(subject)));
		return auth_refuse(task, IKEV2_REASON_CERTIFICATE);
	}
	if (!identity_proven(task)) {
		snprintf(task->detail, sizeof(task->detail),
			 "the certificate does not name the peer's identity");
		return auth_refuse(task, IKEV2_REASON_CERTIFICATE);
	}
	if (!ikev2_auth_subject_fits(ikev2_sa_config(task->sa), task)) {
		ikev2_auth_wrong_subject(task);
		return auth_refuse(task, IKEV2_REASON_CERTIFICATE);
	}
	if (!peer_auth(task, &auth) ||
	    ike_auth_verify(task->sa->engine->crypto, crypto_cert_key(task->certs[0]),
			    IKE_AUTH_HASHES, peer_octets(task, &octets), &auth))
		return auth_refuse(task, IKEV2_REASON_AUTHENTICATION);
	for (size_t i = 0; i < task->cert_count; i++)
		crypto_cert_remember(task->sa->engine->crypto, task->certs[i]);
	task->error = 0;
	task->sa->remote_method = auth.method;
	return IKEV2_NEXT;
}

enum ikev2_step ikev2_auth_check(struct ikev2_task *task, ikev2_step_fn then)
{
	const struct ikev2_config *config = ikev2_sa_config(task->sa);
	struct ike_auth_payload auth;
	bool psk;

	task->after_auth = then;
	task->step = then;
	if (!peer_auth(task, &auth))
		return auth_refuse(task, IKEV2_REASON_PAYLOAD);
	psk = auth.method == IKE_AUTH_SHARED_KEY_MIC;
	if (psk != (config->remote_auth == IKEV2_AUTH_PSK))
		return auth_refuse(task, IKEV2_REASON_IDENTITY);
	if (psk)
		return ikev2_task_psk(task, check_psk);
	ikev2_auth_take_certs(task);
	if (!task->cert_count) {
		snprintf(task->detail, sizeof(task->detail), "the peer sent no usable certificate");
		return auth_refuse(task, IKEV2_REASON_CERTIFICATE);
	}
	return ikev2_task_chain(task, check_chain);
}

/* RFC 4555 section 3.2 */
void ikev2_auth_mobike(struct ikev2_sa *sa, const struct ike_message *message)
{
	sa->mobike = ikev2_sa_config(sa)->mobike && ike_notify_has(message, IKE_N_MOBIKE_SUPPORTED);
}
