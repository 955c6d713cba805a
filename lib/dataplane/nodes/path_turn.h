#pragma once
/*
 * DOC: turns
 *
 * What several workers do with parts of one burst, in the order in which it was received, although
 * each opens its part when it can. Two things wait for their turn: numbers enter the replay windows
 * (else a window that is smaller than what is under way would refuse what is late only because its
 * worker was), and packets leave: all exits, and packets into a tunnel before they take the numbers
 * that others may then wait for, so a worker that waits holds nothing that the one it waits for
 * wants. Parsing, opening, checks and routes are done side by side.
 */
#include "dataplane/nodes/path_share.h"

static PATH_INLINE void path_turn_await(struct path *path, const uint64_t *turns)
{
	uint64_t since = 0;

	while (__atomic_load_n(turns, __ATOMIC_ACQUIRE) != path->turn->number)
		path_wait(path, &since);
}

static PATH_INLINE void path_turn_await_commit(struct path *path)
{
	path_turn_await(path, path->turn->committed);
}

static PATH_INLINE void path_turn_commit(struct path *path)
{
	__atomic_store_n(path->turn->committed, path->turn->number + 1, __ATOMIC_RELEASE);
	path->turn_committed = true;
}

static PATH_INLINE void path_turn_await_leave(struct path *path)
{
	path_turn_await(path, path->turn->left);
}
