#include "sizes.h"
#include "dataplane/worker/spread.h"

#include <rte_cycles.h>
#include <rte_lcore.h>

#define MEGA (UINT64_C(1) << 20)
/* EAL, ethdev, rings, exits of workers, and the gaps of a heap. */
#define BASE_MB 48
#define WORKER_MB 16

struct fib_config sizes_fib(const struct options *options)
{
	return (struct fib_config){
		.routes4 = options->sizes.routes4,
		.routes6 = options->sizes.routes6,
		.domains = options->sizes.domains,
		.nexthops = options->sizes.nexthops,
		.groups = options->sizes.groups,
		.neighbours = options->sizes.neighbours,
		.socket = -1,
	};
}

struct sa_config sizes_sa(const struct options *options)
{
	return (struct sa_config){
		.sas = options->sizes.sas,
		.tunnels = options->sizes.tunnels,
		.children = options->sizes.children,
		.nexthops = options->sizes.nexthops,
		.limits = options->sizes.limits,
		.socket = -1,
	};
}

struct meter_config sizes_meter(const struct options *options)
{
	return (struct meter_config){
		.limits = options->sizes.limits,
		.workers = options->worker_count,
		.tsc_hz = rte_get_tsc_hz(),
		.socket = -1,
	};
}

/* What queues, hand-over rings, exits, waiting packets and mirrors can hold at the same time. */
uint32_t sizes_buffers(const struct options *options)
{
	uint32_t workers = options->worker_count;
	uint32_t rings = workers > 1 ? 2 * WORKER_HANDOVER_RING : WORKER_RING;
	uint32_t lots = options->spread ? SPREAD_LOT * SPREAD_LOTS : 0;
	uint32_t own = lots + WORKER_RING * 2 + rings + PATH_EXIT * 3 + PATH_HELD + PATH_BURST * 2 +
		       OPTIONS_BUFFER_CACHE;

	if (options->buffers)
		return options->buffers;
	return port_buffers_needed(options->ports, options->port_count, options->worker_count) +
	       workers * own + MIRROR_CLASS_COUNT * MIRROR_RING + CAPTURE_RING;
}

uint64_t sizes_memory_mb(const struct options *options)
{
	struct fib_config fib = sizes_fib(options);
	struct sa_config sa = sizes_sa(options);
	struct meter_config meter = sizes_meter(options);
	uint64_t buffer = port_data_room(options->ports, options->port_count) +
			  sizeof(struct rte_mbuf) + 2 * RTE_CACHE_LINE_SIZE;
	struct fib_memory fib_need;
	uint64_t bytes;

	fib_memory(&fib, &fib_need);
	bytes = fib_need.total + sa_memory(&sa) + meter_memory(&meter) +
		buffer * sizes_buffers(options);
	return bytes / MEGA + bytes / MEGA / 16 + BASE_MB + WORKER_MB * options->worker_count;
}

uint64_t sizes_taken_mb(const struct options *options)
{
	return options->memory_mb ? options->memory_mb : sizes_memory_mb(options);
}
