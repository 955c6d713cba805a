#pragma once
/*
 * DOC: waking the main lcore
 *
 * The main lcore sleeps in epoll; workers leave work for it in rings. A worker calls waker_wake()
 * once at the end of a turn in which it left something: it costs one load unless the main lcore
 * said that it sleeps, and then one write by one worker. No call belongs inside a packet-path step.
 *
 * The main lcore calls waker_sleep(), looks at all rings once more, waits, and calls waker_awake().
 */
#include <stdatomic.h>
#include <stdbool.h>

struct waker {
	_Atomic bool sleeping;
	int fd;
};

__attribute__((warn_unused_result)) int waker_init(struct waker *waker);
void waker_fini(struct waker *waker);
void waker_signal(struct waker *waker);

static inline void waker_wake(struct waker *waker)
{
	atomic_thread_fence(memory_order_seq_cst);
	if (atomic_load_explicit(&waker->sleeping, memory_order_relaxed) &&
	    atomic_exchange_explicit(&waker->sleeping, false, memory_order_acq_rel))
		waker_signal(waker);
}

static inline void waker_sleep(struct waker *waker)
{
	atomic_store_explicit(&waker->sleeping, true, memory_order_seq_cst);
	atomic_thread_fence(memory_order_seq_cst);
}

/* After the wait, whatever ended it. */
static inline void waker_awake(struct waker *waker)
{
	atomic_store_explicit(&waker->sleeping, false, memory_order_relaxed);
}

void waker_woken(struct waker *waker); /* clears the descriptor when it is readable */
