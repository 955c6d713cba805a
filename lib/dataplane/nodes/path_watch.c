#include "dataplane/nodes/path_watch.h"
#include "dataplane/nodes/path_watch_look.h"
#include "dataplane/nodes/path_watch_out.h"
#include "dataplane/nodes/path_watch_record.h"

#include "dataplane/fib/flow.h"

void path_watch_vector(struct path *path, bool fresh)
{
	const struct capture_table *table = path->watch;

	path->watch_ended = path->watch_placed = 0;
	path->watch_fresh = fresh;
	/* what waited or was made may carry a mark */
	path->traced = !fresh && table->steps;
	if (path->traced)
		path->attention |= PATH_WATCHED_ALL;
	if (table->steps)
		path->attention |= PATH_WATCHED(PATH_STEP_CLASSIFY);
	if (table->outer)
		path->attention |= PATH_WATCHED(PATH_STEP_CHECK);
	if (table->inner)
		path->attention |= PATH_WATCHED(PATH_STEP_INNER);
	if (table->inner != table->steps)
		path->attention |= PATH_WATCHED(PATH_STEP_BUILD);
}

/* Of a packet that stands in the vector. */
static uint64_t place_of(const struct path *path, const struct path_packet *p)
{
	bool here = p >= path->packets && p < path->packets + PATH_VECTOR;

	return here ? UINT64_C(1) << (p - path->packets) : 0;
}

/* The packet leaves this vector: a later step does not speak of it. */
static void ended(struct path *path, const struct path_packet *p)
{
	path->watch_ended |= place_of(path, p);
}

/* Where the frame of an opened packet begins. */
static const uint8_t *frame_of(const struct path *path, const struct path_packet *p)
{
	if (path->watch_placed & place_of(path, p))
		return path->watch_frames[p - path->packets];
	return rte_pktmbuf_mtod(p->m, const uint8_t *);
}

/* The IP packet of a frame; false: none. */
static bool frame_key(struct capture_key *key, const struct rte_mbuf *m, uint32_t *length)
{
	const uint8_t *frame = rte_pktmbuf_mtod(m, const uint8_t *);
	const struct net_ether_hdr *ether = (const void *)frame;
	uint32_t at = sizeof(*ether);
	uint16_t type;

	if (m->data_len < sizeof(*ether) + sizeof(struct net_vlan_hdr))
		return false;
	type = rte_be_to_cpu_16(ether->type_be);
	if (type == NET_ETHERTYPE_VLAN) {
		at += sizeof(struct net_vlan_hdr);
		memcpy(&type, frame + at - 2, sizeof(type));
		type = rte_be_to_cpu_16(type);
	}
	if (type != NET_ETHERTYPE_IP4 && type != NET_ETHERTYPE_IP6)
		return false;
	*length = m->data_len - at;
	capture_key(key, frame + at, *length);
	return key->src.family != NET_NONE;
}

static void tell_received(struct path *path, const struct path_packet *p,
			  const struct capture_key *key, uint32_t length)
{
	struct contract_traced t = path_watch_traced(path, p, CONTRACT_STEP_RECEIVE);

	t.length = length;
	t.tunnel = 0;
	path_watch_traced_key(&t, key);
	path_watch_traced_put(path, &t);
}

/* Follows the packet from here on if a trace wants it. */
static bool follow_packet(struct path *path, struct path_packet *p, const struct capture_key *key,
			  uint32_t length)
{
	uint32_t captures = capture_match(path->watch, path->watch->steps, key, 0);

	if (!captures)
		return false;
	path_watch_mark(path, p->m, captures);
	tell_received(path, p, key, length);
	return true;
}

/* At a way out: marked, or to be marked now. The frame is looked at where p->ip may be stale. */
static bool follow_out(struct path *path, struct path_packet *p, bool frame)
{
	struct capture_key key;
	uint32_t length = p->length;

	if (!path->watch->steps || !p->m)
		return false;
	if (path_watch_marked(path, p->m))
		return true;
	if (frame) {
		if (!frame_key(&key, p->m, &length))
			return false;
	} else {
		if (!p->ip)
			return false;
		capture_key(&key, p->ip, p->length);
	}
	return follow_packet(path, p, &key, length);
}

