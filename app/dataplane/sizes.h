#pragma once
/*
 * From the maxima of the options to the configuration of each table, and to memory.
 */
#include "dataplane/fib/fib.h"
#include "dataplane/meter/meter.h"
#include "dataplane/sa/sa.h"
#include "options.h"

struct fib_config sizes_fib(const struct options *options);
struct sa_config sizes_sa(const struct options *options);
struct meter_config sizes_meter(const struct options *options);
uint32_t sizes_buffers(const struct options *options);
/* Everything together, in MB, with what DPDK itself needs. */
uint64_t sizes_memory_mb(const struct options *options);
/* What is taken: --memory, or that. */
uint64_t sizes_taken_mb(const struct options *options);
