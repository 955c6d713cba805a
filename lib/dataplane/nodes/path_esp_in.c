/*
 * ESP for us: find the SA, check, open, commit the number, look inside. What is good goes to
 * path->forward as if it had arrived from the other side.
 */
#include "dataplane/nodes/path_parse.h"
#include "dataplane/nodes/path_select.h"
#include "dataplane/nodes/path_turn.h"

#include <rte_prefetch.h>

static struct net_addr addr_of(const uint8_t *at, bool ip6)
{
	struct net_addr addr = { .family = ip6 ? NET_IP6 : NET_IP4 };

	memcpy(addr.bytes, at, ip6 ? 16 : 4);
	return addr;
}

static const uint8_t *source_of(const struct path_packet *p)
{
	return p->ip6 ? ((const struct net_ip6_hdr *)p->ip)->src
		      : ((const struct net_ip4_hdr *)p->ip)->src;
}

static const uint8_t *destination_of(const struct path_packet *p)
{
	return p->ip6 ? ((const struct net_ip6_hdr *)p->ip)->dst
		      : ((const struct net_ip4_hdr *)p->ip)->dst;
}

static void tell_unknown(struct path *path, const struct path_packet *p)
{
	struct path_event event = { .type = CONTRACT_UNKNOWN_SPI, .domain = p->domain };

	if (!path_event_allowed(path))
		return;
	event.unknown.spi = p->spi;
	event.unknown.port = p->port;
	event.unknown.local = addr_of(destination_of(p), p->ip6);
	event.unknown.remote = addr_of(source_of(p), p->ip6);
	event.unknown.remote_port = rte_be_to_cpu_16(p->remote_port_be);
	path_event(path, &event);
}

static PATH_INLINE bool same_peer(const struct sa_inbound *in, const struct path_packet *p)
{
	const uint8_t *src = source_of(p);
	uint64_t a[2];
	uint64_t b[2];
	uint32_t x;
	uint32_t y;

	if (((in->flags & SA_IP6) != 0) != p->ip6)
		return false;
	if (p->remote_port_be && in->remote_port_be && in->remote_port_be != p->remote_port_be)
		return false;
	if (!p->ip6) {
		memcpy(&x, in->remote, sizeof(x));
		memcpy(&y, src, sizeof(y));
		return x == y;
	}
	memcpy(a, in->remote, sizeof(a));
	memcpy(b, src, sizeof(b));
	return a[0] == b[0] && a[1] == b[1];
}

/* An SA in UDP follows its peer through a NAT once a tag held (RFC 7296 section 2.23). */
static void tell_moved(struct path *path, const struct path_packet *p, const struct sa_inbound *in)
{
	struct path_event event = { .type = CONTRACT_PEER_MOVED, .domain = p->domain };

	if (!path_event_allowed(path))
		return;
	event.moved.sa = in->id;
	event.moved.remote = addr_of(source_of(p), p->ip6);
	event.moved.remote_port = rte_be_to_cpu_16(p->remote_port_be);
	path_event(path, &event);
}

static void tell_lifetime(struct path *path, const struct sa_slot *slot, uint32_t events)
{
	const uint64_t *row = path_sa_row(path, slot->in.id);

	for (uint8_t kind = CONTRACT_SOFT; kind <= CONTRACT_HARD; kind++) {
		struct path_event event = { .type = CONTRACT_LIFETIME };

		if (!(events & 1u << kind))
			continue;
		event.lifetime.sa = slot->in.id;
		event.lifetime.spi = slot->in.spi;
		event.lifetime.event = kind;
		event.lifetime.packets = row[CONTRACT_SA_PACKETS];
		event.lifetime.bytes = slot->in_life.bytes;
		event.lifetime.sequence = slot->window.highest;
		path_event(path, &event);
	}
}

