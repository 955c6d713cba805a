/*
 * usage: flows --a NAMESPACE=ADDRESS --b NAMESPACE=ADDRESS [--both] [--flows N] [--rate PPS]
 * [--size BYTES]
 *              [--seconds S] [--drain MS] [--stalls FILE]
 *
 * Sends numbered UDP flows from a to b, with --both back as well. A line `TEXT` on standard input
 * ends a window; each window gives a JSON object a direction on standard output: mark, direction,
 * flows, sent, received, lost, duplicates, reordered, gap_ms (longest time in which one flow got
 * nothing), sender_gap_ms (how long the sender itself paused), unsent (left out after that),
 * stall_ms (how long a processor stood still), stalls_ms (all such times that were over 2 ms),
 * seconds, send_errors. The last window, `end`, closes after S seconds or when standard input ends.
 * NAMESPACE `-` is where it was started. FILE gets a line of JSON for each time that a processor
 * stood still for 20 ms: processor, at (seconds since 1970 when it began), ms. Exit: 0, 1 failed, 2
 * usage.
 */
#include "flows.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define NS_PER_MS UINT64_C(1000000)
#define UNBOUNDED_S 3600 /* numbers are kept for that long when no end was given */
#define BUFFER (16 << 20)
#define PROCESSORS_MAX 256

static _Noreturn void fail(const char *what)
{
	fprintf(stderr, "flows: ");
	perror(what);
	exit(1);
}

static _Noreturn void usage(const char *why)
{
	fprintf(stderr, "flows: %s (flows --a NAMESPACE=ADDRESS --b NAMESPACE=ADDRESS)\n", why);
	exit(2);
}

static uint32_t number(const char *text, uint32_t most)
{
	char *end;
	unsigned long value = strtoul(text, &end, 10);

	if (*end || !value || value > most)
		usage("a number is wrong");
	return (uint32_t)value;
}

static struct flows_options options(int argc, char **argv)
{
	struct flows_options o = { .flows = 1, .rate = 1000, .size = 64, .drain_ms = 500 };

	for (int i = 1; i < argc; i++) {
		const char *word = argv[i];

		if (!strcmp(word, "--both")) {
			o.both = true;
			continue;
		}
		if (i + 1 == argc)
			usage("an option is unknown or lacks its value");
		i++;
		if (!strcmp(word, "--a"))
			o.a = argv[i];
		else if (!strcmp(word, "--b"))
			o.b = argv[i];
		else if (!strcmp(word, "--flows"))
			o.flows = number(argv[i], FLOWS_MAX);
		else if (!strcmp(word, "--rate"))
			o.rate = number(argv[i], 2000000);
		else if (!strcmp(word, "--size"))
			o.size = number(argv[i], 65000);
		else if (!strcmp(word, "--seconds"))
			o.seconds = number(argv[i], 86400);
		else if (!strcmp(word, "--drain"))
			o.drain_ms = number(argv[i], 60000);
		else if (!strcmp(word, "--stalls"))
			o.stalls = argv[i];
		else
			usage("an option is unknown");
	}
	if (!o.a || !o.b)
		usage("both ends are needed");
	if (o.size < 16)
		usage("16 bytes are the least");
	return o;
}

/* The address of an end, and its namespace entered. */
static socklen_t enter(const char *end, struct sockaddr_storage *address, int home)
{
	const char *equals = strchr(end, '=');
	char path[256];
	int ns = home;

	if (!equals)
		usage("an end is NAMESPACE=ADDRESS");
	if (strncmp(end, "-=", 2) != 0) {
		snprintf(path, sizeof(path), "/run/netns/%.*s", (int)(equals - end), end);
		ns = open(path, O_RDONLY | O_CLOEXEC);
		if (ns < 0)
			fail(path);
	}
	if (setns(ns, CLONE_NEWNET) < 0)
		fail("setns");
	if (ns != home)
		close(ns);
	memset(address, 0, sizeof(*address));
	if (inet_pton(AF_INET, equals + 1, &((struct sockaddr_in *)address)->sin_addr) == 1) {
		address->ss_family = AF_INET;
		return sizeof(struct sockaddr_in);
	}
	if (inet_pton(AF_INET6, equals + 1, &((struct sockaddr_in6 *)address)->sin6_addr) != 1)
		usage("an address is wrong");
	address->ss_family = AF_INET6;
	return sizeof(struct sockaddr_in6);
}

static void port_set(struct sockaddr_storage *address, uint16_t port)
{
	/* Both families have it at the same place. */
	((struct sockaddr_in *)address)->sin_port = htons(port);
}

