/*
 * Where a worker stands, as the main lcore reads it of one that does not move: the step that it
 * did not end and the first packet of those that are in it.
 */
#include "dataplane/capture/match.h"
#include "dataplane/nodes/path_state.h"

#include <rte_mbuf.h>

/* A step that a vector has nothing for is not gone into. */
static enum path_step step_of(const struct path *path)
{
	enum path_step at = (enum path_step)path->at;

	if (at == PATH_STEP_CHECK && !path->esp.n)
		at = PATH_STEP_ROUTE;
	if (at == PATH_STEP_ROUTE && !path->forward.n)
		at = PATH_STEP_ADMIT;
	if (at == PATH_STEP_ADMIT && !path->tunnelled.n)
		at = PATH_STEP_COUNT;
	return at;
}

static const struct path_list *list_of(const struct path *path, enum path_step step)
{
	if (step < PATH_STEP_ROUTE)
		return &path->esp;
	return step == PATH_STEP_ROUTE ? &path->forward : &path->tunnelled;
}

/* Whatever stands in the records: only bytes of the packet's own buffer are read. */
static bool key_of(struct capture_key *key, const struct rte_mbuf *m, const uint8_t *ip)
{
	const uint8_t *start = m->buf_addr;

	if (ip < start || ip + sizeof(struct net_ip6_hdr) > start + m->buf_len)
		return false;
	capture_key(key, ip, (uint32_t)(start + m->buf_len - ip));
	return key->src.family != NET_NONE;
}

static bool first_received(const struct path *path, struct capture_key *key)
{
	const struct rte_mbuf *m = path->received[0];
	const uint8_t *frame = rte_pktmbuf_mtod(m, const uint8_t *);
	bool tagged =
		((const struct net_ether_hdr *)frame)->type_be == RTE_BE16(NET_ETHERTYPE_VLAN);

	return key_of(key, m,
		      frame + sizeof(struct net_ether_hdr) +
			      (tagged ? sizeof(struct net_vlan_hdr) : 0));
}

static bool first_listed(const struct path_list *list, struct capture_key *key)
{
	for (uint32_t i = 0; i < list->n && i < PATH_VECTOR; i++) {
		const struct path_packet *p = list->at[i];

		if (p->m && key_of(key, p->m, p->ip))
			return true;
	}
	return false;
}

bool path_where(const struct path *path, struct path_where *where)
{
	enum path_step step = step_of(path);
	struct capture_key key = { 0 };
	bool known;

	*where = (struct path_where){ 0 };
	if (step >= PATH_STEP_COUNT)
		return false;
	if (step == PATH_STEP_CLASSIFY) {
		where->packets = path->received_count;
		known = path->received_count && first_received(path, &key);
	} else {
		where->packets = list_of(path, step)->n;
		known = first_listed(list_of(path, step), &key);
	}
	where->step = path_step_name(step);
	if (!known)
		return true;
	where->src = key.src;
	where->dst = key.dst;
	where->protocol = key.protocol;
	where->src_port = key.src_port;
	where->dst_port = key.dst_port;
	return true;
}
