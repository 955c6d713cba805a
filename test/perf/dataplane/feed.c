#include "feed.h"

#include "dataplane/esp/outbound.h"
#include "peer.h"

#include <rte_cycles.h>
#include <rte_malloc.h>
#include <rte_mbuf.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define SEQUENCE_BASE UINT64_C(0x180000000)

uint64_t feed_now(const struct feed *feed)
{
	struct timespec now;

	if (!feed->load.own_time)
		return rte_rdtsc();
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return (uint64_t)(((double)now.tv_sec + (double)now.tv_nsec / 1e9) *
			  (double)rte_get_tsc_hz());
}

static uint32_t size_of(const struct load *load, uint32_t i)
{
	static const uint16_t imix[12] = { 64, 512, 64, 64, 512, 64, 1420, 64, 512, 64, 512, 64 };

	return load->size ? load->size : imix[i % 12];
}

static void inner_make(struct feed *feed, struct feed_slot *s, uint32_t i)
{
	const struct load *load = &feed->load;
	struct craft c = { .tunnel = s->tunnel,
			   .length = size_of(load, i),
			   .flow = (uint16_t)(i % load->flows),
			   .inward = load->work == WORK_IN };
	struct net_ip4_hdr *ip;

	s->inner = malloc(c.length);
	s->inner_length = craft_ip(s->inner, &c);
	ip = (struct net_ip4_hdr *)s->inner;
	if (load->work == WORK_PLAIN) {
		ip->dst[0] = 203;
		ip->checksum_be = 0;
		ip->checksum_be = net_checksum_fold(net_checksum_add(0, ip, sizeof(*ip)));
	}
	if (load->flows > 1) { /* other hosts at both ends, not only other ports */
		ip->src[3] = (uint8_t)(1 + i % load->flows % 250);
		ip->dst[3] = (uint8_t)(1 + i % load->flows / 4 % 250);
		ip->checksum_be = 0;
		ip->checksum_be = net_checksum_fold(net_checksum_add(0, ip, sizeof(*ip)));
	}
}

static void slot_frame(struct feed *feed, struct feed_slot *s)
{
	struct craft_outer outer = { .tunnel = s->tunnel };
	uint8_t esp[2048] = { 0 };
	uint32_t spi_be = rte_cpu_to_be_32(contract_spi(1, 2 * s->tunnel));
	uint32_t text =
		esp_align(s->inner_length + ESP_TRAILER, feed->suite ? feed->suite->block : 4);
	struct rte_mbuf *m;

	if (feed->load.work == WORK_IN) {
		memcpy(esp, &spi_be, 4);
		m = craft_esp(feed->bed, &outer, esp,
			      ESP_HDR + feed->suite->iv_bytes + text + feed->suite->tag_bytes);
	} else {
		m = craft_frame(feed->bed, s->inner, s->inner_length, false);
	}
	s->m = m;
	s->at = m->data_off;
	s->length = m->data_len;
	memcpy(s->head, rte_pktmbuf_mtod(m, uint8_t *), sizeof(s->head));
}

/* The peer's side of the inbound SAs: the same keys, its own counter. */
static void peers_make(struct feed *feed)
{
	struct bed *bed = feed->bed;

	for (uint32_t t = 1; t <= feed->load.tunnels; t++) {
		const struct sa_inbound *in = &sa_slot(sa_hot(bed->sas), 2 * t)->in;
		struct bed_sa sa = { .tunnel = t,
				     .cipher = feed->load.cipher,
				     .integrity = feed->load.integrity };
		struct contract_sa sa_in;
		struct contract_sa sa_out;

		feed->peers[t] =
			(struct sa_outbound){ .seal = feed->suite->seal,
					      .key = feed->keys + (size_t)t * SA_KEY_STRIDE,
					      .salt = in->salt,
					      .flags = SA_ESN | (feed->suite->aead ? SA_AEAD : 0),
					      .iv_bytes = in->iv_bytes,
					      .tag_bytes = in->tag_bytes,
					      .block = in->block,
					      .salt_bytes = in->salt_bytes,
					      .head_bytes = 20 };
		bed_sa_make(&sa_in, &sa_out, &sa);
		cipher_expand(feed->lane, feed->suite, sa_in.key, sa_in.integrity_key,
			      feed->keys + (size_t)t * SA_KEY_STRIDE);
		if (feed->suite->random_iv)
			feed->peers[t].flags |= SA_RANDOM_IV;
		feed->numbers[t] = SEQUENCE_BASE;
	}
}

struct feed *feed_new(struct bed *bed, const struct load *load)
{
	struct feed *feed = calloc(1, sizeof(*feed));

