#include "dataplane/nodes/path.h"
#include "dataplane/nodes/path_fragment.h"
#include "dataplane/nodes/path_transmit.h"
#include "dataplane/nodes/path_turn.h"
#include "dataplane/nodes/path_watch.h"

#include <rte_cycles.h>
#include <rte_malloc.h>
#include <rte_mbuf.h>
#include <rte_ring_elem.h>

#include <errno.h>
#include <time.h>

#define BOOT_NS_PER_S UINT64_C(1000000000)
#define EVENTS_PER_S 1000 /* of those that a stranger can cause, per worker */
#define EVENTS_BURST 64

_Static_assert((int)PATH_STEP_COUNT == (int)CONTRACT_PATH_STEP_COUNT &&
		       sizeof(struct contract_step_cost) == 2 * sizeof(uint64_t),
	       "a row of CONTRACT_COUNT_STEPS is an array of them");

static void clock_sync(struct path *path, uint64_t now_tsc)
{
	struct timespec now;

	clock_gettime(CLOCK_BOOTTIME, &now); /* vDSO: no system call */
	path->base_tsc = now_tsc;
	path->base_ns = (uint64_t)now.tv_sec * BOOT_NS_PER_S + (uint64_t)now.tv_nsec;
}

static void clock_read(struct path *path)
{
	uint64_t hz = path->shared->config.tsc_hz;
	uint64_t now = rte_rdtsc();

	if (unlikely(now - path->base_tsc > hz))
		clock_sync(path, now);
	path->now_tsc = now;
	path->now_ns =
		path->base_ns + (uint64_t)((double)(now - path->base_tsc) * path->ns_per_tsc);
}

int path_new(struct path **to, const struct path_shared *shared, uint32_t worker, int socket)
{
	const struct path_config *config = &shared->config;
	struct path *path = rte_zmalloc_socket("path", sizeof(*path), 64, socket);
	int err;

	if (!path)
		return -ENOMEM;
	err = cipher_lane_new(&path->lane);
	if (err) {
		rte_free(path);
		return err;
	}
	path->shared = shared;
	path->fib = config->fib;
	path->sas = config->sas;
	path->sharer = (struct esp_sharer){ worker, config->workers };
	path->at = PATH_STEP_COUNT;
	path->drops = contract_counters_row(config->counters, CONTRACT_COUNT_DROPS, worker, 0);
	path->sa_rows = contract_counters_row(config->counters, CONTRACT_COUNT_SAS, worker, 0);
	path->tunnel_rows =
		contract_counters_row(config->counters, CONTRACT_COUNT_TUNNELS, worker, 0);
	path->destination_rows =
		contract_counters_row(config->counters, CONTRACT_COUNT_DESTINATIONS, worker, 0);
	path->port_rows = contract_counters_row(config->counters, CONTRACT_COUNT_PORTS, worker, 0);
	path->steps =
		(void *)contract_counters_row(config->counters, CONTRACT_COUNT_STEPS, worker, 0);
	path->metered = config->meter != NULL;
	if (config->meter)
		path->meter = meter_worker(config->meter, worker);
	path->ns_per_tsc = (double)BOOT_NS_PER_S / (double)config->tsc_hz;
	path->hold_tsc = config->tsc_hz / 1000 * config->hold_ms;
	clock_sync(path, rte_rdtsc());
	path->event_time = path->base_tsc;
	err = path_watch_init(path);
	if (!err)
		err = path_fragment_init(path, socket);
	if (err) {
		cipher_lane_free(path->lane);
		rte_free(path);
		return err;
	}
	*to = path;
	return 0;
}

static void free_row(struct rte_mbuf **packets, uint32_t n)
{
	rte_pktmbuf_free_bulk(packets, n);
}

void path_free(struct path *path)
{
	if (!path)
		return;
	for (uint32_t i = 0; i < path->held_count; i++)
		rte_pktmbuf_free(path->held[i].m);
	for (uint32_t i = 0; i < PATH_DEVICES; i++)
		free_row(path->tx[i].packets, path->tx[i].n);
	free_row(path->mirrored.packets, path->mirrored.n);
	free_row(path->punted.packets, path->punted.n);
	path_fragment_fini(path);
	cipher_lane_free(path->lane);
	rte_free(path);
}

