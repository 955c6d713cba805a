#pragma once
/*
 * DOC: packet path
 *
 * One call, path_run(), takes a burst from one device through all steps and leaves every packet in
 * one of the exits below or freed with its drop counted. The caller (the worker) empties the exits.
 *
 *     classify -> esp_in -> route -> tunnel -> esp_out -> neighbour -> transmit
 *
 * A burst is cut into vectors of PATH_VECTOR packets, so that what a step touched of a packet is in
 * the first-level cache for the next one. Packets of one flow take the same way through the same
 * lists and stay in order.
 *
 * Owner: a struct path belongs to one worker; struct path_shared is the main lcore's, read by all.
 * Nothing here takes a lock, allocates (but for what the pool of mbufs gives) or calls the system.
 */
#include "contract/counters.h"
#include "contract/message.h"

#include <rte_mbuf_core.h>

#define PATH_BURST 256 /* packets of a call */
#define PATH_VECTOR 64 /* packets of a vector */
#define PATH_PORTS 64  /* port ids below this */
#define PATH_DEVICES 32
#define PATH_WORKERS 33 /* with the main lcore */
#define PATH_EXIT 512	/* packets that an exit holds between two flushes */
#define PATH_HELD 256	/* packets of a worker that wait: half for an SA, half for a neighbour */

struct fib_hot;
struct sa_hot;
struct meter;
struct address_table;
struct capture_table;
struct rte_ring;

/* By port id. main: rw, workers: ro */
struct path_port {
	uint8_t mac[6];
	uint16_t mtu;
	uint16_t vlan;	 /* tag of its frames, 0: none */
	uint16_t device; /* index into devices */
	uint8_t role;	 /* enum contract_role bits; 0: no such port */
	uint8_t zero[3];
	uint32_t domain;
	uint32_t mirror; /* its TAP; 0: none */
};

/* By device. main: rw before the workers start, workers: ro */
struct path_device {
	const uint8_t *by_tag; /* 4096 port ids; NULL: it has no tagged ports */
	uint32_t untagged;     /* port id, 0: none */
	bool rx_checksum;      /* RTE_MBUF_F_RX_IP_CKSUM_* are filled in */
	bool rx_vlan;	       /* tags are stripped */
	bool tx_vlan;	       /* RTE_MBUF_F_TX_VLAN inserts the tag */
	bool tx_ip_checksum;
};

struct path_config {
	const struct fib_hot *fib;
	const struct sa_hot *sas;
	struct meter *meter; /* NULL: no limits */
	struct contract_counters *counters;
	struct rte_ring *events; /* of struct path_event, multi-producer */
	/*
	 * Of mbufs, multi-producer; NULL: none. Data are the body of a contract event and what
	 * follows it, m->packet_type its enum contract_type.
	 */
	struct rte_ring *captured;
	struct rte_mempool *pool;
	uint32_t workers; /* that run at the same time */
	uint64_t tsc_hz;
	uint32_t hold_ms; /* how long a packet waits for an SA or a neighbour */
};

struct path_shared {
	struct path_config config;
	struct path_port ports[PATH_PORTS];
	struct path_device devices[PATH_DEVICES];
	struct address_table *addresses; /* main: rw by publication, workers: ro */
	struct capture_table *watch;	 /* the same; NULL: nobody looks */
};

/* What workers tell the main lcore: the body of the contract's event. Elements of the ring. */
struct path_event {
	uint32_t type; /* enum contract_type */
	uint32_t domain;
	union {
		struct contract_acquire acquire;
		struct contract_lifetime lifetime;
		struct contract_peer_moved moved;
		struct contract_neighbour_wanted neighbour;
		struct contract_path_mtu mtu;
		struct contract_unknown_spi unknown;
		uint32_t words[22];
	};
};
_Static_assert(sizeof(struct path_event) % 4 == 0, "element of an rte_ring");

/* Frames ready to send, one row a device. */
struct path_tx {
	uint32_t n;
	struct rte_mbuf *packets[PATH_EXIT];
};

