#include "dataplane/frag/reassemble.h"

#include "dataplane/frag/table.h"
#include "net/addr.h"
#include "net/checksum.h"
#include "net/header.h"

#include <rte_byteorder.h>
#include <rte_mbuf.h>

#include <string.h>

#define IP6_FRAGMENT_BYTES 8
#define ECN_CE 3
#define ECN_SEEN(field) (1u << (field))

enum placed { PLACED, REPEATED, OVERLAPS };

/* Where it goes in the order of starts: behind *after (FRAG_NONE: in front). */
static enum placed place(const struct frag_table *t, const struct frag_datagram *d, uint32_t start,
			 uint32_t length, uint32_t *after)
{
	uint32_t at = d->first;

	*after = FRAG_NONE;
	if (d->last != FRAG_NONE && t->pieces[d->last].start < start) {
		*after = d->last; /* mostly they come in order */
		at = FRAG_NONE;
	}
	for (; at != FRAG_NONE && t->pieces[at].start < start; at = t->pieces[at].next)
		*after = at;
	if (*after != FRAG_NONE) {
		const struct frag_piece *before = &t->pieces[*after];

		if (before->start + before->length > start)
			return OVERLAPS;
	}
	if (at == FRAG_NONE)
		return PLACED;
	if (t->pieces[at].start == start && t->pieces[at].length == length)
		return REPEATED;
	return t->pieces[at].start < start + length ? OVERLAPS : PLACED;
}

/* Two ends, or bytes behind the end, are overlaps too: of what was said before. */
static bool end_agrees(const struct frag_table *t, const struct frag_datagram *d,
		       const struct frag_piece_info *info)
{
	uint32_t end = info->start + info->length;

	if (d->total)
		return info->more ? end < d->total : end == d->total;
	if (info->more || d->last == FRAG_NONE)
		return true;
	return t->pieces[d->last].start + t->pieces[d->last].length <= end;
}

static void insert(struct frag_table *t, struct frag_datagram *d, uint32_t piece, uint32_t after)
{
	struct frag_piece *p = &t->pieces[piece];

	if (after == FRAG_NONE) {
		p->next = d->first;
		d->first = piece;
	} else {
		p->next = t->pieces[after].next;
		t->pieces[after].next = piece;
	}
	if (p->next == FRAG_NONE)
		d->last = piece;
	d->count++;
	d->received += p->length;
}

static void trim_to(struct rte_mbuf *m, uint32_t bytes)
{
	struct rte_mbuf *last = m;
	uint32_t seen = 0;

	for (m->pkt_len = bytes; last; last = last->next) {
		if (seen + last->data_len >= bytes)
			break;
		seen += last->data_len;
	}
	if (!last)
		return;
	last->data_len = (uint16_t)(bytes - seen);
	rte_pktmbuf_free(last->next);
	last->next = NULL;
	m->nb_segs = 1;
	for (const struct rte_mbuf *s = m; s != last; s = s->next)
		m->nb_segs++;
}

static void cut_front(struct rte_mbuf *m, uint32_t bytes)
{
	/* Headers were in the first segment: it has these bytes. */
	m->data_off = (uint16_t)(m->data_off + bytes);
	m->data_len = (uint16_t)(m->data_len - bytes);
	m->pkt_len -= bytes;
}

static void append(struct rte_mbuf *head, struct rte_mbuf *m)
{
	struct rte_mbuf *last = rte_pktmbuf_lastseg(head);

	if (head->nb_segs == 1 && rte_pktmbuf_tailroom(head) >= m->pkt_len) {
		uint8_t *to = rte_pktmbuf_mtod_offset(head, uint8_t *, head->data_len);

		for (const struct rte_mbuf *s = m; s; s = s->next) {
			memcpy(to, rte_pktmbuf_mtod(s, const uint8_t *), s->data_len);
			to += s->data_len;
		}
		head->data_len = (uint16_t)(head->data_len + m->pkt_len);
		head->pkt_len += m->pkt_len;
		rte_pktmbuf_free(m);
		return;
	}
	last->next = m;
	head->nb_segs = (uint16_t)(head->nb_segs + m->nb_segs);
	head->pkt_len += m->pkt_len;
}

