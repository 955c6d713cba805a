#pragma once
/*
 * Buffers that end where their frame ends. What is behind, and all of a buffer that is in the pool,
 * is poisoned: AddressSanitizer, which knows nothing of DPDK's memory, then sees a read past the
 * end of a frame or of a packet that was freed. A buffer is whole again when the pool gives it.
 */
#include <stdint.h>

#if defined(__SANITIZE_ADDRESS__)
#define FENCE_SEEN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define FENCE_SEEN 1
#endif
#endif
#ifndef FENCE_SEEN
#define FENCE_SEEN 0 /* nobody looks: the buffers are short all the same */
#endif

struct rte_mbuf;

/* Registers the pool, once a program, and gives its name. One thread. */
const char *fence_pool(void);
/*
 * The frame has this many bytes to grow into and no more. In pieces: the first has room for the
 * others' bytes too, so that it can become one.
 */
void fence_put(struct rte_mbuf *frame, uint32_t room);
