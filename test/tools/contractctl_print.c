#include "contractctl.h"

#include <stdio.h>
#include <string.h>

static const char *addr(const struct net_addr *a)
{
	static char texts[4][NET_ADDR_TEXT];
	static int at;

	at = (at + 1) % 4;
	return a->family ? net_addr_text(texts[at], a) : "-";
}

static void print_port(const struct contract_port *p)
{
	printf(" name=%s device=%s mac=%02x:%02x:%02x:%02x:%02x:%02x vlan=%u mtu=%u role=%u "
	       "link=%s queues=%u parent=%u mirror=%u",
	       p->name, p->device, p->mac[0], p->mac[1], p->mac[2], p->mac[3], p->mac[4], p->mac[5],
	       p->vlan, p->mtu, p->role, p->link_up ? "up" : "down", p->queues, p->parent,
	       p->mirror);
}

static void print_members(const struct contract_member *members, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		printf("%s%u:%u", i ? "," : " members=", members[i].id, members[i].weight);
}

static void print_sa(const struct contract_sa *sa)
{
	bool secret = false;

	for (size_t i = 0; i < sizeof(sa->key); i++)
		secret |= sa->key[i] || sa->integrity_key[i];
	printf(" spi=%u direction=%s tunnel=%u child=%u local=%s remote=%s%s", sa->spi,
	       sa->direction == CONTRACT_INBOUND ? "in" : "out", sa->tunnel, sa->child,
	       addr(&sa->local), addr(&sa->remote), secret ? " KEYS-LISTED" : "");
}

static void print_body(enum contract_kind kind, const void *body)
{
	const struct contract_nexthop *nexthop = body;
	const struct contract_tunnel *tunnel = body;
	const struct contract_mirror *mirror = body;
	const struct contract_child *child = body;
	const struct contract_route *route = body;
	const struct contract_limit *limit = body;
	char prefix[NET_PREFIX_TEXT];

	switch (kind) {
	case CONTRACT_PORT:
		print_port(body);
		break;
	case CONTRACT_MIRROR:
		printf(" interface=%s port=%u instance=%u ifindex=%u mtu=%u", mirror->interface,
		       mirror->port, mirror->instance, mirror->ifindex, mirror->mtu);
		break;
	case CONTRACT_ADDRESS:
		printf(" addr=%s", addr(&((const struct contract_address *)body)->addr));
		break;
	case CONTRACT_NEIGHBOUR:
		printf(" addr=%s", addr(&((const struct contract_neighbour *)body)->addr));
		break;
	case CONTRACT_NEXTHOP:
		printf(" kind=%u port=%u target=%u gateway=%s", nexthop->kind, nexthop->port,
		       nexthop->target, addr(&nexthop->gateway));
		print_members((const void *)(nexthop + 1), nexthop->member_count);
		break;
	case CONTRACT_GROUP:
		print_members((const void *)((const struct contract_group *)body + 1),
			      ((const struct contract_group *)body)->member_count);
		break;
	case CONTRACT_TUNNEL:
		printf(" nexthop=%u limit=%u mirror=%u mtu=%u", tunnel->nexthop, tunnel->limit,
		       tunnel->mirror, tunnel->mtu);
		break;
	case CONTRACT_CHILD:
		printf(" tunnel=%u outbound_sa=%u local=%u remote=%u", child->tunnel,
		       child->outbound_sa, child->local_count, child->remote_count);
		break;
	case CONTRACT_SA:
		print_sa(body);
		break;
	case CONTRACT_LIMIT:
		printf(" bits_per_s=%llu parent=%u", (unsigned long long)limit->bits_per_s,
		       limit->parent);
		break;
	case CONTRACT_ROUTE:
		printf(" prefix=%s nexthop=%u", net_prefix_text(prefix, &route->prefix),
		       route->nexthop);
		break;
	default:
		break;
	}
}

void print_object(const struct contract_header *message)
{
	const struct contract_object *object = contract_object_of(message);

	printf("%s id=%u owner=%u generation=%u",
	       contract_kind_text((enum contract_kind)object->kind), object->id, object->owner,
	       object->generation);
	print_body((enum contract_kind)object->kind, object + 1);
	if (object->opaque_length)
		printf(" opaque=%.*s", object->opaque_length,
		       (const char *)contract_opaque_of(message));
	puts("");
}

static void print_datagram(const struct contract_datagram *d)
{
	const uint8_t *payload = (const uint8_t *)(d + 1);

	printf("punt class=%u port=%u local=%s:%u remote=%s:%u marker=%u length=%u hex=", d->class,
	       d->port, addr(&d->local), d->local_port, addr(&d->remote), d->remote_port,
	       d->non_esp_marker, d->length);
	for (uint32_t i = 0; i < d->length; i++)
		printf("%02x", payload[i]);
	puts("");
}

