#include "control/route/upstream.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/secret.h"
#include "contract/object.h"
#include "net/checksum.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/icmp.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define TOPIC "route"
#define PROBES_MAX 64
#define IP_HEADER 20
#define RECENT 16 /* an answer to an older request says nothing of now */

struct probe {
	char port[CONTRACT_NAME]; /* "": free */
	struct net_addr local;
	struct net_addr target;
	struct upstream_count count;
};

struct upstream {
	struct event_loop *loop;
	struct event_source *readable;
	struct event_source *timer;
	struct upstream_hooks hooks;
	int fd; /* -1: we have no right to one */
	uint64_t secret;
	uint16_t first_id; /* of the probes' identifiers */
	bool warned;
	bool running;
	struct probe probes[PROBES_MAX];
};

bool upstream_count_sent(struct upstream_count *c)
{
	/* Behind a round trip of several periods there is always one under way. */
	if (c->sent != c->heard && c->lost < UPSTREAM_LOST && ++c->lost > 1)
		c->back = 0;
	c->sent++;
	if (c->dead || c->lost < UPSTREAM_LOST)
		return false;
	c->dead = true;
	return true;
}

bool upstream_count_heard(struct upstream_count *c, uint16_t number)
{
	if ((uint16_t)(c->sent - number) >= RECENT || number == c->heard)
		return false;
	c->heard = number;
	c->lost = 0;
	if (!c->dead || ++c->back < UPSTREAM_BACK)
		return false;
	c->dead = false;
	c->back = 0;
	return true;
}

static void tell(struct upstream *u, const struct probe *p)
{
	char text[NET_ADDR_TEXT];

	if (p->count.dead)
		log_warn(TOPIC,
			 "the upstream does not answer: its tunnels' flows leave port=%s target=%s",
			 p->port, net_addr_text(text, &p->target));
	else
		log_info(TOPIC, "the upstream answers again port=%s target=%s", p->port,
			 net_addr_text(text, &p->target));
	u->hooks.changed(u->hooks.context, p->port, !p->count.dead);
}

static void echo_build(const struct upstream *u, uint16_t index, uint16_t number,
		       uint8_t bytes[UPSTREAM_ECHO])
{
	struct icmphdr icmp = { .type = ICMP_ECHO };

	icmp.un.echo.id = htons((uint16_t)(u->first_id + index));
	icmp.un.echo.sequence = htons(number);
	memcpy(bytes, &icmp, sizeof(icmp));
	memcpy(bytes + sizeof(icmp), &u->secret, sizeof(u->secret));
	icmp.checksum = net_checksum_fold(net_checksum_add(0, bytes, UPSTREAM_ECHO));
	memcpy(bytes, &icmp, sizeof(icmp));
}

/* The source decides about the port: its rule and table (route.h). What does not leave is lost. */
static void echo_send(const struct upstream *u, uint16_t index, const struct probe *p)
{
	struct sockaddr_in to = { .sin_family = AF_INET };
	union {
		struct cmsghdr header;
		uint8_t bytes[CMSG_SPACE(sizeof(struct in_pktinfo))];
	} control = { 0 };
	uint8_t bytes[UPSTREAM_ECHO];
	struct iovec part = { bytes, sizeof(bytes) };
	struct msghdr message = {
		.msg_name = &to,
		.msg_namelen = sizeof(to),
		.msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};
	struct in_pktinfo info = { 0 };

	memcpy(&to.sin_addr, p->target.bytes, sizeof(to.sin_addr));
	memcpy(&info.ipi_spec_dst, p->local.bytes, sizeof(info.ipi_spec_dst));
	control.header.cmsg_level = IPPROTO_IP;
	control.header.cmsg_type = IP_PKTINFO;
	control.header.cmsg_len = CMSG_LEN(sizeof(info));
	memcpy(CMSG_DATA(&control.header), &info, sizeof(info));
	echo_build(u, index, p->count.sent, bytes);
	if (sendmsg(u->fd, &message, MSG_DONTWAIT) < 0)
		log_debug(TOPIC, "an upstream probe did not leave port=%s error=\"%s\"", p->port,
			  strerror(errno));
}

static void every_while(void *context)
{
	struct upstream *u = context;
	bool any = false;

	for (uint16_t i = 0; i < PROBES_MAX; i++) {
		struct probe *p = &u->probes[i];

		if (!p->port[0])
			continue;
		any = true;
		if (upstream_count_sent(&p->count))
			tell(u, p);
		echo_send(u, i, p);
	}
	u->running = any;
	if (any)
		event_timer_set(u->timer, UPSTREAM_EVERY_MS * CLOCK_NS_PER_MS);
}

