#include "control/route/route.h"

#include "base/clock.h"
#include "base/log.h"
#include "control/route/circuit.h"
#include "control/route/netlink.h"
#include "control/route/port.h"
#include "control/route/speaker.h"
#include "control/route/upstream.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TOPIC "route"
#define ROUTE_INSTANCES 2
#define LATER_NS (5 * CLOCK_NS_PER_S)

struct route {
	struct desired *desired;
	struct netlink *netlink;
	struct event_loop *loop;
	struct nexthop_table *nexthops;
	struct source_table *sources;
	struct rib *rib;
	struct stale *stale;
	struct leftover_set *leftovers[STALE_PARTS];
	struct rib *peers[ROUTE_INSTANCES]; /* in the domain of each instance */
	struct speaker_table speakers;
	struct port_table ports;
	struct upstream *upstream;
	struct event_source *later; /* reads the kernel again after a restore */
	bool synced; /* the kernel was read whole since the data plane was attached */
	struct route_hooks hooks;
};

static int publish_address(struct route *route, const struct netlink_address *address, bool gone)
{
	const struct port *port = port_by_ifindex(&route->ports, address->ifindex);
	struct contract_address body = { .addr = address->addr };
	struct requests_message message = {
		.kind = CONTRACT_ADDRESS,
		.body = &body,
		.body_length = sizeof(body),
	};

	if (port) {
		body.port = port->id;
		body.mirror = port->mirror;
	} else {
		for (uint32_t i = 0; i < route->ports.tunnel_count && !body.mirror; i++)
			if ((int)route->ports.tunnels[i].is.ifindex == address->ifindex)
				body.mirror = route->ports.tunnels[i].id;
	}
	if (!body.mirror)
		return 0; /* an interface that is no mirror */
	if (!gone)
		return desired_set(route->desired, &message);
	desired_delete(route->desired, &message);
	return 0;
}

static bool is_tun(const struct route *route, int ifindex)
{
	for (uint32_t i = 0; i < route->ports.tunnel_count; i++)
		if ((int)route->ports.tunnels[i].is.ifindex == ifindex)
			return true;
	return false;
}

/* With the last address of an interface, or when it is set down, the kernel drops all its routes
 * and tells nobody. What is ours is written again; the rest is seen by reading the kernel again
 * when FRR's daemons had time to do as much. */
static void restore(struct route *route, int ifindex)
{
	log_warn(TOPIC,
		 "someone has taken addresses or routes of a mirror away; they are written "
		 "again interface=%d",
		 ifindex);
	for (uint32_t i = 0; i < route->ports.count; i++)
		if (route->ports.ports[i].ifindex == ifindex)
			port_apply(route->netlink, &route->ports, &route->ports.ports[i], NULL);
	if (is_tun(route, ifindex))
		speaker_again(&route->speakers, &route->ports, route->netlink);
	event_timer_set(route->later, LATER_NS);
}

static void on_address(void *context, const struct netlink_address *address, bool gone)
{
	struct route *route = context;
	struct port *port = port_by_ifindex(&route->ports, address->ifindex);

	if (publish_address(route, address, gone) < 0)
		log_error(TOPIC, "out of memory for an address");
	if (port && port_address_seen(port, &address->addr, gone))
		route->hooks.ports_changed(route->hooks.context);
	if (gone && is_tun(route, address->ifindex) &&
	    speaker_has(&route->speakers, &address->addr))
		restore(route, address->ifindex);
}

static void on_neighbour(void *context, const struct netlink_neighbour *neighbour, bool gone)
{
	struct route *route = context;
	const struct port *port = port_by_ifindex(&route->ports, neighbour->ifindex);
	struct contract_neighbour body = { .addr = neighbour->addr };
	struct requests_message message = {
		.kind = CONTRACT_NEIGHBOUR,
		.body = &body,
		.body_length = sizeof(body),
	};

	if (!port || net_addr_is_multicast(&neighbour->addr))
		return;
	body.port = port->id;
	memcpy(body.mac, neighbour->mac, sizeof(body.mac));
	if (gone)
		desired_delete(route->desired, &message);
	else if (desired_set(route->desired, &message) < 0)
		log_error(TOPIC, "out of memory for a neighbour");
}

