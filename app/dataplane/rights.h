#pragma once
/*
 * What the program may do: what its devices need and no more, for every thread that DPDK starts
 * later. No core dump, and nobody looks into a process that holds keys.
 */
#include "options.h"

/* Before DPDK starts. 0 or -errno: then the rights are what they were. */
__attribute__((warn_unused_result)) int rights_keep_needed(const struct options *options);
