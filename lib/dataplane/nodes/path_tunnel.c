/*
 * Into a tunnel: the SA that sends, uplink, size, limit; then numbers, headers and encryption in
 * rows, and out by the uplink.
 */
#include "dataplane/nodes/path_fragment.h"
#include "dataplane/nodes/path_select.h"
#include "dataplane/nodes/path_transmit.h"
#include "dataplane/nodes/path_turn.h"

#include <rte_prefetch.h>

#define ACQUIRE_PER_S 2

/*
 * The child of this packet; *child is 0 when no selector fits. NULL: no SA yet. One that has an SA
 * comes before one that could be asked for: a peer may have made wider children than configured.
 */
static const struct sa_outbound *select_child(struct path *path, const struct path_packet *p,
					      const struct sa_tunnel *tunnel, uint32_t *child)
{
	const struct sa_child_list *list = __atomic_load_n(&tunnel->children, __ATOMIC_ACQUIRE);
	const struct sa_outbound *out;
	struct path_select_key key;

	*child = 0;
	if (!list)
		return NULL;
	path_select_key(&key, p);
	for (uint32_t i = 0; i < list->count; i++) {
		const struct sa_child *c = &path->sas->children[list->ids[i]];
		const struct sa_selectors *s = __atomic_load_n(&c->selectors, __ATOMIC_ACQUIRE);

		if (!s || !path_select_outbound(s, &key))
			continue;
		out = __atomic_load_n(&c->outbound, __ATOMIC_ACQUIRE);
		if (out || !*child)
			*child = list->ids[i];
		if (out)
			return out;
	}
	return NULL;
}

static void key_to_acquire(struct contract_acquire *a, const struct path_packet *p)
{
	const struct net_ip4_hdr *ip4 = (const struct net_ip4_hdr *)p->ip;
	const struct net_ip6_hdr *ip6 = (const struct net_ip6_hdr *)p->ip;
	struct path_select_key key;

	path_select_key(&key, p);
	a->src.family = a->dst.family = key.family;
	memcpy(a->src.bytes, p->ip6 ? ip6->src : ip4->src, p->ip6 ? 16 : 4);
	memcpy(a->dst.bytes, p->ip6 ? ip6->dst : ip4->dst, p->ip6 ? 16 : 4);
	a->protocol = p->protocol;
	a->src_port = key.src_port;
	a->dst_port = key.dst_port;
}

static void tell_acquire(struct path *path, const struct path_packet *p, struct sa_tunnel *tunnel,
			 uint32_t child)
{
	struct path_event event = { .type = CONTRACT_ACQUIRE, .domain = p->domain };
	uint64_t asked = __atomic_load_n(&tunnel->asked, __ATOMIC_RELAXED);
	uint64_t pause = path->shared->config.tsc_hz / ACQUIRE_PER_S;

	if (asked && path->now_tsc - asked < pause)
		return;
	__atomic_store_n(&tunnel->asked, path->now_tsc, __ATOMIC_RELAXED);
	event.acquire.tunnel = p->tunnel;
	event.acquire.child = child;
	key_to_acquire(&event.acquire, p);
	path_event(path, &event);
}

static PATH_INLINE void drop_out(struct path *path, struct path_packet *p, enum contract_drop why)
{
	path_tunnel_row(path, p->tunnel)[CONTRACT_TUNNEL_OUT_DROPPED]++;
	path_drop(path, p, why);
}

/* No SA that could send it: never in clear, so it waits or is dropped. */
static void without_sa(struct path *path, struct path_packet *p, struct sa_tunnel *tunnel,
		       uint32_t child)
{
	if (!tunnel->live) {
		path_drop(path, p, CONTRACT_DROP_TUNNEL_NO_SA);
		return;
	}
	tell_acquire(path, p, tunnel, child);
	if (child) {
		path_hold(path, p, CONTRACT_DROP_TUNNEL_HELD_LATE);
		return;
	}
	path_tunnel_row(path, p->tunnel)[CONTRACT_TUNNEL_OUT_SELECTOR_DROPPED]++;
	drop_out(path, p, CONTRACT_DROP_TUNNEL_NO_CHILD);
}

