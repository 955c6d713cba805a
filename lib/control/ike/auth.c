#include "control/ike/auth.h"

#include "control/ike/auth_octets.h"

#include <errno.h>
#include <string.h>

int ike_auth_parts(struct crypto *crypto, const struct ike_auth_octets *octets,
		   struct auth_parts *parts)
{
	size_t n = crypto_prf_size(octets->prf);

	if (!n)
		return -ENOTSUP;
	parts->spans[0] = octets->message;
	parts->spans[1] = octets->nonce;
	parts->spans[2] = (struct span){ parts->maced_id, n };
	parts->spans[3] = octets->int_auth;
	return crypto_prf(crypto, octets->prf, octets->sk_p, CRYPTO_PARTS(octets->id),
			  parts->maced_id);
}

static int pad_make(struct crypto *crypto, enum crypto_prf prf, struct span psk,
		    struct ike_auth_pad *pad)
{
	static const char text[] = "Key Pad for IKEv2";
	const struct span key_pad = { (const uint8_t *)text, sizeof(text) - 1 };
	int error = pad->made ? 0 : crypto_prf(crypto, prf, psk, CRYPTO_PARTS(key_pad), pad->bytes);

	pad->made = !error;
	return error;
}

/* AUTH = prf(prf(Shared Secret, "Key Pad for IKEv2"), octets), RFC 7296 section 2.15 */
int ike_auth_psk(struct crypto *crypto, struct span psk, const struct ike_auth_octets *octets,
		 uint8_t *out, size_t *n)
{
	size_t size = crypto_prf_size(octets->prf);
	struct ike_auth_pad own = { 0 };
	struct ike_auth_pad *pad = octets->pad ? octets->pad : &own;
	struct auth_parts parts;
	int error;

	if (!psk.n || *n < size)
		return -EINVAL;
	error = ike_auth_parts(crypto, octets, &parts);
	if (!error)
		error = pad_make(crypto, octets->prf, psk, pad);
	if (!error)
		error = crypto_prf(crypto, octets->prf, (struct span){ pad->bytes, size },
				   (struct crypto_parts){ parts.spans, AUTH_PARTS }, out);
	secret_wipe(&own, sizeof(own));
	*n = size;
	return error;
}

int ike_auth_psk_check(struct crypto *crypto, struct span psk, const struct ike_auth_octets *octets,
		       struct span data)
{
	uint8_t expected[CRYPTO_PRF_MAX];
	size_t n = sizeof(expected);
	int error = ike_auth_psk(crypto, psk, octets, expected, &n);

	if (!error && (data.n != n || !secret_equal(expected, data.p, n)))
		error = -EBADMSG;
	secret_wipe(expected, sizeof(expected));
	return error;
}
