/*
 * 10,000 tunnels dialled to a second instance, by the clock: another process that owns 10,000
 * addresses. Each tunnel has a connection of its own on both sides. Datagrams go through a socket
 * pair, with their addresses before them; each side counts what came up.
 */
#include "perf/bench_ike.h"
#include "perf/bench_ike_end.h"

#include "base/clock.h"
#include "base/secret.h"

#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>

#define POOL_BYTES (64u << 20)
#define UNDER_WAY 256 /* dials at once */
#define SOCKET_BYTES (4 << 20)
#define FIRST_ADDRESS 0x0a000002 /* of the second instance */

struct wire {
	struct ikev2_path path;
	bool marker;
	uint8_t bytes[4096];
};
#define WIRE_HEAD offsetof(struct wire, bytes)

static void wire_send(struct bench_end *end, const struct ikev2_datagram *datagram)
{
	struct wire wire = { .path = { .local = datagram->path.remote,
				       .remote = datagram->path.local,
				       .local_port = datagram->path.remote_port,
				       .remote_port = datagram->path.local_port },
			     .marker = datagram->non_esp_marker };

	if (datagram->bytes.n > sizeof(wire.bytes))
		abort();
	memcpy(wire.bytes, datagram->bytes.p, datagram->bytes.n);
	if (send(end->socket, &wire, WIRE_HEAD + datagram->bytes.n, 0) < 0)
		end->failed++;
}

static struct ikev2_datagram wire_receive(struct bench_end *end)
{
	static struct wire wire;
	ssize_t n = recv(end->socket, &wire, sizeof(wire), 0);

	if (n <= (ssize_t)WIRE_HEAD)
		return (struct ikev2_datagram){ 0 };
	return (struct ikev2_datagram){ .path = wire.path,
					.bytes = { wire.bytes, (size_t)n - WIRE_HEAD },
					.non_esp_marker = wire.marker };
}

static int start(struct bench_end *end, int socket, uint32_t tunnels)
{
	static struct net_selector any;
	static const struct ikev2_child_config child = { &any, &any, 1, 1, false };
	static struct ikev2_config config = { .name = "two",
					      .children = &child,
					      .child_count = 1,
					      .local_auth = IKEV2_AUTH_PSK,
					      .remote_auth = IKEV2_AUTH_PSK };

	any = net_selector_any(NET_IP4);
	config.policy = ike_policy_profile(IKE_PROFILE_STRONG);
	*end = (struct bench_end){ .socket = socket,
				   .config = &config,
				   .connection_count = tunnels,
				   .first = FIRST_ADDRESS,
				   .send = wire_send,
				   .receive = wire_receive };
	return secret_pool_init(POOL_BYTES) || bench_end_start(end) ? -1 : 0;
}

static int answer(int socket, uint32_t tunnels)
{
	static struct bench_end end;

	if (start(&end, socket, tunnels))
		return 1;
	while (bench_end_take(&end))
		continue;
	return end.up == tunnels && !end.failed ? 0 : 1;
}

static struct ikev2_dial dial(struct bench_end *end, uint32_t i)
{
	return (struct ikev2_dial){ .connection = end->connections[i],
				    .path = { .local = net_addr_ip4(0xc0000201),
					      .remote = net_addr_ip4(FIRST_ADDRESS + i) } };
}

double bench_two_dial(uint32_t tunnels, double *cpu_s)
{
	const struct bench_end_dials dials = { .dial = dial,
					       .count = tunnels,
					       .together = UNDER_WAY };
	struct rusage used;
	static struct bench_end end;
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
	if (child > 0 && start(&end, pair[0], tunnels) == 0) {
		begin = clock_now_ns(&clock_monotonic);
		if (bench_end_dial(&end, &dials))
			took = (double)(clock_now_ns(&clock_monotonic) - begin) / 1e9;
	}
	close(pair[0]);
	if (child > 0 && wait4(child, &status, 0, &used) == child)
		*cpu_s = (double)used.ru_utime.tv_sec + (double)used.ru_stime.tv_sec +
			 (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6;
	bench_end_stop(&end);
	secret_pool_fini();
	return status == 0 ? took : -1;
}
