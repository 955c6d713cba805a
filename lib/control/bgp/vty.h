#pragma once
/*
 * A daemon of FRR by its vty socket: a command ends with a NUL, its answer with three NULs and a
 * status byte. Commands are answered in their order.
 */
#include "control/event/loop.h"

#include <stddef.h>

#define VTY_ANSWER_MAX (128u * 1024 * 1024)

struct vty;

/* `status` 0: done; >0: the daemon's refusal with its text; <0: -errno, the daemon is lost. */
typedef void (*vty_done)(void *context, int status, const char *text, size_t n);

struct vty_hooks {
	void *context;
	void (*up)(void *context);
	void (*down)(void *context);
};

__attribute__((warn_unused_result)) int vty_new(struct vty **vty, struct event_loop *loop,
						const char *path, const struct vty_hooks *hooks);
void vty_free(struct vty *vty);
/* The first answer of what came, without its end; gives all its bytes, 0: it is not whole. Pure. */
size_t vty_answer(const char *text, size_t n, size_t *length, uint8_t *status);
/* Connects when it is not connected; says so by `up`. */
void vty_try(struct vty *vty);
bool vty_is_up(const struct vty *vty);
/* It is not connected, or its end has come and is not read yet. */
bool vty_is_gone(const struct vty *vty);
/* `done` may be NULL. Called with -ENOTCONN at once when the daemon is not there. */
void vty_send(struct vty *vty, const char *command, vty_done done, void *context);
