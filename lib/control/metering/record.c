#include "control/metering/record.h"

#include "base/cursor.h"
#include "base/hash.h"
#include "base/writer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define MARK 0x4d455452u

enum step {
	STEP_SUBJECT = 1, /* type, far, gateway, connection, name */
	STEP_INSTANCE,	  /* 8 bytes */
	STEP_INCARNATION, /* index, id, time */
	STEP_COUNT,	  /* index, bits of counters, how much more each */
	STEP_UP,	  /* index */
	STEP_DOWN,	  /* index */
	STEP_ADVANCE,	  /* milliseconds */
	STEP_TOTALS_14,	  /* as STEP_TOTALS, when there were 14 counters */
	STEP_TOTALS,	  /* of the subject that came last: up, times, id, how many counters, all */
};

static void put(struct text *out, uint64_t value)
{
	uint8_t bytes[10];
	size_t n = 0;

	for (; value > 0x7f; value >>= 7)
		bytes[n++] = (uint8_t)(value | 0x80);
	bytes[n++] = (uint8_t)value;
	text_add_bytes(out, bytes, n);
}

static uint64_t take(struct cursor *c)
{
	uint64_t value = 0;

	for (unsigned int shift = 0; shift < 64; shift += 7) {
		uint8_t byte = cursor_u8(c);

		value |= (uint64_t)(byte & 0x7f) << shift;
		if (!(byte & 0x80))
			return value;
	}
	cursor_fail(c);
	return 0;
}

/* What it shares with the text before at this place is not said again: keys are long and alike. */
static void put_text(struct text *out, const char *text, const char *before)
{
	size_t n = strlen(text);
	size_t same = 0;

	while (same < n && text[same] == before[same])
		same++;
	put(out, same);
	put(out, n - same);
	text_add_bytes(out, text + same, n - same);
}

static bool take_text(struct cursor *c, char to[METERING_TEXT_MAX + 1])
{
	uint64_t same = take(c);
	uint64_t n = take(c);
	const uint8_t *bytes;

	if (n > METERING_TEXT_MAX || same > METERING_TEXT_MAX - n || same > strlen(to)) {
		cursor_fail(c);
		return false;
	}
	bytes = cursor_take(c, (size_t)n);
	if (!bytes || memchr(bytes, 0, (size_t)n)) {
		cursor_fail(c);
		return false;
	}
	memcpy(to + same, bytes, (size_t)n);
	to[same + n] = '\0';
	return true;
}

static void subject_after(struct text *out, const struct metering_subject *subject,
			  const struct metering_subject *before)
{
	put(out, STEP_SUBJECT);
	put(out, subject->type);
	put(out, subject->far);
	put_text(out, subject->gateway, before ? before->gateway : "");
	put_text(out, subject->connection, before ? before->connection : "");
	put_text(out, subject->name, before ? before->name : "");
}

void record_subject(struct text *out, const struct metering_subject *subject)
{
	subject_after(out, subject, NULL);
}

void record_instance(struct text *out, uint64_t instance)
{
	put(out, STEP_INSTANCE);
	put(out, instance);
}

void record_incarnation(struct text *out, uint32_t index, uint32_t id, uint64_t since_ns)
{
	put(out, STEP_INCARNATION);
	put(out, index);
	put(out, id);
	put(out, since_ns);
}

void record_count(struct text *out, uint32_t index, const struct metering_subject *subject,
		  const uint64_t row[METERING_COUNTERS])
{
	uint32_t moved = 0;

	for (uint32_t i = 0; i < METERING_COUNTERS; i++)
		if (row[i] > subject->seen[i])
			moved |= 1u << i;
	if (!moved)
		return;
	put(out, STEP_COUNT);
	put(out, index);
	put(out, moved);
	for (uint32_t i = 0; i < METERING_COUNTERS; i++)
		if (moved & 1u << i)
			put(out, row[i] - subject->seen[i]);
}

void record_up(struct text *out, uint32_t index, bool up)
{
	put(out, up ? STEP_UP : STEP_DOWN);
	put(out, index);
}

void record_advance(struct text *out, uint64_t ms)
{
	put(out, STEP_ADVANCE);
	put(out, ms);
}