static void on_link(void *context, const struct netlink_link *link, bool gone)
{
	struct route *route = context;

	if (port_link_seen(&route->ports, link, gone))
		restore(route, link->ifindex);
}

static int hop_nexthop(struct route *route, const struct netlink_hop *hop, uint32_t *id)
{
	const struct port *port = port_by_ifindex(&route->ports, hop->ifindex);
	struct contract_nexthop spec = { .kind = CONTRACT_NEXTHOP_CONNECTED,
					 .gateway = hop->gateway };

	if (!port)
		return -ENOENT;
	if (hop->gateway.family)
		spec.kind = CONTRACT_NEXTHOP_GATEWAY;
	spec.port = port->id;
	return nexthop_get(route->nexthops, 0, &spec, NULL, id);
}

int route_sources(struct route *route, const uint32_t *ids, uint32_t count,
		  const struct source_set **sources)
{
	return source_set_get(route->sources, ids, count, sources);
}

static int sources_behind(struct route *route, const struct net_addr *gateways, uint32_t count,
			  const struct source_set **sources)
{
	uint32_t ids[CONTRACT_SOURCES_MAX + 1]; /* one too many says so */
	uint32_t n = 0;

	if (route->hooks.sources)
		n = route->hooks.sources(route->hooks.context, gateways, count, ids,
					 CONTRACT_SOURCES_MAX + 1);
	return route_sources(route, ids, n, sources);
}

/* Behind the tunnels that the next hops name. */
static int tun_nexthop(struct route *route, const struct netlink_route *linux_route,
		       struct rib_candidate *candidate)
{
	struct contract_nexthop spec = { .kind = CONTRACT_NEXTHOP_GROUP };
	struct net_addr gateways[NETLINK_HOPS_MAX];
	int rc;

	for (uint8_t i = 0; i < linux_route->hop_count; i++) {
		if (!is_tun(route, linux_route->hops[i].ifindex))
			return -ENOENT; /* partly by a port, partly by a tunnel: neither */
		gateways[i] = linux_route->hops[i].gateway;
	}
	rc = route->hooks.recurse ? route->hooks.recurse(route->hooks.context, gateways,
							 linux_route->hop_count, &spec.target)
				  : -ENOENT;
	if (rc == 0)
		rc = sources_behind(route, gateways, linux_route->hop_count, &candidate->sources);
	return rc < 0 ? rc
		      : nexthop_get(route->nexthops, 0, &spec, candidate->sources,
				    &candidate->nexthop);
}

/* -ENOENT: not every output is a mirror. */
static int route_nexthop(struct route *route, const struct netlink_route *linux_route,
			 struct rib_candidate *candidate)
{
	struct contract_member members[CONTRACT_MEMBERS_MAX] = { 0 };
	uint8_t count;
	int rc = 0;

	if (!linux_route->hop_count)
		return -ENOENT;
	if (is_tun(route, linux_route->hops[0].ifindex))
		return tun_nexthop(route, linux_route, candidate);
	for (count = 0; count < linux_route->hop_count && count < CONTRACT_MEMBERS_MAX; count++) {
		const struct netlink_hop *hop = &linux_route->hops[count];

		rc = hop_nexthop(route, hop, &members[count].id);
		if (rc < 0)
			break;
		members[count].weight = hop->weight;
	}
	if (rc == 0 && count == 1) {
		candidate->nexthop = members[0].id;
		return 0;
	}
	if (rc == 0)
		rc = nexthop_get_ecmp(route->nexthops, 0, members, count, &candidate->nexthop);
	while (rc < 0 && count--)
		nexthop_put(route->nexthops, members[count].id);
	return rc;
}

