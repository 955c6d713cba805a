/*
 * Frames that no honest sender makes: every truncation and thousands of mutations of good ones, on
 * both ports and out of tunnels, with and without a tag, in one piece and in several. Each frame is
 * accounted for: it leaves, goes to Linux or control, or is counted as dropped; none stops the
 * path, and no buffer is lost. Every frame's buffer ends with the frame (fence.h), or so far behind
 * it as an ESP trailer needs: under AddressSanitizer no step may read past either. Not seen is what
 * ipsec-mb reads, whose lengths were checked before, and the first look of captures with rules,
 * which reads on within the buffer (match.h says so).
 */
#include "../unit/cmocka_all.h"
#include "../unit/dataplane/eal.h"
#include "craft.h"
#include "dataplane/esp/esp.h"
#include "dataplane/frag/reassemble.h"
#include "dataplane/nodes/path_state.h"
#include "fence.h"
#include "peer.h"

#include <rte_mbuf.h>

#include <sys/wait.h>
#include <unistd.h>

#define MUTATIONS 20000
#define TAG 10 /* of both devices, and the id of its port on the private one */

/* What a sample is. */
enum {
	INNER_IP6 = 1 << 0,
	INNER_TCP = 1 << 1,
	OUTSIDE = 1 << 2, /* in clear: by the public port; ESP: in UDP */
	SEALED = 1 << 3,
	SECOND = 1 << 4,    /* the tunnel with CBC, HMAC and ESN */
	OUTER_IP6 = 1 << 5, /* of what is sealed */
	TAGGED = 1 << 6,
	KINDS = 1 << 7,
};

static struct bed *bed;
static struct contract_sa in_sa[3];			      /* by tunnel */
static uint64_t sequence[3] = { 0, 0, UINT64_C(0xfffff000) }; /* the second passes 2^32 */
static uint64_t seed = 20240611;

static uint32_t next_random(uint32_t below)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (uint32_t)(seed >> 20) % below;
}

static uint32_t sent(void)
{
	uint32_t n = 0;

	for (uint32_t d = 0; d < 2; d++) {
		struct path_tx *tx = path_tx(bed->path, d);

		for (uint32_t i = 0; i < tx->n; i++) /* all that leaves is a whole frame */
			assert_true(tx->packets[i]->data_len >= 14 + 20);
		n += bed_sent(bed, d);
	}
	return n;
}

static void forget_records(void)
{
	void *m;

	while (rte_ring_sc_dequeue(bed->captured, &m) == 0)
		bed_drop(m);
}

/* Drops of whose packets the sender may be told. */
static uint64_t told(void)
{
	return bed_drops(bed, CONTRACT_DROP_IP_TTL) + bed_drops(bed, CONTRACT_DROP_TUNNEL_MTU);
}

#define INJECT PATH_DEVICES /* no device: from the TUN */

/* One way out for one frame in, held fragments and errors to the sender counted in. */
static void accounted(uint32_t device, struct rte_mbuf *m)
{
	uint64_t before = bed_drops_all(bed) + frag_held(bed->path->fragments);
	uint64_t whole = frag_counts(bed->path->fragments)->whole;
	uint64_t errors = told();
	uint64_t out;

	if (device == INJECT)
		path_inject(bed->path, PATH_INJECT_ROUTE, 0, m);
	else
		craft_run(bed, device, m);
	forget_records();
	out = sent() + bed_empty(path_mirrored(bed->path)) + bed_empty(path_punted(bed->path));
	out += bed_drops_all(bed) + frag_held(bed->path->fragments) - before;
	errors = told() - errors;
	if (frag_counts(bed->path->fragments)->whole == whole) /* else several pieces became one */
		assert_in_range(out, 1, 1 + errors);
	assert_int_equal(bed_in_use(bed), frag_held(bed->path->fragments));
}

/* Not every combination is a packet of its own. */
static bool is_kind(uint32_t kind)
{
	return kind & SEALED || !(kind & OUTER_IP6);
}

static uint32_t device_of(uint32_t kind)
{
	return kind & (OUTSIDE | SEALED) ? 1 : 0;
}

