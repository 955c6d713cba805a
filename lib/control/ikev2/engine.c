#include "control/ikev2/engine.h"

#include "base/log.h"
#include "control/ikev2/child.h"
#include "control/ikev2/cookie.h"
#include "control/ikev2/handlers.h"

#include <errno.h>
#include <stdlib.h>

#define FRAGMENT_BYTES 1280
#define IN(state) (1u << IKEV2_STATE_##state)
#define LIVE (IN(ESTABLISHED) | IN(REKEYED) | IN(DELETING))

/* Requests of the peer: in which states, and who serves them. */
static const struct {
	uint8_t exchange;
	uint32_t states;
	ikev2_step_fn serve;
} requests[] = {
	{ IKE_AUTH, IN(HALF_OPEN), ikev2_auth_request },
	{ CREATE_CHILD_SA, LIVE, ikev2_create_request },
	{ INFORMATIONAL, LIVE, ikev2_informational_request },
};

/* Answers, by what was asked. */
static const struct {
	uint8_t exchange;
	ikev2_step_fn serve;
} responses[IKEV2_JOB_KINDS] = {
	[IKEV2_JOB_INIT] = { IKE_SA_INIT, ikev2_init_response },
	[IKEV2_JOB_AUTH] = { IKE_AUTH, ikev2_auth_response },
	[IKEV2_JOB_PROBE] = { INFORMATIONAL, ikev2_informational_response },
	[IKEV2_JOB_CHILD_NEW] = { CREATE_CHILD_SA, ikev2_create_response },
	[IKEV2_JOB_CHILD_REKEY] = { CREATE_CHILD_SA, ikev2_create_response },
	[IKEV2_JOB_CHILD_DELETE] = { INFORMATIONAL, ikev2_informational_response },
	[IKEV2_JOB_REKEY] = { CREATE_CHILD_SA, ikev2_rekey_response },
	[IKEV2_JOB_DELETE] = { INFORMATIONAL, ikev2_informational_response },
	[IKEV2_JOB_MOVE] = { INFORMATIONAL, ikev2_mobike_response },
};

int ikev2_engine_new(const struct ikev2_hooks *hooks, const struct ikev2_engine_config *config,
		     struct ikev2_engine **out)
{
	struct ikev2_engine *engine = calloc(1, sizeof(*engine));
	int error;

	if (!engine)
		return -ENOMEM;
	error = crypto_new(&engine->crypto);
	if (error) {
		free(engine);
		return error;
	}
	engine->hooks = *hooks;
	if (config)
		engine->config = *config;
	if (!engine->config.fragment_bytes)
		engine->config.fragment_bytes = FRAGMENT_BYTES;
	list_init(&engine->sas);
	list_init(&engine->graveyard);
	heap_init(&engine->timers);
	map_init(&engine->by_spi);
	map_init(&engine->by_init);
	map_init(&engine->by_child);
	map_init(&engine->by_connection);
	map_init(&engine->by_source);
	map_init(&engine->tokens);
	*out = engine;
	return 0;
}

static uint32_t no_spi(void *context, const struct ikev2_connection *connection)
{
	return 0;
}

static void no_put(void *context, uint32_t spi)
{
}

static void no_remove(void *context, uint32_t child)
{
}

static void no_trace(void *context, uint64_t ike, const struct ikev2_connection *connection,
		     const char *line)
{
}

void ikev2_engine_free(struct ikev2_engine *engine)
{
	struct list *at;
	struct list *next;

	if (!engine)
		return;
	engine->hooks.spi_get = no_spi;
	engine->hooks.spi_put = no_put;
	engine->hooks.child_remove = no_remove;
	engine->hooks.trace = engine->hooks.trace ? no_trace : NULL;
	list_for_each_safe (at, next, &engine->sas)
		ikev2_sa_bury(list_entry(at, struct ikev2_sa, link));
	ikev2_sa_graves(engine);
	map_fini(&engine->by_spi);
	map_fini(&engine->by_init);
	map_fini(&engine->by_child);
	map_fini(&engine->by_connection);
	map_fini(&engine->by_source);
	map_fini(&engine->tokens);
	heap_fini(&engine->timers);
	free(engine->spare);
	crypto_free(engine->crypto);
	secret_wipe(engine, sizeof(*engine));
	free(engine);
}

void ikev2_engine_enter(struct ikev2_engine *engine, uint64_t now_ns)
{
	engine->depth++;
	if (now_ns > engine->now_ns)
		engine->now_ns = now_ns;
}

