#pragma once
/*
 * What the cipher alone costs: the cheapest ipsec-mb call for a size, best prefetch, on the same
 * buffers and key sequence. Nothing else of the packet path.
 */
#include "feed.h"

struct bare;
struct bare *bare_new(struct feed *feed);
void bare_free(struct bare *bare);
/* A round of at least 20,000 packets over all slots: cycles per packet. */
double bare_round(struct bare *bare);
