/*
 * Every reason for which the path gives a packet up: the counter that moves, and that nothing
 * leaves. And the ways to Linux and to control.
 */
#include "../unit/cmocka_all.h"
#include "../unit/dataplane/eal.h"
#include "craft.h"
#include "peer.h"

#include <rte_mbuf.h>

static struct bed *bed;
static const struct bed_sa plain_sa = { .tunnel = 1, .cipher = CONTRACT_CIPHER_AES256_GCM };
static struct contract_sa in_sa;
static struct contract_sa out_sa;
static uint64_t sequence;

/* Runs one frame; it must be dropped for this reason and no other. */
static void dropped(uint32_t device, struct rte_mbuf *m, enum contract_drop why)
{
	uint64_t before = bed_drops(bed, why);
	uint64_t all = bed_drops_all(bed);

	craft_run(bed, device, m);
	if (bed_drops(bed, why) != before + 1)
		fail_msg("not dropped as %s", contract_drop_name(why));
	assert_int_equal(bed_drops_all(bed), all + 1);
	assert_int_equal(bed_sent(bed, 0) + bed_sent(bed, 1), 0);
	assert_int_equal(bed_empty(path_mirrored(bed->path)) + bed_empty(path_punted(bed->path)),
			 0);
}

static uint8_t *bytes(struct rte_mbuf *m)
{
	return rte_pktmbuf_mtod(m, uint8_t *);
}

static void frames(void **state)
{
	struct craft c = { .tunnel = 1, .length = 100 };
	struct rte_mbuf *m;

	(void)state;
	m = craft_inside(bed, &c);
	m->data_len = m->pkt_len = 13;
	dropped(0, m, CONTRACT_DROP_ETHER_SHORT);
	m = craft_inside(bed, &c);
	bytes(m)[12] = 0x12;
	dropped(0, m, CONTRACT_DROP_ETHER_TYPE);
	m = craft_inside(bed, &c);
	memcpy(bytes(m) + 12, "\x81\x00\x00\x05\x08\x00", 6);
	dropped(0, m, CONTRACT_DROP_ETHER_VLAN);
	m = craft_inside(bed, &c);
	memcpy(bytes(m) + 12, "\x81\x00", 2);
	m->data_len = m->pkt_len = 16;
	dropped(0, m, CONTRACT_DROP_ETHER_SHORT);
	m = craft_inside(bed, &c);
	bytes(m)[5] ^= 1;
	dropped(0, m, CONTRACT_DROP_ETHER_NOT_US);
}

static struct rte_mbuf *stripped(uint16_t tag)
{
	struct craft c = { .tunnel = 1, .length = 100 };
	struct rte_mbuf *m = craft_inside(bed, &c);

	m->ol_flags |= RTE_MBUF_F_RX_VLAN | RTE_MBUF_F_RX_VLAN_STRIPPED;
	m->vlan_tci = tag;
	return m;
}

static uint64_t received(uint32_t port)
{
	return contract_counters_sum(&bed->counters, CONTRACT_COUNT_PORTS, port,
				     CONTRACT_PORT_RX_PACKETS);
}

/* A tag is that of the sub-port where the frame came in; one behind it names no other. */
static void tags(void **state)
{
	static uint8_t by_tag[4096] = { [10] = 10, [20] = 20 };
	struct path_device *device = &bed->shared.devices[0];
	struct rte_mbuf *m;

	(void)state;
	device->by_tag = by_tag;
	for (uint32_t id = 10; id <= 20; id += 10) {
		bed->shared.ports[id] = bed->shared.ports[BED_PRIVATE];
		bed->shared.ports[id].vlan = (uint16_t)id;
	}
	device->rx_vlan = true;
	craft_run(bed, 0, stripped(10));
	assert_int_equal(bed_sent(bed, 1), 1);
	assert_int_equal(received(10), 1);
	dropped(0, stripped(30), CONTRACT_DROP_ETHER_VLAN);
	m = stripped(10);
	craft_insert(m, "\x81\x00\x00\x14", 4);
	dropped(0, m, CONTRACT_DROP_ETHER_TYPE);
	device->rx_vlan = false;
	m = stripped(0);
	m->ol_flags = 0;
	craft_insert(m, "\x81\x00\x00\x0a\x81\x00\x00\x14", 8);
	dropped(0, m, CONTRACT_DROP_ETHER_TYPE);
	assert_int_equal(received(10), 3);
	assert_int_equal(received(20), 0);
	device->by_tag = NULL;
}

