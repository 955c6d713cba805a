/*
 * DOC: IKE benchmark
 *
 * Two engines in one process; each side is timed by itself: CPU time of the thread. TOGETHER dials
 * are under way at once, so that a side handles many messages in a row, as a responder under load
 * does, and the other side's work does not stand in its caches before each of them. The responder
 * has 10,000 connections of 10,000 local network gateways and finds the right one with the
 * gateway's own look-up; the SAs of each child go into a real ring, as the batch that the gateway
 * sends, and another thread drains it. Keys are fresh in each handshake.
 *
 * 10,000 rekeys: at each step what one side sends on is installed at the other (install, switch and
 * removal are checked), so that no packet could be lost whenever it was sent.
 *
 * The yardstick is bare OpenSSL (ike_openssl.h): the operations that a handshake cannot do without,
 * with the sizes of the messages that were just exchanged; it has no random numbers but those of
 * key pairs, no messages, no SAs. On a machine that others use as well only what is done in the
 * same few milliseconds can be compared: TOGETHER handshakes, then as many bare ones, and so on;
 * what is told is the medians.
 *
 * usage: bench_ike PKI [--only AUTH,GROUP[,HANDSHAKES]] [--charon PROCESS] [--quick] [--json FILE]
 *
 * Instructions of one scenario, the responder's and the bare ones (ike_openssl_handshake):
 *   valgrind --tool=callgrind --toggle-collect=respond bench_ike PKI --only psk,x25519,192 --quick
 */
#include "perf/bench_ike.h"

#include "base/clock.h"
#include "base/map.h"
#include "base/secret.h"
#include "control/ikev2/info.h"
#include "control/requests/requests.h"

#include <errno.h>
#include <time.h>
#include <unistd.h>

#define TUNNELS BENCH_TUNNELS
#define TOGETHER BENCH_TOGETHER
#define QUEUE 128

struct outbound {
	uint32_t spi;
	uint32_t replaces;
};

struct side {
	struct ikev2_engine *engine;
	struct map installed; /* inbound SPI */
	struct map sends;     /* SPI of the peer that is sent on */
	struct map outbound;  /* child -> struct outbound */
	uint32_t next_spi;
	uint64_t busy_ns;
	uint64_t calls;
};

struct packet {
	struct ikev2_datagram datagram;
	struct side *to;
	uint8_t bytes[4096];
};

static struct bench {
	struct channel *ring;
	struct side dialler;
	struct side answerer;
	struct ike_policy_owned policy;
	struct ikev2_config config;
	struct ikev2_credential credential;
	struct crypto_cert *cert;
	struct crypto_key *key;
	struct crypto_trust *trust;
	struct ike_id id;
	struct net_selector any;
	struct ikev2_child_config child;
	struct ikev2_connection *connections[2 * TUNNELS]; /* the answerer's, the dialler's */
	struct packet queue[QUEUE];
	unsigned int head, tail;
	struct bench_lookup *lookup;
	uint64_t now_ns;
	uint64_t up;
	pid_t charon;			/* measured beside us; 0: not */
	bool checks;			/* that no packet could be lost */
	struct ike_openssl_sizes sizes; /* of the first handshake, as the answerer sees them */
} bench;

void bench_die(const char *what, int error)
{
	fprintf(stderr, "bench_ike: %s: %s\n", what, strerror(error < 0 ? -error : error));
	exit(1);
}

static uint64_t clock_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t); /* the machine may have other work */
	return (uint64_t)t.tv_sec * CLOCK_NS_PER_S + (uint64_t)t.tv_nsec;
}

static void sizes_add(size_t sizes[IKE_OPENSSL_DATAGRAMS], size_t content)
{
	for (size_t i = 0; i < IKE_OPENSSL_DATAGRAMS; i++) {
		if (sizes[i])
			continue;
		sizes[i] = content;
		return;
	}
}

static void sizes_take(struct span datagram, bool answer)
{
	/* Nonce and PRF output; header, generic header, IV and ICV. */
	const size_t with = 32 + 48, around = 28 + 4 + 8 + 16;
	struct ike_openssl_sizes *sizes = &bench.sizes;

	if (datagram.p[18] == IKE_SA_INIT)
		*(answer ? &sizes->own_octets : &sizes->peer_octets) = datagram.n + with;
	else
		sizes_add(answer ? sizes->sealed : sizes->opened, datagram.n - around);
}

