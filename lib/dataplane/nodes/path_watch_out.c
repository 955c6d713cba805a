#include "dataplane/nodes/path_watch_out.h"
#include "dataplane/nodes/path_watch_look.h"
#include "dataplane/nodes/path_watch_record.h"

struct esp_id {
	uint32_t spi;
	uint64_t sequence;
};

static struct esp_id esp_of(const struct sa_outbound *out, const uint8_t *start)
{
	uint32_t words[2];

	memcpy(words, start + out->head_bytes, sizeof(words));
	return (struct esp_id){ rte_be_to_cpu_32(words[0]), rte_be_to_cpu_32(words[1]) };
}

static void tell_out(struct path *path, uint32_t i, enum contract_step step)
{
	const struct path_packet *p = path->rows[i];
	const struct sa_outbound *out = path->records[i];
	struct contract_traced t = path_watch_traced(path, p, step);
	struct esp_id esp = { 0 };

	if (step == CONTRACT_STEP_ADMIT)
		t.mtu = path->uplink.tunnel == p->tunnel ? path->uplink.most : 0;
	else
		esp = esp_of(out, p->ip);
	if (step == CONTRACT_STEP_SEND) {
		memcpy(t.mac, rte_pktmbuf_mtod(p->m, const uint8_t *), sizeof(t.mac));
		t.length = p->m->pkt_len;
	} else {
		t.length = p->length;
	}
	t.sa = out->id;
	t.spi = esp.spi;
	t.sequence = esp.sequence;
	path_watch_traced_put(path, &t);
}

void path_watch_out_trace(struct path *path, uint32_t from, uint32_t n, enum contract_step step)
{
	for (uint32_t i = from; path->traced && i < n; i++)
		if (path_watch_followed(path, path->rows[i]))
			tell_out(path, i, step);
}

static uint32_t inner_length(const uint8_t *ip)
{
	const struct net_ip6_hdr *ip6 = (const void *)ip;

	return ip[0] >> 4 == 4 ? rte_be_to_cpu_16(((const struct net_ip4_hdr *)ip)->length_be)
			       : rte_be_to_cpu_16(ip6->payload_length_be) + sizeof(*ip6);
}

/* Numbered and not yet encrypted: the moment at which both is known. *p is the outer one now. */
static PATH_WATCH uint32_t capture_built(struct path *path, uint32_t i)
{
	const struct path_packet *p = path->rows[i];
	const uint8_t *ip = path->ops[i].text;
	const struct capture_table *table = path->watch;
	struct esp_id esp = esp_of(path->records[i], p->ip);
	struct watch_bytes bytes = {
		.layer = CONTRACT_LAYER_INNER,
		.outbound = true,
		.at = ip,
		.kept = inner_length(ip),
		.length = inner_length(ip),
		.sequence = esp.sequence,
		.spi = esp.spi,
		.port = p->port,
		.tunnel = p->tunnel,
	};
	struct capture_key key;
	uint32_t captures;

	capture_key(&key, ip, bytes.length);
	captures = capture_match(table, table->inner & ~table->steps, &key, p->tunnel);
	bytes.captures = path_watch_of_what(table, captures, CONTRACT_CAPTURE_INNER);
	if (bytes.captures)
		path_watch_bytes_put(path, &bytes);
	return path_watch_of_what(table, captures, CONTRACT_CAPTURE_OUTER);
}

void path_watch_out_built(struct path *path, uint32_t from, uint32_t n)
{
	const struct capture_table *table = path->watch;
	const struct look look = { .at = path->rows + from,
				   .ops = path->ops + from,
				   .n = n - from };
	struct look_tunnel tunnel = { UINT32_MAX, false };
	bool may = table->inner != table->steps && path_watch_look_may(table, &look);

	path->watch_sends = 0;
	for (uint32_t i = from; may && i < n; i++) {
		if (likely(!path_watch_look_want(table, &tunnel, path->rows[i], path->ops[i].text)))
			continue;
		path->watch_outer[i] = capture_built(path, i);
		path->watch_sends |= UINT64_C(1) << i;
		path->attention |= PATH_WATCHED(PATH_STEP_SEND);
	}
	path_watch_out_trace(path, from, n, CONTRACT_STEP_BUILD);
}

/* A frame that found no room in the row of its device is gone: the row is then full. */
static bool is_gone(const struct path *path, const struct path_packet *p)
{
	return path->tx[path->shared->ports[p->port].device].n == PATH_EXIT;
}

void path_watch_out_sent(struct path *path, uint32_t n)
{
	for (uint64_t rest = path->watch_sends; rest; rest &= rest - 1) {
		uint32_t i = (uint32_t)__builtin_ctzll(rest);
		const struct path_packet *p = path->rows[i];
		struct esp_id esp;
		struct watch_bytes bytes = { .layer = CONTRACT_LAYER_OUTER, .outbound = true };

		if (!path->watch_outer[i] || is_gone(path, p))
			continue;
		esp = esp_of(path->records[i], p->ip);
		bytes.captures = path->watch_outer[i];
		bytes.at = rte_pktmbuf_mtod(p->m, const uint8_t *);
		bytes.kept = bytes.length = p->m->pkt_len;
		bytes.sequence = esp.sequence;
		bytes.spi = esp.spi;
		bytes.port = p->port;
		bytes.tunnel = p->tunnel;
		path_watch_bytes_put(path, &bytes);
	}
	path_watch_out_trace(path, path->step_from, n, CONTRACT_STEP_SEND);
}