void record_head(struct text *out, const struct metering_state *state)
{
	record_instance(out, state->instance);
	record_advance(out, state->elapsed_ms);
	for (uint32_t i = 0; i < state->count; i++) {
		const struct metering_subject *s = &state->items[i];

		subject_after(out, s, i ? s - 1 : NULL);
		put(out, STEP_TOTALS);
		put(out, s->up);
		put(out, s->up_ms);
		put(out, s->up_mark_ms);
		put(out, s->changed_ms);
		put(out, s->id);
		put(out, s->since_ns);
		put(out, METERING_COUNTERS);
		for (uint32_t k = 0; k < METERING_COUNTERS; k++) {
			put(out, s->totals[k]);
			put(out, s->seen[k]);
		}
	}
}

/* The last texts of a record: what the next ones may share. */
struct texts {
	char gateway[METERING_TEXT_MAX + 1];
	char connection[METERING_TEXT_MAX + 1];
	char name[METERING_TEXT_MAX + 1];
};

static int apply_subject(struct metering_state *state, struct cursor *c, struct texts **kept)
{
	struct texts *texts = *kept ? *kept : calloc(1, sizeof(*texts));
	struct metering_subject subject = { .changed_ms = state->wall_ms };
	uint64_t type = take(c);
	uint64_t far = take(c);

	*kept = texts;
	if (!texts)
		return -ENOMEM;
	if (type < METERING_GATEWAY || type > METERING_TUNNEL || far >= CONTRACT_DESTINATIONS)
		return -EBADMSG;
	subject.type = (uint8_t)type;
	subject.far = (uint8_t)far;
	if (!take_text(c, texts->gateway) || !take_text(c, texts->connection) ||
	    !take_text(c, texts->name))
		return -EBADMSG;
	subject.gateway = texts->gateway;
	subject.connection = texts->connection;
	subject.name = texts->name;
	return metering_state_add(state, &subject);
}

static void apply_instance(struct metering_state *state, uint64_t instance)
{
	state->instance = instance;
	for (uint32_t i = 0; i < state->count; i++) {
		struct metering_subject *subject = &state->items[i];

		subject->id = 0;
		subject->since_ns = 0;
		memset(subject->seen, 0, sizeof(subject->seen));
	}
}

static struct metering_subject *take_subject(struct metering_state *state, struct cursor *c)
{
	uint64_t index = take(c);

	return cursor_ok(c) && index < state->count ? &state->items[index] : NULL;
}

static int apply_incarnation(struct metering_state *state, struct cursor *c)
{
	struct metering_subject *subject = take_subject(state, c);

	if (!subject)
		return -EBADMSG;
	subject->id = (uint32_t)take(c);
	subject->since_ns = take(c);
	memset(subject->seen, 0, sizeof(subject->seen));
	return 0;
}

static int apply_count(struct metering_state *state, struct cursor *c)
{
	struct metering_subject *subject = take_subject(state, c);
	uint64_t moved = take(c);

	if (!subject || moved >> METERING_COUNTERS)
		return -EBADMSG;
	for (uint32_t i = 0; i < METERING_COUNTERS; i++) {
		uint64_t more = moved & 1u << i ? take(c) : 0;

		subject->totals[i] += more;
		subject->seen[i] += more;
	}
	subject->changed_ms = state->wall_ms;
	return 0;
}

static int apply_up(struct metering_state *state, struct cursor *c, bool up)
{
	struct metering_subject *subject = take_subject(state, c);

	if (!subject)
		return -EBADMSG;
	subject->up_ms = metering_up_ms(state, subject);
	subject->up_mark_ms = state->elapsed_ms;
	subject->up = up;
	subject->changed_ms = state->wall_ms;
	return 0;
}

/* `count` 0: it is said. */
static int apply_totals(struct metering_state *state, struct cursor *c, uint64_t count)
{
	struct metering_subject *subject;
	uint64_t up = take(c);

	if (!state->count || up > 1)
		return -EBADMSG;
	subject = &state->items[state->count - 1];
	subject->up = up;
	subject->up_ms = take(c);
	subject->up_mark_ms = take(c);
	subject->changed_ms = take(c);
	subject->id = (uint32_t)take(c);
	subject->since_ns = take(c);
	if (!count)
		count = take(c);
	if (count > METERING_COUNTERS)
		return -EBADMSG;
	for (uint32_t i = 0; i < count; i++) {
		subject->totals[i] = take(c);
		subject->seen[i] = take(c);
	}
	return subject->up_mark_ms > state->elapsed_ms ? -EBADMSG : 0;
}

