#pragma once
/*
 * Frames straight to an interface, past Linux's own path and queue, many with one call: for load
 * that must cost the machine less than what it is there to test.
 */
#include "net/addr.h"

#include <linux/if_ether.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/uio.h>

#define WIRE_BATCH 64
#define WIRE_FRAME 1600
#define WIRE_IP_HEAD 20
#define WIRE_HEAD (ETH_HLEN + WIRE_IP_HEAD)
#define WIRE_LARGE 24576

struct wire {
	int fd;
	uint32_t filled;
	uint64_t sent;
	struct ethhdr ethernet; /* before every packet */
	struct mmsghdr messages[WIRE_BATCH];
	struct iovec parts[WIRE_BATCH];
	uint8_t frames[WIRE_BATCH][WIRE_FRAME];
};

/* `next` is the neighbour that gets all: Linux must know its MAC already, else -EHOSTUNREACH. */
__attribute__((warn_unused_result)) int wire_open(struct wire *wire, const char *interface,
						  const struct net_addr *next);
void wire_close(struct wire *wire);
/* Where the next packet is to be written, an IPv4 header first; then wire_add() with its size. */
uint8_t *wire_next(struct wire *wire);
void wire_add(struct wire *wire, size_t bytes);
void wire_flush(struct wire *wire);
/* From now on it sends by wire_send_udp(), and by Linux's queue, where there is one. */
__attribute__((warn_unused_result)) int wire_cuts(struct wire *wire);
/* An IPv4 packet with UDP of `heads` and `times` x `bytes`, which Linux cuts into packets of
 * `bytes` each behind heads of its own: many for little more than what one costs. */
struct wire_udp {
	size_t heads;
	size_t bytes;
	uint32_t times;
};
void wire_send_udp(struct wire *wire, const uint8_t *packet, const struct wire_udp *udp);
/* An IPv4 header without options for `bytes` behind it. */
struct wire_ip {
	struct net_addr from;
	struct net_addr to;
	uint8_t protocol;
	size_t bytes;
};
void wire_ip_write(uint8_t at[WIRE_IP_HEAD], const struct wire_ip *ip);

/* So many a second; what it was late for by more than 50 ms is left out: no burst is longer. */
struct wire_pace {
	uint64_t per_s;
	uint64_t begun_ns;
	uint64_t sent; /* since then */
};
/* How many are due by now. */
uint32_t wire_due(struct wire_pace *pace, uint64_t now_ns);
