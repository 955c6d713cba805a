/*
 * Every algorithm, both families inside and outside, 32-bit and extended numbers, plain and in UDP:
 * what we send the peer opens to the very bytes, what the peer sends leaves us as the very bytes.
 */
#include "../unit/cmocka_all.h"
#include "../unit/dataplane/eal.h"
#include "craft.h"
#include "dataplane/cipher/cipher.h"
#include "peer.h"

struct mode {
	enum contract_cipher cipher;
	enum contract_integrity integrity;
	uint8_t icv;
};

#define HMAC(c, hash)                                                                              \
	{                                                                                          \
		c, CONTRACT_INTEGRITY_##hash, 0                                                    \
	}
#define AEAD(c, icv)                                                                               \
	{                                                                                          \
		CONTRACT_CIPHER_##c, CONTRACT_INTEGRITY_NONE, icv                                  \
	}
#define ALL_HASHES(c)                                                                              \
	HMAC(c, SHA1_96), HMAC(c, SHA256_128), HMAC(c, SHA384_192), HMAC(c, SHA512_256)

static const struct mode modes[] = {
	AEAD(AES128_GCM, 16),
	AEAD(AES192_GCM, 16),
	AEAD(AES256_GCM, 16),
	AEAD(AES128_GCM, 8),
	AEAD(AES256_GCM, 12),
	AEAD(AES256_GCM, 8),
	AEAD(AES128_GMAC, 16),
	AEAD(AES192_GMAC, 16),
	AEAD(AES256_GMAC, 16),
	AEAD(CHACHA20_POLY1305, 16),
	AEAD(AES128_CCM, 16),
	AEAD(AES256_CCM, 16),
	AEAD(AES128_CCM, 8),
	AEAD(AES256_CCM, 12),
	ALL_HASHES(CONTRACT_CIPHER_AES128_CBC),
	ALL_HASHES(CONTRACT_CIPHER_AES192_CBC),
	ALL_HASHES(CONTRACT_CIPHER_AES256_CBC),
	ALL_HASHES(CONTRACT_CIPHER_AES128_CTR),
	ALL_HASHES(CONTRACT_CIPHER_AES192_CTR),
	ALL_HASHES(CONTRACT_CIPHER_AES256_CTR),
	ALL_HASHES(CONTRACT_CIPHER_DES3_CBC),
	ALL_HASHES(CONTRACT_CIPHER_NULL),
	HMAC(CONTRACT_CIPHER_AES128_CBC, AES_CMAC_96),
};

static struct bed *bed;
static uint32_t next_tunnel;

static uint32_t tunnel_new(const struct mode *mode, uint32_t flags, bool ip6, uint64_t sequence)
{
	uint32_t t = ++next_tunnel;
	struct bed_sa sa = { .tunnel = t,
			     .cipher = mode->cipher,
			     .integrity = mode->integrity,
			     .icv = mode->icv,
			     .flags = flags,
			     .ip6 = ip6,
			     .sequence = sequence };

	bed_tunnel(bed, t);
	bed_sa_add(bed, &sa);
	return t;
}

static void sas_of(uint32_t t, const struct mode *mode, uint32_t flags, bool ip6,
		   struct contract_sa *in, struct contract_sa *out)
{
	struct bed_sa sa = { .tunnel = t,
			     .cipher = mode->cipher,
			     .integrity = mode->integrity,
			     .icv = mode->icv,
			     .flags = flags,
			     .ip6 = ip6 };

	bed_sa_make(in, out, &sa);
}

/* FNV-1a of addresses and SPI, folded to 20 bits. */
static uint32_t label_of(const struct contract_sa *out)
{
	uint8_t bytes[36];
	uint32_t spi_be = __builtin_bswap32(out->spi);
	uint64_t digest = UINT64_C(0xcbf29ce484222325);

	memcpy(bytes, out->local.bytes, 16);
	memcpy(bytes + 16, out->remote.bytes, 16);
	memcpy(bytes + 32, &spi_be, 4);
	for (uint32_t i = 0; i < sizeof(bytes); i++)
		digest = (digest ^ bytes[i]) * UINT64_C(0x100000001b3);
	return (uint32_t)(digest ^ digest >> 20 ^ digest >> 40 ^ digest >> 60) & 0xfffff;
}

