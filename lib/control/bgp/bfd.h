#pragma once
/*
 * What bfdd tells by its control socket (bfdd --bfdctl): each change of a session as it happens.
 * A message is a header (length of what follows, id, type, version; network order) and JSON.
 */
#include "control/event/loop.h"
#include "net/addr.h"

#include <sys/types.h>

struct bfd;

struct bfd_change {
	struct net_addr local;
	struct net_addr peer;
	bool up;
	bool gone; /* the session is no more */
};

struct bfd_hooks {
	void *context;
	void (*changed)(void *context, const struct bfd_change *change);
	void (*down)(void *context); /* bfdd is not there */
};

/* Tells what whole messages say; gives how many bytes they were, -EPROTO. Pure but for `changed`.
 */
__attribute__((warn_unused_result)) ssize_t bfd_read(const uint8_t *bytes, size_t n,
						     const struct bfd_hooks *hooks);
__attribute__((warn_unused_result)) int bfd_new(struct bfd **bfd, struct event_loop *loop,
						const char *path, const struct bfd_hooks *hooks);
void bfd_free(struct bfd *bfd);
void bfd_try(struct bfd *bfd);
/* What has come and was not read yet. */
void bfd_hear(struct bfd *bfd);