static struct rte_mbuf *sample(uint32_t kind)
{
	uint32_t tunnel = kind & SECOND ? 2 : 1;
	struct craft c = { .tunnel = tunnel,
			   .length = 60 + next_random(400),
			   .ip6 = kind & INNER_IP6,
			   .inward = kind & SEALED,
			   .protocol = kind & INNER_TCP ? NET_PROTO_TCP : NET_PROTO_UDP };
	struct craft_outer outer = { .tunnel = tunnel,
				     .ip6 = kind & OUTER_IP6,
				     .port = kind & OUTSIDE ? 4500 : 0 };
	uint8_t inner[600];
	uint8_t esp[800];
	struct peer_packet p = { inner, 0, 0, kind & INNER_IP6 ? 41 : 4, 0 };
	struct rte_mbuf *m;

	p.length = craft_ip(inner, &c);
	if (kind & SEALED) {
		p.sequence = ++sequence[tunnel];
		m = craft_esp(bed, &outer, esp, (uint32_t)peer_seal(&in_sa[tunnel], &p, esp));
	} else {
		m = craft_frame(bed, inner, (uint32_t)p.length, kind & OUTSIDE);
	}
	if (kind & TAGGED)
		craft_insert(m, (const uint8_t[]){ 0x81, 0, 0, TAG }, 4);
	return m;
}

static void cut(struct rte_mbuf *m, uint32_t n)
{
	m->data_len = m->pkt_len = (uint16_t)(n < m->data_len ? n : m->data_len);
}

/* The second half of the frame in a buffer of its own. */
static void split(struct rte_mbuf *m)
{
	uint32_t first = m->data_len < 2 ? m->data_len : 1 + next_random(m->data_len - 1u);
	uint16_t rest = (uint16_t)(m->data_len - first);
	struct rte_mbuf *second;

	if (!rest)
		return;
	second = rte_pktmbuf_alloc(bed->pool);
	assert_non_null(second);
	memcpy(rte_pktmbuf_append(second, rest), rte_pktmbuf_mtod_offset(m, uint8_t *, first),
	       rest);
	m->data_len = (uint16_t)first;
	m->next = second;
	m->nb_segs = 2;
}

static void run_fenced(uint32_t device, struct rte_mbuf *m, uint32_t room)
{
	fence_put(m, room);
	accounted(device, m);
}

static void truncations(void **state)
{
	(void)state;
	for (uint32_t kind = 0; kind < KINDS; kind++) {
		uint32_t n = is_kind(kind) ? 1000 : 0;

		for (uint32_t at = 0; at < n; at++) {
			struct rte_mbuf *m = sample(kind);

			n = m->data_len;
			cut(m, at);
			run_fenced(device_of(kind), m, 0);
			m = sample(kind);
			cut(m, at);
			if (next_random(2))
				split(m);
			run_fenced(device_of(kind), m, ESP_ROOM_TAIL);
		}
	}
}

/* What Linux sends into tunnels. */
static void truncated_inside(void **state)
{
	(void)state;
	for (uint32_t kind = 0; kind < OUTSIDE; kind++) {
		for (uint32_t at = 0; at < 400; at++) {
			struct rte_mbuf *m = sample(kind | (at & 1 ? SECOND : 0));

			rte_pktmbuf_adj(m, sizeof(struct net_ether_hdr));
			cut(m, at / 2);
			run_fenced(INJECT, m, at & 2 ? ESP_ROOM_TAIL : 0);
		}
	}
}

static void mutate(struct rte_mbuf *m)
{
	uint8_t *at = rte_pktmbuf_mtod(m, uint8_t *);
	uint32_t times = 1 + next_random(4);
	uint32_t l3 = at[12] == 0x81 ? 18 : 14;

	for (uint32_t i = 0; i < times; i++) {
		/* headers more often than the rest */
		uint32_t where = next_random(next_random(4) ? 64 : m->data_len);

		at[where % m->data_len] = (uint8_t)next_random(256);
	}
	if (next_random(2)) { /* let it get past the checksum */
		struct net_ip4_hdr *ip = (struct net_ip4_hdr *)(at + l3);
		uint32_t n = (uint32_t)(ip->version_ihl & 15) * 4;

		if (at[l3 - 2] == 8 && n >= 20 && n + l3 <= m->data_len) {
			ip->checksum_be = 0;
			ip->checksum_be = net_checksum_fold(net_checksum_add(0, ip, n));
		}
	}
}