/* Outer header as it must be; gives where ESP begins. */
static uint32_t outer_check(const uint8_t *frame, uint32_t n, uint32_t t,
			    const struct contract_sa *out)
{
	uint32_t flags = out->flags;
	bool ip6 = out->local.family == NET_IP6;
	const struct net_ether_hdr *ether = (const struct net_ether_hdr *)frame;
	const uint8_t *ip = frame + sizeof(*ether);
	uint32_t at = ip6 ? 40 : 20;
	struct net_addr local = bed_local(ip6);
	struct net_addr remote = bed_remote(t, ip6);

	assert_memory_equal(ether->dst, bed_mac_gateway_public, 6);
	assert_memory_equal(ether->src, bed_mac_public, 6);
	assert_int_equal(ip[0] >> 4, ip6 ? 6 : 4);
	if (ip6) {
		assert_int_equal((ip[1] & 15) << 16 | ip[2] << 8 | ip[3], label_of(out));
		assert_int_equal(ip[4] << 8 | ip[5], n - 14 - 40);
		assert_memory_equal(ip + 8, local.bytes, 16);
		assert_memory_equal(ip + 24, remote.bytes, 16);
		assert_int_equal(ip[6], flags & CONTRACT_SA_UDP ? 17 : 50);
	} else {
		assert_int_equal(ip[2] << 8 | ip[3], n - 14);
		assert_memory_equal(ip + 12, local.bytes, 4);
		assert_memory_equal(ip + 16, remote.bytes, 4);
		assert_int_equal(ip[9], flags & CONTRACT_SA_UDP ? 17 : 50);
		assert_int_equal(net_checksum_fold(net_checksum_add(0, ip, 20)), 0);
	}
	if (flags & CONTRACT_SA_UDP) {
		assert_int_equal(ip[at + 2] << 8 | ip[at + 3], 4500);
		assert_int_equal(ip[at + 4] << 8 | ip[at + 5], n - 14 - at);
		at += 8;
	}
	return 14 + at;
}

static void out_one(uint32_t t, const struct contract_sa *out, const struct craft *c,
		    uint64_t sequence)
{
	uint8_t inner[2048];
	uint8_t opened[2048];
	uint8_t next_header;
	uint32_t n = craft_ip(inner, c);
	struct rte_mbuf *m;
	const uint8_t *frame;
	uint32_t esp;
	uint32_t low;
	int got;

	craft_run(bed, 0, craft_frame(bed, inner, n, false));
	m = craft_sent(bed, 1);
	assert_non_null(m);
	frame = rte_pktmbuf_mtod(m, const uint8_t *);
	esp = outer_check(frame, m->data_len, t, out);
	memcpy(&low, frame + esp + 4, 4);
	assert_int_equal(__builtin_bswap32(low), (uint32_t)sequence);
	got = peer_open(out, frame + esp, m->data_len - esp, (uint32_t)(sequence >> 32), opened,
			&next_header);
	craft_forwarded(inner);
	assert_int_equal(got, n);
	assert_memory_equal(opened, inner, n);
	assert_int_equal(next_header, c->ip6 ? 41 : 4);
	bed_drop(m);
}

static void in_one(uint32_t t, const struct contract_sa *in, const struct craft *c,
		   uint64_t sequence, uint16_t port)
{
	uint8_t inner[2048];
	uint8_t esp[2200];
	uint32_t n = craft_ip(inner, c);
	struct peer_packet p = { inner, n, sequence, c->ip6 ? 41 : 4, 0 };
	struct craft_outer outer = { t, in->local.family == NET_IP6, port, 0 };
	const struct net_ether_hdr *ether;
	struct rte_mbuf *m;
	int bytes = peer_seal(in, &p, esp);

	craft_run(bed, 1, craft_esp(bed, &outer, esp, (uint32_t)bytes));
	m = craft_sent(bed, 0);
	assert_non_null(m);
	ether = rte_pktmbuf_mtod(m, const struct net_ether_hdr *);
	assert_memory_equal(ether->dst, bed_mac_gateway_private, 6);
	assert_memory_equal(ether->src, bed_mac_private, 6);
	craft_forwarded(inner);
	assert_int_equal(m->data_len, n + sizeof(*ether));
	assert_memory_equal(ether + 1, inner, n);
	bed_drop(m);
	/* the same once more is a replay */
	craft_run(bed, 1, craft_esp(bed, &outer, esp, (uint32_t)bytes));
	assert_null(craft_sent(bed, 0));
}

static void both_ways(const struct mode *mode, uint32_t flags, bool outer6)
{
	static const uint32_t sizes[] = { 64, 65, 66, 67, 71, 128, 512, 1001, 1420 };
	uint64_t base = flags & CONTRACT_SA_ESN ? UINT64_C(0x1fffffffc) : 0;
	uint32_t t = tunnel_new(mode, flags, outer6, base);
	uint64_t replays = bed_drops(bed, CONTRACT_DROP_ESP_REPLAY_SEEN);
	struct contract_sa in;
	struct contract_sa out;
	uint64_t sequence = base;

	sas_of(t, mode, flags, outer6, &in, &out);
	for (uint32_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct craft c = { .tunnel = t, .length = sizes[i], .ip6 = i & 1 };

		out_one(t, &out, &c, ++sequence);
		c.inward = true;
		in_one(t, &in, &c, sequence, flags & CONTRACT_SA_UDP ? 4500 : 0);
	}
	assert_int_equal(bed_drops(bed, CONTRACT_DROP_ESP_REPLAY_SEEN) - replays,
			 sizeof(sizes) / sizeof(sizes[0]));
}