void print_event(const struct contract_header *message)
{
	const void *body = message + 1;
	const struct contract_acquire *acquire = body;
	const struct contract_lifetime *lifetime = body;
	const struct contract_peer_moved *moved = body;
	const struct contract_link *link = body;
	const struct contract_neighbour_wanted *wanted = body;
	const struct contract_path_mtu *mtu = body;
	const struct contract_unknown_spi *unknown = body;

	switch (message->type) {
	case CONTRACT_PUNT:
		print_datagram(body);
		break;
	case CONTRACT_ACQUIRE:
		printf("acquire group=%u tunnel=%u child=%u src=%s dst=%s\n", acquire->group,
		       acquire->tunnel, acquire->child, addr(&acquire->src), addr(&acquire->dst));
		break;
	case CONTRACT_LIFETIME:
		printf("lifetime sa=%u event=%u sequence=%llu\n", lifetime->sa, lifetime->event,
		       (unsigned long long)lifetime->sequence);
		break;
	case CONTRACT_PEER_MOVED:
		printf("moved sa=%u remote=%s:%u\n", moved->sa, addr(&moved->remote),
		       moved->remote_port);
		break;
	case CONTRACT_LINK:
		printf("link port=%u %s\n", link->port, link->up ? "up" : "down");
		break;
	case CONTRACT_NEIGHBOUR_WANTED:
		printf("neighbour port=%u addr=%s\n", wanted->port, addr(&wanted->addr));
		break;
	case CONTRACT_PATH_MTU:
		printf("path-mtu sa=%u mtu=%u\n", mtu->sa, mtu->mtu);
		break;
	case CONTRACT_UNKNOWN_SPI:
		printf("unknown-spi spi=%u remote=%s\n", unknown->spi, addr(&unknown->remote));
		break;
	default:
		printf("event type=%u\n", message->type);
		break;
	}
}

static const char *const port_columns[] = { "rx_packets", "rx_bytes", "tx_packets", "tx_bytes",
					    "dropped" };
static const char *const sa_columns[] = { "packets", "bytes", "last_ns", "dropped" };
static const char *const tunnel_columns[] = { "in_packets",	     "in_bytes",
					      "out_packets",	     "out_bytes",
					      "in_dropped",	     "out_dropped",
					      "in_selector_dropped", "out_selector_dropped" };
static const char *const limit_columns[] = { "packets", "bytes", "dropped_packets",
					     "dropped_bytes" };

static const char *const worker_columns[] = { "busy_cycles",  "idle_cycles", "loops",
					      "packets",      "rx_missed",   "buffers_free",
					      "progress_ns",  "handed_over", "waits",
					      "rx_level_max", "rx_high",     "buffers" };
#define X(name, text) text "_cycles", text "_packets",
static const char *const step_columns[] = { CONTRACT_PATH_STEPS(X) };
#undef X

static const struct {
	const char *name;
	const char *const *columns;
	enum contract_section section;
	uint32_t count;
} sections[] = {
	{ "ports", port_columns, CONTRACT_COUNT_PORTS, 5 },
	{ "sas", sa_columns, CONTRACT_COUNT_SAS, 4 },
	{ "tunnels", tunnel_columns, CONTRACT_COUNT_TUNNELS, 8 },
	{ "limits", limit_columns, CONTRACT_COUNT_LIMITS, 4 },
	{ "worker", worker_columns, CONTRACT_COUNT_WORKER, CONTRACT_WORKER_COLUMNS },
	{ "steps", step_columns, CONTRACT_COUNT_STEPS, CONTRACT_STEP_COLUMNS },
};

static void print_drops(const struct contract_counters *counters)
{
	for (uint32_t i = 1; i < CONTRACT_DROP_COUNT; i++) {
		uint64_t n = contract_counters_sum(counters, CONTRACT_COUNT_DROPS, 0, i);

		if (n)
			printf("drop %s=%llu\n", contract_drop_name((enum contract_drop)i),
			       (unsigned long long)n);
	}
}

static void print_row(const struct contract_counters *counters, size_t at, uint32_t row)
{
	bool any = false;

	for (uint32_t i = 0; i < sections[at].count; i++)
		any |= contract_counters_sum(counters, sections[at].section, row, i) != 0;
	if (!any)
		return;
	printf("%s id=%u", sections[at].name, row);
	for (uint32_t i = 0; i < sections[at].count; i++)
		printf(" %s=%llu", sections[at].columns[i],
		       (unsigned long long)contract_counters_sum(counters, sections[at].section,
								 row, i));
	puts("");
}

void print_counters(const struct contract_counters *counters, const char *section)
{
	if (!section || !strcmp(section, "drops"))
		print_drops(counters);
	for (size_t i = 0; i < sizeof(sections) / sizeof(sections[0]); i++) {
		if (section && strcmp(section, sections[i].name))
			continue;
		for (uint32_t row = 0; row < counters->header->sections[sections[i].section].rows;
		     row++)
			print_row(counters, i, row);
	}
}
