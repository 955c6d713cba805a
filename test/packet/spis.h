#pragma once
/*
 * Inbound SAs under SPIs that others chose. The low bits of an SPI are an id, and a store with all
 * ids takes gigabytes: here the path finds its records in a table of their own that has all ids and
 * is nearly empty. Outbound SAs do not work with it.
 */
#include "bed.h"

/* The path begins anew, with the table; exits when it cannot. One bed a program. */
void spis_init(struct bed *bed);
void spis_fini(void);
/* One at a time. NULL: refused, sa_reason() says why. */
struct sa_slot *spis_add(struct bed *bed, const struct contract_sa *sa);
void spis_del(struct bed *bed, struct sa_slot *slot);
