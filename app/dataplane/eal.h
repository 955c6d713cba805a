#pragma once
/*
 * DPDK's environment, started from our options: lcore 0 is the main thread, lcore 1 + n worker n.
 * DPDK's own words go to our log under the topic "dpdk".
 */
#include "options.h"

struct eal_fault {
	char text[512];
};

/* Free hugepage memory of the host in MB. */
uint64_t eal_hugepages_free_mb(void);
/* The CPU of the main thread: as told, or the first allowed one that no worker has. */
uint16_t eal_main_cpu(const struct options *options);
/* `memory_mb` is what the program will take. */
__attribute__((warn_unused_result)) int eal_start(const struct options *options, uint64_t memory_mb,
						  struct eal_fault *fault);
/* From here on DPDK's warnings are warnings. */
void eal_started(void);
void eal_stop(void);