static void tell_end(struct path *path, struct path_packet *p, enum contract_step step,
		     enum contract_drop why)
{
	struct contract_traced t = path_watch_traced(path, p, step);

	t.drop = (uint16_t)why;
	path_watch_traced_put(path, &t);
	ended(path, p);
}

void path_watch_drop(struct path *path, struct path_packet *p, enum contract_drop why)
{
	if (follow_out(path, p, path->watch_fresh))
		tell_end(path, p, CONTRACT_STEP_DROP, why);
}

void path_watch_hold(struct path *path, struct path_packet *p, enum contract_drop why)
{
	if (path_watch_marked(path, p->m))
		tell_end(path, p, CONTRACT_STEP_HOLD, why);
}

void path_watch_split(struct path *path, struct path_packet *p, uint32_t mtu)
{
	struct contract_traced t;

	if (!path_watch_marked(path, p->m))
		return;
	t = path_watch_traced(path, p, CONTRACT_STEP_SPLIT);
	t.mtu = mtu;
	t.length = p->length;
	path_watch_traced_put(path, &t);
	ended(path, p);
}

static void capture_ike(struct path *path, const struct path_packet *p, bool outbound)
{
	const struct watch_bytes bytes = {
		.captures = path->watch->ike,
		.layer = CONTRACT_LAYER_IKE,
		.outbound = outbound,
		.at = p->ip,
		.kept = p->length,
		.length = p->length,
		.port = p->port,
	};

	if (bytes.captures)
		path_watch_bytes_put(path, &bytes);
}

void path_watch_punt(struct path *path, struct path_packet *p)
{
	capture_ike(path, p, false);
	if (follow_out(path, p, false))
		tell_end(path, p, CONTRACT_STEP_PUNT, CONTRACT_DROP_NONE);
}

void path_watch_mirror(struct path *path, struct path_packet *p, uint32_t mirror, bool frame)
{
	struct contract_traced t;

	if (!frame && place_of(path, p)) {
		path->watch_frames[p - path->packets] = rte_pktmbuf_mtod(p->m, const uint8_t *);
		path->watch_placed |= place_of(path, p);
	}
	if (!follow_out(path, p, frame))
		return;
	t = path_watch_traced(path, p, CONTRACT_STEP_MIRROR);
	t.nexthop = mirror;
	path_watch_traced_put(path, &t);
	ended(path, p);
}

void path_watch_inject(struct path *path, struct path_packet *p, enum path_inject how)
{
	if (how == PATH_INJECT_NEXTHOP)
		capture_ike(path, p, true);
	if (!follow_out(path, p, how == PATH_INJECT_FRAME))
		return;
	if (how == PATH_INJECT_FRAME)
		tell_end(path, p, CONTRACT_STEP_SEND, CONTRACT_DROP_NONE);
}

static PATH_WATCH void follow_classified(struct path *path, struct path_packet *p, bool esp)
{
	struct capture_key key;
	struct contract_traced t;

	path_watch_unmark(path, p->m);
	capture_key(&key, p->ip, p->length);
	if (!follow_packet(path, p, &key, p->length))
		return;
	t = path_watch_traced(path, p, CONTRACT_STEP_CLASSIFY);
	t.spi = esp ? p->spi : 0;
	path_watch_traced_put(path, &t);
}

static void classified(struct path *path, const struct path_list *list, bool esp)
{
	const struct look look = { .at = list->at, .n = list->n, .esp = esp };

	for (uint32_t i = 0; i < list->n; i++) {
		struct path_packet *p = list->at[i];

		if (capture_gate(path->watch, p->ip, path_watch_look_l4(&look, p), p->protocol))
			follow_classified(path, p, esp);
	}
}

/* Packets that may go on; all others were looked at on their ways out. */
static void after_classify(struct path *path, uint32_t n)
{
	const struct capture_table *table = path->watch;
	const struct path_list *esp = &path->esp;
	const struct path_list *forward = &path->forward;
	const struct look all = { .vector = path->packets, .n = n };
	bool may;

	if (table->sieve.usable && table->sieve.part == CAPTURE_ONE_ADDRESS)
		may = path_watch_look_halves(&all, &table->sieve);
	else if (table->sieve.usable && table->sieve.part == CAPTURE_ADDRESSES)
		may = path_watch_look_sieve(&all, &table->sieve, CAPTURE_ADDRESSES);
	else
		may = path_watch_look_may(
			      table, &(struct look){ .at = esp->at, .n = esp->n, .esp = true }) ||
		      path_watch_look_may(table,
					  &(struct look){ .at = forward->at, .n = forward->n });
	if (likely(!may))
		return;
	classified(path, forward, false);
	classified(path, esp, true);
}

