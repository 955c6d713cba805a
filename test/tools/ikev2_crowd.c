/*
 * DOC: ikev2_crowd
 *
 * Many peers in one process: every address that is local to its network namespace ("ip route add
 * local 198.18.0.0/15 dev lo") answers as an IKEv2 responder with the same key, its own address as
 * identity, and a data plane that sends back what it gets. For tests with thousands of
 * connections.
 *
 *     ikev2_crowd psk=KEY list=FILE [dpd=SECONDS] [rekey=SECONDS] [flood=FILE]
 *
 * SIGHUP reads the flood's FILE (crowd_flood.h) and does what it says.
 *
 * SIGUSR2 rekeys every child that is up once, evenly over `rekey` seconds (60).
 *
 * SIGUSR1 writes FILE: a line "ADDRESS inbound outbound" for each child that is up, sorted, and a
 * last line "end CHILDREN NEGOTIATED OPENED REFUSED": children that are up and that were ever
 * installed, packets that came whole and that did not. The file appears whole (rename). SIGTERM
 * ends it.
 */
#include "control/ikev2/engine.h"
#include "control/ikev2/info.h"
#include "crowd_flood.h"

#include "base/clock.h"
#include "base/map.h"
#include "base/secret.h"
#include "base/text.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#define SOCKET_BUFFER (16 << 20)
#define AT_ONCE 256 /* of one socket, before the others and the signals have a turn */

enum which { IKE, NATT, ESP, SOCKETS };

struct peer {
	struct ike_id id;
	struct ikev2_connection *connection;
};

struct crowd {
	struct ikev2_engine *engine;
	struct map peers; /* by local address */
	struct secret psk;
	const char *list;
	const char *flood_file;
	uint16_t dpd_s;
	uint32_t next_spi;
	uint64_t installed;
	struct crowd_esp esp;
	struct crowd_flood flood;
	uint32_t rekey_s;
	uint32_t *rekeys; /* children that are to be rekeyed */
	size_t rekey_count;
	size_t rekey_at;
	uint64_t rekey_ns; /* when it began */
	int sockets[SOCKETS];
	int signals;
};

static const struct net_selector any4 = {
	.start = { .family = NET_IP4 },
	.end = { .family = NET_IP4, .bytes = { 255, 255, 255, 255 } },
	.port_end = 65535,
};
static const struct ikev2_child_config any_child = { &any4, &any4, 1, 1, false };

static uint64_t now(void)
{
	return clock_now_ns(&clock_monotonic);
}

static struct peer *peer_new(struct crowd *crowd, const struct net_addr *local)
{
	struct peer *peer = calloc(1, sizeof(*peer));
	struct ikev2_config config = {
		.name = "crowd",
		.policy = ike_policy_profile(IKE_PROFILE_STRONG),
		.children = &any_child,
		.child_count = 1,
		.mode = IKEV2_MODE_RESPONDER,
		.local_auth = IKEV2_AUTH_PSK,
		.remote_auth = IKEV2_AUTH_PSK,
		.any_identity = true,
		.mobike = true,
		.dpd_s = crowd->dpd_s,
	};
	char text[NET_ADDR_TEXT];

	if (!peer)
		return NULL;
	config.local_id = &peer->id;
	if (ike_id_parse(&peer->id, net_addr_text(text, local)) < 0 ||
	    ikev2_connection_new(&config, &peer->connection) < 0 ||
	    map_set(&crowd->peers, local->bytes, 4, peer, NULL) < 0) {
		free(peer);
		return NULL;
	}
	return peer;
}

static void hook_lookup(void *context, uint64_t token, const struct ikev2_path *path)
{
	struct crowd *crowd = context;
	struct peer *peer = map_get(&crowd->peers, path->local.bytes, 4);

	if (!peer)
		peer = peer_new(crowd, &path->local);
	if (peer)
		ikev2_lookup_done(crowd->engine, token, &peer->connection, 1);
}

static void hook_psk(void *context, uint64_t token, const struct ikev2_connection *connection)
{
	struct crowd *crowd = context;

	ikev2_psk_done(crowd->engine, token, secret_span(&crowd->psk));
}

static uint32_t hook_spi_get(void *context, const struct ikev2_connection *connection)
{
	return ((struct crowd *)context)->next_spi++;
}

static void hook_spi_put(void *context, uint32_t spi)
{
}

static void hook_install(void *context, uint64_t token, const struct ikev2_child_install *install)
{
	struct crowd *crowd = context;

	crowd->installed++;
	ikev2_install_done(crowd->engine, token, crowd_esp_add(&crowd->esp, install));
}

static void hook_switch(void *context, uint32_t child)
{
	crowd_esp_switch(&((struct crowd *)context)->esp, child);
}

static void hook_remove(void *context, uint32_t child)
{
	crowd_esp_del(&((struct crowd *)context)->esp, child);
}

