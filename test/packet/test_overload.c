/*
 * More arrives than workers can do (worker/skim.h): what must not be lost comes through, nothing is
 * shed below the mark or by a device that does not tell its level, each frame is accounted for, and
 * flows keep their order. The same without a level loses IKE, or all this shows nothing. Frames
 * arrive at a multiple of the rate at which they are worked off (gang.h), so nothing here depends
 * on how fast the machine is.
 */
#include "../unit/cmocka_all.h"
#include "../unit/dataplane/eal.h"
#include "craft.h"
#include "dataplane/worker/handover.h"
#include "gang.h"
#include "peer.h"

#include <rte_mbuf.h>

#include <sched.h>
#include <time.h>

#define TUNNELS 32
#define DESCRIPTORS 1024
#define FRAMES 15000
#define EVERY 64   /* one frame of so many is for us: a reserve (handover.c) holds them */
#define COMES 4000 /* frames, until the load is there */
#define BYTES 96
#define MARK 28 /* where the number of a packet in its flow stands */
#define PATIENCE_S 30
#define ALL_TUNNELS (TUNNELS + 1)

static struct bed *bed;
static uint64_t sequences[ALL_TUNNELS]; /* that the peers used, of all runs */

struct flow {
	uint32_t sent;
	uint32_t got; /* number of the last one */
};

struct run {
	struct gang *gang;
	struct gang_config config;
	bool inside; /* plain traffic at the private port, BFD among it; else ESP, and IKE */
	uint32_t frames;
	uint32_t ours; /* of them */
	struct flow data[ALL_TUNNELS];
	struct flow ike[ALL_TUNNELS];
	uint32_t forwarded;
	uint32_t punted;
	uint32_t misordered;
	uint64_t missed;
	uint64_t drops[CONTRACT_DROP_COUNT]; /* of this run, once it ended */
	uint64_t port[CONTRACT_PORT_COLUMNS];
	uint64_t high;
	uint64_t level; /* the most since the first run */
};

static struct contract_sa sa_of(uint32_t tunnel, bool out)
{
	struct bed_sa sa = { .tunnel = tunnel, .cipher = CONTRACT_CIPHER_AES128_GCM };
	struct contract_sa both[2];

	bed_sa_make(&both[0], &both[1], &sa);
	return both[out];
}

static uint32_t inner_make(struct run *r, uint32_t tunnel, uint8_t *to)
{
	struct craft c = { .tunnel = tunnel, .length = BYTES, .inward = !r->inside };
	uint32_t n = craft_ip(to, &c);
	uint32_t number = ++r->data[tunnel].sent;

	memcpy(to + MARK, &number, sizeof(number));
	return n;
}

static struct rte_mbuf *data_make(struct run *r, uint32_t tunnel)
{
	struct craft_outer outer = { .tunnel = tunnel };
	struct contract_sa sa = sa_of(tunnel, false);
	uint8_t inner[BYTES];
	uint8_t esp[BYTES + 64];
	struct peer_packet p = { inner, inner_make(r, tunnel, inner), 0, 4, 0 };

	if (r->inside)
		return craft_frame(bed, inner, BYTES, false);
	p.sequence = ++sequences[tunnel];
	return craft_esp(bed, &outer, esp, (uint32_t)peer_seal(&sa, &p, esp));
}

/* IKE behind the non-ESP marker, with its number in place of a header. */
static struct rte_mbuf *ike_make(struct run *r, uint32_t tunnel)
{
	struct craft_outer outer = { .tunnel = tunnel, .port = 4500 };
	uint8_t ike[32] = { 0 };
	uint32_t number = ++r->ike[tunnel].sent;

	memcpy(ike + 4, &number, sizeof(number));
	return craft_esp(bed, &outer, ike, sizeof(ike));
}

static struct rte_mbuf *bfd_make(void)
{
	uint8_t ip[64] = { 0 };
	const struct net_ip4_hdr header = { .version_ihl = 0x45,
					    .length_be = RTE_BE16(sizeof(ip)),
					    .ttl = 255,
					    .protocol = NET_PROTO_UDP,
					    .src = { 192, 168, 0, 2 },
					    .dst = { 192, 168, 0, 1 } };
	const struct net_udp_hdr udp = { .src_be = RTE_BE16(49152),
					 .dst_be = RTE_BE16(3784),
					 .length_be = RTE_BE16(sizeof(ip) - sizeof(header)) };