static void mutations(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < 2 * MUTATIONS; i++) {
		struct rte_mbuf *m;

		if (!is_kind(i % KINDS))
			continue;
		m = sample(i % KINDS);
		mutate(m);
		if (next_random(4) == 0)
			split(m);
		run_fenced(device_of(i % KINDS), m, next_random(2) ? ESP_ROOM_TAIL : 0);
	}
}

/* What a peer with the keys may send: any bytes inside. */
static void mutated_inside(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < MUTATIONS; i++) {
		uint32_t tunnel = 1 + next_random(2);
		struct craft c = { .tunnel = tunnel,
				   .length = 60 + next_random(100),
				   .ip6 = i & 1,
				   .inward = true,
				   .protocol = i & 2 ? NET_PROTO_TCP : 0 };
		struct craft_outer outer = { .tunnel = tunnel };
		uint8_t inner[256];
		uint8_t esp[400];
		struct peer_packet p = { inner, 0, ++sequence[tunnel], i & 1 ? 41 : 4, 0 };
		struct rte_mbuf *m;

		craft_ip(inner, &c);
		p.length = i % 3 ? c.length : next_random(c.length);
		for (uint32_t k = next_random(4); k && p.length; k--)
			inner[next_random((uint32_t)p.length)] = (uint8_t)next_random(256);
		if (i % 7 == 0)
			p.next_header = (uint8_t)next_random(256);
		m = craft_esp(bed, &outer, esp, (uint32_t)peer_seal(&in_sa[tunnel], &p, esp));
		run_fenced(1, m, next_random(2) ? ESP_ROOM_TAIL : 0);
	}
	/* the path still works */
	accounted(1, sample(SEALED));
}

/*
 * Headers that hold up to the lengths of the IP packet, and anything behind them: what reads on
 * must look itself how much is there.
 */
struct odd {
	bool ip6;
	bool inward;
	bool to_us;
	uint8_t protocol; /* 0: any */
	uint32_t tunnel;
};

static const uint8_t protocols[] = { 0,
				     NET_PROTO_ICMP,
				     NET_PROTO_TCP,
				     NET_PROTO_UDP,
				     NET_PROTO_IP6_ROUTE,
				     NET_PROTO_IP6_FRAG,
				     NET_PROTO_ESP,
				     NET_PROTO_ICMP6,
				     NET_PROTO_IP6_DEST };

static uint8_t any_protocol(void)
{
	return protocols[next_random(sizeof(protocols))];
}

static uint8_t any_byte(void)
{
	switch (next_random(4)) {
	case 0:
		return any_protocol();
	case 1:
		return (uint8_t)next_random(256);
	default:
		return (uint8_t)next_random(5);
	}
}

static void put16(uint8_t *to, uint32_t v)
{
	to[0] = (uint8_t)(v >> 8);
	to[1] = (uint8_t)v;
}

static void odd_udp(uint8_t *l4, uint32_t n)
{
	put16(l4, NET_PORT_NATT);
	if (n >= 4)
		put16(l4 + 2, next_random(4) ? NET_PORT_NATT : NET_PORT_IKE);
	if (n >= 6)
		put16(l4 + 4, next_random(4) ? n : next_random(n + 8));
}

static void odd_syn(uint8_t *l4, uint32_t n)
{
	if (n >= 13)
		l4[12] = (uint8_t)(next_random(4) ? n / 4 << 4 : next_random(16) << 4);
	if (n >= 14)
		l4[13] = 2;
}

/* An error about one of our own packets, cut somewhere. */
static void odd_icmp(uint8_t *l4, uint32_t n, const uint8_t *ip6)
{
	uint32_t pseudo[2] = { rte_cpu_to_be_32(n), rte_cpu_to_be_32(NET_PROTO_ICMP6) };
	uint64_t sum = ip6 ? net_checksum_add(net_checksum_add(0, ip6 + 8, 32), pseudo, 8) : 0;

	if (n < 4)
		return;
	l4[0] = ip6 ? 2 : 3;
	l4[1] = ip6 ? 0 : 4;
	if (n >= 9)
		l4[8] = ip6 ? 0x60 : (uint8_t)(0x40 | (5 + next_random(3)));
	if (n >= 18)
		l4[ip6 ? 14 : 17] = next_random(2) ? any_protocol() : NET_PROTO_ESP;
	put16(l4 + 2, 0);
	sum = net_checksum_fold(net_checksum_add(sum, l4, n));
	memcpy(l4 + 2, &sum, 2);
}

