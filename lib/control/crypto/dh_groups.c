#include "control/crypto/dh_groups.h"

#include "control/crypto/dh.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/param_build.h>

#include <errno.h>

static const struct dh_group groups[CRYPTO_DH_GROUPS] = {
	{ 1, DH_MODP, "modp768", NULL, 96, 96 },
	{ 2, DH_MODP, "modp1024", NULL, 128, 128 },
	{ 5, DH_MODP, "modp1536", "modp_1536", 192, 192 },
	{ 14, DH_MODP, "modp2048", "modp_2048", 256, 256 },
	{ 15, DH_MODP, "modp3072", "modp_3072", 384, 384 },
	{ 16, DH_MODP, "modp4096", "modp_4096", 512, 512 },
	{ 17, DH_MODP, "modp6144", "modp_6144", 768, 768 },
	{ 18, DH_MODP, "modp8192", "modp_8192", 1024, 1024 },
	{ 19, DH_ECP, "ecp256", "P-256", 64, 32 },
	{ 20, DH_ECP, "ecp384", "P-384", 96, 48 },
	{ 21, DH_ECP, "ecp521", "P-521", 132, 66 },
	{ 24, DH_MODP, "modp2048s256", "dh_2048_256", 256, 256 },
	{ 25, DH_ECP, "ecp192", "P-192", 48, 24 },
	{ 26, DH_ECP, "ecp224", "P-224", 56, 28 },
	{ 27, DH_ECP, "ecp224bp", "brainpoolP224r1", 56, 28 },
	{ 28, DH_ECP, "ecp256bp", "brainpoolP256r1", 64, 32 },
	{ 29, DH_ECP, "ecp384bp", "brainpoolP384r1", 96, 48 },
	{ 30, DH_ECP, "ecp512bp", "brainpoolP512r1", 128, 64 },
	{ 31, DH_XDH, "x25519", "X25519", 32, 32 },
	{ 32, DH_XDH, "x448", "X448", 56, 56 },
};

/* Exponent bits for the groups whose size OpenSSL does not choose: twice their strength and more.
 */
#define SMALL_GROUP_EXPONENT_BITS 256

const struct dh_group *dh_group_find(uint16_t number, size_t *index)
{
	for (size_t i = 0; i < CRYPTO_DH_GROUPS; i++) {
		if (groups[i].number != number)
			continue;
		if (index)
			*index = i;
		return &groups[i];
	}
	return NULL;
}

size_t crypto_dh_public_size(uint16_t group)
{
	const struct dh_group *found = dh_group_find(group, NULL);

	return found ? found->public_bytes : 0;
}

const char *crypto_dh_text(uint16_t group)
{
	const struct dh_group *found = dh_group_find(group, NULL);

	return found ? found->text : "?";
}

/* Parameters of a group that has no name: p and g = 2 (RFC 2409 sections 6.1 and 6.2). */
static OSSL_PARAM *small_params(uint16_t number)
{
	BIGNUM *p = number == 1 ? BN_get_rfc2409_prime_768(NULL) : BN_get_rfc2409_prime_1024(NULL);
	BIGNUM *g = BN_new();
	OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
	OSSL_PARAM *params = NULL;

	if (p && g && build && BN_set_word(g, 2) == 1 &&
	    OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_FFC_P, p) == 1 &&
	    OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_FFC_G, g) == 1 &&
	    OSSL_PARAM_BLD_push_long(build, OSSL_PKEY_PARAM_DH_PRIV_LEN,
				     SMALL_GROUP_EXPONENT_BITS) == 1)
		params = OSSL_PARAM_BLD_to_param(build);
	OSSL_PARAM_BLD_free(build);
	BN_free(g);
	BN_free(p);
	return params;
}

static const char *key_type(const struct dh_group *group)
{
	if (group->kind == DH_ECP)
		return "EC";
	if (group->kind == DH_XDH)
		return group->name;
	return group->number == 24 ? "DHX" : "DH";
}

/* A key without values: what peers' keys and imported ones are made from. */
static EVP_PKEY *make_params(const struct dh_group *group)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, key_type(group), NULL);
	OSSL_PARAM named[2] = {
		OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, (char *)group->name,
						 0),
		OSSL_PARAM_END,
	};
	OSSL_PARAM *small = group->name ? NULL : small_params(group->number);
	EVP_PKEY *params = NULL;

	if (!ctx || EVP_PKEY_fromdata_init(ctx) != 1 ||
	    EVP_PKEY_fromdata(ctx, &params, EVP_PKEY_KEY_PARAMETERS, small ? small : named) != 1)
		params = NULL;
	OSSL_PARAM_free(small);
	EVP_PKEY_CTX_free(ctx);
	return params;
}

static int modp_limits(struct crypto_dh_state *state, const struct dh_group *group)
{
	if (EVP_PKEY_get_bn_param(state->params, OSSL_PKEY_PARAM_FFC_P, &state->p_minus_1) != 1 ||
	    BN_sub_word(state->p_minus_1, 1) != 1)
		return crypto_failed();
	if (group->number == 24 &&
	    EVP_PKEY_get_bn_param(state->params, OSSL_PKEY_PARAM_FFC_Q, &state->q) != 1)
		return crypto_failed();
	return 0;
}

static int make_state(struct crypto_dh_state *state, const struct dh_group *group)
{
	if (group->kind == DH_XDH) {
		state->keygen = EVP_PKEY_CTX_new_from_name(NULL, group->name, NULL);
	} else {
		state->params = make_params(group);
		if (!state->params || (group->kind == DH_MODP && modp_limits(state, group)))
			return -ENOTSUP;
		state->keygen = EVP_PKEY_CTX_new_from_pkey(NULL, state->params, NULL);
	}
	if (!state->keygen || EVP_PKEY_keygen_init(state->keygen) != 1)
		return -ENOTSUP;
	return 0;
}

static void free_state(struct crypto_dh_state *state)
{
	EVP_PKEY_CTX_free(state->keygen);
	EVP_PKEY_free(state->params);
	EVP_PKEY_free(state->peer);
	BN_free(state->p_minus_1);
	BN_free(state->q);
	*state = (struct crypto_dh_state){ 0 };
}

struct crypto_dh_state *dh_group_state(struct crypto *crypto, const struct dh_group *group,
				       size_t index)
{
	struct crypto_dh_state *state = &crypto->dh[index];

	if (!state->tried) {
		if (make_state(state, group)) {
			free_state(state);
			ERR_clear_error();
		}
		state->tried = true;
	}
	return state->keygen ? state : NULL;
}

void crypto_dh_states_free(struct crypto *crypto)
{
	for (size_t i = 0; i < CRYPTO_DH_GROUPS; i++)
		free_state(&crypto->dh[i]);
}

bool crypto_dh_supported(struct crypto *crypto, uint16_t number)
{
	size_t index = 0;
	const struct dh_group *group = dh_group_find(number, &index);

	return group && dh_group_state(crypto, group, index);
}