static void hook_move(void *context, uint32_t child, const struct ikev2_path *path)
{
}

static void hook_event(void *context, const struct ikev2_event *event)
{
	if (event->kind == IKEV2_EVENT_FAILED || event->kind == IKEV2_EVENT_CHILD_FAILED)
		fprintf(stderr, "failed: %s %s\n", ikev2_reason_name(event->reason), event->detail);
}

/* From the address that the peer wrote to. */
static void send_from(struct crowd *crowd, enum which which, const struct ikev2_path *path,
		      const struct ikev2_datagram *what)
{
	static uint8_t marker[4];
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(path->remote_port) };
	struct iovec parts[2] = { { marker, what->non_esp_marker ? sizeof(marker) : 0 },
				  { (void *)(uintptr_t)what->bytes.p, what->bytes.n } };
	union {
		struct cmsghdr head;
		char bytes[CMSG_SPACE(sizeof(struct in_pktinfo))];
	} control = { 0 };
	struct msghdr message = { .msg_name = &to,
				  .msg_namelen = sizeof(to),
				  .msg_iov = parts,
				  .msg_iovlen = 2,
				  .msg_control = &control,
				  .msg_controllen = sizeof(control) };
	struct in_pktinfo info = { 0 };

	memcpy(&to.sin_addr, path->remote.bytes, 4);
	memcpy(&info.ipi_spec_dst, path->local.bytes, 4);
	control.head = (struct cmsghdr){ .cmsg_len = CMSG_LEN(sizeof(info)),
					 .cmsg_level = IPPROTO_IP,
					 .cmsg_type = IP_PKTINFO };
	memcpy(CMSG_DATA(&control.head), &info, sizeof(info));
	if (sendmsg(crowd->sockets[which], &message, 0) < 0)
		fprintf(stderr, "send: %s\n", strerror(errno));
}

static void hook_send(void *context, const struct ikev2_datagram *datagram,
		      const struct ikev2_connection *connection)
{
	send_from(context, datagram->path.local_port == 4500 ? NATT : IKE, &datagram->path,
		  datagram);
}

/* A raw socket gives the IP header as well. */
static bool echo(struct crowd *crowd, struct ikev2_datagram *d, uint8_t *packet)
{
	size_t head = d->bytes.n > 20 ? (packet[0] & 15u) * 4 : 0;
	static uint8_t answer[65536];
	uint32_t copies = 0, spi;
	struct span inner;

	if (!head || head + sizeof(spi) > d->bytes.n)
		return true;
	memcpy(&spi, packet + head, sizeof(spi));
	inner = crowd_esp_open(&crowd->esp, packet + head, d->bytes.n - head, &copies);
	for (; inner.n && copies; copies--) {
		d->bytes = (struct span){ answer, crowd_esp_seal(&crowd->esp, ntohl(spi), inner,
								 answer, sizeof(answer)) };
		if (d->bytes.n)
			send_from(crowd, ESP, &d->path, d);
	}
	return true;
}

static bool receive(struct crowd *crowd, int which)
{
	static uint8_t bytes[65536];
	char control[256];
	struct sockaddr_in from;
	struct iovec part = { bytes, sizeof(bytes) };
	struct msghdr message = { .msg_name = &from,
				  .msg_namelen = sizeof(from),
				  .msg_iov = &part,
				  .msg_iovlen = 1,
				  .msg_control = control,
				  .msg_controllen = sizeof(control) };
	ssize_t n = recvmsg(crowd->sockets[which], &message, MSG_DONTWAIT);
	struct ikev2_datagram d = { .bytes = { bytes, (size_t)(n > 0 ? n : 0) } };

	if (n <= 0)
		return false;
	d.path.local_port = which == NATT ? 4500 : 500;
	d.path.remote_port = ntohs(from.sin_port);
	d.path.remote = net_addr_of(NET_IP4, &from.sin_addr);
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&message); c; c = CMSG_NXTHDR(&message, c)) {
		struct in_pktinfo info;

		if (c->cmsg_level != IPPROTO_IP || c->cmsg_type != IP_PKTINFO)
			continue;
		memcpy(&info, CMSG_DATA(c), sizeof(info));
		d.path.local = net_addr_of(NET_IP4, &info.ipi_addr);
	}
	if (which == ESP)
		return echo(crowd, &d, bytes);
	if (which == NATT) {
		static const uint8_t none[4];

		if (n < 4 || memcmp(bytes, none, 4) != 0)
			return true; /* a keepalive */
		d.bytes = (struct span){ bytes + 4, (size_t)n - 4 };
		d.non_esp_marker = true;
	}
	ikev2_receive(crowd->engine, &d, now());
	return true;
}

struct line {
	uint32_t address; /* host order: the list is sorted by it */
	uint32_t in;
	uint32_t out;
};

