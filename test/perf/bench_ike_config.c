/*
 * What both sides of a scenario are configured with. Certificates sign themselves, and are their
 * own anchors.
 */
#include "perf/bench_ike_config.h"

#include <errno.h>

static struct span read_file(const char *pki, const char *name)
{
	static uint8_t bytes[16384];
	char path[256];
	FILE *file;
	size_t n;

	snprintf(path, sizeof(path), "%s/%s", pki, name);
	file = fopen(path, "re");
	if (!file)
		bench_die(path, errno);
	n = fread(bytes, 1, sizeof(bytes), file);
	fclose(file);
	return (struct span){ bytes, n };
}

static void credentials(struct bench_config *c, const char *pki, const char *auth)
{
	char name[32];

	if (strcmp(auth, "psk") == 0) {
		c->config.local_auth = c->config.remote_auth = IKEV2_AUTH_PSK;
		return;
	}
	snprintf(name, sizeof(name), "%s.pem", auth);
	if (crypto_cert_load(read_file(pki, name), &c->cert))
		bench_die(name, EINVAL);
	snprintf(name, sizeof(name), "%s.key", auth);
	if (crypto_key_load(read_file(pki, name), NULL, &c->key))
		bench_die(name, EINVAL);
	if (crypto_trust_new(&c->trust) || crypto_trust_add_anchor(c->trust, c->cert) ||
	    ike_id_parse(&c->id, "bench.lab"))
		bench_die("trust", EINVAL);
	c->credential = (struct ikev2_credential){ c->key, &c->cert, 1 };
	c->config.local_auth = c->config.remote_auth = IKEV2_AUTH_CERT;
	c->config.credential = &c->credential;
	c->config.trust = c->trust;
	c->config.local_id = c->config.remote_id = &c->id;
}

void bench_config_forget(struct bench_config *c)
{
	crypto_trust_free(c->trust);
	crypto_cert_put(c->cert);
	crypto_key_put(c->key);
	ike_id_fini(&c->id);
	c->trust = NULL;
	c->cert = NULL;
	c->key = NULL;
}

void bench_config_make(struct bench_config *c, const char *pki, const struct scenario *scenario)
{
	struct ike_policy *policy = &c->policy.policy;
	struct span bad;

	*policy = *ike_policy_profile(IKE_PROFILE_STRONG);
	if (ike_proposal_parse(&c->policy.ike, IKE_PROTOCOL_IKE, scenario->ike, &bad) ||
	    ike_proposal_parse(&c->policy.child, IKE_PROTOCOL_ESP, "aes256gcm16-x25519-esn", &bad))
		bench_die("proposal", EINVAL);
	policy->ike_offer = policy->ike_accept = &c->policy.ike;
	policy->child_offer = policy->child_accept = &c->policy.child;
	policy->ike_offer_count = policy->ike_accept_count = 1;
	policy->child_offer_count = policy->child_accept_count = 1;
	c->any = net_selector_any(NET_IP4);
	c->child = (struct ikev2_child_config){ &c->any, &c->any, 1, 1, false };
	c->config = (struct ikev2_config){ .name = "bench",
					   .policy = policy,
					   .children = &c->child,
					   .child_count = 1,
					   .dpd_s = 45 };
	credentials(c, pki, scenario->auth);
}
