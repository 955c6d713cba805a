#include "base/log.h"
#include "control/ikev2/auth.h"
#include "control/ikev2/cookie.h"
#include "control/ikev2/init.h"

#include <errno.h>
#include <stdlib.h>

#define HALF_OPEN_S 30
#define HALF_OPEN_COOKIES 64
#define HALF_OPEN_MAX 4096
#define HALF_OPEN_SOURCE 5
#define RESENT_MAX 16

/* A first message is known again by these. */
struct init_key {
	uint64_t spi_i;
	struct net_addr remote;
	uint16_t remote_port;
	uint16_t zero[3];
};

static struct init_key key_of(uint64_t spi_i, const struct ikev2_path *path)
{
	return (struct init_key){ .spi_i = spi_i,
				  .remote = path->remote,
				  .remote_port = path->remote_port };
}

/* Half-open IKE SAs per source: an IPv4 address, an IPv6 /64. */
static size_t source_key(const struct net_addr *addr, const void **key)
{
	*key = addr->bytes;
	return addr->family == NET_IP6 ? 8 : 4;
}

static uint32_t source_max(const struct ikev2_engine_config *config)
{
	return config->half_open_source ? config->half_open_source : HALF_OPEN_SOURCE;
}

static uintptr_t source_count(const struct ikev2_engine *engine, const struct net_addr *addr)
{
	const void *key;
	size_t n = source_key(addr, &key);

	return (uintptr_t)map_get(&engine->by_source, key, n);
}

static void source_add(struct ikev2_engine *engine, const struct net_addr *addr, int by)
{
	const void *key;
	size_t n = source_key(addr, &key);
	uintptr_t count = source_count(engine, addr);

	if (by < 0 && count <= 1)
		map_del(&engine->by_source, key, n);
	else if (map_set(&engine->by_source, key, n, (void *)(count + (uintptr_t)(intptr_t)by),
			 NULL))
		engine->counters.dropped++;
}

void ikev2_init_close(struct ikev2_sa *sa)
{
	struct ikev2_engine *engine = sa->engine;
	struct init_key key;
	struct cursor c;

	if (sa->initiator || !sa->setup || !sa->setup->started_ns)
		return;
	/* The path may have moved on to port 4500: the first message knows where it came from. */
	c = cursor_of(sa->setup->request.p + sa->setup->request.n, sizeof(key));
	cursor_copy(&c, &key, sizeof(key));
	map_del(&engine->by_init, &key, sizeof(key));
	source_add(engine, &key.remote, -1);
	engine->counters.half_open--;
	sa->setup->started_ns = 0;
}

/* Keeps the request, with its key behind the counted bytes, and counts it. */
static int open_half(struct ikev2_sa *sa, const struct ikev2_datagram *datagram)
{
	struct ikev2_engine *engine = sa->engine;
	struct init_key key = key_of(sa->peer_spi, &datagram->path);
	struct ikev2_setup *setup = calloc(1, sizeof(*setup));
	uint8_t *bytes = malloc(datagram->bytes.n + sizeof(key));

	if (!setup || !bytes || map_set(&engine->by_init, &key, sizeof(key), sa, NULL)) {
		free(setup);
		free(bytes);
		return -ENOMEM;
	}
	memcpy(bytes, datagram->bytes.p, datagram->bytes.n);
	memcpy(bytes + datagram->bytes.n, &key, sizeof(key));
	setup->request = (struct ikev2_bytes){ bytes, datagram->bytes.n };
	setup->started_ns = engine->now_ns ? engine->now_ns : 1;
	sa->setup = setup;
	source_add(engine, &key.remote, 1);
	engine->counters.half_open++;
	return 0;
}

static void answer(struct ikev2_engine *engine, const struct ikev2_datagram *to,
		   const struct ike_header *request, uint16_t notify, struct span data)
{
	const struct ike_header header = {
		.spi_i = request->spi_i,
		.major = IKE_VERSION_MAJOR,
		.exchange = IKE_SA_INIT,
		.flags = IKE_FLAG_RESPONSE,
	};
	struct ike_builder b;
	struct span message;

	ike_build_start(&b, engine->buffer, sizeof(engine->buffer), &header);
	ike_build_notify(&b, notify, data);
	if (!ike_build_end(&b, &message))
		ikev2_exchange_send_raw(engine, &to->path, to->non_esp_marker, message, NULL);
}