void ikev2_engine_leave(struct ikev2_engine *engine)
{
	if (--engine->depth == 0)
		ikev2_sa_graves(engine);
}

uint64_t ikev2_deadline(const struct ikev2_engine *engine)
{
	const struct heap_node *first = heap_first(&engine->timers);

	return first ? first->deadline_ns : 0;
}

void ikev2_tick(struct ikev2_engine *engine, uint64_t now_ns)
{
	struct heap_node *first;

	ikev2_engine_enter(engine, now_ns);
	while ((first = heap_first(&engine->timers)) && first->deadline_ns <= engine->now_ns) {
		struct ikev2_sa *sa = list_entry(first, struct ikev2_sa, timer);
		uint64_t before = first->deadline_ns;

		ikev2_timer_fire(sa);
		/* Whatever is wrong, it must not keep the loop here for ever. */
		if (sa->state != IKEV2_STATE_GONE && sa->timer.deadline_ns == before &&
		    heap_set(&engine->timers, &sa->timer, engine->now_ns + IKEV2_NS_PER_S))
			break;
	}
	ikev2_engine_leave(engine);
}

const struct ikev2_counters *ikev2_counters(const struct ikev2_engine *engine)
{
	return &engine->counters;
}

void ikev2_half_open_elsewhere(struct ikev2_engine *engine, uint32_t count)
{
	engine->half_open_elsewhere = count;
}

/* RFC 7296 section 2.5: an answer with our version, no state, not to everybody. */
static void answer_version(struct ikev2_engine *engine, const struct ikev2_datagram *datagram,
			   const struct ike_header *got)
{
	const struct ike_header header = {
		.spi_i = got->spi_i,
		.spi_r = got->spi_r,
		.major = IKE_VERSION_MAJOR,
		.exchange = got->exchange,
		.flags = IKE_FLAG_RESPONSE,
		.message_id = got->message_id,
	};
	struct ike_builder b;
	struct span message;

	if (ike_header_is_response(got) || got->major <= IKE_VERSION_MAJOR ||
	    !ikev2_cookie_may_answer(engine))
		return;
	ike_build_start(&b, engine->buffer, sizeof(engine->buffer), &header);
	ike_build_notify(&b, IKE_N_INVALID_MAJOR_VERSION, (struct span){ 0 });
	if (!ike_build_end(&b, &message))
		ikev2_exchange_send_raw(engine, &datagram->path, datagram->non_esp_marker, message,
					NULL);
}

/* Section 2.21.3: syntax that is wrong under protection ends the IKE SA on both sides. */
static void malformed(struct ikev2_task *task, enum ike_error error)
{
	struct ikev2_sa *sa = task->sa;
	uint16_t notify = ike_error_notify(error);
	uint8_t type = task->message.unknown_critical;

	ikev2_trace_local(sa, "refused: %s", ike_error_text(error));
	sa->engine->counters.dropped++;
	if (!notify || task->message.header.exchange == IKE_SA_INIT) {
		ikev2_task_free(task);
		return;
	}
	if (!ike_header_is_response(&task->message.header))
		ikev2_exchange_respond_notify(task, notify,
					      notify == IKE_N_UNSUPPORTED_CRITICAL_PAYLOAD
						      ? (struct span){ &type, 1 }
						      : (struct span){ 0 });
	ikev2_task_free(task);
	if (notify != IKE_N_UNSUPPORTED_CRITICAL_PAYLOAD)
		ikev2_sa_end(sa, IKEV2_REASON_PAYLOAD, ike_error_text(error));
}

/*
 * An answer that is awaited or the request that is due: it can be no replay. Nothing else says that
 * the peer lives and where (RFC 7296 section 2.4 and 2.23).
 */
static bool is_fresh(const struct ikev2_sa *sa, const struct ike_header *header)
{
	return ike_header_is_response(header) || header->message_id == sa->expected_id;
}

/* Something protected and fresh came from the peer. */
static void alive(struct ikev2_sa *sa, const struct ikev2_task *task)
{
	sa->last_seen_ns = sa->engine->now_ns;
	if (ike_header_is_response(&task->message.header))
		ikev2_child_confirmed(sa, false); /* before ALIVE: flows return on it */
	if (sa->suspect) {
		sa->suspect = false;
		ikev2_sa_event(sa, IKEV2_EVENT_ALIVE, IKEV2_REASON_NONE, NULL);
	}
	/* Section 2.23: a peer behind a NAT is followed, when we are not behind one ourselves. */
	if (sa->nat_remote && !sa->nat_local && !sa->mobike && sa->state == IKEV2_STATE_ESTABLISHED)
		ikev2_mobike_path(sa, &task->path, task->marker);
}

