#include "dataplane/nodes/address_table.h"
#include "dataplane/nodes/path_fragment.h"

#define ERRORS_PER_S 1000 /* of a worker */
#define ERRORS_BURST 100
/* Each looks at all children: some milliseconds of a worker in a second at the most of them. */
#define REPORTS_PER_S 10
#define REPORTS_BURST 10

static bool first_address4(const struct address_table *table, uint32_t port, struct net_addr *addr)
{
	for (uint32_t i = 0; i <= table->mask4; i++) {
		if (table->ip4[i].port != port)
			continue;
		*addr = net_addr_of(NET_IP4, (const uint8_t *)&table->ip4[i].addr);
		return true;
	}
	return false;
}

static bool first_address6(const struct address_table *table, uint32_t port, struct net_addr *addr)
{
	for (uint32_t i = 0; i <= table->mask6; i++) {
		const struct address_entry6 *e = &table->ip6[i];
		const uint8_t *bytes = (const uint8_t *)e->addr;

		if (!e->used || e->port != port)
			continue;
		if (bytes[0] == 0xfe && (bytes[1] & 0xc0) == 0x80)
			continue; /* link-local: means nothing beyond the link */
		*addr = net_addr_of(NET_IP6, bytes);
		return true;
	}
	return false;
}

void path_icmp_error(struct path *path, struct path_packet *p, enum icmp_error error, uint32_t mtu)
{
	struct path_packet cause = {
		.port = p->port, .domain = p->domain, .from = PATH_FROM_MIRROR, .charged = PATH_FREE
	};
	struct net_addr from;
	struct rte_mbuf *m;

	/* port 0: of Linux's or our own making */
	if (!p->port ||
	    !(p->ip6 ? first_address6 : first_address4)(path->addresses, p->port, &from))
		return;
	if (!icmp_limit_admit(&path->icmp_errors, path->now_tsc, path->shared->config.tsc_hz,
			      ERRORS_PER_S, ERRORS_BURST))
		return;
	path_place(p, p->ip, p->length);
	m = icmp_error_new(path->shared->config.pool, p->m, error, &from, mtu);
	if (m)
		path_made_add(path, m, &cause, 0);
}

/* Addresses, ports and SPI as the SA sends them. */
static bool sends(const struct sa_outbound *out, const struct icmp_report *r)
{
	bool six = out->flags & SA_IP6;
	const uint8_t *head = six ? out->head6 : out->head;
	uint32_t bytes = six ? 16 : 4;
	uint32_t src = six ? offsetof(struct net_ip6_hdr, src) : offsetof(struct net_ip4_hdr, src);
	uint32_t spi_be = rte_cpu_to_be_32(r->spi);
	uint16_t ports[2] = { rte_cpu_to_be_16(r->src_port), rte_cpu_to_be_16(r->dst_port) };
	bool udp = out->flags & SA_UDP;

	return r->src.family == (six ? NET_IP6 : NET_IP4) &&
	       r->protocol == (udp ? NET_PROTO_UDP : NET_PROTO_ESP) &&
	       memcmp(head + out->head_bytes, &spi_be, sizeof(spi_be)) == 0 &&
	       memcmp(head + src, r->src.bytes, bytes) == 0 &&
	       memcmp(head + src + bytes, r->dst.bytes, bytes) == 0 &&
	       (!udp || memcmp(head + out->head_bytes - sizeof(struct net_udp_hdr), ports,
			       sizeof(ports)) == 0);
}

static const struct sa_outbound *sender(const struct path *path, const struct icmp_report *r)
{
	for (uint32_t i = 0; i < path->sas->child_count; i++) {
		const struct sa_outbound *out =
			__atomic_load_n(&path->sas->children[i].outbound, __ATOMIC_ACQUIRE);

		if (out && sends(out, r))
			return out;
	}
	return NULL;
}

bool path_icmp_report(struct path *path, struct path_packet *p)
{
	struct path_event event = { .type = CONTRACT_PATH_MTU, .domain = p->domain };
	const struct sa_outbound *out;
	struct icmp_report report;

	/* RFC 4301 section 8.2.1: believed only with the SPI, which a stranger does not know */
	if (!icmp_report_read(&report, p->ip, p->length) || !report.too_big || !report.mtu ||
	    !report.spi)
		return false;
	if (!icmp_limit_admit(&path->icmp_reports, path->now_tsc, path->shared->config.tsc_hz,
			      REPORTS_PER_S, REPORTS_BURST))
		return false;
	out = sender(path, &report);
	if (!out)
		return false;
	event.mtu.sa = out->id;
	event.mtu.mtu = (uint16_t)report.mtu;
	if (report.mtu < path->shared->ports[p->port].mtu) /* else we never sent longer ones */
		path_event(path, &event);
	path_drop(path, p, CONTRACT_DROP_PATH_MTU);
	return true;
}