void path_drop(struct path *path, struct path_packet *p, enum contract_drop why)
{
	path->drops[why]++;
	path->port_rows[(uint64_t)p->port * CONTRACT_PORT_COLUMNS + CONTRACT_PORT_DROPPED]++;
	if (unlikely(path->watch))
		path_watch_drop(path, p, why);
	rte_pktmbuf_free(p->m);
	p->m = NULL;
	p->l4 = 0; /* captures look at the row once more: not from where an outer header ended */
}

void path_event(struct path *path, const struct path_event *event)
{
	if (path->shared->config.events)
		(void)rte_ring_mp_enqueue_elem(path->shared->config.events, (void *)event,
					       sizeof(*event));
}

bool path_event_allowed(struct path *path)
{
	uint64_t each = path->shared->config.tsc_hz / EVENTS_PER_S;

	if (path->now_tsc - path->event_time > each * EVENTS_BURST)
		path->event_time = path->now_tsc - each * EVENTS_BURST;
	if (path->now_tsc - path->event_time < each)
		return false;
	path->event_time += each;
	return true;
}

static void exit_push(struct path *path, struct path_exit *exit, struct path_packet *p,
		      uint32_t where, enum contract_drop full)
{
	if (exit->n == PATH_EXIT) {
		path_drop(path, p, full);
		return;
	}
	exit->where[exit->n] = where;
	exit->packets[exit->n++] = p->m;
}

void path_to_mirror(struct path *path, struct path_packet *p, uint32_t mirror, bool frame)
{
	if (!mirror) {
		path_drop(path, p, CONTRACT_DROP_MIRROR_FULL);
		return;
	}
	if (unlikely(path->watch))
		path_watch_mirror(path, p, mirror, frame);
	if (!frame)
		path_place(p, p->ip, p->length);
	exit_push(path, &path->mirrored, p, mirror, CONTRACT_DROP_MIRROR_FULL);
}

void path_punt(struct path *path, struct path_packet *p, enum contract_punt_class class)
{
	struct rte_mbuf *m = p->m;

	if (unlikely(p->l4 >> RTE_MBUF_L3_LEN_BITS)) { /* m->l3_len takes no more */
		path_drop(path, p, CONTRACT_DROP_UDP_SHORT);
		return;
	}
	if (unlikely(path->watch))
		path_watch_punt(path, p);
	path_place(p, p->ip, p->length);
	m->l3_len = p->l4;
	m->l2_len = p->marker;
	m->hash.usr = p->port;
	m->packet_type = class;
	exit_push(path, &path->punted, p, 0, CONTRACT_DROP_PUNT_FULL);
}

static void forward_all(struct path *path)
{
	if (path->forward.n) {
		path_route(path);
		path_step_end(path, PATH_STEP_ROUTE, path->forward.n);
	}
	if (path->tunnelled.n)
		path_tunnel(path);
	if (unlikely(path->made_count))
		path_made_run(path);
}

void path_step_attend(struct path *path, enum path_step step, uint32_t n)
{
	if (path->attention & PATH_TIMED) {
		uint64_t now = rte_rdtsc();

		path->steps[step].cycles += now - path->step_tsc;
		path->steps[step].packets += n;
		path->step_tsc = now;
	}
	if (!(path->attention & PATH_WATCHED(step)))
		return;
	path_watch_step(path, step, n);
	if (path->attention & PATH_TIMED)
		path->step_tsc = rte_rdtsc(); /* to look costs the step nothing */
}

void path_vector_begin(struct path *path, bool fresh)
{
	path->esp.n = path->forward.n = path->tunnelled.n = 0;
	path->attention = 0;
	path->at = fresh ? PATH_STEP_CLASSIFY : PATH_STEP_ROUTE;
	if (unlikely(path->watch))
		path_watch_vector(path, fresh);
}

static void run_vector(struct path *path, struct rte_mbuf **packets, uint32_t n)
{
	path_vector_begin(path, true);
	path->received = packets;
	path->received_count = (uint16_t)n;
	if (++path->vectors % CONTRACT_STEP_SAMPLE == 0) {
		path->attention |= PATH_TIMED;
		path->step_tsc = rte_rdtsc();
	}
	path_classify(path, packets, n);
	path_step_end(path, PATH_STEP_CLASSIFY, n);
	if (path->esp.n)
		path_esp_in(path);
	forward_all(path);
}