static int line_order(const void *a, const void *b)
{
	const struct line *x = a, *y = b;

	if (x->address != y->address)
		return x->address < y->address ? -1 : 1;
	return x->in < y->in ? -1 : x->in > y->in;
}

static size_t lines_collect(struct crowd *crowd, struct line *lines, size_t max)
{
	struct ikev2_child_info child;
	struct ikev2_info info;
	uint64_t ike = 0;
	size_t n = 0;

	while ((ike = ikev2_next(crowd->engine, ike))) {
		uint32_t spi = 0;

		if (ikev2_info(crowd->engine, ike, &info) < 0)
			continue;
		while (n < max && (spi = ikev2_child_next(crowd->engine, ike, spi))) {
			const uint8_t *b = info.path.local.bytes;

			if (ikev2_child_info(crowd->engine, spi, &child) < 0 ||
			    child.state != IKEV2_CHILD_UP)
				continue;
			lines[n++] =
				(struct line){ (uint32_t)b[0] << 24 | b[1] << 16 | b[2] << 8 | b[3],
					       child.child, child.outbound_spi };
		}
	}
	return n;
}

static void list_write(struct crowd *crowd)
{
	size_t max = ikev2_counters(crowd->engine)->children;
	struct line *lines = calloc(max + 1, sizeof(*lines));
	char *fresh = NULL;
	FILE *file = NULL;
	size_t n;

	if (!lines || asprintf(&fresh, "%s.new", crowd->list) < 0 || !(file = fopen(fresh, "we"))) {
		fprintf(stderr, "list: %s\n", strerror(errno));
		goto end;
	}
	n = lines_collect(crowd, lines, max);
	qsort(lines, n, sizeof(*lines), line_order);
	for (size_t i = 0; i < n; i++)
		fprintf(file, "%u.%u.%u.%u %08x %08x\n", lines[i].address >> 24,
			lines[i].address >> 16 & 255, lines[i].address >> 8 & 255,
			lines[i].address & 255, lines[i].in, lines[i].out);
	fprintf(file, "end %zu %llu %llu %llu\n", n, (unsigned long long)crowd->installed,
		(unsigned long long)crowd->esp.opened, (unsigned long long)crowd->esp.refused);
	if (fclose(file) || rename(fresh, crowd->list) < 0)
		fprintf(stderr, "list: %s\n", strerror(errno));
end:
	free(fresh);
	free(lines);
}

static void rekey_all(struct crowd *crowd)
{
	uint64_t ike = 0;

	free(crowd->rekeys);
	crowd->rekey_count = crowd->rekey_at = 0;
	crowd->rekeys = calloc(ikev2_counters(crowd->engine)->children + 1, sizeof(uint32_t));
	crowd->rekey_ns = now();
	while (crowd->rekeys && (ike = ikev2_next(crowd->engine, ike))) {
		struct ikev2_child_info child;
		uint32_t spi = 0;

		while ((spi = ikev2_child_next(crowd->engine, ike, spi)))
			if (ikev2_child_info(crowd->engine, spi, &child) == 0 &&
			    child.state == IKEV2_CHILD_UP)
				crowd->rekeys[crowd->rekey_count++] = spi;
	}
}

static void rekey_due(struct crowd *crowd)
{
	uint64_t passed = now() - crowd->rekey_ns;
	uint64_t span = crowd->rekey_s * UINT64_C(1000000000);
	size_t due = passed >= span ? crowd->rekey_count : crowd->rekey_count * passed / span;

	while (crowd->rekey_at < due)
		if (ikev2_child_rekey(crowd->engine, crowd->rekeys[crowd->rekey_at++], now()) < 0)
			fprintf(stderr, "a child was gone before its rekey\n");
}

static void flood_read(struct crowd *crowd)
{
	char text[128] = "";
	FILE *file = crowd->flood_file ? fopen(crowd->flood_file, "re") : NULL;
	int rc = -ENOENT;

	if (file && fgets(text, sizeof(text), file))
		rc = crowd_flood_set(&crowd->flood, &crowd->esp, text);
	if (file)
		fclose(file);
	if (rc < 0)
		printf("no flood: %s\n", strerror(-rc));
	fflush(stdout);
}

/* False: the end. */
static bool signalled(struct crowd *crowd)
{
	struct signalfd_siginfo info;

	if (read(crowd->signals, &info, sizeof(info)) != sizeof(info))
		return true;
	if (info.ssi_signo == SIGUSR2)
		rekey_all(crowd);
	else if (info.ssi_signo == SIGUSR1)
		list_write(crowd);
	else if (info.ssi_signo == SIGHUP)
		flood_read(crowd);
	return info.ssi_signo != SIGTERM && info.ssi_signo != SIGINT;
}

