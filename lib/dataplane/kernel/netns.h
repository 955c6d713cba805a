#pragma once
/*
 * Network namespaces: entering one for a moment on the calling thread, and making a named one that
 * outlives the program (a bind mount under /run/netns, as iproute2 keeps them).
 */
#include <stddef.h>

struct netns {
	int target; /* -1: our own */
	int home;
};

/*
 * `name`: "" for our own, a path with a slash, or a name under /run/netns, which is made when it is
 * not there. -errno; `path` then holds what was tried.
 */
__attribute__((warn_unused_result)) int netns_open(struct netns *ns, const char *name, char *path,
						   size_t path_size);
void netns_close(struct netns *ns);
__attribute__((warn_unused_result)) int netns_enter(const struct netns *ns);
/* Back home. A thread that cannot go back must not go on: -errno is fatal to the caller. */
__attribute__((warn_unused_result)) int netns_leave(const struct netns *ns);
