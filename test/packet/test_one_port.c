/*
 * A gateway on a stick: one device carries the inside network and the tunnels, as one port that is
 * public and private, and as two sub-ports with tags of their own.
 */
#include "../unit/cmocka_all.h"
#include "../unit/dataplane/eal.h"
#include "craft.h"
#include "peer.h"

#include <rte_mbuf.h>

#define DEVICE 0
#define BOTH (CONTRACT_PUBLIC | CONTRACT_PRIVATE)

static struct bed *bed;
static struct contract_sa in_sa;
static struct contract_sa out_sa;
static uint64_t sequence;

/* The ports where the inside network and the tunnels are: the same one, or with tags. */
static uint16_t inside = BED_PRIVATE;
static uint16_t outside = BED_PRIVATE;

static void gateway(uint32_t id, uint32_t port, uint32_t addr, const uint8_t *mac)
{
	struct contract_nexthop hop = { .kind = CONTRACT_NEXTHOP_GATEWAY,
					.port = port,
					.gateway = net_addr_ip4(addr) };
	struct contract_neighbour neighbour = { .addr = hop.gateway, .port = port };

	memcpy(neighbour.mac, mac, 6);
	assert_int_equal(bed_put(bed, CONTRACT_NEIGHBOUR, 0, &neighbour, sizeof(neighbour)), 0);
	assert_int_equal(bed_put(bed, CONTRACT_NEXTHOP, id, &hop, sizeof(hop)), 0);
}

static void address(struct net_addr addr, uint32_t port)
{
	struct contract_address a = { .addr = addr, .port = port, .mirror = BED_MIRROR_PUBLIC };

	assert_int_equal(bed_put(bed, CONTRACT_ADDRESS, 0, &a, sizeof(a)), 0);
}

/* The bed with one device: its gateways and addresses are at these ports. */
static void lies_at(uint16_t in, uint16_t out)
{
	inside = in;
	outside = out;
	gateway(BED_NEXTHOP_PRIVATE, in, 0xc0a800fe, bed_mac_gateway_private);
	gateway(BED_NEXTHOP_PUBLIC, out, 0xc00002fe, bed_mac_gateway_public);
	address(bed_local(false), out);
	address(bed_local(true), out);
}

static uint16_t tag_of(uint16_t port)
{
	return bed->shared.ports[port].vlan;
}

/* To the device's one MAC, with the tag of the port. */
static struct rte_mbuf *arriving(struct rte_mbuf *m, uint16_t port)
{
	uint8_t tag[4] = { 0x81, 0, (uint8_t)(tag_of(port) >> 8), (uint8_t)tag_of(port) };

	memcpy(rte_pktmbuf_mtod(m, uint8_t *), bed_mac_private, 6);
	if (!tag_of(port))
		return m;
	if (bed->shared.devices[DEVICE].rx_vlan) {
		m->ol_flags |= RTE_MBUF_F_RX_VLAN | RTE_MBUF_F_RX_VLAN_STRIPPED;
		m->vlan_tci = tag_of(port);
	} else {
		craft_insert(m, tag, sizeof(tag));
	}
	return m;
}

/* The IP packet of the one frame that left, by this port and to this neighbour. */
static const uint8_t *left(struct rte_mbuf *m, uint16_t port, const uint8_t *neighbour)
{
	const uint8_t *frame;
	uint32_t at = 12;

	assert_non_null(m);
	assert_int_equal(bed_sent(bed, 1), 0);
	frame = rte_pktmbuf_mtod(m, const uint8_t *);
	assert_memory_equal(frame, neighbour, 6);
	assert_memory_equal(frame + 6, bed_mac_private, 6);
	if (tag_of(port) && bed->shared.devices[DEVICE].tx_vlan) {
		assert_true(m->ol_flags & RTE_MBUF_F_TX_VLAN);
		assert_int_equal(m->vlan_tci, tag_of(port));
	} else if (tag_of(port)) {
		assert_int_equal(frame[12] << 8 | frame[13], NET_ETHERTYPE_VLAN);
		assert_int_equal(frame[14] << 8 | frame[15], tag_of(port));
		at += 4;
	}
	assert_int_equal(frame[at] << 8 | frame[at + 1],
			 frame[at + 2] >> 4 == 6 ? NET_ETHERTYPE_IP6 : NET_ETHERTYPE_IP4);
	return frame + at + 2;
}

static void into_the_tunnel(bool ip6, uint32_t length)
{
	struct craft c = { .tunnel = 1, .length = length, .ip6 = ip6 };
	uint8_t ip[1600];
	uint8_t inner[PEER_MOST];
	uint8_t next_header;
	struct rte_mbuf *m;
	const uint8_t *outer;

	craft_ip(ip, &c);
	craft_run(bed, DEVICE, arriving(craft_frame(bed, ip, length, false), inside));
	m = craft_sent(bed, DEVICE);
	outer = left(m, outside, bed_mac_gateway_public);
	assert_int_equal(outer[9], NET_PROTO_ESP);
	assert_int_equal(peer_open(&out_sa, outer + 20, (size_t)(outer[2] << 8 | outer[3]) - 20, 0,
				   inner, &next_header),
			 length);
	craft_forwarded(ip);
	assert_memory_equal(inner, ip, length);
	bed_drop(m);
}

static struct rte_mbuf *sealed(const uint8_t *ip, uint32_t length, uint16_t port)
{
	struct craft_outer outer = { .tunnel = 1 };
	struct peer_packet p = { ip, length, ++sequence, ip[0] >> 4 == 6 ? 41 : 4, 0 };
	uint8_t esp[1700];

