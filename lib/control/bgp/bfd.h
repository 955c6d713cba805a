#pragma once
/*
 * What bfdd tells by its control socket (bfdd --bfdctl): each change of a session as it happens.
 * A message is a header (length of what follows, id, type, version; network order) and JSON.
 */
#include "control/event/loop.h"
#include "net/addr.h"

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

__attribute__((warn_unused_result)) int bfd_new(struct bfd **bfd, struct event_loop *loop,
						const char *path, const struct bfd_hooks *hooks);
void bfd_free(struct bfd *bfd);
void bfd_try(struct bfd *bfd);