static void ip_headers(void **state)
{
	struct craft c = { .tunnel = 1, .length = 100 };
	struct craft c6 = { .tunnel = 1, .length = 100, .ip6 = true };
	struct rte_mbuf *m;

	(void)state;
	for (uint16_t n = 14; n < 114; n++) { /* every prefix */
		m = craft_inside(bed, &c);
		m->data_len = m->pkt_len = n;
		dropped(0, m, CONTRACT_DROP_IP4_SHORT);
		m = craft_inside(bed, &c6);
		m->data_len = m->pkt_len = n;
		dropped(0, m, CONTRACT_DROP_IP6_SHORT);
	}
	m = craft_inside(bed, &c);
	bytes(m)[14] = 0x65;
	dropped(0, m, CONTRACT_DROP_IP4_HEADER);
	m = craft_inside(bed, &c);
	bytes(m)[14] = 0x44;
	dropped(0, m, CONTRACT_DROP_IP4_HEADER);
	m = craft_inside(bed, &c);
	bytes(m)[14 + 10] ^= 1;
	dropped(0, m, CONTRACT_DROP_IP4_CHECKSUM);
	m = craft_inside(bed, &c6);
	bytes(m)[14] = 0x45;
	dropped(0, m, CONTRACT_DROP_IP6_HEADER);
	for (uint8_t i = 0; i < 3; i++) {
		m = craft_inside(bed, &c);
		bytes(m)[14 + 12] = (const uint8_t[]){ 127, 0, 224 }[i];
		craft_sum(bytes(m) + 14);
		dropped(0, m, CONTRACT_DROP_IP_SOURCE);
	}
	m = craft_inside(bed, &c6);
	bytes(m)[14 + 8] = 0xff;
	dropped(0, m, CONTRACT_DROP_IP_SOURCE);
	c.ttl = c6.ttl = 1;
	craft_run(bed, 0, craft_inside(bed, &c)); /* the sender is told: test_fragment.c */
	craft_run(bed, 0, craft_inside(bed, &c6));
	assert_int_equal(bed_drops(bed, CONTRACT_DROP_IP_TTL), 2);
	assert_int_equal(bed_sent(bed, 0), 2);
	assert_int_equal(bed_sent(bed, 1), 0);
}

static struct rte_mbuf *from_peer(const struct craft *c, uint64_t number, uint8_t next_header)
{
	uint8_t inner[2048];
	uint8_t esp[2200];
	uint32_t n = c ? craft_ip(inner, c) : 40;
	struct peer_packet p = { inner, n, number, next_header, 0 };
	struct craft_outer outer = { .tunnel = 1 };

	if (!c)
		memset(inner, 0, sizeof(inner));
	return craft_esp(bed, &outer, esp, (uint32_t)peer_seal(&in_sa, &p, esp));
}

static void esp_before_the_key(void **state)
{
	struct craft c = { .tunnel = 1, .length = 100, .inward = true };
	struct craft_outer outer = { .tunnel = 1 };
	uint8_t esp[64] = { 0 };
	struct rte_mbuf *m;

	(void)state;
	for (uint32_t n = 0; n < 8; n++)
		dropped(1, craft_esp(bed, &outer, esp, n), CONTRACT_DROP_ESP_SHORT);
	dropped(1, craft_esp(bed, &outer, esp, 60), CONTRACT_DROP_ESP_SPI);
	memcpy(esp, &(uint32_t){ __builtin_bswap32(in_sa.spi) }, 4);
	for (uint32_t n = 8; n < 8 + 8 + 16 + 2; n++)
		dropped(1, craft_esp(bed, &outer, esp, n), CONTRACT_DROP_ESP_SHORT);
	dropped(1, craft_esp(bed, &outer, esp, 8 + 8 + 16 + 5), CONTRACT_DROP_ESP_LENGTH);
	m = from_peer(&c, 0, 4); /* RFC 4303 section 2.2: 0 is never sent */
	dropped(1, m, CONTRACT_DROP_ESP_REPLAY_SEEN);
	m = from_peer(&c, ++sequence, 4);
	bytes(m)[14 + 15] ^= 1; /* another source */
	craft_sum(bytes(m) + 14);
	dropped(1, m, CONTRACT_DROP_ESP_PEER);
	m = from_peer(&c, ++sequence, 4);
	memcpy(bytes(m) + 14 + 6, "\x1f\xff", 2); /* ends past 64 KiB */
	craft_sum(bytes(m) + 14);
	dropped(1, m, CONTRACT_DROP_IP_FRAGMENT);
}