static void hook_send(void *context, const struct ikev2_datagram *datagram,
		      const struct ikev2_connection *connection)
{
	struct packet *packet = &bench.queue[bench.tail++ % QUEUE];

	if (datagram->bytes.n > sizeof(packet->bytes) || bench.tail - bench.head > QUEUE)
		bench_die("queue", ENOBUFS);
	if (!bench.up)
		sizes_take(datagram->bytes, context == &bench.answerer);
	packet->to = context == &bench.dialler ? &bench.answerer : &bench.dialler;
	memcpy(packet->bytes, datagram->bytes.p, datagram->bytes.n);
	packet->datagram = *datagram;
	packet->datagram.bytes.p = packet->bytes;
	packet->datagram.path = (struct ikev2_path){ .local = datagram->path.remote,
						     .remote = datagram->path.local,
						     .local_port = datagram->path.remote_port,
						     .remote_port = datagram->path.local_port };
}

static void hook_event(void *context, const struct ikev2_event *event)
{
	if (event->kind == IKEV2_EVENT_FAILED || event->kind == IKEV2_EVENT_CHILD_FAILED)
		bench_die(ikev2_reason_text(event->reason), EPROTO);
	if (context == &bench.answerer && event->kind == IKEV2_EVENT_CHILD_UP)
		bench.up++;
}

static void hook_lookup(void *context, uint64_t token, const struct ikev2_path *path)
{
	struct side *side = context;
	struct ikev2_connection *found[128];

	ikev2_lookup_done(side->engine, token, found,
			  bench_lookup_find(bench.lookup, path, found, 128));
}

static void hook_psk(void *context, uint64_t token, const struct ikev2_connection *connection)
{
	static const uint8_t psk[] = "correct horse battery";

	ikev2_psk_done(((struct side *)context)->engine, token, (struct span){ psk, 21 });
}

static uint32_t hook_spi_get(void *context, const struct ikev2_connection *connection)
{
	return ((struct side *)context)->next_spi++;
}

static void hook_none(void *context, uint32_t child)
{
}

static struct side *other_of(const struct side *side)
{
	return side == &bench.dialler ? &bench.answerer : &bench.dialler;
}

/* From now on `child` sends, what it replaces does not: the peer must have it installed. */
static void sends_on(struct side *side, uint32_t child)
{
	const struct outbound *out = map_get_u32(&side->outbound, child);
	const struct outbound *old = out ? map_get_u32(&side->outbound, out->replaces) : NULL;

	/* A first child takes over from nothing: there is no packet that it could lose. */
	if (!out || (out->replaces && !map_get_u32(&other_of(side)->installed, out->spi)))
		bench_die("a packet would be lost: sent on what the peer has not", EPROTO);
	if (old)
		map_del(&side->sends, &old->spi, sizeof(old->spi));
	if (map_set(&side->sends, &out->spi, sizeof(out->spi), side, NULL))
		bench_die("memory", ENOMEM);
}

static void hook_switch(void *context, uint32_t child)
{
	if (bench.checks)
		sends_on(context, child);
}

static void hook_remove(void *context, uint32_t child)
{
	struct side *side = context;
	struct outbound *out;

	if (!bench.checks)
		return;
	if (map_get_u32(&other_of(side)->sends, child))
		bench_die("a packet would be lost: removed while the peer sends on it", EPROTO);
	out = map_del(&side->outbound, &child, sizeof(child));
	if (out)
		map_del(&side->sends, &out->spi, sizeof(out->spi));
	free(out);
	map_del(&side->installed, &child, sizeof(child));
}

static void installed(struct side *side, const struct ikev2_child_install *install)
{
	struct outbound *out = malloc(sizeof(*out));

	if (!out)
		bench_die("memory", ENOMEM);
	*out = (struct outbound){ install->outbound->spi, install->replaces };
	if (map_set(&side->installed, &install->child, sizeof(install->child), side, NULL) ||
	    map_set(&side->outbound, &install->child, sizeof(install->child), out, NULL))
		bench_die("memory", ENOMEM);
	if (install->send)
		sends_on(side, install->child);
}

static void hook_install(void *context, uint64_t token, const struct ikev2_child_install *install)
{
	if (context == &bench.answerer)
		bench_ring_pair(install);
	if (bench.checks)
		installed(context, install);
	ikev2_install_done(((struct side *)context)->engine, token, 0);
}

