#include "bed.h"

#include <rte_cycles.h>
#include <rte_ethdev.h>
#include <rte_malloc.h>
#include <rte_mbuf.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const uint8_t bed_mac_private[6] = { 2, 0, 0, 0, 0, 1 };
const uint8_t bed_mac_public[6] = { 2, 0, 0, 0, 0, 2 };
const uint8_t bed_mac_gateway_private[6] = { 2, 0, 0, 0, 1, 1 };
const uint8_t bed_mac_gateway_public[6] = { 2, 0, 0, 0, 1, 2 };

static void must(int err, const char *what, const char *reason)
{
	if (!err)
		return;
	fprintf(stderr, "bed: %s: %d %s\n", what, err, reason);
	exit(1);
}

int bed_put(struct bed *bed, uint16_t kind, uint32_t id, const void *body, size_t n)
{
	union {
		struct contract_object object;
		uint8_t bytes[SA_OBJECT_MAX];
	} u;

	memset(&u, 0, sizeof(u));
	u.object.kind = kind;
	u.object.id = id;
	memcpy(u.bytes + sizeof(u.object), body, n);
	if (kind == CONTRACT_SA || kind == CONTRACT_CHILD || kind == CONTRACT_TUNNEL)
		return sa_set(bed->sas, &u.object);
	if (kind == CONTRACT_ADDRESS)
		return address_set(bed->addresses, &u.object);
	return fib_set(bed->fib, &u.object);
}

static void put(struct bed *bed, uint16_t kind, uint32_t id, const void *body, size_t n)
{
	bool sa = kind == CONTRACT_SA || kind == CONTRACT_CHILD || kind == CONTRACT_TUNNEL;

	must(bed_put(bed, kind, id, body, n), contract_kind_text(kind),
	     sa ? sa_reason(bed->sas) : fib_reason(bed->fib));
}

static struct net_addr addr_of(const char *text)
{
	struct net_addr addr;

	must(net_addr_parse(&addr, text), "address", text);
	return addr;
}

static void gateway(struct bed *bed, uint32_t id, uint32_t port, const char *text,
		    const uint8_t *mac)
{
	struct contract_nexthop hop = { .kind = CONTRACT_NEXTHOP_GATEWAY,
					.port = port,
					.gateway = addr_of(text) };
	struct contract_neighbour neighbour = { .addr = addr_of(text), .port = port };

	memcpy(neighbour.mac, mac, 6);
	put(bed, CONTRACT_NEIGHBOUR, 0, &neighbour, sizeof(neighbour));
	put(bed, CONTRACT_NEXTHOP, id, &hop, sizeof(hop));
}

static void route(struct bed *bed, struct net_addr addr, uint8_t length, uint32_t nexthop)
{
	struct contract_route r = { .prefix = net_prefix_of(&addr, length), .nexthop = nexthop };

	put(bed, CONTRACT_ROUTE, 0, &r, sizeof(r));
}

void bed_routes(struct bed *bed, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		route(bed, net_addr_ip4((32u << 24) + (i << 8)), 24, BED_NEXTHOP_PRIVATE);
}

static void address(struct address_store *to, const char *text, uint32_t port, uint32_t mirror)
{
	struct {
		struct contract_object object;
		struct contract_address body;
	} a = { .object = { .kind = CONTRACT_ADDRESS },
		.body = { .addr = addr_of(text), .port = port, .mirror = mirror } };

	must(address_set(to, &a.object), "address", address_reason(to));
}

void bed_addresses(struct address_store *to)
{
	address(to, "192.168.0.1", BED_PRIVATE, BED_MIRROR_PRIVATE);
	address(to, "fd00::1", BED_PRIVATE, BED_MIRROR_PRIVATE);
	address(to, "192.0.2.1", BED_PUBLIC, BED_MIRROR_PUBLIC);
	address(to, "2001:db8::1", BED_PUBLIC, BED_MIRROR_PUBLIC);
	address(to, "169.254.21.1", 0, BED_MIRROR_TUN);
}