static struct net_addr outer_destination(const struct sa_outbound *out)
{
	struct net_addr addr = { .family = out->flags & SA_IP6 ? NET_IP6 : NET_IP4 };

	if (out->flags & SA_IP6)
		memcpy(addr.bytes, ((const struct net_ip6_hdr *)out->head6)->dst, 16);
	else
		memcpy(addr.bytes, ((const struct net_ip4_hdr *)out->head)->dst, 4);
	return addr;
}

/* Resolves the uplink of a tunnel; false when the packet was taken. */
static bool uplink_find(struct path *path, struct path_packet *p, const struct sa_tunnel *tunnel,
			const struct sa_outbound *out)
{
	struct fib_hop hop = fib_hop_resolve(path->fib, tunnel->nexthop, out->id * 0x9e3779b9u);
	struct net_addr addr = outer_destination(out);
	uint32_t neighbour = hop.index;

	path->uplink.nexthop = 0;
	if (!fib_hop_has_port(hop)) {
		drop_out(path, p, CONTRACT_DROP_ROUTE_NONE);
		return false;
	}
	if (hop.kind == CONTRACT_NEXTHOP_CONNECTED)
		neighbour = fib_neighbour_find(path->fib, hop.port, &addr);
	else
		addr = fib_neighbour(path->fib, hop.index)->addr;
	path->uplink.mac = neighbour ? fib_neighbour_mac(path->fib, neighbour) : 0;
	if (!(path->uplink.mac & FIB_MAC_RESOLVED)) {
		path_await_neighbour(path, p, hop.port, &addr);
		return false;
	}
	path->uplink.port = hop.port;
	path->uplink.mtu = path->shared->ports[hop.port].mtu;
	/* remembered only where the next packet of any tunnel gets the same answer */
	if (hop.kind == CONTRACT_NEXTHOP_GATEWAY &&
	    fib_hop(path->fib, tunnel->nexthop).kind == CONTRACT_NEXTHOP_GATEWAY)
		path->uplink.nexthop = tunnel->nexthop;
	return true;
}

static PATH_INLINE bool uplink(struct path *path, struct path_packet *p,
			       const struct sa_tunnel *tunnel, const struct sa_outbound *out)
{
	if (likely(path->uplink.nexthop == tunnel->nexthop))
		return true;
	return uplink_find(path, p, tunnel, out);
}

static PATH_INLINE uint32_t mtu_of(const struct path *path, const struct sa_tunnel *tunnel)
{
	return tunnel->mtu && tunnel->mtu < path->uplink.mtu ? tunnel->mtu : path->uplink.mtu;
}

static PATH_COLD void too_big(struct path *path, struct path_packet *p)
{
	enum contract_drop why = path_too_big(path, p, path->uplink.most, p->tunnel);

	if (why != CONTRACT_DROP_NONE)
		drop_out(path, p, why);
}

/* What came out of a tunnel was counted there, and what the gateway says is never limited. */
static bool charge_again(struct path *path, const struct path_packet *p, uint32_t limit)
{
	const struct meter_charge charge = { limit, METER_OUTBOUND, p->length, p->charged };

	return p->charged == PATH_FREE || meter_admit_after(&path->meter, &charge, path->now_tsc);
}

static PATH_INLINE bool within_limit(struct path *path, const struct path_packet *p, uint32_t limit)
{
	if (unlikely(p->from >= PATH_FROM_TUNNEL && p->charged))
		return charge_again(path, p, limit);
	return meter_admit(&path->meter, limit, METER_OUTBOUND, p->length, path->now_tsc);
}

static PATH_INLINE struct sa_life *life_of(struct path *path, const struct sa_outbound *out)
{
	return &sa_slot(path->sas, out->id)->out_life;
}

