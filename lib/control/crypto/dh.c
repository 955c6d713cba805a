#include "control/crypto/dh.h"

#include "control/crypto/dh_groups.h"
#include "control/crypto/x25519.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/param_build.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct crypto_dh {
	const struct dh_group *group;
	size_t index;
	EVP_PKEY *key;	      /* NULL once it was used */
	struct secret scalar; /* the same of X25519, where OpenSSL does not do it */
	uint8_t public_value[];
};

#define POINT_UNCOMPRESSED 4 /* first byte of OpenSSL's encoding, which IKE leaves out */

static struct crypto_dh *dh_alloc(const struct dh_group *group, size_t index)
{
	struct crypto_dh *dh = calloc(1, sizeof(*dh) + group->public_bytes);

	if (dh) {
		dh->group = group;
		dh->index = index;
	}
	return dh;
}

static bool by_scalar(const struct dh_group *group)
{
	return group->kind == DH_XDH && group->public_bytes == X25519_BYTES && x25519_here();
}

static bool is_used(const struct crypto_dh *dh)
{
	return !dh->key && !dh->scalar.p;
}

/* EVP_PKEY_get1_encoded_public_key() would make the point affine twice: once for its length. */
static int take_public(struct crypto_dh *dh)
{
	size_t point = dh->group->kind == DH_ECP, n = 0;
	uint8_t encoded[CRYPTO_DH_PUBLIC_MAX + 1];

	if (EVP_PKEY_get_octet_string_param(dh->key, OSSL_PKEY_PARAM_ENCODED_PUBLIC_KEY, encoded,
					    dh->group->public_bytes + point, &n) != 1 ||
	    n != dh->group->public_bytes + point)
		return crypto_failed();
	memcpy(dh->public_value, encoded + point, n - point);
	return 0;
}

int crypto_dh_new(struct crypto *crypto, uint16_t number, struct crypto_dh **out)
{
	size_t index = 0;
	const struct dh_group *group = dh_group_find(number, &index);
	struct crypto_dh_state *state = group ? dh_group_state(crypto, group, index) : NULL;
	struct crypto_dh *dh;
	int error;

	if (!state)
		return -ENOTSUP;
	dh = dh_alloc(group, index);
	if (!dh)
		return -ENOMEM;
	if (by_scalar(group))
		error = x25519_make(&dh->scalar, dh->public_value);
	else if (EVP_PKEY_generate(state->keygen, &dh->key) != 1)
		error = crypto_failed();
	else
		error = take_public(dh);
	if (error) {
		crypto_dh_free(dh);
		return error;
	}
	*out = dh;
	return 0;
}

void crypto_dh_free(struct crypto_dh *dh)
{
	if (!dh)
		return;
	EVP_PKEY_free(dh->key);
	secret_free(&dh->scalar);
	free(dh);
}

uint16_t crypto_dh_group(const struct crypto_dh *dh)
{
	return dh->group->number;
}

struct span crypto_dh_public(const struct crypto_dh *dh)
{
	return (struct span){ dh->public_value, dh->group->public_bytes };
}

/* RFC 6989 section 2.1 and, for the group with a small subgroup, 2.2. */
static int modp_check(struct crypto *crypto, const struct crypto_dh_state *state, struct span peer)
{
	BIGNUM *r = BN_bin2bn(peer.p, (int)peer.n, NULL);
	BIGNUM *power = NULL, *p = NULL;
	int error = -EBADMSG;

	if (!r)
		return -ENOMEM;
	if (BN_is_zero(r) || BN_is_one(r) || BN_cmp(r, state->p_minus_1) >= 0)
		goto out;
	error = 0;
	if (!state->q)
		goto out;
	power = BN_new();
	p = BN_dup(state->p_minus_1);
	if (!power || !p || BN_add_word(p, 1) != 1 ||
	    BN_mod_exp(power, r, state->q, p, crypto->bn_ctx) != 1)
		error = crypto_failed();
	else if (!BN_is_one(power))
		error = -EBADMSG;
out:
	BN_free(power);
	BN_free(p);
	BN_free(r);
	return error;
}

/* A key that peers' values are put into, one after the other. */
static EVP_PKEY *peer_template(const struct crypto_dh *dh, const struct crypto_dh_state *state,
			       struct span peer)
{
	EVP_PKEY *key;