static void topology(struct bed *bed)
{
	gateway(bed, BED_NEXTHOP_PRIVATE, BED_PRIVATE, "192.168.0.254", bed_mac_gateway_private);
	gateway(bed, BED_NEXTHOP_PUBLIC, BED_PUBLIC, "192.0.2.254", bed_mac_gateway_public);
	route(bed, addr_of("192.168.0.0"), 16, BED_NEXTHOP_PRIVATE);
	route(bed, addr_of("fd00::"), 16, BED_NEXTHOP_PRIVATE);
	route(bed, addr_of("0.0.0.0"), 0, BED_NEXTHOP_PUBLIC);
	route(bed, addr_of("::"), 0, BED_NEXTHOP_PUBLIC);
	bed_addresses(bed->addresses);
}

static void tables(struct bed *bed, const struct bed_config *c)
{
	char reason[CONTRACT_REASON] = "";
	uint32_t rows[CONTRACT_SECTIONS] = {
		[CONTRACT_COUNT_DROPS] = 1,
		[CONTRACT_COUNT_PORTS] = PATH_PORTS,
		[CONTRACT_COUNT_SAS] = c->sas,
		[CONTRACT_COUNT_TUNNELS] = c->tunnels + 1,
		[CONTRACT_COUNT_LIMITS] = 64,
		[CONTRACT_COUNT_WORKER] = 1,
		[CONTRACT_COUNT_DESTINATIONS] = c->tunnels + 1,
		[CONTRACT_COUNT_STEPS] = 1,
	};
	struct fib_config fib = { .routes4 = c->routes4 ? c->routes4 : c->tunnels + 64,
				  .routes6 = c->tunnels + 64,
				  .domains = 1,
				  .nexthops = c->tunnels + BED_NEXTHOP_TUNNEL + 1,
				  .groups = c->tunnels + 1,
				  .neighbours = 64,
				  .qsbr = c->qsbr,
				  .socket = -1 };
	struct meter_config meter = {
		.limits = 64, .workers = c->workers, .tsc_hz = rte_get_tsc_hz(), .socket = -1
	};
	struct sa_config sas = { .sas = c->sas,
				 .tunnels = c->tunnels + 1,
				 .children = c->tunnels + 1,
				 .nexthops = fib.nexthops,
				 .limits = 64,
				 .socket = -1,
				 .qsbr = c->qsbr,
				 .counters = &bed->counters };

	must(contract_counters_create(&bed->counters, c->workers, rows), "counters", "");
	must(fib_init(&bed->fib, &fib, reason), "fib", reason);
	must(meter_init(&bed->meter, &meter, reason), "meter", reason);
	must(sa_init(&bed->sas, &sas, reason), "sas", reason);
}

static void ports(struct bed *bed)
{
	struct path_port *private = &bed->shared.ports[BED_PRIVATE];
	struct path_port *public = &bed->shared.ports[BED_PUBLIC];

	*private = (struct path_port){
		.mtu = 9000, .role = CONTRACT_PRIVATE, .device = 0, .mirror = BED_MIRROR_PRIVATE
	};
	*public = (struct path_port){
		.mtu = 1600, .role = CONTRACT_PUBLIC, .device = 1, .mirror = BED_MIRROR_PUBLIC
	};
	memcpy(private->mac, bed_mac_private, 6);
	memcpy(public->mac, bed_mac_public, 6);
	bed->shared.devices[0].untagged = BED_PRIVATE;
	bed->shared.devices[1].untagged = BED_PUBLIC;
}

struct bed *bed_new(const struct bed_config *given)
{
	struct bed_config c = *given;
	struct bed *bed = calloc(1, sizeof(*bed));
	static unsigned int number;
	char name[32];

	if (!bed)
		exit(1);
	c.workers = c.workers ? c.workers : 1;
	c.sas = c.sas ? c.sas : 2 * c.tunnels + 2;
	bed->tunnels = c.tunnels;
	tables(bed, &c);
	ports(bed);
	snprintf(name, sizeof(name), "bed_events%u", number);
	bed->events = rte_ring_create_elem(name, sizeof(struct path_event), 1024, SOCKET_ID_ANY, 0);
	snprintf(name, sizeof(name), "bed_captured%u", number);
	bed->captured = rte_ring_create(name, 1024, SOCKET_ID_ANY, RING_F_SC_DEQ);
	snprintf(name, sizeof(name), "bed_pool%u", number++);
	bed->pool = rte_pktmbuf_pool_create_by_ops(
		name, c.buffers, 0, 0,
		(uint16_t)(c.buffer_bytes ? c.buffer_bytes : RTE_MBUF_DEFAULT_BUF_SIZE + 64),
		SOCKET_ID_ANY, c.pool_ops);
	must(bed->pool && bed->events && bed->captured ? 0 : -1, "pool", "");
	bed->shared.config = (struct path_config){ .fib = fib_hot(bed->fib),
						   .sas = sa_hot(bed->sas),
						   .meter = bed->meter,
						   .counters = &bed->counters,
						   .events = bed->events,
						   .captured = bed->captured,
						   .pool = bed->pool,
						   .workers = c.workers,
						   .tsc_hz = rte_get_tsc_hz(),
						   .hold_ms = 20 };
	must(capture_init(&bed->captures, &bed->shared.watch, NULL), "captures", "");
	must(address_init(&bed->addresses, &bed->shared, 64, NULL), "addresses", "");
	topology(bed);
	must(path_new(&bed->path, &bed->shared, 0, SOCKET_ID_ANY), "path", "");
	return bed;
}