	memcpy(ip, &header, sizeof(header));
	memcpy(ip + sizeof(header), &udp, sizeof(udp));
	craft_sum(ip);
	return craft_frame(bed, ip, sizeof(ip), false);
}

static void arrive(struct run *r, bool ours)
{
	uint32_t tunnel = 1 + r->frames % TUNNELS;
	struct rte_mbuf *m;

	if (ours)
		m = r->inside ? bfd_make() : ike_make(r, tunnel);
	else
		m = data_make(r, tunnel);
	assert_true(gang_arrive(r->gang, !r->inside, 0, m));
	r->frames++;
	r->ours += ours;
}

static void arrived_in_order(struct run *r, struct flow *flow, const uint8_t *at)
{
	uint32_t number;

	memcpy(&number, at, sizeof(number));
	r->misordered += number <= flow->got || number > flow->sent;
	flow->got = number;
}

static void sealed_seen(struct run *r, const uint8_t *esp, uint32_t n)
{
	uint32_t tunnel = (uint32_t)(esp[2] << 8 | esp[3]);
	struct contract_sa sa;
	uint8_t inner[BYTES + 64];
	uint8_t next_header;

	assert_true(tunnel && tunnel < ALL_TUNNELS);
	sa = sa_of(tunnel, true);
	assert_int_equal(peer_open(&sa, esp, n, 0, inner, &next_header), BYTES);
	arrived_in_order(r, &r->data[tunnel], inner + MARK);
}

static void forwarded_seen(struct run *r, struct rte_mbuf *m)
{
	const uint8_t *ip = rte_pktmbuf_mtod(m, const uint8_t *) + 14;
	uint32_t net;

	r->forwarded++;
	if (r->inside) {
		sealed_seen(r, ip + 20, m->data_len - 34u);
	} else {
		memcpy(&net, ip + 12, sizeof(net));
		net = (rte_be_to_cpu_32(net) - bed_tunnel_net(0)) >> 8;
		assert_true(net && net < ALL_TUNNELS);
		arrived_in_order(r, &r->data[net], ip + MARK);
	}
	rte_pktmbuf_free(m);
}

static void punted_seen(struct run *r, struct rte_mbuf *m)
{
	const uint8_t *ip = rte_pktmbuf_mtod(m, const uint8_t *);
	uint32_t tunnel = ip[15];

	assert_true(tunnel && tunnel < ALL_TUNNELS);
	r->punted++;
	arrived_in_order(r, &r->ike[tunnel], ip + m->l3_len + 12);
	rte_pktmbuf_free(m);
}

/* Until each buffer is back: all that arrived went one way or another. */
static void take_all(struct run *r)
{
	time_t end = time(NULL) + PATIENCE_S;

	while (bed_in_use(bed)) {
		struct rte_mbuf *m;

		while ((m = gang_left(r->gang, r->inside)))
			forwarded_seen(r, m);
		while (worker_punts(r->gang->set, &m, 1))
			punted_seen(r, m);
		sched_yield();
		if (time(NULL) > end)
			fail_msg("%u buffers do not come back", bed_in_use(bed));
	}
}

static void counters_add(struct run *r, int sign)
{
	uint32_t port = r->inside ? BED_PRIVATE : BED_PUBLIC;

	for (uint32_t d = 1; d < CONTRACT_DROP_COUNT; d++)
		r->drops[d] += (uint64_t)sign * bed_drops(bed, d);
	for (uint32_t c = 0; c < CONTRACT_PORT_COLUMNS; c++)
		r->port[c] += (uint64_t)sign *
			      contract_counters_sum(&bed->counters, CONTRACT_COUNT_PORTS, port, c);
	r->high += (uint64_t)sign * contract_counters_sum(&bed->counters, CONTRACT_COUNT_WORKER, 0,
							  CONTRACT_WORKER_RX_HIGH);
	r->level = contract_counters_max(&bed->counters, CONTRACT_COUNT_WORKER, 0,
					 CONTRACT_WORKER_RX_LEVEL_MAX);
}

static struct run run_new(const struct gang_config *config, bool inside)
{
	struct run r = { .config = *config, .inside = inside };

	r.config.queues = config->workers; /* of which the first one gets all */
	r.config.steady = true;
	counters_add(&r, -1);
	gang_open(false);
	r.gang = gang_new(bed, &r.config);
	return r;
}

