/*
 * 10,000 tunnels dialled to a second instance, by the clock: another process that owns 10,000
 * addresses. Each tunnel has a connection of its own on both sides. Datagrams go through a socket
 * pair; each side has an engine of its own and counts what came up.
 */
#include "perf/bench_ike.h"

#include "base/clock.h"
#include "base/secret.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define POOL_BYTES (64u << 20)
#define UNDER_WAY 256 /* dials at once */
#define SOCKET_BYTES (4 << 20)
#define SILENCE_MS 10000
#define FIRST_ADDRESS 0x0a000002 /* of the second instance */

struct wire {
	struct ikev2_path path;
	bool marker;
	uint8_t bytes[4096];
};
#define WIRE_HEAD offsetof(struct wire, bytes)

struct two {
	struct ikev2_engine *engine;
	struct ikev2_connection **connections;
	uint32_t tunnels;
	struct net_selector any;
	struct ikev2_child_config child;
	struct ikev2_config config;
	int socket;
	uint32_t next_spi;
	uint32_t up;
	uint32_t failed;
};

static void on_send(void *context, const struct ikev2_datagram *datagram,
		    const struct ikev2_connection *connection)
{
	struct two *two = context;
	struct wire wire = { .path = { .local = datagram->path.remote,
				       .remote = datagram->path.local,
				       .local_port = datagram->path.remote_port,
				       .remote_port = datagram->path.local_port },
			     .marker = datagram->non_esp_marker };

	if (datagram->bytes.n > sizeof(wire.bytes))
		abort();
	memcpy(wire.bytes, datagram->bytes.p, datagram->bytes.n);
	if (send(two->socket, &wire, WIRE_HEAD + datagram->bytes.n, 0) < 0)
		two->failed++;
}

static void on_event(void *context, const struct ikev2_event *event)
{
	struct two *two = context;

	two->up += event->kind == IKEV2_EVENT_CHILD_UP;
	two->failed += event->kind == IKEV2_EVENT_FAILED ||
		       event->kind == IKEV2_EVENT_CHILD_FAILED || event->kind == IKEV2_EVENT_DOWN;
}

static uint32_t ip4_number(const struct net_addr *addr)
{
	const uint8_t *b = addr->bytes;

	return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
}

static void on_lookup(void *context, uint64_t token, const struct ikev2_path *path)
{
	struct two *two = context;

	uint32_t i = ip4_number(&path->local) - FIRST_ADDRESS;

	ikev2_lookup_done(two->engine, token, &two->connections[i], i < two->tunnels);
}

static void on_psk(void *context, uint64_t token, const struct ikev2_connection *connection)
{
	static const uint8_t psk[] = "correct horse battery";

	ikev2_psk_done(((struct two *)context)->engine, token, (struct span){ psk, 21 });
}

static uint32_t on_spi_get(void *context, const struct ikev2_connection *connection)
{
	return ((struct two *)context)->next_spi++;
}

static void on_spi(void *context, uint32_t spi)
{
}

static void on_install(void *context, uint64_t token, const struct ikev2_child_install *install)
{
	ikev2_install_done(((struct two *)context)->engine, token, 0);
}

static void on_move(void *context, uint32_t child, const struct ikev2_path *path)
{
}

static int connect_all(struct two *two)
{
	two->connections = calloc(two->tunnels, sizeof(*two->connections));
	for (uint32_t i = 0; two->connections && i < two->tunnels; i++)
		if (ikev2_connection_new(&two->config, &two->connections[i]))
			return -1;
	return two->connections ? 0 : -1;
}

