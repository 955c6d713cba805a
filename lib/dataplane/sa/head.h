#pragma once
/*
 * The outer headers of an outbound SA, as bytes that a packet takes over and completes.
 */
#include "dataplane/sa/hot.h"

/* Fills head or head6 and head_bytes. The IPv4 checksum field holds the plain sum of the rest. */
void sa_head_build(struct sa_outbound *out, const struct contract_sa *sa);
