#pragma once
/*
 * What the steps of the packet path share: the vector of packets under way and the worker's own
 * rows of counters. Steps pass packets on as lists.
 */
#include "dataplane/esp/inbound.h"
#include "dataplane/esp/number.h"
#include "dataplane/fib/hop.h"
#include "dataplane/fib/lookup.h"
#include "dataplane/frag/icmp.h"
#include "dataplane/meter/meter.h"
#include "dataplane/nodes/path.h"

#include <rte_branch_prediction.h>
#include <rte_cycles.h>

#define PATH_INLINE inline __attribute__((always_inline))
#define PATH_MADE 512 /* packets of our own making, of a vector */
/* Where a packet comes from decides which rules hold for its route. */
enum path_from { PATH_FROM_PRIVATE, PATH_FROM_PUBLIC, PATH_FROM_TUNNEL, PATH_FROM_MIRROR };

/* Of the gateway's own making (Linux, ICMP errors): never limited. */
#define PATH_FREE UINT32_MAX

struct path_packet {
	struct rte_mbuf *m;
	uint8_t *ip;	 /* header of the packet as it is seen now */
	uint32_t length; /* of the IP packet */
	uint16_t l4;	 /* offset of what follows the IP header and its extensions */
	uint8_t protocol;
	uint8_t ip6;
	uint8_t from; /* enum path_from */
	uint8_t fragment;
	uint16_t zero;
	uint32_t port; /* it arrived on; outbound, once it is known: it leaves by */
	uint32_t domain;
	uint32_t spi;
	/* these begin at zero, by one store */
	uint32_t tunnel;	 /* inbound: came out of it; outbound: goes into it */
	uint16_t remote_port_be; /* of UDP encapsulation, 0: plain ESP */
	uint8_t marker;		 /* non-ESP marker */
	uint8_t given;		 /* nexthop was given with it: no route is looked up */
	union {
		uint64_t mac;	     /* of the next hop, once it is known */
		uint64_t held_until; /* TSC, 0: it did not wait yet */
	};
	uint32_t nexthop; /* with `given` */
	uint32_t charged; /* from a tunnel or a mirror: limit that it was counted in, PATH_FREE */
} __attribute__((aligned(64)));
_Static_assert(sizeof(struct path_packet) == 64, "one cache line");

struct frag_table;
struct capture_table;

struct path_list {
	uint32_t n;
	struct path_packet *at[PATH_VECTOR];
};

/* Where an outer packet leaves, of the last tunnel that asked. */
struct path_uplink {
	uint32_t nexthop; /* 0: none remembered */
	uint32_t port;
	uint32_t neighbour;
	uint32_t mtu;
	uint64_t mac;
	uint32_t tunnel; /* the last packet's, with its SA: 0: none */
	uint32_t most;	 /* the longest packet that fits */
	const struct sa_outbound *out;
};

/* Packets of one SA in a row, opened and good; and the last source that was. */
struct path_run {
	const struct sa_inbound *in;
	uint64_t packets;
	uint64_t bytes;
	uint32_t source;	/* IPv4, as in memory */
	uint32_t source_tunnel; /* 0: none remembered */
};

