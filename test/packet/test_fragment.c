/*
 * Packets that do not fit, packets in pieces, and the ICMP errors about both: byte by byte.
 */
#include "../unit/cmocka_all.h"
#include "../unit/dataplane/eal.h"
#include "craft.h"
#include "peer.h"

#define ETHER sizeof(struct net_ether_hdr)
/* 1,600 of the port less IPv4 20, ESP 8, IV 8, ICV 16; the rest in fours, less the trailer's 2 */
#define INNER_MOST 1546
#define QUOTED4 (576 - 28)

static struct bed *bed;
static struct contract_sa in_sa;
static struct contract_sa out_sa;
static uint64_t sequence;

static uint16_t get16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static uint8_t *frame_of(struct rte_mbuf *m)
{
	return rte_pktmbuf_mtod(m, uint8_t *);
}

static void put_sum(uint8_t *ip)
{
	uint16_t sum;

	ip[10] = ip[11] = 0;
	sum = net_checksum_fold(net_checksum_add(0, ip, (size_t)(ip[0] & 15) * 4));
	memcpy(ip + 10, &sum, 2);
}

static uint32_t run_inside(uint8_t *ip, const struct craft *c)
{
	uint32_t n = craft_ip(ip, c);

	craft_run(bed, 0, craft_frame(bed, ip, n, false));
	return n;
}

static void cut_into_tunnel(void **state)
{
	struct craft c = { .tunnel = 1, .length = 2000 };
	struct path_tx *tx = path_tx(bed->path, 1);
	uint64_t drops = bed_drops_all(bed);
	uint8_t ip[2048];
	uint8_t whole[2048];
	uint32_t at = 20;
	uint32_t n = run_inside(ip, &c);

	(void)state;
	assert_int_equal(tx->n, 2);
	assert_int_equal(bed_drops_all(bed), drops);
	for (uint32_t i = 0; i < 2; i++) {
		uint8_t *frame = frame_of(tx->packets[i]);
		uint8_t piece[2048];
		uint8_t next;
		int length;

		assert_true(tx->packets[i]->data_len <= 1600 + ETHER);
		assert_memory_equal(frame, bed_mac_gateway_public, 6);
		length = peer_open(&out_sa, frame + ETHER + 20,
				   (size_t)tx->packets[i]->data_len - ETHER - 20, 0, piece, &next);
		assert_true(length > 20);
		assert_int_equal(get16(piece + 2), length);
		assert_int_equal(get16(piece + 6), (i == 0 ? NET_IP4_MF : 0) | (at - 20) / 8);
		assert_int_equal(piece[8], 63);
		assert_memory_equal(piece + 12, ip + 12, 8);
		assert_int_equal(net_checksum_fold(net_checksum_add(0, piece, 20)), 0);
		memcpy(whole + at, piece + 20, (size_t)length - 20);
		at += (uint32_t)length - 20;
		bed_drop(tx->packets[i]);
	}
	tx->n = 0;
	assert_int_equal(at, n);
	assert_memory_equal(whole + 20, ip + 20, n - 20);
}

/* The one ICMP error that went to the private gateway, quoting `quoted` bytes of `cause`. */
static void error_is(const uint8_t *cause, uint32_t quoted, uint16_t type_code, uint32_t rest)
{
	struct rte_mbuf *m = craft_sent(bed, 0);
	bool six = cause[0] >> 4 == 6;
	uint32_t header = six ? 40 : 20;
	static const uint8_t from4[] = { 192, 168, 0, 1 };
	static const uint8_t from6[16] = { 0xfd, [15] = 1 };
	uint32_t told;
	uint8_t *p;

	assert_non_null(m);
	assert_int_equal(path_tx(bed->path, 1)->n, 0);
	assert_int_equal(m->data_len, ETHER + header + 8 + quoted);
	assert_memory_equal(frame_of(m), bed_mac_gateway_private, 6);
	p = frame_of(m) + ETHER;
	if (six) {
		assert_int_equal(p[6], NET_PROTO_ICMP6);
		assert_memory_equal(p + 8, from6, 16);
		assert_memory_equal(p + 24, cause + 8, 16);
	} else {
		assert_int_equal(p[9], NET_PROTO_ICMP);
		assert_int_equal(get16(p + 2), 28 + quoted);
		assert_int_equal(net_checksum_fold(net_checksum_add(0, p, 20)), 0);
		assert_int_equal(net_checksum_fold(net_checksum_add(0, p + 20, 8 + quoted)), 0);
		assert_memory_equal(p + 12, from4, 4);
		assert_memory_equal(p + 16, cause + 12, 4);
	}
	assert_int_equal(get16(p + header), type_code);
	told = (uint32_t)get16(p + header + 4) << 16 | get16(p + header + 6);
	assert_int_equal(told, rest);
	assert_memory_equal(p + header + 8, cause, quoted);
	bed_drop(m);
}