static void tell_check(struct path *path, uint32_t i, enum contract_step step)
{
	const struct path_packet *p = path->rows[i];
	const struct sa_slot *slot = path->records[i];
	struct contract_traced t = path_watch_traced(path, p, step);

	t.tunnel = slot->in.tunnel;
	t.sa = slot->in.id;
	t.spi = slot->in.spi;
	t.sequence = path->numbers[i];
	path_watch_traced_put(path, &t);
}

/* All ESP as it arrives, for captures without rules; for the others, where its headers stand. */
static void after_check(struct path *path, uint32_t n)
{
	const struct capture_table *table = path->watch;

	for (uint32_t i = 0; i < n; i++) {
		const struct path_packet *p = path->rows[i];
		const struct sa_slot *slot = path->records[i];
		struct watch_bytes bytes = { .layer = CONTRACT_LAYER_OUTER };

		if (path->traced && path_watch_followed(path, path->rows[i]))
			tell_check(path, i, CONTRACT_STEP_CHECK);
		if (likely(!table->outer))
			continue;
		for (uint32_t rest = table->outer; rest; rest &= rest - 1) {
			uint32_t id = (uint32_t)__builtin_ctz(rest);

			if (capture_wants_tunnel(&table->items[id], slot->in.tunnel))
				bytes.captures |= 1u << id;
		}
		if (!bytes.captures)
			continue;
		bytes.at = frame_of(path, p);
		bytes.length = bytes.kept = p->m->pkt_len;
		bytes.sequence = path->numbers[i];
		bytes.spi = slot->in.spi;
		bytes.port = p->port;
		bytes.tunnel = slot->in.tunnel;
		path_watch_bytes_put(path, &bytes);
	}
}

static void after_open(struct path *path, uint32_t n)
{
	for (uint32_t i = 0; path->traced && i < n; i++)
		if (path->ops[i].good && path_watch_followed(path, path->rows[i]))
			tell_check(path, i, CONTRACT_STEP_OPEN);
}

/*
 * The inner packet, and what is left of the outer one: ESP was opened in place, so that only its
 * headers still stand where they came in.
 */
static void capture_opened(struct path *path, uint32_t i, uint32_t captures)
{
	const struct path_packet *p = path->rows[i];
	const struct sa_slot *slot = path->records[i];
	const struct cipher_op *op = &path->ops[i];
	struct watch_bytes bytes = {
		.captures = path_watch_of_what(path->watch, captures & ~path->watch->outer,
					       CONTRACT_CAPTURE_OUTER),
		.layer = CONTRACT_LAYER_OUTER,
		.at = frame_of(path, p),
		.kept = (uint32_t)(op->text - frame_of(path, p)),
		.sequence = path->numbers[i],
		.spi = slot->in.spi,
		.port = p->port,
		.tunnel = slot->in.tunnel,
	};

	bytes.length = bytes.kept + op->length + op->tag_bytes;
	if (bytes.captures)
		path_watch_bytes_put(path, &bytes);
	bytes.captures = path_watch_of_what(path->watch, captures, CONTRACT_CAPTURE_INNER);
	bytes.layer = CONTRACT_LAYER_INNER;
	bytes.at = p->ip;
	bytes.kept = bytes.length = p->length;
	if (bytes.captures)
		path_watch_bytes_put(path, &bytes);
}

static void trace_opened(struct path *path, uint32_t i, const struct capture_key *key,
			 uint32_t captures)
{
	struct path_packet *p = path->rows[i];
	struct contract_traced t;

	if (!path_watch_marked(path, p->m)) {
		if (!captures)
			return;
		path_watch_mark(path, p->m, captures);
		tell_check(path, i, CONTRACT_STEP_CHECK);
		tell_check(path, i, CONTRACT_STEP_OPEN);
	}
	t = path_watch_traced(path, p, CONTRACT_STEP_INNER);
	t.length = p->length;
	path_watch_traced_key(&t, key);
	path_watch_traced_put(path, &t);
}

