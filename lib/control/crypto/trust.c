#include "control/crypto/cert_internal.h"
#include "control/crypto/internal.h"
#include "control/crypto/key_internal.h"

#include <openssl/err.h>
#include <openssl/objects.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#define OTHERS_MAX 32
/* OpenSSL's level 2: 112 bits, so no SHA-1 signature below the root and no RSA under 2048 bits. */
#define SECURITY_LEVEL 2

struct crypto_trust {
	X509_STORE *store;
	struct crypto_cert **anchors;
	size_t count;
	STACK_OF(X509) * intermediates;
	bool has_crl;
};

static const char *const results[CRYPTO_CHAIN_COUNT] = {
#define X(name, sentence) [CRYPTO_CHAIN_##name] = sentence,
	CRYPTO_CHAIN_RESULTS(X)
#undef X
};

const char *crypto_chain_text(enum crypto_chain_result result)
{
	return (unsigned int)result < CRYPTO_CHAIN_COUNT ? results[result] : "?";
}

int crypto_trust_new(struct crypto_trust **out)
{
	struct crypto_trust *trust = calloc(1, sizeof(*trust));

	if (!trust)
		return -ENOMEM;
	trust->store = X509_STORE_new();
	trust->intermediates = sk_X509_new_null();
	if (!trust->store || !trust->intermediates) {
		crypto_trust_free(trust);
		return -ENOMEM;
	}
	*out = trust;
	return 0;
}

void crypto_trust_free(struct crypto_trust *trust)
{
	if (!trust)
		return;
	for (size_t i = 0; i < trust->count; i++)
		crypto_cert_put(trust->anchors[i]);
	free(trust->anchors);
	sk_X509_pop_free(trust->intermediates, X509_free);
	X509_STORE_free(trust->store);
	free(trust);
}

int crypto_trust_add_anchor(struct crypto_trust *trust, struct crypto_cert *cert)
{
	struct crypto_cert **grown =
		realloc(trust->anchors, (trust->count + 1) * sizeof(*trust->anchors));

	if (!grown)
		return -ENOMEM;
	trust->anchors = grown;
	if (X509_STORE_add_cert(trust->store, cert->x509) != 1)
		return crypto_failed();
	trust->anchors[trust->count++] = crypto_cert_get(cert);
	return 0;
}

int crypto_trust_add_intermediate(struct crypto_trust *trust, struct crypto_cert *cert)
{
	if (X509_up_ref(cert->x509) != 1)
		return -ENOMEM;
	if (sk_X509_push(trust->intermediates, cert->x509) > 0)
		return 0;
	X509_free(cert->x509);
	return -ENOMEM;
}

static int add_crl(struct crypto_trust *trust, X509_CRL *crl)
{
	int error = X509_STORE_add_crl(trust->store, crl) == 1 ? 0 : crypto_failed();

	X509_CRL_free(crl);
	if (!error)
		trust->has_crl = true;
	return error;
}

int crypto_trust_add_crl(struct crypto_trust *trust, struct span bytes)
{
	const uint8_t *at = bytes.p;
	int error = -EBADMSG;
	X509_CRL *crl;
	BIO *bio;

	if (!bytes.n || bytes.n > INT_MAX)
		return -EBADMSG;
	if (!crypto_is_pem(bytes)) {
		crl = d2i_X509_CRL(NULL, &at, (long)bytes.n);
		return crl ? add_crl(trust, crl) : crypto_refused();
	}
	bio = BIO_new_mem_buf(bytes.p, (int)bytes.n);
	if (!bio)
		return -ENOMEM;
	while ((crl = PEM_read_bio_X509_CRL(bio, NULL, crypto_no_passphrase, NULL))) {
		error = add_crl(trust, crl);
		if (error)
			break;
	}
	BIO_free(bio);
	ERR_clear_error();
	return error;
}

struct crypto_cert *crypto_trust_anchor(const struct crypto_trust *trust, size_t index)
{
	return index < trust->count ? trust->anchors[index] : NULL;
}