static void finish4(uint8_t *p, const struct frag_datagram *d)
{
	struct net_ip4_hdr *ip = (struct net_ip4_hdr *)p;

	if (d->ecn & ECN_SEEN(ECN_CE))
		ip->tos |= ECN_CE;
	ip->length_be = rte_cpu_to_be_16((uint16_t)(d->header + d->total));
	ip->fragment_be = 0;
	ip->checksum_be = 0;
	ip->checksum_be = net_checksum_fold(net_checksum_add(0, ip, d->header));
}

/* The fragment header goes: what is before it moves up. */
static void finish6(struct rte_mbuf *head, uint32_t l3, const struct frag_datagram *d)
{
	uint8_t *p = rte_pktmbuf_mtod(head, uint8_t *);
	uint32_t before = l3 + d->header - IP6_FRAGMENT_BYTES;
	uint32_t payload = d->header - IP6_FRAGMENT_BYTES - (uint32_t)sizeof(struct net_ip6_hdr);
	struct net_ip6_hdr *ip;

	memmove(p + IP6_FRAGMENT_BYTES, p, before);
	cut_front(head, IP6_FRAGMENT_BYTES);
	p += IP6_FRAGMENT_BYTES + l3;
	p[d->next_at] = d->next_header;
	ip = (struct net_ip6_hdr *)p;
	if (d->ecn & ECN_SEEN(ECN_CE))
		p[1] |= ECN_CE << 4;
	ip->payload_length_be = rte_cpu_to_be_16((uint16_t)(payload + d->total));
}

static struct rte_mbuf *assemble(struct frag_table *t, struct frag_datagram *d)
{
	struct frag_piece *first = &t->pieces[d->first];
	struct rte_mbuf *head = first->m;
	uint32_t l3 = first->l3;

	trim_to(head, first->payload_at + first->length);
	for (uint32_t at = first->next; at != FRAG_NONE; at = t->pieces[at].next) {
		struct frag_piece *p = &t->pieces[at];

		trim_to(p->m, p->payload_at + p->length);
		cut_front(p->m, p->payload_at);
		append(head, p->m);
		p->m = NULL;
	}
	first->m = NULL;
	if (d->key.family == NET_IP4)
		finish4(rte_pktmbuf_mtod_offset(head, uint8_t *, l3), d);
	else
		finish6(head, l3, d);
	head->ol_flags &= ~(uint64_t)(RTE_MBUF_F_RX_IP_CKSUM_MASK | RTE_MBUF_F_RX_L4_CKSUM_MASK);
	t->counts.whole++;
	frag_table_del(t, d);
	return head;
}

static void refuse(struct frag_table *t, struct frag_datagram *d, struct rte_mbuf *m,
		   uint64_t *count, uint32_t *dropped)
{
	uint32_t n = 1 + frag_table_empty(t, d);

	rte_pktmbuf_free(m);
	d->refused = true;
	*count += n;
	*dropped += n;
}

static void drop(struct rte_mbuf *m, uint64_t *count, uint32_t *dropped)
{
	rte_pktmbuf_free(m);
	(*count)++;
	(*dropped)++;
}

static void note(struct frag_datagram *d, const struct frag_piece_info *info)
{
	if (info->start == 0) {
		d->header = info->header;
		d->next_at = info->next_at;
		d->next_header = info->next_header;
	}
	if (!info->more)
		d->total = info->start + info->length;
	d->ecn |= (uint8_t)ECN_SEEN(info->ecn);
}

/* A header with options and all pieces may together exceed what a length field holds. */
static bool too_long(const struct frag_datagram *d)
{
	uint32_t counted = d->key.family == NET_IP4
				   ? d->header
				   : d->header - IP6_FRAGMENT_BYTES - sizeof(struct net_ip6_hdr);

	return d->total + counted > UINT16_MAX;
}