static void every_algorithm(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
		for (uint32_t shape = 0; shape < 8; shape++) {
			uint32_t flags = (shape & 1 ? CONTRACT_SA_ESN : 0) |
					 (shape & 2 ? CONTRACT_SA_UDP : 0);

			both_ways(&modes[i], flags, shape & 4);
		}
	}
}

/* The first word of the outer header that a packet with these inner ports and this TOS gets. */
static uint32_t first_word(uint32_t t, uint16_t flow, bool ip6, uint8_t tos)
{
	struct craft c = { .tunnel = t, .length = 120, .flow = flow, .ip6 = ip6, .tos = tos };
	struct rte_mbuf *m;
	uint32_t word_be;

	craft_run(bed, 0, craft_inside(bed, &c));
	m = craft_sent(bed, 1);
	assert_non_null(m);
	memcpy(&word_be, rte_pktmbuf_mtod_offset(m, uint8_t *, 14), sizeof(word_be));
	bed_drop(m);
	return __builtin_bswap32(word_be);
}

/* RFC 6437: the label is the SA's, whatever flows are inside, and moves with its addresses. */
static void flow_label(void **state)
{
	uint32_t t = tunnel_new(&modes[0], 0, true, 0);
	uint32_t other = tunnel_new(&modes[0], CONTRACT_SA_UDP, true, 0);
	struct contract_sa in;
	struct contract_sa out;
	uint32_t label;

	(void)state;
	sas_of(t, &modes[0], 0, true, &in, &out);
	label = label_of(&out);
	assert_true(label > 0);
	for (uint16_t flow = 0; flow < 40; flow++) {
		assert_int_equal(first_word(t, flow, flow & 1, 0), 6u << 28 | label);
		assert_int_equal(first_word(t, flow, flow & 1, 0xb8), 0x6b800000 | label);
	}
	assert_int_not_equal(first_word(other, 0, false, 0) & 0xfffff, label);
	out.remote.bytes[15] ^= 1;
	assert_int_equal(bed_put(bed, CONTRACT_SA, 2 * t + 1, &out, sizeof(out)), 0);
	assert_int_equal(first_word(t, 0, false, 0), 6u << 28 | label_of(&out));
	assert_int_not_equal(label_of(&out), label);
}

/* 72: ESP in UDP without a NAT, and plain ESP where UDP is used. */
static void item_72_either_form_is_taken(void **state)
{
	struct contract_sa in;
	struct contract_sa out;

	(void)state;
	for (int udp = 0; udp < 2; udp++) {
		uint32_t flags = udp ? CONTRACT_SA_UDP : 0;
		uint32_t t = tunnel_new(&modes[0], flags, false, 0);
		struct craft c = { .tunnel = t, .length = 100, .inward = true };

		sas_of(t, &modes[0], flags, false, &in, &out);
		in_one(t, &in, &c, 1, udp ? 0 : 4500);
		in_one(t, &in, &c, 2, udp ? 4500 : 0);
	}
}

/* A packet whose every byte is changed once is never let through. */
static void forgeries(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
		uint32_t t = tunnel_new(&modes[i], CONTRACT_SA_ESN, false, 0);
		struct craft c = { .tunnel = t, .length = 80, .inward = true };
		struct craft_outer outer = { t, false, 0, 0 };
		struct contract_sa in;
		struct contract_sa out;
		uint8_t inner[128];
		uint8_t esp[300];
		struct peer_packet p = { inner, craft_ip(inner, &c), 5, 4, 0 };
		struct rte_mbuf *good;
		int n;

		sas_of(t, &modes[i], CONTRACT_SA_ESN, false, &in, &out);
		n = peer_seal(&in, &p, esp);
		for (int at = 0; at < n; at++) {
			esp[at] ^= 0x40;
			craft_run(bed, 1, craft_esp(bed, &outer, esp, (uint32_t)n));
			esp[at] ^= 0x40;
			assert_null(craft_sent(bed, 0));
		}
		craft_run(bed, 1, craft_esp(bed, &outer, esp, (uint32_t)n));
		good = craft_sent(bed, 0);
		assert_non_null(good);
		bed_drop(good);
		assert_int_equal(bed_drops(bed, CONTRACT_DROP_NO_BUFFER), 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_algorithm),
		cmocka_unit_test(flow_label),
		cmocka_unit_test(item_72_either_form_is_taken),
		cmocka_unit_test(forgeries),
	};
	struct bed_config config = { .tunnels = 1000, .buffers = 512 };
	int failed;

	test_eal_init();
	bed = bed_new(&config);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	bed_free(bed);
	return failed;
}