/*
 * RFC 4945 section 5.1.3.2 and 5.1.3.12. Beside ipsecIKE and "any" the two TLS usages pass: it is
 * what public authorities and Azure's documents put into certificates for gateways.
 */
static bool ike_usage_ok(X509 *leaf)
{
	static const char *const allowed[] = {
		"2.5.29.37.0",	     "1.3.6.1.5.5.7.3.17", "1.3.6.1.5.5.8.2.2",
		"1.3.6.1.5.5.7.3.1", "1.3.6.1.5.5.7.3.2",
	};
	uint32_t usage = X509_get_key_usage(leaf);
	EXTENDED_KEY_USAGE *extended;
	bool ok = false;
	int critical = 0;

	if (usage != UINT32_MAX && !(usage & (KU_DIGITAL_SIGNATURE | KU_NON_REPUDIATION)))
		return false;
	extended = X509_get_ext_d2i(leaf, NID_ext_key_usage, &critical, NULL);
	if (!extended)
		return critical == -1; /* absent; twice or malformed is no use at all */
	for (int i = 0; !ok && i < sk_ASN1_OBJECT_num(extended); i++) {
		char oid[64];

		OBJ_obj2txt(oid, sizeof(oid), sk_ASN1_OBJECT_value(extended, i), 1);
		for (size_t k = 0; !ok && k < sizeof(allowed) / sizeof(allowed[0]); k++)
			ok = strcmp(oid, allowed[k]) == 0;
	}
	EXTENDED_KEY_USAGE_free(extended);
	return ok;
}

/* Without a demand for CRLs those that are there count, and their absence or age is forgiven. */
static int forgive_missing_crl(int ok, X509_STORE_CTX *ctx)
{
	int error = X509_STORE_CTX_get_error(ctx);

	return ok || error == X509_V_ERR_UNABLE_TO_GET_CRL || error == X509_V_ERR_CRL_HAS_EXPIRED;
}