	return arriving(craft_esp(bed, &outer, esp, (uint32_t)peer_seal(&in_sa, &p, esp)), port);
}

static void out_of_the_tunnel(bool ip6, uint32_t length)
{
	struct craft c = { .tunnel = 1, .length = length, .ip6 = ip6, .inward = true };
	uint8_t ip[1600];
	struct rte_mbuf *m;
	const uint8_t *got;

	craft_ip(ip, &c);
	craft_run(bed, DEVICE, sealed(ip, length, outside));
	m = craft_sent(bed, DEVICE);
	got = left(m, inside, bed_mac_gateway_private);
	craft_forwarded(ip);
	assert_memory_equal(got, ip, length);
	bed_drop(m);
}

static uint64_t counted(uint16_t port, uint32_t column)
{
	return contract_counters_sum(&bed->counters, CONTRACT_COUNT_PORTS, port, column);
}

/* Both families and ways, some sizes; nothing is dropped, and each port counts what was its. */
static void traffic(void)
{
	static const uint32_t lengths[] = { 60, 61, 512, 1400 };
	const uint16_t ports[2] = { inside, outside };
	uint64_t drops = bed_drops_all(bed);
	uint64_t before[2][2];

	for (uint32_t i = 0; i < 2; i++) {
		before[i][0] = counted(ports[i], CONTRACT_PORT_RX_PACKETS);
		before[i][1] = counted(ports[i], CONTRACT_PORT_TX_PACKETS);
	}
	for (uint32_t i = 0; i < 8; i++) {
		into_the_tunnel(i & 1, lengths[i / 2]);
		out_of_the_tunnel(i & 1, lengths[i / 2]);
	}
	assert_int_equal(bed_drops_all(bed), drops);
	assert_int_equal(bed_in_use(bed), 0);
	for (uint32_t i = 0; i < 2; i++) {
		uint64_t each = inside == outside ? 16 : 8;

		assert_int_equal(counted(ports[i], CONTRACT_PORT_RX_PACKETS) - before[i][0], each);
		assert_int_equal(counted(ports[i], CONTRACT_PORT_TX_PACKETS) - before[i][1], each);
	}
}

static void dropped(struct rte_mbuf *m, enum contract_drop why)
{
	uint64_t before = bed_drops(bed, why);

	craft_run(bed, DEVICE, m);
	assert_int_equal(bed_drops(bed, why), before + 1);
	assert_int_equal(bed_sent(bed, DEVICE), 0);
}

static void one_port_with_both_roles(void **state)
{
	struct craft spoof = { .tunnel = 1, .length = 100, .inward = true };
	uint8_t ip[100];

	(void)state;
	traffic();
	/* what belongs in the tunnel is not believed in clear, by this port neither */
	craft_ip(ip, &spoof);
	dropped(arriving(craft_frame(bed, ip, 100, false), inside), CONTRACT_DROP_CLEAR_SPOOF);
}

static void sub_port(uint8_t *by_tag, uint16_t port, uint8_t role)
{
	bed->shared.ports[port] = bed->shared.ports[BED_PRIVATE];
	bed->shared.ports[port].role = role;
	bed->shared.ports[port].vlan = port;
	by_tag[port] = (uint8_t)port;
}

static void two_sub_ports(void **state)
{
	static uint8_t by_tag[4096];
	struct path_device *device = &bed->shared.devices[DEVICE];
	struct craft c = { .tunnel = 1, .length = 100, .inward = true };
	uint8_t ip[100];

	(void)state;
	sub_port(by_tag, 10, CONTRACT_PRIVATE);
	sub_port(by_tag, 20, CONTRACT_PUBLIC);
	device->by_tag = by_tag;
	device->untagged = 0;
	lies_at(10, 20);
	for (uint32_t offloads = 0; offloads < 4; offloads++) {
		device->rx_vlan = offloads & 1;
		device->tx_vlan = offloads & 2;
		traffic();
	}
	device->rx_vlan = device->tx_vlan = false;
	craft_ip(ip, &c);
	dropped(arriving(craft_frame(bed, ip, 100, false), outside), CONTRACT_DROP_CLEAR_SPOOF);
	dropped(craft_frame(bed, ip, 100, false), CONTRACT_DROP_ETHER_VLAN);
	/* ESP that a host of the inside network sends is none of a tunnel: Linux's */
	craft_run(bed, DEVICE, sealed(ip, 100, inside));
	assert_int_equal(bed_sent(bed, DEVICE), 0);
	assert_int_equal(bed_empty(path_mirrored(bed->path)), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_port_with_both_roles),
		cmocka_unit_test(two_sub_ports),
	};
	struct bed_config config = { .tunnels = 4, .buffers = 64 };
	struct bed_sa sa = { .tunnel = 1, .cipher = CONTRACT_CIPHER_AES256_GCM };
	int failed;

	test_eal_init();
	bed = bed_new(&config);
	bed->shared.ports[BED_PRIVATE].role = BOTH;
	bed->shared.ports[BED_PUBLIC].role = 0;
	bed->shared.devices[1].untagged = 0;
	bed_tunnel(bed, 1);
	bed_sa_add(bed, &sa);
	bed_sa_make(&in_sa, &out_sa, &sa);
	lies_at(BED_PRIVATE, BED_PRIVATE);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	bed_free(bed);
	return failed;
}
