#include "control/metering/metering.h"

#include "base/log.h"
#include "control/metering/sample.h"
#include "control/metering/writer.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#define TOPIC "metering"
#define SAMPLE_NS (4 * CLOCK_NS_PER_S)
#define RETRY_NS (200 * CLOCK_NS_PER_MS)
/* A data plane that goes on is attached by then; who waits for it longer meters without it. */
#define AWAIT_DATAPLANE_NS (3 * CLOCK_NS_PER_S)
#define HOUR_MS (3600 * UINT64_C(1000))
#define DAY_MS (24 * HOUR_MS)
#define STEP_BACK_MS (60 * UINT64_C(1000)) /* less is smoothed out, more begins a new file */
#define FILE_BYTES (32u << 20)
#define STEPS_MAX (8u << 20) /* more than this that waits for the disk is said by a head */
#define DRAIN_MS 2000

struct metering {
	struct event_loop *loop;
	struct desired *desired;
	struct tunnels *tunnels;
	const struct config *config; /* a reference */
	struct metering_writer *writer;
	struct event_source *readable;
	struct event_source *timer;
	struct sampler sampler;
	struct metering_limits limits;
	uint64_t started_ns;
	uint64_t file_hour; /* of the file that is written */
	bool head_wanted;
	bool failing; /* the disk, and it was said */
};

struct metering_question {
	struct metering *metering;
	metering_done done; /* NULL: cancelled */
	void *context;
	bool now; /* the end is */
};

/* Of both sections, in the order of enum metering_counter. */
static bool tunnel_row_read(void *context, uint32_t id, struct sample_row *row)
{
	struct metering *m = context;
	const struct contract_counters *counters = requests_counters(desired_requests(m->desired));
	uint64_t tunnel[CONTRACT_TUNNEL_COLUMNS];
	uint64_t to[CONTRACT_DESTINATION_COLUMNS];

	/* Where packets went is counted after them: read first, it is never more than they are. */
	if (!counters ||
	    !contract_counters_row_sum(counters, CONTRACT_COUNT_DESTINATIONS, id, to,
				       CONTRACT_DESTINATION_COLUMNS) ||
	    !contract_counters_row_sum(counters, CONTRACT_COUNT_TUNNELS, id, tunnel,
				       CONTRACT_TUNNEL_COLUMNS))
		return false;
	row->since_ns = to[CONTRACT_DESTINATION_SINCE_NS];
	row->counters[METERING_IN_BYTES] = tunnel[CONTRACT_TUNNEL_IN_BYTES];
	row->counters[METERING_IN_PACKETS] = tunnel[CONTRACT_TUNNEL_IN_PACKETS];
	row->counters[METERING_OUT_BYTES] = tunnel[CONTRACT_TUNNEL_OUT_BYTES];
	row->counters[METERING_OUT_PACKETS] = tunnel[CONTRACT_TUNNEL_OUT_PACKETS];
	memcpy(&row->counters[METERING_TO_PACKETS], to,
	       2 * CONTRACT_DESTINATIONS * sizeof(uint64_t));
	return true;
}

static void on_tunnel(void *context, const struct tunnel_status *status)
{
	struct metering *m = context;

	sample_add(&m->sampler,
		   &(struct sample_subject){ .type = METERING_TUNNEL,
					     .far = tunnel_far_end(status->connection),
					     .gateway = status->connection->gateway.key,
					     .connection = status->connection->resource.key,
					     .name = status->name,
					     .id = status->id,
					     .up = status->state == TUNNEL_CONNECTED });
}

static void add_gateways(struct metering *m)
{
	for (uint32_t i = 0; m->config && i < config_count(m->config, CONFIG_GATEWAY); i++) {
		const struct config_gateway *gateway = config_gateway_at(m->config, i);

		if (config_gateway_is_ours(m->config, gateway))
			sample_add(&m->sampler,
				   &(struct sample_subject){ .type = METERING_GATEWAY,
							     .gateway = gateway->resource.key,
							     .connection = "",
							     .name = gateway->resource.name,
							     .up = true });
	}
}