static enum ikev2_step init_refuse(struct ikev2_task *task, uint16_t notify, struct span data)
{
	const struct ikev2_datagram to = { .path = task->path, .non_esp_marker = task->marker };

	if (ikev2_cookie_may_answer(task->sa->engine))
		answer(task->sa->engine, &to, &task->message.header, notify, data);
	task->sa->engine->counters.init_dropped++;
	ikev2_sa_bury(task->sa);
	return IKEV2_DONE;
}

/* Why a known peer was turned away: its connection's status says so. */
static void tell_refused(struct ikev2_task *task, enum ikev2_reason reason, const char *detail)
{
	const struct ikev2_event event = {
		.kind = IKEV2_EVENT_FAILED,
		.reason = (uint8_t)reason,
		.ike = task->sa->spi,
		.connection = task->found[0],
		.path = &task->path,
		.detail = detail,
	};

	if (ikev2_cookie_may_answer(task->sa->engine))
		task->sa->engine->hooks.event(task->sa->engine->hooks.context, &event);
}

/* Peers send a certificate only when they are asked: for the first candidate that wants one. */
static void build_certreq(const struct ikev2_setup *setup, struct ike_builder *b)
{
	for (uint16_t i = 0; i < setup->candidate_count; i++) {
		const struct ikev2_config *config = &setup->candidates[i]->config;

		if (config->remote_auth == IKEV2_AUTH_CERT) {
			ikev2_auth_build_certreq(config, b);
			return;
		}
	}
}

static enum ikev2_step send_response(struct ikev2_task *task)
{
	struct ikev2_sa *sa = task->sa;
	struct ikev2_engine *engine = sa->engine;
	struct ikev2_setup *setup = sa->setup;
	struct ike_header header;
	struct ikev2_init_payloads payloads;
	struct ike_builder b;

	if (task->error == -EBADMSG)
		return init_refuse(task, IKE_N_INVALID_SYNTAX, (struct span){ 0 });
	if (secret_random(setup->nr, IKEV2_NONCE_BYTES))
		return init_refuse(task, IKE_N_TEMPORARY_FAILURE, (struct span){ 0 });
	setup->nr_len = IKEV2_NONCE_BYTES;
	if (ikev2_init_keys(task)) {
		ikev2_sa_bury(sa);
		return IKEV2_DONE;
	}
	header = ikev2_exchange_header(sa, IKE_SA_INIT, true, 0);
	payloads = (struct ikev2_init_payloads){ .header = &header,
						 .dh = task->dh->dh,
						 .nonce = { setup->nr, setup->nr_len } };
	ikev2_exchange_start_response(sa, &b, &task->message);
	ike_build_suite(&b, &sa->suite, (struct span){ 0 });
	ikev2_init_build(sa, &b, &payloads);
	ike_build_notify(&b, IKE_N_CHILDLESS_IKEV2_SUPPORTED, (struct span){ 0 });
	build_certreq(setup, &b);
	if (ikev2_exchange_respond(task, &b) ||
	    ikev2_init_keep(&setup->response, ike_packets_get(&sa->response, 0))) {
		ikev2_sa_bury(sa);
		return IKEV2_DONE;
	}
	ikev2_sa_state(sa, IKEV2_STATE_HALF_OPEN, "answered the first request");
	sa->expire_ns = engine->now_ns +
			(engine->config.half_open_s ? engine->config.half_open_s : HALF_OPEN_S) *
				IKEV2_NS_PER_S;
	return IKEV2_DONE;
}

