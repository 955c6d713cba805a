#include "program.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/notify.h"

#include <rte_cycles.h>
#include <rte_ethdev.h>

#define LINK_NS (LINK_POLL_MS * CLOCK_NS_PER_MS)
#define LOOK_NS (LINK_LOOK_MS * CLOCK_NS_PER_MS)
#define BALANCE_NS (METER_BALANCE_US * UINT64_C(1000))
#define LIMITS_NS (20 * CLOCK_NS_PER_MS) /* readers make rates of a second of them */
#define STALL_NS CLOCK_NS_PER_S

_Static_assert(WARN_WORKERS == OPTIONS_WORKERS, "each can be warned of");

/* Due when now has passed *next; then the next time is set. */
static bool tick_due(uint64_t *next, uint64_t now_ns, uint64_t period_ns)
{
	if (now_ns < *next)
		return false;
	*next = now_ns + period_ns;
	return true;
}

/* What a hang was in: step and packet go into a report of ours, so all that is known is said. */
static void tell_stalled(struct program *p, uint32_t worker, uint64_t ms)
{
	struct path_where where;
	char src[NET_ADDR_TEXT];
	char dst[NET_ADDR_TEXT];

	if (!worker_where(p->workers, worker, &where))
		log_error("worker", "worker %u has not come round for %llu ms step=none", worker,
			  (unsigned long long)ms);
	else if (where.src.family == NET_NONE)
		log_error("worker", "worker %u has not come round for %llu ms step=%s packets=%u",
			  worker, (unsigned long long)ms, where.step, where.packets);
	else
		log_error("worker",
			  "worker %u has not come round for %llu ms step=%s packets=%u, the first: "
			  "source=%s destination=%s protocol=%u ports=%u/%u",
			  worker, (unsigned long long)ms, where.step, where.packets,
			  net_addr_text(src, &where.src), net_addr_text(dst, &where.dst),
			  where.protocol, where.src_port, where.dst_port);
}

static void tick_worker(struct program *p, uint32_t worker, uint64_t now_ns)
{
	uint64_t last = worker_progress_ns(p->workers, worker);
	bool stalled = last && now_ns > last + STALL_NS;
	bool known = p->stalled >> worker & 1;

	if (stalled && !known)
		tell_stalled(p, worker, (now_ns - last) / CLOCK_NS_PER_MS);
	if (!stalled && known)
		log_warn("worker", "worker %u moves again", worker);
	p->stalled &= ~(1u << worker);
	p->stalled |= (uint32_t)stalled << worker;
}

static void tick_limits(struct program *p)
{
	for (uint32_t id = 1; id < p->options->sizes.limits; id++) {
		if (!meter_exists(p->meter, id))
			continue;
		for (uint32_t worker = 0; worker < p->options->worker_count; worker++) {
			uint64_t *row = contract_counters_row(&p->counters, CONTRACT_COUNT_LIMITS,
							      worker, id);
			struct meter_totals totals;

			meter_worker_totals(p->meter, worker, id, &totals);
			row[CONTRACT_LIMIT_PACKETS] = totals.passed_packets;
			row[CONTRACT_LIMIT_BYTES] = totals.passed_bytes;
			row[CONTRACT_LIMIT_DROPPED_PACKETS] = totals.dropped_packets;
			row[CONTRACT_LIMIT_DROPPED_BYTES] = totals.dropped_bytes;
		}
	}
}

/* What runs out before packets are lost, and loss that no worker sees: rings of NICs. */
static void tick_losses(struct program *p, uint64_t now_ns)
{
	uint64_t *row = contract_counters_row(&p->counters, CONTRACT_COUNT_WORKER,
					      p->options->worker_count, 0);
	struct warn_seen seen = {
		.buffers = p->buffers,
		.buffers_free = rte_mempool_avail_count(p->pool),
		.workers = p->options->worker_count,
		.spread = p->options->spread,
	};
	struct rte_eth_stats stats;

	for (uint16_t i = 0; i < p->ports.device_count; i++)
		if (!rte_eth_stats_get(p->ports.devices[i].dpdk, &stats))
			seen.missed += stats.imissed + stats.rx_nombuf;
	for (uint32_t i = 0; i < seen.workers; i++) {
		const uint64_t *worker =
			contract_counters_row(&p->counters, CONTRACT_COUNT_WORKER, i, 0);

		seen.cycles[i].busy =
			__atomic_load_n(&worker[CONTRACT_WORKER_BUSY_CYCLES], __ATOMIC_RELAXED);
		seen.cycles[i].idle =
			__atomic_load_n(&worker[CONTRACT_WORKER_IDLE_CYCLES], __ATOMIC_RELAXED);
		seen.high += __atomic_load_n(&worker[CONTRACT_WORKER_RX_HIGH], __ATOMIC_RELAXED);
	}
	row[CONTRACT_WORKER_RX_MISSED] = seen.missed;
	row[CONTRACT_WORKER_BUFFERS] = seen.buffers;
	row[CONTRACT_WORKER_BUFFERS_FREE] = seen.buffers_free;
	warn_look(&p->warn, &seen, now_ns);
}

static void tick_second(struct program *p, uint64_t now_ns)
{
	for (uint32_t i = 0; i < p->options->worker_count; i++)
		tick_worker(p, i, now_ns);
	tick_losses(p, now_ns);
}

/* Silence is what makes the service manager restart us: a worker that hangs is reason enough. */
static void tick_watchdog(struct program *p, uint64_t now_ns)
{
	uint64_t period = notify_watchdog_ns();

	if (period && !p->stalled && tick_due(&p->watchdog_ns, now_ns, period))
		notify_send("WATCHDOG=1");
}

static int tick_least(int a, int b)
{
	return a < 0 ? b : b < 0 ? a : a < b ? a : b;
}

int program_tick(struct program *p, uint64_t now_ns)
{
	uint64_t *drops = contract_counters_row(&p->counters, CONTRACT_COUNT_DROPS,
						p->options->worker_count, 0);
	int wait = LINK_LOOK_MS;

	wait = tick_least(wait, agent_turn(p->agent, now_ns));
	wait = tick_least(wait, mirror_flush(p->mirrors, now_ns, drops));
	if (tick_due(&p->link_ns, now_ns, LINK_NS))
		link_poll(p->link);
	else if (tick_due(&p->look_ns, now_ns, LOOK_NS))
		link_look(p->link);
	if (agent_has_limits(p->agent)) {
		if (tick_due(&p->balance_ns, now_ns, BALANCE_NS))
			meter_balance(p->meter, rte_rdtsc());
		if (tick_due(&p->limits_ns, now_ns, LIMITS_NS))
			tick_limits(p);
		wait = tick_least(wait, (int)(BALANCE_NS / CLOCK_NS_PER_MS));
	}
	if (tick_due(&p->second_ns, now_ns, CLOCK_NS_PER_S / 4))
		tick_second(p, now_ns);
	tick_watchdog(p, now_ns);
	return wait;
}
