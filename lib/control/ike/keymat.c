#include "control/ike/keymat.h"

#include "base/writer.h"
#include "control/crypto/cipher.h"

#include <errno.h>
#include <string.h>

#define MORE_MAX 7 /* RFC 9370: at most seven additional key exchanges */

void ike_keys_wipe(struct ike_keys *keys)
{
	secret_free(&keys->block);
	*keys = (struct ike_keys){ 0 };
}

static struct span piece(const struct secret *block, size_t at, size_t n)
{
	return (struct span){ block->p + at, n };
}

struct span ike_keys_d(const struct ike_keys *keys)
{
	return piece(&keys->block, 0, keys->prf_bytes);
}

struct span ike_keys_a(const struct ike_keys *keys, bool initiator)
{
	return piece(&keys->block, keys->prf_bytes + (initiator ? 0 : (size_t)keys->integ_bytes),
		     keys->integ_bytes);
}

struct span ike_keys_e(const struct ike_keys *keys, bool initiator)
{
	size_t at = (size_t)keys->prf_bytes + 2 * (size_t)keys->integ_bytes;

	return piece(&keys->block, at + (initiator ? 0 : (size_t)keys->encr_bytes),
		     keys->encr_bytes);
}

struct span ike_keys_p(const struct ike_keys *keys, bool initiator)
{
	size_t at = (size_t)keys->prf_bytes +
		    2 * ((size_t)keys->integ_bytes + (size_t)keys->encr_bytes);

	return piece(&keys->block, at + (initiator ? 0 : (size_t)keys->prf_bytes), keys->prf_bytes);
}

static void spis_write(uint8_t spis[16], const struct ike_exchange_secrets *in)
{
	struct writer w = writer_of(spis, 16);

	writer_u64(&w, in->spi_i);
	writer_u64(&w, in->spi_r);
}

/* prf+(SKEYSEED, Ni | Nr | SPIi | SPIr) */
static int expand(struct crypto *crypto, const struct ike_suite *suite, struct span skeyseed,
		  const struct ike_exchange_secrets *in, struct ike_keys *keys)
{
	enum crypto_prf prf = ike_suite_prf(suite);
	struct ike_keys made = {
		.prf_bytes = (uint8_t)crypto_prf_key_size(prf),
		.integ_bytes = (uint8_t)crypto_integrity_key_size(ike_suite_integrity(suite)),
		.encr_bytes = (uint8_t)crypto_cipher_key_size(ike_suite_cipher(suite)),
		.prf = (uint8_t)prf,
	};
	uint8_t spis[16];
	int error;

	if (!made.prf_bytes || !made.encr_bytes)
		return -ENOTSUP;
	spis_write(spis, in);
	error = secret_new(&made.block, 3 * (size_t)made.prf_bytes + 2 * (size_t)made.integ_bytes +
						2 * (size_t)made.encr_bytes);
	if (error)
		return error;
	error = crypto_prf_plus(crypto, prf, skeyseed,
				CRYPTO_PARTS(in->ni, in->nr, { spis, sizeof(spis) }), made.block.p,
				made.block.n);
	if (error) {
		ike_keys_wipe(&made);
		return error;
	}
	*keys = made;
	return 0;
}

static struct span at_most(struct span span, size_t n)
{
	return (struct span){ span.p, span.n < n ? span.n : n };
}

int ike_keymat_initial(struct crypto *crypto, const struct ike_suite *suite,
		       const struct ike_exchange_secrets *in, struct ike_keys *keys)
{
	enum crypto_prf prf = ike_suite_prf(suite);
	struct span ni = in->ni, nr = in->nr;
	uint8_t nonces[2 * 256], skeyseed[CRYPTO_PRF_MAX];
	int error;

	if (ni.n + nr.n > sizeof(nonces) || !in->shared.n)
		return -EINVAL;
	/* RFC 7296 section 2.14: these two take the first 64 bits of each nonce as the key. */
	if (prf == CRYPTO_PRF_AES_XCBC || prf == CRYPTO_PRF_AES_CMAC) {
		ni = at_most(ni, 8);
		nr = at_most(nr, 8);
	}
	memcpy(nonces, ni.p, ni.n);
	memcpy(nonces + ni.n, nr.p, nr.n);
	error = crypto_prf(crypto, prf, (struct span){ nonces, ni.n + nr.n },
			   CRYPTO_PARTS(in->shared), skeyseed);
	if (!error)
		error = expand(crypto, suite, (struct span){ skeyseed, crypto_prf_size(prf) }, in,
			       keys);
	secret_wipe(skeyseed, sizeof(skeyseed));
	return error;
}

/* SK(0) | Ni | Nr | SK(1) | ... | SK(n): what a rekey feeds into the PRF (RFC 9370 2.2.4). */
struct seed {
	struct span parts[3 + MORE_MAX];
	size_t n;
};

static int seed_of(const struct ike_exchange_secrets *in, struct seed *seed)
{
	if (in->more_count > MORE_MAX)
		return -EINVAL;
	seed->n = 0;
	if (in->shared.n)
		seed->parts[seed->n++] = in->shared;
	seed->parts[seed->n++] = in->ni;
	seed->parts[seed->n++] = in->nr;
	for (size_t i = 0; i < in->more_count; i++)
		seed->parts[seed->n++] = in->more[i];
	return 0;
}