/* All that decides whether and how a packet is sent; true when it goes on. */
static PATH_INLINE bool admit(struct path *path, struct path_packet *p, struct sa_tunnel *tunnel,
			      const struct sa_outbound *out)
{
	if (unlikely(path->uplink.tunnel != p->tunnel || path->uplink.out != out)) {
		path->uplink.tunnel = 0;
		if (unlikely(!uplink(path, p, tunnel, out)))
			return false;
		path->uplink.most = esp_longest(out, mtu_of(path, tunnel));
		path->uplink.out = out;
		path->uplink.tunnel = p->tunnel;
		rte_prefetch0(life_of(path, out));
		rte_prefetch0(path_sa_row(path, out->id));
	}
	if (unlikely(p->length > path->uplink.most)) {
		too_big(path, p);
		return false;
	}
	if (unlikely(path_head_room(p) < ESP_ROOM_HEAD || path_tail_room(p) < ESP_ROOM_TAIL)) {
		drop_out(path, p, CONTRACT_DROP_NO_BUFFER);
		return false;
	}
	if (unlikely(path_is_syn(p)))
		path_mss_tunnel(p, tunnel, out, mtu_of(path, tunnel));
	if (path->metered && unlikely(!within_limit(path, p, tunnel->limit))) {
		drop_out(path, p, CONTRACT_DROP_LIMIT);
		return false;
	}
	return true;
}

static PATH_INLINE const struct sa_outbound *sa_of(const struct sa_tunnel *tunnel,
						   const struct path_packet *p)
{
	uint16_t family = p->ip6 ? SA_ANY6 : SA_ANY4;

	if (unlikely(!(__atomic_load_n(&tunnel->any, __ATOMIC_RELAXED) & family)))
		return NULL;
	return __atomic_load_n(&tunnel->outbound, __ATOMIC_ACQUIRE);
}

static uint32_t admit_all(struct path *path)
{
	uint32_t n = 0;

	path->uplink.nexthop = 0;
	path->uplink.tunnel = 0;
	for (uint32_t i = 0; i < path->tunnelled.n; i++) {
		struct path_packet *p = path->tunnelled.at[i];
		struct sa_tunnel *tunnel = &path->sas->tunnels[p->tunnel];
		const struct sa_outbound *out = sa_of(tunnel, p);
		uint32_t child;

		if (unlikely(!out)) {
			out = select_child(path, p, tunnel, &child);
			if (!out || !tunnel->live) {
				without_sa(path, p, tunnel, child);
				continue;
			}
		}
		if (!admit(path, p, tunnel, out))
			continue;
		p->port = path->uplink.port;
		p->mac = path->uplink.mac;
		path->records[n] = (void *)out;
		path->rows[n++] = p;
	}
	return n;
}

static void tell_lifetime(struct path *path, const struct sa_outbound *out, uint64_t number)
{
	struct sa_life *life = life_of(path, out);
	uint64_t bytes = __atomic_load_n(&life->bytes, __ATOMIC_RELAXED);
	uint32_t events = esp_alarm(life, number, bytes);
	uint32_t spi_be;

	for (uint8_t kind = CONTRACT_SOFT; kind <= CONTRACT_HARD; kind++) {
		struct path_event event = { .type = CONTRACT_LIFETIME };

		if (!(events & 1u << kind))
			continue;
		memcpy(&spi_be, (out->flags & SA_IP6 ? out->head6 : out->head) + out->head_bytes,
		       4);
		event.lifetime.sa = out->id;
		event.lifetime.spi = rte_be_to_cpu_32(spi_be);
		event.lifetime.event = kind;
		event.lifetime.packets = path_sa_row(path, out->id)[CONTRACT_SA_PACKETS];
		event.lifetime.bytes = bytes;
		event.lifetime.sequence = number;
		path_event(path, &event);
	}
}

static PATH_INLINE uint32_t tfc_extra(struct path *path, const struct path_packet *p,
				      const struct sa_tunnel *tunnel, const struct sa_outbound *out)
{
	uint32_t mtu = path->shared->ports[p->port].mtu;
	uint32_t room = path_tail_room(p) - ESP_ROOM_TAIL;
	uint32_t most;

	if (tunnel->mtu && tunnel->mtu < mtu)
		mtu = tunnel->mtu;
	most = esp_longest(out, mtu);
	if (most <= p->length)
		return 0;
	return most - p->length < room ? most - p->length : room;
}

/* What the packets of a run have in common. */
struct run {
	const struct sa_outbound *out;
	const struct sa_tunnel *tunnel;
	uint32_t from;
	uint32_t count;
	uint64_t number; /* of the first */
};