static void esp_window(void **state)
{
	struct craft c = { .tunnel = 1, .length = 100, .inward = true };

	(void)state;
	sequence += 5000;
	craft_run(bed, 1, from_peer(&c, sequence, 4));
	assert_int_equal(bed_sent(bed, 0), 1);
	dropped(1, from_peer(&c, sequence, 4), CONTRACT_DROP_ESP_REPLAY_SEEN);
	dropped(1, from_peer(&c, sequence - 1024, 4), CONTRACT_DROP_ESP_REPLAY_OLD);
	craft_run(bed, 1, from_peer(&c, sequence - 1023, 4));
	assert_int_equal(bed_sent(bed, 0), 1);
	dropped(1, from_peer(&c, sequence - 1023, 4), CONTRACT_DROP_ESP_REPLAY_SEEN);
}

static void inside_esp(void **state)
{
	struct craft c = { .tunnel = 1, .length = 100, .inward = true };
	struct rte_mbuf *m;

	(void)state;
	m = from_peer(&c, ++sequence, 4);
	bytes(m)[m->data_len - 1] ^= 1;
	dropped(1, m, CONTRACT_DROP_ESP_ICV);
	craft_run(bed, 1, from_peer(&c, sequence, 4)); /* the forgery did not use the number up */
	assert_int_equal(bed_sent(bed, 0), 1);
	dropped(1, from_peer(&c, ++sequence, 59), CONTRACT_DROP_ESP_DUMMY);
	dropped(1, from_peer(&c, ++sequence, 6), CONTRACT_DROP_ESP_NEXT_HEADER);
	dropped(1, from_peer(NULL, ++sequence, 4), CONTRACT_DROP_INNER_HEADER);
	dropped(1, from_peer(NULL, ++sequence, 41), CONTRACT_DROP_INNER_HEADER);
	c.tunnel = 0x8000; /* a source that no route sends into a tunnel */
	dropped(1, from_peer(&c, ++sequence, 4), CONTRACT_DROP_INNER_SOURCE);
}

/* RFC 6040: what the network marked goes on, or the packet does not. */
static void congestion(void **state)
{
	struct craft c = { .tunnel = 1, .length = 100, .inward = true };
	struct rte_mbuf *m;

	(void)state;
	for (uint8_t inner = 0; inner < 4; inner++) {
		c.tos = 0x28 | inner;
		m = from_peer(&c, ++sequence, 4);
		bytes(m)[15] = 3;
		craft_sum(bytes(m) + 14);
		if (inner == 0) {
			dropped(1, m, CONTRACT_DROP_INNER_ECN);
			continue;
		}
		craft_run(bed, 1, m);
		m = craft_sent(bed, 0);
		assert_non_null(m);
		assert_int_equal(bytes(m)[15], 0x28 | 3);
		assert_int_equal(net_checksum_fold(net_checksum_add(0, bytes(m) + 14, 20)), 0);
		bed_drop(m);
	}
}

/* Whatever the sum was, also where it passes all ones, it is right with one TTL less. */
static void checksum_follows_the_ttl(void **state)
{
	struct craft c = { .length = 64, .tunnel = 1 };
	uint8_t packet[64];

	(void)state;
	for (uint32_t sum = 0; sum <= UINT16_MAX; sum++) {
		struct net_ip4_hdr *ip = (struct net_ip4_hdr *)packet;
		uint16_t sum_be = rte_cpu_to_be_16((uint16_t)sum);
		struct rte_mbuf *m;

		craft_ip(packet, &c);
		ip->dst[0] = 203; /* by the default route, no tunnel */
		ip->id_be = 0;
		ip->checksum_be = sum_be;
		ip->id_be = net_checksum_fold(net_checksum_add(0, ip, sizeof(*ip)));
		m = craft_frame(bed, packet, sizeof(packet), false);
		craft_run(bed, 0, m);
		m = craft_sent(bed, 1);
		assert_non_null(m);
		assert_int_equal(bytes(m)[14 + 8], 63);
		assert_int_equal(net_checksum_fold(net_checksum_add(0, bytes(m) + 14, 20)), 0);
		bed_drop(m);
	}
}

