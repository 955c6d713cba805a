#include "base/jobs.h"

#include "base/log.h"

#include <errno.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

int jobs_init(struct jobs *jobs, const char *topic)
{
	*jobs = (struct jobs){ .topic = topic };
	list_init(&jobs->waiting);
	list_init(&jobs->ready);
	pthread_mutex_init(&jobs->lock, NULL);
	pthread_cond_init(&jobs->wake, NULL);
	jobs->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	return jobs->event_fd < 0 ? -errno : 0;
}

void jobs_fini(struct jobs *jobs)
{
	if (jobs->event_fd >= 0)
		close(jobs->event_fd);
	pthread_cond_destroy(&jobs->wake);
	pthread_mutex_destroy(&jobs->lock);
}

static struct list *first_of(struct list *head)
{
	struct list *first = head->next;

	if (list_empty(head))
		return NULL;
	list_del(first);
	return first;
}

void jobs_give(struct jobs *jobs, struct list *job)
{
	pthread_mutex_lock(&jobs->lock);
	list_add_tail(&jobs->waiting, job);
	pthread_cond_signal(&jobs->wake);
	pthread_mutex_unlock(&jobs->lock);
}

void jobs_stop(struct jobs *jobs)
{
	pthread_mutex_lock(&jobs->lock);
	jobs->stop = true;
	pthread_cond_signal(&jobs->wake);
	pthread_mutex_unlock(&jobs->lock);
}

void jobs_hear(struct jobs *jobs)
{
	eventfd_t count;

	if (eventfd_read(jobs->event_fd, &count) && errno != EAGAIN)
		log_error(jobs->topic, "the event descriptor cannot be read: %s", strerror(errno));
}

struct list *jobs_take_back(struct jobs *jobs)
{
	struct list *job;

	pthread_mutex_lock(&jobs->lock);
	job = first_of(&jobs->ready);
	pthread_mutex_unlock(&jobs->lock);
	return job;
}

struct list *jobs_next(struct jobs *jobs)
{
	return first_of(&jobs->waiting);
}

void jobs_give_back(struct jobs *jobs, struct list *job)
{
	list_add_tail(&jobs->ready, job);
	jobs_tell(jobs);
}

void jobs_tell(struct jobs *jobs)
{
	if (eventfd_write(jobs->event_fd, 1))
		log_error(jobs->topic, "the event descriptor is gone: %s", strerror(errno));
}
