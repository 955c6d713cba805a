#include "contractctl.h"
#include "base/clock.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char help[] =
	"contractctl SOCKET [COMMAND ...]: a control for tests; commands from stdin, one a line,\n"
	"or one from the command line.\n"
	"  add|set|delete|confirm KIND key=value ...   one request; \"! \" before: must be "
	"refused\n"
	"  begin ... end                               what is between them is one batch\n"
	"  list KIND      count KIND      counters [drops|ports|sas|tunnels|limits]\n"
	"  adopted        probe           limits\n"
	"  send local=A remote=B local_port=N remote_port=N nexthop=N [marker=1] hex=00..\n"
	"  events MS      print what comes in for so long\n"
	"  wait MS TEXT   until a printed event has TEXT in it, else fail\n"
	"  storm sas=N [id=FIRST] key=value ...   adds N SAs, says how long it took\n"
	"KIND: address neighbour nexthop group tunnel child sa limit route (port mirror: list)\n";

static struct channel *channel;
static struct contract_counters counters;
static uint8_t message[CONTRACT_MESSAGE_MAX] __attribute__((aligned(8)));
static uint8_t batch[CONTRACT_MESSAGE_MAX] __attribute__((aligned(8)));
static uint32_t batch_bytes; /* 0: no batch */
static uint64_t last_request;
static uint32_t listed;
static bool quiet;

static int die(const char *what)
{
	fprintf(stderr, "contractctl: %s\n", what);
	exit(1);
}

/* The next message within the time, or false. */
static bool receive(int timeout_ms)
{
	uint64_t end = clock_now_ns(&clock_monotonic) + (uint64_t)timeout_ms * CLOCK_NS_PER_MS;

	for (;;) {
		struct pollfd fds[] = { { channel_event_fd(channel), POLLIN, 0 },
					{ channel_peer_fd(channel), POLLIN, 0 } };
		int got = channel_receive(channel, message);
		uint64_t now = clock_now_ns(&clock_monotonic);

		if (got > 0)
			return true;
		if (got < 0)
			die("the channel is broken");
		if (channel_peer_lost(channel))
			die("the data plane is gone");
		if (now >= end)
			return false;
		if (channel_may_sleep(channel))
			poll(fds, 2, (int)((end - now) / CLOCK_NS_PER_MS) + 1);
		channel_woken(channel);
	}
}

static void send_bytes(const void *bytes, size_t n)
{
	const struct channel_part part = { bytes, n };
	int err;

	while ((err = channel_send(channel, &part, 1)) == -EAGAIN)
		usleep(100);
	if (err)
		die("cannot send");
}

/* Waits for the answer; prints listed objects. */
static const struct contract_answer *answer(uint64_t request)
{
	const struct contract_header *header = (const void *)message;

	listed = 0;
	for (;;) {
		if (!receive(10000))
			die("no answer in 10 s");
		if (header->type == CONTRACT_OBJECT && header->request == request) {
			listed++;
			if (!quiet)
				print_object(header);
		} else if (header->type == CONTRACT_ANSWER && header->request == request) {
			return (const void *)(header + 1);
		} else if (header->type != CONTRACT_ANSWER && !quiet) {
			print_event(header);
		}
	}
}

static int outcome(const struct contract_answer *a, bool must_fail)
{
	const struct contract_sa_final *final = (const void *)a;

	if (a->status)
		printf("refused: %s: %s\n", contract_status_text((enum contract_status)a->status),
		       a->reason);
	else if (((const struct contract_header *)(const void *)message)->length >
		 sizeof(struct contract_header) + sizeof(*a))
		printf("final packets=%llu bytes=%llu sequence=%llu\n",
		       (unsigned long long) final->packets, (unsigned long long) final->bytes,
		       (unsigned long long) final->sequence);
	return (a->status != 0) != must_fail;
}

static int request(enum contract_type type, const struct line *line, bool must_fail)
{
	struct contract_header *header = (void *)message;

	if (fields_build(message, sizeof(message), type, line, 1, channel_limits(channel)->session))
		return 1;
	if (batch_bytes) {
		if (batch_bytes + header->length > sizeof(batch))
			die("the batch is too long");
		memcpy(batch + batch_bytes, message, header->length);
		batch_bytes += header->length;
		return 0;
	}
	header->request = ++last_request;
	send_bytes(message, header->length);
	return outcome(answer(last_request), must_fail);
}

