#pragma once
/*
 * DOC: fragmentation
 *
 * Cuts an IPv4 packet that may be cut (DF clear) before it is encrypted, so that the peer's inner
 * receiver puts it together and not the peer's gateway. IPv6 packets are never cut by those who
 * forward them: their sender is told (icmp.h). Data are copied: the fragments are encrypted in
 * place next, and shared segments could not be.
 */
#include <rte_mbuf_core.h>

#include <stdbool.h>
#include <stdint.h>

#define FRAG_SPLIT_MAX 64

/* Data start at an IPv4 header that is contiguous; larger than `mtu` and DF clear. */
bool frag_may_split(const struct rte_mbuf *packet, uint32_t mtu);

/*
 * Consumes the packet; the fragments in `out`, in order, at least two. 0: not enough buffers, an
 * MTU below 68, more than FRAG_SPLIT_MAX fragments or a bad header; the packet is freed then too.
 */
uint32_t frag_split(struct rte_mbuf *packet, uint32_t mtu, struct rte_mempool *pool,
		    struct rte_mbuf *out[FRAG_SPLIT_MAX]);