/* What was imported before from this place of the kernel's, whatever it was taken for. */
static void forget(struct route *route, const struct netlink_route *r, uint32_t but)
{
	const uint32_t imported = 1u << RIB_CONNECTED | 1u << RIB_CIRCUIT | 1u << RIB_LINUX;

	rib_forget(route->rib, &r->prefix, imported & ~but, r->metric, r->table);
}

static const char *origin_of(const struct rib_candidate *candidate, const struct netlink_route *r)
{
	if (candidate->source == RIB_CONNECTED)
		return "connected";
	if (candidate->source == RIB_CIRCUIT)
		return "circuit";
	return r->protocol == RTPROT_BGP ? "bgp" : "linux";
}

static uint32_t tunnel_hops(const struct route *route, const struct netlink_route *r,
			    struct net_addr gateways[NETLINK_HOPS_MAX])
{
	uint32_t n = 0;

	for (uint8_t i = 0; i < r->hop_count; i++)
		if (is_tun(route, r->hops[i].ifindex))
			gateways[n++] = r->hops[i].gateway;
	return n;
}

/* Who announces a prefix; hops that are no tunnels say nothing. */
static void announced(struct route *route, const struct netlink_route *r, bool gone)
{
	const struct source_set *sources = NULL;
	struct net_addr gateways[NETLINK_HOPS_MAX];
	uint32_t n = gone ? 0 : tunnel_hops(route, r, gateways);
	int rc;

	rc = sources_behind(route, gateways, n, &sources);
	if (rc == 0)
		rc = rib_announced_set(route->rib, &r->prefix, sources);
	if (rc < 0)
		log_error(TOPIC, "out of memory for who announces a prefix");
}

/* Whose a BGP route is, by its table. */
static enum stale_part part_of(const struct netlink_route *r)
{
	return r->table == ROUTE_ANNOUNCED_TABLE ? STALE_ANNOUNCED
	       : r->table == CIRCUIT_TABLE	 ? STALE_CIRCUIT
						 : STALE_LEARNED;
}

/* FRR has taken a route out of the kernel that stays all the same. */
static bool stays(const struct route *route, const struct netlink_route *r)
{
	struct net_addr gateways[NETLINK_HOPS_MAX];

	return r->protocol == RTPROT_BGP &&
	       stale_keeps(route->stale, part_of(r), gateways, tunnel_hops(route, r, gateways));
}

/* The main table may have BGP routes of others: ours lead to the next hops that we gave out. */
static void leftover_see(struct route *route, const struct netlink_route *r, bool gone)
{
	const struct leftover left = { r->prefix, r->table, r->metric };

	if (r->protocol != RTPROT_BGP ||
	    (part_of(r) != STALE_CIRCUIT && !speaker_tunnel(&r->hops[0].gateway)))
		return;
	leftover_set_see(route->leftovers[part_of(r)], &left, gone);
}

static void on_route(void *context, const struct netlink_route *r, bool gone)
{
	struct route *route = context;
	struct rib_candidate candidate = { .metric = r->metric, .owner = r->table };
	struct netlink_route alive; /* without the hops that are dead */
	bool learned;
	int rc;

	memcpy(&alive, r, offsetof(struct netlink_route, hops) + r->hop_count * sizeof(r->hops[0]));
	if (net_addr_is_link_local(&r->prefix.addr) || net_addr_is_multicast(&r->prefix.addr))
		return;
	learned = r->table == RT_TABLE_MAIN || r->table == ROUTE_DEFAULT_TABLE ||
		  r->table == CIRCUIT_TABLE;
	if (!learned && r->table != ROUTE_ANNOUNCED_TABLE)
		return;
	leftover_see(route, r, gone);
	if (gone && stays(route, r))
		return;
	if (!learned) {
		announced(route, r, gone);
		return;
	}
	if (r->protocol == RTPROT_KERNEL)
		candidate.source = RIB_CONNECTED;
	else
		candidate.source = circuit_leads(&route->ports, &alive) ? RIB_CIRCUIT : RIB_LINUX;
	rc = gone ? -ENOENT : route_nexthop(route, &alive, &candidate);
	if (rc == -ENOENT) { /* gone, or it replaces what was imported before it */
		forget(route, r, 0);
		return;
	}
	snprintf(candidate.origin, sizeof(candidate.origin), "%s", origin_of(&candidate, r));
	if (rc == 0)
		rc = rib_set(route->rib, &r->prefix, &candidate);
	if (rc < 0)
		log_error(TOPIC, "cannot take a route error=\"%s\"", strerror(-rc));
	else
		forget(route, r, 1u << candidate.source);
}

