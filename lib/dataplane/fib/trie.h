#pragma once
/*
 * Changes of the tries that lookup.h walks. Main lcore only. A node is changed in place where the
 * places of its runs stay the same (one 32-bit store an entry); else a changed copy is published
 * in its parent's entry and the old one is retired.
 */
#include "dataplane/fib/pool.h"

#include <stdint.h>

struct fib_trie {
	struct fib_pool *pool;
	uint32_t *roots;
	uint32_t dense_at; /* byte of the address whose nodes are 256 entries in a row; 0: none */
};

/* A route as the trie sees it; the caller knows all routes and so the cover of one. */
struct fib_trie_route {
	uint32_t domain;
	const uint8_t *addr;
	uint32_t length;
	uint32_t nexthop;
};

/* Adds the route or changes its next hop. -ENOSPC: nothing has changed. */
__attribute__((warn_unused_result)) int fib_trie_set(struct fib_trie *trie,
						     const struct fib_trie_route *route,
						     uint32_t reserve);
/* Removes it; what it covered goes to `cover` (next hop 0: none). -ENOSPC: nothing has changed. */
__attribute__((warn_unused_result)) int fib_trie_del(struct fib_trie *trie,
						     const struct fib_trie_route *route,
						     const struct fib_trie_route *cover);