/* Lifetimes of a receiving SA; true when it is past its hard one. */
static bool spend(struct path *path, struct sa_slot *slot, uint32_t bytes)
{
	struct sa_life *life = &slot->in_life;
	uint64_t packets = __atomic_add_fetch(&life->next, 1, __ATOMIC_RELAXED);
	uint64_t total = __atomic_add_fetch(&life->bytes, bytes, __ATOMIC_RELAXED);
	uint32_t events = esp_alarm(life, packets, total);

	if (unlikely(events))
		tell_lifetime(path, slot, events);
	return packets > life->hard || (life->hard_bytes && total > life->hard_bytes);
}

static PATH_INLINE void count_drop(struct path *path, struct path_packet *p,
				   const struct sa_inbound *in, enum contract_drop why)
{
	path_sa_row(path, in->id)[CONTRACT_SA_DROPPED]++;
	path_tunnel_row(path, in->tunnel)[CONTRACT_TUNNEL_IN_DROPPED]++;
	if (why == CONTRACT_DROP_INNER_SELECTOR)
		path_tunnel_row(path, in->tunnel)[CONTRACT_TUNNEL_IN_SELECTOR_DROPPED]++;
	else if (why == CONTRACT_DROP_INNER_SOURCE)
		path_tunnel_row(path, in->tunnel)[CONTRACT_TUNNEL_IN_SOURCE_DROPPED]++;
	path_drop(path, p, why);
}

static PATH_INLINE void prefetch_records(struct path *path, const struct sa_slot *slot)
{
	rte_prefetch0(&slot->window);
	rte_prefetch0(path_sa_row(path, slot->in.id));
	rte_prefetch0(path_tunnel_row(path, slot->in.tunnel));
	rte_prefetch0(&path->sas->tunnels[slot->in.tunnel]);
}

/* SA, peer, lengths, number: everything that needs no key. */
static uint32_t check_all(struct path *path)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < path->esp.n; i++) {
		struct path_packet *p = path->esp.at[i];
		struct sa_slot *slot = sa_find(path->sas, p->spi);
		struct esp_received r = { .esp = p->ip + p->l4, .bytes = p->length - p->l4 };
		enum contract_drop why;

		if (unlikely(!slot)) {
			tell_unknown(path, p);
			path_drop(path, p, CONTRACT_DROP_ESP_SPI);
			continue;
		}
		if (unlikely((slot->in.flags & (SA_CHECK_PEER | SA_UDP)) == SA_CHECK_PEER &&
			     !same_peer(&slot->in, p))) {
			count_drop(path, p, &slot->in, CONTRACT_DROP_ESP_PEER);
			continue;
		}
		why = esp_check(&path->ops[n], slot, &r);
		path->numbers[n] = r.number;
		if (unlikely(why != CONTRACT_DROP_NONE)) {
			count_drop(path, p, &slot->in, why);
			continue;
		}
		path->records[n] = slot;
		path->rows[n++] = p;
	}
	return n;
}

/* Rows of operations of one algorithm at a time. */
static void open_all(struct path *path, uint32_t n)
{
	for (uint32_t from = 0; from < n;) {
		cipher_run_fn open = ((struct sa_slot *)path->records[from])->in.open;
		uint32_t to = from + 1;

		while (to < n && ((struct sa_slot *)path->records[to])->in.open == open)
			to++;
		open(path->lane, &path->ops[from], to - from);
		from = to;
	}
}