static void on_resync(void *context)
{
	struct route *route = context;

	rib_mark(route->rib, RIB_CONNECTED);
	rib_mark(route->rib, RIB_CIRCUIT);
	rib_mark(route->rib, RIB_LINUX);
	rib_announced_mark(route->rib);
	for (int part = 0; part < STALE_PARTS; part++)
		leftover_set_read_begin(route->leftovers[part]);
}

static void on_synced(void *context)
{
	struct route *route = context;

	for (int part = 0; part < STALE_PARTS; part++)
		leftover_set_read_end(route->leftovers[part]);
	rib_sweep(route->rib, RIB_CONNECTED);
	if (!stale_is_on(route->stale, STALE_CIRCUIT) || !circuit_links_up(&route->ports))
		rib_sweep(route->rib, RIB_CIRCUIT);
	if (!stale_is_on(route->stale, STALE_LEARNED))
		rib_sweep(route->rib, RIB_LINUX);
	if (!stale_is_on(route->stale, STALE_ANNOUNCED))
		rib_announced_sweep(route->rib);
	log_debug(TOPIC, "in step with the kernel prefixes=%zu", rib_count(route->rib));
	if (!route->synced) {
		route->synced = true;
		route->hooks.ports_changed(route->hooks.context);
	}
}

bool route_is_synced(const struct route *route)
{
	return route->synced;
}

static void on_upstream(void *context, const char *port, bool answers)
{
	struct route *route = context;

	route->hooks.ports_changed(route->hooks.context);
}

static bool daemon_restarts(void *context, enum stale_part part)
{
	const struct route *route = context;

	return route->hooks.restarting && route->hooks.restarting(route->hooks.context, part) &&
	       (part != STALE_CIRCUIT || circuit_links_up(&route->ports));
}

static bool tunnels_suspected(void *context, const struct net_addr *gateways, uint32_t count)
{
	const struct route *route = context;

	return route->hooks.suspect && route->hooks.suspect(route->hooks.context, gateways, count);
}

static void kernel_again(void *context)
{
	struct route *route = context;

	if (route->netlink)
		netlink_again(route->netlink);
}

int route_new(struct route **route, struct event_loop *loop, struct desired *desired,
	      const struct route_hooks *hooks)
{
	struct route *r = calloc(1, sizeof(*r));
	const struct upstream_hooks probed = { r, on_upstream };
	const struct stale_hooks keep = { r, daemon_restarts, tunnels_suspected, kernel_again };
	int rc;

	if (!r)
		return -ENOMEM;
	r->desired = desired;
	r->loop = loop;
	r->hooks = *hooks;
	rc = nexthop_table_new(&r->nexthops, desired);
	if (rc == 0)
		rc = source_table_new(&r->sources);
	if (rc == 0)
		rc = rib_new(&r->rib, desired, r->nexthops, r->sources, 0);
	if (rc == 0)
		rc = upstream_new(&r->upstream, loop, &probed);
	if (rc == 0)
		rc = stale_new(&r->stale, loop, &keep);
	for (int part = 0; part < STALE_PARTS && rc == 0; part++)
		rc = leftover_set_new(&r->leftovers[part]);
	if (rc == 0)
		rc = event_timer_new(&r->later, loop, kernel_again, r);
	if (rc < 0) {
		route_free(r);
		return rc;
	}
	*route = r;
	return 0;
}