static enum crypto_chain_result result_of(int error)
{
	static const struct {
		int error;
		enum crypto_chain_result result;
	} table[] = {
		{ X509_V_OK, CRYPTO_CHAIN_OK },
		{ X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT, CRYPTO_CHAIN_UNTRUSTED },
		{ X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY, CRYPTO_CHAIN_UNTRUSTED },
		{ X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE, CRYPTO_CHAIN_UNTRUSTED },
		{ X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT, CRYPTO_CHAIN_UNTRUSTED },
		{ X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN, CRYPTO_CHAIN_UNTRUSTED },
		{ X509_V_ERR_CERT_UNTRUSTED, CRYPTO_CHAIN_UNTRUSTED },
		{ X509_V_ERR_CERT_REJECTED, CRYPTO_CHAIN_UNTRUSTED },
		{ X509_V_ERR_CERT_NOT_YET_VALID, CRYPTO_CHAIN_EXPIRED },
		{ X509_V_ERR_CERT_HAS_EXPIRED, CRYPTO_CHAIN_EXPIRED },
		{ X509_V_ERR_CERT_REVOKED, CRYPTO_CHAIN_REVOKED },
		{ X509_V_ERR_UNABLE_TO_GET_CRL, CRYPTO_CHAIN_NO_CRL },
		{ X509_V_ERR_UNABLE_TO_GET_CRL_ISSUER, CRYPTO_CHAIN_NO_CRL },
		{ X509_V_ERR_CRL_NOT_YET_VALID, CRYPTO_CHAIN_NO_CRL },
		{ X509_V_ERR_CRL_HAS_EXPIRED, CRYPTO_CHAIN_NO_CRL },
		{ X509_V_ERR_CRL_SIGNATURE_FAILURE, CRYPTO_CHAIN_NO_CRL },
		{ X509_V_ERR_INVALID_PURPOSE, CRYPTO_CHAIN_USAGE },
		{ X509_V_ERR_EE_KEY_TOO_SMALL, CRYPTO_CHAIN_WEAK },
		{ X509_V_ERR_CA_KEY_TOO_SMALL, CRYPTO_CHAIN_WEAK },
		{ X509_V_ERR_CA_MD_TOO_WEAK, CRYPTO_CHAIN_WEAK },
		{ X509_V_ERR_CERT_SIGNATURE_FAILURE, CRYPTO_CHAIN_SIGNATURE },
		{ X509_V_ERR_CERT_CHAIN_TOO_LONG, CRYPTO_CHAIN_TOO_LONG },
		{ X509_V_ERR_OUT_OF_MEM, CRYPTO_CHAIN_INTERNAL },
		{ X509_V_ERR_UNSPECIFIED, CRYPTO_CHAIN_INTERNAL },
		{ X509_V_ERR_ERROR_IN_CERT_NOT_BEFORE_FIELD, CRYPTO_CHAIN_MALFORMED },
		{ X509_V_ERR_ERROR_IN_CERT_NOT_AFTER_FIELD, CRYPTO_CHAIN_MALFORMED },
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if (table[i].error == error)
			return table[i].result;
	return CRYPTO_CHAIN_CONSTRAINT;
}

static void set_parameters(X509_STORE_CTX *ctx, const struct crypto_chain_check *check)
{
	X509_VERIFY_PARAM *param = X509_STORE_CTX_get0_param(ctx);
	unsigned long flags = X509_V_FLAG_PARTIAL_CHAIN; /* an anchor may be an intermediate */

	if (check->crl_required || check->trust->has_crl)
		flags |= X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL;
	X509_VERIFY_PARAM_set_flags(param, flags);
	X509_VERIFY_PARAM_set_time(param, (time_t)check->now_s);
	X509_VERIFY_PARAM_set_depth(param, CRYPTO_CHAIN_MAX - 2);
	X509_VERIFY_PARAM_set_auth_level(param, SECURITY_LEVEL);
	if (check->purpose == CRYPTO_PURPOSE_TLS_CLIENT)
		X509_VERIFY_PARAM_set_purpose(param, X509_PURPOSE_SSL_CLIENT);
	else if (check->purpose == CRYPTO_PURPOSE_TLS_SERVER)
		X509_VERIFY_PARAM_set_purpose(param, X509_PURPOSE_SSL_SERVER);
	if (!check->crl_required)
		X509_STORE_CTX_set_verify_cb(ctx, forgive_missing_crl);
}

enum crypto_chain_result crypto_chain_check(const struct crypto_chain_check *check)
{
	STACK_OF(X509) *others = sk_X509_new_null();
	X509_STORE_CTX *ctx = X509_STORE_CTX_new();
	enum crypto_chain_result result = CRYPTO_CHAIN_INTERNAL;
	bool ready = others && ctx;

	if (check->other_count > OTHERS_MAX) {
		result = CRYPTO_CHAIN_TOO_LONG;
		ready = false;
	}
	for (size_t i = 0; ready && i < check->other_count; i++)
		ready = sk_X509_push(others, check->others[i]->x509) > 0;
	for (int i = 0; ready && i < sk_X509_num(check->trust->intermediates); i++)
		ready = sk_X509_push(others, sk_X509_value(check->trust->intermediates, i)) > 0;
	if (ready &&
	    X509_STORE_CTX_init(ctx, check->trust->store, check->leaf->x509, others) == 1) {
		set_parameters(ctx, check);
		if (X509_verify_cert(ctx) == 1)
			result = CRYPTO_CHAIN_OK;
		else
			result = result_of(X509_STORE_CTX_get_error(ctx));
		if (result == CRYPTO_CHAIN_OK && check->purpose == CRYPTO_PURPOSE_IKE &&
		    !ike_usage_ok(check->leaf->x509))
			result = CRYPTO_CHAIN_USAGE;
	}
	X509_STORE_CTX_free(ctx);
	sk_X509_free(others);
	ERR_clear_error();
	return result;
}