static void run(struct crowd *crowd)
{
	struct pollfd fds[] = { { crowd->sockets[0], POLLIN, 0 },
				{ crowd->sockets[1], POLLIN, 0 },
				{ crowd->sockets[2], POLLIN, 0 },
				{ crowd->signals, POLLIN, 0 } };

	for (;;) {
		uint64_t deadline = ikev2_deadline(crowd->engine);
		uint64_t at = now();
		int wait = !deadline	    ? -1
			   : deadline <= at ? 0
					    : (int)((deadline - at) / 1000000) + 1;

		if (crowd->rekey_at < crowd->rekey_count && (wait < 0 || wait > 5))
			wait = 5;
		if (crowd->flood.pace.per_s && wait)
			wait = 1;
		if (poll(fds, SOCKETS + 1, wait) < 0 && errno != EINTR)
			return;
		ikev2_tick(crowd->engine, now());
		rekey_due(crowd);
		crowd_flood_turn(&crowd->flood, now());
		for (int i = 0; i < SOCKETS; i++)
			for (int n = 0; n < AT_ONCE && fds[i].revents & POLLIN && receive(crowd, i);
			     n++)
				;
		if (fds[SOCKETS].revents & POLLIN && !signalled(crowd))
			return;
	}
}

static int open_socket(enum which which)
{
	const uint16_t port = which == IKE ? 500 : which == NATT ? 4500 : 0;
	struct sockaddr_in name = { .sin_family = AF_INET, .sin_port = htons(port) };
	int fd = which == ESP ? socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_ESP)
			      : socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int on = 1, size = SOCKET_BUFFER;

	if (fd < 0 || bind(fd, (struct sockaddr *)&name, sizeof(name)) < 0 ||
	    setsockopt(fd, IPPROTO_IP, IP_PKTINFO, &on, sizeof(on)) < 0)
		return -errno;
	/* A burst of dials is larger than the default; as root the limit does not count. */
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)) < 0)
		fprintf(stderr, "receive buffer: %s\n", strerror(errno));
	return fd;
}

static int start(struct crowd *crowd)
{
	const struct ikev2_hooks hooks = {
		.context = crowd,
		.send = hook_send,
		.event = hook_event,
		.lookup = hook_lookup,
		.psk = hook_psk,
		.spi_get = hook_spi_get,
		.spi_put = hook_spi_put,
		.child_install = hook_install,
		.child_switch = hook_switch,
		.child_remove = hook_remove,
		.child_move = hook_move,
	};
	/* All come from one address at once; that is what it is for. */
	const struct ikev2_engine_config config = { .half_open_cookies = 1 << 20,
						    .half_open_max = 1 << 20,
						    .half_open_source = 1 << 20 };
	sigset_t set;
	int error = crowd_esp_init(&crowd->esp);

	if (error)
		return error;
	crowd->esp.keeps = crowd->flood_file;
	for (int i = 0; i < SOCKETS; i++) {
		crowd->sockets[i] = open_socket(i);
		if (crowd->sockets[i] < 0)
			return crowd->sockets[i];
	}
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, SIGUSR2);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
		return -errno;
	crowd->signals = signalfd(-1, &set, SFD_CLOEXEC);
	if (crowd->signals < 0)
		return -errno;
	return ikev2_engine_new(&hooks, &config, &crowd->engine);
}

static int option(struct crowd *crowd, const char *text)
{
	if (!strncmp(text, "psk=", 4))
		return ike_psk_octets(&crowd->psk, text + 4);
	if (!strncmp(text, "list=", 5))
		crowd->list = text + 5;
	else if (!strncmp(text, "dpd=", 4))
		crowd->dpd_s = (uint16_t)strtoul(text + 4, NULL, 10);
	else if (!strncmp(text, "flood=", 6))
		crowd->flood_file = text + 6;
	else if (!strncmp(text, "rekey=", 6))
		crowd->rekey_s = (uint32_t)strtoul(text + 6, NULL, 10);
	else
		return -EINVAL;
	return 0;
}

int main(int argc, char **argv)
{
	static struct crowd crowd = { .next_spi = 0xc0001000, .rekey_s = 60 };
	int error = secret_pool_init(64 << 20);

	map_init(&crowd.peers);
	for (int i = 1; i < argc && !error; i++) {
		error = option(&crowd, argv[i]);
		if (error)
			fprintf(stderr, "ikev2_crowd: wrong option %s\n", argv[i]);
	}
	if (!error && (!crowd.list || !crowd.psk.p))
		error = -EINVAL;
	if (!error)
		error = start(&crowd);
	if (error) {
		fprintf(stderr, "ikev2_crowd: %s\n", strerror(-error));
		return 1;
	}
	puts("listening");
	fflush(stdout);
	run(&crowd);
	ikev2_engine_free(crowd.engine);
	return 0;
}
