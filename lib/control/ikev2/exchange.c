#include "control/ikev2/exchange.h"

#include "base/log.h"
#include "control/ikev2/child.h"
#include "control/ikev2/handlers.h"

#include <errno.h>
#include <stdlib.h>

#define RETRANSMIT_MS 4000
#define RETRANSMIT_TRIES 5
#define DELETE_TRIES 3
#define JOB_ATTEMPTS 8
#define AUTH_NS (30 * IKEV2_NS_PER_S)
#define URGENT_NS (150 * IKEV2_NS_PER_MS)
#define URGENT_APART_NS (IKEV2_NS_PER_MS / 10) /* of all IKE SAs together */
#define PAUSE_NS (20 * IKEV2_NS_PER_MS)
#define BEHIND_NS (250 * IKEV2_NS_PER_MS)
#define BEHIND_MOST_NS (10 * IKEV2_NS_PER_S)
#define IN(state) (1u << IKEV2_STATE_##state)

/* What may be started in which state of the IKE SA. */
static const struct {
	ikev2_step_fn start;
	uint32_t states;
	const char *name;
} job_kinds[IKEV2_JOB_KINDS] = {
	[IKEV2_JOB_INIT] = { ikev2_init_start, IN(NEW) | IN(INIT_SENT), "IKE_SA_INIT" },
	[IKEV2_JOB_AUTH] = { ikev2_auth_start, IN(INIT_SENT), "IKE_AUTH" },
	[IKEV2_JOB_PROBE] = { ikev2_informational_start, IN(ESTABLISHED), "liveness" },
	[IKEV2_JOB_CHILD_NEW] = { ikev2_create_start, IN(ESTABLISHED), "new child" },
	[IKEV2_JOB_CHILD_REKEY] = { ikev2_create_start, IN(ESTABLISHED), "child rekey" },
	[IKEV2_JOB_CHILD_DELETE] = { ikev2_informational_start, IN(ESTABLISHED), "child delete" },
	[IKEV2_JOB_REKEY] = { ikev2_rekey_start, IN(ESTABLISHED), "IKE rekey" },
	[IKEV2_JOB_DELETE] = { ikev2_informational_start,
			       IN(ESTABLISHED) | IN(REKEYED) | IN(DELETING), "IKE delete" },
	[IKEV2_JOB_MOVE] = { ikev2_mobike_start, IN(ESTABLISHED), "address update" },
};

struct ikev2_job *ikev2_job_add(struct ikev2_sa *sa, enum ikev2_job_kind kind)
{
	struct ikev2_job *job = calloc(1, sizeof(*job));

	if (!job)
		return NULL;
	job->kind = (uint8_t)kind;
	list_add_tail(&sa->jobs, &job->link);
	return job;
}

struct ikev2_job *ikev2_job_find(const struct ikev2_sa *sa, enum ikev2_job_kind kind,
				 uint32_t child)
{
	struct list *at;

	list_for_each (at, &sa->jobs) {
		struct ikev2_job *job = list_entry(at, struct ikev2_job, link);

		if (job->kind == kind && job->child == child)
			return job;
	}
	return NULL;
}

void ikev2_job_free(struct ikev2_job *job)
{
	free(job);
}

int ikev2_job_again(struct ikev2_sa *sa, struct ikev2_job *job)
{
	uint64_t base = (job->attempts < 6 ? 1u << job->attempts : 60) * IKEV2_NS_PER_S / 2;
	uint32_t random = 0;

	if (++job->attempts > JOB_ATTEMPTS || secret_random(&random, sizeof(random))) {
		ikev2_job_free(job);
		return -ELOOP;
	}
	/* Two peers that were in each other's way must not meet again. */
	job->not_before_ns = sa->engine->now_ns + base + base / 1024 * (random % 1024);
	list_add_tail(&sa->jobs, &job->link);
	return 0;
}

static struct ikev2_job *next_job(const struct ikev2_sa *sa)
{
	struct ikev2_job *best = NULL;
	struct list *at;