	if (dh->group->kind == DH_XDH)
		return EVP_PKEY_new_raw_public_key_ex(NULL, dh->group->name, NULL, peer.p, peer.n);
	key = EVP_PKEY_new();
	if (key && EVP_PKEY_copy_parameters(key, state->params) == 1)
		return key;
	EVP_PKEY_free(key);
	return NULL;
}

/*
 * The peer's value as a key of the group; OpenSSL checks field and curve of a point. The key is the
 * group's, used again: a new one costs more than the short operations of a handshake.
 */
static int peer_key(struct crypto *crypto, const struct crypto_dh *dh, struct span peer,
		    EVP_PKEY **out)
{
	struct crypto_dh_state *state = &crypto->dh[dh->index];
	uint8_t encoded[CRYPTO_DH_PUBLIC_MAX + 1];
	size_t point = dh->group->kind == DH_ECP;

	if (dh->group->kind == DH_MODP) {
		int error = modp_check(crypto, state, peer);

		if (error)
			return error;
	}
	if (!state->peer)
		state->peer = peer_template(dh, state, peer);
	if (!state->peer)
		return crypto_failed();
	encoded[0] = POINT_UNCOMPRESSED;
	memcpy(encoded + point, peer.p, peer.n);
	if (EVP_PKEY_set1_encoded_public_key(state->peer, encoded, peer.n + point) != 1)
		return crypto_refused();
	*out = state->peer;
	return 0;
}

static int derive(const struct crypto_dh *dh, EVP_PKEY *peer, struct secret *shared)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, dh->key, NULL);
	unsigned int pad = 1;
	OSSL_PARAM params[2] = {
		OSSL_PARAM_construct_uint(OSSL_EXCHANGE_PARAM_PAD, &pad),
		OSSL_PARAM_END,
	};
	size_t n = dh->group->shared_bytes;
	int error = 0;

	/* The peer's value was checked already, so OpenSSL's slower check is not asked for. */
	if (!ctx || EVP_PKEY_derive_init_ex(ctx, dh->group->kind == DH_MODP ? params : NULL) != 1)
		error = crypto_failed();
	else if (EVP_PKEY_derive_set_peer_ex(ctx, peer, 0) != 1)
		error = crypto_refused();
	else
		error = secret_new(shared, n);
	if (!error && (EVP_PKEY_derive(ctx, shared->p, &n) != 1 || n != shared->n))
		error = crypto_refused();
	EVP_PKEY_CTX_free(ctx);
	return error;
}

static int compute_by_scalar(const struct crypto_dh *dh, struct span peer, struct secret *shared)
{
	int error = secret_new(shared, dh->group->shared_bytes);

	return error ? error : x25519_compute(&dh->scalar, peer.p, shared->p);
}

static int compute_by_key(struct crypto *crypto, const struct crypto_dh *dh, struct span peer,
			  struct secret *shared)
{
	static const uint8_t zero[CRYPTO_DH_SHARED_MAX];
	EVP_PKEY *key = NULL;
	int error = peer_key(crypto, dh, peer, &key);

	if (!error)
		error = derive(dh, key, shared);
	/* RFC 8031 section 5; a point of a curve may have x = 0. */
	if (!error && dh->group->kind == DH_XDH && secret_equal(shared->p, zero, shared->n))
		error = -EBADMSG;
	return error;
}

int crypto_dh_compute(struct crypto *crypto, struct crypto_dh *dh, struct span peer,
		      struct secret *shared)
{
	int error;

	*shared = (struct secret){ 0 };
	if (is_used(dh))
		return -EINVAL;
	if (peer.n != dh->group->public_bytes)
		return -EBADMSG;
	if (!dh_group_state(crypto, dh->group, dh->index))
		return -ENOTSUP;
	error = dh->scalar.p ? compute_by_scalar(dh, peer, shared)
			     : compute_by_key(crypto, dh, peer, shared);
	if (error)
		secret_free(shared);
	EVP_PKEY_free(dh->key);
	dh->key = NULL;
	secret_free(&dh->scalar);
	return error;
}

