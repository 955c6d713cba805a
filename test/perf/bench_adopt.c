/*
 * DOC: adoption benchmark
 *
 * What a control does that finds a data plane at work: attach, list all SAs, confirm each (in
 * batches), say that adoption is complete. Against a real vpngw-dataplane that somebody started:
 * bench_adopt SOCKET [--quick] [--json FILE]. A first control adds SAs and is killed; then each
 * round is another control that takes over, is killed as well, and must find all of them. A last
 * round confirms only half: the rest must be swept away, and only then.
 */
#include "base/clock.h"
#include "samples.h"

#include "contract/channel.h"

#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define ROUNDS_MAX 21
#define CONFIRM_AT_ONCE 2000

struct result {
	uint32_t listed, wrong, after;
	uint64_t attach_ns, list_ns, total_ns;
};

struct adoption {
	const char *path, *json;
	uint32_t sas, rounds;
	struct result *results; /* shared with the controls */
	struct channel *channel;
	uint64_t *message, *batch, request;
};

static _Noreturn void fail(const char *what, int rc)
{
	fprintf(stderr, "bench_adopt: %s: %s\n", what, strerror(-rc));
	exit(1);
}

static void send_message(struct adoption *a, const struct contract_header *m)
{
	struct channel_part part = { m, m->length };
	int rc;

	while ((rc = channel_send(a->channel, &part, 1)) == -EAGAIN)
		poll(NULL, 0, 1);
	if (rc)
		fail("send", rc);
}

static const struct contract_header *receive(struct adoption *a)
{
	struct pollfd fds[] = { { .fd = channel_event_fd(a->channel), .events = POLLIN },
				{ .fd = channel_peer_fd(a->channel), .events = POLLIN } };
	int rc;

	while ((rc = channel_receive(a->channel, a->message)) == 0) {
		if (!channel_may_sleep(a->channel))
			continue;
		if (poll(fds, 2, 10000) < 1 || channel_peer_lost(a->channel))
			fail("wait for the data plane", -ETIMEDOUT);
		channel_woken(a->channel);
	}
	if (rc < 0 || contract_event_check((const void *)a->message))
		fail("receive", -EPROTO);
	return (const void *)a->message;
}

static void await_answer(struct adoption *a, uint64_t request)
{
	const struct contract_header *m;
	const struct contract_answer *answer;

	do
		m = receive(a);
	while (m->type != CONTRACT_ANSWER || m->request != request);
	answer = (const void *)(m + 1);
	if (answer->status) {
		fprintf(stderr, "bench_adopt: refused: %s: %s\n",
			contract_status_text(answer->status), answer->reason);
		exit(1);
	}
}

static void attach(struct adoption *a)
{
	int rc;

	/* The one before may not have been missed yet. */
	while ((rc = channel_attach(&a->channel, a->path, 5000)) == -EBUSY)
		poll(NULL, 0, 1);
	if (rc)
		fail(a->path, rc);
	if (channel_limits(a->channel)->sas <= a->sas)
		fail("the data plane has no room for so many SAs", -ENOSPC);
}

static void own(struct adoption *a, struct sample *s)
{
	contract_object_of(&s->header)->generation = channel_limits(a->channel)->session;
	contract_object_of(&s->header)->domain = 0;
}

static void add_base(struct adoption *a)
{
	struct contract_nexthop drop = { .kind = CONTRACT_NEXTHOP_DROP };
	struct contract_tunnel tunnel = { .nexthop = 1 };
	struct contract_child child = { .tunnel = 4, .local_count = 1, .remote_count = 1 };
	struct net_selector any = net_selector_any(NET_IP4);
	static struct sample s;

	for (int i = 0; i < 3; i++) {
		static const struct {
			enum contract_kind kind;
			uint32_t id;
		} order[] = { { CONTRACT_NEXTHOP, 1 },
			      { CONTRACT_TUNNEL, 4 },
			      { CONTRACT_CHILD, 5 } };

		sample_begin(&s, CONTRACT_ADD, ++a->request);
		sample_object(&s, order[i].kind, order[i].id);
		if (i == 0) {
			sample_append(&s, &drop, sizeof(drop));
		} else if (i == 1) {
			sample_append(&s, &tunnel, sizeof(tunnel));
		} else {
			sample_append(&s, &child, sizeof(child));
			sample_append(&s, &any, sizeof(any));
			sample_append(&s, &any, sizeof(any));
		}
		own(a, &s);
		send_message(a, &s.header);
		await_answer(a, a->request);
	}
}