static void too_big(void **state)
{
	struct craft c = { .tunnel = 1, .length = INNER_MOST, .df = true };
	struct craft c6 = { .tunnel = 1, .length = INNER_MOST + 1, .ip6 = true };
	struct rte_mbuf *m;
	uint8_t ip[2048];

	(void)state;
	run_inside(ip, &c); /* just fits */
	m = craft_sent(bed, 1);
	assert_non_null(m);
	bed_drop(m);
	c.length++;
	run_inside(ip, &c);
	craft_forwarded(ip);
	error_is(ip, QUOTED4, 3 << 8 | 4, INNER_MOST);
	run_inside(ip, &c6);
	craft_forwarded(ip);
	error_is(ip, 1280 - 48, 2 << 8, INNER_MOST);
	assert_int_equal(bed_drops(bed, CONTRACT_DROP_TUNNEL_MTU), 2);
}

static void ttl(void **state)
{
	struct craft c = { .tunnel = 1, .length = 60, .ttl = 1 };
	struct craft error = { .tunnel = 1, .length = 60, .ttl = 1, .protocol = NET_PROTO_ICMP };
	uint8_t ip[2048];

	(void)state;
	run_inside(ip, &c);
	error_is(ip, 60, 11 << 8, 0);
	c.ip6 = true;
	run_inside(ip, &c);
	error_is(ip, 60, 3 << 8, 0);
	craft_ip(ip, &error);
	ip[20] = 11; /* never an error about an error */
	craft_run(bed, 0, craft_frame(bed, ip, 60, false));
	assert_int_equal(path_tx(bed->path, 0)->n, 0);
	assert_int_equal(bed_drops(bed, CONTRACT_DROP_IP_TTL), 3);
}

/* Payload bytes [from, to) of an IP packet as a frame of its own. */
static struct rte_mbuf *piece_of(const uint8_t *ip, uint32_t from, uint32_t to, uint32_t n)
{
	uint8_t piece[2200];
	uint32_t field = (to < n - 20 ? NET_IP4_MF : 0) | from / 8;

	memcpy(piece, ip, 20);
	memcpy(piece + 20, ip + 20 + from, to - from);
	piece[2] = (uint8_t)((20 + to - from) >> 8);
	piece[3] = (uint8_t)(20 + to - from);
	piece[6] = (uint8_t)(field >> 8);
	piece[7] = (uint8_t)field;
	put_sum(piece);
	return craft_frame(bed, piece, 20 + to - from, true);
}

static void esp_in_pieces(void **state)
{
	struct craft c = { .tunnel = 1, .length = 1500, .inward = true };
	struct craft_outer outer = { .tunnel = 1 };
	uint8_t inner[2048];
	uint8_t esp[2200];
	struct peer_packet packet = { inner, craft_ip(inner, &c), ++sequence, 4, 0 };
	uint64_t drops = bed_drops_all(bed);
	uint32_t esp_n = (uint32_t)peer_seal(&in_sa, &packet, esp);
	struct rte_mbuf *whole = craft_esp(bed, &outer, esp, esp_n);
	const uint8_t *ip = frame_of(whole) + ETHER;
	struct rte_mbuf *m;

	(void)state;
	craft_run(bed, 1, piece_of(ip, 1400, esp_n, 20 + esp_n));
	assert_null(craft_sent(bed, 0));
	craft_run(bed, 1, piece_of(ip, 0, 800, 20 + esp_n));
	assert_null(craft_sent(bed, 0));
	craft_run(bed, 1, piece_of(ip, 800, 1400, 20 + esp_n));
	m = craft_sent(bed, 0);
	assert_non_null(m);
	craft_forwarded(inner);
	assert_int_equal(m->data_len, ETHER + 1500);
	assert_memory_equal(frame_of(m) + ETHER, inner, 1500);
	assert_int_equal(bed_drops_all(bed), drops);
	bed_drop(m);
	bed_drop(whole);
}

