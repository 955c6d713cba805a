#include "control/tunnel/peer.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DPD_DEFAULT_S 45
/* 0.5 s times 1.8^n: two unanswered are 1.4 s, which failover needs; all of them 68 s. */
#define RETRANSMIT_MS 500
#define RETRANSMIT_TRIES 8
#define PSK_TEXT_MAX 512
#define IKE_SAS_MAX 32 /* a peer that dials anew and forgets the others has so many */

static const char *const encryption_names[] = {
	[CONFIG_ENC_NONE] = "None",	   [CONFIG_ENC_DES] = "DES",
	[CONFIG_ENC_DES3] = "DES3",	   [CONFIG_ENC_AES128] = "AES128",
	[CONFIG_ENC_AES192] = "AES192",	   [CONFIG_ENC_AES256] = "AES256",
	[CONFIG_ENC_GCM128] = "GCMAES128", [CONFIG_ENC_GCM192] = "GCMAES192",
	[CONFIG_ENC_GCM256] = "GCMAES256",
};
static const char *const integrity_names[] = {
	[CONFIG_INT_MD5] = "MD5",	   [CONFIG_INT_SHA1] = "SHA1",
	[CONFIG_INT_SHA256] = "SHA256",	   [CONFIG_INT_SHA384] = "SHA384",
	[CONFIG_INT_GCM128] = "GCMAES128", [CONFIG_INT_GCM192] = "GCMAES192",
	[CONFIG_INT_GCM256] = "GCMAES256",
};
static const char *const dh_names[] = {
	[CONFIG_DH_NONE] = "None",	  [CONFIG_DH_1] = "DHGroup1",
	[CONFIG_DH_2] = "DHGroup2",	  [CONFIG_DH_14] = "DHGroup14",
	[CONFIG_DH_2048] = "DHGroup2048", [CONFIG_DH_ECP256] = "ECP256",
	[CONFIG_DH_ECP384] = "ECP384",	  [CONFIG_DH_24] = "DHGroup24",
};
static const char *const pfs_names[] = {
	[CONFIG_PFS_NONE] = "None",	[CONFIG_PFS_1] = "PFS1",
	[CONFIG_PFS_2] = "PFS2",	[CONFIG_PFS_2048] = "PFS2048",
	[CONFIG_PFS_ECP256] = "ECP256", [CONFIG_PFS_ECP384] = "ECP384",
	[CONFIG_PFS_24] = "PFS24",	[CONFIG_PFS_14] = "PFS14",
	[CONFIG_PFS_MM] = "PFSMM",
};

static void peer_free(void *context)
{
	struct peer *peer = context;

	secret_free(&peer->psk);
	credential_fini(&peer->credential);
	ike_id_fini(&peer->local_id);
	ike_id_fini(&peer->remote_id);
	free(peer->children);
	free(peer->selectors);
	free(peer->accept.selectors);
	free(peer->name);
	free(peer->subject);
	free(peer);
}

int peer_policy(const struct ike_policy **policy, struct ike_policy_owned *own,
		const struct config *config, const struct config_connection *c, char *why,
		size_t why_size)
{
	enum config_crypto_profile profile = config_crypto_profile_of(config, c);
	const struct config_ipsec_policy *p = c->policies.items;
	const char *field;
	const char *reason;
	int rc;

	*policy =
		ike_policy_profile(profile == CONFIG_CRYPTO_AZURE_COMPAT ? IKE_PROFILE_AZURE_COMPAT
									 : IKE_PROFILE_STRONG);
	if (!c->policies.count)
		return 0;
	rc = ike_policy_custom(own,
			       &(struct ike_custom_policy){
				       .ike_encryption = encryption_names[p->ike_encryption],
				       .ike_integrity = integrity_names[p->ike_integrity],
				       .dh_group = dh_names[p->dh_group],
				       .ipsec_encryption = encryption_names[p->ipsec_encryption],
				       .ipsec_integrity = integrity_names[p->ipsec_integrity],
				       .pfs_group = pfs_names[p->pfs_group],
				       .sa_lifetime_s = (uint32_t)p->sa_lifetime_s,
				       .sa_lifetime_kb = (uint64_t)p->sa_data_kb,
			       },
			       &field, &reason);
	if (rc < 0) {
		snprintf(why, why_size, "connection %s: ipsecPolicies/0/%s: %s", c->resource.name,
			 field, reason);
		return rc;
	}
	*policy = &own->policy;
	return 0;
}

static int policy_set(struct peer *peer, const struct plan_tunnel *tunnel,
		      const struct config *config, char *why, size_t why_size)
{
	int rc = peer_policy(&peer->config.policy, &peer->policy, config, tunnel->connection, why,
			     why_size);

	if (rc == 0)
		peer->weak = peer->config.policy->weak;
	return rc;
}

