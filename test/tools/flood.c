/*
 * usage: flood INTERFACE NEXT FROM PORT BYTES PACKETS_PER_S TO...
 *
 * Sends UDP packets of BYTES (with the IP header) from FROM to each TO in turn, by the neighbour
 * NEXT, until it is ended (SIGTERM); then it says how many it sent. It goes past Linux's own path:
 * load for a limit that the machine must have processor time left for. So Linux gets up to
 * AT_ONCE packets to a TO as one and cuts them as it does for a NIC that cannot. The first packet
 * to NEXT goes the usual way, so that its MAC is known.
 */
#include "wire.h"

#include "base/clock.h"
#include "net/checksum.h"
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
#define AT_ONCE 16
#define AT_ONCE_PER_S 8000 /* a second for each packet more at once: they stay below 1 ms */
#define HEADS (WIRE_IP_HEAD + sizeof(struct net_udp_hdr))

struct flood {
	struct wire wire;
	struct wire_pace pace;
	uint32_t count;
	uint32_t turn;
	uint32_t bytes;
	uint32_t at_once;
	uint8_t packets[TARGETS_MAX][WIRE_LARGE];
};

/* Of UDP's checksum the part over addresses, length and protocol: Linux adds the rest. */
static uint16_t pseudo_sum(const struct wire_ip *ip)
{
	const uint16_t words[2] = { htons(IPPROTO_UDP), htons((uint16_t)ip->bytes) };
	uint64_t sum = net_checksum_add(0, ip->from.bytes, 4);

	sum = net_checksum_add(sum, ip->to.bytes, 4);
	return (uint16_t)~net_checksum_fold(net_checksum_add(sum, words, sizeof(words)));
}

static void packet_make(uint8_t *at, const struct net_addr *from, const struct net_addr *to,
			const struct flood *flood, uint16_t port)
{
	const struct wire_ip ip = { *from, *to, IPPROTO_UDP,
				    sizeof(struct net_udp_hdr) +
					    (flood->bytes - HEADS) * flood->at_once };
	const struct net_udp_hdr udp = { .src_be = htons(SOURCE_PORT),
					 .dst_be = htons(port),
					 .length_be = htons((uint16_t)ip.bytes),
					 .checksum_be = pseudo_sum(&ip) };

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
	const struct wire_udp udp = { HEADS, flood->bytes - HEADS, flood->at_once };
	uint32_t due = wire_due(&flood->pace, clock_now_ns(&clock_monotonic));

	for (; due >= flood->at_once; due -= flood->at_once) {
		wire_send_udp(&flood->wire, flood->packets[flood->turn], &udp);
		flood->turn = (flood->turn + 1) % flood->count;
	}
	flood->pace.sent -= due; /* is due again with the next */
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
	    number(words[4], HEADS + 1, 1500, &flood->bytes) < 0 ||
	    number(words[5], 1, 10000000, &per_s) < 0)
		return -EINVAL;
	flood->at_once = per_s / AT_ONCE_PER_S + 1;
	if (flood->at_once > AT_ONCE)
		flood->at_once = AT_ONCE;
	for (int i = 6; i < count; i++) {
		if (net_addr_parse(&to, words[i]) < 0)
			return -EINVAL;
		packet_make(flood->packets[flood->count++], &from, &to, flood, (uint16_t)port);
	}
	flood->pace.per_s = per_s;
	rc = open_to(flood, words[0], &next);
	if (rc == 0)
		rc = wire_cuts(&flood->wire);
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