static bool is_ike_rekey(const struct ike_message *message)
{
	const struct ike_payload *offer = ike_message_find(message, IKE_PAYLOAD_SA);

	return offer && offer->body.n > 5 && offer->body.p[5] == IKE_PROTOCOL_IKE;
}

static void serve_request(struct ikev2_task *task)
{
	const struct ike_header *header = &task->message.header;

	for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++) {
		if (requests[i].exchange != header->exchange ||
		    !(requests[i].states >> task->sa->state & 1))
			continue;
		if (requests[i].serve == ikev2_create_request && is_ike_rekey(&task->message))
			ikev2_task_run(task, ikev2_rekey_request);
		else
			ikev2_task_run(task, requests[i].serve);
		return;
	}
	task->sa->engine->counters.dropped++;
	ikev2_task_free(task);
}

/* Opens SK or SKF in place. True when a whole message lies in the task. */
static enum ike_error open_message(struct ikev2_task *task, bool *whole)
{
	struct ikev2_sa *sa = task->sa;
	const struct ike_sk sk = {
		.crypto = sa->engine->crypto,
		.suite = &sa->suite,
		.keys = &sa->keys,
		.initiator = !sa->initiator,
	};
	struct ike_reassembly **slot =
		&sa->reassembly[ike_header_is_response(&task->message.header)];
	struct span content;
	enum ike_error error = ike_sk_open(&sk, &task->message, &content);

	*whole = error == IKE_ERROR_OK && task->message.sk_type == IKE_PAYLOAD_SK;
	if (error != IKE_ERROR_OK || *whole)
		return error;
	if (!sa->fragmentation)
		return IKE_ERROR_PAYLOAD_PLACE;
	/* RFC 7383 section 2.6.1: what was answered, or is not due yet, is not collected. */
	if (!is_fresh(sa, &task->message.header))
		return IKE_ERROR_OK;
	if (*slot && (*slot)->deadline_ns && (*slot)->deadline_ns < sa->engine->now_ns)
		ike_reassembly_reset(*slot);
	if (!*slot)
		*slot = calloc(1, sizeof(**slot));
	if (!*slot)
		return IKE_ERROR_MEMORY;
	error = ike_reassembly_add(*slot, &task->message, content, sa->engine->now_ns,
				   &task->whole);
	if (error != IKE_ERROR_OK || !task->whole.bytes)
		return error;
	*whole = true;
	error = ike_message_append(&task->message, (*slot)->first,
				   (struct span){ task->whole.bytes, task->whole.n });
	ike_reassembly_reset(*slot);
	free(*slot);
	*slot = NULL;
	return error;
}

/* True when the request is the one that is due; a retransmission gets its answer again. */
static bool due_request(struct ikev2_sa *sa, const struct ikev2_task *task)
{
	const struct ike_message *message = &task->message;

	if (message->header.message_id == sa->expected_id) {
		ikev2_child_confirmed(sa, true);
		return true;
	}
	if (message->header.message_id + 1 == sa->expected_id && sa->has_response &&
	    (message->sk_type == IKE_PAYLOAD_SK || message->sk_number == 1))
		ikev2_exchange_resend(sa, &task->path, task->marker);
	else
		sa->engine->counters.dropped++;
	return false;
}

static void handle(struct ikev2_task *task)
{
	struct ikev2_sa *sa = task->sa;
	bool response = ike_header_is_response(&task->message.header);
	bool whole = true;
	enum ike_error error = IKE_ERROR_OK;

	if (task->message.header.exchange != IKE_SA_INIT) {
		if (!task->message.sk_type)
			error = IKE_ERROR_ICV; /* not protected: nothing to believe */
		else
			error = open_message(task, &whole);
		if ((error == IKE_ERROR_OK || ike_error_notify(error)) &&
		    is_fresh(sa, &task->message.header))
			alive(sa, task);
	}
	if (error == IKE_ERROR_OK && !response && !due_request(sa, task))
		whole = false;
	if (error == IKE_ERROR_OK && whole)
		error = ike_message_check(&task->message);
	if (error != IKE_ERROR_OK) {
		malformed(task, error);
		return;
	}
	if (!whole) {
		ikev2_task_free(task);
		return;
	}
	ikev2_trace_message(sa, "RECEIVED", &task->message, &task->path);
	if (response)
		ikev2_task_run(task, responses[sa->own->job->kind].serve);
	else
		serve_request(task);
}

