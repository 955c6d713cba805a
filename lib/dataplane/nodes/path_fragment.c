#include "dataplane/nodes/path_fragment.h"
#include "dataplane/nodes/path_watch.h"

#include "dataplane/frag/reassemble.h"
#include "dataplane/frag/split.h"
#include "net/header.h"

#include <rte_mbuf.h>
#include <rte_mempool.h>

#include <errno.h>

#define IP4_MTU_MIN 68 /* RFC 791 section 3.2 */
#define DATAGRAMS 128
#define DATAGRAMS_OF_SOURCE 32
#define PIECES 1024
#define PIECES_MIN 64
#define POOL_SHARE 8 /* all workers together hold one part in this of the buffers */
#define EXPIRE_BUDGET 16

int path_fragment_init(struct path *path, int socket)
{
	const struct path_config *config = &path->shared->config;
	struct frag_config frag = { .datagrams = DATAGRAMS,
				    .pieces = PIECES,
				    .per_source = DATAGRAMS_OF_SOURCE,
				    .tsc_hz = config->tsc_hz,
				    .socket = socket };

	if (config->pool && config->pool->size / POOL_SHARE / config->workers < PIECES)
		frag.pieces = config->pool->size / POOL_SHARE / config->workers;
	if (frag.pieces < PIECES_MIN)
		frag.pieces = PIECES_MIN;
	return frag_table_new(&path->fragments, &frag);
}

void path_fragment_fini(struct path *path)
{
	for (uint32_t i = 0; i < path->made_count; i++)
		rte_pktmbuf_free(path->made[i].m);
	frag_table_free(path->fragments);
}

void path_made_add(struct path *path, struct rte_mbuf *m, const struct path_packet *cause,
		   uint32_t tunnel)
{
	struct path_packet p = { .m = m,
				 .ip = rte_pktmbuf_mtod(m, uint8_t *),
				 .from = PATH_FROM_MIRROR, /* TTL and source were dealt with */
				 .port = cause->port,
				 .domain = cause->domain,
				 .charged = cause->from < PATH_FROM_TUNNEL ? 0 : cause->charged,
				 .tunnel = tunnel };
	enum contract_drop why = path_parse_ip(&p, m->data_len, true);

	if (why == CONTRACT_DROP_NONE && path->made_count == PATH_MADE)
		why = CONTRACT_DROP_NO_BUFFER;
	if (why != CONTRACT_DROP_NONE)
		path_drop(path, &p, why);
	else
		path->made[path->made_count++] = p;
}

void path_made_run(struct path *path)
{
	while (path->made_count) {
		uint32_t n = path->made_count < PATH_VECTOR ? path->made_count : PATH_VECTOR;

		memcpy(path->packets, path->made, n * sizeof(path->made[0]));
		path->made_count -= n;
		memmove(path->made, path->made + n, path->made_count * sizeof(path->made[0]));
		path_vector_begin(path, false); /* no part of what a step costs */
		for (uint32_t i = 0; i < n; i++) {
			struct path_packet *p = &path->packets[i];

			if (p->given)
				path_follow(path, p, p->nexthop);
			else
				path_add(p->tunnel ? &path->tunnelled : &path->forward, p);
		}
		if (path->forward.n)
			path_route(path);
		path_step_end(path, PATH_STEP_ROUTE, path->forward.n);
		if (path->tunnelled.n)
			path_tunnel(path);
	}
}

enum contract_drop path_too_big(struct path *path, struct path_packet *p, uint32_t mtu,
				uint32_t tunnel)
{
	struct rte_mbuf *pieces[FRAG_SPLIT_MAX];
	uint32_t first = path->made_count;
	uint32_t n;

	path_place(p, p->ip, p->length);
	if (mtu < IP4_MTU_MIN || !frag_may_split(p->m, mtu)) {
		path_icmp_error(path, p, ICMP_TOO_BIG, mtu);
		return CONTRACT_DROP_TUNNEL_MTU;
	}
	if (unlikely(path->watch))
		path_watch_split(path, p, mtu);
	n = frag_split(p->m, mtu, path->shared->config.pool, pieces);
	p->m = NULL;
	for (uint32_t i = 0; i < n; i++)
		path_made_add(path, pieces[i], p, tunnel);
	for (uint32_t i = first; !tunnel && i < path->made_count; i++) {
		path->made[i].given = p->given;
		path->made[i].nexthop = p->nexthop;
	}
	return n ? CONTRACT_DROP_NONE : CONTRACT_DROP_NO_BUFFER;
}

static void count_dropped(struct path *path, uint32_t port, uint32_t dropped)
{
	path->drops[CONTRACT_DROP_IP_FRAGMENT] += dropped;
	path->port_rows[(uint64_t)port * CONTRACT_PORT_COLUMNS + CONTRACT_PORT_DROPPED] += dropped;
}

/* The first fragment may have come with a tag and this one without. */
static uint32_t header_at(const struct rte_mbuf *m)
{
	const struct net_ether_hdr *ether = rte_pktmbuf_mtod(m, const struct net_ether_hdr *);

	return (uint32_t)(sizeof(*ether) + (ether->type_be == RTE_BE16(NET_ETHERTYPE_VLAN)
						    ? sizeof(struct net_vlan_hdr)
						    : 0));
}

bool path_reassemble(struct path *path, struct path_packet *p)
{
	uint32_t l3 = (uint32_t)(p->ip - rte_pktmbuf_mtod(p->m, uint8_t *));
	enum contract_drop why = CONTRACT_DROP_NO_BUFFER;
	uint32_t dropped = 0;

	p->m = frag_reassemble(path->fragments, p->m, l3, p->domain, path->now_tsc, &dropped);
	path->reassembling = frag_held(path->fragments) != 0;
	count_dropped(path, p->port, dropped);
	if (!p->m)
		return false;
	/* a datagram that no buffer takes: IKE that long is cut by IKE itself (RFC 7383) */
	if (p->m->nb_segs == 1 || rte_pktmbuf_linearize(p->m) == 0) {
		l3 = header_at(p->m);
		p->ip = rte_pktmbuf_mtod_offset(p->m, uint8_t *, l3);
		why = path_parse_ip(p, p->m->data_len - l3, true);
		if (why == CONTRACT_DROP_NONE && p->fragment)
			why = CONTRACT_DROP_IP_FRAGMENT; /* IPv6: a second fragment header */
	}
	if (why == CONTRACT_DROP_NONE)
		return true;
	path_drop(path, p, why);
	return false;
}

void path_reassembly_expire(struct path *path)
{
	/* port 0: nobody's, they may have come by several */
	count_dropped(path, 0, frag_expire(path->fragments, path->now_tsc, EXPIRE_BUDGET));
	path->reassembling = frag_held(path->fragments) != 0;
}
