/*
 * Messages of both directions: what the checks accept must be safe to walk. The first byte says the
 * direction; the rest is the message as the ring would have copied it.
 */
#include "contract/message.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static volatile uint8_t sink;

static void touch(const void *bytes, size_t n)
{
	const uint8_t *p = bytes;

	for (size_t i = 0; i < n; i++)
		sink ^= p[i];
}

/* Reads all that a handler would read. */
static void walk_object(const struct contract_header *m)
{
	const struct contract_object *object = contract_object_of(m);
	const uint8_t *body = contract_body_of(m), *opaque;
	bool key_only = m->type == CONTRACT_DELETE || m->type == CONTRACT_CONFIRM;

	sink ^= contract_kind_text(object->kind)[0];
	if (m->type == CONTRACT_LIST || (key_only && object->id))
		return;
	touch(body, contract_body_bytes(object->kind));
	if (key_only)
		return;
	opaque = contract_opaque_of(m);
	touch(body, (size_t)(opaque - body) + object->opaque_length);
	if (opaque + object->opaque_length > (const uint8_t *)m + m->length)
		abort();
}

static void walk_request(const struct contract_header *m)
{
	const struct contract_datagram *d = (const void *)(m + 1);
	const struct contract_header *inner = NULL;

	switch (m->type) {
	case CONTRACT_BATCH:
		while ((inner = contract_batch_next(m, inner)))
			walk_object(inner);
		break;
	case CONTRACT_SEND:
		touch(d + 1, d->length);
		break;
	case CONTRACT_ADOPTED:
	case CONTRACT_PROBE:
		break;
	case CONTRACT_CAPTURE:
		touch(m, m->length);
		break;
	default:
		walk_object(m);
	}
}

static void walk_event(const struct contract_header *m)
{
	const struct contract_datagram *d = (const void *)(m + 1);
	const struct contract_answer *answer = (const void *)(m + 1);

	switch (m->type) {
	case CONTRACT_OBJECT:
		walk_object(m);
		break;
	case CONTRACT_PUNT:
		touch(d + 1, d->length);
		break;
	case CONTRACT_ANSWER:
		touch(answer->reason, strlen(answer->reason));
		sink ^= contract_status_text(answer->status)[0];
		break;
	default:
		touch(m, m->length);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct contract_header *m;
	size_t n;

	if (size < 1 + sizeof(*m) || size > CONTRACT_MESSAGE_MAX)
		return 0;
	n = (size - 1) / 8 * 8;
	m = malloc(n);
	if (!m)
		return 0;
	memcpy(m, data + 1, n);
	m->length = (uint32_t)n; /* the ring holds a record to the length it was copied with */
	if (data[0] & 1) {
		if (!contract_event_check(m))
			walk_event(m);
	} else if (!contract_request_check(m)) {
		walk_request(m);
	}
	free(m);
	return 0;
}