static int children_set(struct peer *peer, const struct plan_connection *site)
{
	struct net_selector *next;
	uint32_t total = 0;

	for (uint32_t i = 0; i < site->child_count; i++)
		total += site->children[i].local_count + site->children[i].remote_count;
	peer->children = calloc(site->child_count, sizeof(*peer->children));
	peer->selectors = next = calloc(total, sizeof(*next));
	if (!peer->children || !next)
		return -ENOMEM;
	for (uint32_t i = 0; i < site->child_count; i++) {
		const struct plan_child *from = &site->children[i];
		struct ikev2_child_config *to = &peer->children[i];

		to->local = next;
		to->local_count = (uint8_t)from->local_count;
		next = mempcpy(next, from->local, from->local_count * sizeof(*next));
		to->remote = next;
		to->remote_count = (uint8_t)from->remote_count;
		next = mempcpy(next, from->remote, from->remote_count * sizeof(*next));
	}
	peer->config.children = peer->children;
	peer->config.child_count = (uint16_t)site->child_count;
	return 0;
}

/* All pairs of selectors twice: before and after a rekey. */
static void room_set(struct peer *peer, const struct config *config)
{
	int64_t pairs = config_appliance(config)->maxima.selector_pairs;

	if (pairs < peer->config.child_count)
		pairs = peer->config.child_count;
	peer->config.children_max = (uint16_t)(2 * pairs);
	peer->config.ike_max = IKE_SAS_MAX;
}

static int accept_set(struct peer *peer, const struct peer_source *source)
{
	int rc = accept_space_make(&peer->accept, source->site, source->config);

	peer->config.accept_local = peer->accept.selectors;
	peer->config.accept_local_count = peer->accept.local_count;
	peer->config.accept_remote = peer->accept.selectors + peer->accept.local_count;
	peer->config.accept_remote_count = peer->accept.remote_count;
	return rc;
}

static int psk_set(struct peer *peer, const struct config_connection *c)
{
	char text[PSK_TEXT_MAX + 1];
	int rc;

	if (c->shared_key.n > PSK_TEXT_MAX)
		return -EINVAL;
	memcpy(text, c->shared_key.p, c->shared_key.n);
	text[c->shared_key.n] = '\0';
	rc = ike_psk_octets(&peer->psk, text);
	secret_wipe(text, sizeof(text));
	return rc;
}

/* Without `strict` the tunnel exists, says what is wrong, and tries again. */
static int credential_set(struct peer *peer, const struct peer_source *source, char *why,
			  size_t why_size)
{
	const struct config_connection *c = source->tunnel->connection;

	if (c->authentication != CONFIG_AUTH_CERTIFICATE)
		return 0;
	peer->config.local_auth = peer->config.remote_auth = IKEV2_AUTH_CERT;
	if (credential_load(&peer->credential, c->certificate, peer->problem) < 0) {
		if (!source->strict)
			return 0;
		snprintf(why, why_size, "connection %s: certificateAuthentication/%s",
			 c->resource.name, peer->problem);
		return -EINVAL;
	}
	peer->config.credential = &peer->credential.own;
	peer->config.trust = peer->credential.trust;
	peer->config.crl_required = c->certificate->revocation_required;
	peer->subject = c->certificate->subject ? strdup(c->certificate->subject) : NULL;
	peer->config.remote_subject = peer->subject;
	return !c->certificate->subject || peer->subject ? 0 : -ENOMEM;
}

/* Without localId the subject of our certificate; what is given must be in it (conformance 45). */
static int certificate_id(struct peer *peer, const struct peer_source *source)
{
	const struct crypto_cert *cert = peer->credential.certs[0];
	const struct ike_id *id = &peer->local_id;

	if (!cert)
		return 0;
	if (!source->tunnel->connection->local_id)
		return ike_id_set(&peer->local_id, ID_DER_ASN1_DN, crypto_cert_subject(cert));
	if (!ike_id_in_cert(id->type, ike_id_span(id), cert))
		snprintf(
			peer->problem, sizeof(peer->problem),
			"outboundAuthCertificate: localId \"%.80s\" is neither its subject nor one "
			"of its subjectAltNames",
			source->tunnel->local_id);
	return 0;
}

static int ids_set(struct peer *peer, const struct peer_source *source, char *why, size_t why_size)
{
	const struct plan_tunnel *tunnel = source->tunnel;
	int rc = ike_id_parse(&peer->local_id, tunnel->local_id);

	if (rc == 0)
		rc = ike_id_parse(&peer->remote_id, tunnel->remote_id);
	if (rc < 0)
		snprintf(why, why_size, "connection %s: \"%s\" is no identity",
			 tunnel->connection->resource.name,
			 peer->local_id.type ? tunnel->remote_id : tunnel->local_id);
	if (rc == 0)
		rc = certificate_id(peer, source);
	if (rc == 0 && peer->problem[0] && source->strict) {
		snprintf(why, why_size, "connection %s: certificateAuthentication/%s",
			 tunnel->connection->resource.name, peer->problem);
		rc = -EINVAL;
	}
	peer->config.local_id = &peer->local_id;
	peer->config.remote_id = &peer->remote_id;
	peer->config.or_address = tunnel->fqdn && !tunnel->connection->remote_id;
	peer->config.any_identity = !strcmp(tunnel->remote_id, "*");
	return rc;
}

