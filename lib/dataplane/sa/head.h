#pragma once
/*
 * DOC: outer headers
 *
 * Those of an outbound SA, as bytes that a packet takes over and completes.
 *
 * The IPv6 flow label is a hash of both addresses and the SPI (RFC 6437 section 3): the same for
 * all packets of the SA, so that routers with several ways keep them in order, and another for each
 * SA. RFC 6438 would have a tunnel's label follow the inner flow, which spreads more: it would also
 * show to who watches the wire which packets belong together, and bring them out of the order that
 * the peer's replay window wants. The label is not covered by the ICV; what a received one says is
 * not looked at. That of an inner packet goes through as it is.
 */
#include "dataplane/sa/hot.h"

/* Fills head or head6 and head_bytes. The IPv4 checksum field holds the plain sum of the rest. */
void sa_head_build(struct sa_outbound *out, const struct contract_sa *sa);