/* Half of them inbound; each with opaque bytes that say which it is. */
static void add_sas(struct adoption *a)
{
	static struct sample s;
	uint64_t answered = a->request;

	for (uint32_t id = 1; id <= a->sas; id++) {
		struct contract_sa sa =
			sample_sa(id % 2 ? CONTRACT_INBOUND : CONTRACT_OUTBOUND, id);

		sample_begin(&s, CONTRACT_ADD, ++a->request);
		sample_object(&s, CONTRACT_SA, id);
		sample_append(&s, &sa, sizeof(sa));
		contract_object_of(&s.header)->opaque_length = sizeof(id);
		sample_append(&s, &id, sizeof(id));
		own(a, &s);
		send_message(a, &s.header);
		while (a->request - answered > 1000)
			await_answer(a, ++answered);
	}
	while (answered < a->request)
		await_answer(a, ++answered);
}

/* All SAs; what came back with each must be what went with it. */
static uint32_t list(struct adoption *a, uint32_t *wrong)
{
	const struct contract_header *m;
	static struct sample s;
	uint32_t n = 0, id;

	sample_begin(&s, CONTRACT_LIST, ++a->request);
	sample_object(&s, CONTRACT_SA, 0);
	own(a, &s);
	send_message(a, &s.header);
	while ((m = receive(a))->type != CONTRACT_ANSWER) {
		const struct contract_object *o = contract_object_of(m);

		if (m->type != CONTRACT_OBJECT)
			continue;
		n++;
		memcpy(&id, contract_opaque_of(m), sizeof(id));
		*wrong += o->opaque_length != sizeof(id) || id != o->id;
	}
	return n;
}

static void confirm_one(struct adoption *a, enum contract_kind kind, uint32_t id)
{
	struct contract_header *batch = (void *)a->batch;
	struct {
		struct contract_header header;
		struct contract_object object;
	} one = { { sizeof(one), CONTRACT_CONFIRM, 0, 0 }, { .kind = kind, .id = id } };

	one.object.generation = channel_limits(a->channel)->session;
	memcpy((uint8_t *)batch + batch->length, &one, sizeof(one));
	batch->length += sizeof(one);
}

static void confirm(struct adoption *a, uint32_t sas)
{
	struct contract_header *batch = (void *)a->batch;
	uint64_t first = a->request + 1;
	uint32_t id = 0;

	do {
		*batch = (struct contract_header){ .length = sizeof(*batch),
						   .type = CONTRACT_BATCH,
						   .request = ++a->request };
		if (!id) {
			confirm_one(a, CONTRACT_NEXTHOP, 1);
			confirm_one(a, CONTRACT_TUNNEL, 4);
			confirm_one(a, CONTRACT_CHILD, 5);
		}
		for (uint32_t i = 0; i < CONFIRM_AT_ONCE && id < sas; i++)
			confirm_one(a, CONTRACT_SA, ++id);
		send_message(a, batch);
	} while (id < sas);
	for (; first <= a->request; first++)
		await_answer(a, first);
	*batch = (struct contract_header){ .length = sizeof(*batch),
					   .type = CONTRACT_ADOPTED,
					   .request = ++a->request };
	send_message(a, batch);
	await_answer(a, a->request);
}

