/* A control that storms: sets, deletes, batches and probes, as many as fit, and checks all answers.
 */
#include "storm.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#define BURST 32

struct sent {
	uint32_t first, count, version; /* count 0: a probe */
};

struct control {
	const struct storm_side *side;
	struct channel *channel;
	uint64_t *message;
	uint8_t *out;
	size_t out_bytes;
	uint64_t seed, next_request, next_answer, last_punt;
	struct sent outstanding[STORM_OUTSTANDING];
	bool listed, seen[STORM_IDS];
	uint32_t versions[STORM_IDS];
	uint32_t list_count;
};

static bool deletes(uint32_t version)
{
	return version % 4 == 0;
}

/* One more message behind those in the buffer. */
static void append(struct control *c, uint32_t id, uint32_t version, uint64_t request)
{
	struct contract_header *h = (void *)(c->out + c->out_bytes);
	struct contract_object *o = (void *)(h + 1);
	size_t n = sizeof(*h) + sizeof(*o);

	memset(h, 0, n + sizeof(struct contract_limit) + CONTRACT_OPAQUE_MAX + 8);
	h->type = deletes(version) ? CONTRACT_DELETE : CONTRACT_SET;
	h->request = request;
	*o = (struct contract_object){ .kind = CONTRACT_LIMIT, .id = id };
	if (!deletes(version)) {
		n += sizeof(struct contract_limit);
		o->opaque_length = (uint16_t)storm_stamp_make(
			(uint8_t *)h + n, id, version,
			(uint32_t)(storm_random(&c->seed) % STORM_STAMP_MAX));
		n += o->opaque_length;
	}
	h->length = (uint32_t)((n + 7) / 8 * 8);
	c->out_bytes += h->length;
}

static int send_out(struct control *c)
{
	struct channel_part part = { c->out, c->out_bytes };

	return channel_send(c->channel, &part, 1);
}

/* The journal says "sent" before it is: the death may come between. */
static int send_change(struct control *c, uint32_t first, uint32_t count)
{
	struct storm_journal *j = c->side->journal;
	uint32_t version = j->sent[first] + 1;
	struct contract_header *h = (void *)c->out;
	int rc;

	c->out_bytes = 0;
	if (count > 1) {
		*h = (struct contract_header){ .type = CONTRACT_BATCH, .request = c->next_request };
		c->out_bytes = sizeof(*h);
		for (uint32_t i = 0; i < count; i++)
			append(c, first + i, version, 0);
		h->length = (uint32_t)c->out_bytes;
	} else {
		append(c, first, version, c->next_request);
	}
	for (uint32_t i = 0; i < count; i++)
		j->sent[first + i] = version;
	rc = send_out(c);
	if (rc) {
		for (uint32_t i = 0; i < count; i++)
			j->sent[first + i] = version - 1;
		return rc;
	}
	c->outstanding[c->next_request++ % STORM_OUTSTANDING] =
		(struct sent){ first, count, version };
	return 0;
}

static int send_bare(struct control *c, enum contract_type type)
{
	struct contract_header *h = (void *)c->out;
	struct contract_object *o = (void *)(h + 1);

	*h = (struct contract_header){ .length = sizeof(*h),
				       .type = type,
				       .request = c->next_request };
	if (type == CONTRACT_LIST) {
		*o = (struct contract_object){ .kind = CONTRACT_LIMIT };
		h->length += sizeof(*o);
	}
	c->out_bytes = h->length;
	if (send_out(c))
		return -EAGAIN;
	c->outstanding[c->next_request++ % STORM_OUTSTANDING] = (struct sent){ 0 };
	return 0;
}

static void storm(struct control *c)
{
	while (c->listed && c->next_request - c->next_answer < STORM_OUTSTANDING) {
		uint64_t r = storm_random(&c->seed);
		uint32_t family = (uint32_t)(r >> 8) % STORM_FAMILIES;
		int rc;

		if (r % 8 == 0)
			rc = send_bare(c, CONTRACT_PROBE);
		else if (r % 8 < 3)
			rc = send_change(c, 1 + STORM_SINGLES + family * STORM_FAMILY,
					 STORM_FAMILY);
		else
			rc = send_change(c, 1 + (uint32_t)(r >> 8) % STORM_SINGLES, 1);
		if (rc)
			return; /* full, or the data plane is gone: both show elsewhere */
	}
}

/* Where the object may stand after what its journal says; the version that it stands at. */
static uint32_t settle(struct control *c, uint32_t id)
{
	struct storm_journal *j = c->side->journal;
	uint32_t version = j->sent[id];

	if (c->seen[id]) {
		version = c->versions[id];
		if (version < j->acked[id] || version > j->sent[id] || deletes(version))
			storm_fail(c->side, "object %u at version %u, answered %u, sent %u", id,
				   version, j->acked[id], j->sent[id]);
		return version;
	}
	while (!deletes(version) && version > j->acked[id])
		version--;
	if (!deletes(version))
		storm_fail(c->side, "object %u is lost, answered %u, sent %u", id, j->acked[id],
			   j->sent[id]);
	return version;
}