/* From then on a packet is the outer one. */
static PATH_INLINE void build_one(struct path *path, const struct run *run, struct esp_form form,
				  uint32_t i)
{
	const struct sa_outbound *out = run->out;
	struct path_packet *p = path->rows[run->from + i];
	struct cipher_op *op = &path->ops[run->from + i];
	struct esp_inner inner = { p->ip, p->length, 0, p->ip6,
				   esp_look(run->tunnel, p->ip, p->ip6) };

	if (form.flags & SA_RANDOM_IV)
		cipher_random(path->lane, p->ip - form.iv_bytes, form.iv_bytes);
	if (form.flags & SA_TFC)
		inner.extra = tfc_extra(path, p, run->tunnel, out);
	p->ip = esp_build(op, out, form, run->number + i, &inner);
	p->length = (uint32_t)(op->tag + form.tag_bytes - p->ip);
}

/* Gives the bytes of the inner packets. */
static PATH_INLINE uint64_t build_rows(struct path *path, const struct run *run,
				       struct esp_form form)
{
	uint64_t bytes = 0;

	for (uint32_t i = 0; i < run->count; i++) {
		bytes += path->rows[run->from + i]->length;
		build_one(path, run, form, i);
	}
	return bytes;
}

static PATH_INLINE void count_run(struct path *path, const struct sa_outbound *out, uint32_t tunnel,
				  uint64_t packets, uint64_t bytes)
{
	uint64_t *sa = path_sa_row(path, out->id);
	uint64_t *row = path_tunnel_row(path, tunnel);

	sa[CONTRACT_SA_PACKETS] += packets;
	sa[CONTRACT_SA_BYTES] += bytes;
	sa[CONTRACT_SA_LAST_NS] = path->now_ns;
	row[CONTRACT_TUNNEL_OUT_PACKETS] += packets;
	row[CONTRACT_TUNNEL_OUT_BYTES] += bytes;
}

/* Drops those of a run that got no number; the rest is `keep` packets from `from` on. */
static void refuse(struct path *path, uint32_t from, uint32_t keep, uint32_t to, bool bytes)
{
	const struct sa_outbound *out = path->records[from];
	const struct sa_life *life = life_of(path, out);
	uint64_t end = out->flags & SA_ESN ? UINT64_MAX >> 1 : UINT32_MAX;
	enum contract_drop why =
		bytes || life->hard < end ? CONTRACT_DROP_ESP_LIFETIME : CONTRACT_DROP_ESP_SEQUENCE;

	for (uint32_t i = from + keep; i < to; i++) {
		path_sa_row(path, out->id)[CONTRACT_SA_DROPPED]++;
		drop_out(path, path->rows[i], why);
		path->records[i] = NULL;
	}
}

static uint64_t run_bytes(const struct path *path, uint32_t from, uint32_t to)
{
	uint64_t bytes = 0;

	for (uint32_t i = from; i < to; i++)
		bytes += path->rows[i]->length;
	return bytes;
}

/* Counts the bytes of a run; how many of its packets are within the hard lifetime. */
static uint32_t meter_bytes(struct path *path, uint32_t from, uint32_t to)
{
	const struct sa_outbound *out = path->records[from];
	struct sa_life *life = life_of(path, out);
	uint64_t bytes = run_bytes(path, from, to);
	uint64_t total = esp_bytes_add(life, bytes);
	uint64_t left = life->hard_bytes + bytes - total;
	uint32_t keep = 0;

	if (esp_bytes_reached(life, total))
		tell_lifetime(path, out, __atomic_load_n(&life->next, __ATOMIC_RELAXED));
	if (!life->hard_bytes || total <= life->hard_bytes)
		return to - from;
	if (total - bytes >= life->hard_bytes)
		return 0;
	while (path->rows[from + keep]->length <= left)
		left -= path->rows[from + keep++]->length;
	return keep;
}

/* A run of packets of one SA that has got numbers. */
static PATH_INLINE void build_run(struct path *path, uint32_t from, uint32_t to,
				  struct esp_numbers numbers)
{
	const struct sa_outbound *out = path->records[from];
	uint32_t tunnel = path->rows[from]->tunnel;
	struct run run = { out, &path->sas->tunnels[tunnel], from, to - from, numbers.first };
	uint64_t bytes;