	feed->bed = bed;
	feed->load = *load;
	feed->slots = calloc(load->pool, sizeof(*feed->slots));
	feed->packets = calloc(load->pool, sizeof(*feed->packets));
	feed->peers = aligned_alloc(64, (load->tunnels + 1) * sizeof(*feed->peers));
	feed->numbers = calloc(load->tunnels + 1, sizeof(*feed->numbers));
	if (load->work != WORK_PLAIN)
		feed->suite = cipher_suite_find(load->cipher, load->integrity, 0);
	if (cipher_lane_new(&feed->lane))
		exit(1);
	for (uint32_t i = 0; i < load->pool; i++) {
		feed->slots[i].tunnel = 1 + i % load->tunnels;
		inner_make(feed, &feed->slots[i], i);
		slot_frame(feed, &feed->slots[i]);
		feed->packets[i] = feed->slots[i].m;
	}
	if (load->work == WORK_IN) {
		feed->keys =
			rte_zmalloc("feed_keys", (size_t)(load->tunnels + 1) * SA_KEY_STRIDE, 64);
		peers_make(feed);
		feed->stock = rte_zmalloc("feed_stock", FEED_STOCK * sizeof(*feed->stock), 64);
	}
	return feed;
}

void feed_free(struct feed *feed)
{
	for (uint32_t i = 0; i < feed->load.pool; i++) {
		free(feed->slots[i].inner);
		rte_pktmbuf_free(feed->slots[i].m);
	}
	cipher_lane_free(feed->lane);
	rte_free(feed->stock);
	rte_free(feed->keys);
	free(feed->slots);
	free(feed->packets);
	free(feed->peers);
	free(feed->numbers);
	free(feed);
}

static void place(struct feed_slot *s)
{
	s->m->data_off = s->at;
	s->m->data_len = s->length;
	s->m->pkt_len = s->length;
	s->m->ol_flags = 0;
}

/* The addresses of the slot's tunnel, inside and outside. */
static void inner_patch(struct feed *feed, struct feed_slot *s)
{
	struct net_ip4_hdr *ip = (struct net_ip4_hdr *)s->inner;
	struct net_addr remote = bed_remote(s->tunnel, false);
	uint32_t net = rte_cpu_to_be_32(bed_tunnel_net(s->tunnel));

	if (feed->load.work == WORK_PLAIN)
		return;
	memcpy(feed->load.work == WORK_IN ? ip->src : ip->dst, &net, 3);
	ip->checksum_be = 0;
	ip->checksum_be = net_checksum_fold(net_checksum_add(0, ip, sizeof(*ip)));
	if (feed->load.work != WORK_IN)
		return;
	ip = (struct net_ip4_hdr *)(s->head + 14);
	memcpy(ip->src, remote.bytes, 4);
	ip->checksum_be = 0;
	ip->checksum_be = net_checksum_fold(net_checksum_add(0, ip, sizeof(*ip)));
}

/* Consecutive packets are of different tunnels, over all of them whatever the number of buffers. */
static void next_tunnel(struct feed *feed, struct feed_slot *s)
{
	if (feed->load.tunnels == 1)
		return;
	s->tunnel = 1 + feed->turn++ % feed->load.tunnels;
	inner_patch(feed, s);
}

/* As the peer sends it: our own transform over a copy of the inner packet, into `frame`. */
static void build_in(struct feed *feed, struct feed_slot *s, uint8_t *frame, struct cipher_op *op)
{
	const struct sa_outbound *peer = &feed->peers[s->tunnel];
	uint8_t *ip = frame + 14;
	uint8_t *text = ip + 20 + ESP_HDR + peer->iv_bytes;
	struct esp_inner inner = { .text = text, .length = s->inner_length };
	uint32_t spi_be = rte_cpu_to_be_32(contract_spi(1, 2 * s->tunnel));

	memcpy(text, s->inner, s->inner_length);
	if (peer->flags & SA_RANDOM_IV)
		cipher_random(feed->lane, text - peer->iv_bytes, peer->iv_bytes);
	esp_build(op, peer, ESP_FORM_OF(peer, ESP_FORM_FLAGS), s->sequence, &inner);
	memcpy(frame, s->head, 34);
	memcpy(ip + 20, &spi_be, 4);
	memcpy(op->aad, &spi_be, 4);
}

static void stock_up(struct feed *feed)
{
	struct cipher_op ops[32];

	for (uint32_t i = 0; i < FEED_STOCK; i += 32) {
		for (uint32_t k = 0; k < 32; k++) {
			struct feed_stock *stock = &feed->stock[i + k];
			struct feed_slot *s = &feed->slots[(i + k) % feed->load.pool];

			next_tunnel(feed, s);
			s->sequence = ++feed->numbers[s->tunnel];
			stock->tunnel = s->tunnel;
			stock->sequence = s->sequence;
			build_in(feed, s, stock->frame, &ops[k]);
		}
		feed->suite->seal(feed->lane, ops, 32);
	}
	feed->stock_left = FEED_STOCK;
}

