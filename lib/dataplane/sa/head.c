#include "dataplane/sa/head.h"
#include "base/hash.h"
#include "net/checksum.h"
#include "net/header.h"

#include <rte_byteorder.h>

#include <string.h>

static uint32_t udp_put(uint8_t *at, const struct contract_sa *sa)
{
	struct net_udp_hdr udp = {
		.src_be = rte_cpu_to_be_16(sa->local_port),
		.dst_be = rte_cpu_to_be_16(sa->remote_port),
		/* RFC 3948 section 2.1 and RFC 6935: the checksum is zero, ESP has its own */
	};

	memcpy(at, &udp, sizeof(udp));
	return sizeof(udp);
}

static uint32_t ip4_put(uint8_t *at, const struct contract_sa *sa, uint8_t protocol)
{
	struct net_ip4_hdr ip = { .version_ihl = 0x45, .ttl = 64, .protocol = protocol };

	memcpy(ip.src, sa->local.bytes, 4);
	memcpy(ip.dst, sa->remote.bytes, 4);
	ip.checksum_be = (uint16_t)~net_checksum_fold(net_checksum_add(0, &ip, sizeof(ip)));
	memcpy(at, &ip, sizeof(ip));
	return sizeof(ip);
}

/* RFC 6437 section 3: evenly spread, and not 0, which says that there is none. */
static uint32_t flow_label(const struct contract_sa *sa)
{
	uint32_t spi_be = rte_cpu_to_be_32(sa->spi);
	uint64_t digest = hash_digest(HASH_DIGEST, sa->local.bytes, 16);
	uint32_t label;

	digest = hash_digest(digest, sa->remote.bytes, 16);
	digest = hash_digest(digest, &spi_be, sizeof(spi_be));
	label = (uint32_t)(digest ^ digest >> 20 ^ digest >> 40 ^ digest >> 60) & 0xfffff;
	return label ? label : 1;
}

static uint32_t ip6_put(uint8_t *at, const struct contract_sa *sa, uint8_t protocol)
{
	struct net_ip6_hdr ip = { .version_class_flow_be =
					  rte_cpu_to_be_32(6u << 28 | flow_label(sa)),
				  .next_header = protocol,
				  .hop_limit = 64 };

	memcpy(ip.src, sa->local.bytes, 16);
	memcpy(ip.dst, sa->remote.bytes, 16);
	memcpy(at, &ip, sizeof(ip));
	return sizeof(ip);
}

void sa_head_build(struct sa_outbound *out, const struct contract_sa *sa)
{
	bool udp = sa->flags & CONTRACT_SA_UDP;
	bool ip6 = sa->local.family == NET_IP6;
	uint8_t protocol = udp ? NET_PROTO_UDP : NET_PROTO_ESP;
	uint8_t *at = ip6 ? out->head6 : out->head;
	uint32_t spi_be = rte_cpu_to_be_32(sa->spi);
	uint32_t n;

	n = ip6 ? ip6_put(at, sa, protocol) : ip4_put(at, sa, protocol);
	if (udp)
		n += udp_put(at + n, sa);
	memcpy(at + n, &spi_be, sizeof(spi_be));
	out->head_bytes = (uint8_t)n;
}