	if (unlikely(out->flags & SA_METERED)) {
		run.count = meter_bytes(path, from, to);
		if (unlikely(run.count < to - from))
			refuse(path, from, run.count, to, true);
	}
	if (unlikely(numbers.alarm)) {
		tell_lifetime(path, out, numbers.first + (to - from) - 1);
		if (numbers.count < run.count) {
			refuse(path, from, numbers.count, from + run.count, false);
			run.count = numbers.count;
		}
	}
	if (likely((out->flags & (SA_COMMON | SA_IP6 | SA_TFC)) == SA_COMMON))
		bytes = build_rows(path, &run, ESP_FORM_COMMON);
	else
		bytes = build_rows(path, &run, ESP_FORM_OF(out, ESP_FORM_FLAGS));
	if (likely(run.count))
		count_run(path, out, tunnel, run.count, bytes);
}

/* Those that were refused leave the row. */
static uint32_t compact(struct path *path, uint32_t from, uint32_t n)
{
	uint32_t to = from;

	for (uint32_t i = from; i < n; i++) {
		if (!path->records[i])
			continue;
		path->records[to] = path->records[i];
		path->rows[to] = path->rows[i];
		path->ops[to] = path->ops[i];
		to++;
	}
	return to;
}

static uint32_t build_all(struct path *path, uint32_t n)
{
	bool refused = false;

	for (uint32_t from = 0; from < n;) {
		uint32_t to = from + 1;

		while (to < n && path->records[to] == path->records[from])
			to++;
		build_run(path, from, to,
			  esp_reserve(life_of(path, path->records[from]), to - from));
		refused |= path->records[to - 1] == NULL;
		from = to;
	}
	return unlikely(refused) ? compact(path, 0, n) : n;
}

static void seal_all(struct path *path, uint32_t from, uint32_t n)
{
	while (from < n) {
		cipher_run_fn seal = ((const struct sa_outbound *)path->records[from])->seal;
		uint32_t to = from + 1;

		while (to < n && ((const struct sa_outbound *)path->records[to])->seal == seal)
			to++;
		seal(path->lane, &path->ops[from], to - from);
		from = to;
	}
}

/* What is built: sealed, and into the rows of its devices. */
static PATH_INLINE void send_all(struct path *path, uint32_t from, uint32_t n)
{
	struct path_way way = { .port = NULL };
	uint32_t port = 0;

	path->step_from = from;
	path_step_end(path, PATH_STEP_BUILD, n - from);
	seal_all(path, from, n);
	path_step_end(path, PATH_STEP_SEAL, n - from);
	for (uint32_t i = from; i < n; i++) {
		struct path_packet *p = path->rows[i];

		if (unlikely(p->port != port || p->mac != way.mac)) {
			port = p->port;
			way = path_way(path, port, p->mac);
		}
		path_transmit_at(path, &way, p, p->ip, p->length);
	}
	path_step_end(path, PATH_STEP_SEND, n - from);
}

void path_tunnel_build(struct path *path, uint32_t from, uint32_t to, struct esp_numbers numbers)
{
	build_run(path, from, to, numbers);
}

void path_tunnel_send(struct path *path, uint32_t from, uint32_t to)
{
	send_all(path, from, compact(path, from, to));
}

static void prefetch_all(struct path *path)
{
	uint32_t last = 0;

	for (uint32_t i = 0; i < path->tunnelled.n; i++) {
		uint32_t id = path->tunnelled.at[i]->tunnel;

		if (id == last)
			continue;
		last = id;
		rte_prefetch0(path_tunnel_row(path, id));
		rte_prefetch0(__atomic_load_n(&path->sas->tunnels[id].outbound, __ATOMIC_RELAXED));
	}
}

void path_tunnel(struct path *path)
{
	uint32_t n;

	prefetch_all(path);
	if (unlikely(path->turn != NULL))
		path_turn_await_leave(path);
	n = admit_all(path);
	path_step_end(path, PATH_STEP_ADMIT, n);
	if (unlikely(path->sharer.workers > 1))
		path_share(path, n);
	else
		send_all(path, 0, build_all(path, n));
}