/* What arrived is worked off; every frame of it is accounted for. */
static void run_go(struct run *r)
{
	uint64_t dropped = 0;

	gang_open(true);
	take_all(r);
	gang_stop(r->gang);
	r->missed = r->gang->queues[!r->inside][0].missed;
	gang_free(r->gang);
	counters_add(r, 1);
	for (uint32_t d = 1; d < CONTRACT_DROP_COUNT; d++)
		dropped += r->drops[d];
	printf("%s, %u workers, load %u%s: %u frames, %u for us; forwarded %u, punted %u, shed "
	       "%llu, "
	       "not handed over %llu, missed %llu, up to %llu %%\n",
	       r->inside ? "private" : "public", r->config.workers, r->config.load,
	       r->config.untold ? ", untold" : "", r->frames, r->ours, r->forwarded, r->punted,
	       (unsigned long long)r->drops[CONTRACT_DROP_OVERLOAD],
	       (unsigned long long)r->drops[CONTRACT_DROP_HANDOVER_FULL],
	       (unsigned long long)r->missed, (unsigned long long)r->level);
	assert_int_equal(r->misordered, 0);
	assert_int_equal(r->forwarded + r->punted + dropped + r->missed, r->frames);
	/* the private side's end at Linux, which this data plane has not got */
	assert_int_equal(dropped, r->drops[CONTRACT_DROP_OVERLOAD] +
					  r->drops[CONTRACT_DROP_HANDOVER_FULL] +
					  r->drops[CONTRACT_DROP_MIRROR_FULL]);
	assert_int_equal(r->port[CONTRACT_PORT_RX_PACKETS],
			 r->frames - r->missed - r->drops[CONTRACT_DROP_HANDOVER_FULL]);
	assert_int_equal(r->port[CONTRACT_PORT_DROPPED],
			 r->drops[CONTRACT_DROP_OVERLOAD] + r->drops[CONTRACT_DROP_MIRROR_FULL]);
}

static uint64_t came_to_us(const struct run *r)
{
	return r->inside ? r->drops[CONTRACT_DROP_MIRROR_FULL] : r->punted;
}

static struct run run_load(const struct gang_config *config, bool inside)
{
	struct run r = run_new(config, inside);

	for (uint32_t i = 0; i < FRAMES; i++)
		arrive(&r, i > COMES && i % EVERY == 0);
	run_go(&r);
	return r;
}

/* At three times the load each frame for us comes through, and the others still do. */
static void ours_survive(void **state)
{
	static const struct gang_config configs[] = {
		{ .workers = 1, .descriptors = DESCRIPTORS, .load = 2 },
		{ .workers = 1, .descriptors = DESCRIPTORS, .load = 3 },
		{ .workers = 2, .descriptors = DESCRIPTORS, .load = 3 },
		{ .workers = 2, .descriptors = DESCRIPTORS, .load = 3, .spread_inbound = true },
	};

	(void)state;
	for (uint32_t i = 0; i < 2 * RTE_DIM(configs); i++) {
		struct run r = run_load(&configs[i / 2], i & 1);

		assert_int_equal(came_to_us(&r), r.ours);
		assert_true(r.drops[CONTRACT_DROP_OVERLOAD] > 0);
		assert_true(r.forwarded > r.frames / 5);
		assert_true(r.high > 0);
	}
}

/* The same by a device that does not tell: nothing is shed, and what is for us is lost as well. */
static void untold_loses(void **state)
{
	const struct gang_config config = {
		.workers = 1, .descriptors = DESCRIPTORS, .untold = true, .load = 3
	};

	(void)state;
	for (uint32_t i = 0; i < 2; i++) {
		struct run r = run_load(&config, i);

		assert_int_equal(r.drops[CONTRACT_DROP_OVERLOAD], 0);
		assert_int_equal(r.high, 0);
		assert_true(came_to_us(&r) < r.ours);
	}
}

/* As much as can be done fills no ring, and nothing is shed. */
static void no_overload(void **state)
{
	const struct gang_config config = { .workers = 1, .descriptors = DESCRIPTORS, .load = 1 };
	struct run r = run_load(&config, false);

	(void)state;
	assert_int_equal(r.forwarded + r.punted, r.frames);
}

/* A full ring that is not filled on: the worker was away, and has the time. */
static void away(void **state)
{
	const struct gang_config config = { .workers = 1, .descriptors = DESCRIPTORS };
	struct run r = run_new(&config, false);

	(void)state;
	for (uint32_t i = 0; i < DESCRIPTORS; i++)
		arrive(&r, false);
	run_go(&r);
	assert_int_equal(r.forwarded, DESCRIPTORS);
	assert_int_equal(r.level, 100);
	assert_int_equal(r.high, 1); /* all of them, then 768 */
}

