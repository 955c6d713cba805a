/*
 * usage: flood INTERFACE NEXT FROM PORT BYTES PACKETS_PER_S TO...
 *
 * Sends UDP packets of BYTES (with the IP header) from FROM to each TO in turn, by the neighbour
 * NEXT, until it is ended (SIGTERM); then it says how many it sent. It goes past Linux's own path:
 * load for a limit that the machine must have processor time left for. The first packet to NEXT
 * goes the usual way, so that its MAC is known.
 */
#include "wire.h"

#include "base/clock.h"
#include "net/header.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#define TARGETS_MAX 256
#define SOURCE_PORT 40100
#define MAC_WAIT_MS 2000

struct flood {
	struct wire wire;
	struct wire_pace pace;
	uint32_t count;
	uint32_t turn;
	uint32_t bytes;
	uint8_t packets[TARGETS_MAX][WIRE_FRAME];
};

/* UDP's checksum is left out (0), as IPv4 allows. */
static void packet_make(uint8_t *at, const struct net_addr *from, const struct net_addr *to,
			uint32_t bytes, uint16_t port)
{
	const struct wire_ip ip = { *from, *to, IPPROTO_UDP, bytes - WIRE_IP_HEAD };
	const struct net_udp_hdr udp = { .src_be = htons(SOURCE_PORT),
					 .dst_be = htons(port),
					 .length_be = htons((uint16_t)ip.bytes) };

	wire_ip_write(at, &ip);
	memcpy(at + WIRE_IP_HEAD, &udp, sizeof(udp));
}

/* Linux asks for the neighbour when something is sent to it. */
static int open_to(struct flood *flood, const char *interface, const struct net_addr *next)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(9) };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int rc = -EHOSTUNREACH;

	memcpy(&to.sin_addr, next->bytes, sizeof(to.sin_addr));
	for (int waited = 0; rc == -EHOSTUNREACH && waited < MAC_WAIT_MS; waited += 10) {
		if (waited % 500 == 0 &&
		    sendto(fd, "", 1, 0, (struct sockaddr *)&to, sizeof(to)) < 0)
			break;
		rc = wire_open(&flood->wire, interface, next);
		if (rc == -EHOSTUNREACH)
			poll(NULL, 0, 10);
	}
	close(fd);
	return rc;
}

static void send_due(struct flood *flood)
{
	uint32_t due = wire_due(&flood->pace, clock_now_ns(&clock_monotonic));

	for (; due; due--) {
		memcpy(wire_next(&flood->wire), flood->packets[flood->turn], flood->bytes);
		wire_add(&flood->wire, flood->bytes);
		flood->turn = (flood->turn + 1) % flood->count;
	}
	wire_flush(&flood->wire);
}

static int run(struct flood *flood)
{
	struct pollfd ended = { .events = POLLIN };
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
		return -errno;
	ended.fd = signalfd(-1, &set, SFD_CLOEXEC);
	if (ended.fd < 0)
		return -errno;
	while (poll(&ended, 1, 1) == 0)
		send_due(flood);
	printf("flooded %llu\n", (unsigned long long)flood->wire.sent);
	return 0;
}

static int number(const char *text, uint32_t least, uint32_t most, uint32_t *value)
{
	char *end;
	unsigned long n = strtoul(text, &end, 10);

	*value = (uint32_t)n;
	return *text && !*end && n >= least && n <= most ? 0 : -EINVAL;
}

static int start(struct flood *flood, char **words, int count)
{
	struct net_addr next, from, to;
	uint32_t port, per_s;
	int rc;

	if (count < 7 || count - 6 > TARGETS_MAX || net_addr_parse(&next, words[1]) < 0 ||
	    net_addr_parse(&from, words[2]) < 0 || number(words[3], 1, 65535, &port) < 0 ||
	    number(words[4], WIRE_IP_HEAD + sizeof(struct net_udp_hdr), 1500, &flood->bytes) < 0 ||
	    number(words[5], 1, 10000000, &per_s) < 0)
		return -EINVAL;
	for (int i = 6; i < count; i++) {
		if (net_addr_parse(&to, words[i]) < 0)
			return -EINVAL;
		packet_make(flood->packets[flood->count++], &from, &to, flood->bytes,
			    (uint16_t)port);
	}
	flood->pace.per_s = per_s;
	rc = open_to(flood, words[0], &next);
	return rc < 0 ? rc : run(flood);
}

int main(int argc, char **argv)
{
	static struct flood flood;
	int rc = start(&flood, argv + 1, argc - 1);

	if (rc == 0)
		return 0;
	fprintf(stderr, "flood: %s (flood INTERFACE NEXT FROM PORT BYTES PACKETS_PER_S TO...)\n",
		strerror(-rc));
	return rc == -EINVAL ? 2 : 1;
}