/* The first candidate whose policy fits, in the caller's order. */
static int select_suite(struct ikev2_task *task, uint16_t group)
{
	const struct ike_payload *offer = ike_message_find(&task->message, IKE_PAYLOAD_SA);
	struct ike_select select = { .protocol = IKE_PROTOCOL_IKE, .ke_group = group };
	bool allowed = false;

	for (size_t i = 0; i < task->found_count; i++) {
		const struct ikev2_config *config = &task->found[i]->config;
		int error;

		if (config->mode == IKEV2_MODE_INITIATOR)
			continue;
		allowed = true;
		select.policy = config->policy->ike_accept;
		select.count = config->policy->ike_accept_count;
		error = ike_select(&select, offer->body, &task->sa->suite);
		if (error != -ENOENT)
			return error;
	}
	if (!allowed) {
		tell_refused(task, IKEV2_REASON_REFUSED_MODE, "");
	} else {
		ike_select_why(&select, offer->body, task->detail, sizeof(task->detail));
		tell_refused(task, IKEV2_REASON_PROPOSAL_IKE, task->detail);
	}
	return -ENOENT;
}

static enum ikev2_step looked_up(struct ikev2_task *task)
{
	struct ikev2_sa *sa = task->sa;
	struct ikev2_setup *setup = sa->setup;
	struct span nonce;
	struct ike_ke ke;
	uint8_t wanted[2];
	int error;

	if (!task->found_count)
		return init_refuse(task, IKE_N_NO_PROPOSAL_CHOSEN, (struct span){ 0 });
	if (ike_ke_decode(ike_message_find(&task->message, IKE_PAYLOAD_KE)->body, &ke) ||
	    ike_nonce_decode(ike_message_find(&task->message, IKE_PAYLOAD_NONCE)->body, &nonce))
		return init_refuse(task, IKE_N_INVALID_SYNTAX, (struct span){ 0 });
	error = select_suite(task, ke.group);
	if (error)
		return init_refuse(
			task, error == -ENOENT ? IKE_N_NO_PROPOSAL_CHOSEN : IKE_N_INVALID_SYNTAX,
			(struct span){ 0 });
	if (sa->suite.dh != ke.group) {
		wanted[0] = (uint8_t)(sa->suite.dh >> 8);
		wanted[1] = (uint8_t)sa->suite.dh;
		return init_refuse(task, IKE_N_INVALID_KE_PAYLOAD, (struct span){ wanted, 2 });
	}
	if (!ikev2_init_nonce_fits(&sa->suite, nonce.n))
		return init_refuse(task, IKE_N_INVALID_SYNTAX, (struct span){ 0 });
	memcpy(setup->ni, nonce.p, nonce.n);
	setup->ni_len = (uint16_t)nonce.n;
	setup->candidates = task->found;
	setup->candidate_count = (uint16_t)task->found_count;
	task->found = NULL;
	task->found_count = 0;
	ikev2_init_notifies(sa, &task->message);
	ikev2_mobike_check_nat(sa, &task->message, &task->path);
	return ikev2_task_dh(task, ke.group, ke.data, send_response);
}

enum ikev2_step ikev2_init_request(struct ikev2_task *task)
{
	return ikev2_task_lookup(task, looked_up);
}

/*
 * From so many half-open IKE SAs on, of all or of this source, a request must prove that its sender
 * is there: else a stranger with its address could use up what the source may have.
 */
static bool wants_cookie(const struct ikev2_engine_config *config, uint32_t total, uintptr_t source)
{
	uint32_t all = config->half_open_cookies ? config->half_open_cookies : HALF_OPEN_COOKIES;

	return total >= all || source >= (source_max(config) + 1) / 2;
}

