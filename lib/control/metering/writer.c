#include "control/metering/writer.h"

#include "base/list.h"
#include "base/log.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

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
	int event_fd;
	uint64_t file_bytes; /* the caller's, these three */
	uint32_t questions;
	bool busy;
	pthread_t thread;
	bool threaded;
	pthread_mutex_t lock; /* for what follows */
	pthread_cond_t wake;
	struct list waiting;
	struct list ready;
	bool stop;
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

	pthread_mutex_lock(&writer->lock);
	for (;;) {
		struct job *job;

		while (list_empty(&writer->waiting) && !writer->stop)
			pthread_cond_wait(&writer->wake, &writer->lock);
		if (list_empty(&writer->waiting))
			break;
		job = list_entry(writer->waiting.next, struct job, link);
		list_del(&job->link);
		pthread_mutex_unlock(&writer->lock);
		job_run(writer, job);
		pthread_mutex_lock(&writer->lock);
		list_add_tail(&writer->ready, &job->link);
		if (eventfd_write(writer->event_fd, 1))
			log_error(TOPIC, "the event descriptor is gone: %s", strerror(errno));
	}
	pthread_mutex_unlock(&writer->lock);
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
	list_init(&writer->waiting);
	list_init(&writer->ready);
	pthread_mutex_init(&writer->lock, NULL);
	pthread_cond_init(&writer->wake, NULL);
	writer->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	rc = writer->event_fd < 0 ? -errno : -pthread_create(&writer->thread, NULL, run, writer);
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
		pthread_mutex_lock(&writer->lock);
		writer->stop = true;
		pthread_cond_signal(&writer->wake);
		pthread_mutex_unlock(&writer->lock);
		pthread_join(writer->thread, NULL);
		writer_poll(writer);
	}
	if (writer->event_fd >= 0)
		close(writer->event_fd);
	pthread_cond_destroy(&writer->wake);
	pthread_mutex_destroy(&writer->lock);
	metering_archive_free(writer->archive);
	free(writer);
}

int writer_fd(const struct metering_writer *writer)
{
	return writer->event_fd;
}

static struct job *take_ready(struct metering_writer *writer)
{
	struct job *job = NULL;

	pthread_mutex_lock(&writer->lock);
	if (!list_empty(&writer->ready)) {
		job = list_entry(writer->ready.next, struct job, link);
		list_del(&job->link);
	}
	pthread_mutex_unlock(&writer->lock);
	return job;
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
	struct job *job;
	eventfd_t count;

	if (eventfd_read(writer->event_fd, &count) && errno != EAGAIN)
		log_error(TOPIC, "the event descriptor cannot be read: %s", strerror(errno));
	while ((job = take_ready(writer)))
		finish(writer, job);
}

bool writer_busy(const struct metering_writer *writer)
{
	return writer->busy;
}

static void hand_over(struct metering_writer *writer, struct job *job)
{
	pthread_mutex_lock(&writer->lock);
	list_add_tail(&writer->waiting, &job->link);
	pthread_cond_signal(&writer->wake);
	pthread_mutex_unlock(&writer->lock);
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
	hand_over(writer, job);
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
	hand_over(writer, job);
	return 0;
}

uint64_t writer_file_bytes(const struct metering_writer *writer)
{
	return writer->file_bytes;
}
