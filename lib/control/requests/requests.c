#include "control/requests/requests.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/map.h"
#include "base/secret.h"
#include "control/requests/backlog.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TOPIC "dataplane"
/* A data plane that gets little of its processor answers late. */
#define ATTACH_TIMEOUT_NS (2 * CLOCK_NS_PER_S)
#define ATTACH_RETRY_NS (100 * CLOCK_NS_PER_MS)
#define BACKLOG_RETRY_NS (CLOCK_NS_PER_MS)
#define RECEIVE_BURST 256

struct requests {
	struct event_loop *loop;
	struct requests_hooks hooks;
	char *path;
	struct channel *channel;
	struct contract_counters counters;
	struct event_source *event_source;
	struct event_source *peer_source;
	struct event_source *welcome_source;
	struct event_source *retry; /* and an attach that is not answered */
	struct event_source *flush;
	struct map pending; /* request id -> struct pending */
	struct backlog backlog;
	uint64_t last_request;
	uint64_t behind_since_ns; /* since then more has come than was read; 0: all was read */
	int attach_error;	  /* the last one, so that it is logged once */
	int attaching;		  /* the socket of an attach under way, or -1 */
	uint8_t *batch;		  /* one message while it is being put together */
	size_t batch_n;
	bool batch_open;
	uint8_t *receive_buffer;
	uint8_t *encode_buffer;
};

struct pending {
	requests_done done;
	requests_object each;
	void *context;
};

static void attach_try(void *context);

static void pending_finish(struct requests *r, uint64_t request,
			   const struct contract_answer *answer)
{
	struct pending *pending = map_del(&r->pending, &request, sizeof(request));

	if (!pending)
		return;
	if (pending->done)
		pending->done(pending->context, answer);
	free(pending);
}

/* Completions may make new requests: they see no channel and get -ENOTCONN. */
static void pending_lose_all(struct requests *r)
{
	struct map_entry *entry;

	while ((entry = map_next(&r->pending, NULL))) {
		uint64_t request;

		memcpy(&request, entry->key, sizeof(request));
		pending_finish(r, request, NULL);
	}
}

static void detach(struct requests *r)
{
	event_source_free(r->event_source);
	event_source_free(r->peer_source);
	event_source_free(r->welcome_source);
	r->event_source = r->peer_source = r->welcome_source = NULL;
	if (r->attaching >= 0)
		close(r->attaching);
	r->attaching = -1;
	contract_counters_unmap(&r->counters);
	if (r->channel)
		channel_close(r->channel);
	r->channel = NULL;
	backlog_clear(&r->backlog);
}

static void lost(struct requests *r)
{
	log_warn(TOPIC, "the data plane is gone; waiting for it to come back");
	if (r->hooks.losing)
		r->hooks.losing(r->hooks.context);
	detach(r);
	pending_lose_all(r);
	if (r->hooks.lost)
		r->hooks.lost(r->hooks.context);
	event_timer_set(r->retry, 0);
}

static void dispatch(struct requests *r, const struct contract_header *message)
{
	struct pending *pending;

	switch (message->type) {
	case CONTRACT_ANSWER:
		pending_finish(r, message->request, (const void *)(message + 1));
		return;
	case CONTRACT_OBJECT:
		pending = map_get_u64(&r->pending, message->request);
		if (pending && pending->each)
			pending->each(pending->context, message);
		return;
	default:
		r->hooks.event(r->hooks.context, message);
	}
}

static void flush_backlog(void *context)
{
	struct requests *r = context;
	struct span bytes;

	while (r->channel && backlog_first(&r->backlog, &bytes)) {
		struct channel_part part = { bytes.p, bytes.n };
		int rc = channel_send(r->channel, &part, 1);

		if (rc == -EAGAIN) {
			event_timer_set(r->flush, BACKLOG_RETRY_NS);
			return;
		}
		if (rc < 0) {
			lost(r);
			return;
		}
		backlog_drop_first(&r->backlog);
	}
}

