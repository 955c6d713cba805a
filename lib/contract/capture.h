#pragma once
/*
 * DOC: capture and trace
 *
 * CONTRACT_CAPTURE says which packets control wants to see; the data plane sends CONTRACT_CAPTURED
 * (bytes of a packet) and CONTRACT_TRACED (a step of a packet that is followed) for them. Both are
 * droppable: what finds no room is counted in the next that does. A capture belongs to the session
 * that asked for it and ends with it.
 *
 * Rules look at inner packets (RFC 4301's plaintext side) and are OR-ed; without `single` each
 * holds for the answers too. A trace looks at outer packets as well. IKE has no inner packet: no
 * rule applies to it.
 */
#include "net/addr.h"

#define CONTRACT_CAPTURES 32 /* ids 1 to 31: bits of a word */
#define CONTRACT_CAPTURE_RULES 256
#define CONTRACT_CAPTURE_TUNNELS (64u * 1024) /* bits */
#define CONTRACT_CAPTURE_SNAP_MAX 65535

enum contract_capture_what {
	CONTRACT_CAPTURE_OUTER = 1 << 0, /* ESP as it is on the wire */
	CONTRACT_CAPTURE_INNER = 1 << 1, /* what is inside it */
	CONTRACT_CAPTURE_IKE = 1 << 2,
	CONTRACT_CAPTURE_STEPS = 1 << 3, /* a trace: CONTRACT_TRACED and no bytes */
};

/* Request. Sets what is captured under this id; `what` 0 ends it. */
struct contract_capture {
	uint32_t id;
	uint32_t snap; /* bytes kept of a packet */
	uint16_t what; /* enum contract_capture_what bits */
	uint16_t rules;
	uint16_t tunnel_words; /* of 64 tunnel ids, behind the rules; 0: all tunnels */
	uint8_t single;
	uint8_t zero;
};

#define CONTRACT_TCP_ANY 0xffff

struct contract_capture_rule {
	struct net_prefix src; /* family 0: any */
	struct net_prefix dst;
	uint16_t src_port; /* 0: any */
	uint16_t dst_port;
	uint16_t tcp_flags; /* one of these is set; CONTRACT_TCP_ANY: whatever they are */
	uint8_t protocol;   /* 0: any */
	uint8_t zero;
};

enum contract_layer {
	CONTRACT_LAYER_OUTER = 1, /* an Ethernet frame */
	CONTRACT_LAYER_INNER,	  /* an IP packet */
	CONTRACT_LAYER_IKE,	  /* an IP packet */
};

/* Event: `kept` bytes follow. */
struct contract_captured {
	uint64_t time_ns;  /* CLOCK_BOOTTIME */
	uint64_t sequence; /* of ESP */
	uint64_t lost;	   /* of its captures since the last record, for want of room */
	uint32_t captures; /* bits: whose it is */
	uint32_t length;   /* of the packet */
	uint32_t kept;
	uint32_t tunnel; /* 0: none */
	uint32_t spi;
	uint32_t port;
	uint8_t layer; /* enum contract_layer */
	uint8_t outbound;
	uint8_t zero[6];
};

/* Steps of the packet path, in the order of the way. */
#define CONTRACT_PATH_STEPS(X)                                                                     \
	X(CLASSIFY, "classify")                                                                    \
	X(CHECK, "esp_check")                                                                      \
	X(OPEN, "esp_open")                                                                        \
	X(INNER, "inner")                                                                          \
	X(ROUTE, "route")                                                                          \
	X(ADMIT, "tunnel")                                                                         \
	X(BUILD, "esp_build")                                                                      \
	X(SEAL, "esp_seal")                                                                        \
	X(SEND, "transmit")

#define CONTRACT_STEPS(X)                                                                          \
	X(RECEIVE, "receive")                                                                      \
	CONTRACT_PATH_STEPS(X)                                                                     \
	X(HOLD, "hold")                                                                            \
	X(SPLIT, "split")                                                                          \
	X(PUNT, "punt")                                                                            \
	X(MIRROR, "mirror")                                                                        \
	X(DROP, "drop")

enum contract_step {
#define X(name, text) CONTRACT_STEP_##name,
	CONTRACT_STEPS(X)
#undef X
		CONTRACT_STEP_COUNT
};

/* Event: a step that a followed packet went through; fields that do not matter there are zero. */
struct contract_traced {
	uint64_t time_ns; /* CLOCK_BOOTTIME */
	uint64_t sequence;
	uint64_t lost; /* records since the last one, for want of room */
	uint32_t captures;
	uint32_t packet; /* the same for all steps of one; pieces of a cut packet share it */
	uint32_t length; /* of the IP packet that is seen here */
	uint32_t port;
	uint32_t tunnel;
	uint32_t sa;
	uint32_t spi;
	uint32_t nexthop;
	uint32_t mtu;
	uint16_t step; /* enum contract_step */
	uint16_t drop; /* enum contract_drop: with DROP why, with HOLD what it waits for */
	struct net_addr src;
	struct net_addr dst;
	uint16_t src_port;
	uint16_t dst_port;
	uint8_t protocol;
	uint8_t ttl;
	uint8_t from; /* 0 private, 1 public, 2 tunnel, 3 Linux or ourselves */
	uint8_t worker;
	uint8_t mac[6]; /* SEND: of the next hop */
	uint8_t zero[2];
};

const char *contract_step_name(enum contract_step step);