static void hook_move(void *context, uint32_t child, const struct ikev2_path *path)
{
}

static struct net_addr address(uint32_t i)
{
	return net_addr_ip4(0x0a000000 + i);
}

static void start_side(struct side *side, uint32_t first_spi)
{
	const struct ikev2_hooks hooks = {
		.context = side,
		.send = hook_send,
		.event = hook_event,
		.lookup = hook_lookup,
		.psk = hook_psk,
		.spi_get = hook_spi_get,
		.spi_put = hook_none,
		.child_install = hook_install,
		.child_switch = hook_switch,
		.child_remove = hook_remove,
		.child_move = hook_move,
	};
	const struct ikev2_engine_config config = { .half_open_cookies = 100000,
						    .half_open_max = 100000 };
	int error;

	side->next_spi = first_spi;
	map_init(&side->installed);
	map_init(&side->sends);
	map_init(&side->outbound);
	error = ikev2_engine_new(&hooks, &config, &side->engine);
	if (error)
		bench_die("engine", error);
}

static void stop_side(struct side *side)
{
	struct map_entry *entry = NULL;

	ikev2_engine_free(side->engine);
	while ((entry = map_next(&side->outbound, entry)))
		free(entry->value);
	map_fini(&side->installed);
	map_fini(&side->sends);
	map_fini(&side->outbound);
}

__attribute__((noinline)) static void respond(const struct packet *packet)
{
	ikev2_receive(packet->to->engine, &packet->datagram, bench.now_ns);
}

/* As the gateway takes what lies in its ring: one waking of the other end for a row. */
static void row(struct side *to)
{
	channel_hold(bench.ring);
	for (int i = 0; i < REQUESTS_ROW && bench.head != bench.tail; i++) {
		const struct packet *packet = &bench.queue[bench.head % QUEUE];

		if (packet->to != to)
			break;
		if (to == &bench.answerer)
			respond(packet);
		else
			ikev2_receive(to->engine, &packet->datagram, bench.now_ns);
		to->calls++;
		bench.head++;
	}
	channel_release(bench.ring);
}

/* What lies there for one side is handled in one go, and timed as such. */
static void deliver(void)
{
	while (bench.head != bench.tail) {
		struct side *to = bench.queue[bench.head % QUEUE].to;
		uint64_t start = clock_ns();

		while (bench.head != bench.tail && bench.queue[bench.head % QUEUE].to == to)
			row(to);
		to->busy_ns += clock_ns() - start;
	}
}

static void dial(uint32_t i)
{
	const struct ikev2_dial how = { .connection = bench.connections[TUNNELS + i],
					.path = { .local = address(i + 2),
						  .remote = net_addr_ip4(0xc0000201) } };
	uint64_t start = clock_ns();
	uint64_t ike;
	int error = ikev2_initiate(bench.dialler.engine, &how, bench.now_ns, &ike);

	if (error)
		bench_die("dial", error);
	bench.dialler.busy_ns += clock_ns() - start;
}

static void dial_all(uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		dial(i);
		if ((i + 1) % TOGETHER == 0)
			deliver();
	}
	deliver();
}

static struct span read_file(const char *pki, const char *name)
{
	static uint8_t bytes[16384];
	char path[256];
	FILE *file;
	size_t n;

	snprintf(path, sizeof(path), "%s/%s", pki, name);
	file = fopen(path, "re");
	if (!file)
		bench_die(path, errno);
	n = fread(bytes, 1, sizeof(bytes), file);
	fclose(file);
	return (struct span){ bytes, n };
}

static const struct scenario scenarios[] = {
	{ "psk", "x25519", "aes256gcm16-prfsha384-x25519", 31, 10000 },
	{ "psk", "ecp256", "aes256gcm16-prfsha384-ecp256", 19, 6000 },
	{ "psk", "ecp384", "aes256gcm16-prfsha384-ecp384", 20, 600 },
	{ "psk", "modp2048", "aes256gcm16-prfsha384-modp2048", 14, 600 },
	{ "rsa", "x25519", "aes256gcm16-prfsha384-x25519", 31, 1500 },
	{ "p256", "x25519", "aes256gcm16-prfsha384-x25519", 31, 5000 },
};
#define SCENARIOS (sizeof(scenarios) / sizeof(scenarios[0]))
#define WITH_CHARON 2 /* the first ones, which charon is configured for */

