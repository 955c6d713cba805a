#include "control/metering/writer.h"

#include "base/jobs.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define TOPIC "metering"
#define QUESTIONS_MAX 4
#define TIMES_MAX 2

struct job {
	struct list link;
	struct metering_frame frame; /* of a write; its steps are behind the job */
	struct metering_limits limits;
	writer_written written;
	writer_answer answer; /* of a question */
	void *context;
	uint64_t times[TIMES_MAX];
	uint32_t time_count;
	struct metering_state states[TIMES_MAX];
	uint64_t file_bytes;
	int status;
	uint8_t steps[];
};

struct metering_writer {
	struct metering_archive *archive; /* the thread's */
	uint64_t file_bytes;		  /* the caller's, these three */
	uint32_t questions;
	bool busy;
	pthread_t thread;
	bool threaded;
	struct jobs jobs;
};

static void job_run(struct metering_writer *writer, struct job *job)
{
	struct metering_archive *archive = writer->archive;

	if (job->written)
		job->status = job->frame.type == METERING_HEAD
				      ? metering_archive_begin(archive, &job->frame, &job->limits)
				      : metering_archive_append(archive, &job->frame);
	for (uint32_t i = 0; job->status == 0 && i < job->time_count; i++)
		job->status = metering_archive_at(archive, &job->states[i], job->times[i]);
	job->file_bytes = metering_archive_end(archive);
}

static void *run(void *context)
{
	struct metering_writer *writer = context;
	struct jobs *jobs = &writer->jobs;

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
		job_run(writer, list_entry(next, struct job, link));
		pthread_mutex_lock(&jobs->lock);
		jobs_give_back(jobs, next);
	}
	pthread_mutex_unlock(&jobs->lock);
	return NULL;
}

int writer_new(struct metering_writer **out, struct metering_archive *archive)
{
	struct metering_writer *writer = calloc(1, sizeof(*writer));
	int rc;

	if (!writer) {
		metering_archive_free(archive);
		return -ENOMEM;
	}
	writer->archive = archive;
	rc = jobs_init(&writer->jobs, TOPIC);
	if (rc == 0)
		rc = -pthread_create(&writer->thread, NULL, run, writer);
	writer->threaded = rc == 0;
	if (rc < 0)
		writer_free(writer);
	else
		*out = writer;
	return rc;
}

void writer_free(struct metering_writer *writer)
{
	if (!writer)
		return;
	if (writer->threaded) {
		jobs_stop(&writer->jobs);
		pthread_join(writer->thread, NULL);
		writer_poll(writer);
	}
	jobs_fini(&writer->jobs);
	metering_archive_free(writer->archive);
	free(writer);
}

int writer_fd(const struct metering_writer *writer)
{
	return writer->jobs.event_fd;
}

static void finish(struct metering_writer *writer, struct job *job)
{
	writer->file_bytes = job->file_bytes;
	if (job->written) {
		writer->busy = false;
		job->written(job->context, job->status);
	} else {
		writer->questions--;
		job->answer(job->context, job->status, job->states);
	}
	for (uint32_t i = 0; i < TIMES_MAX; i++)
		metering_state_fini(&job->states[i]);
	free(job);
}

void writer_poll(struct metering_writer *writer)
{
	struct list *back;

	jobs_hear(&writer->jobs);
	while ((back = jobs_take_back(&writer->jobs)))
		finish(writer, list_entry(back, struct job, link));
}

bool writer_busy(const struct metering_writer *writer)
{
	return writer->busy;
}

int writer_write(struct metering_writer *writer, const struct metering_frame *frame,
		 const struct metering_limits *limits, writer_written done, void *context)
{
	struct job *job;

	if (writer->busy)
		return -EBUSY;
	job = calloc(1, sizeof(*job) + frame->steps.n);
	if (!job)
		return -ENOMEM;
	if (frame->steps.n)
		memcpy(job->steps, frame->steps.p, frame->steps.n);
	job->frame = *frame;
	job->frame.steps.p = job->steps;
	if (limits)
		job->limits = *limits;
	job->written = done;
	job->context = context;
	writer->busy = true;
	jobs_give(&writer->jobs, &job->link);
	return 0;
}

int writer_ask(struct metering_writer *writer, const uint64_t *wall_ms, uint32_t count,
	       writer_answer answer, void *context)
{
	struct job *job;

	if (writer->questions == QUESTIONS_MAX || count > TIMES_MAX)
		return -EAGAIN;
	job = calloc(1, sizeof(*job));
	if (!job)
		return -ENOMEM;
	memcpy(job->times, wall_ms, count * sizeof(*wall_ms));
	job->time_count = count;
	job->answer = answer;
	job->context = context;
	writer->questions++;
	jobs_give(&writer->jobs, &job->link);
	return 0;
}

uint64_t writer_file_bytes(const struct metering_writer *writer)
{
	return writer->file_bytes;
}