static void readable(void *context)
{
	struct requests *r = context;
	const struct contract_header *message = (const void *)r->receive_buffer;
	const char *wrong;
	int rc;

	channel_woken(r->channel);
	for (unsigned int i = 0; i < RECEIVE_BURST; i++) {
		if (i % REQUESTS_ROW == 0) {
			channel_release(r->channel);
			channel_hold(r->channel);
		}
		rc = channel_receive(r->channel, r->receive_buffer);
		if (rc == 0)
			break;
		wrong = rc < 0 ? "the ring is broken" : contract_event_check(message);
		if (wrong) {
			log_error(TOPIC, "closing the channel to the data plane: %s", wrong);
			lost(r);
			return;
		}
		dispatch(r, message);
		if (!r->channel)
			return;
	}
	channel_release(r->channel);
	if (channel_may_sleep(r->channel)) {
		r->behind_since_ns = 0;
	} else { /* more is there: again after other sources ran */
		if (!r->behind_since_ns)
			r->behind_since_ns = clock_now_ns(&clock_monotonic);
		event_timer_set(r->retry, 0);
	}
	flush_backlog(r);
}

static void peer_hung_up(void *context)
{
	struct requests *r = context;

	if (channel_peer_lost(r->channel))
		lost(r);
}

static int attach_sources(struct requests *r)
{
	int rc = contract_counters_map(&r->counters, channel_counters_fd(r->channel));

	if (rc < 0)
		return rc;
	rc = event_fd_new(&r->event_source, r->loop, channel_event_fd(r->channel), EVENT_READABLE,
			  readable, r);
	if (rc < 0)
		return rc;
	return event_fd_new(&r->peer_source, r->loop, channel_peer_fd(r->channel), EVENT_READABLE,
			    peer_hung_up, r);
}

static void attach_failed(struct requests *r, int error)
{
	if (error != r->attach_error)
		log_warn(TOPIC, "cannot attach to the data plane yet socket=%s error=\"%s\"",
			 r->path, strerror(-error));
	r->attach_error = error;
	detach(r);
	event_timer_set(r->retry, ATTACH_RETRY_NS);
}

static void attached(struct requests *r)
{
	const struct contract_limits *limits = channel_limits(r->channel);
	int rc = attach_sources(r);

	if (rc < 0) {
		attach_failed(r, rc);
		return;
	}
	r->attach_error = 0;
	event_timer_cancel(r->retry);
	log_info(TOPIC, "attached session=%u workers=%u instance=%016llx", limits->session,
		 limits->workers, (unsigned long long)limits->instance);
	r->hooks.attached(r->hooks.context, limits);
	if (r->channel)
		readable(r);
}

static void welcomed(void *context)
{
	struct requests *r = context;
	int rc = channel_attach_finish(&r->channel, r->attaching);

	if (rc == -EAGAIN)
		return;
	r->attaching = -1;
	event_source_free(r->welcome_source);
	r->welcome_source = NULL;
	if (rc < 0)
		attach_failed(r, rc);
	else
		attached(r);
}

static void attach_try(void *context)
{
	struct requests *r = context;
	int rc;

	if (r->channel) { /* the timer also says: read again */
		readable(r);
		return;
	}
	if (r->attaching >= 0) {
		attach_failed(r, -ETIMEDOUT);
		return;
	}
	rc = channel_attach_begin(&r->attaching, r->path);
	if (rc == 0)
		rc = event_fd_new(&r->welcome_source, r->loop, r->attaching, EVENT_READABLE,
				  welcomed, r);
	if (rc < 0) {
		attach_failed(r, rc);
		return;
	}
	event_timer_set(r->retry, ATTACH_TIMEOUT_NS);
}

void requests_await(struct requests *r, int timeout_ms)
{
	if (!r->channel && r->attaching < 0)
		attach_try(r);
	if (r->attaching >= 0 &&
	    poll(&(struct pollfd){ .fd = r->attaching, .events = POLLIN }, 1, timeout_ms) > 0)
		welcomed(r);
}