static int apply_step(struct metering_state *state, struct cursor *c, struct texts **texts)
{
	uint64_t step = take(c);

	switch (step) {
	case STEP_SUBJECT:
		return apply_subject(state, c, texts);
	case STEP_INSTANCE:
		apply_instance(state, take(c));
		return 0;
	case STEP_INCARNATION:
		return apply_incarnation(state, c);
	case STEP_COUNT:
		return apply_count(state, c);
	case STEP_UP:
	case STEP_DOWN:
		return apply_up(state, c, step == STEP_UP);
	case STEP_ADVANCE:
		state->elapsed_ms += take(c);
		return 0;
	case STEP_TOTALS_14:
		return apply_totals(state, c, 14);
	case STEP_TOTALS:
		return apply_totals(state, c, 0);
	default:
		return -EBADMSG;
	}
}

int record_apply(struct metering_state *state, struct span steps)
{
	struct cursor c = cursor_of(steps.p, steps.n);
	struct texts *texts = NULL;
	int rc = 0;

	while (rc == 0 && cursor_left(&c)) {
		rc = apply_step(state, &c, &texts);
		if (rc == 0 && !cursor_ok(&c))
			rc = -EBADMSG;
	}
	free(texts);
	return rc;
}

static uint64_t check_of(const uint8_t header[METERING_FRAME_BYTES - 8], struct span steps)
{
	uint64_t seed[2] = { 0x6d65746572696e67, 0x2d6672616d652d31 };

	seed[0] ^= hash_sip(seed, header, METERING_FRAME_BYTES - 8);
	return hash_sip(seed, steps.p, steps.n);
}

void metering_frame_header(uint8_t to[METERING_FRAME_BYTES], const struct metering_frame *frame)
{
	struct writer w = writer_of(to, METERING_FRAME_BYTES);

	writer_u32(&w, MARK);
	writer_u32(&w, frame->type);
	writer_u64(&w, frame->steps.n);
	writer_u64(&w, frame->wall_ms);
	writer_u64(&w, frame->boot_ns);
	writer_u64(&w, check_of(to, frame->steps));
}

static bool frame_take(struct cursor *c, struct metering_frame *frame)
{
	const uint8_t *header = c->p;
	uint32_t mark = cursor_u32(c);
	uint64_t length, check;

	frame->type = cursor_u32(c);
	length = cursor_u64(c);
	frame->wall_ms = cursor_u64(c);
	frame->boot_ns = cursor_u64(c);
	check = cursor_u64(c);
	if (!cursor_ok(c) || mark != MARK || length > METERING_FRAME_MAX)
		return false;
	frame->steps = cursor_span(c, (size_t)length);
	return cursor_ok(c) && check_of(header, frame->steps) == check;
}

int metering_frames_read(struct metering_state *state, struct span bytes, uint64_t until_ms,
			 size_t *good)
{
	struct cursor c = cursor_of(bytes.p, bytes.n);
	const uint8_t *magic = cursor_take(&c, METERING_MAGIC_BYTES);
	struct metering_frame frame;
	bool first = true;
	int rc = 0;

	*good = 0;
	if (!magic || memcmp(magic, METERING_MAGIC, METERING_MAGIC_BYTES))
		return -EBADMSG;
	while (rc == 0 && frame_take(&c, &frame)) {
		if (first != (frame.type == METERING_HEAD))
			break;
		if (frame.wall_ms > until_ms && !(first && until_ms == METERING_BEGINNING))
			return first ? -ESRCH : 0;
		first = false;
		state->wall_ms = frame.wall_ms;
		state->boot_ns = frame.boot_ns;
		rc = record_apply(state, frame.steps);
		if (rc == 0)
			*good = (size_t)(c.p - bytes.p);
	}
	return rc < 0 ? rc : first ? -EBADMSG : 0;
}