/* As the tunnel's source check says, by the route back to the source. */
static bool source_good(struct path *path, const struct path_packet *p,
			const struct sa_tunnel *tunnel)
{
	const uint8_t *src = source_of(p);
	uint32_t nexthop;
	struct fib_hop hop;
	uint32_t v4;

	if (tunnel->source_check == CONTRACT_SOURCE_OFF)
		return true;
	memcpy(&v4, src, sizeof(v4));
	nexthop = p->ip6 ? fib_lookup6(path->fib, p->domain, src)
			 : fib_lookup4(path->fib, p->domain, rte_be_to_cpu_32(v4));
	hop = fib_hop(path->fib, nexthop);
	if (!nexthop)
		return false;
	if (tunnel->source_check == CONTRACT_SOURCE_STRICT)
		return hop.kind == CONTRACT_NEXTHOP_GROUP &&
		       path_group_has(path->fib, hop.index, p->tunnel);
	if (tunnel->source_check == CONTRACT_SOURCE_LOOSE
		    ? !fib_hop_is_behind(hop)
		    : !fib_sources_have(path->fib, nexthop, tunnel->source))
		return false;
	path->run.source_tunnel = p->ip6 ? 0 : p->tunnel;
	return true;
}

/* The same IPv4 source out of the same tunnel as the one before was good. */
static PATH_INLINE bool source_same(struct path *path, const struct path_packet *p)
{
	struct path_run *run = &path->run;
	uint32_t v4;

	memcpy(&v4, ((const struct net_ip4_hdr *)p->ip)->src, sizeof(v4));
	if (!p->ip6 && run->source == v4 && run->source_tunnel == p->tunnel)
		return true;
	run->source = v4;
	run->source_tunnel = 0;
	return false;
}

static PATH_INLINE bool set_ecn(struct path_packet *p, uint8_t outer)
{
	uint8_t inner;
	uint8_t now;

	if (likely((outer & 3) == 0)) /* says nothing */
		return true;
	inner = (p->ip6 ? esp_tos6(p->ip) : esp_tos4(p->ip)) & 3;
	now = esp_ecn(outer, inner);
	if (now == inner)
		return true;
	if (now == 0xff)
		return false;
	if (p->ip6) {
		p->ip[1] = (uint8_t)((p->ip[1] & ~0x30) | now << 4);
	} else {
		struct net_ip4_hdr *ip = (struct net_ip4_hdr *)p->ip;
		uint16_t was;
		uint16_t word;

		memcpy(&was, p->ip, sizeof(was));
		p->ip[1] = (uint8_t)((p->ip[1] & ~3) | now);
		memcpy(&word, p->ip, sizeof(word));
		ip->checksum_be = net_checksum_adjust(ip->checksum_be, was, word);
	}
	return true;
}

/* Next header and inner header. */
static PATH_INLINE enum contract_drop inner_open(struct path_packet *p, const struct cipher_op *op)
{
	uint8_t outer = p->ip6 ? esp_tos6(p->ip) : esp_tos4(p->ip);
	uint32_t room;
	uint8_t next_header;
	enum contract_drop why = esp_open(op, &room, &next_header);

	if (unlikely(why != CONTRACT_DROP_NONE))
		return why;
	if (unlikely(next_header == NET_PROTO_NONE)) /* RFC 4303 section 2.6 */
		return CONTRACT_DROP_ESP_DUMMY;
	p->ip = op->text;
	if (likely(next_header == NET_PROTO_IP4))
		why = path_parse_ip4(p, room, false);
	else if (next_header == NET_PROTO_IP6)
		why = path_parse_ip6(p, room);
	else
		why = CONTRACT_DROP_ESP_NEXT_HEADER;
	if (unlikely(why != CONTRACT_DROP_NONE)) {
		p->length = room; /* a trace reads what is there, no more */
		return why == CONTRACT_DROP_ESP_NEXT_HEADER ? why : CONTRACT_DROP_INNER_HEADER;
	}
	return likely(set_ecn(p, outer)) ? CONTRACT_DROP_NONE : CONTRACT_DROP_INNER_ECN;
}

static enum contract_drop selectors_check(struct path *path, const struct path_packet *p,
					  const struct sa_inbound *in)
{
	const struct sa_selectors *s =
		__atomic_load_n(&path->sas->children[in->child].selectors, __ATOMIC_ACQUIRE);
	struct path_select_key key;

	if (!s)
		return CONTRACT_DROP_INNER_SELECTOR;
	path_select_key(&key, p);
	return path_select_inbound(s, &key) ? CONTRACT_DROP_NONE : CONTRACT_DROP_INNER_SELECTOR;
}