static uint32_t odd_ip(uint8_t *ip, const struct odd *o)
{
	uint32_t options = o->ip6 || next_random(4) ? 0 : 4 * next_random(11);
	uint32_t header = o->ip6 ? sizeof(struct net_ip6_hdr) : sizeof(struct net_ip4_hdr);
	uint32_t n = next_random(3) ? next_random(24) : next_random(120);
	uint8_t protocol = o->protocol ? o->protocol : any_protocol();
	struct craft c = { .ip6 = o->ip6,
			   .inward = o->inward,
			   .tunnel = o->tunnel,
			   .length = header + options + n,
			   .protocol = protocol };
	struct net_addr us = bed_local(o->ip6);
	uint8_t *l4 = ip + header + options;

	craft_ip(ip, &c);
	ip[o->ip6 ? 6 : 9] = protocol; /* 0 too */
	if (o->to_us)
		memcpy(ip + header - net_addr_len(&us), us.bytes, net_addr_len(&us));
	for (uint32_t i = header; i < c.length; i++)
		ip[i] = any_byte();
	if (protocol == NET_PROTO_UDP && n >= 2)
		odd_udp(l4, n);
	else if (protocol == NET_PROTO_TCP)
		odd_syn(l4, n);
	else if (protocol == (o->ip6 ? NET_PROTO_ICMP6 : NET_PROTO_ICMP))
		odd_icmp(l4, n, o->ip6 ? ip : NULL);
	if (o->ip6)
		return c.length;
	ip[0] = (uint8_t)(0x45 + options / 4);
	if (next_random(8) == 0)
		put16(ip + 6, next_random(2) ? NET_IP4_MF : next_random(8));
	craft_sum(ip);
	return c.length;
}

static struct rte_mbuf *odd_frame(uint32_t way)
{
	struct odd o = { .ip6 = next_random(2),
			 .inward = way >= 2,
			 .to_us = way == 1,
			 .tunnel = 1 + next_random(2) };
	struct craft_outer outer = { .tunnel = o.tunnel, .ip6 = next_random(2) };
	uint8_t esp[400];
	uint8_t ip[256];
	struct peer_packet p = { ip, odd_ip(ip, &o), 0, o.ip6 ? 41 : 4, 0 };

	if (way < 2)
		return craft_frame(bed, ip, (uint32_t)p.length, way == 1);
	p.sequence = ++sequence[o.tunnel];
	return craft_esp(bed, &outer, esp, (uint32_t)peer_seal(&in_sa[o.tunnel], &p, esp));
}

/* Into tunnels, to us, out of tunnels. */
static void odd_headers(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < 6 * MUTATIONS; i++)
		run_fenced(i % 3 ? 1 : 0, odd_frame(i % 3), next_random(2) ? ESP_ROOM_TAIL : 0);
}

/* On its way into a tunnel a SYN has room behind it, where its options are looked at: here not. */
static void odd_syns(void **state)
{
	static const struct sa_tunnel tunnel = { .mss = 500 };
	uint32_t looked_at = 0;

	(void)state;
	for (uint32_t i = 0; i < MUTATIONS; i++) {
		struct odd o = { .ip6 = i & 1, .protocol = NET_PROTO_TCP, .tunnel = 1 };
		uint8_t ip[256];
		uint32_t n = odd_ip(ip, &o);
		struct path_packet p = { .ip = malloc(n) };

		assert_non_null(p.ip);
		memcpy(p.ip, ip, n);
		assert_int_equal(path_parse_ip(&p, n, true), CONTRACT_DROP_NONE);
		if (path_is_syn(&p)) {
			path_mss_tunnel(&p, &tunnel, NULL, 1500);
			looked_at++;
		}
		free(p.ip);
	}
	assert_true(looked_at > MUTATIONS / 4);
}

/* In a child that must die of it: one byte behind a frame, in two arrangements, and a freed one's.
 */