static PATH_WATCH void look_inside(struct path *path, uint32_t i)
{
	const struct capture_table *table = path->watch;
	const struct path_packet *p = path->rows[i];
	struct capture_key key;
	uint32_t captures;

	capture_key(&key, p->ip, p->length);
	captures = capture_match(table, table->inner, &key, p->tunnel);
	capture_opened(path, i, captures & ~table->steps);
	trace_opened(path, i, &key, captures & table->steps);
}

static void after_inner(struct path *path, uint32_t n)
{
	const struct capture_table *table = path->watch;
	struct look_tunnel tunnel = { UINT32_MAX, false };

	if (likely(!path->traced &&
		   !path_watch_look_may(
			   table, &(struct look){ .at = path->rows, .ops = path->ops, .n = n })))
		return;
	for (uint32_t i = 0; i < n; i++) {
		const struct path_packet *p = path->rows[i];

		if (unlikely(!p->m))
			continue;
		if (unlikely((path->traced && path_watch_marked(path, p->m)) ||
			     path_watch_look_want(table, &tunnel, p, p->ip)))
			look_inside(path, i);
	}
}

static void tell_route(struct path *path, struct path_packet *p)
{
	const uint8_t *dst = p->ip6 ? ((const struct net_ip6_hdr *)p->ip)->dst
				    : ((const struct net_ip4_hdr *)p->ip)->dst;
	struct contract_traced t = path_watch_traced(path, p, CONTRACT_STEP_ROUTE);
	struct fib_hop hop;
	uint32_t v4;

	memcpy(&v4, dst, sizeof(v4));
	t.nexthop = p->given ? p->nexthop
		    : p->ip6 ? fib_lookup6(path->fib, p->domain, dst)
			     : fib_lookup4(path->fib, p->domain, rte_be_to_cpu_32(v4));
	hop = fib_hop_resolve(path->fib, t.nexthop, fib_flow_of_packet(p->ip, p->length, false));
	t.ttl = p->ip6 ? p->ip[7] : p->ip[8];
	if (fib_hop_is_tunnel(hop)) {
		path_watch_traced_put(path, &t);
		return;
	}
	t.tunnel = 0;
	t.port = hop.port;
	path_watch_traced_put(path, &t);
	t.step = CONTRACT_STEP_SEND;
	t.nexthop = 0;
	t.length = p->length;
	memcpy(t.mac, rte_pktmbuf_mtod(p->m, const uint8_t *), sizeof(t.mac));
	path_watch_traced_put(path, &t);
	ended(path, p);
}

static void after_route(struct path *path)
{
	for (uint32_t i = 0; path->traced && i < path->forward.n; i++)
		if (path_watch_followed(path, path->forward.at[i]))
			tell_route(path, path->forward.at[i]);
}

void path_watch_follow(struct path *path, struct path_packet *p)
{
	if (path->traced && path_watch_followed(path, p))
		tell_route(path, p);
}

void path_watch_step(struct path *path, enum path_step step, uint32_t n)
{
	switch (step) {
	case PATH_STEP_CLASSIFY:
		path->watch_fresh = false;
		after_classify(path, n);
		return;
	case PATH_STEP_CHECK:
		after_check(path, n);
		return;
	case PATH_STEP_OPEN:
		after_open(path, n);
		return;
	case PATH_STEP_INNER:
		after_inner(path, n);
		return;
	case PATH_STEP_ROUTE:
		after_route(path);
		return;
	case PATH_STEP_ADMIT:
		path_watch_out_trace(path, 0, n, CONTRACT_STEP_ADMIT);
		return;
	case PATH_STEP_BUILD:
		path_watch_out_built(path, path->step_from, path->step_from + n);
		return;
	case PATH_STEP_SEAL:
		path_watch_out_trace(path, path->step_from, path->step_from + n,
				     CONTRACT_STEP_SEAL);
		return;
	default:
		path_watch_out_sent(path, path->step_from + n);
		return;
	}
}