struct path {
	const struct path_shared *shared;
	const struct fib_hot *fib;
	const struct sa_hot *sas;
	struct cipher_lane *lane;
	const struct address_table *addresses; /* of this run */
	const struct capture_table *watch;     /* of this run; NULL: nobody looks */
	uint64_t *drops;
	uint64_t *sa_rows;
	uint64_t *tunnel_rows;
	uint64_t *destination_rows;
	uint64_t *port_rows;
	struct meter_worker meter;
	bool metered;
	struct esp_sharer sharer; /* others use the same SAs */
	path_flush_fn flush;
	void *flush_context;
	uint64_t waits;		      /* for numbers that others held, or for its turn */
	const struct path_turn *turn; /* of this run; NULL: nobody has a part of it */
	bool turn_committed;
	uint32_t device;
	uint64_t now_tsc;
	uint64_t now_ns;
	uint64_t base_tsc;
	uint64_t base_ns;
	uint64_t hold_tsc;
	double ns_per_tsc;
	uint16_t attention; /* what waits for ends of steps, of this vector: mostly nothing */
	uint16_t made_count;
	bool reassembling; /* fragments are held */
	uint32_t vectors;
	uint64_t step_tsc;  /* start of the step */
	uint32_t step_from; /* first operation of BUILD, SEAL and SEND */
	/* The step under way, and the packets while they are classified. Main: ro, when it hangs.
	 */
	uint16_t at;
	uint16_t received_count;
	struct rte_mbuf *const *received;
	struct contract_step_cost *steps; /* by enum path_step: its row of counters */
	uint64_t event_time;		  /* TSC up to which rate-limited events were told */
	struct path_packet packets[PATH_VECTOR];
	struct path_list esp;
	struct path_list forward;
	struct path_list tunnelled;
	struct cipher_op ops[PATH_VECTOR];
	uint64_t numbers[PATH_VECTOR];
	void *records[PATH_VECTOR];	       /* by op: struct sa_slot or struct sa_outbound */
	struct path_packet *rows[PATH_VECTOR]; /* by op */
	uint32_t held_count;
	uint16_t held_for[2];  /* of them: those that wait for an SA, for a neighbour */
	uint64_t held_changes; /* in the tables, when they were last tried */
	uint64_t held_tried;   /* TSC of that */
	struct path_packet held[PATH_HELD];
	struct path_packet retry[PATH_HELD];
	struct path_uplink uplink;
	struct path_run run;
	struct path_exit mirrored;
	struct path_exit punted;
	struct path_tx tx[PATH_DEVICES];
	/* rare: behind all that each packet touches */
	struct frag_table *fragments;
	struct icmp_limit icmp_errors;
	struct icmp_limit icmp_reports;
	struct path_packet made[PATH_MADE];
	/* captures and traces: while path->watch is there */
	uint64_t watch_ended; /* places whose packets left the vector */
	uint64_t watch_lost;  /* records that found no room, since the last that did */
	bool watch_fresh;     /* the vector is not classified yet */
	bool traced;	      /* a packet of the vector may carry a mark */
	int trace_field;      /* where in the mbuf */
	uint32_t trace_packets;
	uint64_t trace_flag;
	uint64_t watch_placed; /* places whose mbuf begins at the inner packet, no more at the frame
				*/
	const uint8_t *watch_frames[PATH_VECTOR]; /* by place: where that was */
	uint64_t watch_sends;			  /* ops with an entry in watch_outer */
	uint32_t watch_outer[PATH_VECTOR];	  /* by op: captures that take the frame */
};

/* Bits of attention: a step whose end captures and traces want to see, all of them to be timed. */
#define PATH_WATCHED(step) (1u << (step))
#define PATH_WATCHED_ALL (PATH_WATCHED(PATH_STEP_COUNT) - 1)
#define PATH_TIMED (1u << 15)
_Static_assert(PATH_STEP_COUNT < 15, "steps are bits");

/* Times it, shows it to captures and traces. */
void path_step_attend(struct path *path, enum path_step step, uint32_t n);

/* The step before ends here and had `n` packets. */
static PATH_INLINE void path_step_end(struct path *path, enum path_step step, uint32_t n)
{
	path->at = (uint16_t)(step + 1);
	if (unlikely(path->attention & (PATH_WATCHED(step) | PATH_TIMED)))
		path_step_attend(path, step, n);
}

static PATH_INLINE void path_add(struct path_list *list, struct path_packet *p)
{
	list->at[list->n++] = p;
}