static struct rte_mbuf *udp_to_us(uint16_t port, const uint8_t *payload, uint32_t n, bool public)
{
	uint8_t ip[256] = { 0x45,
			    0,
			    0,
			    (uint8_t)(28 + n),
			    0,
			    0,
			    0,
			    0,
			    60,
			    17,
			    0,
			    0,
			    198,
			    18,
			    0,
			    1,
			    192,
			    0,
			    2,
			    1,
			    0x11,
			    0x94,
			    (uint8_t)(port >> 8),
			    (uint8_t)port,
			    0,
			    (uint8_t)(8 + n) };

	memcpy(ip + 28, payload, n);
	craft_sum(ip);
	return craft_frame(bed, ip, 28 + n, public);
}

static void to_control(void **state)
{
	static const uint8_t ike[40] = { 0 };
	struct path_exit *punted = path_punted(bed->path);
	struct rte_mbuf *m;

	(void)state;
	dropped(1, udp_to_us(4500, (const uint8_t *)"\xff", 1, true), CONTRACT_DROP_KEEPALIVE);
	dropped(1, udp_to_us(4500, ike, 2, true), CONTRACT_DROP_ESP_SHORT);
	m = udp_to_us(500, ike, 20, true);
	bytes(m)[14 + 25] = 200;
	dropped(1, m, CONTRACT_DROP_UDP_SHORT);
	craft_run(bed, 1, udp_to_us(500, ike, 30, true));
	craft_run(bed, 1, udp_to_us(4500, ike, 30, true));
	assert_int_equal(punted->n, 2);
	for (uint32_t i = 0; i < 2; i++) {
		m = punted->packets[i];
		assert_int_equal(m->packet_type, CONTRACT_CLASS_IKE);
		assert_int_equal(m->hash.usr, BED_PUBLIC);
		assert_int_equal(m->l3_len, 20);
		assert_int_equal(m->l2_len, i);
		assert_int_equal(bytes(m)[0], 0x45);
		assert_int_equal(m->data_len, 58);
	}
	bed_empty(punted);
}

/* A UDP header so far behind that the field for its place does not take it. */
static void to_control_from_afar(void **state)
{
	struct craft_outer outer = { .tunnel = 1, .ip6 = true };
	uint8_t rest[600] = { NET_PROTO_UDP, 64 };

	(void)state;
	rest[520 + 2] = 500 >> 8;
	rest[520 + 3] = 500 & 255;
	rest[520 + 5] = 80;
	for (uint32_t i = 2; i < 520; i += 2 + rest[i + 1]) { /* PadN */
		rest[i] = 1;
		rest[i + 1] = (uint8_t)(520 - i < 200 ? 520 - i - 2 : 100);
	}
	{
		struct rte_mbuf *m = craft_esp(bed, &outer, rest, sizeof(rest));

		bytes(m)[14 + 6] = NET_PROTO_IP6_DEST;
		dropped(1, m, CONTRACT_DROP_UDP_SHORT);
	}
}

