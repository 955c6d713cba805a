#include "control/bgp/bfd.h"

#include "control/bgp/socket.h"
#include "control/config/json_in.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define VERSION 1
#define TYPE_WANT 4 /* what it tells: a mask of 64 bits, all of them */
#define MESSAGE_MAX 65536

struct header {
	uint32_t length_be;
	uint16_t id_be;
	uint8_t type;
	uint8_t version;
};

struct bfd {
	struct event_loop *loop;
	struct bfd_hooks hooks;
	struct event_source *readable;
	int fd;
	size_t n;
	char path[BGP_SOCKET_PATH];
	uint8_t bytes[sizeof(struct header) + MESSAGE_MAX];
};

int bfd_new(struct bfd **bfd, struct event_loop *loop, const char *path,
	    const struct bfd_hooks *hooks)
{
	struct bfd *b = calloc(1, sizeof(*b));

	if (!b)
		return -ENOMEM;
	b->loop = loop;
	b->hooks = *hooks;
	b->fd = -1;
	if (snprintf(b->path, sizeof(b->path), "%s", path) >= (int)sizeof(b->path)) {
		free(b);
		return -ENAMETOOLONG;
	}
	*bfd = b;
	return 0;
}

static void hang_up(struct bfd *b)
{
	event_source_free(b->readable);
	b->readable = NULL;
	if (b->fd >= 0)
		close(b->fd);
	b->fd = -1;
	b->n = 0;
}

void bfd_free(struct bfd *bfd)
{
	if (!bfd)
		return;
	hang_up(bfd);
	free(bfd);
}

static void told(const struct bfd_hooks *hooks, const char *text, size_t n)
{
	struct config_report report;
	struct bfd_change change = { 0 };
	cJSON *json = NULL;

	config_report_init(&report);
	if (config_json_parse(&json, text, n, &report) == 0) {
		const char *op = config_json_text(json, "op");

		change.gone = !strcmp(op, "delete");
		change.up = !strcmp(config_json_text(json, "state"), "up");
		if ((change.gone || !strcmp(op, "status")) &&
		    net_addr_parse(&change.local, config_json_text(json, "local-address")) == 0 &&
		    net_addr_parse(&change.peer, config_json_text(json, "peer-address")) == 0)
			hooks->changed(hooks->context, &change);
	}
	config_json_free(json);
	config_report_fini(&report);
}

ssize_t bfd_read(const uint8_t *bytes, size_t n, const struct bfd_hooks *hooks)
{
	size_t at = 0;

	while (n - at >= sizeof(struct header)) {
		struct header h;
		size_t length;

		memcpy(&h, bytes + at, sizeof(h));
		length = ntohl(h.length_be);
		if (h.version != VERSION || length > MESSAGE_MAX)
			return -EPROTO;
		if (n - at < sizeof(h) + length)
			break;
		told(hooks, (const char *)bytes + at + sizeof(h), length);
		at += sizeof(h) + length;
	}
	return (ssize_t)at;
}

static void lost(struct bfd *b)
{
	hang_up(b);
	b->hooks.down(b->hooks.context);
}

static void readable(void *context)
{
	struct bfd *b = context;
	ssize_t n = recv(b->fd, b->bytes + b->n, sizeof(b->bytes) - b->n, MSG_DONTWAIT);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		lost(b);
		return;
	}
	b->n += (size_t)n;
	n = bfd_read(b->bytes, b->n, &b->hooks);
	if (n < 0) {
		lost(b);
		return;
	}
	memmove(b->bytes, b->bytes + n, b->n - (size_t)n);
	b->n -= (size_t)n;
}

void bfd_hear(struct bfd *b)
{
	if (b->fd >= 0)
		readable(b);
}

void bfd_try(struct bfd *b)
{
	struct {
		struct header header;
		uint64_t what;
	} want = { { htonl(sizeof(uint64_t)), htons(1), TYPE_WANT, VERSION }, UINT64_MAX };

	if (b->fd >= 0)
		return;
	b->fd = bgp_socket_open(b->path);
	if (b->fd < 0)
		return;
	if (send(b->fd, &want, sizeof(want), MSG_NOSIGNAL) != sizeof(want) ||
	    event_fd_new(&b->readable, b->loop, b->fd, EVENT_READABLE, readable, b) < 0)
		hang_up(b);
}
