#include "contract/check.h"

#define SPI_RESERVED 255 /* RFC 4303 section 2.1 */
#define WINDOW_MIN 64
#define WINDOW_MAX 4096

struct cipher_row {
	uint8_t key, salt;
	bool aead;
};

static const struct cipher_row ciphers[CONTRACT_CIPHER_COUNT] = {
#define X(name, text, key, salt, iv, block, aead) { key, salt, aead },
	CONTRACT_CIPHERS(X)
#undef X
};

static const struct integrity_row {
	uint8_t key, icv;
} integrities[CONTRACT_INTEGRITY_COUNT] = {
#define X(name, text, key, icv) { key, icv },
	CONTRACT_INTEGRITIES(X)
#undef X
};

/* GCM and CCM may be cut (RFC 4106 section 6, RFC 4309 section 6), GMAC and ChaCha20 may not. */
static bool icv_of_aead_valid(const struct contract_sa *sa)
{
	switch (sa->cipher) {
	case CONTRACT_CIPHER_AES128_GMAC:
	case CONTRACT_CIPHER_AES192_GMAC:
	case CONTRACT_CIPHER_AES256_GMAC:
	case CONTRACT_CIPHER_CHACHA20_POLY1305:
		return sa->icv_bytes == 16;
	default:
		return sa->icv_bytes == 8 || sa->icv_bytes == 12 || sa->icv_bytes == 16;
	}
}

static const char *check_algorithms(const struct contract_sa *sa)
{
	if (sa->cipher >= CONTRACT_CIPHER_COUNT)
		return "the SA's cipher is unknown";
	if (sa->integrity >= CONTRACT_INTEGRITY_COUNT)
		return "the SA's integrity algorithm is unknown";
	if (ciphers[sa->cipher].aead) {
		if (sa->integrity != CONTRACT_INTEGRITY_NONE)
			return "a cipher that authenticates takes no integrity algorithm";
		return icv_of_aead_valid(sa) ? NULL : "the SA's ICV has a wrong length";
	}
	/* RFC 8221 section 4: encryption without integrity must not be used. */
	if (sa->integrity == CONTRACT_INTEGRITY_NONE)
		return "the SA has no integrity protection";
	return sa->icv_bytes == integrities[sa->integrity].icv ? NULL
							       : "the SA's ICV has a wrong length";
}

/* A listed SA carries no key; a SET of an existing one may leave the keys out. */
static const char *check_keys(const struct contract_sa *sa, enum contract_type type)
{
	const struct cipher_row *cipher = &ciphers[sa->cipher];
	bool bare = !sa->key_length && !sa->integrity_key_length;
	size_t carried = sa->key_length, integrity_carried = sa->integrity_key_length;

	if (sa->zero)
		return "the SA's unused field is not zero";
	if (type == CONTRACT_OBJECT)
		carried = integrity_carried = 0;
	else if (!(type == CONTRACT_SET && bare) &&
		 (carried != (size_t)cipher->key + cipher->salt ||
		  integrity_carried != integrities[sa->integrity].key))
		return "the SA's key has a wrong length";
	if (!contract_zero(sa->key + carried, sizeof(sa->key) - carried) ||
	    !contract_zero(sa->integrity_key + integrity_carried,
			   sizeof(sa->integrity_key) - integrity_carried))
		return "the SA carries bytes that belong to no key";
	return NULL;
}

static const char *check_ends(const struct contract_sa *sa)
{
	bool any_peer =
		sa->direction == CONTRACT_INBOUND && contract_zero(&sa->remote, sizeof(sa->remote));

	if (!contract_addr_valid(&sa->local))
		return "the SA's local address is not valid";
	if (!any_peer &&
	    (!contract_addr_valid(&sa->remote) || sa->remote.family != sa->local.family))
		return "the SA's remote address is not valid";
	if (sa->flags & CONTRACT_SA_UDP &&
	    (!sa->local_port || (!sa->remote_port && sa->direction == CONTRACT_OUTBOUND)))
		return "the SA's UDP encapsulation lacks a port";
	return NULL;
}

static const char *check_inbound(const struct contract_sa *sa, uint32_t id)
{
	bool checked = !(sa->flags & CONTRACT_SA_NO_REPLAY_CHECK);

	if ((sa->spi & CONTRACT_SPI_ID_MASK) != id)
		return "the low bits of an inbound SPI are the SA's id";
	if (checked && (sa->window < WINDOW_MIN || sa->window > WINDOW_MAX))
		return "the SA's replay window is 64 to 4096 packets";
	return NULL;
}

static const char *check_outbound(const struct contract_sa *sa)
{
	if (!sa->spread)
		return "the SA's spread is 0; 1 keeps it on one worker";
	if (!(sa->flags & CONTRACT_SA_ESN) && sa->sequence_start > UINT32_MAX)
		return "the SA starts behind its last sequence number";
	return NULL;
}

const char *contract_sa_check(const struct contract_body *body)
{
	const struct contract_sa *sa = (const void *)body->bytes;
	const uint32_t flags = CONTRACT_SA_ESN | CONTRACT_SA_UDP | CONTRACT_SA_TRANSPORT |
			       CONTRACT_SA_NO_REPLAY_CHECK | CONTRACT_SA_TFC;
	const char *wrong;

	if (sa->spi <= SPI_RESERVED)
		return "the SA's SPI is a reserved one";
	if (sa->direction != CONTRACT_INBOUND && sa->direction != CONTRACT_OUTBOUND)
		return "the SA's direction is unknown";
	if (sa->flags & ~flags)
		return "a flag of the SA is unknown";
	if (!sa->tunnel)
		return "the SA belongs to no tunnel";
	wrong = check_algorithms(sa);
	wrong = wrong ? wrong : check_keys(sa, body->type);
	wrong = wrong ? wrong : check_ends(sa);
	if (wrong)
		return wrong;
	return sa->direction == CONTRACT_INBOUND ? check_inbound(sa, body->object->id)
						 : check_outbound(sa);
}