/* All of it is for us: none is shed, however full the ring is. */
static void flood_of_ours(void **state)
{
	/* nothing of it is sent, so the load is a third of it */
	const struct gang_config config = { .workers = 1, .descriptors = DESCRIPTORS, .load = 24 };
	struct run r = run_new(&config, true);

	(void)state;
	for (uint32_t i = 0; i < FRAMES; i++)
		arrive(&r, true);
	run_go(&r);
	assert_int_equal(r.drops[CONTRACT_DROP_OVERLOAD], 0);
	assert_true(r.missed > 0);
}

/* Frames for the second of two workers, until so many are taken or dropped. */
static void hand_over(struct worker *w, uint32_t device, uint32_t count, bool ike)
{
	struct craft c = { .tunnel = 1, .length = BYTES };
	struct craft_outer outer = { .tunnel = 1, .port = 4500 };
	uint8_t bytes[BYTES] = { 0 };
	uint32_t given = 0;

	for (uint32_t i = 0; given < count; i++) {
		struct rte_mbuf *m;

		c.flow = (uint16_t)i;
		outer.tunnel = 1 + i % TUNNELS;
		m = ike ? craft_esp(bed, &outer, bytes, sizeof(bytes))
			: craft_frame(bed, bytes, craft_ip(bytes, &c), false);
		given += handover_worker(sa_hot(bed->sas), m, 2);
		if (handover_received(w, device, &m, 1))
			rte_pktmbuf_free(m);
	}
}

/*
 * A worker that does not come round: what is for it is dropped and counted, the rest is not. The
 * last eighth of its ring is for what must not be lost and for what main sends.
 */
static void full_ring(void **state)
{
	const struct gang_config config = { .workers = 2, .queues = 1, .idle = true };
	struct gang *gang = gang_new(bed, &config);
	struct worker *w = worker_get(gang->set, 0);
	uint64_t drops = bed_drops(bed, CONTRACT_DROP_HANDOVER_FULL);
	const uint32_t reserved = WORKER_HANDOVER_RING / 8;
	struct rte_mbuf *m;

	(void)state;
	/* a ring holds one less than its size */
	hand_over(w, 0, WORKER_HANDOVER_RING - reserved - 1, false);
	assert_int_equal(bed_drops(bed, CONTRACT_DROP_HANDOVER_FULL), drops);
	hand_over(w, 0, 10, false);
	assert_int_equal(bed_drops(bed, CONTRACT_DROP_HANDOVER_FULL), drops + 10);
	hand_over(w, 1, reserved - 1, true);
	assert_int_equal(bed_drops(bed, CONTRACT_DROP_HANDOVER_FULL), drops + 10);
	m = rte_pktmbuf_alloc(bed->pool);
	assert_int_equal(worker_inject(gang->set, PATH_INJECT_ROUTE, 1, &m, 1), 1);
	hand_over(w, 1, 5, true);
	assert_int_equal(bed_drops(bed, CONTRACT_DROP_HANDOVER_FULL), drops + 15);
	gang_free(gang);
}

struct sort {
	const char *what;
	bool vital;
	uint32_t device;
	uint32_t n;
	uint8_t frame[96];
};

#define ETHER(type) [12] = (type) >> 8, [13] = (type)&255
#define IP4_OF(first, protocol, ...)                                                               \
	ETHER(0x0800), [14] = (first), [23] = (protocol), [30] = __VA_ARGS__
#define IP4(protocol, ...) IP4_OF(0x45, protocol, __VA_ARGS__)
#define PUBLIC4 192, 0, 2, 1
#define PORT(port) [36] = (port) >> 8, [37] = (port)&255
#define IP6(protocol) ETHER(0x86dd), [14] = 0x60, [20] = (protocol)
#define PUBLIC6 [38] = 0x20, 0x01, 0x0d, 0xb8, [53] = 1