static void credentials(const char *pki, const char *auth)
{
	char name[32];

	if (strcmp(auth, "psk") == 0) {
		bench.config.local_auth = bench.config.remote_auth = IKEV2_AUTH_PSK;
		return;
	}
	snprintf(name, sizeof(name), "%s.pem", auth);
	if (crypto_cert_load(read_file(pki, name), &bench.cert))
		bench_die(name, EINVAL);
	snprintf(name, sizeof(name), "%s.key", auth);
	if (crypto_key_load(read_file(pki, name), NULL, &bench.key))
		bench_die(name, EINVAL);
	if (crypto_trust_new(&bench.trust) || crypto_trust_add_anchor(bench.trust, bench.cert) ||
	    ike_id_parse(&bench.id, "bench.lab"))
		bench_die("trust", EINVAL);
	bench.credential = (struct ikev2_credential){ bench.key, &bench.cert, 1 };
	bench.config.local_auth = bench.config.remote_auth = IKEV2_AUTH_CERT;
	bench.config.credential = &bench.credential;
	bench.config.trust = bench.trust;
	bench.config.local_id = bench.config.remote_id = &bench.id;
}

static void forget_credentials(void)
{
	crypto_trust_free(bench.trust);
	crypto_cert_put(bench.cert);
	crypto_key_put(bench.key);
	ike_id_fini(&bench.id);
	bench.trust = NULL;
	bench.cert = NULL;
	bench.key = NULL;
}

static void configure(const char *pki, const struct scenario *scenario)
{
	struct ike_policy *policy = &bench.policy.policy;
	struct span bad;

	*policy = *ike_policy_profile(IKE_PROFILE_STRONG);
	if (ike_proposal_parse(&bench.policy.ike, IKE_PROTOCOL_IKE, scenario->ike, &bad) ||
	    ike_proposal_parse(&bench.policy.child, IKE_PROTOCOL_ESP, "aes256gcm16-x25519-esn",
			       &bad))
		bench_die("proposal", EINVAL);
	policy->ike_offer = policy->ike_accept = &bench.policy.ike;
	policy->child_offer = policy->child_accept = &bench.policy.child;
	policy->ike_offer_count = policy->ike_accept_count = 1;
	policy->child_offer_count = policy->child_accept_count = 1;
	bench.any = net_selector_any(NET_IP4);
	bench.child = (struct ikev2_child_config){ &bench.any, &bench.any, 1, 1, false };
	bench.config = (struct ikev2_config){ .name = "bench",
					      .policy = policy,
					      .children = &bench.child,
					      .child_count = 1,
					      .dpd_s = 45 };
	credentials(pki, scenario->auth);
}

static void connect_all(void)
{
	for (uint32_t i = 0; i < 2 * TUNNELS; i++)
		if (ikev2_connection_new(&bench.config, &bench.connections[i]))
			bench_die("connections", ENOMEM);
	if (bench_lookup_new(&bench.lookup, bench.connections, TUNNELS))
		bench_die("look-up", EINVAL);
}

static void begin(const char *pki, const struct scenario *scenario)
{
	configure(pki, scenario);
	bench.now_ns = clock_now_ns(&clock_monotonic);
	bench.up = 0;
	start_side(&bench.dialler, 0x10000000);
	start_side(&bench.answerer, 0x20000000);
	bench.dialler.busy_ns = bench.answerer.busy_ns = 0;
	connect_all();
}

static void end(void)
{
	stop_side(&bench.dialler);
	stop_side(&bench.answerer);
	bench_lookup_free(bench.lookup);
	for (uint32_t i = 0; i < 2 * TUNNELS; i++)
		ikev2_connection_put(bench.connections[i]);
	forget_credentials();
}

static uint64_t rss_bytes(void)
{
	unsigned long pages = 0;
	unsigned long resident = 0;
	FILE *file = fopen("/proc/self/statm", "re");

	if (!file || fscanf(file, "%lu %lu", &pages, &resident) != 2)
		bench_die("statm", EIO);
	fclose(file);
	return (uint64_t)resident * (uint64_t)sysconf(_SC_PAGESIZE);
}

static struct ike_openssl *bare_new(const struct scenario *scenario)
{
	struct ike_openssl_case what = { .group = scenario->number, .sizes = bench.sizes };

	if (strcmp(scenario->auth, "psk") != 0)
		what.auth = strcmp(scenario->auth, "rsa") == 0 ? IKE_OPENSSL_RSA2048
							       : IKE_OPENSSL_ECDSA256;
	return ike_openssl_new(&what);
}

