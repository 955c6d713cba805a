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
 * `bare` is what a responder cannot do without: the key pair and the shared secret, the PRF calls,
 * the NAT detection hashes, AEAD of the two protected messages, signatures; the same code base's
 * crypto module, algorithms fetched before and contexts used again. It has no random numbers, no
 * messages, no SAs. Counts are printed.
 *
 * usage: bench_ike PKI [--only AUTH,GROUP[,HANDSHAKES]] [--quick] [--json FILE]
 *
 * Instructions of one scenario, the responder's and the bare ones (bare_handshake*):
 *   valgrind --tool=callgrind --toggle-collect=respond bench_ike PKI --only psk,x25519,200 --quick
 */
#include "perf/bench_ike.h"

#include "base/clock.h"
#include "base/map.h"
#include "base/secret.h"
#include "contract/channel.h"
#include "control/ikev2/info.h"
#include "perf/options.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define TUNNELS 10000
#define ROUNDS 5
#define TOGETHER 32 /* dials under way */
#define QUEUE 128

struct ring {
	char path[64];
	struct channel_listener *listener;
	struct channel *control;
	struct channel *dataplane;
	pthread_t thread;
	atomic_bool stop;
	uint64_t messages;
};

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
	struct ring ring;
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
	bool checks; /* that no packet could be lost */
} bench;

static void die(const char *what, int error)
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

static void ring_accept(struct ring *ring)
{
	static const struct contract_limits limits = { .session = 1 };
	struct pollfd wait = { .fd = channel_listener_fd(ring->listener), .events = POLLIN };
	int counters;

	if (poll(&wait, 1, 100) != 1)
		return;
	counters = memfd_create("counters", MFD_CLOEXEC);
	if (channel_accept(ring->listener, &ring->dataplane, false, &limits, counters))
		ring->dataplane = NULL;
	close(counters);
}

/* The data plane's end: takes what comes. */
static void *drain(void *context)
{
	static uint8_t message[CONTRACT_MESSAGE_MAX] __attribute__((aligned(64)));
	struct ring *ring = context;

	while (!ring->dataplane && !atomic_load(&ring->stop))
		ring_accept(ring);
	while (!atomic_load(&ring->stop)) {
		struct pollfd wait = { .fd = channel_event_fd(ring->dataplane), .events = POLLIN };

		while (channel_receive(ring->dataplane, message) == 1)
			ring->messages++;
		if (channel_may_sleep(ring->dataplane)) {
			poll(&wait, 1, 100);
			channel_woken(ring->dataplane);
		}
	}
	return NULL;
}

static void ring_open(struct ring *ring)
{
	int error;

	snprintf(ring->path, sizeof(ring->path), "/tmp/vpngw-bench-ike-%d.sock", (int)getpid());
	error = channel_listen(&ring->listener, ring->path);
	if (error)
		die("listen", error);
	error = pthread_create(&ring->thread, NULL, drain, ring);
	if (!error)
		error = channel_attach(&ring->control, ring->path, 5000);
	if (error)
		die("attach", error);
}

static void ring_close(struct ring *ring)
{
	atomic_store(&ring->stop, true);
	pthread_join(ring->thread, NULL);
	channel_close(ring->control);
	channel_close(ring->dataplane);
	channel_listener_close(ring->listener);
}

/* Both SAs of a child as the gateway sends them: one batch. */
static void ring_pair(struct ring *ring, const struct ikev2_child_install *install)
{
	const struct contract_sa *sas[] = { install->inbound, install->outbound };
	struct contract_object objects[2];
	struct contract_header headers[3];
	struct channel_part parts[7] = { { &headers[2], sizeof(headers[2]) } };
	const uint32_t each = sizeof(headers[0]) + sizeof(objects[0]) + sizeof(*sas[0]);

	headers[2] = (struct contract_header){ .length = sizeof(headers[2]) + 2 * each,
					       .type = CONTRACT_BATCH,
					       .request = 1 };
	for (int i = 0; i < 2; i++) {
		headers[i] = (struct contract_header){ .length = each, .type = CONTRACT_ADD };
		objects[i] = (struct contract_object){ .kind = CONTRACT_SA,
						       .id = sas[i]->spi & CONTRACT_SPI_ID_MASK };
		parts[3 * i + 1] = (struct channel_part){ &headers[i], sizeof(headers[i]) };
		parts[3 * i + 2] = (struct channel_part){ &objects[i], sizeof(objects[i]) };
		parts[3 * i + 3] = (struct channel_part){ sas[i], sizeof(*sas[i]) };
	}
	while (channel_send(ring->control, parts, 7) == -EAGAIN)
		;
}

static void hook_send(void *context, const struct ikev2_datagram *datagram,
		      const struct ikev2_connection *connection)
{
	struct packet *packet = &bench.queue[bench.tail++ % QUEUE];

	if (datagram->bytes.n > sizeof(packet->bytes) || bench.tail - bench.head > QUEUE)
		die("queue", ENOBUFS);
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
		die(ikev2_reason_text(event->reason), EPROTO);
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
		die("a packet would be lost: sent on what the peer has not", EPROTO);
	if (old)
		map_del(&side->sends, &old->spi, sizeof(old->spi));
	if (map_set(&side->sends, &out->spi, sizeof(out->spi), side, NULL))
		die("memory", ENOMEM);
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
		die("a packet would be lost: removed while the peer sends on it", EPROTO);
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
		die("memory", ENOMEM);
	*out = (struct outbound){ install->outbound->spi, install->replaces };
	if (map_set(&side->installed, &install->child, sizeof(install->child), side, NULL) ||
	    map_set(&side->outbound, &install->child, sizeof(install->child), out, NULL))
		die("memory", ENOMEM);
	if (install->send)
		sends_on(side, install->child);
}

