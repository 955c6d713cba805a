#pragma once
/*
 * What the cipher alone costs: the cheapest ipsec-mb call for a size, best prefetch, on the same
 * buffers and key sequence. Nothing else of the packet path.
 */
#include "feed.h"

/* Median of `rounds` rounds over all slots, cycles per packet. */
double bare_measure(struct feed *feed, uint32_t rounds);
