#include "fake_dataplane.h"

#include "base/clock.h"
#include "cmocka_all.h"

#include <event2/event.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void answer(struct fake_dataplane *fake, uint64_t request, uint16_t status, uint32_t count)
{
	struct {
		struct contract_header header;
		struct contract_sa_final final;
	} m = { .header = { sizeof(m), CONTRACT_ANSWER, 0, request } };
	struct channel_part part = { &m, sizeof(m) };

	m.final.answer.status = status;
	m.final.answer.count = count;
	m.final.bytes = 1000;
	if (status)
		snprintf(m.final.answer.reason, sizeof(m.final.answer.reason), "told to refuse");
	m.header.length = sizeof(m.header) + sizeof(m.final.answer);
	part.n = m.header.length;
	assert_int_equal(channel_send(fake->channel, &part, 1), 0);
}

static void list(struct fake_dataplane *fake, const struct contract_header *request)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < fake->listed_count; i++) {
		struct contract_header *object = fake->listed[i];
		struct channel_part part = { object, object->length };

		if (contract_object_of(object)->kind != contract_object_of(request)->kind)
			continue;
		object->request = request->request;
		assert_int_equal(channel_send(fake->channel, &part, 1), 0);
		count++;
	}
	answer(fake, request->request, CONTRACT_APPLIED, count);
}

static void take(struct fake_dataplane *fake, const struct contract_header *message)
{
	uint16_t status = CONTRACT_APPLIED;
	struct contract_header *copy = malloc(message->length);

	assert_null(contract_request_check(message));
	memcpy(copy, message, message->length);
	assert_true(fake->message_count < FAKE_MESSAGES_MAX);
	fake->messages[fake->message_count++] = copy;
	if (fake->mute || !message->request)
		return;
	if (message->type == CONTRACT_LIST) {
		list(fake, message);
		return;
	}
	if (fake->refuse_kind && message->type != CONTRACT_BATCH &&
	    message->length > sizeof(*message) &&
	    contract_object_of(message)->kind == fake->refuse_kind)
		status = CONTRACT_REFUSED_INVALID;
	answer(fake, message->request, status, 0);
}

static void readable(void *context)
{
	struct fake_dataplane *fake = context;
	const struct contract_header *message = (const void *)fake->buffer;

	channel_woken(fake->channel);
	do {
		while (channel_receive(fake->channel, fake->buffer) == 1)
			take(fake, message);
	} while (!channel_may_sleep(fake->channel));
}

/* Takes one control. */
static void asked(void *context)
{
	struct fake_dataplane *fake = context;
	struct contract_limits limits = {
		.session = fake->session + 1,
		.workers = 1,
		.ports = 8,
		.nexthops = 64,
		.groups = 64,
		.tunnels = 64,
		.children = 64,
		.sas = 64,
		.limits = 64,
		.routes4 = 1024,
		.routes6 = 1024,
		.domains = 1,
		.instance = fake->instance,
		.tsc_hz = 1,
	};

	if (channel_accept(fake->listener, &fake->channel, false, &limits, fake->counters.fd))
		return;
	fake->session++;
	event_source_free(fake->listen_source);
	fake->listen_source = NULL;
	assert_int_equal(event_fd_new(&fake->receive_source, fake->loop,
				      channel_event_fd(fake->channel), EVENT_READABLE, readable,
				      fake),
			 0);
	readable(fake);
}

void fake_start(struct fake_dataplane *fake, struct event_loop *loop)
{
	static const uint32_t rows[CONTRACT_SECTIONS] = { 1, 8, 64, 64, 64, 1, 64, 1 };
	static uint64_t instances;

	fake->loop = loop;
	fake->instance = ++instances;
	if (!fake->path[0])
		snprintf(fake->path, sizeof(fake->path), "/tmp/vpngw-fake-%d.sock", getpid());
	assert_int_equal(contract_counters_create(&fake->counters, 1, rows), 0);
	assert_int_equal(channel_listen(&fake->listener, fake->path), 0);
	assert_int_equal(event_fd_new(&fake->listen_source, loop,
				      channel_listener_fd(fake->listener), EVENT_READABLE, asked,
				      fake),
			 0);
}

void fake_stop(struct fake_dataplane *fake)
{
	if (!fake->listener)
		return;
	event_source_free(fake->receive_source);
	event_source_free(fake->listen_source);
	fake->receive_source = fake->listen_source = NULL;
	if (fake->channel)
		channel_close(fake->channel);
	fake->channel = NULL;
	channel_listener_close(fake->listener);
	fake->listener = NULL;
	contract_counters_unmap(&fake->counters);
}

void fake_fini(struct fake_dataplane *fake)
{
	fake_stop(fake);
	for (uint32_t i = 0; i < fake->message_count; i++)
		free(fake->messages[i]);
	for (uint32_t i = 0; i < fake->listed_count; i++)
		free(fake->listed[i]);
	fake->message_count = fake->listed_count = 0;
}

void fake_holds(struct fake_dataplane *fake, enum contract_kind kind, uint32_t id, const void *body,
		uint32_t body_length, const char *opaque)
{
	size_t opaque_length = opaque ? strlen(opaque) : 0;
	size_t n = sizeof(struct contract_header) + sizeof(struct contract_object) + body_length +
		   opaque_length;
	struct contract_header *m = calloc(1, (n + 7) & ~(size_t)7);
	struct contract_object *object = contract_object_of(m);

	m->length = (uint32_t)((n + 7) & ~(size_t)7);
	m->type = CONTRACT_OBJECT;
	object->kind = (uint16_t)kind;
	object->id = id;
	object->opaque_length = (uint16_t)opaque_length;
	memcpy(object + 1, body, body_length);
	if (opaque_length)
		memcpy((uint8_t *)(object + 1) + body_length, opaque, opaque_length);
	fake->listed[fake->listed_count++] = m;
}

void fake_event(struct fake_dataplane *fake, enum contract_type type, const void *body, uint32_t n)
{
	struct contract_header header = { (uint32_t)(sizeof(header) + ((n + 7) & ~7u)), type, 0,
					  0 };
	static const uint8_t zeros[8];
	struct channel_part parts[] = { { &header, sizeof(header) },
					{ body, n },
					{ zeros, header.length - sizeof(header) - n } };

	assert_int_equal(channel_send(fake->channel, parts, 3), 0);
}

static bool is(const struct contract_header *m, enum contract_type type, enum contract_kind kind)
{
	return m->type == type &&
	       (!kind || (m->length > sizeof(*m) && contract_object_of(m)->kind == kind));
}

const struct contract_header *fake_last(const struct fake_dataplane *fake, enum contract_type type,
					enum contract_kind kind)
{
	for (uint32_t i = fake->message_count; i--;)
		if (is(fake->messages[i], type, kind))
			return fake->messages[i];
	return NULL;
}

uint32_t fake_count(const struct fake_dataplane *fake, enum contract_type type,
		    enum contract_kind kind)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < fake->message_count; i++)
		count += is(fake->messages[i], type, kind);
	return count;
}

void fake_run_until(struct event_loop *loop, bool (*condition)(void *context), void *context)
{
	uint64_t end = clock_now_ns(&clock_monotonic) + 10 * CLOCK_NS_PER_S;
	struct timeval step = { .tv_usec = 20000 };

	while (!condition(context)) {
		assert_true(clock_now_ns(&clock_monotonic) < end);
		event_base_loopexit(event_loop_base(loop), &step);
		event_base_loop(event_loop_base(loop), EVLOOP_ONCE);
	}
}
