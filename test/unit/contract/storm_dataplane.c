/* A data plane that holds objects and answers. Its store dies with it, as SAs do. */
#include "storm.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define BURST 32
#define PUNT_MAX 3000

struct store {
	const struct storm_side *side;
	struct channel *channel;
	uint64_t *message, *out;
	uint64_t seed, next_request, punt;
	struct {
		uint16_t bytes; /* 0: absent */
		uint8_t opaque[CONTRACT_OPAQUE_MAX];
	} objects[STORM_IDS];
};

static void must(struct store *s, int rc, const char *what)
{
	if (rc && rc != -EPIPE)
		storm_fail(s->side, "%s: %s", what, strerror(-rc));
}

static void answer(struct store *s, uint64_t request, uint32_t count)
{
	struct contract_answer a = { .count = count };
	struct contract_header h = { .length = sizeof(h) + sizeof(a),
				     .type = CONTRACT_ANSWER,
				     .request = request };
	struct channel_part parts[] = { { &h, sizeof(h) }, { &a, sizeof(a) } };

	must(s, channel_send(s->channel, parts, 2), "answer");
}

/* SET or DELETE, alone or of a batch. */
static void apply(struct store *s, const struct contract_header *m)
{
	const struct contract_object *o = contract_object_of(m);

	if (o->id >= STORM_IDS)
		storm_fail(s->side, "object %u", o->id);
	if (m->type == CONTRACT_DELETE) {
		s->objects[o->id].bytes = 0;
		return;
	}
	storm_stamp_check(s->side, contract_opaque_of(m), o->opaque_length, o->id);
	s->objects[o->id].bytes = o->opaque_length;
	memcpy(s->objects[o->id].opaque, contract_opaque_of(m), o->opaque_length);
}

static void send_object(struct store *s, uint64_t request, uint32_t id)
{
	static const uint8_t zeros[8];
	struct contract_object o = { .kind = CONTRACT_LIMIT,
				     .id = id,
				     .opaque_length = s->objects[id].bytes };
	struct contract_limit body = { 0 };
	size_t n = sizeof(struct contract_header) + sizeof(o) + sizeof(body) + o.opaque_length;
	struct contract_header h = { .length = (uint32_t)((n + 7) / 8 * 8),
				     .type = CONTRACT_OBJECT,
				     .request = request };
	struct channel_part parts[] = { { &h, sizeof(h) },
					{ &o, sizeof(o) },
					{ &body, sizeof(body) },
					{ s->objects[id].opaque, o.opaque_length },
					{ zeros, h.length - n } };

	must(s, channel_send(s->channel, parts, 5), "list");
}

static void list(struct store *s, uint64_t request)
{
	uint32_t count = 0;

	for (uint32_t id = 0; id < STORM_IDS; id++)
		if (s->objects[id].bytes) {
			send_object(s, request, id);
			count++;
		}
	answer(s, request, count);
}

static void handle(struct store *s, const struct contract_header *m)
{
	const struct contract_header *inner = NULL;
	const char *wrong = contract_request_check(m);

	if (wrong)
		storm_fail(s->side, "a request: %s", wrong);
	if (m->request != s->next_request)
		storm_fail(s->side, "request %llu, not %llu", (unsigned long long)m->request,
			   (unsigned long long)s->next_request);
	s->next_request++;
	if (m->type == CONTRACT_LIST) {
		list(s, m->request);
		return;
	}
	if (m->type == CONTRACT_BATCH)
		while ((inner = contract_batch_next(m, inner)))
			apply(s, inner);
	else if (m->type != CONTRACT_PROBE)
		apply(s, m);
	answer(s, m->request, 0);
}

static void punt(struct store *s)
{
	struct contract_datagram d = { .local_port = 500,
				       .remote_port = 500,
				       .class = CONTRACT_CLASS_IKE };
	size_t n = storm_stamp_make(s->out, 0, ++s->punt,
				    (uint32_t)(storm_random(&s->seed) % PUNT_MAX) & ~7u);
	struct contract_header h = { .length = (uint32_t)(sizeof(h) + sizeof(d) + n),
				     .type = CONTRACT_PUNT };
	struct channel_part parts[] = { { &h, sizeof(h) }, { &d, sizeof(d) }, { s->out, n } };
	int rc;

	d.local = d.remote = net_addr_ip4(0xc0000201);
	d.length = (uint32_t)n;
	rc = channel_send_droppable(s->channel, parts, 3);
	if (rc != -EAGAIN)
		must(s, rc, "punt");
}

static void accept_control(struct store *s, struct channel_listener *listener, int counters)
{
	struct contract_limits limits = { .session = 1, .instance = s->side->instance };
	struct channel *fresh = NULL;
	int rc = channel_accept(listener, &fresh, s->channel != NULL, &limits, counters);

	if (rc)
		return; /* a control that died in the handshake, or one too many */
	s->channel = fresh;
	s->next_request = 1;
}

static void lose_control(struct store *s)
{
	channel_close(s->channel);
	s->channel = NULL;
	storm_tell(s->side, STORM_LOST);
}

static void serve(struct store *s, struct channel_listener *listener)
{
	unsigned done = 0;
	int rc = 0;

	while (done < BURST && channel_has_reserve(s->channel) &&
	       (rc = channel_receive(s->channel, s->message)) == 1) {
		handle(s, (const struct contract_header *)s->message);
		done++;
		if (storm_random(&s->seed) % 4 == 0)
			punt(s);
	}
	if (rc < 0)
		storm_fail(s->side, "the ring is broken");
	if (channel_peer_lost(s->channel)) {
		lose_control(s);
		return;
	}
	if (!done && channel_has_reserve(s->channel) && channel_may_sleep(s->channel))
		storm_wait(s->side, s->channel, channel_listener_fd(listener));
}

void storm_dataplane(const struct storm_side *side)
{
	struct store *s = calloc(1, sizeof(*s));
	int counters = memfd_create("counters", MFD_CLOEXEC), rc;
	struct channel_listener *listener;

	s->side = side;
	s->seed = side->seed;
	s->message = aligned_alloc(64, CONTRACT_MESSAGE_MAX);
	s->out = aligned_alloc(64, CONTRACT_MESSAGE_MAX);
	rc = channel_listen(&listener, side->path);
	if (rc)
		storm_fail(side, "listen: %s", strerror(-rc));
	for (;;) {
		struct pollfd p = { .fd = channel_listener_fd(listener), .events = POLLIN };

		if (s->channel)
			serve(s, listener);
		if (poll(&p, 1, s->channel ? 0 : -1) > 0)
			accept_control(s, listener, counters);
	}
}