static void slice(struct bench_slices *slices, struct ike_openssl *bare, uint32_t first)
{
	const double each = TOGETHER;
	const size_t at = slices->count++;
	uint64_t answered = bench.answerer.busy_ns, dialled = bench.dialler.busy_ns, start;

	for (uint32_t i = 0; i < TOGETHER; i++)
		dial(first + i);
	deliver();
	start = clock_ns();
	for (int i = 0; i < TOGETHER; i++)
		ike_openssl_handshake(bare);
	slices->bare[at] = (double)(clock_ns() - start) / each;
	slices->ours[at] = (double)(bench.answerer.busy_ns - answered) / each;
	slices->dialler[at] = (double)(bench.dialler.busy_ns - dialled) / each;
	slices->percent[at] = slices->bare[at] / slices->ours[at] * 100;
}

/* As many slices in memory as make one pair, and then charon. */
static void pair(struct bench_charon *charon, const struct bench_slices *slices, size_t each)
{
	double ns = 0;

	if (slices->count % each)
		return;
	for (size_t i = slices->count - each; i < slices->count; i++)
		ns += slices->ours[i];
	bench_charon_pair(charon, ns / (double)each);
}

/* The first handshake says what sizes its messages have and is not timed. */
static void run_slices(const char *pki, const struct scenario *scenario, unsigned int n,
		       struct bench_slices *slices, struct bench_fields *more)
{
	const size_t each = n / TOGETHER / BENCH_PAIRS ? n / TOGETHER / BENCH_PAIRS : 1;
	struct bench_charon *charon = NULL;
	struct ike_openssl *bare;
	uint32_t first = 1;

	memset(&bench.sizes, 0, sizeof(bench.sizes));
	begin(pki, scenario);
	dial_all(1);
	bare = bare_new(scenario);
	if (!slices->count)
		bench_bare_tell(bare, &bench.sizes);
	if (bench.charon)
		charon = bench_charon_begin(bench.charon, &bench.config, (uint32_t)each * TOGETHER);
	for (; first + TOGETHER <= n + 1 && first + TOGETHER <= TUNNELS; first += TOGETHER) {
		slice(slices, bare, first);
		if (charon)
			pair(charon, slices, each);
	}
	if (bench.up != first)
		bench_die("not all came up", EPROTO);
	if (charon) {
		bench_charon_tell(charon, more);
		bench_charon_end(charon);
	}
	ike_openssl_free(bare);
	end();
}

static void speed(struct bench_options *options, const char *pki, const struct scenario *scenario,
		  unsigned int n)
{
	static struct bench_slices slices;
	struct bench_fields more = { "" };
	int rounds = options->quick || bench.charon ? 1 : BENCH_ROUNDS;

	if (!n)
		return;
	slices.count = 0;
	printf("%s, %s\n", scenario->auth, scenario->group);
	for (int round = 0; round < rounds; round++)
		run_slices(pki, scenario, n, &slices, &more);
	bench_slices_tell(options, scenario, &slices, &more);
}

/* Of all children, and then all that lingers goes: what each side sends on must be there
 * throughout. */
static void rekey_all(double *took)
{
	uint64_t start = clock_now_ns(&clock_monotonic);
	uint64_t ike;

	bench.answerer.busy_ns = bench.dialler.busy_ns = 0;
	for (ike = ikev2_next(bench.dialler.engine, 0); ike;
	     ike = ikev2_next(bench.dialler.engine, ike)) {
		uint32_t child = ikev2_child_next(bench.dialler.engine, ike, 0);
		uint64_t begin = clock_ns();

		if (ikev2_child_rekey(bench.dialler.engine, child, bench.now_ns))
			bench_die("rekey", EPROTO);
		bench.dialler.busy_ns += clock_ns() - begin;
		deliver();
	}
	*took = (double)(clock_now_ns(&clock_monotonic) - start) / 1e9;
	bench.now_ns += 10 * CLOCK_NS_PER_S;
	ikev2_tick(bench.dialler.engine, bench.now_ns);
	deliver();
	ikev2_tick(bench.answerer.engine, bench.now_ns);
	deliver();
	if (bench.dialler.sends.count != TUNNELS || bench.answerer.sends.count != TUNNELS ||
	    bench.dialler.installed.count != TUNNELS || bench.answerer.installed.count != TUNNELS)
		bench_die("not every tunnel has one child after its rekey", EPROTO);
}

