#include "dataplane/nodes/path_watch_record.h"

#include <rte_mbuf.h>
#include <rte_mbuf_dyn.h>
#include <rte_ring.h>

#include <errno.h>

struct mark {
	uint32_t captures;
	uint32_t packet;
};

int path_watch_init(struct path *path)
{
	static const struct rte_mbuf_dynfield field = { .name = "vpngw_trace",
							.size = sizeof(struct mark),
							.align = 4 };
	static const struct rte_mbuf_dynflag flag = { .name = "vpngw_trace" };
	int bit = rte_mbuf_dynflag_register(&flag);

	path->trace_field = rte_mbuf_dynfield_register(&field);
	if (bit < 0 || path->trace_field < 0)
		return -ENOSPC;
	path->trace_flag = UINT64_C(1) << bit;
	return 0;
}

bool path_watch_marked(const struct path *path, const struct rte_mbuf *m)
{
	return m && m->ol_flags & path->trace_flag;
}

static struct mark *mark_of(const struct path *path, const struct rte_mbuf *m)
{
	return RTE_MBUF_DYNFIELD(m, path->trace_field, struct mark *);
}

void path_watch_mark(struct path *path, struct rte_mbuf *m, uint32_t captures)
{
	m->ol_flags |= path->trace_flag;
	*mark_of(path, m) = (struct mark){ captures, path->sharer.worker << 24 |
							     (++path->trace_packets & 0xffffff) };
	path->traced = true;
	path->attention |= PATH_WATCHED_ALL;
}

void path_watch_unmark(const struct path *path, struct rte_mbuf *m)
{
	m->ol_flags &= ~path->trace_flag;
}

struct record {
	enum contract_type type;
	const void *head;
	uint32_t head_bytes;
	const uint8_t *bytes;
	uint32_t kept;
};

/* In a packet buffer, from its very start: what fits a buffer behind its headroom fits here too. */
static void put(struct path *path, const struct record *r)
{
	const struct path_config *config = &path->shared->config;
	struct rte_mbuf *m = config->captured ? rte_pktmbuf_alloc(config->pool) : NULL;
	uint8_t *to;

	if (!m) {
		path->watch_lost++;
		return;
	}
	m->data_off = 0;
	to = rte_pktmbuf_mtod(m, uint8_t *);
	memcpy(to, r->head, r->head_bytes);
	if (r->kept)
		memcpy(to + r->head_bytes, r->bytes, r->kept);
	m->data_len = (uint16_t)(r->head_bytes + r->kept);
	m->pkt_len = m->data_len;
	m->packet_type = r->type;
	if (rte_ring_mp_enqueue(config->captured, m)) {
		rte_pktmbuf_free(m);
		path->watch_lost++;
		return;
	}
	path->watch_lost = 0;
}

/* As much as any of the captures wants; control cuts it for each. */
static uint32_t snap_of(const struct capture_table *table, uint32_t captures)
{
	uint32_t snap = 0;

	for (uint32_t rest = captures; rest; rest &= rest - 1)
		snap = RTE_MAX(snap, table->items[__builtin_ctz(rest)].as.snap);
	return snap;
}

void path_watch_bytes_put(struct path *path, const struct watch_bytes *b)
{
	uint32_t room = rte_pktmbuf_data_room_size(path->shared->config.pool) -
			(uint32_t)sizeof(struct contract_captured);
	struct contract_captured head = {
		.time_ns = path->now_ns,
		.sequence = b->sequence,
		.lost = path->watch_lost,
		.captures = b->captures,
		.length = b->length,
		.kept = RTE_MIN(RTE_MIN(b->kept, room), snap_of(path->watch, b->captures)),
		.tunnel = b->tunnel,
		.spi = b->spi,
		.port = b->port,
		.layer = (uint8_t)b->layer,
		.outbound = b->outbound,
	};

	put(path, &(struct record){ CONTRACT_CAPTURED, &head, sizeof(head), b->at, head.kept });
}

struct contract_traced path_watch_traced(const struct path *path, const struct path_packet *p,
					 enum contract_step step)
{
	const struct mark *mark = mark_of(path, p->m);

	return (struct contract_traced){
		.time_ns = path->now_ns,
		.captures = mark->captures,
		.packet = mark->packet,
		.port = p->port,
		.tunnel = p->tunnel,
		.step = (uint16_t)step,
		.from = p->from & 3,
		.worker = (uint8_t)path->sharer.worker,
	};
}

void path_watch_traced_key(struct contract_traced *t, const struct capture_key *key)
{
	t->src = key->src;
	t->dst = key->dst;
	t->src_port = key->src_port;
	t->dst_port = key->dst_port;
	t->protocol = key->protocol;
	t->ttl = key->ttl;
}

void path_watch_traced_put(struct path *path, struct contract_traced *traced)
{
	traced->lost = path->watch_lost;
	put(path, &(struct record){ CONTRACT_TRACED, traced, sizeof(*traced), NULL, 0 });
}

bool path_watch_followed(const struct path *path, const struct path_packet *p)
{
	return !(path->watch_ended >> (p - path->packets) & 1) && path_watch_marked(path, p->m);
}

uint32_t path_watch_of_what(const struct capture_table *table, uint32_t captures, uint16_t what)
{
	uint32_t good = 0;

	for (uint32_t rest = captures; rest; rest &= rest - 1) {
		uint32_t id = (uint32_t)__builtin_ctz(rest);

		if (table->items[id].as.what & what)
			good |= 1u << id;
	}
	return good;
}