int requests_new(struct requests **requests, struct event_loop *loop, const char *path,
		 const struct requests_hooks *hooks)
{
	struct requests *r = calloc(1, sizeof(*r));

	if (!r)
		return -ENOMEM;
	r->loop = loop;
	r->hooks = *hooks;
	r->counters.fd = -1;
	r->attaching = -1;
	map_init(&r->pending);
	r->path = strdup(path);
	r->receive_buffer = aligned_alloc(64, CONTRACT_MESSAGE_MAX);
	r->encode_buffer = aligned_alloc(64, CONTRACT_MESSAGE_MAX);
	r->batch = aligned_alloc(64, CONTRACT_MESSAGE_MAX);
	if (!r->path || !r->batch || !r->receive_buffer || !r->encode_buffer ||
	    event_timer_new(&r->retry, loop, attach_try, r) < 0 ||
	    event_timer_new(&r->flush, loop, flush_backlog, r) < 0) {
		requests_free(r);
		return -ENOMEM;
	}
	event_timer_set(r->retry, 0);
	*requests = r;
	return 0;
}

void requests_free(struct requests *r)
{
	if (!r)
		return;
	detach(r);
	pending_lose_all(r);
	map_fini(&r->pending);
	event_source_free(r->retry);
	event_source_free(r->flush);
	free(r->batch);
	free(r->receive_buffer);
	free(r->encode_buffer);
	free(r->path);
	free(r);
}

bool requests_attached(const struct requests *r)
{
	return r->channel;
}

const struct contract_limits *requests_limits(const struct requests *r)
{
	return r->channel ? channel_limits(r->channel) : NULL;
}

const struct contract_counters *requests_counters(const struct requests *r)
{
	return r->channel ? &r->counters : NULL;
}

uint64_t requests_read_until_ns(const struct requests *r, uint64_t now_ns)
{
	return r->channel && r->behind_since_ns ? r->behind_since_ns : now_ns;
}

static int pending_add(struct requests *r, requests_done done, requests_object each, void *context,
		       uint64_t *request)
{
	struct pending *pending = malloc(sizeof(*pending));
	int rc;

	if (!pending)
		return -ENOMEM;
	*pending = (struct pending){ .done = done, .each = each, .context = context };
	*request = ++r->last_request;
	rc = map_set(&r->pending, request, sizeof(*request), pending, NULL);
	if (rc < 0)
		free(pending);
	return rc;
}

/* In order: nothing overtakes what already waits. */
static int transmit(struct requests *r, const void *bytes, size_t n)
{
	struct channel_part part = { bytes, n };
	int rc = -EAGAIN;

	if (!r->backlog.first)
		rc = channel_send(r->channel, &part, 1);
	if (rc != -EAGAIN)
		return rc;
	rc = backlog_add(&r->backlog, bytes, n);
	if (rc == 0)
		event_timer_set(r->flush, BACKLOG_RETRY_NS);
	return rc;
}

static int submit(struct requests *r, struct contract_header *header, requests_done done,
		  requests_object each, void *context)
{
	int rc;

	if (!r->channel)
		return -ENOTCONN;
	rc = pending_add(r, done, each, context, &header->request);
	if (rc < 0)
		return rc;
	rc = transmit(r, header, header->length);
	if (rc < 0)
		free(map_del(&r->pending, &header->request, sizeof(header->request)));
	return rc;
}

/* The message in wire form, padded to 8 with zeros; 0 when it does not fit. */
static size_t encode(struct requests *r, const struct requests_message *m, uint8_t *to, size_t room)
{
	struct contract_header header = { .type = m->type };
	struct contract_object object = {
		.kind = m->kind,
		.opaque_length = m->opaque_length,
		.id = m->id,
		.domain = m->domain,
		.owner = m->owner,
		.generation = channel_limits(r->channel)->session,
	};
	size_t n = sizeof(header) + sizeof(object) + m->body_length + m->tail_length +
		   m->opaque_length;
	size_t padded = (n + 7) & ~(size_t)7;
	uint8_t *p = to;

	if (padded > room)
		return 0;
	header.length = (uint32_t)padded;
	p = mempcpy(p, &header, sizeof(header));
	p = mempcpy(p, &object, sizeof(object));
	if (m->body_length)
		p = mempcpy(p, m->body, m->body_length);
	if (m->tail_length)
		p = mempcpy(p, m->tail, m->tail_length);
	if (m->opaque_length)
		p = mempcpy(p, m->opaque, m->opaque_length);
	memset(p, 0, padded - n);
	return padded;
}