static enum ikev2_mode mode_of(const struct config_connection *c)
{
	switch (c->mode) {
	case CONFIG_MODE_INITIATOR_ONLY:
		return IKEV2_MODE_INITIATOR;
	case CONFIG_MODE_RESPONDER_ONLY:
		return IKEV2_MODE_RESPONDER;
	default:
		return IKEV2_MODE_DEFAULT;
	}
}

int peer_new(struct peer **peer, struct ikev2_connection **connection,
	     const struct peer_source *source, char *why, size_t why_size)
{
	const struct plan_tunnel *tunnel = source->tunnel;
	const struct config_connection *c = tunnel->connection;
	struct peer *p = calloc(1, sizeof(*p));
	int rc = -ENOMEM;

	if (!p)
		return rc;
	p->config = (struct ikev2_config){
		.context = p,
		.release = peer_free,
		.mode = (uint8_t)mode_of(c),
		.local_auth = IKEV2_AUTH_PSK,
		.remote_auth = IKEV2_AUTH_PSK,
		.initial_contact = true,
		.mobike = true,
		.retransmit_ms = RETRANSMIT_MS,
		.retransmit_tries = RETRANSMIT_TRIES,
		.dpd_s = (uint16_t)(c->dpd_timeout_s ? c->dpd_timeout_s : DPD_DEFAULT_S),
	};
	p->name = strdup(tunnel->name);
	p->config.name = p->name;
	if (p->name)
		rc = psk_set(p, c);
	if (rc == 0)
		rc = credential_set(p, source, why, why_size);
	if (rc == 0)
		rc = ids_set(p, source, why, why_size);
	if (rc == 0)
		rc = policy_set(p, tunnel, source->config, why, why_size);
	if (rc == 0)
		rc = children_set(p, source->site);
	if (rc == 0)
		rc = accept_set(p, source);
	if (rc == 0)
		room_set(p, source->config);
	if (rc == 0)
		rc = ikev2_connection_new(&p->config, connection);
	if (rc < 0) {
		peer_free(p);
		return rc;
	}
	*peer = p;
	return 0;
}

struct peer *peer_of(const struct ikev2_connection *connection)
{
	return ikev2_connection_context(connection);
}

static bool proposals_same(const struct ike_policy *a, const struct ike_policy *b)
{
	if (a == b)
		return true;
	return a->ike_lifetime_s == b->ike_lifetime_s &&
	       a->child_lifetime_s == b->child_lifetime_s &&
	       a->child_lifetime_bytes == b->child_lifetime_bytes &&
	       a->ike_offer_count == b->ike_offer_count &&
	       a->child_offer_count == b->child_offer_count &&
	       !memcmp(a->ike_offer, b->ike_offer, a->ike_offer_count * sizeof(*a->ike_offer)) &&
	       !memcmp(a->child_offer, b->child_offer,
		       a->child_offer_count * sizeof(*a->child_offer));
}

static bool children_same(const struct peer *a, const struct peer *b)
{
	if (a->config.child_count != b->config.child_count)
		return false;
	for (uint16_t i = 0; i < a->config.child_count; i++) {
		const struct ikev2_child_config *x = &a->children[i];
		const struct ikev2_child_config *y = &b->children[i];

		if (x->local_count != y->local_count || x->remote_count != y->remote_count ||
		    memcmp(x->local, y->local, x->local_count * sizeof(*x->local)) ||
		    memcmp(x->remote, y->remote, x->remote_count * sizeof(*x->remote)))
			return false;
	}
	return true;
}

static bool accept_same(const struct accept_space *a, const struct accept_space *b)
{
	return a->local_count == b->local_count && a->remote_count == b->remote_count &&
	       (!a->selectors ||
		!memcmp(a->selectors, b->selectors,
			(a->local_count + a->remote_count) * sizeof(*a->selectors)));
}

/* Also "any" and "any". */
static bool ids_same(const struct ike_id *a, const struct ike_id *b)
{
	return (!a->type && !b->type) || ike_id_equal(a, b->type, ike_id_span(b));
}

static bool texts_same(const char *a, const char *b)
{
	return a == b || (a && b && !strcmp(a, b));
}

bool peer_same(const struct peer *a, const struct peer *b)
{
	return peer_renewed(a, b) && credential_own_same(&a->credential, &b->credential) &&
	       accept_same(&a->accept, &b->accept) && !strcmp(a->problem, b->problem);
}

bool peer_renewed(const struct peer *a, const struct peer *b)
{
	return a->config.remote_auth == b->config.remote_auth &&
	       a->config.crl_required == b->config.crl_required &&
	       texts_same(a->subject, b->subject) &&
	       credential_trust_same(&a->credential, &b->credential) && a->psk.n == b->psk.n &&
	       secret_equal(a->psk.p, b->psk.p, a->psk.n) && ids_same(&a->local_id, &b->local_id) &&
	       ids_same(&a->remote_id, &b->remote_id) && a->config.mode == b->config.mode &&
	       a->config.dpd_s == b->config.dpd_s &&
	       proposals_same(a->config.policy, b->config.policy) && children_same(a, b);
}
