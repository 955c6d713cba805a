#pragma once
/*
 * Several threads offer packets to the real buckets, each with a simulated clock of its own; they
 * wait for each other every STEP_US of simulated time.
 */
#include "dataplane/meter/meter.h"

#include <pthread.h>
#include <stdlib.h>

#define SIMULATE_HZ UINT64_C(2600000000)
#define SIMULATE_STEP_US 50
#define SIMULATE_BURST 32

struct simulate_source {
	uint32_t limit;
	enum meter_direction direction;
	uint32_t bytes;	      /* of a packet */
	double packets_per_s; /* offered by all threads together */
};

struct simulate {
	struct meter *meter;
	const struct simulate_source *sources;
	uint32_t source_count;
	uint32_t threads;
	uint32_t ms;
	uint64_t start_tsc;
	bool balance;
	/* out: passed of each source */
	uint64_t *passed_bytes;
	uint64_t *passed_packets;
	pthread_barrier_t barrier;
};

struct simulate_thread {
	struct simulate *s;
	uint32_t worker;
	pthread_t thread;
};

static inline void simulate_step(struct simulate *s, const struct meter_worker *w, double *due,
				 uint64_t now, uint64_t step)
{
	for (uint32_t i = 0; i < s->source_count; i++) {
		const struct simulate_source *source = &s->sources[i];
		double packets = source->packets_per_s / s->threads * (double)step / SIMULATE_HZ;
		uint64_t bytes = 0;
		uint64_t passed = 0;
		uint32_t n;

		due[i] += packets;
		n = (uint32_t)due[i];
		due[i] -= n;
		for (uint32_t k = 0; k < n; k++) {
			/* A burst shares one reading of the clock; bursts are spread evenly. */
			uint64_t at = now + step * (k / SIMULATE_BURST * SIMULATE_BURST) / n;

			if (!meter_admit(w, source->limit, source->direction, source->bytes, at))
				continue;
			passed++;
			bytes += source->bytes;
		}
		__atomic_fetch_add(&s->passed_bytes[i], bytes, __ATOMIC_RELAXED);
		__atomic_fetch_add(&s->passed_packets[i], passed, __ATOMIC_RELAXED);
	}
}

static inline void *simulate_worker(void *arg)
{
	struct simulate_thread *t = arg;
	struct simulate *s = t->s;
	struct meter_worker w = meter_worker(s->meter, t->worker);
	uint64_t step = SIMULATE_HZ / 1000000 * SIMULATE_STEP_US;
	uint64_t end = s->start_tsc + SIMULATE_HZ / 1000 * s->ms;
	double *due = malloc(s->source_count * sizeof(*due));

	for (uint32_t i = 0; i < s->source_count; i++)
		due[i] = (double)((i * 37 + t->worker * 11) % 100) / 100;
	for (uint64_t now = s->start_tsc; now < end; now += step) {
		if (s->threads > 1)
			pthread_barrier_wait(&s->barrier);
		if (t->worker == 0 && s->balance)
			meter_balance(s->meter, now);
		simulate_step(s, &w, due, now, step);
	}
	free(due);
	return NULL;
}

/* Runs ms of simulated time; passed_bytes and passed_packets are added to. */
static inline void simulate_run(struct simulate *s)
{
	struct simulate_thread threads[8];

	pthread_barrier_init(&s->barrier, NULL, s->threads);
	for (uint32_t i = 0; i < s->threads; i++) {
		threads[i] = (struct simulate_thread){ .s = s, .worker = i };
		pthread_create(&threads[i].thread, NULL, simulate_worker, &threads[i]);
	}
	for (uint32_t i = 0; i < s->threads; i++)
		pthread_join(threads[i].thread, NULL);
	pthread_barrier_destroy(&s->barrier);
	s->start_tsc += SIMULATE_HZ / 1000 * s->ms;
}
