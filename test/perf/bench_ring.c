/*
 * DOC: ring benchmark
 *
 * Two processes on two cores with a real channel between them, as control and data plane have it.
 * Throughput: the one sends messages of one size as fast as they fit, the other takes them; each
 * size several times, best and median told (other work on the machine only ever makes it slower).
 * Wake-up: the consumer sleeps in poll(2); the producer waits until it surely does, sends a message
 * with the time in it, and the consumer tells how old it is when it has read it.
 *
 * usage: bench_ring [--quick] [--json FILE]
 */
#include "base/clock.h"
#include "contract/channel.h"

#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define ROUNDS_MAX 15
#define WAKES_MAX 4000
#define ASLEEP_NS 200000 /* longer than any consumer needs to fall asleep */

static const uint32_t sizes[] = { 16, 64, 256, 1536 };

#define SIZES (sizeof(sizes) / sizeof(sizes[0]))

/* The consumer's notes, shared. */
struct notes {
	uint64_t ns[SIZES][ROUNDS_MAX];
	uint64_t wake_ns[WAKES_MAX];
};

struct plan {
	unsigned rounds, wakes;
	uint64_t messages;
	const char *json;
	struct notes *notes;
	char path[64];
};

/* The same for both processes, and without the cost of a system call. */
static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * CLOCK_NS_PER_S + (uint64_t)t.tv_nsec;
}

/* Who finds nothing does something else for a moment, as a main loop does. */
static inline void relax(void)
{
#if defined(__x86_64__)
	__builtin_ia32_pause();
#endif
}

static void fail(const char *what, int rc)
{
	fprintf(stderr, "bench_ring: %s: %s\n", what, strerror(-rc));
	exit(1);
}

static void pin(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set) < 0)
		fprintf(stderr, "bench_ring: not pinned to CPU %d: %s\n", cpu, strerror(errno));
}

static void send_one(struct channel *channel, uint32_t n, uint16_t type, uint64_t request)
{
	static uint8_t body[4096];
	struct contract_header header = { .length = n, .type = type, .request = request };
	struct channel_part parts[] = { { &header, sizeof(header) }, { body, n - sizeof(header) } };
	int rc;

	while ((rc = channel_send(channel, parts, 2)) == -EAGAIN)
		;
	if (rc)
		fail("send", rc);
}

static const struct contract_header *take_one(struct channel *channel, void *buffer)
{
	int rc;

	while ((rc = channel_receive(channel, buffer)) == 0)
		if (channel_peer_lost(channel))
			fail("receive", -EPIPE);
	if (rc < 0)
		fail("receive", rc);
	return buffer;
}

static void spin_until_answered(struct channel *channel, void *buffer)
{
	while (channel_receive(channel, buffer) == 0)
		;
}

static void produce(struct channel *channel, const struct plan *plan)
{
	void *buffer = aligned_alloc(64, CONTRACT_MESSAGE_MAX);

	for (size_t s = 0; s < SIZES; s++)
		for (unsigned round = 0; round < plan->rounds; round++) {
			for (uint64_t i = 0; i < plan->messages; i++)
				send_one(channel, sizes[s], CONTRACT_SEND, i);
			spin_until_answered(channel, buffer);
		}
	for (unsigned i = 0; i < plan->wakes; i++) {
		uint64_t until;

		spin_until_answered(channel, buffer);
		until = now_ns() + ASLEEP_NS;
		while (now_ns() < until)
			;
		send_one(channel, 16, CONTRACT_SEND, now_ns());
	}
	spin_until_answered(channel, buffer);
	free(buffer);
}

static void consume_round(struct channel *channel, const struct plan *plan, uint64_t *ns,
			  void *buffer)
{
	uint64_t start = 0;

	/* The first message starts the watch: the producer is at work. */
	for (uint64_t i = 0; i < plan->messages; i++) {
		int rc;

		while ((rc = channel_receive(channel, buffer)) == 0)
			relax();
		if (rc < 0)
			fail("receive", rc);
		if (i == 0)
			start = now_ns();
		if (((struct contract_header *)buffer)->request != i)
			fail("order", -EPROTO);
	}
	*ns = now_ns() - start;
}

static void sleep_until_woken(struct channel *channel)
{
	struct pollfd p = { .fd = channel_event_fd(channel), .events = POLLIN };

	while (channel_may_sleep(channel)) {
		if (poll(&p, 1, 5000) == 0)
			fail("a wake-up was lost", -ETIMEDOUT);
		channel_woken(channel);
		return;
	}
}

