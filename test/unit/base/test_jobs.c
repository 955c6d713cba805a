/* Jobs go to a thread and come back in order, none is lost when it is told to stop. */
#include "../cmocka_all.h"
#include "base/jobs.h"

#include <poll.h>
#include <stdint.h>

#define JOBS 1000

struct job {
	struct list link;
	uint32_t number;
	uint32_t doubled;
};

static struct job all[JOBS];

static void *work(void *context)
{
	struct jobs *jobs = context;

	pthread_mutex_lock(&jobs->lock);
	for (;;) {
		struct list *next = jobs_next(jobs);

		if (!next && jobs->stop)
			break;
		if (!next) {
			pthread_cond_wait(&jobs->wake, &jobs->lock);
			continue;
		}
		pthread_mutex_unlock(&jobs->lock);
		list_entry(next, struct job, link)->doubled =
			2 * list_entry(next, struct job, link)->number;
		pthread_mutex_lock(&jobs->lock);
		jobs_give_back(jobs, next);
	}
	pthread_mutex_unlock(&jobs->lock);
	return NULL;
}

static uint32_t take_back(struct jobs *jobs, uint32_t have)
{
	struct list *back;

	jobs_hear(jobs);
	while ((back = jobs_take_back(jobs))) {
		const struct job *job = list_entry(back, struct job, link);

		assert_int_equal(job->number, have);
		assert_int_equal(job->doubled, 2 * have);
		have++;
	}
	return have;
}

static void start(struct jobs *jobs, pthread_t *thread)
{
	assert_int_equal(jobs_init(jobs, "test"), 0);
	assert_int_equal(pthread_create(thread, NULL, work, jobs), 0);
	for (uint32_t i = 0; i < JOBS; i++) {
		all[i] = (struct job){ .number = i };
		jobs_give(jobs, &all[i].link);
	}
}

static void test_come_back(void **state)
{
	struct jobs jobs;
	pthread_t thread;
	uint32_t have = 0;

	(void)state;
	start(&jobs, &thread);
	while (have < JOBS) {
		struct pollfd readable = { .fd = jobs.event_fd, .events = POLLIN };

		assert_int_equal(poll(&readable, 1, 20000), 1);
		have = take_back(&jobs, have);
	}
	assert_null(jobs_take_back(&jobs));
	jobs_stop(&jobs);
	pthread_join(thread, NULL);
	jobs_fini(&jobs);
}

static void test_stop_waits_for_all(void **state)
{
	struct jobs jobs;
	pthread_t thread;

	(void)state;
	start(&jobs, &thread);
	jobs_stop(&jobs);
	pthread_join(thread, NULL);
	assert_int_equal(take_back(&jobs, 0), JOBS);
	jobs_fini(&jobs);
}

static void test_hears_of_something_else(void **state)
{
	struct jobs jobs;
	struct pollfd readable = { .events = POLLIN };

	(void)state;
	assert_int_equal(jobs_init(&jobs, "test"), 0);
	readable.fd = jobs.event_fd;
	assert_int_equal(poll(&readable, 1, 0), 0);
	jobs_tell(&jobs);
	assert_int_equal(poll(&readable, 1, 0), 1);
	jobs_hear(&jobs);
	assert_int_equal(poll(&readable, 1, 0), 0);
	jobs_fini(&jobs);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_come_back),
		cmocka_unit_test(test_stop_waits_for_all),
		cmocka_unit_test(test_hears_of_something_else),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