/* Empties the lists. `fresh`: packets as received follow, not such that waited or were made. */
void path_vector_begin(struct path *path, bool fresh);
/* Counts and frees. */
void path_drop(struct path *path, struct path_packet *p, enum contract_drop why);
void path_event(struct path *path, const struct path_event *event);
/* At most some thousand a second of those events that a stranger can cause. */
bool path_event_allowed(struct path *path);

/* Steps, in their order. */
void path_classify(struct path *path, struct rte_mbuf **mbufs, uint32_t n);
void path_esp_in(struct path *path);
void path_route(struct path *path);
void path_tunnel(struct path *path);

/* Ends: each takes the packet. */
void path_to_mirror(struct path *path, struct path_packet *p, uint32_t mirror, bool frame);
void path_punt(struct path *path, struct path_packet *p, enum contract_punt_class class);
void path_hold(struct path *path, struct path_packet *p, enum contract_drop why);
/* The MAC of the packet's neighbour is not known: asks for it and keeps the packet. */
void path_await_neighbour(struct path *path, struct path_packet *p, uint32_t port,
			  const struct net_addr *addr);
/* To a next hop that is known by id; packets for tunnels go to path->tunnelled. */
void path_follow(struct path *path, struct path_packet *p, uint32_t nexthop);
bool path_has_route(struct path *path, const struct path_packet *p); /* of its domain */
/* Only when something changed that one may have waited for, or now and then. */
void path_retry_held(struct path *path);
/* Lowers what a SYN says, so that segments fit a tunnel whose outer packets may have `mtu`. */
void path_mss_tunnel(struct path_packet *p, const struct sa_tunnel *tunnel,
		     const struct sa_outbound *out, uint32_t mtu);

static PATH_INLINE bool path_is_syn(const struct path_packet *p)
{
	return p->protocol == NET_PROTO_TCP && !p->fragment &&
	       p->length >= (uint32_t)p->l4 + sizeof(struct net_tcp_hdr) && (p->ip[p->l4 + 13] & 2);
}

/* The packets of a group all go to this tunnel, or some may. */
bool path_group_has(const struct fib_hot *fib, uint32_t group, uint32_t tunnel);

/* Where the L3 header of p->m, a frame as received, is, and whose it is; false: not to be told. */
bool path_frame(struct path *path, uint32_t device, struct path_packet *p, uint16_t *type_be);

/* The IP header at p->ip; `room` bytes are there. Fills in the rest of *p. */
enum contract_drop path_parse_ip(struct path_packet *p, uint32_t room, bool checksum_known);

static PATH_INLINE void path_place(struct path_packet *p, uint8_t *start, uint32_t length)
{
	struct rte_mbuf *m = p->m;

	m->data_off = (uint16_t)(start - (uint8_t *)m->buf_addr);
	m->data_len = (uint16_t)length;
	m->pkt_len = length;
}

static PATH_INLINE uint32_t path_head_room(const struct path_packet *p)
{
	return (uint32_t)(p->ip - (uint8_t *)p->m->buf_addr);
}

static PATH_INLINE uint32_t path_tail_room(const struct path_packet *p)
{
	return p->m->buf_len - path_head_room(p) - p->length;
}

static PATH_INLINE uint64_t *path_sa_row(struct path *path, uint32_t id)
{
	return path->sa_rows + (uint64_t)id * CONTRACT_SA_COLUMNS;
}

static PATH_INLINE uint64_t *path_tunnel_row(struct path *path, uint32_t id)
{
	return path->tunnel_rows + (uint64_t)id * CONTRACT_TUNNEL_COLUMNS;
}

/* Of what came out of a tunnel and goes elsewhere than to the inside network. */
static PATH_INLINE void path_count_destination(struct path *path, const struct path_packet *p,
					       enum contract_destination to)
{
	uint64_t *row = path->destination_rows + (uint64_t)p->tunnel * CONTRACT_DESTINATION_COLUMNS;

	row[2 * to]++;
	row[2 * to + 1] += p->length;
}