void route_free(struct route *route)
{
	if (!route)
		return;
	netlink_close(route->netlink);
	upstream_free(route->upstream);
	stale_free(route->stale);
	for (int part = 0; part < STALE_PARTS; part++)
		leftover_set_free(route->leftovers[part]);
	event_source_free(route->later);
	rib_free(route->rib);
	for (uint32_t i = 0; i < ROUTE_INSTANCES; i++)
		rib_free(route->peers[i]);
	speaker_fini(&route->speakers);
	nexthop_table_free(route->nexthops);
	source_table_free(route->sources);
	free(route);
}

static void on_listed(void *context, const struct contract_header *message)
{
	struct route *route = context;

	port_listed(&route->ports, message);
}

/* The mirrors are known: from here on what Linux says of them means something. */
static void on_mirrors_listed(void *context, const struct contract_answer *answer)
{
	struct route *route = context;
	struct netlink_hooks hooks = {
		.context = route,
		.resync = on_resync,
		.synced = on_synced,
		.link = on_link,
		.address = on_address,
		.neighbour = on_neighbour,
		.route = on_route,
	};
	int rc;

	if (!answer)
		return;
	netlink_close(route->netlink);
	route->netlink = NULL;
	rc = netlink_open(&route->netlink, route->loop, &hooks);
	if (rc < 0) {
		log_error(TOPIC, "cannot follow the kernel's addresses and routes error=\"%s\"",
			  strerror(-rc));
		return;
	}
	for (uint32_t i = 0; i < route->ports.count; i++)
		port_apply(route->netlink, &route->ports, &route->ports.ports[i], NULL);
	speaker_apply(&route->speakers, &route->ports, route->netlink);
	route->hooks.ports_changed(route->hooks.context);
}

static void on_ports_listed(void *context, const struct contract_answer *answer)
{
	struct route *route = context;

	if (answer && requests_list(desired_requests(route->desired), CONTRACT_MIRROR, on_listed,
				    on_mirrors_listed, route) < 0)
		log_error(TOPIC, "cannot list the mirrors of the data plane");
}

void route_ready(struct route *route)
{
	for (uint32_t i = 0; i < route->ports.count; i++) {
		memset(&route->ports.ports[i].is, 0, sizeof(struct contract_port));
		route->ports.ports[i].mirror = 0;
		route->ports.ports[i].ifindex = 0;
		route->ports.ports[i].present = 0;
	}
	route->ports.tunnel_count = 0;
	route->synced = false;
	if (requests_list(desired_requests(route->desired), CONTRACT_PORT, on_listed,
			  on_ports_listed, route) < 0)
		log_error(TOPIC, "cannot list the ports of the data plane");
}

static void link_event(struct route *route, const struct contract_link *link)
{
	struct port *port = port_by_id(&route->ports, link->port);

	if (!port)
		return;
	port->is.link_up = link->up;
	port->is.speed_mbps = link->speed_mbps;
	log_info(TOPIC, "link %s port=%s", link->up ? "up" : "down", port->is.name);
	if (port->wanted.circuit && route->netlink)
		netlink_again(route->netlink); /* its routes count, or no longer */
	route->hooks.ports_changed(route->hooks.context);
}

bool route_event(struct route *route, const struct contract_header *message)
{
	const struct contract_neighbour_wanted *wanted = (const void *)(message + 1);
	const struct port *port;

	switch (message->type) {
	case CONTRACT_LINK:
		link_event(route, (const void *)(message + 1));
		return true;
	case CONTRACT_NEIGHBOUR_WANTED:
		port = port_by_id(&route->ports, wanted->port);
		if (port && port->ifindex && route->netlink)
			netlink_neighbour_probe(route->netlink, port->ifindex, &wanted->addr);
		return true;
	default:
		return false;
	}
}

static int probe_set(struct route *route, const struct route_port_config *config)
{
	struct net_addr local = { 0 };

	for (uint8_t i = config->address_count; i--;)
		if (config->addresses[i].addr.family == NET_IP4)
			local = config->addresses[i].addr;
	return upstream_set(route->upstream, config->name, &local, &config->probe);
}