/* True when the request may cost state. */
static bool admit(struct ikev2_engine *engine, const struct ikev2_datagram *datagram,
		  const struct ike_message *message)
{
	const struct ikev2_engine_config *config = &engine->config;
	uint32_t total = engine->counters.half_open + engine->half_open_elsewhere;
	uintptr_t source = source_count(engine, &datagram->path.remote);
	struct ikev2_cookie of = { .path = &datagram->path, .spi_i = message->header.spi_i };
	const struct ike_payload *nonce = ike_message_find(message, IKE_PAYLOAD_NONCE);
	uint8_t cookie[IKEV2_COOKIE_BYTES];
	struct ike_notify given;

	if (total >= (config->half_open_max ? config->half_open_max : HALF_OPEN_MAX))
		return false;
	if (wants_cookie(config, total, source)) {
		if (ike_nonce_decode(nonce->body, &of.nonce) != IKE_ERROR_OK)
			return false;
		/* A wrong cookie is no cookie: the answer is a new one. */
		if (ike_notify_find(message, IKE_N_COOKIE, &given) != IKE_ERROR_OK ||
		    !ikev2_cookie_good(engine, &of, given.data)) {
			if (!ikev2_cookie_make(engine, &of, cookie)) {
				answer(engine, datagram, &message->header, IKE_N_COOKIE,
				       (struct span){ cookie, sizeof(cookie) });
				engine->counters.cookies_sent++;
			}
			return false;
		}
	}
	return source < source_max(config);
}

/*
 * The request again: the same answer, or none while it is worked on. Not for ever: the address may
 * be forged, and the answer is larger than the request.
 */
static void again(struct ikev2_sa *sa, const struct ikev2_datagram *datagram)
{
	struct ikev2_setup *setup = sa->setup;
	const struct ikev2_bytes *first = &setup->request;

	if (!sa->has_response || sa->expected_id != 1 || setup->resent == RESENT_MAX ||
	    first->n != datagram->bytes.n ||
	    memcmp(first->p, datagram->bytes.p, datagram->bytes.n) != 0) {
		sa->engine->counters.dropped++;
		return;
	}
	setup->resent++;
	ikev2_exchange_resend(sa, &datagram->path, datagram->non_esp_marker);
}

static int open_sa(struct ikev2_engine *engine, const struct ikev2_datagram *datagram,
		   const struct ike_header *header)
{
	struct ikev2_sa *sa;
	struct ikev2_task *task;
	int error = ikev2_sa_new(engine, false, &sa);

	if (error)
		return error;
	sa->peer_spi = header->spi_i;
	sa->path = datagram->path;
	sa->floated = datagram->non_esp_marker;
	error = open_half(sa, datagram);
	if (!error)
		error = ikev2_task_new(sa, IKEV2_SLOT_REQUEST, &task);
	if (error) {
		ikev2_sa_bury(sa);
		return error;
	}
	task->path = datagram->path;
	task->marker = datagram->non_esp_marker;
	/* Decoded again: the spans must point into what the IKE SA keeps. */
	if (ike_message_decode((struct span){ sa->setup->request.p, sa->setup->request.n },
			       &task->message) != IKE_ERROR_OK) {
		ikev2_sa_bury(sa);
		return -EBADMSG;
	}
	ikev2_trace_message(sa, "RECEIVED", &task->message, &task->path);
	ikev2_task_run(task, ikev2_init_request);
	ikev2_timer_schedule(sa);
	return 0;
}

void ikev2_init_receive(struct ikev2_engine *engine, const struct ikev2_datagram *datagram,
			const struct ike_header *header)
{
	struct init_key key = key_of(header->spi_i, &datagram->path);
	struct ikev2_sa *known = map_get(&engine->by_init, &key, sizeof(key));
	struct ike_message message;
	enum ike_error error;

	if (known) {
		again(known, datagram);
		return;
	}
	engine->counters.init_dropped++;
	if (engine->shutting_down || header->message_id)
		return;
	error = ike_message_decode(datagram->bytes, &message);
	if (error == IKE_ERROR_OK)
		error = ike_message_check(&message);
	if (error != IKE_ERROR_OK) {
		uint16_t notify = ike_error_notify(error);

		if (notify && ikev2_cookie_may_answer(engine))
			answer(engine, datagram, header, notify,
			       notify == IKE_N_UNSUPPORTED_CRITICAL_PAYLOAD
				       ? (struct span){ &message.unknown_critical, 1 }
				       : (struct span){ 0 });
		return;
	}
	if (!admit(engine, datagram, &message))
		return;
	if (!open_sa(engine, datagram, header))
		engine->counters.init_dropped--;
}