/* Never earlier than what is written, but for a clock that was far off. */
static uint64_t wall_now(struct metering *m)
{
	uint64_t now = clock_wall_ms();
	uint64_t last = m->sampler.state.wall_ms;

	if (now + STEP_BACK_MS < last) {
		log_warn(TOPIC, "the clock went back by %llu s: a new file begins",
			 (unsigned long long)(last - now) / 1000);
		m->head_wanted = true;
		return now;
	}
	return now > last ? now : last;
}

/* False: it is too early to say whether the data plane went on. */
static bool take_sample(struct metering *m)
{
	const struct contract_limits *limits = requests_limits(desired_requests(m->desired));
	struct sample_time time = { .boot_ns = clock_now_ns(&clock_monotonic),
				    .instance = limits ? limits->instance : 0 };

	if (!limits && !m->sampler.begun && time.boot_ns - m->started_ns < AWAIT_DATAPLANE_NS)
		return false;
	time.wall_ms = wall_now(m);
	sample_begin(&m->sampler, &time);
	add_gateways(m);
	tunnels_each(m->tunnels, NULL, on_tunnel, m);
	sample_end(&m->sampler);
	return true;
}

static void on_written(void *context, int status)
{
	struct metering *m = context;

	if (status < 0) {
		if (!m->failing)
			log_error(TOPIC,
				  "cannot write to the state directory, totals are kept in memory "
				  "until it can be written error=\"%s\"",
				  strerror(-status));
		m->failing = m->head_wanted = true;
		return;
	}
	if (m->failing)
		log_info(TOPIC, "the state directory can be written again, no count was lost");
	m->failing = false;
}

static void write_head(struct metering *m)
{
	struct metering_state *state = &m->sampler.state;
	struct metering_frame frame = { .type = METERING_HEAD };
	struct text steps = { 0 };
	int rc = -ENOMEM;

	if (state->wall_ms > m->limits.keep_ms)
		sample_forget(&m->sampler, state->wall_ms - m->limits.keep_ms);
	record_head(&steps, state);
	frame.wall_ms = state->wall_ms;
	frame.boot_ns = state->boot_ns;
	frame.steps = (struct span){ (const uint8_t *)steps.p, steps.n };
	if (!steps.failed)
		rc = writer_write(m->writer, &frame, &m->limits, on_written, m);
	text_fini(&steps);
	if (rc < 0) {
		on_written(m, rc);
		return;
	}
	sample_taken(&m->sampler);
	m->file_hour = state->wall_ms / HOUR_MS;
	m->head_wanted = false;
}

static void write_changes(struct metering *m)
{
	const struct text *steps = &m->sampler.steps;
	struct metering_frame frame = { .type = METERING_CHANGE,
					.wall_ms = m->sampler.state.wall_ms,
					.boot_ns = m->sampler.state.boot_ns,
					.steps = { (const uint8_t *)steps->p, steps->n } };
	int rc = writer_write(m->writer, &frame, NULL, on_written, m);

	if (rc < 0)
		on_written(m, rc);
	else
		sample_taken(&m->sampler);
}

static void flush(struct metering *m)
{
	if (m->sampler.steps.n > STEPS_MAX || m->sampler.failed) {
		m->head_wanted = true;
		sample_taken(&m->sampler);
	}
	if (writer_busy(m->writer) || !m->sampler.begun)
		return;
	if (m->head_wanted || m->sampler.state.wall_ms / HOUR_MS != m->file_hour ||
	    writer_file_bytes(m->writer) > FILE_BYTES)
		write_head(m);
	else if (m->sampler.steps.n)
		write_changes(m);
}

static void tick(void *context)
{
	struct metering *m = context;
	bool taken = take_sample(m);

	flush(m);
	event_timer_set(m->timer, taken ? SAMPLE_NS : RETRY_NS);
}

static void on_readable(void *context)
{
	struct metering *m = context;

	writer_poll(m->writer);
}

