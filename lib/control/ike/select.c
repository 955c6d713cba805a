#include "base/cursor.h"
#include "control/ike/suite_tables.h"

#include <errno.h>
#include <stdio.h>

struct peer_proposal {
	uint8_t number;
	uint8_t protocol;
	uint8_t types; /* 1 << transform type that occurs, usable or not */
	bool unusable; /* an unknown transform type */
	struct span spi;
	uint16_t first; /* in peer_sa.transforms */
	uint16_t count;
};

struct peer_sa {
	uint16_t count;
	uint16_t transform_count;
	struct peer_proposal proposals[IKE_PEER_PROPOSALS_MAX];
	struct ike_transform transforms[IKE_PEER_TRANSFORMS_MAX]; /* usable ones only */
};

/* False when an attribute is there that we do not know: the transform is then not usable. */
static bool decode_attributes(struct cursor *c, uint16_t *key_bits)
{
	bool known = true;

	while (cursor_ok(c) && cursor_left(c)) {
		uint16_t type = cursor_u16(c);
		uint16_t value = cursor_u16(c);

		if (type & 0x8000) {
			if (type != (0x8000 | IKE_ATTRIBUTE_KEY_LENGTH) || *key_bits || !value)
				known = false;
			*key_bits = value;
		} else {
			cursor_take(c, value);
			known = false;
		}
	}
	return known;
}

static enum ike_error decode_transform(struct cursor *c, bool last, struct peer_sa *sa,
				       struct peer_proposal *proposal)
{
	uint8_t more = cursor_u8(c);
	uint16_t length;
	struct ike_transform transform = { 0 };
	struct cursor sub;
	bool usable;

	cursor_u8(c);
	length = cursor_u16(c);
	if (!cursor_ok(c) || length < 8 || more != (last ? 0 : 3))
		return IKE_ERROR_SA_SYNTAX;
	sub = cursor_sub(c, (size_t)length - 4);
	transform.type = cursor_u8(&sub);
	cursor_u8(&sub);
	transform.id = cursor_u16(&sub);
	usable = decode_attributes(&sub, &transform.key_bits);
	if (!cursor_ok(&sub))
		return IKE_ERROR_SA_SYNTAX;
	if (transform.type == 0 || transform.type >= IKE_TRANSFORM_TYPES) {
		proposal->unusable = true;
		return IKE_ERROR_OK;
	}
	proposal->types |= (uint8_t)(1u << transform.type);
	if (!usable)
		return IKE_ERROR_OK;
	if (sa->transform_count == IKE_PEER_TRANSFORMS_MAX)
		return IKE_ERROR_SA_TOO_LARGE;
	sa->transforms[sa->transform_count++] = transform;
	proposal->count++;
	return IKE_ERROR_OK;
}

static enum ike_error check_spi(const struct peer_proposal *proposal)
{
	switch (proposal->protocol) {
	case IKE_PROTOCOL_IKE:
		return proposal->spi.n == 0 || proposal->spi.n == 8 ? IKE_ERROR_OK
								    : IKE_ERROR_SA_SPI;
	case IKE_PROTOCOL_AH:
	case IKE_PROTOCOL_ESP:
		return proposal->spi.n == 4 ? IKE_ERROR_OK : IKE_ERROR_SA_SPI;
	default:
		return IKE_ERROR_OK; /* never chosen */
	}
}

static enum ike_error decode_proposal(struct cursor *c, struct peer_sa *sa)
{
	struct peer_proposal *proposal = &sa->proposals[sa->count];
	uint8_t more = cursor_u8(c);
	uint8_t spi_size, count;
	uint16_t length;
	struct cursor sub;
	enum ike_error error;

	cursor_u8(c);
	length = cursor_u16(c);
	if (!cursor_ok(c) || length < 8)
		return IKE_ERROR_SA_SYNTAX;
	sub = cursor_sub(c, (size_t)length - 4);
	*proposal = (struct peer_proposal){ .number = cursor_u8(&sub),
					    .protocol = cursor_u8(&sub),
					    .first = sa->transform_count };
	spi_size = cursor_u8(&sub);
	count = cursor_u8(&sub);
	proposal->spi = cursor_span(&sub, spi_size);
	if (!cursor_ok(&sub) || count == 0 || more != (cursor_left(c) ? 2 : 0))
		return IKE_ERROR_SA_SYNTAX;
	error = check_spi(proposal);
	for (uint8_t i = 0; !error && i < count; i++)
		error = decode_transform(&sub, i + 1 == count, sa, proposal);
	if (!error && cursor_left(&sub))
		error = IKE_ERROR_SA_SYNTAX;
	return error;
}

/* An answer keeps the number of the proposal it chose, a request counts from 1. */
static enum ike_error decode_sa(struct span body, bool answer, struct peer_sa *sa)
{
	struct cursor c = cursor_of(body.p, body.n);