static int bare(enum contract_type type, bool must_fail)
{
	struct contract_header header = { sizeof(header), (uint16_t)type, 0, ++last_request };

	send_bytes(&header, sizeof(header));
	return outcome(answer(last_request), must_fail);
}

static int batch_end(bool must_fail)
{
	struct contract_header *header = (void *)batch;

	*header = (struct contract_header){ batch_bytes, CONTRACT_BATCH, 0, ++last_request };
	batch_bytes = 0;
	send_bytes(batch, header->length);
	return outcome(answer(last_request), must_fail);
}

static int list(const struct line *line, bool count_only)
{
	struct {
		struct contract_header header;
		struct contract_object object;
	} m = { { sizeof(m), CONTRACT_LIST, 0, ++last_request }, { 0 } };
	uint64_t start = clock_now_ns(&clock_monotonic);
	int failed;

	m.object.kind = (uint16_t)fields_kind(line->count > 1 ? line->words[1] : "");
	m.object.generation = channel_limits(channel)->session;
	quiet = count_only;
	send_bytes(&m, sizeof(m));
	failed = outcome(answer(last_request), false);
	quiet = false;
	if (count_only)
		printf("count %u ms=%.1f\n", listed,
		       (double)(clock_now_ns(&clock_monotonic) - start) / 1e6);
	return failed;
}

static int send_line(const struct line *line)
{
	struct contract_header *header = (void *)message;
	struct contract_datagram *d = (void *)(header + 1);
	const char *local = fields_value(line, "local");
	const char *remote = fields_value(line, "remote");
	const char *hex = fields_value(line, "hex");
	int n;

	memset(message, 0, sizeof(message));
	if (!local || !remote || !hex || net_addr_parse(&d->local, local) ||
	    net_addr_parse(&d->remote, remote))
		return 1;
	n = fields_hex((uint8_t *)(d + 1), 65000, hex);
	if (n < 0)
		return 1;
	d->local_port = (uint16_t)fields_number(line, "local_port", 500);
	d->remote_port = (uint16_t)fields_number(line, "remote_port", 500);
	d->nexthop = (uint32_t)fields_number(line, "nexthop", 0);
	d->class = CONTRACT_CLASS_IKE;
	d->non_esp_marker = (uint8_t)fields_number(line, "marker", 0);
	d->length = (uint32_t)n;
	header->type = CONTRACT_SEND;
	header->length = (uint32_t)((sizeof(*header) + sizeof(*d) + (uint32_t)n + 7) & ~7u);
	send_bytes(message, header->length);
	return 0;
}

static int events(int ms, const char *text)
{
	uint64_t end = clock_now_ns(&clock_monotonic) + (uint64_t)ms * CLOCK_NS_PER_MS;
	char printed[8192];

	for (;;) {
		uint64_t now = clock_now_ns(&clock_monotonic);
		FILE *real = stdout;

		if (now >= end || !receive((int)((end - now) / CLOCK_NS_PER_MS) + 1))
			return text != NULL;
		memset(printed, 0, sizeof(printed));
		stdout = fmemopen(printed, sizeof(printed) - 1, "w");
		print_event((const void *)message);
		fclose(stdout);
		stdout = real;
		fputs(printed, stdout);
		fflush(stdout);
		if (text && strstr(printed, text))
			return 0;
	}
}

/* All requests at once, as fast as the ring takes them; then all answers. */
static int storm(const struct line *line)
{
	uint32_t n = (uint32_t)fields_number(line, "sas", 0);
	uint32_t first = (uint32_t)fields_number(line, "id", 1);
	struct line sa = { .count = 1 };
	static uint8_t template[4096] __attribute__((aligned(8)));
	struct contract_header *header = (void *)template;
	struct contract_object *object = (void *)(header + 1);
	uint64_t start;
	uint32_t sent = 0, answered = 0, refused = 0;

	sa.words[0] = (char *)"sa";
	for (int i = 1; i < line->count; i++)
		if (strncmp(line->words[i], "sas=", 4) && strncmp(line->words[i], "id=", 3))
			sa.words[sa.count++] = line->words[i];
	if (fields_build(template, sizeof(template), CONTRACT_ADD, &sa, 0,
			 channel_limits(channel)->session))
		return 1;
	start = clock_now_ns(&clock_monotonic);
	while (answered < n) {
		const struct channel_part part = { template, header->length };
		const struct contract_header *got = (const void *)message;

		while (sent < n) {
			struct contract_sa *body = (void *)(object + 1);

			object->id = first + sent;
			body->spi = (body->spi & ~CONTRACT_SPI_ID_MASK) | object->id;
			header->request = ++last_request;
			if (channel_send(channel, &part, 1))
				break;
			sent++;
		}
		if (receive(1000) && got->type == CONTRACT_ANSWER) {
			answered++;
			refused +=
				((const struct contract_answer *)(const void *)(got + 1))->status !=
				0;
		}
	}
	printf("storm sas=%u refused=%u ms=%.1f\n", n, refused,
	       (double)(clock_now_ns(&clock_monotonic) - start) / 1e6);
	return refused != 0;
}

