#include "control/metering/sample.h"

#include "base/clock.h"
#include "base/log.h"

#include <errno.h>
#include <string.h>

#define TOPIC "metering"
#define KEY_MAX (3 * (METERING_TEXT_MAX + 1) + 1)

void sample_init(struct sampler *s, sample_read read, void *context)
{
	*s = (struct sampler){ .read = read, .context = context };
	map_init(&s->by_key);
	map_init(&s->by_id);
}

void sample_fini(struct sampler *s)
{
	metering_state_fini(&s->state);
	text_fini(&s->steps);
	map_fini(&s->by_key);
	map_fini(&s->by_id);
}

static void fail(struct sampler *s, int error)
{
	if (!s->failed)
		log_error(TOPIC, "a sample is not complete: %s", strerror(-error));
	s->failed = true;
}

/* The steps from `at` on become true. */
static void apply(struct sampler *s, size_t at)
{
	struct span steps = { (const uint8_t *)s->steps.p + at, s->steps.n - at };
	int rc = s->steps.failed ? -ENOMEM : s->steps.n > at ? record_apply(&s->state, steps) : 0;

	if (rc < 0)
		fail(s, rc);
}

static size_t key_of(char key[KEY_MAX], const struct metering_subject *subject)
{
	const char *const texts[] = { subject->gateway, subject->connection, subject->name };
	char *end = key;

	*end++ = (char)subject->type;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		end = mempcpy(end, texts[i], strnlen(texts[i], METERING_TEXT_MAX));
		*end++ = '\0';
	}
	return (size_t)(end - key);
}

static int index_subject(struct sampler *s, uint32_t index)
{
	const struct metering_subject *subject = &s->state.items[index];
	uint32_t other = (uint32_t)(uintptr_t)map_get_u32(&s->by_id, subject->id);
	char key[KEY_MAX];
	size_t n = key_of(key, subject);
	void *value = (void *)(uintptr_t)(index + 1);
	int rc = map_set(&s->by_key, key, n, value, NULL);

	/* Of several that had the id, the last one has it. */
	if (other && s->state.items[other - 1].since_ns > subject->since_ns)
		return rc;
	if (rc == 0 && subject->id)
		rc = map_set(&s->by_id, &subject->id, sizeof(subject->id), value, NULL);
	return rc;
}

static int index_all(struct sampler *s)
{
	int rc = 0;

	map_fini(&s->by_key);
	map_fini(&s->by_id);
	map_init(&s->by_key);
	map_init(&s->by_id);
	for (uint32_t i = 0; rc == 0 && i < s->state.count; i++)
		rc = index_subject(s, i);
	return rc;
}

int sample_load(struct sampler *s, struct metering_state *state)
{
	metering_state_fini(&s->state);
	s->state = *state;
	*state = (struct metering_state){ 0 };
	return index_all(s);
}

static void count(struct sampler *s, uint32_t index, const struct sample_row *row)
{
	size_t at = s->steps.n;

	record_count(&s->steps, index, &s->state.items[index], row->counters);
	apply(s, at);
}

/* Reads what is still this subject's. */
static void read_on(struct sampler *s, uint32_t index)
{
	const struct metering_subject *subject = &s->state.items[index];
	struct sample_row row;

	if (subject->id && s->read(s->context, subject->id, &row) &&
	    row.since_ns == subject->since_ns)
		count(s, index, &row);
}

static void set_up(struct sampler *s, uint32_t index, bool up)
{
	size_t at = s->steps.n;

	if (s->state.items[index].up == up)
		return;
	record_up(&s->steps, index, up);
	apply(s, at);
}

static void all_down(struct sampler *s)
{
	for (uint32_t i = 0; i < s->state.count; i++)
		set_up(s, i, false);
}

static void advance(struct sampler *s, uint64_t boot_ns)
{
	uint64_t ms =
		boot_ns > s->state.boot_ns ? (boot_ns - s->state.boot_ns) / CLOCK_NS_PER_MS : 0;
	size_t at = s->steps.n;

	if (!ms)
		return;
	record_advance(&s->steps, ms);
	apply(s, at);
	s->state.boot_ns += ms * CLOCK_NS_PER_MS;
}

static void change_instance(struct sampler *s, uint64_t instance)
{
	size_t at = s->steps.n;

	record_instance(&s->steps, instance);
	apply(s, at);
	if (index_all(s) < 0)
		fail(s, -ENOMEM);
}