/* RFC 3168 section 5.3: congestion was marked, and the whole packet could not say so. */
static bool mark_is_lost(const struct frag_datagram *d)
{
	return d->ecn & ECN_SEEN(0) && d->ecn & ECN_SEEN(ECN_CE);
}

static struct rte_mbuf *add_piece(struct frag_table *t, struct frag_datagram *d, struct rte_mbuf *m,
				  const struct frag_piece_info *info, uint32_t l3,
				  uint32_t *dropped)
{
	enum placed placed;
	uint32_t after;
	uint32_t piece;

	placed = place(t, d, info->start, info->length, &after);
	if (placed == REPEATED) {
		drop(m, &t->counts.repeated, dropped);
		return NULL;
	}
	if (placed == OVERLAPS || !end_agrees(t, d, info)) {
		refuse(t, d, m, &t->counts.overlap, dropped);
		return NULL;
	}
	piece = d->count < FRAG_PIECES_MAX ? frag_table_piece(t, d, dropped) : FRAG_NONE;
	if (piece == FRAG_NONE) {
		refuse(t, d, m, &t->counts.too_many, dropped);
		return NULL;
	}
	t->pieces[piece] = (struct frag_piece){
		.m = m,
		.start = info->start,
		.length = info->length,
		.payload_at = (uint16_t)(l3 + info->header),
		.l3 = (uint16_t)l3,
	};
	insert(t, d, piece, after);
	note(d, info);
	if (d->total == 0 || d->received < d->total)
		return NULL;
	if (too_long(d) || mark_is_lost(d)) {
		uint32_t n = frag_table_empty(t, d);

		d->refused = true;
		t->counts.malformed += n;
		*dropped += n;
		return NULL;
	}
	return assemble(t, d);
}

/* RFC 6946: a fragment that is the whole packet is not mixed with others of its id. */
static struct rte_mbuf *whole_alone(struct frag_table *t, struct rte_mbuf *m,
				    const struct frag_piece_info *info, uint32_t l3)
{
	struct frag_datagram d = { 0 };

	note(&d, info);
	trim_to(m, l3 + info->header + info->length);
	finish6(m, l3, &d);
	t->counts.whole++;
	return m;
}

struct rte_mbuf *frag_reassemble(struct frag_table *t, struct rte_mbuf *m, uint32_t l3,
				 uint32_t domain, uint64_t now_tsc, uint32_t *dropped)
{
	const uint8_t *ip = rte_pktmbuf_mtod_offset(m, const uint8_t *, l3);
	struct frag_piece_info info;
	struct frag_datagram *d;
	uint32_t hash;

	if (m->data_len <= l3 || !frag_piece_read(&info, ip, m->data_len - l3, m->pkt_len - l3)) {
		drop(m, &t->counts.malformed, dropped);
		return NULL;
	}
	if (info.key.family == NET_IP6 && info.start == 0 && !info.more)
		return whole_alone(t, m, &info, l3);
	info.key.domain = domain;
	d = frag_table_find(t, &info.key, &hash);
	if (d && now_tsc - d->born_tsc > t->timeout_tsc) {
		uint32_t n = frag_table_empty(t, d);

		t->counts.timeout += n;
		*dropped += n;
		frag_table_del(t, d);
		d = NULL;
	}
	if (!d)
		d = frag_table_add(t, &info.key, hash, now_tsc, dropped);
	if (d->refused) {
		drop(m, &t->counts.overlap, dropped);
		return NULL;
	}
	return add_piece(t, d, m, &info, l3, dropped);
}

uint32_t frag_expire(struct frag_table *t, uint64_t now_tsc, uint32_t budget)
{
	uint32_t dropped = 0;

	while (budget-- && t->oldest != FRAG_NONE) {
		struct frag_datagram *d = &t->datagrams[t->oldest];
		uint32_t n;

		if (now_tsc - d->born_tsc <= t->timeout_tsc)
			break;
		n = frag_table_empty(t, d);
		t->counts.timeout += n;
		dropped += n;
		frag_table_del(t, d);
	}
	return dropped;
}