static int load(struct metering *m, const char *state_directory)
{
	struct metering_archive *archive;
	struct metering_state state = { 0 };
	uint32_t aside = 0;
	int rc = metering_archive_new(&archive, state_directory);

	if (rc < 0)
		return rc;
	rc = metering_archive_load(archive, &state, &aside);
	if (aside)
		log_warn(TOPIC, "files without a beginning were set aside count=%u", aside);
	if (rc < 0)
		log_error(TOPIC,
			  "what was metered before cannot be read and begins at zero "
			  "directory=%s/metering error=\"%s\"",
			  state_directory, strerror(-rc));
	rc = sample_load(&m->sampler, &state);
	metering_state_fini(&state);
	if (rc < 0) {
		metering_archive_free(archive);
		return rc;
	}
	return writer_new(&m->writer, archive);
}

int metering_new(struct metering **metering, const struct metering_config *config)
{
	struct metering *m = calloc(1, sizeof(*m));
	int rc;

	if (!m)
		return -ENOMEM;
	m->loop = config->loop;
	m->desired = config->desired;
	m->tunnels = config->tunnels;
	m->started_ns = clock_now_ns(&clock_monotonic);
	m->head_wanted = true;
	m->limits = (struct metering_limits){ DAY_MS, FILE_BYTES };
	sample_init(&m->sampler, tunnel_row_read, m);
	rc = load(m, config->state_directory);
	if (rc == 0)
		rc = event_fd_new(&m->readable, m->loop, writer_fd(m->writer), EVENT_READABLE,
				  on_readable, m);
	if (rc == 0)
		rc = event_timer_new(&m->timer, m->loop, tick, m);
	if (rc < 0) {
		metering_free(m);
		return rc;
	}
	event_timer_set(m->timer, RETRY_NS);
	*metering = m;
	return 0;
}

/* The loop does not run any more. */
static void drain(struct metering *m)
{
	struct pollfd fd = { .fd = writer_fd(m->writer), .events = POLLIN };

	while (writer_busy(m->writer) && poll(&fd, 1, DRAIN_MS) > 0)
		writer_poll(m->writer);
}

void metering_free(struct metering *m)
{
	if (!m)
		return;
	if (m->writer && m->timer && take_sample(m)) {
		drain(m);
		flush(m);
	}
	event_source_free(m->readable);
	event_source_free(m->timer);
	writer_free(m->writer);
	sample_fini(&m->sampler);
	config_put(m->config);
	free(m);
}

void metering_apply(struct metering *m, const struct config *config)
{
	const struct config_metering *limits = &config_appliance(config)->metering;
	const struct config *before = m->config;

	m->config = config_get(config);
	config_put(before);
	m->limits = (struct metering_limits){ (uint64_t)limits->retention_days * DAY_MS,
					      (uint64_t)limits->megabytes << 20 };
}

void metering_lost(struct metering *m)
{
	if (take_sample(m))
		flush(m);
}

void metering_tunnel_goes(struct metering *m, uint32_t id)
{
	if (m->sampler.begun && id)
		sample_last(&m->sampler, id);
}

static void answered(void *context, int status, struct metering_state *states)
{
	struct metering_question *question = context;
	struct metering_answer answer = { .status = status,
					  .from = &states[0],
					  .to = question->now ? &question->metering->sampler.state
							      : &states[1] };

	if (question->done)
		question->done(question->context, &answer);
	free(question);
}

int metering_ask(struct metering *m, struct metering_question **out, uint64_t from_ms,
		 uint64_t to_ms, metering_done done, void *context)
{
	struct metering_question *question = calloc(1, sizeof(*question));
	const uint64_t times[] = { from_ms, to_ms };
	int rc;

	if (!question)
		return -ENOMEM;
	if (take_sample(m))
		flush(m);
	*question = (struct metering_question){ .metering = m,
						.done = done,
						.context = context,
						.now = to_ms >= m->sampler.state.wall_ms };
	rc = writer_ask(m->writer, times, question->now ? 1 : 2, answered, question);
	if (rc < 0)
		free(question);
	else
		*out = question;
	return rc;
}

void metering_cancel(struct metering_question *question)
{
	question->done = NULL;
}
