#pragma once
/*
 * DOC: messages
 *
 * A message is struct contract_header and a body. Requests go from control to the data plane and
 * carry an id; each has exactly one outcome: CONTRACT_ANSWER (applied: every worker sees it; or
 * refused with a reason), or the loss of the peer. A batch is one message whose body is a row of
 * requests with id 0; it is applied whole or not at all and has one answer. CONTRACT_SEND is a
 * datagram: no id, no answer. Everything from the data plane that is no answer is an event.
 *
 * A request for an object carries the session number of its attach as generation; a stale one is
 * refused. After attach control lists what is there, confirms or sets what it wants, and ends with
 * CONTRACT_ADOPTED: what has an older generation is then removed (or 120 s after the attach).
 */
#include "contract/capture.h"
#include "contract/object.h"
#include "contract/sa.h"

#define CONTRACT_VERSION 3
#define CONTRACT_MESSAGE_MAX (128u * 1024)
#define CONTRACT_REASON 160

enum contract_type {
	/* control to data plane */
	CONTRACT_ADD = 1, /* object; refused when it exists */
	CONTRACT_SET,	  /* object; created or changed */
	CONTRACT_DELETE,  /* struct contract_object (and body where keyed by value) */
	CONTRACT_CONFIRM, /* struct contract_object (and body where keyed by value): keep it */
	CONTRACT_LIST, /* struct contract_object with the kind: CONTRACT_OBJECT each, then answer */
	CONTRACT_BATCH,	  /* messages */
	CONTRACT_ADOPTED, /* no body */
	CONTRACT_SEND,	  /* struct contract_datagram and payload: out of a public port */
	CONTRACT_PROBE,	  /* no body: answered when all before it is applied */
	CONTRACT_CAPTURE, /* struct contract_capture, rules, bits of tunnels */
	/* data plane to control */
	CONTRACT_ANSWER = 64, /* struct contract_answer; an SA's delete: struct contract_sa_final */
	CONTRACT_OBJECT,      /* a listed object, its request id in the header */
	CONTRACT_PUNT,	      /* struct contract_datagram and payload */
	CONTRACT_ACQUIRE,
	CONTRACT_LIFETIME,
	CONTRACT_PEER_MOVED,
	CONTRACT_LINK,
	CONTRACT_NEIGHBOUR_WANTED,
	CONTRACT_PATH_MTU,
	CONTRACT_UNKNOWN_SPI,
	CONTRACT_CAPTURED, /* struct contract_captured and bytes */
	CONTRACT_TRACED,
};

struct contract_header {
	uint32_t length; /* with this header, a multiple of 8 */
	uint16_t type;
	uint16_t zero;
	uint64_t request; /* 0: none */
};

enum contract_status {
	CONTRACT_APPLIED = 0,
	CONTRACT_REFUSED_EXISTS,
	CONTRACT_REFUSED_MISSING,
	CONTRACT_REFUSED_INVALID,
	CONTRACT_REFUSED_FULL,
	CONTRACT_REFUSED_STALE,
	CONTRACT_REFUSED_IN_USE,
	CONTRACT_REFUSED_UNSUPPORTED,
};

struct contract_answer {
	uint16_t status; /* enum contract_status */
	uint16_t index;	 /* in a batch: the message that was refused */
	uint32_t count;	 /* LIST: objects sent */
	char reason[CONTRACT_REASON];
};

struct contract_sa_final {
	struct contract_answer answer;
	uint64_t packets;
	uint64_t bytes;
	uint64_t sequence; /* outbound: last reserved; inbound: highest accepted */
};

enum contract_punt_class {
	CONTRACT_CLASS_IKE = 1,
	CONTRACT_CLASS_OPENVPN,
	CONTRACT_CLASS_SSTP,
};

/* UDP payload in or out. An IKE payload never has the non-ESP marker: the flag says it had. */
struct contract_datagram {
	struct net_addr local;
	struct net_addr remote;
	uint16_t local_port;
	uint16_t remote_port;
	uint32_t port;	  /* PUNT: where it arrived */
	uint32_t nexthop; /* SEND: where it leaves */
	uint32_t length;  /* of the payload that follows */
	uint8_t class;	  /* enum contract_punt_class */
	uint8_t non_esp_marker;
	uint8_t dscp;
	uint8_t zero[5];
};

struct contract_acquire {
	uint32_t group;
	uint32_t tunnel;
	uint32_t child; /* 0: no child of the tunnel matches */
	struct net_addr src;
	struct net_addr dst;
	uint16_t src_port;
	uint16_t dst_port;
	uint8_t protocol;
	uint8_t zero[3];
};

enum contract_lifetime_event { CONTRACT_SOFT = 1, CONTRACT_HARD };

struct contract_lifetime {
	uint32_t sa;
	uint32_t spi;
	uint8_t event; /* enum contract_lifetime_event */
	uint8_t zero[7];
	uint64_t packets;
	uint64_t bytes;
	uint64_t sequence;
};

/* A packet with a good ICV came from elsewhere than the SA's remote. */
struct contract_peer_moved {
	uint32_t sa;
	uint16_t remote_port;
	uint16_t zero;
	struct net_addr remote;
};

struct contract_link {
	uint32_t port;
	uint32_t speed_mbps;
	uint8_t up;
	uint8_t zero[7];
};

struct contract_neighbour_wanted {
	uint32_t port;
	struct net_addr addr;
};

struct contract_path_mtu {
	uint32_t sa;
	uint16_t mtu;
	uint16_t zero;
};

struct contract_unknown_spi {
	uint32_t spi;
	uint32_t port;
	struct net_addr local;
	struct net_addr remote;
	uint16_t remote_port; /* 0: not UDP-encapsulated */
	uint16_t zero[3];
};

/*
 * Pure check of a whole message that came from the other side and now lies in memory of our own:
 * lengths, counts, kinds, enums, padding. NULL, or a sentence for the answer. Nested messages of a
 * batch are checked too.
 */
const char *contract_request_check(const struct contract_header *message);
const char *contract_event_check(const struct contract_header *message);

/* The messages of a checked batch: the first when `after` is NULL, NULL at the end. */
const struct contract_header *contract_batch_next(const struct contract_header *batch,
						  const struct contract_header *after);

/* Parts of a checked object message. */
static inline struct contract_object *contract_object_of(const struct contract_header *message)
{
	return (struct contract_object *)(message + 1);
}

static inline void *contract_body_of(const struct contract_header *message)
{
	return contract_object_of(message) + 1;
}

/* Bytes of the fixed body of a kind, 0 for an unknown one. */
uint32_t contract_body_bytes(enum contract_kind kind);
/* What the body counts: members, sources, selectors. */
uint32_t contract_tail_bytes(enum contract_kind kind, const void *body);
/* The opaque bytes of a checked object message. */
const uint8_t *contract_opaque_of(const struct contract_header *message);
const char *contract_kind_text(enum contract_kind kind);
const char *contract_status_text(enum contract_status status);