static int socket_at(struct sockaddr_storage *address, socklen_t length, uint16_t port)
{
	int size = BUFFER;
	int on = 1;
	int fd = socket(address->ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	port_set(address, port);
	if (fd < 0 || bind(fd, (struct sockaddr *)address, length) < 0)
		fail("bind");
	if (port == FLOWS_PORT &&
	    (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)) < 0 ||
	     setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof(on)) < 0))
		fail("setsockopt");
	return fd;
}

static void direction_open(struct direction *d, const struct flows_options *o, bool back, int home)
{
	uint32_t seconds = o->seconds ? o->seconds : UNBOUNDED_S;
	struct sockaddr_storage from;
	socklen_t length;

	snprintf(d->name, sizeof(d->name), "%s", back ? "b-a" : "a-b");
	d->flow_count = o->flows;
	d->rate = o->rate;
	d->size = o->size;
	d->capacity = (uint64_t)o->rate * (seconds + 2) / o->flows + 64;
	d->flows = calloc(o->flows, sizeof(*d->flows));
	length = enter(back ? o->b : o->a, &from, home);
	for (uint32_t i = 0; d->flows && i < o->flows; i++) {
		d->flows[i].socket = socket_at(&from, length, (uint16_t)(FLOWS_SOURCE + i));
		d->flows[i].seen = calloc(d->capacity / 64 + 1, sizeof(*d->flows[i].seen));
		if (!d->flows[i].seen)
			fail("calloc");
	}
	d->to_length = enter(back ? o->a : o->b, &d->to, home);
	d->receiver = socket_at(&d->to, d->to_length, FLOWS_PORT);
	if (!d->flows || setns(home, CLONE_NEWNET) < 0)
		fail("open");
}

static uint64_t seen_between(const struct flow *flow, uint64_t from, uint64_t to)
{
	uint64_t count = 0;

	for (; from < to && from % 64; from++)
		count += flow->seen[from / 64] >> (from % 64) & 1;
	for (; from + 64 <= to; from += 64)
		count += (uint64_t)__builtin_popcountll(flow->seen[from / 64]);
	for (; from < to; from++)
		count += flow->seen[from / 64] >> (from % 64) & 1;
	return count;
}

static uint64_t longest_gap(struct direction *d, uint64_t now)
{
	uint64_t most = 0;

	for (uint32_t i = 0; i < d->flow_count; i++) {
		uint64_t gap = atomic_exchange(&d->flows[i].gap_ns, 0);
		uint64_t last = d->flows[i].last_ns;

		if (last && now > last && now - last > gap)
			gap = now - last;
		if (gap > most)
			most = gap;
	}
	return most;
}

/* The longest of a window, in ns. */
struct pauses {
	uint64_t gap;
	uint64_t sender;
	uint64_t stall;
	uint64_t stalls;
	uint64_t window;
};

/* What was sent until now is the window; its report waits for what is under way. */
static void window_end(struct direction *d, const char *mark, const uint64_t *until,
		       const struct pauses *pauses)
{
	uint64_t sent = 0;
	uint64_t received = 0;

	for (uint32_t i = 0; i < d->flow_count; i++) {
		struct flow *flow = &d->flows[i];

		sent += until[i] - flow->marked;
		received += seen_between(flow, flow->marked, until[i]);
		flow->marked = until[i];
	}
	printf("{\"mark\":\"%s\",\"direction\":\"%s\",\"flows\":%u,\"sent\":%llu,"
	       "\"received\":%llu,\"lost\":%llu,\"duplicates\":%llu,\"reordered\":%llu,"
	       "\"gap_ms\":%.1f,\"sender_gap_ms\":%.1f,\"unsent\":%llu,\"stall_ms\":%.1f,"
	       "\"stalls_ms\":%.1f,\"seconds\":%.3f,\"send_errors\":%llu}\n",
	       mark, d->name, d->flow_count, (unsigned long long)sent, (unsigned long long)received,
	       (unsigned long long)(sent - received),
	       (unsigned long long)atomic_exchange(&d->duplicates, 0),
	       (unsigned long long)atomic_exchange(&d->reordered, 0), (double)pauses->gap / 1e6,
	       (double)pauses->sender / 1e6, (unsigned long long)atomic_exchange(&d->unsent, 0),
	       (double)pauses->stall / 1e6, (double)pauses->stalls / 1e6,
	       (double)pauses->window / 1e9,
	       (unsigned long long)atomic_exchange(&d->send_errors, 0));
}

static struct watcher watchers[PROCESSORS_MAX];
static uint32_t watcher_count;