	list_for_each (at, &sa->jobs) {
		struct ikev2_job *job = list_entry(at, struct ikev2_job, link);

		if (!(job_kinds[job->kind].states >> sa->state & 1))
			continue;
		if (!best || job->not_before_ns < best->not_before_ns)
			best = job;
		if (job->kind == IKEV2_JOB_DELETE || !job->not_before_ns)
			return job;
	}
	return best;
}

void ikev2_exchange_kick(struct ikev2_sa *sa)
{
	struct ikev2_job *job;
	struct ikev2_task *task;

	/* A task that ends without having sent anything makes room for the next job. */
	while (sa->state != IKEV2_STATE_GONE && !sa->own && !sa->tasks[IKEV2_SLOT_LOCAL] &&
	       !sa->tasks[IKEV2_SLOT_RESPONSE]) {
		job = next_job(sa);
		if (!job || job->not_before_ns > sa->engine->now_ns ||
		    ikev2_task_new(sa, IKEV2_SLOT_LOCAL, &task))
			return;
		list_del(&job->link);
		task->job = job;
		task->path = sa->path;
		ikev2_trace_local(sa, "starting %s", job_kinds[job->kind].name);
		ikev2_task_run(task, job_kinds[job->kind].start);
	}
}

uint64_t ikev2_exchange_deadline(const struct ikev2_sa *sa)
{
	const struct ikev2_job *job;

	if (sa->tasks[IKEV2_SLOT_LOCAL] || sa->tasks[IKEV2_SLOT_RESPONSE])
		return 0;
	if (sa->own)
		return sa->own->next_ns;
	job = next_job(sa);
	return job ? (job->not_before_ns ? job->not_before_ns : 1) : 0;
}

void ikev2_exchange_free(struct ikev2_exchange *exchange)
{
	if (!exchange)
		return;
	ike_packets_fini(&exchange->packets);
	secret_free(&exchange->dh_private);
	free(exchange->dh_public.p);
	secret_wipe(exchange, sizeof(*exchange));
	free(exchange);
}

void ikev2_exchange_end(struct ikev2_sa *sa)
{
	struct ikev2_exchange *own = sa->own;

	if (!own)
		return;
	sa->own = NULL;
	ikev2_job_free(own->job);
	crypto_dh_free(own->offer.dh);
	if (own->offer.esp_spi)
		sa->engine->hooks.spi_put(sa->engine->hooks.context, own->offer.esp_spi);
	ikev2_exchange_free(own);
}

/* The private value, for an export while the key is in somebody's hands or used up. */
static void save_key(struct ikev2_exchange *exchange)
{
	struct span public = crypto_dh_public(exchange->offer.dh);

	exchange->dh_public.p = malloc(public.n);
	if (!exchange->dh_public.p || crypto_dh_export(exchange->offer.dh, &exchange->dh_private))
		return; /* the import will have to do without: its peer starts anew */
	memcpy(exchange->dh_public.p, public.p, public.n);
	exchange->dh_public.n = public.n;
}

void ikev2_exchange_take(struct ikev2_task *task)
{
	struct ikev2_sa *sa = task->sa;
	struct ikev2_exchange *exchange = sa->own;

	if (exchange->offer.dh)
		save_key(exchange);
	task->exchange = exchange;
	task->job = exchange->job;
	task->offer = exchange->offer;
	exchange->job = NULL;
	exchange->offer.dh = NULL;
	sa->own = NULL;
	sa->next_id++;
}

struct ike_header ikev2_exchange_header(const struct ikev2_sa *sa, enum ike_exchange exchange,
					bool response, uint32_t message_id)
{
	return (struct ike_header){
		.spi_i = sa->initiator ? sa->spi : sa->peer_spi,
		.spi_r = sa->initiator ? sa->peer_spi : sa->spi,
		.major = IKE_VERSION_MAJOR,
		.exchange = (uint8_t)exchange,
		.flags = (uint8_t)((sa->initiator ? IKE_FLAG_INITIATOR : 0) |
				   (response ? IKE_FLAG_RESPONSE : 0)),
		.message_id = message_id,
	};
}