int route_port_set(struct route *route, const struct route_port_config *config)
{
	struct port *port = port_by_name(&route->ports, config->name, true);
	struct route_port_config before;

	if (!port)
		return -ENOSPC;
	before = port->wanted;
	if (memcmp(&before, config, sizeof(before)) == 0)
		return 0;
	port->wanted = *config;
	port->present = 0; /* said again for each address that is written */
	if (route->netlink)
		port_apply(route->netlink, &route->ports, port, &before);
	return probe_set(route, config);
}

/* The port that a tunnel leaves by from this address of ours. */
static const struct port *port_from(const struct route *route, const struct net_addr *local,
				    const struct route_address **entry)
{
	const struct port *port = port_by_address(&route->ports, local, entry);
	const struct speaker_private *private;

	if (port)
		return port;
	private = speaker_private_find(&route->speakers, local);
	return private ? circuit_of(&route->ports, private->instance) : NULL;
}

int route_port_of(const struct route *route, const struct net_addr *local, uint32_t *port, bool *up)
{
	const struct route_address *entry;
	const struct port *p = port_from(route, local, &entry);

	if (!p || !p->is.name[0])
		return -ENOENT;
	*port = p->id;
	*up = p->is.link_up;
	return 0;
}

bool route_upstream_answers(const struct route *route, const struct net_addr *local)
{
	const struct route_address *entry;
	const struct port *port = port_from(route, local, &entry);

	return !port || upstream_answers(route->upstream, port->wanted.name);
}

bool route_port_is_up(const struct route *route, const char *name)
{
	for (uint32_t i = 0; i < route->ports.count; i++)
		if (!strcmp(route->ports.ports[i].is.name, name))
			return route->ports.ports[i].is.link_up;
	return false;
}

void route_ports_each(const struct route *route,
		      void (*visit)(void *context, const char *name, uint32_t id), void *context)
{
	for (uint32_t i = 0; i < route->ports.count; i++)
		if (route->ports.ports[i].is.name[0])
			visit(context, route->ports.ports[i].is.name, route->ports.ports[i].id);
}

int route_privates_set(struct route *route, const struct speaker_private *privates, uint32_t count)
{
	return speaker_privates_set(&route->speakers, &route->ports, route->netlink, privates,
				    count);
}

uint32_t route_tunnel_mirror(const struct route *route, uint32_t instance)
{
	for (uint32_t i = 0; i < route->ports.tunnel_count; i++)
		if (route->ports.tunnels[i].is.instance == instance)
			return route->ports.tunnels[i].id;
	return 0;
}

int route_uplink(struct route *route, const struct net_addr *local, const struct net_addr *remote,
		 uint32_t *nexthop)
{
	const struct route_address *entry = NULL;
	const struct port *port = port_from(route, local, &entry);
	struct contract_nexthop spec = { .kind = CONTRACT_NEXTHOP_GATEWAY };

	if (!port || !port->is.name[0])
		return -ENOENT;
	if (entry ? !(port->present & 1u << (entry - port->wanted.addresses)) : !port->present)
		return -EAGAIN;
	spec.port = port->id;
	if (port_reaches(port, entry, remote))
		spec.gateway = *remote;
	else if (remote->family == NET_IP6)
		spec.gateway = port->wanted.gateway6;
	else
		spec.gateway = entry || port->wanted.gateway4.family ? port->wanted.gateway4
								     : port->wanted.circuit_peer;
	if (!spec.gateway.family)
		return -EHOSTUNREACH;
	return nexthop_get(route->nexthops, 0, &spec, NULL, nexthop);
}

int route_drop(struct route *route, uint32_t *nexthop)
{
	struct contract_nexthop spec = { .kind = CONTRACT_NEXTHOP_DROP };

	return nexthop_get(route->nexthops, 0, &spec, NULL, nexthop);
}

void route_nexthop_put(struct route *route, uint32_t nexthop)
{
	nexthop_put(route->nexthops, nexthop);
}