/* 10,000 settled IKE SAs with a child on each side. */
static void memory(struct bench_options *options, const char *pki)
{
	size_t secrets;
	uint64_t before;
	double each;
	double keys;

	begin(pki, &scenarios[0]);
	secrets = secret_pool_used();
	before = rss_bytes();
	dial_all(TUNNELS);
	each = (double)(rss_bytes() - before) / (2.0 * TUNNELS);
	keys = (double)(secret_pool_used() - secrets) / (2.0 * TUNNELS);
	printf("%u tunnels: %.0f bytes RSS for an IKE SA with a child, and %.0f of locked memory "
	       "for its keys\n",
	       TUNNELS, each, keys);
	bench_json(options,
		   "\"tunnels\":%u,\"rss_bytes_per_ike_sa\":%.0f,\"key_bytes_per_ike_sa\":%.0f",
		   TUNNELS, each, keys);
	end();
}

static void rekeys(struct bench_options *options, const char *pki)
{
	double took;

	bench.checks = true;
	begin(pki, &scenarios[0]);
	dial_all(TUNNELS);
	rekey_all(&took);
	printf("%u child rekeys: %.2f s by the clock with both sides on one core (responder %.2f "
	       "s, "
	       "initiator %.2f s), no moment at which a packet would be lost\n",
	       TUNNELS, took, (double)bench.answerer.busy_ns / 1e9,
	       (double)bench.dialler.busy_ns / 1e9);
	bench_json(options,
		   "\"rekeys\":%u,\"rekey_s\":%.3f,\"rekey_responder_s\":%.3f,"
		   "\"rekey_initiator_s\":%.3f,\"lost\":0",
		   TUNNELS, took, (double)bench.answerer.busy_ns / 1e9,
		   (double)bench.dialler.busy_ns / 1e9);
	end();
	bench.checks = false;
}

static void two_instances(struct bench_options *options)
{
	double cpu_s = 0;
	double took = bench_two_dial(TUNNELS, &cpu_s);

	if (took < 0)
		bench_die("two instances: not all tunnels came up", EPROTO);
	printf("%u tunnels dialled to a second instance: %.2f s by the clock (%.2f s of processor "
	       "time there)\n",
	       TUNNELS, took, cpu_s);
	bench_json(options, "\"dialled\":%u,\"dial_s\":%.3f,\"dial_cpu_s\":%.3f", TUNNELS, took,
		   cpu_s);
}

/* How many of it: 0 when another one was asked for. */
static unsigned int wanted(const struct scenario *scenario, const char *only, bool quick)
{
	unsigned int n = quick ? scenario->handshakes / 10 : scenario->handshakes;
	char name[32];
	int length = snprintf(name, sizeof(name), "%s,%s", scenario->auth, scenario->group);

	if (!only)
		return n;
	if (strncmp(name, only, (size_t)length) != 0)
		return 0;
	return only[length] == ',' ? (unsigned int)strtoul(only + length + 1, NULL, 10) : n;
}

/* Options of our own come before those of every benchmark. */
static int own_options(int argc, char **argv, const char **only)
{
	int at = 2;

	for (; at + 1 < argc; at += 2) {
		if (strcmp(argv[at], "--only") == 0)
			*only = argv[at + 1];
		else if (strcmp(argv[at], "--charon") == 0)
			bench.charon = (pid_t)strtol(argv[at + 1], NULL, 10);
		else
			break;
	}
	return at - 1;
}

static void rest(struct bench_options *options, const char *pki)
{
	memory(options, pki);
	rekeys(options, pki);
}

int main(int argc, char **argv)
{
	const char *only = NULL;
	int before = own_options(argc, argv, &only);
	struct bench_options options;
	bool all;

	if (argc < 2)
		return 2;
	all = !only && !bench.charon;
	options = bench_options(argc - before, argv + before, NULL);
	if (all)
		two_instances(&options);
	if (secret_pool_init(96u << 20))
		bench_die("secret pool", ENOMEM);
	bench.ring = bench_ring_open();
	if (all)
		rest(&options, argv[1]);
	for (size_t i = 0; i < (bench.charon ? WITH_CHARON : SCENARIOS); i++)
		speed(&options, argv[1], &scenarios[i], wanted(&scenarios[i], only, options.quick));
	bench_ring_close();
	bench_end(&options);
	return 0;
}