int crypto_dh_export(const struct crypto_dh *dh, struct secret *private_value)
{
	BIGNUM *number = NULL;
	size_t n = dh->group->public_bytes;
	int error;

	if (is_used(dh))
		return -EINVAL;
	if (dh->scalar.p)
		return secret_copy(private_value, dh->scalar.p, dh->scalar.n);
	if (dh->group->kind != DH_XDH) {
		if (EVP_PKEY_get_bn_param(dh->key, OSSL_PKEY_PARAM_PRIV_KEY, &number) != 1)
			return crypto_failed();
		n = (size_t)BN_num_bytes(number);
	}
	error = secret_new(private_value, n);
	if (!error && number && BN_bn2binpad(number, private_value->p, (int)n) != (int)n)
		error = -EIO;
	/* EVP_PKEY_get_raw_private_key() would leave a copy in memory that it frees unwiped. */
	if (!error && !number &&
	    EVP_PKEY_get_octet_string_param(dh->key, OSSL_PKEY_PARAM_PRIV_KEY, private_value->p, n,
					    &n) != 1)
		error = -EIO;
	BN_clear_free(number);
	if (error) {
		secret_free(private_value);
		crypto_failed();
	}
	return error;
}

/* The group's parameters with both values added. */
static EVP_PKEY *key_of(const struct crypto_dh *dh, const struct crypto_dh_state *state,
			struct span private_value, struct span public_value)
{
	uint8_t point[CRYPTO_DH_PUBLIC_MAX + 1] = { POINT_UNCOMPRESSED };
	BIGNUM *number = BN_bin2bn(private_value.p, (int)private_value.n, BN_secure_new());
	BIGNUM *public = BN_bin2bn(public_value.p, (int)public_value.n, NULL);
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, state->params, NULL);
	OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
	OSSL_PARAM *group = NULL, *values = NULL, *all = NULL;
	EVP_PKEY *key = NULL;
	bool ok = number && public && ctx && build;

	memcpy(point + 1, public_value.p, public_value.n);
	if (ok && dh->group->kind == DH_ECP)
		ok = OSSL_PARAM_BLD_push_octet_string(build, OSSL_PKEY_PARAM_PUB_KEY, point,
						      public_value.n + 1) == 1;
	else if (ok)
		ok = OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_PUB_KEY, public) == 1;
	ok = ok && OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_PRIV_KEY, number) == 1;
	if (ok) {
		values = OSSL_PARAM_BLD_to_param(build);
		ok = values && EVP_PKEY_todata(state->params, EVP_PKEY_KEY_PARAMETERS, &group) == 1;
	}
	if (ok) {
		all = OSSL_PARAM_merge(group, values);
		if (all && EVP_PKEY_fromdata_init(ctx) == 1)
			(void)EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_KEYPAIR, all);
	}
	OPENSSL_free(all);
	OSSL_PARAM_free(values);
	OSSL_PARAM_free(group);
	OSSL_PARAM_BLD_free(build);
	EVP_PKEY_CTX_free(ctx);
	BN_free(public);
	BN_clear_free(number);
	return key;
}

static int import_values(struct crypto_dh *dh, const struct crypto_dh_state *state,
			 struct span private_value, struct span public_value)
{
	memcpy(dh->public_value, public_value.p, public_value.n);
	if (by_scalar(dh->group))
		return private_value.n == X25519_BYTES
			       ? secret_copy(&dh->scalar, private_value.p, private_value.n)
			       : -EINVAL;
	if (dh->group->kind == DH_XDH)
		dh->key = EVP_PKEY_new_raw_private_key_ex(NULL, dh->group->name, NULL,
							  private_value.p, private_value.n);
	else
		dh->key = key_of(dh, state, private_value, public_value);
	if (dh->key)
		return 0;
	crypto_failed();
	return -EINVAL;
}

int crypto_dh_import(struct crypto *crypto, uint16_t number, struct span private_value,
		     struct span public_value, struct crypto_dh **out)
{
	size_t index = 0;
	const struct dh_group *group = dh_group_find(number, &index);
	const struct crypto_dh_state *state = group ? dh_group_state(crypto, group, index) : NULL;
	struct crypto_dh *dh;
	int error;

	if (!state)
		return -ENOTSUP;
	if (public_value.n != group->public_bytes || private_value.n == 0 ||
	    private_value.n > CRYPTO_DH_PUBLIC_MAX)
		return -EINVAL;
	dh = dh_alloc(group, index);
	if (!dh)
		return -ENOMEM;
	error = import_values(dh, state, private_value, public_value);
	if (error) {
		crypto_dh_free(dh);
		return error;
	}
	*out = dh;
	return 0;
}

void crypto_dh_job_run(struct crypto *crypto, struct crypto_dh_job *job)
{
	job->error = 0;
	if (!job->dh)
		job->error = crypto_dh_new(crypto, job->group, &job->dh);
	if (!job->error && job->peer_len)
		job->error = crypto_dh_compute(
			crypto, job->dh, (struct span){ job->peer, job->peer_len }, &job->shared);
}
