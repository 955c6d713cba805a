#pragma once
/*
 * The configuration of one scenario.
 */
#include "perf/bench_ike.h"

struct bench_config {
	struct ikev2_config config; /* of what lies below it */
	struct ike_policy_owned policy;
	struct ikev2_credential credential;
	struct crypto_cert *cert;
	struct crypto_key *key;
	struct crypto_trust *trust;
	struct ike_id id;
	struct net_selector any;
	struct ikev2_child_config child;
};

/* Keys and certificates are files in the folder `pki`; what is wrong ends it all. */
void bench_config_make(struct bench_config *c, const char *pki, const struct scenario *scenario);
void bench_config_forget(struct bench_config *c);