static int run_other(const struct line *line, bool must_fail)
{
	const char *verb = line->words[0];
	const struct contract_limits *l = channel_limits(channel);

	if (!strcmp(verb, "begin")) {
		batch_bytes = sizeof(struct contract_header);
		return 0;
	}
	if (!strcmp(verb, "end"))
		return batch_end(must_fail);
	if (!strcmp(verb, "list") || !strcmp(verb, "count"))
		return list(line, verb[0] == 'c');
	if (!strcmp(verb, "adopted"))
		return bare(CONTRACT_ADOPTED, must_fail);
	if (!strcmp(verb, "probe"))
		return bare(CONTRACT_PROBE, must_fail);
	if (!strcmp(verb, "send"))
		return send_line(line);
	if (!strcmp(verb, "storm"))
		return storm(line);
	if (!strcmp(verb, "events") || !strcmp(verb, "wait"))
		return events(line->count > 1 ? (int)strtol(line->words[1], NULL, 10) : 1000,
			      line->count > 2 ? line->words[2] : NULL);
	if (!strcmp(verb, "limits")) {
		printf("session=%u workers=%u ports=%u sas=%u instance=%llx\n", l->session,
		       l->workers, l->ports, l->sas, (unsigned long long)l->instance);
		return 0;
	}
	if (!strcmp(verb, "counters")) {
		print_counters(&counters, line->count > 1 ? line->words[1] : NULL);
		return 0;
	}
	fprintf(stderr, "contractctl: unknown command %s\n", verb);
	return 1;
}

static int run(struct line *line)
{
	static const struct {
		const char *verb;
		enum contract_type type;
	} verbs[] = { { "add", CONTRACT_ADD },
		      { "set", CONTRACT_SET },
		      { "delete", CONTRACT_DELETE },
		      { "confirm", CONTRACT_CONFIRM } };
	bool must_fail = line->count && !strcmp(line->words[0], "!");

	if (must_fail)
		memmove(line->words, line->words + 1,
			(size_t)--line->count * sizeof(line->words[0]));
	if (!line->count || line->words[0][0] == '#')
		return 0;
	for (size_t i = 0; i < 4; i++)
		if (!strcmp(line->words[0], verbs[i].verb))
			return request(verbs[i].type, line, must_fail);
	return run_other(line, must_fail);
}

static int run_stdin(void)
{
	static char text[65536];
	int failed = 0;

	while (fgets(text, sizeof(text), stdin)) {
		struct line line = { .count = 0 };
		char *rest = text;
		char *word;
		char copy[256];

		snprintf(copy, sizeof(copy), "%.*s", (int)strcspn(text, "\n"), text);
		while (line.count < 64 && (word = strsep(&rest, " \t\n")))
			if (*word)
				line.words[line.count++] = word;
		if (run(&line)) {
			printf("FAILED: %s\n", copy);
			failed = 1;
		}
		fflush(stdout);
	}
	return failed;
}

int main(int argc, char **argv)
{
	struct line line = { .count = 0 };
	int err;

	if (argc < 2 || !strcmp(argv[1], "--help")) {
		fputs(help, argc < 2 ? stderr : stdout);
		return argc < 2 ? 2 : 0;
	}
	err = channel_attach(&channel, argv[1], 5000);
	if (err) {
		fprintf(stderr, "contractctl: cannot attach to %s: %s\n", argv[1], strerror(-err));
		return 1;
	}
	if (contract_counters_map(&counters, channel_counters_fd(channel)))
		die("the counters do not hold together");
	if (argc == 2)
		return run_stdin();
	for (int i = 2; i < argc && line.count < 64; i++)
		line.words[line.count++] = argv[i];
	err = run(&line);
	channel_close(channel);
	return err;
}
