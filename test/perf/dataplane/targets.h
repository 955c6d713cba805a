#pragma once
/*
 * What the rows are held against: the bare cipher on the machine of reference, and the targets.
 */
#include "feed.h"

/* The bare cipher there (2.6 GHz TSC, quiet), cycles a packet; 0: no figure for this load. */
double target_reference(const struct load *load);
/*
 * The load whose bare cipher says how fast this machine is for a row: the same work in one tunnel,
 * AES-256-GCM for plain forwarding. Where the reference has no figure for inbound it is outbound.
 */
struct load target_yardstick(const struct load *load);
/*
 * Cycles a packet at most, 0: the row has no target. `scale`: bare of this run by that of the
 * reference; `bare`: of the row; `burst256`: median of the same row at burst 256, 0: not measured.
 */
double target_cycles(const struct load *load, double scale, double bare, double burst256);