static int start(struct two *two, int socket, uint32_t tunnels)
{
	const struct ikev2_hooks hooks = {
		.context = two,
		.send = on_send,
		.event = on_event,
		.lookup = on_lookup,
		.psk = on_psk,
		.spi_get = on_spi_get,
		.spi_put = on_spi,
		.child_install = on_install,
		.child_switch = on_spi,
		.child_remove = on_spi,
		.child_move = on_move,
	};
	const struct ikev2_engine_config config = { .half_open_cookies = 100000,
						    .half_open_max = 100000,
						    .half_open_source = 100000 };

	*two = (struct two){ .socket = socket, .next_spi = 0x10000000, .tunnels = tunnels };
	two->any = net_selector_any(NET_IP4);
	two->child = (struct ikev2_child_config){ &two->any, &two->any, 1, 1, false };
	two->config = (struct ikev2_config){ .name = "two",
					     .policy = ike_policy_profile(IKE_PROFILE_STRONG),
					     .children = &two->child,
					     .child_count = 1,
					     .local_auth = IKEV2_AUTH_PSK,
					     .remote_auth = IKEV2_AUTH_PSK };
	if (secret_pool_init(POOL_BYTES) || ikev2_engine_new(&hooks, &config, &two->engine))
		return -1;
	return connect_all(two);
}

static uint64_t now(void)
{
	return clock_now_ns(&clock_monotonic);
}

/* One datagram, or false after a long silence or at the end. */
static bool take(struct two *two)
{
	static struct wire wire;
	struct pollfd wait = { .fd = two->socket, .events = POLLIN };
	ssize_t n;

	if (poll(&wait, 1, SILENCE_MS) != 1)
		return false;
	n = recv(two->socket, &wire, sizeof(wire), 0);
	if (n <= (ssize_t)WIRE_HEAD)
		return false;
	ikev2_receive(two->engine,
		      &(struct ikev2_datagram){ .path = wire.path,
						.bytes = { wire.bytes, (size_t)n - WIRE_HEAD },
						.non_esp_marker = wire.marker },
		      now());
	return true;
}

static int answer(int socket, uint32_t tunnels)
{
	static struct two two;

	if (start(&two, socket, tunnels))
		return 1;
	while (take(&two))
		continue;
	return two.up == tunnels && !two.failed ? 0 : 1;
}

static bool dial_all(struct two *two)
{
	uint32_t dialled = 0, tunnels = two->tunnels;
	uint64_t ike;

	while (two->up < tunnels && !two->failed) {
		while (dialled < tunnels && dialled - two->up < UNDER_WAY) {
			const struct ikev2_dial dial = {
				.connection = two->connections[dialled],
				.path = { .local = net_addr_ip4(0xc0000201),
					  .remote = net_addr_ip4(FIRST_ADDRESS + dialled) },
			};

			if (ikev2_initiate(two->engine, &dial, now(), &ike))
				return false;
			dialled++;
		}
		if (!take(two))
			return false;
	}
	return !two->failed;
}

double bench_two_dial(uint32_t tunnels, double *cpu_s)
{
	struct rusage used;
	static struct two two;
	int pair[2], bytes = SOCKET_BYTES, status = 1;
	double took = -1;
	uint64_t begin;
	pid_t child;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair))
		return -1;
	for (int i = 0; i < 2; i++)
		(void)!setsockopt(pair[i], SOL_SOCKET, SO_SNDBUFFORCE, &bytes, sizeof(bytes));
	child = fork();
	if (child == 0) {
		close(pair[0]);
		_exit(answer(pair[1], tunnels));
	}
	close(pair[1]);
	if (child > 0 && start(&two, pair[0], tunnels) == 0) {
		begin = now();
		if (dial_all(&two))
			took = (double)(now() - begin) / 1e9;
	}
	close(pair[0]);
	if (child > 0 && wait4(child, &status, 0, &used) == child)
		*cpu_s = (double)used.ru_utime.tv_sec + (double)used.ru_stime.tv_sec +
			 (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6;
	ikev2_engine_free(two.engine);
	for (uint32_t i = 0; two.connections && i < tunnels; i++)
		ikev2_connection_put(two.connections[i]);
	free(two.connections);
	secret_pool_fini();
	return status == 0 ? took : -1;
}