/*
 * To a Linux mirror: the whole frame for a port's TAP (without its tag), the IP packet for a TUN.
 * To control (punt): data starts at the IP header, m->l3_len is its length, m->hash.usr the port
 * id, m->packet_type the enum contract_punt_class, m->l2_len 1 when a non-ESP marker was there
 * (it still is, behind the UDP header).
 */
struct path_exit {
	uint32_t n;
	struct rte_mbuf *packets[PATH_EXIT];
	uint32_t where[PATH_EXIT]; /* mirror id */
};

/* Steps whose cycles are sampled. */
enum path_step {
#define X(name, text) PATH_STEP_##name,
	CONTRACT_PATH_STEPS(X)
#undef X
		PATH_STEP_COUNT
};

struct path;

/* 0 or -ENOMEM. The shared part is filled in by the main lcore before. */
__attribute__((warn_unused_result)) int path_new(struct path **path,
						 const struct path_shared *shared, uint32_t worker,
						 int socket);
void path_free(struct path *path);
/*
 * With several workers: sends what path_tx() holds. Called within a run, before the sequence
 * numbers of sent packets count as sent; without it they do when their packets are in the rows.
 */
typedef void (*path_flush_fn)(void *context);
void path_flush_by(struct path *path, path_flush_fn flush, void *context);
/* How often it waited for numbers that others held or for its turn, since this was last asked. */
uint64_t path_waits(struct path *path);

/* A burst as received from a device: at most PATH_BURST. Consumes all packets. */
void path_run(struct path *path, uint32_t device, struct rte_mbuf **packets, uint32_t n);
/*
 * A burst of which other workers have the ones before and after: numbers enter the replay windows
 * and packets leave in the order of the turns (path_turn.h).
 */
struct path_turn {
	uint64_t number;
	uint64_t *committed; /* turns below it are in the windows */
	uint64_t *left;	     /* turns below it have left */
};
/* At most PATH_VECTOR packets. When it returns all before have left: empty the exits, then end. */
void path_run_turn(struct path *path, uint32_t device, struct rte_mbuf **packets, uint32_t n,
		   const struct path_turn *turn);
void path_turn_end(struct path *path);
/*
 * Packets that the main lcore sends. IP packets start with their header: routed in a domain like
 * one from the inside (a TUN), or straight to a next hop; a frame leaves by a port as it is.
 */
enum path_inject { PATH_INJECT_ROUTE = 1, PATH_INJECT_NEXTHOP, PATH_INJECT_FRAME };
void path_inject(struct path *path, enum path_inject how, uint32_t where, struct rte_mbuf *packet);
/*
 * Of a burst (at most PATH_BURST) that there is no time for (worker/skim.h): what must not be lost
 * stays, at the front, to be run; gives how many. The rest is dropped as OVERLOAD.
 */
uint32_t path_shed(struct path *path, uint32_t device, struct rte_mbuf **packets, uint32_t n);
/* To us or to Linux, and no ESP: one of those that stay. */
bool path_is_vital(struct path *path, uint32_t device, struct rte_mbuf *packet);
/*
 * Once a loop: held packets whose SA or neighbour came, or whose time is over. Gives the time in
 * nanoseconds (CLOCK_BOOTTIME).
 */
uint64_t path_tick(struct path *path);
bool path_holds(const struct path *path);

/* The exits, emptied by the caller after each run. */
struct path_tx *path_tx(struct path *path, uint32_t device);
struct path_exit *path_mirrored(struct path *path);
struct path_exit *path_punted(struct path *path);
/* By enum path_step: the worker's row of CONTRACT_COUNT_STEPS. */
const struct contract_step_cost *path_steps(const struct path *path);
const char *path_step_name(enum path_step step);

/*
 * Where a worker stands that does not move, for the main lcore; false: not in a step. Of one that
 * moves it says what was there at some time.
 */
struct path_where {
	const char *step;
	uint32_t packets; /* in that step */
	struct net_addr
		src; /* of the first; family 0: not known. ESP: the outer packet, until opened */
	struct net_addr dst;
	uint16_t src_port;
	uint16_t dst_port;
	uint8_t protocol;
};
bool path_where(const struct path *path, struct path_where *where);
uint64_t *path_drops(struct path *path); /* the worker's row of CONTRACT_COUNT_DROPS */