static void to_linux(void **state)
{
	struct path_exit *mirrored = path_mirrored(bed->path);
	static const uint8_t other[8] = { 0 };
	struct craft c = { .tunnel = 1, .length = 60 };
	struct rte_mbuf *m = craft_inside(bed, &c);

	(void)state;
	bytes(m)[12] = 8; /* ARP, broadcast */
	bytes(m)[13] = 6;
	memset(bytes(m), 0xff, 6);
	craft_run(bed, 0, m);
	craft_run(bed, 1, udp_to_us(53, other, 8, true));
	assert_int_equal(mirrored->n, 2);
	assert_int_equal(mirrored->where[0], BED_MIRROR_PRIVATE);
	assert_int_equal(mirrored->where[1], BED_MIRROR_PUBLIC);
	assert_int_equal(mirrored->packets[1]->data_len, 14 + 28 + 8);
	bed_empty(mirrored);
	/* RFC 4291 section 2.5.6: no router takes a packet of a link elsewhere */
	for (int i = 0; i < 2; i++) {
		c = (struct craft){ .tunnel = 1, .length = 60, .ip6 = true };
		m = craft_inside(bed, &c);
		memcpy(bytes(m) + 14 + (i ? 24 : 8), "\xfe\x80", 2);
		craft_run(bed, 0, m);
		assert_int_equal(bed_sent(bed, 1), 0);
		assert_int_equal(bed_empty(mirrored), 1);
	}
	/* the address on the TUN: from its tunnel yes, in clear no */
	m = udp_to_us(179, other, 8, true);
	memcpy(bytes(m) + 14 + 16, "\xa9\xfe\x15\x01", 4);
	craft_sum(bytes(m) + 14);
	dropped(1, m, CONTRACT_DROP_CLEAR_SPOOF);
}

static void clear_and_spoofed(void **state)
{
	struct craft c = { .tunnel = 1, .length = 100, .inward = true };
	uint8_t ip[128];
	uint32_t n = craft_ip(ip, &c);

	(void)state;
	dropped(1, craft_frame(bed, ip, n, true), CONTRACT_DROP_CLEAR_SPOOF);
	c.ip6 = true;
	n = craft_ip(ip, &c);
	dropped(1, craft_frame(bed, ip, n, true), CONTRACT_DROP_CLEAR_SPOOF);
}

static void source_from_nowhere(uint8_t *ip)
{
	struct net_ip4_hdr *ip4 = (struct net_ip4_hdr *)ip;

	if (ip[0] >> 4 == 6) {
		memcpy(ip + 8, (const uint8_t[]){ 0x20, 1, 0xd, 0xb8, 0x77 }, 5);
		return;
	}
	memcpy(ip4->src, (const uint8_t[]){ 203, 0, 113, 7 }, 4);
	craft_sum(ip);
}

/* Whose source belongs behind no tunnel is routed: to the inside, and into a tunnel. */
static void clear_and_routed(void **state)
{
	struct path_port *port = &bed->shared.ports[BED_PRIVATE];
	struct craft c = { .tunnel = 1, .length = 100 };
	uint64_t before = bed_drops_all(bed);
	uint8_t ip[128];
	uint32_t n;

	(void)state;
	for (uint32_t i = 0; i < 4; i++) {
		c.ip6 = i & 1;
		c.inward = i < 2;
		n = craft_ip(ip, &c);
		source_from_nowhere(ip);
		craft_run(bed, 1, craft_frame(bed, ip, n, true));
		assert_int_equal(bed_sent(bed, 0), c.inward);
		assert_int_equal(bed_sent(bed, 1), !c.inward);
	}
	assert_int_equal(bed_drops_all(bed), before);
	/* a port that is both has the rule of the public one */
	port->role = CONTRACT_PRIVATE | CONTRACT_PUBLIC;
	c = (struct craft){ .tunnel = 1, .length = 100, .inward = true };
	n = craft_ip(ip, &c);
	dropped(0, craft_frame(bed, ip, n, false), CONTRACT_DROP_CLEAR_SPOOF);
	source_from_nowhere(ip);
	craft_run(bed, 0, craft_frame(bed, ip, n, false));
	assert_int_equal(bed_sent(bed, 0), 1);
	port->role = CONTRACT_PRIVATE;
}

