#include "wire.h"

#include "base/clock.h"
#include "net/checksum.h"
#include "net/header.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <linux/virtio_net.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define LATE_NS (50 * CLOCK_NS_PER_MS)
#define TTL 64
#define GSO_UDP 5 /* VIRTIO_NET_HDR_GSO_UDP_L4 of Linux 6.2's headers */

/* From the kernel's table of neighbours, where who has not answered yet stands with zeros. */
static int neighbour_mac(const char *interface, const struct net_addr *addr, uint8_t mac[ETH_ALEN])
{
	char line[256], wanted[NET_ADDR_TEXT], at[64], text[32], device[IFNAMSIZ];
	FILE *file = fopen("/proc/self/net/arp", "re");
	unsigned int flags;
	bool found = false;

	if (!file)
		return -errno;
	net_addr_text(wanted, addr);
	while (!found && fgets(line, sizeof(line), file))
		found = sscanf(line, "%63s %*s %x %31s %*s %15s", at, &flags, text, device) == 4 &&
			flags & ATF_COM && !strcmp(at, wanted) && !strcmp(device, interface) &&
			sscanf(text, "%hhx:%hhx:%hhx:%hhx:%hhx:%hhx", &mac[0], &mac[1], &mac[2],
			       &mac[3], &mac[4], &mac[5]) == ETH_ALEN;
	fclose(file);
	return found ? 0 : -EHOSTUNREACH;
}

static int own_mac(int fd, const char *interface, uint8_t mac[ETH_ALEN])
{
	struct ifreq request = { 0 };

	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", interface);
	if (ioctl(fd, SIOCGIFHWADDR, &request) < 0)
		return -errno;
	memcpy(mac, request.ifr_hwaddr.sa_data, ETH_ALEN);
	return 0;
}

/* Protocol 0: it sends and never receives. */
static int bind_to(int fd, const char *interface)
{
	struct sockaddr_ll name = { .sll_family = AF_PACKET,
				    .sll_ifindex = (int)if_nametoindex(interface) };
	int on = 1;

	if (!name.sll_ifindex)
		return -ENODEV;
	if (setsockopt(fd, SOL_PACKET, PACKET_QDISC_BYPASS, &on, sizeof(on)) < 0 ||
	    bind(fd, (struct sockaddr *)&name, sizeof(name)) < 0)
		return -errno;
	return 0;
}

int wire_open(struct wire *wire, const char *interface, const struct net_addr *next)
{
	int rc;

	memset(wire, 0, sizeof(*wire));
	wire->fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
	if (wire->fd < 0)
		return -errno;
	rc = bind_to(wire->fd, interface);
	if (rc == 0)
		rc = own_mac(wire->fd, interface, wire->ethernet.h_source);
	if (rc == 0)
		rc = neighbour_mac(interface, next, wire->ethernet.h_dest);
	if (rc < 0) {
		wire_close(wire);
		return rc;
	}
	wire->ethernet.h_proto = htons(ETH_P_IP);
	for (uint32_t i = 0; i < WIRE_BATCH; i++) {
		wire->parts[i].iov_base = wire->frames[i];
		wire->messages[i].msg_hdr =
			(struct msghdr){ .msg_iov = &wire->parts[i], .msg_iovlen = 1 };
		memcpy(wire->frames[i], &wire->ethernet, ETH_HLEN);
	}
	return 0;
}

void wire_close(struct wire *wire)
{
	close(wire->fd);
	wire->fd = -1;
}

uint8_t *wire_next(struct wire *wire)
{
	if (wire->filled == WIRE_BATCH)
		wire_flush(wire);
	return wire->frames[wire->filled] + ETH_HLEN;
}

void wire_add(struct wire *wire, size_t bytes)
{
	wire->parts[wire->filled++].iov_len = ETH_HLEN + bytes;
}

/* What the interface does not take is lost, as on a wire, and not counted. */
void wire_flush(struct wire *wire)
{
	uint32_t at = 0;

	while (at < wire->filled) {
		int n = sendmmsg(wire->fd, wire->messages + at, wire->filled - at, 0);

		if (n > 0)
			wire->sent += (uint32_t)n;
		else if (errno == EINTR)
			continue;
		at += n > 0 ? (uint32_t)n : 1;
	}
	wire->filled = 0;
}

int wire_cuts(struct wire *wire)
{
	int off = 0, on = 1;

	/* What goes past the queue may not be cut. */
	if (setsockopt(wire->fd, SOL_PACKET, PACKET_QDISC_BYPASS, &off, sizeof(off)) < 0 ||
	    setsockopt(wire->fd, SOL_PACKET, PACKET_VNET_HDR, &on, sizeof(on)) < 0)
		return -errno;
	return 0;
}

void wire_send_udp(struct wire *wire, const uint8_t *packet, const struct wire_udp *udp)
{
	struct virtio_net_hdr what = {
		.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
		.gso_type = udp->times > 1 ? GSO_UDP : VIRTIO_NET_HDR_GSO_NONE,
		.hdr_len = (uint16_t)(ETH_HLEN + udp->heads),
		.gso_size = (uint16_t)(udp->times > 1 ? udp->bytes : 0),
		.csum_start = WIRE_HEAD,
		.csum_offset = offsetof(struct net_udp_hdr, checksum_be),
	};
	struct iovec parts[] = { { &what, sizeof(what) },
				 { &wire->ethernet, ETH_HLEN },
				 { (void *)(uintptr_t)packet,
				   udp->heads + udp->bytes * udp->times } };
	const struct msghdr message = { .msg_iov = parts, .msg_iovlen = 3 };

	if (sendmsg(wire->fd, &message, 0) > 0)
		wire->sent += udp->times;
}

void wire_ip_write(uint8_t at[WIRE_IP_HEAD], const struct wire_ip *ip)
{
	struct net_ip4_hdr head = { .version_ihl = 0x45,
				    .length_be = htons((uint16_t)(WIRE_IP_HEAD + ip->bytes)),
				    .ttl = TTL,
				    .protocol = ip->protocol };

	memcpy(head.src, ip->from.bytes, sizeof(head.src));
	memcpy(head.dst, ip->to.bytes, sizeof(head.dst));
	head.checksum_be = net_checksum_fold(net_checksum_add(0, &head, sizeof(head)));
	memcpy(at, &head, sizeof(head));
}

uint32_t wire_due(struct wire_pace *pace, uint64_t now_ns)
{
	uint64_t due;

	if (now_ns > pace->begun_ns + pace->sent * CLOCK_NS_PER_S / pace->per_s + LATE_NS) {
		pace->begun_ns = now_ns;
		pace->sent = 0;
	}
	due = (now_ns - pace->begun_ns) * pace->per_s / CLOCK_NS_PER_S - pace->sent;
	pace->sent += due;
	return (uint32_t)due;
}
