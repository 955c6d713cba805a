#pragma once
/*
 * Jobs for a thread, handed over and back: a list each way under one lock, and a descriptor for the
 * event loop of whoever gives them. The thread is its owner's, who may share more under the lock.
 */
#include "base/list.h"

#include <pthread.h>

struct jobs {
	const char *topic; /* of the log */
	int event_fd;	   /* readable when one is back; jobs_hear() */
	pthread_mutex_t lock;
	pthread_cond_t wake;
	struct list waiting;
	struct list ready;
	bool stop;
};

/* 0 or -errno; jobs_fini() in either case. */
__attribute__((warn_unused_result)) int jobs_init(struct jobs *jobs, const char *topic);
void jobs_fini(struct jobs *jobs);

/* Who gives them. */
void jobs_give(struct jobs *jobs, struct list *job);
void jobs_stop(struct jobs *jobs);
void jobs_hear(struct jobs *jobs);		/* before they are taken back */
struct list *jobs_take_back(struct jobs *jobs); /* NULL: there is none */

/* The thread, with the lock. */
struct list *jobs_next(struct jobs *jobs); /* NULL: none waits */
void jobs_give_back(struct jobs *jobs, struct list *job);
void jobs_tell(struct jobs *jobs); /* something else is for whoever hears */
