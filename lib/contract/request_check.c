#include "contract/check.h"

static const char *check_bare(const struct contract_header *m)
{
	return contract_padding_check(m, sizeof(*m));
}

const char *contract_datagram_check(const struct contract_header *m)
{
	const struct contract_datagram *d = (const void *)(m + 1);

	if (m->length < sizeof(*m) + sizeof(*d))
		return "the message is too short for a datagram";
	if (d->length > m->length)
		return "the datagram is longer than its message";
	if (!contract_addr_valid(&d->local) || !contract_addr_valid(&d->remote) ||
	    d->local.family != d->remote.family)
		return "the datagram's addresses are not valid";
	if (!d->local_port || !d->remote_port)
		return "the datagram lacks a UDP port";
	if (d->class < CONTRACT_CLASS_IKE || d->class > CONTRACT_CLASS_SSTP)
		return "the datagram's class is unknown";
	if (d->non_esp_marker > 1 || d->dscp > 63 || !contract_zero(d->zero, sizeof(d->zero)))
		return "a field of the datagram is out of range";
	return contract_padding_check(m, sizeof(*m) + sizeof(*d) + d->length);
}

static const char *check_batch(const struct contract_header *m);

enum place { ALONE = 1, IN_BATCH = 2 };

/* Which requests there are, where they may stand, and whether they have an answer. */
static const struct request_row {
	const char *(*check)(const struct contract_header *message);
	uint8_t places;
	bool answered;
} requests[] = {
	[CONTRACT_ADD] = { contract_object_check, ALONE | IN_BATCH, true },
	[CONTRACT_SET] = { contract_object_check, ALONE | IN_BATCH, true },
	[CONTRACT_DELETE] = { contract_key_check, ALONE | IN_BATCH, true },
	[CONTRACT_CONFIRM] = { contract_key_check, ALONE | IN_BATCH, true },
	[CONTRACT_LIST] = { contract_kind_check, ALONE, true },
	[CONTRACT_BATCH] = { check_batch, ALONE, true },
	[CONTRACT_ADOPTED] = { check_bare, ALONE, true },
	[CONTRACT_SEND] = { contract_datagram_check, ALONE, false },
	[CONTRACT_PROBE] = { check_bare, ALONE, true },
	[CONTRACT_CAPTURE] = { contract_capture_check, ALONE, true },
};

static const char *check_request(const struct contract_header *m, size_t room, enum place place)
{
	const struct request_row *row = &requests[0];
	const char *wrong = contract_header_check(m, room);

	if (wrong)
		return wrong;
	if (m->type < sizeof(requests) / sizeof(requests[0]))
		row = &requests[m->type];
	if (!row->check)
		return "the request's type is unknown";
	if (!(row->places & place))
		return "a request of this type does not stand in a batch";
	if (place == IN_BATCH ? m->request != 0 : row->answered != (m->request != 0))
		return "the request's number is missing or too many";
	return row->check(m);
}

static const char *check_batch(const struct contract_header *batch)
{
	const uint8_t *p = (const uint8_t *)(batch + 1);
	const uint8_t *end = (const uint8_t *)batch + batch->length;

	while (p < end) {
		const struct contract_header *m = (const void *)p;
		const char *wrong = check_request(m, (size_t)(end - p), IN_BATCH);

		if (wrong)
			return wrong;
		p += m->length;
	}
	return NULL;
}

const char *contract_request_check(const struct contract_header *message)
{
	return check_request(message, CONTRACT_MESSAGE_MAX, ALONE);
}