void ikev2_exchange_start(struct ikev2_sa *sa, struct ike_builder *b, enum ike_exchange exchange)
{
	struct ike_header header = ikev2_exchange_header(sa, exchange, false, sa->next_id);

	ike_build_start(b, sa->engine->buffer, sizeof(sa->engine->buffer), &header);
	if (exchange != IKE_SA_INIT)
		ike_build_sk(b, ike_sk_iv_bytes(&sa->suite));
}

void ikev2_exchange_start_response(struct ikev2_sa *sa, struct ike_builder *b,
				   const struct ike_message *request)
{
	struct ike_header header = ikev2_exchange_header(sa, request->header.exchange, true,
							 request->header.message_id);

	ike_build_start(b, sa->engine->buffer, sizeof(sa->engine->buffer), &header);
	if (request->header.exchange != IKE_SA_INIT)
		ike_build_sk(b, ike_sk_iv_bytes(&sa->suite));
}

void ikev2_exchange_send_raw(struct ikev2_engine *engine, const struct ikev2_path *path,
			     bool marker, struct span bytes,
			     const struct ikev2_connection *connection)
{
	const struct ikev2_datagram datagram = { .path = *path,
						 .bytes = bytes,
						 .non_esp_marker = marker };

	engine->counters.sent++;
	engine->hooks.send(engine->hooks.context, &datagram, connection);
}

static void send_packets(struct ikev2_sa *sa, const struct ike_packets *packets,
			 struct ikev2_datagram *datagram)
{
	const struct ikev2_hooks *hooks = &sa->engine->hooks;

	for (uint16_t i = 0; i < packets->count; i++) {
		datagram->bytes = ike_packets_get(packets, i);
		sa->engine->counters.sent++;
		hooks->send(hooks->context, datagram, sa->connection);
	}
	sa->last_sent_ns = sa->engine->now_ns;
}

void ikev2_exchange_packets(struct ikev2_sa *sa, const struct ike_packets *packets,
			    const struct ikev2_path *path, bool marker)
{
	send_packets(sa, packets,
		     &(struct ikev2_datagram){ .path = *path, .non_esp_marker = marker });
}

/* IKE message bytes of a datagram: IP, UDP and marker go off the packet. */
static size_t fragment_bytes(const struct ikev2_sa *sa)
{
	size_t packet = sa->engine->config.fragment_bytes;
	size_t ip = sa->path.remote.family == NET_IP6 ? 40 : 20;

	return sa->fragmentation ? packet - ip - 8 - IKE_NON_ESP_MARKER_BYTES : 0;
}

static int seal(struct ikev2_sa *sa, struct ike_builder *b, struct ike_packets *packets)
{
	const struct ike_sk sk = {
		.crypto = sa->engine->crypto,
		.suite = &sa->suite,
		.keys = &sa->keys,
		.initiator = sa->initiator,
		.iv_counter = &sa->iv_counter,
	};
	struct span message;
	int error;

	memset(packets, 0, sizeof(*packets));
	if (b->sk) {
		ikev2_trace_sent(sa, b, writer_len(&b->w));
		return ike_sk_seal(&sk, b, fragment_bytes(sa), packets);
	}
	error = ike_build_end(b, &message);
	if (error)
		return error;
	ikev2_trace_sent(sa, b, message.n);
	return ike_packets_of(packets, message);
}

/*
 * The whole schedule of retransmissions fits into what is left of dpd_s after the idle part, so
 * that every request is a liveness check too: the intervals of 1 + 1.8 + ... + 1.8^tries.
 */
static uint64_t first_interval(const struct ikev2_sa *sa, uint8_t tries)
{
	const struct ikev2_config *config = ikev2_sa_config(sa);
	uint64_t first =
		(config->retransmit_ms ? config->retransmit_ms : RETRANSMIT_MS) * IKEV2_NS_PER_MS;
	uint64_t units = 0; /* thousandths */
	uint64_t unit = 1000;
	uint64_t left;

	if (!config->dpd_s || sa->state < IKEV2_STATE_ESTABLISHED)
		return first;
	for (uint8_t i = 0; i <= tries; i++, unit = unit * 9 / 5)
		units += unit;
	left = config->dpd_s * IKEV2_NS_PER_S / 3 * 2 / units * 1000;
	return left < first ? left : first;
}