static void to_sa(struct ikev2_sa *sa, const struct ikev2_datagram *datagram,
		  const struct ike_header *header)
{
	bool response = ike_header_is_response(header);
	struct ikev2_task *task;

	if (response && (!sa->own || sa->own->message_id != header->message_id ||
			 responses[sa->own->job->kind].exchange != header->exchange)) {
		sa->engine->counters.dropped++;
		return;
	}
	if (sa->reason && sa->state == IKEV2_STATE_HALF_OPEN && header->message_id != 1) {
		sa->engine->counters.dropped++; /* refused already */
		return;
	}
	if (ikev2_task_new(sa, response ? IKEV2_SLOT_RESPONSE : IKEV2_SLOT_REQUEST, &task)) {
		sa->engine->counters.dropped++; /* it is being worked on */
		return;
	}
	task->path = datagram->path;
	task->marker = datagram->non_esp_marker;
	task->bytes = malloc(datagram->bytes.n);
	if (!task->bytes) {
		ikev2_task_free(task);
		return;
	}
	task->bytes_n = datagram->bytes.n;
	memcpy(task->bytes, datagram->bytes.p, datagram->bytes.n);
	if (ike_message_decode((struct span){ task->bytes, datagram->bytes.n }, &task->message) !=
	    IKE_ERROR_OK) {
		sa->engine->counters.dropped++;
		ikev2_task_free(task);
		return;
	}
	handle(task);
	ikev2_exchange_kick(sa);
	ikev2_timer_schedule(sa);
}

void ikev2_receive(struct ikev2_engine *engine, const struct ikev2_datagram *datagram,
		   uint64_t now_ns)
{
	struct ike_header header;
	enum ike_error error = ike_header_decode(datagram->bytes, &header);
	struct ikev2_sa *sa;

	ikev2_engine_enter(engine, now_ns);
	engine->counters.received++;
	if (error != IKE_ERROR_OK) {
		engine->counters.dropped++;
		if (error == IKE_ERROR_MAJOR_VERSION)
			answer_version(engine, datagram, &header);
		ikev2_engine_leave(engine);
		return;
	}
	sa = ikev2_sa_find(engine, ike_header_is_initiator(&header) ? header.spi_r : header.spi_i);
	/* The other side's SPI is zero only in answers to a first message. */
	if (sa && sa->peer_spi &&
	    sa->peer_spi != (ike_header_is_initiator(&header) ? header.spi_i : header.spi_r))
		sa = NULL;
	if (sa && sa->initiator != ike_header_is_initiator(&header))
		to_sa(sa, datagram, &header);
	else if (!sa && header.exchange == IKE_SA_INIT && !header.spi_r &&
		 !ike_header_is_response(&header) && ike_header_is_initiator(&header))
		ikev2_init_receive(engine, datagram, &header);
	else
		engine->counters.dropped++;
	ikev2_engine_leave(engine);
}

int ikev2_initiate(struct ikev2_engine *engine, const struct ikev2_dial *dial, uint64_t now_ns,
		   uint64_t *ike)
{
	struct ikev2_sa *sa;
	int error;

	if (engine->shutting_down)
		return -ESHUTDOWN;
	error = ikev2_sa_new(engine, true, &sa);
	if (error)
		return error;
	ikev2_engine_enter(engine, now_ns);
	sa->path = dial->path;
	if (!sa->path.local_port)
		sa->path.local_port = IKE_PORT;
	if (!sa->path.remote_port)
		sa->path.remote_port = IKE_PORT;
	sa->floated = sa->path.remote_port != IKE_PORT;
	sa->user = dial->user;
	sa->reauthenticates = dial->reauthenticates;
	ikev2_sa_set_connection(sa, dial->connection);
	sa->setup = calloc(1, sizeof(*sa->setup));
	if (!sa->setup || !ikev2_job_add(sa, IKEV2_JOB_INIT)) {
		ikev2_sa_bury(sa);
		ikev2_engine_leave(engine);
		return -ENOMEM;
	}
	*ike = sa->spi;
	ikev2_exchange_kick(sa);
	ikev2_timer_schedule(sa);
	ikev2_engine_leave(engine);
	return 0;
}
