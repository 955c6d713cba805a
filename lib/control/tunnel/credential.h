#pragma once
/*
 * What a connection with certificates authenticates with: our key and chain, whom we trust.
 */
#include "control/config/connection.h"
#include "control/ikev2/config.h"

#define CREDENTIAL_CERTS_MAX 8
#define CREDENTIAL_WHY 240

struct credential {
	struct crypto_key *key;
	struct crypto_cert *certs[CREDENTIAL_CERTS_MAX];
	struct crypto_trust *trust;
	struct ikev2_credential own; /* of key and certs */
	uint64_t trust_mark;	     /* of all that trust was made of */
};

/*
 * Reads the files. -EINVAL with a sentence that names property and file in `why`; what was loaded
 * is freed then.
 */
__attribute__((warn_unused_result)) int credential_load(
	struct credential *credential, const struct config_certificate_authentication *from,
	char why[CREDENTIAL_WHY]);
void credential_fini(struct credential *credential);
bool credential_own_same(const struct credential *a, const struct credential *b);
bool credential_trust_same(const struct credential *a, const struct credential *b);