static void check_families(struct control *c)
{
	for (uint32_t f = 0; f < STORM_FAMILIES; f++)
		for (uint32_t i = 1; i < STORM_FAMILY; i++) {
			uint32_t a = 1 + STORM_SINGLES + f * STORM_FAMILY, b = a + i;

			if (c->seen[a] != c->seen[b] ||
			    (c->seen[a] && c->versions[a] != c->versions[b]))
				storm_fail(c->side, "half a batch at object %u", a);
		}
}

static void adopt(struct control *c, uint32_t count)
{
	struct storm_journal *j = c->side->journal;

	if (count != c->list_count)
		storm_fail(c->side, "%u objects listed, %u told", c->list_count, count);
	check_families(c);
	for (uint32_t id = 1; id < STORM_IDS; id++)
		j->sent[id] = j->acked[id] = settle(c, id);
	c->listed = true;
	storm_tell(c->side, STORM_LISTED);
}

static void take_answer(struct control *c, const struct contract_header *m)
{
	const struct contract_answer *a = (const void *)(m + 1);
	const struct sent *sent = &c->outstanding[m->request % STORM_OUTSTANDING];
	struct storm_journal *j = c->side->journal;

	if (m->request != c->next_answer || m->request >= c->next_request || a->status)
		storm_fail(c->side, "answer %llu (%u), not %llu", (unsigned long long)m->request,
			   a->status, (unsigned long long)c->next_answer);
	c->next_answer++;
	if (m->request == 1) {
		adopt(c, a->count);
		return;
	}
	for (uint32_t i = 0; i < sent->count; i++)
		j->acked[sent->first + i] = sent->version;
	j->answered++;
	j->batches += sent->count > 1;
}

static void take_object(struct control *c, const struct contract_header *m)
{
	const struct contract_object *o = contract_object_of(m);

	if (c->listed || o->id >= STORM_IDS || c->seen[o->id])
		storm_fail(c->side, "object %u was not asked for", o->id);
	c->seen[o->id] = true;
	c->versions[o->id] = (uint32_t)storm_stamp_check(c->side, contract_opaque_of(m),
							 o->opaque_length, o->id);
	c->list_count++;
}

static void take_punt(struct control *c, const struct contract_header *m)
{
	const struct contract_datagram *d = (const void *)(m + 1);
	uint64_t number = storm_stamp_check(c->side, d + 1, d->length, 0);

	if (number <= c->last_punt)
		storm_fail(c->side, "a punt came twice");
	c->last_punt = number;
	c->side->journal->punts++;
}

static void take(struct control *c)
{
	const struct contract_header *m = (const void *)c->message;
	const char *wrong = contract_event_check(m);

	if (wrong)
		storm_fail(c->side, "an event: %s", wrong);
	if (m->type == CONTRACT_ANSWER)
		take_answer(c, m);
	else if (m->type == CONTRACT_OBJECT)
		take_object(c, m);
	else
		take_punt(c, m);
}

/* All that is there. Answers that were published before the death count. */
static unsigned drain(struct control *c, unsigned most)
{
	unsigned n = 0;
	int rc = 0;

	while (n < most && (rc = channel_receive(c->channel, c->message)) == 1) {
		take(c);
		n++;
	}
	if (rc < 0)
		storm_fail(c->side, "the ring is broken");
	return n;
}

static void attach(struct control *c)
{
	struct storm_journal *j = c->side->journal;
	uint64_t instance;

	while (channel_attach(&c->channel, c->side->path, 2000))
		poll(NULL, 0, 1); /* there is none, or it died while we shook hands */
	c->next_request = c->next_answer = 1;
	c->last_punt = 0;
	c->listed = false;
	c->list_count = 0;
	memset(c->seen, 0, sizeof(c->seen));
	instance = channel_limits(c->channel)->instance;
	if (j->instance != instance) { /* a new one holds nothing */
		for (uint32_t id = 0; id < STORM_IDS; id++)
			j->sent[id] = j->acked[id] = 0;
		j->instance = instance;
	}
	(void)!send_bare(c, CONTRACT_LIST);
}

static void lose(struct control *c)
{
	drain(c, UINT32_MAX);
	c->side->journal->lost += c->next_request - c->next_answer;
	channel_close(c->channel);
	c->channel = NULL;
	storm_tell(c->side, STORM_LOST);
}

void storm_control(const struct storm_side *side)
{
	struct control *c = calloc(1, sizeof(*c));

	c->side = side;
	c->seed = side->seed;
	c->message = aligned_alloc(64, CONTRACT_MESSAGE_MAX);
	c->out = aligned_alloc(64, CONTRACT_MESSAGE_MAX);
	for (;;) {
		unsigned n;

		if (!c->channel)
			attach(c);
		storm(c);
		n = drain(c, BURST);
		if (channel_peer_lost(c->channel))
			lose(c);
		else if (!n && channel_may_sleep(c->channel))
			storm_wait(side, c->channel, -1);
	}
}