static void taken(struct upstream *u, const uint8_t *bytes, size_t n)
{
	size_t header = n ? (size_t)(bytes[0] & 15) * 4 : 0;
	struct icmphdr icmp;
	uint16_t index;
	struct probe *p;

	if (header < IP_HEADER || n < header + UPSTREAM_ECHO)
		return;
	memcpy(&icmp, bytes + header, sizeof(icmp));
	index = (uint16_t)(ntohs(icmp.un.echo.id) - u->first_id);
	if (icmp.type != ICMP_ECHOREPLY || index >= PROBES_MAX)
		return;
	p = &u->probes[index];
	if (!p->port[0] || memcmp(bytes + 12, p->target.bytes, 4) != 0 ||
	    memcmp(bytes + 16, p->local.bytes, 4) != 0 ||
	    !secret_equal(bytes + header + sizeof(icmp), (const uint8_t *)&u->secret,
			  sizeof(u->secret)))
		return;
	if (upstream_count_heard(&p->count, ntohs(icmp.un.echo.sequence)))
		tell(u, p);
}

static void readable(void *context)
{
	struct upstream *u = context;
	uint8_t bytes[256];

	for (int i = 0; i < PROBES_MAX; i++) {
		ssize_t n = recv(u->fd, bytes, sizeof(bytes), MSG_DONTWAIT);

		if (n < 0)
			return;
		taken(u, bytes, (size_t)n);
	}
}

static int socket_open(struct upstream *u)
{
	struct icmp_filter replies = { .data = ~(1u << ICMP_ECHOREPLY) };

	u->fd = socket(AF_INET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_ICMP);
	if (u->fd < 0)
		return errno == EPERM || errno == EACCES ? 0 : -errno;
	if (setsockopt(u->fd, SOL_RAW, ICMP_FILTER, &replies, sizeof(replies)) < 0)
		return -errno;
	return event_fd_new(&u->readable, u->loop, u->fd, EVENT_READABLE, readable, u);
}

int upstream_new(struct upstream **upstream, struct event_loop *loop,
		 const struct upstream_hooks *hooks)
{
	struct upstream *u = calloc(1, sizeof(*u));
	int rc;

	if (!u)
		return -ENOMEM;
	u->loop = loop;
	u->hooks = *hooks;
	u->fd = -1;
	rc = secret_random(&u->secret, sizeof(u->secret));
	if (rc == 0)
		rc = secret_random(&u->first_id, sizeof(u->first_id));
	if (rc == 0)
		rc = event_timer_new(&u->timer, loop, every_while, u);
	if (rc == 0)
		rc = socket_open(u);
	if (rc < 0) {
		upstream_free(u);
		return rc;
	}
	*upstream = u;
	return 0;
}

void upstream_free(struct upstream *u)
{
	if (!u)
		return;
	event_source_free(u->readable);
	event_source_free(u->timer);
	if (u->fd >= 0)
		close(u->fd);
	free(u);
}

static struct probe *probe_find(struct upstream *u, const char *port)
{
	for (uint32_t i = 0; i < PROBES_MAX; i++)
		if (!strcmp(u->probes[i].port, port))
			return &u->probes[i];
	return NULL;
}

int upstream_set(struct upstream *u, const char *port, const struct net_addr *local,
		 const struct net_addr *target)
{
	struct probe *p = probe_find(u, port);
	bool wanted = local->family == NET_IP4 && target->family == NET_IP4;

	if (p && wanted && net_addr_equal(&p->local, local) && net_addr_equal(&p->target, target))
		return 0;
	if (p)
		*p = (struct probe){ 0 };
	if (!wanted)
		return 0;
	if (u->fd < 0) {
		if (!u->warned)
			log_warn(TOPIC,
				 "upstreams are not probed: vpngw-control was started without "
				 "CAP_NET_RAW");
		u->warned = true;
		return 0;
	}
	p = p ? p : probe_find(u, "");
	if (!p)
		return -ENOSPC;
	*p = (struct probe){ .local = *local, .target = *target };
	snprintf(p->port, sizeof(p->port), "%s", port);
	if (!u->running)
		event_timer_set(u->timer, 0);
	u->running = true;
	return 0;
}

bool upstream_answers(const struct upstream *u, const char *port)
{
	for (uint32_t i = 0; i < PROBES_MAX; i++)
		if (u->probes[i].port[0] && !strcmp(u->probes[i].port, port))
			return !u->probes[i].count.dead;
	return true;
}