static void watch(_Atomic bool *running, const char *file)
{
	long n = sysconf(_SC_NPROCESSORS_ONLN);
	int log = file ? open(file, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0644) : -1;

	if (file && log < 0)
		fail(file);
	for (; watcher_count < PROCESSORS_MAX && watcher_count < n; watcher_count++) {
		struct watcher *w = &watchers[watcher_count];

		w->processor = watcher_count;
		w->running = running;
		w->log = log;
		if (pthread_create(&w->thread, NULL, flows_watch, w))
			fail("pthread_create");
	}
}

/* Of the processor that stood still longest. */
static struct pauses stalls_of_window(void)
{
	struct pauses p = { 0 };

	for (uint32_t i = 0; i < watcher_count; i++) {
		uint64_t stall = atomic_exchange(&watchers[i].stall_ns, 0);
		uint64_t stalls = atomic_exchange(&watchers[i].stalls_ns, 0);

		p.stall = stall > p.stall ? stall : p.stall;
		p.stalls = stalls > p.stalls ? stalls : p.stalls;
	}
	return p;
}

static void mark(struct direction *directions, uint32_t count, const char *name, uint32_t drain_ms)
{
	uint64_t *until[FLOWS_DIRECTIONS];
	struct pauses pauses[FLOWS_DIRECTIONS];
	struct pauses stalled = stalls_of_window();

	for (uint32_t k = 0; k < count; k++) {
		struct direction *d = &directions[k];
		uint64_t now = flows_now_ns();

		until[k] = calloc(d->flow_count, sizeof(*until[k]));
		if (!until[k])
			fail("calloc");
		for (uint32_t i = 0; i < d->flow_count; i++)
			until[k][i] = d->flows[i].sent;
		pauses[k] = stalled;
		pauses[k].gap = longest_gap(d, now);
		pauses[k].sender = atomic_exchange(&d->sender_gap_ns, 0);
		pauses[k].window = now - d->marked_ns;
		d->marked_ns = now;
	}
	usleep(drain_ms * 1000);
	for (uint32_t k = 0; k < count; k++) {
		window_end(&directions[k], name, until[k], &pauses[k]);
		free(until[k]);
	}
	fflush(stdout);
}

/* Marks until the time is over or, without one, until standard input ends. */
static void marks(struct direction *directions, uint32_t count, const struct flows_options *o)
{
	uint64_t end = flows_now_ns() + o->seconds * 1000 * NS_PER_MS;
	struct pollfd in = { .fd = STDIN_FILENO, .events = POLLIN };
	char line[128];

	setvbuf(stdin, NULL, _IONBF, 0); /* poll() sees what was not read */
	for (;;) {
		uint64_t now = flows_now_ns();

		if (o->seconds && now >= end)
			return;
		if (poll(&in, 1, o->seconds ? (int)((end - now) / NS_PER_MS) + 1 : -1) <= 0)
			continue;
		if (!fgets(line, sizeof(line), stdin)) {
			if (!o->seconds)
				return;
			in.fd = -1; /* no more marks: the time decides */
			continue;
		}
		line[strcspn(line, "\r\n\"\\")] = 0;
		mark(directions, count, line, o->drain_ms);
	}
}

int main(int argc, char **argv)
{
	struct flows_options o = options(argc, argv);
	struct direction directions[FLOWS_DIRECTIONS] = { 0 };
	uint32_t count = o.both ? 2 : 1;
	_Atomic bool sending = true;
	_Atomic bool receiving = true;
	int home = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);

	if (home < 0)
		fail("/proc/self/ns/net");
	for (uint32_t k = 0; k < count; k++) {
		directions[k].sending = &sending;
		directions[k].receiving = &receiving;
		direction_open(&directions[k], &o, k == 1, home);
		directions[k].marked_ns = flows_now_ns();
	}
	for (uint32_t k = 0; k < count; k++)
		if (pthread_create(&directions[k].threads[0], NULL, flows_receive,
				   &directions[k]) ||
		    pthread_create(&directions[k].threads[1], NULL, flows_send, &directions[k]))
			fail("pthread_create");
	watch(&receiving, o.stalls);
	marks(directions, count, &o);
	sending = false;
	for (uint32_t k = 0; k < count; k++)
		pthread_join(directions[k].threads[1], NULL);
	mark(directions, count, "end", o.drain_ms);
	receiving = false;
	for (uint32_t i = 0; i < watcher_count; i++)
		pthread_join(watchers[i].thread, NULL);
	for (uint32_t k = 0; k < count; k++)
		pthread_join(directions[k].threads[0], NULL);
	return 0;
}