int ikev2_exchange_send(struct ikev2_sa *sa, struct ike_builder *b, struct ikev2_job *job,
			struct ikev2_offer *offer)
{
	const struct ikev2_config *config = ikev2_sa_config(sa);
	struct ikev2_exchange *own = calloc(1, sizeof(*own));
	int error = own ? seal(sa, b, &own->packets) : -ENOMEM;

	if (error) {
		free(own);
		return error;
	}
	own->job = job;
	if (offer) {
		own->offer = *offer;
		memset(offer, 0, sizeof(*offer));
	}
	own->message_id = sa->next_id;
	own->tries_max = config->retransmit_tries ? config->retransmit_tries : RETRANSMIT_TRIES;
	if (job->kind == IKEV2_JOB_DELETE && own->tries_max > DELETE_TRIES)
		own->tries_max = DELETE_TRIES; /* it ends either way */
	own->interval_ns = first_interval(sa, own->tries_max);
	own->first_ns = sa->engine->now_ns;
	own->next_ns = own->first_ns + own->interval_ns;
	sa->own = own;
	ikev2_exchange_packets(sa, &own->packets, &sa->path, sa->floated);
	return 0;
}

void ikev2_exchange_resume(struct ikev2_sa *sa)
{
	struct ikev2_exchange *own = sa->own;

	if (!own)
		return;
	own->tries = 0;
	own->first_ns = sa->engine->now_ns;
	own->paused_ns = 0;
	own->interval_ns = first_interval(sa, own->tries_max);
	own->next_ns = sa->engine->now_ns + own->interval_ns;
	ikev2_trace_local(sa, "taken over: %s is sent again", job_kinds[own->job->kind].name);
	ikev2_exchange_packets(sa, &own->packets, &sa->path, sa->floated);
}

/* How long an answer could have been heard. */
static uint64_t listened_ns(const struct ikev2_sa *sa)
{
	return sa->engine->now_ns - sa->own->first_ns - sa->own->paused_ns;
}

/* A probe decides over flows: often at first, so that a lossy path is not taken for a dead one. */
static bool urgent(const struct ikev2_sa *sa)
{
	return sa->own->job->kind == IKEV2_JOB_PROBE && sa->state == IKEV2_STATE_ESTABLISHED &&
	       sa->own->interval_ns > URGENT_NS / 2 && listened_ns(sa) < IKEV2_SUSPECT_NS;
}

/* Thousands of probes at once are paced: else what is repeated hinders the answers to it. */
static uint64_t urgent_next_ns(struct ikev2_engine *engine)
{
	uint64_t turn = engine->urgent_ns;
	uint64_t next = engine->now_ns + URGENT_NS;

	if (turn < engine->now_ns)
		turn = engine->now_ns;
	engine->urgent_ns = turn + URGENT_APART_NS;
	return turn > next ? turn : next;
}

/* A pause of ours is no silence of the peer: its answer may lie here, and was not read. */
static void late(struct ikev2_exchange *own, uint64_t now_ns)
{
	if (now_ns - own->next_ns > PAUSE_NS)
		own->paused_ns += now_ns - own->next_ns;
}

/*
 * What has come is read first: the answer may be among it, and to ask again would bring more of it.
 * Not for ever: strangers may send more than can be read.
 */
static bool waits_for_reading(struct ikev2_sa *sa)
{
	const struct ikev2_hooks *hooks = &sa->engine->hooks;
	struct ikev2_exchange *own = sa->own;

	if (!hooks->read_until_ns || sa->state != IKEV2_STATE_ESTABLISHED ||
	    own->paused_ns >= BEHIND_MOST_NS ||
	    hooks->read_until_ns(hooks->context, sa->engine->now_ns) >= own->next_ns)
		return false;
	own->next_ns = sa->engine->now_ns + BEHIND_NS;
	own->paused_ns += BEHIND_NS;
	return true;
}