int route_tunnel_add(struct route *route, const struct net_prefix *prefix, uint32_t group,
		     const struct source_set *sources)
{
	struct contract_nexthop spec = { .kind = CONTRACT_NEXTHOP_GROUP, .target = group };
	struct rib_candidate candidate = { .source = RIB_TUNNEL,
					   .sources = sources,
					   .origin = "site" };
	int rc = nexthop_get(route->nexthops, 0, &spec, sources, &candidate.nexthop);

	return rc < 0 ? rc : rib_set(route->rib, prefix, &candidate);
}

void route_tunnel_delete(struct route *route, const struct net_prefix *prefix)
{
	rib_delete(route->rib, prefix, RIB_TUNNEL, 0, 0);
}

int route_peered_set(struct route *route, const struct net_prefix *prefixes, uint32_t count)
{
	return rib_peered_set(route->rib, prefixes, count);
}

/* 0: the instance's TUN has no domain of its own, its packets follow domain 0. */
static uint32_t domain_of(const struct route *route, uint32_t instance)
{
	for (uint32_t i = 0; i < route->ports.tunnel_count; i++)
		if (route->ports.tunnels[i].is.instance == instance)
			return route->ports.tunnels[i].domain;
	return 0;
}

static int peer_route_add(struct route *route, const struct speaker_peer *peer, uint32_t group)
{
	uint32_t domain = domain_of(route, peer->instance);
	struct contract_nexthop spec = { .kind = CONTRACT_NEXTHOP_GROUP, .target = group };
	struct rib_candidate candidate = { .source = RIB_TUNNEL,
					   .owner = peer->tunnel,
					   .origin = "speaker" };
	struct net_prefix prefix = net_prefix_of(&peer->peer, 32);
	struct rib **rib;
	int rc = 0;

	if (!domain || peer->instance >= ROUTE_INSTANCES)
		return 0;
	rib = &route->peers[peer->instance];
	if (!*rib)
		rc = rib_new(rib, route->desired, route->nexthops, route->sources, domain);
	if (rc == 0)
		rc = nexthop_get(route->nexthops, domain, &spec, NULL, &candidate.nexthop);
	return rc < 0 ? rc : rib_set(*rib, &prefix, &candidate);
}

static void peer_route_delete(struct route *route, const struct speaker_peer *peer)
{
	struct net_prefix prefix = net_prefix_of(&peer->peer, 32);

	if (peer->instance < ROUTE_INSTANCES && route->peers[peer->instance])
		rib_delete(route->peers[peer->instance], &prefix, RIB_TUNNEL, 0, peer->tunnel);
}

int route_speaker_set(struct route *route, const struct speaker_peer *peer, uint32_t group)
{
	const struct speaker_peer *before = speaker_find(&route->speakers, peer->tunnel);
	int rc;

	if (before && memcmp(before, peer, sizeof(*peer)))
		peer_route_delete(route, before);
	rc = speaker_set(&route->speakers, &route->ports, route->netlink, peer);
	return rc < 0 ? rc : peer_route_add(route, peer, group);
}

void route_speaker_delete(struct route *route, uint32_t tunnel)
{
	const struct speaker_peer *before = speaker_find(&route->speakers, tunnel);

	if (!before)
		return;
	peer_route_delete(route, before);
	(void)speaker_delete(&route->speakers, &route->ports, route->netlink, tunnel);
}

void route_again(struct route *route)
{
	route->synced = false;
	if (route->netlink)
		netlink_again(route->netlink);
}

struct leftover_set *route_leftovers(struct route *route, enum stale_part part)
{
	return route->leftovers[part];
}

void route_leftovers_begin(struct route *route, enum stale_part part)
{
	leftover_set_begin(route->leftovers[part]);
	kernel_again(route);
}

void route_leftover_delete(struct route *route, const struct leftover *left)
{
	const struct netlink_foreign foreign = { left->prefix, left->table, left->metric,
						 RTPROT_BGP };

	if (route->netlink)
		netlink_foreign_delete(route->netlink, &foreign);
}

void route_watch(struct route *route, rib_watcher watcher, void *context)
{
	rib_watch(route->rib, watcher, context);
}

const struct rib *route_rib(const struct route *route)
{
	return route->rib;
}