/* A private circuit: IKE and ESP to the address on the TUN, nothing else; clear is clear there. */
static void circuit(void **state)
{
	static const uint8_t ike[30] = { 1 };
	static const uint16_t ports[] = { 500, 4500, 179 };
	struct path_port *port = &bed->shared.ports[BED_PRIVATE];
	struct craft c = { .tunnel = 1, .length = 100, .inward = true };
	uint64_t spoofs = bed_drops(bed, CONTRACT_DROP_CLEAR_SPOOF);
	uint8_t ip[128];
	uint32_t n = craft_ip(ip, &c);

	(void)state;
	port->role = CONTRACT_PRIVATE | CONTRACT_CIRCUIT;
	for (size_t i = 0; i < sizeof(ports) / sizeof(ports[0]); i++) {
		struct rte_mbuf *m = udp_to_us(ports[i], ike, sizeof(ike), false);

		memcpy(bytes(m) + 14 + 16, "\xa9\xfe\x15\x01", 4);
		craft_sum(bytes(m) + 14);
		if (ports[i] == 179)
			dropped(0, m, CONTRACT_DROP_CLEAR_SPOOF);
		else
			craft_run(bed, 0, m);
		/* 4500 without the marker is ESP of an SA that is not there */
		assert_int_equal(bed_empty(path_punted(bed->path)), ports[i] == 500);
	}
	craft_run(bed, 0, craft_frame(bed, ip, n, false));
	assert_int_equal(bed_drops(bed, CONTRACT_DROP_CLEAR_SPOOF), spoofs + 1);
	port->role = CONTRACT_PRIVATE;
	bed_sent(bed, 0);
}

/* Sequence numbers of 32 bits end; nothing is sent past the last one. */
static void numbers_end(void **state)
{
	struct craft c = { .tunnel = 4, .length = 100 };
	struct bed_sa sa = { .tunnel = 4,
			     .cipher = CONTRACT_CIPHER_AES128_GCM,
			     .sequence = UINT32_MAX - 2 };
	struct path_event event;

	(void)state;
	bed_tunnel(bed, 4);
	bed_sa_add(bed, &sa);
	bed_events(bed, 0, &event);
	craft_run(bed, 0, craft_inside(bed, &c));
	assert_int_equal(bed_events(bed, CONTRACT_LIFETIME, &event), 1);
	assert_int_equal(event.lifetime.event, CONTRACT_SOFT);
	craft_run(bed, 0, craft_inside(bed, &c));
	assert_int_equal(bed_sent(bed, 1), 2);
	assert_int_equal(bed_events(bed, CONTRACT_LIFETIME, &event), 1);
	assert_int_equal(event.lifetime.event, CONTRACT_HARD);
	assert_int_equal(event.lifetime.sa, 9);
	dropped(0, craft_inside(bed, &c), CONTRACT_DROP_ESP_SEQUENCE);
	dropped(0, craft_inside(bed, &c), CONTRACT_DROP_ESP_SEQUENCE);
	assert_int_equal(bed_events(bed, CONTRACT_LIFETIME, &event), 0);
}

static void sa_gone(void **state)
{
	struct craft c = { .tunnel = 1, .length = 100, .inward = true };
	struct contract_object object = { .kind = CONTRACT_SA, .id = 2 };
	struct contract_sa_final final = { 0 };
	uint64_t good =
		contract_counters_sum(&bed->counters, CONTRACT_COUNT_SAS, 2, CONTRACT_SA_PACKETS);

	(void)state;
	assert_int_equal(sa_del(bed->sas, &object, &final), 0);
	assert_int_equal(final.packets, good);
	assert_true(good > 0);
	assert_int_equal(final.sequence, sequence);
	dropped(1, from_peer(&c, ++sequence, 4), CONTRACT_DROP_ESP_SPI);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(checksum_follows_the_ttl),
		cmocka_unit_test(frames),
		cmocka_unit_test(tags),
		cmocka_unit_test(ip_headers),
		cmocka_unit_test(esp_before_the_key),
		cmocka_unit_test(esp_window),
		cmocka_unit_test(inside_esp),
		cmocka_unit_test(congestion),
		cmocka_unit_test(to_control),
		cmocka_unit_test(to_control_from_afar),
		cmocka_unit_test(to_linux),
		cmocka_unit_test(clear_and_spoofed),
		cmocka_unit_test(clear_and_routed),
		cmocka_unit_test(circuit),
		cmocka_unit_test(numbers_end),
		cmocka_unit_test(sa_gone),
	};
	int failed;
	struct bed_config config = { .tunnels = 16, .buffers = 1024 };

	test_eal_init();
	bed = bed_new(&config);
	bed_tunnel(bed, 1);
	bed_sa_add(bed, &plain_sa);
	bed_sa_make(&in_sa, &out_sa, &plain_sa);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	bed_free(bed);
	return failed;
}