/* What is told apart by headers alone. */
static const struct sort sorts[] = {
	{ "IKE", true, 1, 60, { IP4(17, PUBLIC4), PORT(500) } },
	{ "IKE behind a marker", true, 1, 60, { IP4(17, PUBLIC4), PORT(4500) } },
	{ "ESP in UDP", false, 1, 60, { IP4(17, PUBLIC4), PORT(4500), [42] = 1 } },
	{ "first piece of ESP in UDP",
	  false,
	  1,
	  60,
	  { IP4(17, PUBLIC4), PORT(4500), [20] = 0x20, [42] = 1 } },
	{ "later piece of UDP", true, 1, 60, { IP4(17, PUBLIC4), PORT(4500), [21] = 9, [42] = 1 } },
	{ "later piece of ESP", false, 1, 60, { IP4(50, PUBLIC4), [21] = 9 } },
	{ "ESP", false, 1, 60, { IP4(50, PUBLIC4), [34] = 1 } },
	{ "ESP behind options", false, 1, 60, { IP4_OF(0x46, 50, PUBLIC4) } },
	{ "IKE behind options", true, 1, 64, { IP4_OF(0x46, 17, PUBLIC4), [41] = 1 } },
	{ "BFD", true, 1, 60, { IP4(17, PUBLIC4), PORT(3784) } },
	{ "BGP", true, 1, 60, { IP4(6, PUBLIC4), PORT(179) } },
	{ "BGP inside", true, 0, 60, { IP4(6, 192, 168, 0, 1), PORT(179) } },
	{ "OSPF", true, 0, 60, { IP4(89, 224, 0, 0, 5) } },
	{ "BGP of others", false, 0, 60, { IP4(6, 192, 168, 0, 3), PORT(179) } },
	{ "IKE of others", false, 1, 60, { IP4(17, 192, 0, 2, 9), PORT(500) } },
	{ "ARP", true, 1, 42, { ETHER(0x0806) } },
	{ "LLDP", true, 1, 60, { 0x01, 0x80, 0xc2, ETHER(0x88cc) } },
	{ "nothing known", false, 1, 60, { ETHER(0x1234) } },
	{ "IKE over IPv6", true, 1, 70, { IP6(17), PUBLIC6, [56] = 500 >> 8, 500 & 255 } },
	{ "ESP over IPv6", false, 1, 70, { IP6(50), PUBLIC6 } },
	{ "ESP in UDP over IPv6",
	  false,
	  1,
	  70,
	  { IP6(17), PUBLIC6, [56] = 4500 >> 8, 4500 & 255, [62] = 1 } },
	{ "ND", true, 1, 86, { IP6(58), [38] = 0xff, 0x02 } },
	{ "IPv6 of others", false, 1, 70, { IP6(17), [38] = 0x20, 0x01, [53] = 1 } },
	{ "a tag that nobody has", false, 1, 64, { ETHER(0x8100), [15] = 7, [16] = 0x08 } },
	{ "IKE with a priority",
	  true,
	  1,
	  64,
	  { ETHER(0x8100), [14] = 0xe0, [16] = 0x08, [18] = 0x45, [27] = 17, [34] = PUBLIC4,
	    [40] = 500 >> 8, 500 & 255 } },
};

static void what_is_kept(void **state)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(bed->pool);

	(void)state;
	for (uint32_t i = 0; i < RTE_DIM(sorts); i++) {
		memcpy(rte_pktmbuf_mtod(m, uint8_t *), sorts[i].frame, sizeof(sorts[i].frame));
		m->data_len = m->pkt_len = (uint16_t)sorts[i].n;
		if (path_is_vital(bed->path, sorts[i].device, m) != sorts[i].vital)
			fail_msg("%s", sorts[i].what);
		for (uint32_t n = 0; n < 34; n++) { /* the header is not there */
			m->data_len = m->pkt_len = (uint16_t)n;
			if (sorts[i].frame[12] == 0x08 && sorts[i].frame[13] == 0)
				assert_false(path_is_vital(bed->path, sorts[i].device, m));
			else
				(void)path_is_vital(bed->path, sorts[i].device, m);
		}
	}
	rte_pktmbuf_free(m);
}

static int make(void **state)
{
	struct bed_config config = { .tunnels = TUNNELS,
				     .buffers = 16383,
				     .workers = GANG_WORKERS };

	(void)state;
	bed = gang_bed(&config);
	for (uint32_t t = 1; t <= TUNNELS; t++) {
		struct bed_sa sa = { .tunnel = t, .cipher = CONTRACT_CIPHER_AES128_GCM };

		bed_tunnel(bed, t);
		bed_sa_add(bed, &sa);
	}
	return 0;
}

static int unmake(void **state)
{
	(void)state;
	bed_free(bed);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_kept), cmocka_unit_test(ours_survive),
		cmocka_unit_test(untold_loses), cmocka_unit_test(no_overload),
		cmocka_unit_test(away),		cmocka_unit_test(flood_of_ours),
		cmocka_unit_test(full_ring),
	};

	test_eal_init_with("--no-huge", "256");
	return cmocka_run_group_tests(tests, make, unmake);
}
