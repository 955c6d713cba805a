#include "dataplane/nodes/path_watch.h"
#include "dataplane/nodes/path_watch_look.h"
#include "dataplane/nodes/path_watch_record.h"

#include "dataplane/fib/flow.h"

struct esp_id {
	uint32_t spi;
	uint64_t sequence;
};

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

static bool followed(const struct path *path, const struct path_packet *p)
{
	return !(path->watch_ended >> (p - path->packets) & 1) && path_watch_marked(path, p->m);
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

/* What the captures' tunnels say of the last packet's. */
struct look_tunnel {
	uint32_t tunnel;
	bool wanted;
};

/* `ip` is the inner packet, of which *p knows what follows its header. */
static PATH_INLINE bool may_want(const struct capture_table *table, struct look_tunnel *look,
				 const struct path_packet *p, const uint8_t *ip)
{
	if (unlikely(p->tunnel != look->tunnel)) {
		look->tunnel = p->tunnel;
		look->wanted = capture_tunnel_gate(table, p->tunnel);
	}
	return look->wanted && capture_gate(table, ip, p->l4, p->protocol);
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

		if (path->traced && followed(path, path->rows[i]))
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
		if (path->ops[i].good && followed(path, path->rows[i]))
			tell_check(path, i, CONTRACT_STEP_OPEN);
}

static uint32_t of_what(const struct capture_table *table, uint32_t captures, uint16_t what)
{
	uint32_t good = 0;

	for (uint32_t rest = captures; rest; rest &= rest - 1) {
		uint32_t id = (uint32_t)__builtin_ctz(rest);

		if (table->items[id].as.what & what)
			good |= 1u << id;
	}
	return good;
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
		.captures = of_what(path->watch, captures & ~path->watch->outer,
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
	bytes.captures = of_what(path->watch, captures, CONTRACT_CAPTURE_INNER);
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
			     may_want(table, &tunnel, p, p->ip)))
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
		if (followed(path, path->forward.at[i]))
			tell_route(path, path->forward.at[i]);
}

void path_watch_follow(struct path *path, struct path_packet *p)
{
	if (path->traced && followed(path, p))
		tell_route(path, p);
}

static struct esp_id esp_of(const struct sa_outbound *out, const uint8_t *start)
{
	uint32_t words[2];

	memcpy(words, start + out->head_bytes, sizeof(words));
	return (struct esp_id){ rte_be_to_cpu_32(words[0]), rte_be_to_cpu_32(words[1]) };
}

static void tell_out(struct path *path, uint32_t i, enum contract_step step)
{
	const struct path_packet *p = path->rows[i];
	const struct sa_outbound *out = path->records[i];
	struct contract_traced t = path_watch_traced(path, p, step);
	struct esp_id esp = { 0 };

	if (step == CONTRACT_STEP_ADMIT)
		t.mtu = path->uplink.tunnel == p->tunnel ? path->uplink.most : 0;
	else
		esp = esp_of(out, p->ip);
	if (step == CONTRACT_STEP_SEND) {
		memcpy(t.mac, rte_pktmbuf_mtod(p->m, const uint8_t *), sizeof(t.mac));
		t.length = p->m->pkt_len;
	} else {
		t.length = p->length;
	}
	t.sa = out->id;
	t.spi = esp.spi;
	t.sequence = esp.sequence;
	path_watch_traced_put(path, &t);
}

static void trace_out(struct path *path, uint32_t from, uint32_t n, enum contract_step step)
{
	for (uint32_t i = from; path->traced && i < n; i++)
		if (followed(path, path->rows[i]))
			tell_out(path, i, step);
}

static uint32_t inner_length(const uint8_t *ip)
{
	const struct net_ip6_hdr *ip6 = (const void *)ip;

	return ip[0] >> 4 == 4 ? rte_be_to_cpu_16(((const struct net_ip4_hdr *)ip)->length_be)
			       : rte_be_to_cpu_16(ip6->payload_length_be) + sizeof(*ip6);
}

/* Numbered and not yet encrypted: the moment at which both is known. *p is the outer one now. */
static PATH_WATCH uint32_t capture_built(struct path *path, uint32_t i)
{
	const struct path_packet *p = path->rows[i];
	const uint8_t *ip = path->ops[i].text;
	const struct capture_table *table = path->watch;
	struct esp_id esp = esp_of(path->records[i], p->ip);
	struct watch_bytes bytes = {
		.layer = CONTRACT_LAYER_INNER,
		.outbound = true,
		.at = ip,
		.kept = inner_length(ip),
		.length = inner_length(ip),
		.sequence = esp.sequence,
		.spi = esp.spi,
		.port = p->port,
		.tunnel = p->tunnel,
	};
	struct capture_key key;
	uint32_t captures;

	capture_key(&key, ip, bytes.length);
	captures = capture_match(table, table->inner & ~table->steps, &key, p->tunnel);
	bytes.captures = of_what(table, captures, CONTRACT_CAPTURE_INNER);
	if (bytes.captures)
		path_watch_bytes_put(path, &bytes);
	return of_what(table, captures, CONTRACT_CAPTURE_OUTER);
}

static void after_build(struct path *path, uint32_t from, uint32_t n)
{
	const struct capture_table *table = path->watch;
	const struct look look = { .at = path->rows + from,
				   .ops = path->ops + from,
				   .n = n - from };
	struct look_tunnel tunnel = { UINT32_MAX, false };
	bool may = table->inner != table->steps && path_watch_look_may(table, &look);

	path->watch_sends = 0;
	for (uint32_t i = from; may && i < n; i++) {
		if (likely(!may_want(table, &tunnel, path->rows[i], path->ops[i].text)))
			continue;
		path->watch_outer[i] = capture_built(path, i);
		path->watch_sends |= UINT64_C(1) << i;
		path->attention |= PATH_WATCHED(PATH_STEP_SEND);
	}
	trace_out(path, from, n, CONTRACT_STEP_BUILD);
}

/* A frame that found no room in the row of its device is gone: the row is then full. */
static bool is_gone(const struct path *path, const struct path_packet *p)
{
	return path->tx[path->shared->ports[p->port].device].n == PATH_EXIT;
}

static void after_send(struct path *path, uint32_t n)
{
	for (uint64_t rest = path->watch_sends; rest; rest &= rest - 1) {
		uint32_t i = (uint32_t)__builtin_ctzll(rest);
		const struct path_packet *p = path->rows[i];
		struct esp_id esp;
		struct watch_bytes bytes = { .layer = CONTRACT_LAYER_OUTER, .outbound = true };

		if (!path->watch_outer[i] || is_gone(path, p))
			continue;
		esp = esp_of(path->records[i], p->ip);
		bytes.captures = path->watch_outer[i];
		bytes.at = rte_pktmbuf_mtod(p->m, const uint8_t *);
		bytes.kept = bytes.length = p->m->pkt_len;
		bytes.sequence = esp.sequence;
		bytes.spi = esp.spi;
		bytes.port = p->port;
		bytes.tunnel = p->tunnel;
		path_watch_bytes_put(path, &bytes);
	}
	trace_out(path, path->step_from, n, CONTRACT_STEP_SEND);
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
		trace_out(path, 0, n, CONTRACT_STEP_ADMIT);
		return;
	case PATH_STEP_BUILD:
		after_build(path, path->step_from, path->step_from + n);
		return;
	case PATH_STEP_SEAL:
		trace_out(path, path->step_from, path->step_from + n, CONTRACT_STEP_SEAL);
		return;
	default:
		after_send(path, path->step_from + n);
		return;
	}
}