/*
 * What was inside is for one of our addresses: a TUN takes it, also that of the other instance. A
 * peer whose selectors are the same for both tunnels sends to both speakers by one of them.
 */
static enum contract_drop deliver(struct path *path, struct path_packet *p,
				  const struct address_found *found)
{
	if (!found->mirror || found->port)
		return CONTRACT_DROP_INNER_TO_US;
	path_to_mirror(path, p, found->mirror, false);
	return CONTRACT_DROP_NONE;
}

/* What a run of packets of one SA has in common; counted once at its end. */
static PATH_INLINE void count_run(struct path *path, const struct path_run *run)
{
	uint64_t *sa;
	uint64_t *tunnel;

	if (!run->packets)
		return;
	sa = path_sa_row(path, run->in->id);
	tunnel = path_tunnel_row(path, run->in->tunnel);
	sa[CONTRACT_SA_PACKETS] += run->packets;
	sa[CONTRACT_SA_BYTES] += run->bytes;
	sa[CONTRACT_SA_LAST_NS] = path->now_ns;
	tunnel[CONTRACT_TUNNEL_IN_PACKETS] += run->packets;
	tunnel[CONTRACT_TUNNEL_IN_BYTES] += run->bytes;
}

static PATH_INLINE void count_good(struct path *path, const struct sa_inbound *in, uint32_t bytes)
{
	if (path->run.in != in) {
		count_run(path, &path->run);
		path->run.in = in;
		path->run.packets = path->run.bytes = 0;
	}
	path->run.packets++;
	path->run.bytes += bytes;
}

/* Checks of an opened packet in their order: header, selectors, source. */
static PATH_INLINE enum contract_drop inner_check(struct path *path, struct path_packet *p,
						  const struct sa_inbound *in,
						  const struct sa_tunnel *tunnel)
{
	uint16_t any = p->ip6 ? SA_ANY6 : SA_ANY4;
	enum contract_drop why;

	if (unlikely(!(in->flags & any))) {
		why = selectors_check(path, p, in);
		if (why != CONTRACT_DROP_NONE)
			return why;
	}
	if (!source_same(path, p) && unlikely(!source_good(path, p, tunnel)))
		return CONTRACT_DROP_INNER_SOURCE;
	return CONTRACT_DROP_NONE;
}

static PATH_INLINE enum contract_drop commit(struct path *path, struct sa_slot *slot,
					     uint64_t number)
{
	enum window_verdict verdict;

	if (unlikely(slot->in.flags & SA_NO_REPLAY))
		return CONTRACT_DROP_NONE;
	verdict = window_commit(&slot->window, number, path->sharer.workers > 1);
	if (likely(verdict == WINDOW_NEW))
		return CONTRACT_DROP_NONE;
	return verdict == WINDOW_SEEN ? CONTRACT_DROP_ESP_REPLAY_SEEN
				      : CONTRACT_DROP_ESP_REPLAY_OLD;
}

/* What the far side's SYN says decides the size of the segments that our side sends back. */
static void clamp_answers(struct path *path, struct path_packet *p, const struct sa_inbound *in,
			  const struct sa_tunnel *tunnel)
{
	const struct sa_outbound *out =
		__atomic_load_n(&path->sas->children[in->child].outbound, __ATOMIC_ACQUIRE);
	uint32_t mtu = path->shared->ports[p->port].mtu;

	if (out)
		path_mss_tunnel(p, tunnel, out,
				tunnel->mtu && tunnel->mtu < mtu ? tunnel->mtu : mtu);
}