static void begin(struct path *path)
{
	clock_read(path);
	path->addresses = __atomic_load_n(&path->shared->addresses, __ATOMIC_ACQUIRE);
	path->watch = __atomic_load_n(&path->shared->watch, __ATOMIC_ACQUIRE);
	if (unlikely(path->held_count))
		path_retry_held(path);
}

void path_run(struct path *path, uint32_t device, struct rte_mbuf **packets, uint32_t n)
{
	begin(path);
	path->device = device;
	for (uint32_t from = 0; from < n; from += PATH_VECTOR)
		run_vector(path, packets + from, n - from < PATH_VECTOR ? n - from : PATH_VECTOR);
}

void path_run_turn(struct path *path, uint32_t device, struct rte_mbuf **packets, uint32_t n,
		   const struct path_turn *turn)
{
	path->turn = turn;
	path->turn_committed = false;
	path_run(path, device, packets, n);
	if (!path->turn_committed) { /* nothing of it came as far */
		path_turn_await_commit(path);
		path_turn_commit(path);
	}
	path_turn_await_leave(path);
}

void path_turn_end(struct path *path)
{
	__atomic_store_n(path->turn->left, path->turn->number + 1, __ATOMIC_RELEASE);
	path->turn = NULL;
}

uint64_t path_tick(struct path *path)
{
	if (path->held_count)
		begin(path);
	else
		clock_read(path);
	if (unlikely(path->reassembling))
		path_reassembly_expire(path);
	return path->now_ns;
}

static void inject_frame(struct path *path, struct rte_mbuf *m, uint32_t port)
{
	struct path_packet p = { .m = m, .port = port };
	struct path_way way;

	if (unlikely(path->watch))
		path_watch_inject(path, &p, PATH_INJECT_FRAME);
	if (port >= PATH_PORTS || !path->shared->ports[port].role ||
	    m->data_len < sizeof(struct net_ether_hdr)) {
		path_drop(path, &p, CONTRACT_DROP_ETHER_SHORT);
		return;
	}
	way = path_way(path, port, 0);
	if (way.port->vlan)
		path_transmit_frame_tagged(path, &way, &p);
	else
		path_transmit_push(path, &way, m);
}

void path_inject(struct path *path, enum path_inject how, uint32_t where, struct rte_mbuf *m)
{
	struct path_packet *p = &path->packets[0];
	enum contract_drop why;

	begin(path);
	if (how == PATH_INJECT_FRAME) {
		inject_frame(path, m, where);
		return;
	}
	path_vector_begin(path, false);
	*p = (struct path_packet){ .m = m, .from = PATH_FROM_MIRROR, .charged = PATH_FREE };
	p->domain = how == PATH_INJECT_ROUTE ? where : 0;
	p->ip = rte_pktmbuf_mtod(m, uint8_t *);
	why = m->nb_segs > 1 ? CONTRACT_DROP_NO_BUFFER : path_parse_ip(p, m->data_len, true);
	if (why != CONTRACT_DROP_NONE) {
		path_drop(path, p, why);
		return;
	}
	if (p->domain && !path_has_route(path, p))
		p->domain = 0; /* the instance's own domain has only its speaker's peers */
	if (unlikely(path->watch))
		path_watch_inject(path, p, how);
	if (how == PATH_INJECT_NEXTHOP) {
		p->nexthop = where;
		p->given = 1;
		path_follow(path, p, where);
	} else {
		path_add(&path->forward, p);
	}
	forward_all(path);
}

struct path_tx *path_tx(struct path *path, uint32_t device)
{
	return &path->tx[device];
}

struct path_exit *path_mirrored(struct path *path)
{
	return &path->mirrored;
}

struct path_exit *path_punted(struct path *path)
{
	return &path->punted;
}

const struct contract_step_cost *path_steps(const struct path *path)
{
	return path->steps;
}

const char *path_step_name(enum path_step step)
{
	static const char *const names[] = {
#define X(name, text) text,
		CONTRACT_PATH_STEPS(X)
#undef X
	};

	return step < PATH_STEP_COUNT ? names[step] : "";
}

void path_flush_by(struct path *path, path_flush_fn flush, void *context)
{
	path->flush = flush;
	path->flush_context = context;
}

uint64_t path_waits(struct path *path)
{
	uint64_t waits = path->waits;

	path->waits = 0;
	return waits;
}

uint64_t *path_drops(struct path *path)
{
	return path->drops;
}