static void refill_in(struct feed *feed)
{
	for (uint32_t i = 0; i < feed->load.pool; i++) {
		struct feed_slot *s = &feed->slots[i];
		const struct feed_stock *stock;

		if (!feed->stock_left)
			stock_up(feed);
		stock = &feed->stock[FEED_STOCK - feed->stock_left--];
		s->tunnel = stock->tunnel;
		s->sequence = stock->sequence;
		place(s);
		memcpy(rte_pktmbuf_mtod(s->m, uint8_t *), stock->frame, s->length);
	}
}

void feed_refill(struct feed *feed)
{
	if (feed->load.work == WORK_IN) {
		refill_in(feed);
		return;
	}
	for (uint32_t i = 0; i < feed->load.pool; i++) {
		struct feed_slot *s = &feed->slots[i];

		place(s);
		next_tunnel(feed, s);
		memcpy(rte_pktmbuf_mtod(s->m, uint8_t *), s->head, 14);
		memcpy(rte_pktmbuf_mtod(s->m, uint8_t *) + 14, s->inner, s->inner_length);
	}
}

static int verify_out(struct feed *feed, const struct feed_slot *s, const uint8_t *frame,
		      uint32_t n)
{
	struct bed_sa sa = { .tunnel = s->tunnel,
			     .cipher = feed->load.cipher,
			     .integrity = feed->load.integrity,
			     .flags = CONTRACT_SA_ESN };
	struct contract_sa in;
	struct contract_sa out;
	uint8_t opened[2200];
	uint8_t expected[2048];
	uint8_t next_header;
	int got;

	bed_sa_make(&in, &out, &sa);
	got = peer_open(&out, frame + 34, n - 34, (uint32_t)(SEQUENCE_BASE >> 32), opened,
			&next_header);
	memcpy(expected, s->inner, s->inner_length);
	craft_forwarded(expected);
	return got == (int)s->inner_length && next_header == 4 &&
			       memcmp(opened, expected, s->inner_length) == 0
		       ? 0
		       : -1;
}

/* The same packet sealed by OpenSSL for the same number must have been good too: it is opened by
 * OpenSSL and compared with what left the path. */
static int verify_in(struct feed *feed, struct feed_slot *s, const uint8_t *frame, uint32_t n)
{
	struct bed_sa sa = { .tunnel = s->tunnel,
			     .cipher = feed->load.cipher,
			     .integrity = feed->load.integrity,
			     .flags = CONTRACT_SA_ESN };
	struct contract_sa in;
	struct contract_sa out;
	uint8_t left[2200];
	uint8_t opened[2200];
	uint8_t next_header;
	struct cipher_op op;
	uint32_t esp = 34;
	int got;

	memcpy(left, frame + 14, n - 14);
	bed_sa_make(&in, &out, &sa);
	place(s);
	inner_patch(feed, s);
	build_in(feed, s, rte_pktmbuf_mtod(s->m, uint8_t *), &op);
	feed->suite->seal(feed->lane, &op, 1);
	got = peer_open(&in, rte_pktmbuf_mtod(s->m, uint8_t *) + esp, s->length - esp,
			(uint32_t)(s->sequence >> 32), opened, &next_header);
	if (got != (int)s->inner_length)
		return -1;
	craft_forwarded(opened);
	return n - 14 == s->inner_length && memcmp(opened, left, s->inner_length) == 0 ? 0 : -1;
}

static int verify_plain(const struct feed_slot *s, const uint8_t *frame, uint32_t n)
{
	uint8_t expected[2048];

	memcpy(expected, s->inner, s->inner_length);
	craft_forwarded(expected);
	return n - 14 == s->inner_length && memcmp(frame + 14, expected, s->inner_length) == 0 ? 0
											       : -1;
}

static int verify_one(struct feed *feed, struct feed_slot *s, const struct rte_mbuf *m)
{
	uint8_t frame[2200];
	uint32_t n = m->data_len;

	if (m != s->m)
		return -1;
	memcpy(frame, rte_pktmbuf_mtod(m, uint8_t *), n);
	if (feed->load.work == WORK_OUT)
		return verify_out(feed, s, frame, n);
	return feed->load.work == WORK_IN ? verify_in(feed, s, frame, n)
					  : verify_plain(s, frame, n);
}

/* Each packet at most once: checking an inbound one writes over it. */
int feed_verify(struct feed *feed, struct rte_mbuf **out, uint32_t count)
{
	uint32_t left = feed->load.pool;

	for (uint32_t i = 0; i < feed->load.pool && count; i++, left--) {
		if ((uint32_t)rand() % left >= count)
			continue;
		if (verify_one(feed, &feed->slots[i], out[i]))
			return -1;
		count--;
	}
	return 0;
}