	sa->count = sa->transform_count = 0;
	do {
		enum ike_error error;

		if (sa->count == IKE_PEER_PROPOSALS_MAX)
			return IKE_ERROR_SA_TOO_LARGE;
		error = decode_proposal(&c, sa);
		if (error)
			return error;
		sa->count++;
		if (!answer && sa->proposals[sa->count - 1].number != sa->count)
			return IKE_ERROR_SA_NUMBER;
	} while (cursor_left(&c));
	return IKE_ERROR_OK;
}

enum ike_error ike_sa_check(struct span body)
{
	struct peer_sa sa;

	return decode_sa(body, false, &sa);
}

static bool same(const struct ike_transform *a, const struct ike_transform *b)
{
	return a->type == b->type && a->id == b->id && a->key_bits == b->key_bits;
}

static bool peer_has(const struct peer_sa *sa, const struct peer_proposal *peer,
		     const struct ike_transform *transform)
{
	for (uint16_t i = 0; i < peer->count; i++)
		if (same(&sa->transforms[peer->first + i], transform))
			return true;
	return false;
}

static bool own_has_type(const struct ike_proposal *own, enum ike_transform_type type)
{
	for (uint8_t i = 0; i < own->count; i++)
		if (own->transforms[i].type == type)
			return true;
	return false;
}

struct pair {
	const struct peer_sa *sa;
	const struct peer_proposal *peer;
	const struct ike_proposal *own;
};

static void suite_set(struct ike_suite *suite, const struct ike_transform *transform)
{
	switch (transform->type) {
	case IKE_TRANSFORM_ENCR:
		suite->encr = transform->id;
		suite->key_bits = transform->key_bits;
		break;
	case IKE_TRANSFORM_PRF:
		suite->prf = transform->id;
		break;
	case IKE_TRANSFORM_INTEG:
		suite->integ = transform->id;
		break;
	case IKE_TRANSFORM_DH:
		suite->dh = transform->id;
		break;
	default:
		suite->esn = transform->id;
		break;
	}
}

/* What a type that is left out stands for. */
static bool absent_is_none(enum ike_transform_type type)
{
	return type == IKE_TRANSFORM_INTEG || type == IKE_TRANSFORM_DH || type == IKE_TRANSFORM_ESN;
}

/*
 * The first transform of ours that the peer has. A side without the type offers NONE (INTEG, DH)
 * or no ESN, which have number 0 all three.
 */
static const struct ike_transform *choose(const struct pair *pair, enum ike_transform_type type,
					  uint16_t prefer)
{
	static const struct ike_transform none[IKE_TRANSFORM_TYPES] = {
		[IKE_TRANSFORM_INTEG] = { IKE_TRANSFORM_INTEG, 0, AUTH_NONE, 0 },
		[IKE_TRANSFORM_DH] = { IKE_TRANSFORM_DH, 0, IKE_DH_NONE, 0 },
		[IKE_TRANSFORM_ESN] = { IKE_TRANSFORM_ESN, 0, IKE_ESN_NO, 0 },
	};
	bool peer_typed = pair->peer->types & 1u << type;
	const struct ike_transform *first = NULL;

	if (!own_has_type(pair->own, type)) {
		if (!absent_is_none(type))
			return NULL;
		return !peer_typed || peer_has(pair->sa, pair->peer, &none[type]) ? &none[type]
										  : NULL;
	}
	for (uint8_t i = 0; i < pair->own->count; i++) {
		const struct ike_transform *own = &pair->own->transforms[i];

		if (own->type != type)
			continue;
		if (peer_typed ? !peer_has(pair->sa, pair->peer, own)
			       : !(absent_is_none(type) && own->id == 0))
			continue;
		if (prefer && own->id == prefer)
			return own;
		if (!first)
			first = own;
	}
	return first;
}

/* Types a protocol negotiates (RFC 7296 section 3.3.3); any other makes a proposal unacceptable. */
static uint8_t types_of(uint8_t protocol)
{
	uint8_t common =
		1u << IKE_TRANSFORM_ENCR | 1u << IKE_TRANSFORM_INTEG | 1u << IKE_TRANSFORM_DH;

	return common |
	       (protocol == IKE_PROTOCOL_IKE ? 1u << IKE_TRANSFORM_PRF : 1u << IKE_TRANSFORM_ESN);
}

static bool pair_fits(const struct ike_select *select, const struct pair *pair)
{
	return !pair->peer->unusable && pair->peer->protocol == select->protocol &&
	       pair->own->protocol == select->protocol && pair->peer->spi.n == select->spi_size &&
	       !(pair->peer->types & ~types_of(select->protocol));
}

/* Fills the suite; returns the set of types without a common transform (0: it matches). */
static uint8_t match(const struct ike_select *select, const struct pair *pair,
		     struct ike_suite *suite)
{
	uint8_t failed = 0, wanted = types_of(select->protocol);