void bed_free(struct bed *bed)
{
	path_free(bed->path);
	capture_fini(bed->captures);
	address_fini(bed->addresses);
	sa_fini(bed->sas);
	meter_fini(bed->meter);
	fib_fini(bed->fib);
	contract_counters_unmap(&bed->counters);
	rte_ring_free(bed->events);
	rte_ring_free(bed->captured);
	rte_mempool_free(bed->pool);
	free(bed);
}

uint32_t bed_tunnel_net(uint32_t tunnel)
{
	return 10u << 24 | tunnel << 8;
}

struct net_addr bed_local(bool ip6)
{
	return addr_of(ip6 ? "2001:db8::1" : "192.0.2.1");
}

struct net_addr bed_remote(uint32_t tunnel, bool ip6)
{
	struct net_addr addr;

	if (!ip6)
		return net_addr_ip4((198u << 24 | 18u << 16) + tunnel);
	addr = addr_of("2001:db8:ffff::");
	addr.bytes[14] = (uint8_t)(tunnel >> 8);
	addr.bytes[15] = (uint8_t)tunnel;
	return addr;
}

static void child_put(struct bed *bed, uint32_t id, uint32_t tunnel, uint32_t outbound_sa)
{
	struct {
		struct contract_child child;
		struct net_selector selectors[4];
	} child = { .child = { .tunnel = tunnel,
			       .outbound_sa = outbound_sa,
			       .local_count = 2,
			       .remote_count = 2 } };

	for (int i = 0; i < 4; i++)
		child.selectors[i] = net_selector_any(i % 2 ? NET_IP6 : NET_IP4);
	put(bed, CONTRACT_CHILD, id, &child, sizeof(child));
}

void bed_child(struct bed *bed, uint32_t tunnel, uint32_t outbound_sa)
{
	child_put(bed, tunnel, tunnel, outbound_sa);
}

void bed_tunnel(struct bed *bed, uint32_t t)
{
	struct contract_tunnel tunnel = { .nexthop = BED_NEXTHOP_PUBLIC, .mirror = BED_MIRROR_TUN };
	struct {
		struct contract_group group;
		struct contract_member member;
	} group = { .group = { .member_count = 1 }, .member = { .id = t, .weight = 1 } };
	struct contract_nexthop hop = { .kind = CONTRACT_NEXTHOP_GROUP, .target = t };
	struct net_addr net6 = addr_of("fd10::");

	put(bed, CONTRACT_TUNNEL, t, &tunnel, sizeof(tunnel));
	bed_child(bed, t, 0);
	put(bed, CONTRACT_GROUP, t, &group, sizeof(group));
	put(bed, CONTRACT_NEXTHOP, BED_NEXTHOP_TUNNEL + t, &hop, sizeof(hop));
	route(bed, net_addr_ip4(bed_tunnel_net(t)), 24, BED_NEXTHOP_TUNNEL + t);
	net6.bytes[2] = (uint8_t)(t >> 8);
	net6.bytes[3] = (uint8_t)t;
	route(bed, net6, 32, BED_NEXTHOP_TUNNEL + t);
}

static void key_fill(uint8_t *to, size_t n, uint32_t seed)
{
	for (size_t i = 0; i < n; i++) {
		seed = seed * 1664525u + 1013904223u;
		to[i] = (uint8_t)(seed >> 24);
	}
}