static void hook_install(void *context, uint64_t token, const struct ikev2_child_install *install)
{
	if (context == &bench.answerer)
		ring_pair(&bench.ring, install);
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
		die("engine", error);
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

/* What lies there for one side is handled in one go, and timed as such. */
static void deliver(void)
{
	while (bench.head != bench.tail) {
		struct side *to = bench.queue[bench.head % QUEUE].to;
		uint64_t start = clock_ns();

		while (bench.head != bench.tail && bench.queue[bench.head % QUEUE].to == to) {
			const struct packet *packet = &bench.queue[bench.head % QUEUE];

			if (to == &bench.answerer)
				respond(packet);
			else
				ikev2_receive(to->engine, &packet->datagram, bench.now_ns);
			to->calls++;
			bench.head++;
		}
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
		die("dial", error);
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
		die(path, errno);
	n = fread(bytes, 1, sizeof(bytes), file);
	fclose(file);
	return (struct span){ bytes, n };
}

struct scenario {
	const char *auth; /* "psk", or a file of the PKI */
	const char *group;
	const char *ike;
	uint16_t number;
	unsigned int handshakes;
};

static const struct scenario scenarios[] = {
	{ "psk", "x25519", "aes256gcm16-prfsha384-x25519", 31, 10000 },
	{ "psk", "ecp256", "aes256gcm16-prfsha384-ecp256", 19, 6000 },
	{ "psk", "ecp384", "aes256gcm16-prfsha384-ecp384", 20, 600 },
	{ "psk", "modp2048", "aes256gcm16-prfsha384-modp2048", 14, 600 },
	{ "rsa", "x25519", "aes256gcm16-prfsha384-x25519", 31, 1500 },
	{ "p256", "x25519", "aes256gcm16-prfsha384-x25519", 31, 5000 },
};

static void credentials(const char *pki, const char *auth)
{
	char name[32];

	if (strcmp(auth, "psk") == 0) {
		bench.config.local_auth = bench.config.remote_auth = IKEV2_AUTH_PSK;
		return;
	}
	snprintf(name, sizeof(name), "%s.pem", auth);
	if (crypto_cert_load(read_file(pki, name), &bench.cert))
		die(name, EINVAL);
	snprintf(name, sizeof(name), "%s.key", auth);
	if (crypto_key_load(read_file(pki, name), NULL, &bench.key))
		die(name, EINVAL);
	if (crypto_trust_new(&bench.trust) || crypto_trust_add_anchor(bench.trust, bench.cert) ||
	    ike_id_parse(&bench.id, "bench.lab"))
		die("trust", EINVAL);
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
		die("proposal", EINVAL);
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
			die("connections", ENOMEM);
	if (bench_lookup_new(&bench.lookup, bench.connections, TUNNELS))
		die("look-up", EINVAL);
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
		die("statm", EIO);
	fclose(file);
	return (uint64_t)resident * (uint64_t)sysconf(_SC_PAGESIZE);
}

static void speed(struct bench_options *options, const char *pki, const struct scenario *scenario,
		  unsigned int n)
{
	double best = 0;
	double dialler = 0;
	double bare = 0;

	if (!n)
		return;
	printf("%s, %s\n", scenario->auth, scenario->group);
	for (int round = 0; round < (options->quick ? 2 : ROUNDS); round++) {
		struct bare of = { .group = scenario->number, .handshakes = n };
		double rate;

		begin(pki, scenario);
		of.key = bench.key;
		dial_all(n);
		if (bench.up != n)
			die("not all came up", EPROTO);
		rate = n / ((double)bench.answerer.busy_ns / 1e9);
		best = rate > best ? rate : best;
		rate = n / ((double)bench.dialler.busy_ns / 1e9);
		dialler = rate > dialler ? rate : dialler;
		rate = n / bare_run(&of, round == 0);
		bare = rate > bare ? rate : bare;
		end();
	}
	printf("  responder %.0f handshakes/s on one core, bare crypto %.0f: %.0f %%; initiator "
	       "%.0f\n",
	       best, bare, best / bare * 100, dialler);
	for (int initiator = 0; initiator < 2; initiator++)
		bench_json(options,
			   "\"auth\":\"%s\",\"group\":\"%s\",\"role\":\"%s\","
			   "\"handshakes_per_s_core\":%.0f,\"bare_per_s_core\":%.0f",
			   scenario->auth, scenario->group, initiator ? "initiator" : "responder",
			   initiator ? dialler : best, bare);
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
			die("rekey", EPROTO);
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
		die("not every tunnel has one child after its rekey", EPROTO);
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
		die("two instances: not all tunnels came up", EPROTO);
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

int main(int argc, char **argv)
{
	const char *only = argc > 3 && strcmp(argv[2], "--only") == 0 ? argv[3] : NULL;
	int before = only ? 3 : 1;
	struct bench_options options;

	if (argc < 2)
		return 2;
	options = bench_options(argc - before, argv + before, NULL);
	if (!only)
		two_instances(&options);
	if (secret_pool_init(96u << 20))
		die("secret pool", ENOMEM);
	ring_open(&bench.ring);
	if (!only) {
		memory(&options, argv[1]);
		rekeys(&options, argv[1]);
	}
	for (size_t i = 0; i < sizeof(scenarios) / sizeof(scenarios[0]); i++)
		speed(&options, argv[1], &scenarios[i], wanted(&scenarios[i], only, options.quick));
	ring_close(&bench.ring);
	bench_end(&options);
	return 0;
}