	*suite = (struct ike_suite){ .protocol = select->protocol,
				     .number = pair->peer->number,
				     .spi_size = (uint8_t)pair->peer->spi.n };
	if (pair->peer->spi.n)
		memcpy(suite->spi, pair->peer->spi.p, pair->peer->spi.n);
	for (int type = IKE_TRANSFORM_ENCR; type < IKE_TRANSFORM_TYPES; type++) {
		const struct ike_transform *chosen;

		if (!(wanted & 1u << type) || (type == IKE_TRANSFORM_DH && select->ignore_dh))
			continue;
		chosen = choose(pair, type, type == IKE_TRANSFORM_DH ? select->ke_group : 0);
		if (!chosen) {
			failed |= (uint8_t)(1u << type);
			continue;
		}
		suite_set(suite, chosen);
		if (pair->peer->types & 1u << type)
			suite->present |= (uint8_t)(1u << type);
	}
	return failed;
}

int ike_select(const struct ike_select *select, struct span body, struct ike_suite *suite)
{
	struct peer_sa sa;

	if (decode_sa(body, false, &sa))
		return -EBADMSG;
	for (size_t i = 0; i < select->count; i++) {
		for (uint16_t k = 0; k < sa.count; k++) {
			struct pair pair = { &sa, &sa.proposals[k], &select->policy[i] };

			if (pair_fits(select, &pair) && !match(select, &pair, suite))
				return 0;
		}
	}
	*suite = (struct ike_suite){ 0 };
	return -ENOENT;
}

/* Exactly the types that we offered; INTEG NONE beside a combined-mode cipher says nothing new. */
static bool answer_types_fit(const struct ike_select *offered, const struct pair *pair)
{
	uint8_t ours = 0, theirs = pair->peer->types;

	for (uint8_t i = 0; i < pair->own->count; i++)
		ours |= (uint8_t)(1u << pair->own->transforms[i].type);
	if (offered->ignore_dh)
		ours &= (uint8_t) ~(1u << IKE_TRANSFORM_DH);
	if (!(ours & 1u << IKE_TRANSFORM_INTEG))
		theirs &= (uint8_t) ~(1u << IKE_TRANSFORM_INTEG);
	return ours == theirs;
}

int ike_select_answer(const struct ike_select *offered, struct span body, struct ike_suite *suite)
{
	struct peer_sa sa;
	struct pair pair;

	*suite = (struct ike_suite){ 0 };
	if (decode_sa(body, true, &sa))
		return -EBADMSG;
	pair = (struct pair){ .sa = &sa, .peer = &sa.proposals[0] };
	if (sa.count != 1 || pair.peer->number == 0 || pair.peer->number > offered->count)
		return -EPROTO;
	pair.own = &offered->policy[pair.peer->number - 1];
	/* One usable transform a type: as many transforms as types. */
	if (!pair_fits(offered, &pair) || !answer_types_fit(offered, &pair) ||
	    pair.peer->count != __builtin_popcount(pair.peer->types) ||
	    match(offered, &pair, suite)) {
		*suite = (struct ike_suite){ 0 };
		return -EPROTO;
	}
	return 0;
}

static const char *type_name(int type)
{
	static const char *const names[IKE_TRANSFORM_TYPES] = { "",	 "ENCR", "PRF",
								"INTEG", "DH",	 "ESN" };

	return names[type];
}

static void list_types(char *buf, size_t size, size_t *n, const struct ike_transform *transforms,
		       size_t count, int type)
{
	bool any = false;

	for (size_t i = 0; i < count && *n < size; i++) {
		char name[48];

		if (transforms[i].type != type)
			continue;
		*n += (size_t)snprintf(buf + *n, size - *n, "%s%s", any ? ", " : " ",
				       suite_transform_text(name, sizeof(name), &transforms[i]));
		any = true;
	}
	if (!any && *n < size)
		*n += (size_t)snprintf(buf + *n, size - *n, " none");
}

const char *ike_select_why(const struct ike_select *select, struct span body, char *buf,
			   size_t size)
{
	struct peer_sa sa;
	struct ike_suite suite;
	struct pair best = { 0 };
	uint8_t best_failed = 0;
	size_t n = 0;

	buf[0] = 0;
	if (decode_sa(body, false, &sa))
		return buf;
	for (size_t i = 0; i < select->count; i++) {
		for (uint16_t k = 0; k < sa.count; k++) {
			struct pair pair = { &sa, &sa.proposals[k], &select->policy[i] };
			uint8_t failed;

			if (!pair_fits(select, &pair))
				continue;
			failed = match(select, &pair, &suite);
			if (!best.sa ||
			    __builtin_popcount(failed) < __builtin_popcount(best_failed)) {
				best = pair;
				best_failed = failed;
			}
		}
	}
	if (!best.sa)
		snprintf(buf, size, "no proposal has the protocol and the transform types for it");
	for (int type = IKE_TRANSFORM_ENCR; best.sa && type < IKE_TRANSFORM_TYPES; type++) {
		if (!(best_failed & 1u << type) || n >= size)
			continue;
		n += (size_t)snprintf(buf + n, size - n, "%s%s: peer offers", n ? "; " : "",
				      type_name(type));
		list_types(buf, size, &n, sa.transforms + best.peer->first, best.peer->count, type);
		if (n < size)
			n += (size_t)snprintf(buf + n, size - n, ", policy has");
		list_types(buf, size, &n, best.own->transforms, best.own->count, type);
	}
	return buf;
}