static int rekey(struct crypto *crypto, const struct ike_keys *old, const struct ike_suite *suite,
		 const struct ike_exchange_secrets *in, struct ike_keys *keys)
{
	uint8_t skeyseed[CRYPTO_PRF_MAX];
	struct seed seed;
	int error;

	if (!in->shared.n)
		return -EINVAL; /* an IKE SA is never rekeyed without a key exchange */
	error = seed_of(in, &seed);
	if (!error)
		error = crypto_prf(crypto, old->prf, ike_keys_d(old),
				   (struct crypto_parts){ seed.parts, seed.n }, skeyseed);
	if (!error)
		error = expand(crypto, suite, (struct span){ skeyseed, crypto_prf_size(old->prf) },
			       in, keys);
	secret_wipe(skeyseed, sizeof(skeyseed));
	return error;
}

int ike_keymat_rekey(struct crypto *crypto, const struct ike_keys *old,
		     const struct ike_suite *suite, const struct ike_exchange_secrets *in,
		     struct ike_keys *keys)
{
	*keys = (struct ike_keys){ 0 };
	return rekey(crypto, old, suite, in, keys);
}

int ike_keymat_step(struct crypto *crypto, const struct ike_suite *suite,
		    const struct ike_exchange_secrets *in, struct ike_keys *keys)
{
	struct ike_keys next = { 0 };
	int error = rekey(crypto, keys, suite, in, &next);

	if (error)
		return error;
	ike_keys_wipe(keys);
	*keys = next;
	return 0;
}

int ike_keymat_ppk(struct crypto *crypto, struct span ppk, struct ike_keys *keys)
{
	struct span pieces[3] = { ike_keys_d(keys), ike_keys_p(keys, true),
				  ike_keys_p(keys, false) };
	uint8_t mixed[CRYPTO_PRF_MAX];
	int error = ppk.n ? 0 : -EINVAL;

	for (int i = 0; !error && i < 3; i++) {
		error = crypto_prf_plus(crypto, keys->prf, ppk, CRYPTO_PARTS(pieces[i]), mixed,
					keys->prf_bytes);
		if (!error)
			memcpy(keys->block.p + (pieces[i].p - keys->block.p), mixed,
			       keys->prf_bytes);
	}
	secret_wipe(mixed, sizeof(mixed));
	return error;
}

int ike_keymat_child(struct crypto *crypto, const struct ike_keys *ike,
		     const struct ike_suite *child, const struct ike_exchange_secrets *in,
		     struct ike_child_keys *keys)
{
	struct ike_child_keys made = {
		.encr_bytes = (uint8_t)crypto_cipher_key_size(ike_suite_cipher(child)),
		.integ_bytes = (uint8_t)crypto_integrity_key_size(ike_suite_integrity(child)),
	};
	struct seed seed;
	int error;

	*keys = (struct ike_child_keys){ 0 };
	/* ESP without any protection cannot be asked for. */
	if (ike_suite_cipher(child) >= CONTRACT_CIPHER_COUNT ||
	    (!ike_suite_is_aead(child) && !made.integ_bytes))
		return -ENOTSUP;
	error = seed_of(in, &seed);
	if (!error)
		error = secret_new(&made.block, 2 * ((size_t)made.encr_bytes + made.integ_bytes));
	if (error)
		return error;
	error = crypto_prf_plus(crypto, ike->prf, ike_keys_d(ike),
				(struct crypto_parts){ seed.parts, seed.n }, made.block.p,
				made.block.n);
	if (error)
		secret_free(&made.block);
	else
		*keys = made;
	return error;
}

void ike_child_keys_wipe(struct ike_child_keys *keys)
{
	secret_free(&keys->block);
	*keys = (struct ike_child_keys){ 0 };
}

/* RFC 7296 section 2.17: initiator to responder first, encryption before integrity. */
struct span ike_child_keys_e(const struct ike_child_keys *keys, bool initiator)
{
	size_t direction = (size_t)keys->encr_bytes + keys->integ_bytes;

	return piece(&keys->block, initiator ? 0 : direction, keys->encr_bytes);
}

struct span ike_child_keys_a(const struct ike_child_keys *keys, bool initiator)
{
	size_t direction = (size_t)keys->encr_bytes + keys->integ_bytes;

	return piece(&keys->block, (initiator ? 0 : direction) + keys->encr_bytes,
		     keys->integ_bytes);
}

void ike_child_sa_fill(struct contract_sa *sa, const struct ike_suite *child,
		       const struct ike_child_keys *keys, bool from_initiator)
{
	struct span e = ike_child_keys_e(keys, from_initiator);
	struct span a = ike_child_keys_a(keys, from_initiator);

	sa->cipher = ike_suite_cipher(child);
	sa->integrity = ike_suite_integrity(child);
	sa->icv_bytes = ike_suite_icv_bytes(child);
	sa->key_length = (uint16_t)e.n;
	sa->integrity_key_length = (uint16_t)a.n;
	memset(sa->key, 0, sizeof(sa->key));
	memset(sa->integrity_key, 0, sizeof(sa->integrity_key));
	memcpy(sa->key, e.p, e.n);
	memcpy(sa->integrity_key, a.p, a.n);
	sa->flags &= ~(uint32_t)CONTRACT_SA_ESN;
	if (child->esn == 1)
		sa->flags |= CONTRACT_SA_ESN;
}

int ike_nat_detection(struct crypto *crypto, const struct ike_header *header,
		      const struct net_addr *addr, uint16_t port, uint8_t hash[20])
{
	uint8_t bytes[16 + 16 + 2];
	struct writer w = writer_of(bytes, sizeof(bytes));

	writer_u64(&w, header->spi_i);
	writer_u64(&w, header->spi_r);
	writer_bytes(&w, addr->bytes, net_addr_len(addr));
	writer_u16(&w, port);
	return crypto_hash(crypto, CRYPTO_HASH_SHA1, CRYPTO_PARTS({ bytes, writer_len(&w) }), hash);
}