static int batch_append(struct requests *r, const struct requests_message *message)
{
	size_t n = encode(r, message, r->batch + r->batch_n, CONTRACT_MESSAGE_MAX - r->batch_n);

	if (!n)
		return -EMSGSIZE;
	r->batch_n += n;
	return 0;
}

int requests_make(struct requests *r, const struct requests_message *message, requests_done done,
		  void *context)
{
	size_t n;
	int rc;

	if (!r->channel)
		return -ENOTCONN;
	if (r->batch_open)
		return batch_append(r, message);
	n = encode(r, message, r->encode_buffer, CONTRACT_MESSAGE_MAX);
	if (!n)
		return -EMSGSIZE;
	rc = submit(r, (struct contract_header *)r->encode_buffer, done, NULL, context);
	if (message->kind == CONTRACT_SA)
		secret_wipe(r->encode_buffer, n);
	return rc;
}

int requests_list(struct requests *r, enum contract_kind kind, requests_object each,
		  requests_done done, void *context)
{
	struct requests_message message = { .type = CONTRACT_LIST, .kind = kind };

	if (!r->channel)
		return -ENOTCONN;
	encode(r, &message, r->encode_buffer, CONTRACT_MESSAGE_MAX);
	return submit(r, (struct contract_header *)r->encode_buffer, done, each, context);
}

static int submit_bare(struct requests *r, enum contract_type type, requests_done done,
		       void *context)
{
	struct contract_header header = { .length = sizeof(header), .type = type };

	return submit(r, &header, done, NULL, context);
}

int requests_body(struct requests *r, enum contract_type type, const struct span *body,
		  requests_done done, void *context)
{
	size_t padded = (sizeof(struct contract_header) + body->n + 7) & ~(size_t)7;
	struct contract_header *header = (struct contract_header *)r->encode_buffer;

	if (padded > CONTRACT_MESSAGE_MAX)
		return -EMSGSIZE;
	memset(r->encode_buffer, 0, padded);
	*header = (struct contract_header){ .length = (uint32_t)padded, .type = type };
	memcpy(header + 1, body->p, body->n);
	return submit(r, header, done, NULL, context);
}

int requests_probe(struct requests *r, requests_done done, void *context)
{
	return submit_bare(r, CONTRACT_PROBE, done, context);
}

int requests_adopted(struct requests *r, requests_done done, void *context)
{
	return submit_bare(r, CONTRACT_ADOPTED, done, context);
}

void requests_batch_begin(struct requests *r)
{
	memset(r->batch, 0, sizeof(struct contract_header));
	r->batch_n = sizeof(struct contract_header);
	r->batch_open = true;
}

void requests_batch_cancel(struct requests *r)
{
	r->batch_open = false;
	secret_wipe(r->batch, r->batch_n);
}

int requests_batch_end(struct requests *r, requests_done done, void *context)
{
	struct contract_header *header = (struct contract_header *)r->batch;
	int rc;

	*header =
		(struct contract_header){ .length = (uint32_t)r->batch_n, .type = CONTRACT_BATCH };
	r->batch_open = false;
	rc = submit(r, header, done, NULL, context);
	secret_wipe(r->batch, r->batch_n);
	return rc;
}

int requests_send(struct requests *r, const struct contract_datagram *datagram, const void *payload)
{
	size_t n = sizeof(struct contract_header) + sizeof(*datagram) + datagram->length;
	struct contract_header header = { .length = (uint32_t)((n + 7) & ~(size_t)7),
					  .type = CONTRACT_SEND };
	static const uint8_t zeros[8];
	struct channel_part parts[] = {
		{ &header, sizeof(header) },
		{ datagram, sizeof(*datagram) },
		{ payload, datagram->length },
		{ zeros, header.length - n },
	};

	if (!r->channel)
		return -ENOTCONN;
	if (r->backlog.first)
		return -EAGAIN;
	return channel_send(r->channel, parts, 4);
}