static void consume(struct channel *channel, const struct plan *plan)
{
	void *buffer = aligned_alloc(64, CONTRACT_MESSAGE_MAX);

	for (size_t s = 0; s < SIZES; s++)
		for (unsigned round = 0; round < plan->rounds; round++) {
			consume_round(channel, plan, &plan->notes->ns[s][round], buffer);
			send_one(channel, 16, CONTRACT_PUNT, 0);
		}
	for (unsigned i = 0; i < plan->wakes; i++) {
		const struct contract_header *m;

		send_one(channel, 16, CONTRACT_PUNT, 0);
		sleep_until_woken(channel);
		m = take_one(channel, buffer);
		plan->notes->wake_ns[i] = now_ns() - m->request;
	}
	send_one(channel, 16, CONTRACT_PUNT, 0);
	free(buffer);
}

static int run_control(const struct plan *plan)
{
	struct channel *channel;
	int rc;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	pin(0);
	rc = channel_attach(&channel, plan->path, 5000);
	if (rc)
		fail("attach", rc);
	produce(channel, plan);
	channel_close(channel);
	return 0;
}

static struct channel *serve(const struct plan *plan, struct channel_listener *listener)
{
	struct pollfd p = { .fd = channel_listener_fd(listener), .events = POLLIN };
	int counters = memfd_create("counters", MFD_CLOEXEC), rc = -EAGAIN;
	struct contract_limits limits = { .session = 1 };
	struct channel *channel;

	while (rc == -EAGAIN) {
		if (poll(&p, 1, 5000) <= 0)
			fail("wait for control", -ETIMEDOUT);
		rc = channel_accept(listener, &channel, false, &limits, counters);
	}
	if (rc)
		fail("accept", rc);
	close(counters);
	return channel;
}

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static void report(const struct plan *plan)
{
	FILE *json = plan->json ? fopen(plan->json, "we") : NULL;
	uint64_t *w = plan->notes->wake_ns;
	size_t n = plan->wakes;

	if (plan->json && !json)
		fail(plan->json, -errno);
	if (json)
		fprintf(json, "{\"benchmark\":\"ring\",\"throughput\":[");
	for (size_t s = 0; s < SIZES; s++) {
		uint64_t *ns = plan->notes->ns[s];
		double best, median;

		qsort(ns, plan->rounds, sizeof(*ns), compare);
		best = (double)plan->messages * 1e3 / (double)ns[0];
		median = (double)plan->messages * 1e3 / (double)ns[plan->rounds / 2];
		printf("%5u bytes  best %6.2f  median %6.2f  million messages/s\n", sizes[s], best,
		       median);
		if (json)
			fprintf(json, "%s{\"bytes\":%u,\"best_mps\":%.3f,\"median_mps\":%.3f}",
				s ? "," : "", sizes[s], best, median);
	}
	qsort(w, n, sizeof(*w), compare);
	printf("wake-up      median %.1f  p90 %.1f  p99 %.1f  us (%zu)\n", (double)w[n / 2] / 1e3,
	       (double)w[n * 9 / 10] / 1e3, (double)w[n * 99 / 100] / 1e3, n);
	if (json) {
		fprintf(json, "],\"wake_median_us\":%.2f,\"wake_p99_us\":%.2f}\n",
			(double)w[n / 2] / 1e3, (double)w[n * 99 / 100] / 1e3);
		fclose(json);
	}
}

static void parse(struct plan *plan, int argc, char **argv)
{
	static const struct option options[] = { { "quick", no_argument, NULL, 'q' },
						 { "json", required_argument, NULL, 'j' },
						 { 0 } };
	int c;

	*plan = (struct plan){ .rounds = 9, .wakes = 2000, .messages = 2000000 };
	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (c == 'j')
			plan->json = optarg;
		else if (c == 'q')
			*plan = (struct plan){
				.rounds = 3, .wakes = 300, .messages = 500000, .json = plan->json
			};
		else
			exit(2);
	}
	snprintf(plan->path, sizeof(plan->path), "/tmp/vpngw-bench-%d.sock", (int)getpid());
}

int main(int argc, char **argv)
{
	struct channel_listener *listener;
	struct channel *channel;
	int status = 0, rc;
	struct plan plan;
	pid_t control;

	parse(&plan, argc, argv);
	plan.notes = mmap(NULL, sizeof(*plan.notes), PROT_READ | PROT_WRITE,
			  MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	rc = channel_listen(&listener, plan.path);
	if (rc || plan.notes == MAP_FAILED)
		fail("listen", rc ? rc : -ENOMEM);
	control = fork();
	if (control == 0)
		_exit(run_control(&plan));
	pin(1);
	channel = serve(&plan, listener);
	consume(channel, &plan);
	waitpid(control, &status, 0);
	channel_close(channel);
	channel_listener_close(listener);
	if (status)
		return 1;
	report(&plan);
	return 0;
}