void bed_sa_make(struct contract_sa *in, struct contract_sa *out, const struct bed_sa *sa)
{
	static const uint8_t key_bytes[] = {
#define X(name, text, key, salt, iv, block, aead) (key) + (salt),
		CONTRACT_CIPHERS(X)
#undef X
	};
	static const uint8_t integrity_bytes[] = {
#define X(name, text, key, icv) key,
		CONTRACT_INTEGRITIES(X)
#undef X
	};

	*in = (struct contract_sa){ .direction = CONTRACT_INBOUND,
				    .spi = contract_spi(1, 2 * sa->tunnel),
				    .cipher = (uint8_t)sa->cipher,
				    .integrity = (uint8_t)sa->integrity,
				    .icv_bytes = sa->icv,
				    .tunnel = sa->tunnel,
				    .child = sa->tunnel,
				    .flags = sa->flags,
				    .window = sa->window ? sa->window : 1024,
				    .local_port = 4500,
				    .remote_port = 4500,
				    .local = bed_local(sa->ip6),
				    .remote = bed_remote(sa->tunnel, sa->ip6),
				    .sequence_start = sa->sequence,
				    .key_length = key_bytes[sa->cipher],
				    .integrity_key_length = integrity_bytes[sa->integrity] };
	key_fill(in->key, in->key_length, sa->tunnel);
	key_fill(in->integrity_key, in->integrity_key_length, sa->tunnel + 7);
	*out = *in;
	out->direction = CONTRACT_OUTBOUND;
	out->spread = sa->spread;
	out->spi = 0x80000000u | sa->tunnel;
	key_fill(out->key, out->key_length, sa->tunnel + 100000);
	key_fill(out->integrity_key, out->integrity_key_length, sa->tunnel + 100007);
}

void bed_sa_add(struct bed *bed, const struct bed_sa *sa)
{
	struct contract_sa in;
	struct contract_sa out;

	bed_sa_make(&in, &out, sa);
	put(bed, CONTRACT_SA, 2 * sa->tunnel, &in, sizeof(in));
	put(bed, CONTRACT_SA, 2 * sa->tunnel + 1, &out, sizeof(out));
	bed_child(bed, sa->tunnel, 2 * sa->tunnel + 1);
}

void bed_sa_behind(struct bed *bed, const struct bed_sa *sa, uint32_t child)
{
	struct contract_sa in;
	struct contract_sa out;

	bed_sa_make(&in, &out, sa);
	in.child = out.child = child;
	child_put(bed, child, sa->tunnel, 0);
	put(bed, CONTRACT_SA, 2 * sa->tunnel, &in, sizeof(in));
	put(bed, CONTRACT_SA, 2 * sa->tunnel + 1, &out, sizeof(out));
	child_put(bed, child, sa->tunnel, 2 * sa->tunnel + 1);
}

void bed_drop(struct rte_mbuf *packet)
{
	rte_pktmbuf_free(packet);
}

void bed_drop_all(struct rte_mbuf **packets, uint32_t n)
{
	rte_pktmbuf_free_bulk(packets, n);
}

uint32_t bed_in_use(const struct bed *bed)
{
	return rte_mempool_in_use_count(bed->pool);
}

uint32_t bed_empty(struct path_exit *exit)
{
	uint32_t n = exit->n;

	bed_drop_all(exit->packets, n);
	exit->n = 0;
	return n;
}

uint32_t bed_sent(struct bed *bed, uint32_t device)
{
	struct path_tx *tx = path_tx(bed->path, device);
	uint32_t n = tx->n;

	bed_drop_all(tx->packets, n);
	tx->n = 0;
	return n;
}

uint64_t bed_drops(const struct bed *bed, enum contract_drop drop)
{
	return contract_counters_sum(&bed->counters, CONTRACT_COUNT_DROPS, 0, drop);
}

uint64_t bed_drops_all(const struct bed *bed)
{
	uint64_t sum = 0;

	for (uint32_t d = 1; d < CONTRACT_DROP_COUNT; d++)
		sum += bed_drops(bed, d);
	return sum;
}

uint32_t bed_events(struct bed *bed, uint32_t type, struct path_event *event)
{
	uint32_t n = 0;
	struct path_event got;

	while (rte_ring_sc_dequeue_elem(bed->events, &got, sizeof(got)) == 0) {
		if (got.type != type)
			continue;
		*event = got;
		n++;
	}
	return n;
}