static void read_past(uint32_t way)
{
	struct rte_mbuf *m = sample(SEALED);
	const volatile uint8_t *bytes = rte_pktmbuf_mtod(m, const uint8_t *);
	uint32_t n = m->data_len;

	if (way == 0) {
		fence_put(m, 0);
		(void)bytes[n - 1];
		(void)bytes[n];
	} else if (way == 1) {
		fence_put(m, ESP_ROOM_TAIL);
		(void)bytes[n + ESP_ROOM_TAIL - 1];
		(void)bytes[n + ESP_ROOM_TAIL];
	} else {
		bed_drop(m);
		(void)bytes[0];
	}
}

static bool child_is_caught(uint32_t way)
{
	char said[4096] = "";
	int ends[2];
	int status;
	size_t n = 0;
	ssize_t got;
	pid_t child;

	assert_int_equal(pipe(ends), 0);
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		dup2(ends[1], STDERR_FILENO);
		read_past(way);
		_exit(0);
	}
	close(ends[1]);
	while ((got = read(ends[0], said + n, sizeof(said) - 1 - n)) > 0)
		n += (size_t)got;
	close(ends[0]);
	assert_int_equal(waitpid(child, &status, 0), child);
	return status != 0 && strstr(said, "use-after-poison");
}

/* From here on each packet is captured and traced, whatever it is. */
static void watched(void **state)
{
	static const struct contract_capture captures[] = {
		{ .id = 1,
		  .snap = CONTRACT_CAPTURE_SNAP_MAX,
		  .what = CONTRACT_CAPTURE_OUTER | CONTRACT_CAPTURE_INNER | CONTRACT_CAPTURE_IKE },
		{ .id = 2, .what = CONTRACT_CAPTURE_STEPS },
	};

	(void)state;
	for (size_t i = 0; i < 2; i++)
		assert_int_equal(capture_set(bed->captures, &captures[i]), 0);
}

/* Without this the tests above could pass because nobody looks. */
static void a_read_past_the_end_is_seen(void **state)
{
	(void)state;
	if (!FENCE_SEEN) {
		print_message(
			"skipped: only AddressSanitizer sees a read past the end of a frame\n");
		skip();
	}
	for (uint32_t way = 0; way < 3; way++)
		assert_true(child_is_caught(way));
}

static void sub_ports(void)
{
	static uint8_t by_tag[2][4096] = { [0][TAG] = TAG, [1][TAG] = TAG + 1 };

	for (uint32_t device = 0; device < 2; device++) {
		struct path_port *port = &bed->shared.ports[TAG + device];

		*port = bed->shared.ports[device ? BED_PUBLIC : BED_PRIVATE];
		port->vlan = TAG;
		bed->shared.devices[device].by_tag = by_tag[device];
	}
}

static void tunnel(const struct bed_sa *sa)
{
	struct contract_sa out;

	bed_tunnel(bed, sa->tunnel);
	bed_sa_add(bed, sa);
	bed_sa_make(&in_sa[sa->tunnel], &out, sa);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_read_past_the_end_is_seen),
		cmocka_unit_test(truncations),
		cmocka_unit_test(truncated_inside),
		cmocka_unit_test(mutations),
		cmocka_unit_test(mutated_inside),
		cmocka_unit_test(odd_headers),
		cmocka_unit_test(odd_syns),
		cmocka_unit_test(watched),
		cmocka_unit_test(truncations),
		cmocka_unit_test(truncated_inside),
		cmocka_unit_test(mutations),
		cmocka_unit_test(mutated_inside),
		cmocka_unit_test(odd_headers),
	};
	struct bed_config config = { .tunnels = 4, .buffers = 512 };
	int failed;

	test_eal_init();
	config.pool_ops = fence_pool();
	bed = bed_new(&config);
	sub_ports();
	tunnel(&(struct bed_sa){
		.tunnel = 1, .cipher = CONTRACT_CIPHER_AES256_GCM, .flags = CONTRACT_SA_UDP });
	tunnel(&(struct bed_sa){ .tunnel = 2,
				 .cipher = CONTRACT_CIPHER_AES256_CBC,
				 .integrity = CONTRACT_INTEGRITY_SHA512_256,
				 .flags = CONTRACT_SA_ESN,
				 .ip6 = true,
				 .sequence = sequence[2] });
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	bed_free(bed);
	return failed;
}