void sample_begin(struct sampler *s, const struct sample_time *time)
{
	bool same = time->instance && time->instance == s->state.instance;

	s->round++;
	s->next = 0;
	s->state.wall_ms = time->wall_ms;
	if (!s->begun && !same) {
		all_down(s);
		s->state.boot_ns = time->boot_ns;
	}
	s->begun = true;
	advance(s, time->boot_ns);
	if (time->instance && !same)
		change_instance(s, time->instance);
}

/* Tunnels come in the order in which they came before: mostly it is the next one. */
static bool is_next(const struct sampler *s, const struct metering_subject *subject)
{
	const struct metering_subject *next = &s->state.items[s->next];

	return s->next < s->state.count && next->type == subject->type &&
	       !strcmp(next->name, subject->name) &&
	       !strcmp(next->connection, subject->connection) &&
	       !strcmp(next->gateway, subject->gateway);
}

static int find(struct sampler *s, const struct metering_subject *subject, uint32_t *index)
{
	char key[KEY_MAX];
	uint32_t known = is_next(s, subject) ? s->next + 1
					     : (uint32_t)(uintptr_t)map_get(&s->by_key, key,
									    key_of(key, subject));
	size_t at = s->steps.n;
	uint32_t before = s->state.count;

	*index = known ? known - 1 : before;
	s->next = *index + 1;
	if (known)
		return 0;
	record_subject(&s->steps, subject);
	apply(s, at);
	return s->state.count > before ? index_subject(s, before) : -ENOMEM;
}

/* The row's counters are this subject's from their beginning. */
static void take_over(struct sampler *s, uint32_t index, uint32_t id, uint64_t since_ns)
{
	size_t at;

	read_on(s, index); /* of the incarnation before */
	at = s->steps.n;
	record_incarnation(&s->steps, index, id, since_ns);
	apply(s, at);
	if (map_set(&s->by_id, &id, sizeof(id), (void *)(uintptr_t)(index + 1), NULL) < 0)
		fail(s, -ENOMEM);
}

static void read_row(struct sampler *s, uint32_t index, uint32_t id)
{
	const struct metering_subject *subject = &s->state.items[index];
	uint32_t holder = (uint32_t)(uintptr_t)map_get_u32(&s->by_id, id);
	struct sample_row row;

	if (!s->read(s->context, id, &row) || !row.since_ns)
		return;
	/* The data plane has not heard yet of the tunnel that got the id. */
	if (holder && holder - 1 != index && s->state.items[holder - 1].id == id &&
	    s->state.items[holder - 1].since_ns == row.since_ns) {
		count(s, holder - 1, &row);
		return;
	}
	if (subject->id != id || subject->since_ns != row.since_ns)
		take_over(s, index, id, row.since_ns);
	count(s, index, &row);
}

void sample_add(struct sampler *s, const struct sample_subject *subject)
{
	const struct metering_subject wanted = { .type = (uint8_t)subject->type,
						 .far = (uint8_t)subject->far,
						 .gateway = subject->gateway,
						 .connection = subject->connection,
						 .name = subject->name };
	uint32_t index;
	int rc = find(s, &wanted, &index);

	if (rc < 0) {
		fail(s, rc);
		return;
	}
	s->state.items[index].round = s->round;
	set_up(s, index, subject->up);
	if (subject->id && s->state.instance)
		read_row(s, index, subject->id);
}

void sample_end(struct sampler *s)
{
	for (uint32_t i = 0; i < s->state.count; i++) {
		if (s->state.items[i].round == s->round)
			continue;
		set_up(s, i, false);
		read_on(s, i);
	}
}

void sample_last(struct sampler *s, uint32_t id)
{
	uint32_t holder = (uint32_t)(uintptr_t)map_get_u32(&s->by_id, id);

	if (holder && s->state.items[holder - 1].id == id)
		read_on(s, holder - 1);
}

void sample_taken(struct sampler *s)
{
	text_fini(&s->steps);
	s->steps = (struct text){ 0 };
	s->failed = false;
}

void sample_forget(struct sampler *s, uint64_t before_ms)
{
	metering_state_forget(&s->state, s->round, before_ms);
	if (index_all(s) < 0)
		fail(s, -ENOMEM);
}