/*
 * A peer keeps a half-open IKE SA for about this long, if it has not lost it: a new first message
 * helps, one more IKE_AUTH does not.
 */
static uint64_t auth_left_ns(const struct ikev2_sa *sa)
{
	uint64_t listened = listened_ns(sa);

	if (sa->own->job->kind != IKEV2_JOB_AUTH)
		return UINT64_MAX;
	return listened < AUTH_NS ? AUTH_NS - listened : 0;
}

void ikev2_exchange_timer(struct ikev2_sa *sa)
{
	struct ikev2_exchange *own = sa->own;

	if (!own || own->next_ns > sa->engine->now_ns || sa->tasks[IKEV2_SLOT_RESPONSE])
		return;
	late(own, sa->engine->now_ns);
	if (waits_for_reading(sa))
		return;
	if (own->tries >= own->tries_max || !auth_left_ns(sa)) {
		enum ikev2_reason reason = IKEV2_REASON_TIMEOUT;

		if (sa->state == IKEV2_STATE_DELETING || sa->state == IKEV2_STATE_REKEYED)
			reason = sa->reason;
		else if (sa->state == IKEV2_STATE_ESTABLISHED)
			reason = IKEV2_REASON_LIVENESS;
		ikev2_sa_end(sa, reason, job_kinds[own->job->kind].name);
		return;
	}
	if (urgent(sa)) {
		own->tries += own->tries < 2;
		own->next_ns = urgent_next_ns(sa->engine);
	} else {
		own->tries++;
		own->interval_ns = own->interval_ns / 5 * 9;
		if (own->interval_ns > auth_left_ns(sa))
			own->interval_ns = auth_left_ns(sa);
		own->next_ns = sa->engine->now_ns + own->interval_ns;
	}
	sa->engine->counters.retransmitted++;
	ikev2_trace_local(sa, "retransmission %u of %s", own->tries,
			  job_kinds[own->job->kind].name);
	send_packets(sa, &own->packets,
		     &(struct ikev2_datagram){
			     .path = sa->path, .non_esp_marker = sa->floated, .again = true });
	/* A request may be lost where ESP comes all the time: then it is only that. */
	if (own->tries >= 2 && listened_ns(sa) >= IKEV2_SUSPECT_NS &&
	    sa->state == IKEV2_STATE_ESTABLISHED && !sa->suspect &&
	    ikev2_timer_traffic(sa) <= own->first_ns) {
		sa->suspect = true;
		ikev2_sa_event(sa, IKEV2_EVENT_SUSPECT, IKEV2_REASON_LIVENESS, NULL);
	}
}

int ikev2_exchange_respond(struct ikev2_task *task, struct ike_builder *b)
{
	struct ikev2_sa *sa = task->sa;
	struct ike_packets packets;
	int error = seal(sa, b, &packets);

	if (error) {
		log_warn("ikev2", "an answer could not be built error=%d", error);
		return error;
	}
	ike_packets_fini(&sa->response);
	sa->response = packets;
	sa->has_response = true;
	sa->expected_id = task->message.header.message_id + 1;
	ikev2_exchange_packets(sa, &sa->response, &task->path, task->marker);
	return 0;
}

void ikev2_exchange_respond_notify(struct ikev2_task *task, uint16_t notify, struct span data)
{
	struct ike_builder b;

	ikev2_exchange_start_response(task->sa, &b, &task->message);
	ike_build_notify(&b, notify, data);
	if (ikev2_exchange_respond(task, &b))
		task->sa->engine->counters.dropped++;
}

/* RFC 7296 section 2.1: the very same bytes, to where the request came from. */
void ikev2_exchange_resend(struct ikev2_sa *sa, const struct ikev2_path *path, bool marker)
{
	ikev2_trace_local(sa, "a retransmitted request: the same answer again");
	send_packets(
		sa, &sa->response,
		&(struct ikev2_datagram){ .path = *path, .non_esp_marker = marker, .again = true });
}