static void run_control(struct adoption *a, struct result *r, uint32_t keep)
{
	uint64_t start;

	a->message = aligned_alloc(64, CONTRACT_MESSAGE_MAX);
	a->batch = aligned_alloc(64, CONTRACT_MESSAGE_MAX);
	attach(a);
	if (!r) {
		add_base(a);
		add_sas(a);
		confirm(a, a->sas);
		_exit(0); /* without a word of farewell */
	}
	channel_close(a->channel); /* timed from here: the one before is surely missed */
	start = clock_now_ns(&clock_monotonic);
	attach(a);
	r->attach_ns = clock_now_ns(&clock_monotonic) - start;
	r->listed = list(a, &r->wrong);
	r->list_ns = clock_now_ns(&clock_monotonic) - start - r->attach_ns;
	confirm(a, keep);
	r->total_ns = clock_now_ns(&clock_monotonic) - start;
	r->after = list(a, &r->wrong);
	kill(getpid(), SIGKILL);
}

/* A control of its own process. */
static void spawn(struct adoption *a, struct result *r, uint32_t keep)
{
	pid_t child = fork();
	int status = 0;

	if (child == 0)
		run_control(a, r, keep);
	if (child < 0 || waitpid(child, &status, 0) != child)
		fail("fork", -errno);
	if (r ? !WIFSIGNALED(status) : status)
		exit(1);
}

static int by_total(const void *x, const void *y)
{
	const struct result *a = x, *b = y;

	return (a->total_ns > b->total_ns) - (a->total_ns < b->total_ns);
}

static void parse(struct adoption *a, int argc, char **argv)
{
	static const struct option options[] = { { "quick", no_argument, NULL, 'q' },
						 { "json", required_argument, NULL, 'j' },
						 { "sas", required_argument, NULL, 's' },
						 { 0 } };
	int c;

	*a = (struct adoption){ .rounds = 11, .sas = 10000 };
	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (c == 'j')
			a->json = optarg;
		else if (c == 's')
			a->sas = (uint32_t)strtoul(optarg, NULL, 10);
		else if (c == 'q')
			a->rounds = 3;
		else
			exit(2);
	}
	if (optind + 1 != argc || a->sas < 2) {
		fprintf(stderr, "usage: bench_adopt SOCKET [--sas N] [--quick] [--json FILE]\n");
		exit(2);
	}
	a->path = argv[optind];
}

static void report(struct adoption *a)
{
	const struct result *r;
	FILE *json;

	qsort(a->results, a->rounds, sizeof(*a->results), by_total);
	r = &a->results[a->rounds / 2];
	printf("%u SAs adopted in %.1f ms (median of %u, worst %.1f): attach %.1f, list %.1f\n",
	       a->sas, (double)r->total_ns / 1e6, a->rounds,
	       (double)a->results[a->rounds - 1].total_ns / 1e6, (double)r->attach_ns / 1e6,
	       (double)r->list_ns / 1e6);
	json = a->json ? fopen(a->json, "we") : NULL;
	if (!a->json)
		return;
	if (!json)
		fail(a->json, -errno);
	fprintf(json, "{\"benchmark\":\"adopt\",\"sas\":%u,\"median_ms\":%.2f,\"worst_ms\":%.2f}\n",
		a->sas, (double)r->total_ns / 1e6,
		(double)a->results[a->rounds - 1].total_ns / 1e6);
	fclose(json);
}

static void must_hold(const struct result *r, uint32_t listed, uint32_t after)
{
	if (r->listed == listed && r->after == after && !r->wrong)
		return;
	fprintf(stderr,
		"bench_adopt: %u listed (%u wrong), %u after adoption; expected %u and %u\n",
		r->listed, r->wrong, r->after, listed, after);
	exit(1);
}

int main(int argc, char **argv)
{
	struct result *last;
	struct adoption a;

	parse(&a, argc, argv);
	a.results = mmap(NULL, ROUNDS_MAX * sizeof(*a.results), PROT_READ | PROT_WRITE,
			 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (a.results == MAP_FAILED)
		fail("memory", -errno);
	spawn(&a, NULL, 0);
	for (uint32_t i = 0; i < a.rounds; i++) {
		spawn(&a, &a.results[i], a.sas);
		must_hold(&a.results[i], a.sas, a.sas);
	}
	last = &a.results[a.rounds];
	spawn(&a, last, a.sas / 2);
	must_hold(last, a.sas, a.sas / 2);
	printf("%u not confirmed were swept when adoption was complete\n", a.sas - a.sas / 2);
	report(&a);
	return 0;
}