/* False: dropped. */
static PATH_INLINE bool commit_one(struct path *path, uint32_t i)
{
	struct sa_slot *slot = path->records[i];
	enum contract_drop why = likely(path->ops[i].good) ? commit(path, slot, path->numbers[i])
							   : CONTRACT_DROP_ESP_ICV;

	if (unlikely(why != CONTRACT_DROP_NONE))
		count_drop(path, path->rows[i], &slot->in, why);
	return why == CONTRACT_DROP_NONE;
}

/* The tag held and the number is in the window. */
static PATH_INLINE void finish_one(struct path *path, uint32_t i)
{
	struct path_packet *p = path->rows[i];
	struct sa_slot *slot = path->records[i];
	const struct sa_inbound *in = &slot->in;
	const struct sa_tunnel *tunnel = &path->sas->tunnels[in->tunnel];
	struct address_found found;
	enum contract_drop why;

	if (unlikely((in->flags & (SA_CHECK_PEER | SA_UDP)) == (SA_CHECK_PEER | SA_UDP) &&
		     !same_peer(in, p)))
		tell_moved(path, p, in);
	p->from = PATH_FROM_TUNNEL;
	p->tunnel = in->tunnel;
	p->domain = tunnel->domain;
	why = inner_open(p, &path->ops[i]);
	if (unlikely(in->flags & SA_METERED) && spend(path, slot, path->ops[i].length))
		why = CONTRACT_DROP_ESP_LIFETIME;
	if (likely(why == CONTRACT_DROP_NONE))
		why = inner_check(path, p, in, tunnel);
	if (unlikely(why != CONTRACT_DROP_NONE)) {
		count_drop(path, p, in, why);
		return;
	}
	if (unlikely(path_is_ours(path, p, &found))) { /* BGP, BFD, ICMP to us: never limited */
		count_good(path, in, p->length);
		path_count_destination(path, p, CONTRACT_TO_SELF);
		why = deliver(path, p, &found);
		if (why != CONTRACT_DROP_NONE)
			count_drop(path, p, in, why);
		return;
	}
	p->charged = tunnel->limit;
	if (path->metered && unlikely(!meter_admit(&path->meter, tunnel->limit, METER_INBOUND,
						   p->length, path->now_tsc))) {
		count_drop(path, p, in, CONTRACT_DROP_LIMIT);
		return;
	}
	count_good(path, in, p->length);
	if (unlikely(path_is_syn(p)))
		clamp_answers(path, p, in, tunnel);
	path_add(&path->forward, p);
}

/* All numbers when this part of the burst has its turn, the rest of the work after it. */
static __attribute__((noinline)) void finish_in_turn(struct path *path, uint32_t n)
{
	bool good[PATH_VECTOR];

	path_turn_await_commit(path);
	for (uint32_t i = 0; i < n; i++)
		good[i] = commit_one(path, i);
	path_turn_commit(path);
	for (uint32_t i = 0; i < n; i++)
		if (likely(good[i]))
			finish_one(path, i);
}

static PATH_INLINE void finish_all(struct path *path, uint32_t n)
{
	if (unlikely(path->turn != NULL)) {
		finish_in_turn(path, n);
		return;
	}
	for (uint32_t i = 0; i < n; i++)
		if (likely(commit_one(path, i)))
			finish_one(path, i);
}

void path_esp_in(struct path *path)
{
	uint32_t last = 0;
	uint32_t n;

	for (uint32_t i = 0; i < path->esp.n; i++) {
		uint32_t spi = path->esp.at[i]->spi;
		const struct sa_slot *slot;

		if (spi == last)
			continue;
		last = spi;
		slot = sa_find(path->sas, spi);
		if (likely(slot != NULL))
			prefetch_records(path, slot);
	}
	path->run = (struct path_run){ .in = NULL };
	n = check_all(path);
	path_step_end(path, PATH_STEP_CHECK, n);
	open_all(path, n);
	path_step_end(path, PATH_STEP_OPEN, n);
	finish_all(path, n);
	count_run(path, &path->run);
	path_step_end(path, PATH_STEP_INNER, n);
}
