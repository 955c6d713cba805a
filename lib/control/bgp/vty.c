#include "control/bgp/vty.h"

#include "control/bgp/socket.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define END "\0\0"
#define CHUNK 65536

struct question {
	struct question *next;
	vty_done done;
	void *context;
	size_t sent;
	size_t n; /* with the NUL */
	char text[];
};

struct vty {
	struct event_loop *loop;
	struct vty_hooks hooks;
	struct event_source *readable;
	struct event_source *writable;
	int fd;
	struct question *first; /* whose answer comes next */
	struct question **last;
	struct question *unsent;
	char *answer;
	size_t n;
	size_t capacity;
	char path[BGP_SOCKET_PATH];
};

int vty_new(struct vty **vty, struct event_loop *loop, const char *path,
	    const struct vty_hooks *hooks)
{
	struct vty *v = calloc(1, sizeof(*v));

	if (!v)
		return -ENOMEM;
	v->loop = loop;
	v->hooks = *hooks;
	v->fd = -1;
	v->last = &v->first;
	if (snprintf(v->path, sizeof(v->path), "%s", path) >= (int)sizeof(v->path)) {
		free(v);
		return -ENAMETOOLONG;
	}
	*vty = v;
	return 0;
}

bool vty_is_up(const struct vty *vty)
{
	return vty->fd >= 0;
}

bool vty_is_gone(const struct vty *vty)
{
	char byte;

	return vty->fd < 0 || recv(vty->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 0;
}

static void hang_up(struct vty *v, int error)
{
	struct question *q = v->first;

	event_source_free(v->readable);
	event_source_free(v->writable);
	v->readable = v->writable = NULL;
	if (v->fd >= 0)
		close(v->fd);
	v->fd = -1;
	v->first = v->unsent = NULL;
	v->last = &v->first;
	free(v->answer);
	v->answer = NULL;
	v->n = v->capacity = 0;
	while (q) {
		struct question *next = q->next;

		if (q->done)
			q->done(q->context, error, "", 0);
		free(q);
		q = next;
	}
}

static void lost(struct vty *v, int error)
{
	hang_up(v, error);
	v->hooks.down(v->hooks.context);
}

void vty_free(struct vty *vty)
{
	if (!vty)
		return;
	hang_up(vty, -ECANCELED);
	free(vty);
}

static void transmit(void *context)
{
	struct vty *v = context;

	while (v->unsent) {
		struct question *q = v->unsent;
		ssize_t n =
			send(v->fd, q->text + q->sent, q->n - q->sent, MSG_DONTWAIT | MSG_NOSIGNAL);

		if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
			if (!v->writable && event_fd_new(&v->writable, v->loop, v->fd,
							 EVENT_WRITABLE, transmit, v) < 0)
				lost(v, -ENOMEM);
			return;
		}
		if (n < 0) {
			lost(v, -errno);
			return;
		}
		q->sent += (size_t)n;
		if (q->sent == q->n)
			v->unsent = q->next;
	}
	event_source_free(v->writable);
	v->writable = NULL;
}

size_t vty_answer(const char *text, size_t n, size_t *length, uint8_t *status)
{
	const char *end = n < 4 ? NULL : memmem(text, n - 1, END, 3);

	if (!end)
		return 0;
	*length = (size_t)(end - text);
	*status = (uint8_t)end[3];
	return *length + 4;
}

/* Hands out one answer that is whole; gives how many bytes it had, 0: none is. */
static size_t answer_take(struct vty *v, size_t from)
{
	struct question *q = v->first;
	size_t length;
	uint8_t status;
	size_t n = q ? vty_answer(v->answer + from, v->n - from, &length, &status) : 0;

	if (!n)
		return 0;
	v->first = q->next;
	if (!v->first)
		v->last = &v->first;
	if (q->done)
		q->done(q->context, status, v->answer + from, length);
	free(q);
	return n;
}

static void answers_take(struct vty *v)
{
	size_t from = 0;
	size_t taken;

	while (v->fd >= 0 && (taken = answer_take(v, from)))
		from += taken;
	if (v->fd < 0)
		return;
	memmove(v->answer, v->answer + from, v->n - from);
	v->n -= from;
}

static bool room(struct vty *v)
{
	char *grown;

	if (v->capacity - v->n >= CHUNK)
		return true;
	if (v->capacity >= VTY_ANSWER_MAX)
		return false;
	grown = realloc(v->answer, v->capacity ? v->capacity * 2 : 2 * CHUNK);
	if (!grown)
		return false;
	v->answer = grown;
	v->capacity = v->capacity ? v->capacity * 2 : 2 * CHUNK;
	return true;
}

static void readable(void *context)
{
	struct vty *v = context;
	size_t before = v->n;
	ssize_t n = 0;

	while (room(v) && (n = recv(v->fd, v->answer + v->n, CHUNK, MSG_DONTWAIT)) > 0)
		v->n += (size_t)n;
	if (n > 0) {
		lost(v, -EFBIG);
		return;
	}
	/* An answer ends at the end of what came: a long one is searched once. */
	if (v->n >= 4 && v->n > before && !memcmp(v->answer + v->n - 4, END, 3))
		answers_take(v);
	if (v->fd >= 0 && (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)))
		lost(v, n ? -errno : -EPIPE);
}

void vty_try(struct vty *v)
{
	if (v->fd >= 0)
		return;
	v->fd = bgp_socket_open(v->path);
	if (v->fd < 0)
		return;
	if (event_fd_new(&v->readable, v->loop, v->fd, EVENT_READABLE, readable, v) < 0) {
		close(v->fd);
		v->fd = -1;
		return;
	}
	vty_send(v, "enable", NULL, NULL);
	if (v->fd >= 0)
		v->hooks.up(v->hooks.context);
}

void vty_send(struct vty *v, const char *command, vty_done done, void *context)
{
	size_t n = strlen(command) + 1;
	struct question *q = v->fd < 0 ? NULL : malloc(sizeof(*q) + n);

	if (!q) {
		if (done)
			done(context, v->fd < 0 ? -ENOTCONN : -ENOMEM, "", 0);
		return;
	}
	*q = (struct question){ .done = done, .context = context, .n = n };
	memcpy(q->text, command, n);
	*v->last = q;
	v->last = &q->next;
	if (!v->unsent)
		v->unsent = q;
	transmit(v);
}
