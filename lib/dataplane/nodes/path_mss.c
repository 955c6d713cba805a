/*
 * RFC 9293 section 3.7.1: the maximum segment size option of a SYN, lowered so that segments fit
 * the tunnel.
 */
#include "dataplane/nodes/path_state.h"

#define OPTION_END 0
#define OPTION_NONE 1
#define OPTION_MSS 2

static void lower(struct net_tcp_hdr *tcp, uint8_t *at, uint32_t most, bool odd)
{
	uint16_t was = (uint16_t)(at[2] << 8 | at[3]);
	uint16_t now = (uint16_t)most;

	if (was <= now)
		return;
	at[2] = (uint8_t)(now >> 8);
	at[3] = (uint8_t)now;
	/* a word that starts at an odd place counts with its bytes swapped (RFC 1071 section 2) */
	tcp->checksum_be = net_checksum_adjust(tcp->checksum_be, odd ? was : rte_cpu_to_be_16(was),
					       odd ? now : rte_cpu_to_be_16(now));
}

static void clamp(struct path_packet *p, uint32_t most)
{
	uint8_t *tcp = p->ip + p->l4;
	uint32_t header = (uint32_t)(tcp[12] >> 4) * 4;
	uint32_t at = sizeof(struct net_tcp_hdr);

	if (header > p->length - p->l4)
		return;
	while (at + 1 < header && tcp[at] != OPTION_END) {
		uint32_t n = tcp[at] == OPTION_NONE ? 1 : tcp[at + 1];

		if (n == 0 || at + n > header)
			return;
		if (tcp[at] == OPTION_MSS && n == 4) {
			lower((struct net_tcp_hdr *)tcp, tcp + at, most, (at + 2) & 1);
			return;
		}
		at += n;
	}
}

static uint32_t mss_of(const struct sa_tunnel *tunnel, const struct sa_outbound *out, uint32_t mtu,
		       bool ip6)
{
	if (tunnel->mss)
		return tunnel->mss;
	return esp_longest(out, mtu) -
	       (ip6 ? sizeof(struct net_ip6_hdr) : sizeof(struct net_ip4_hdr)) -
	       sizeof(struct net_tcp_hdr);
}

void path_mss_tunnel(struct path_packet *p, const struct sa_tunnel *tunnel,
		     const struct sa_outbound *out, uint32_t mtu)
{
	if (!(tunnel->flags & CONTRACT_TUNNEL_NO_MSS_CLAMP))
		clamp(p, mss_of(tunnel, out, mtu, p->ip6));
}