static void ike_in_pieces(void **state)
{
	struct craft c = { .tunnel = 1, .length = 1800, .inward = true };
	struct path_exit *punted = path_punted(bed->path);
	uint8_t ip[2048];
	uint32_t n = craft_ip(ip, &c);
	static const uint8_t us[] = { 192, 0, 2, 1 };
	static const uint8_t udp[] = { 1, 244, 1, 244, 1780 >> 8, 1780 & 255, 0, 0 };

	(void)state;
	memcpy(ip + 16, us, 4);
	memcpy(ip + 12, bed_remote(1, false).bytes, 4);
	memcpy(ip + 20, udp, 8);
	put_sum(ip);
	craft_run(bed, 1, piece_of(ip, 0, 1000, n));
	assert_int_equal(punted->n, 0);
	craft_run(bed, 1, piece_of(ip, 1000, n - 20, n));
	assert_int_equal(punted->n, 1);
	assert_int_equal(punted->packets[0]->data_len, n);
	assert_int_equal(punted->packets[0]->packet_type, CONTRACT_CLASS_IKE);
	assert_memory_equal(frame_of(punted->packets[0]) + 20, ip + 20, n - 20);
	bed_empty(punted);
	/* one that never gets whole is held; path_free() lets go of it */
	craft_run(bed, 1, piece_of(ip, 0, 1000, n));
	assert_int_equal(punted->n, 0);
}

/* "Too big" from a router about ESP that we sent with this SPI. */
static struct rte_mbuf *report(uint32_t spi, uint16_t mtu)
{
	uint8_t ip[20 + 8 + 20 + 8] = { 0x45, [3] = sizeof(ip), [8] = 60, [9] = NET_PROTO_ICMP };
	uint8_t *icmp = ip + 20;
	uint8_t *quoted = icmp + 8;
	static const uint8_t router[] = { 203, 0, 113, 9 };
	uint16_t sum;

	memcpy(ip + 12, router, 4);
	memcpy(ip + 16, bed_local(false).bytes, 4);
	icmp[0] = 3;
	icmp[1] = 4;
	icmp[6] = (uint8_t)(mtu >> 8);
	icmp[7] = (uint8_t)mtu;
	quoted[0] = 0x45;
	quoted[2] = 6;
	quoted[9] = NET_PROTO_ESP;
	memcpy(quoted + 12, bed_local(false).bytes, 4);
	memcpy(quoted + 16, bed_remote(1, false).bytes, 4);
	for (int i = 0; i < 4; i++)
		quoted[20 + i] = (uint8_t)(spi >> (24 - 8 * i));
	sum = net_checksum_fold(net_checksum_add(0, icmp, sizeof(ip) - 20));
	memcpy(icmp + 2, &sum, 2);
	put_sum(ip);
	return craft_frame(bed, ip, sizeof(ip), true);
}

static void path_mtu_told(void **state)
{
	struct path_exit *mirrored = path_mirrored(bed->path);
	struct path_event event;

	(void)state;
	while (rte_ring_dequeue_elem(bed->events, &event, sizeof(event)) == 0)
		;
	craft_run(bed, 1, report(out_sa.spi, 1400));
	assert_int_equal(mirrored->n, 0);
	assert_int_equal(bed_drops(bed, CONTRACT_DROP_PATH_MTU), 1);
	assert_int_equal(rte_ring_dequeue_elem(bed->events, &event, sizeof(event)), 0);
	assert_int_equal(event.type, CONTRACT_PATH_MTU);
	assert_int_equal(event.mtu.sa, 3);
	assert_int_equal(event.mtu.mtu, 1400);
	craft_run(bed, 1, report(out_sa.spi, 9000)); /* more than we ever send: a lie */
	assert_int_equal(bed_drops(bed, CONTRACT_DROP_PATH_MTU), 2);
	assert_int_not_equal(rte_ring_dequeue_elem(bed->events, &event, sizeof(event)), 0);
	craft_run(bed, 1, report(out_sa.spi ^ 1, 1400)); /* a guess: Linux's */
	assert_int_equal(mirrored->n, 1);
	assert_int_equal(mirrored->where[0], BED_MIRROR_PUBLIC);
	assert_int_not_equal(rte_ring_dequeue_elem(bed->events, &event, sizeof(event)), 0);
	bed_empty(mirrored);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cut_into_tunnel),
		cmocka_unit_test(too_big),
		cmocka_unit_test(ttl),
		cmocka_unit_test(esp_in_pieces),
		cmocka_unit_test(ike_in_pieces),
		cmocka_unit_test(path_mtu_told),
	};
	static const struct bed_sa sa = { .tunnel = 1, .cipher = CONTRACT_CIPHER_AES256_GCM };
	struct bed_config config = { .tunnels = 4, .buffers = 512 };
	int failed;

	test_eal_init();
	bed = bed_new(&config);
	bed_tunnel(bed, 1);
	bed_sa_add(bed, &sa);
	bed_sa_make(&in_sa, &out_sa, &sa);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	path_free(bed->path);
	bed->path = NULL;
	if (bed_in_use(bed) != 0) {
		fprintf(stderr, "%u packets lost\n", bed_in_use(bed));
		failed++;
	}
	bed_free(bed);
	return failed;
}
