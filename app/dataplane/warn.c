#include "warn.h"

#include "base/log.h"

enum warn_word warn_step(struct warn_state *state, bool so, uint64_t now_ns)
{
	if (!so) {
		if (!state->told || now_ns - state->last_ns < WARN_OVER_NS)
			return WARN_NOTHING;
		state->told = false;
		return WARN_OVER;
	}
	state->last_ns = now_ns;
	if (state->told_ns && now_ns - state->told_ns < WARN_AGAIN_NS)
		return WARN_NOTHING;
	state->told_ns = now_ns;
	state->told = true;
	return WARN_TELL;
}

static void look_at_buffers(struct warn *warn, const struct warn_seen *seen, uint64_t now_ns)
{
	uint32_t few = (uint32_t)((uint64_t)seen->buffers * WARN_BUFFERS_PERCENT / 100);

	switch (warn_step(&warn->buffers, seen->buffers_free < few, now_ns)) {
	case WARN_TELL:
		log_warn("main", "packet buffers run out free=%u of=%u; give more --buffers",
			 seen->buffers_free, seen->buffers);
		break;
	case WARN_OVER:
		log_warn("main", "there are packet buffers again free=%u of=%u", seen->buffers_free,
			 seen->buffers);
		break;
	default:
		break;
	}
}

static void look_at_rings(struct warn *warn, const struct warn_seen *seen, uint64_t now_ns)
{
	bool more = seen->missed > warn->missed;
	unsigned long long untold = seen->missed - warn->missed_told;

	warn->missed = seen->missed;
	switch (warn_step(&warn->rings, more, now_ns)) {
	case WARN_TELL:
		log_warn("port",
			 "NICs dropped packets because workers were late packets=%llu; give more "
			 "--cores",
			 untold);
		break;
	case WARN_OVER:
		log_warn("port", "NICs drop no packets any more packets=%llu", untold);
		break;
	default:
		return;
	}
	warn->missed_told = seen->missed;
}

static void look_at_levels(struct warn *warn, const struct warn_seen *seen, uint64_t now_ns)
{
	bool more = seen->high > warn->high;

	warn->high = seen->high;
	switch (warn_step(&warn->levels, more, now_ns)) {
	case WARN_TELL:
		log_warn("port", "receive rings are over four fifths full because workers are "
				 "late; give more --cores");
		break;
	case WARN_OVER:
		log_warn("port", "receive rings have room again");
		break;
	default:
		break;
	}
}

static void look_at_worker(struct warn *warn, const struct warn_seen *seen, uint32_t worker,
			   uint64_t now_ns)
{
	const struct warn_cycles *now = &seen->cycles[worker];
	struct warn_cycles *before = &warn->before[worker];
	uint64_t busy = now->busy - before->busy;
	uint64_t all = busy + now->idle - before->idle;
	double percent;

	if (!all) /* it stands: tick.c tells that */
		return;
	percent = (double)busy / (double)all * 100;
	*before = *now;
	switch (warn_step(&warn->busy[worker], percent > WARN_BUSY_PERCENT, now_ns)) {
	case WARN_TELL:
		log_warn("worker",
			 "worker %u was busy %.0f %% of the last second and will lose packets when "
			 "it has no time left; give more --cores%s",
			 worker, percent,
			 seen->spread ? "" : ", or --spread-inbound if one tunnel carries most");
		break;
	case WARN_OVER:
		log_warn("worker", "worker %u has time to spare again busy=%.0f%%", worker,
			 percent);
		break;
	default:
		break;
	}
}

static void look_at_workers(struct warn *warn, const struct warn_seen *seen, uint64_t now_ns)
{
	if (warn->second_ns && now_ns - warn->second_ns < CLOCK_NS_PER_S)
		return;
	for (uint32_t i = 0; i < seen->workers && i < WARN_WORKERS; i++) {
		if (warn->second_ns)
			look_at_worker(warn, seen, i, now_ns);
		else
			warn->before[i] = seen->cycles[i];
	}
	warn->second_ns = now_ns;
}

void warn_look(struct warn *warn, const struct warn_seen *seen, uint64_t now_ns)
{
	look_at_buffers(warn, seen, now_ns);
	look_at_levels(warn, seen, now_ns);
	look_at_rings(warn, seen, now_ns);
	look_at_workers(warn, seen, now_ns);
}
