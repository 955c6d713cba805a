#include "program.h"
#include "eal.h"
#include "sizes.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/notify.h"
#include "base/secret.h"

#include <rte_errno.h>
#include <rte_launch.h>
#include <rte_lcore.h>
#include <rte_mbuf.h>
#include <rte_rcu_qsbr.h>

#include <errno.h>
#include <grp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

__attribute__((format(printf, 3, 4))) static int program_fail(struct program *program, int err,
							      const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(program->fault->text, sizeof(program->fault->text), format, args);
	va_end(args);
	return err;
}

/* Control runs as another user: its group may use the socket. */
static int program_give_socket(struct program *p)
{
	struct group entry;
	struct group *found = NULL;
	char room[4096];
	int err = getgrnam_r(p->options->group, &entry, room, sizeof(room), &found);

	if (!found)
		return program_fail(p, err ? -err : -ENOENT,
				    "--group %s: there is no such group; create it or give another",
				    p->options->group);
	if (chown(p->options->socket, (uid_t)-1, found->gr_gid))
		return program_fail(p, -errno, "socket %s: cannot be given to group %s: %s",
				    p->options->socket, p->options->group, strerror(errno));
	return 0;
}

static int start_socket(struct program *p)
{
	const char *path = p->options->socket;
	int err = channel_listen(&p->listener, path);

	if (err == -EADDRINUSE)
		return program_fail(p, err,
				    "socket %s: another vpngw-dataplane listens there; stop it or "
				    "give --socket another path",
				    path);
	if (err == -ENOENT)
		return program_fail(p, err,
				    "socket %s: its folder does not exist; create it or give "
				    "--socket another path",
				    path);
	if (err)
		return program_fail(p, err, "socket %s: %s; give --socket a path that can be made",
				    path, strerror(-err));
	err = p->options->group[0] ? program_give_socket(p) : 0;
	if (err)
		channel_listener_close(p->listener);
	return err;
}

static void stop_socket(struct program *p)
{
	channel_listener_close(p->listener);
}

static int start_eal(struct program *p)
{
	struct eal_fault fault;
	int err;

	p->memory_mb = sizes_taken_mb(p->options);
	err = eal_start(p->options, p->memory_mb, &fault);
	return err ? program_fail(p, err, "%s", fault.text) : 0;
}

static void stop_eal(struct program *p)
{
	eal_stop();
}

static int start_buffers(struct program *p)
{
	uint16_t room = port_data_room(p->options->ports, p->options->port_count);

	p->buffers = sizes_buffers(p->options);
	p->pool = rte_pktmbuf_pool_create("packets", p->buffers, OPTIONS_BUFFER_CACHE, 0, room,
					  SOCKET_ID_ANY);
	if (!p->pool)
		return program_fail(p, -rte_errno,
				    "no memory for %u packet buffers of %u bytes: %s; give more "
				    "--memory or fewer --buffers",
				    p->buffers, room, rte_strerror(rte_errno));
	p->qsbr = worker_qsbr_new(p->options->worker_count);
	if (p->qsbr)
		return 0;
	rte_mempool_free(p->pool);
	return program_fail(p, -ENOMEM, "no memory for the workers' state; give more --memory");
}

static void stop_buffers(struct program *p)
{
	worker_qsbr_free(p->qsbr);
	rte_mempool_free(p->pool);
}

static int start_counters(struct program *p)
{
	const struct options_sizes *sizes = &p->options->sizes;
	const uint32_t rows[CONTRACT_SECTIONS] = {
		[CONTRACT_COUNT_DROPS] = 1,
		[CONTRACT_COUNT_PORTS] = p->options->port_count + 1,
		[CONTRACT_COUNT_SAS] = sizes->sas,
		[CONTRACT_COUNT_TUNNELS] = sizes->tunnels,
		[CONTRACT_COUNT_LIMITS] = sizes->limits,
		[CONTRACT_COUNT_WORKER] = 1,
		[CONTRACT_COUNT_DESTINATIONS] = sizes->tunnels,
		[CONTRACT_COUNT_STEPS] = 1,
	};
	/* One row more than workers: the main lcore counts too. */
	int err = contract_counters_create(&p->counters, p->options->worker_count + 1u, rows);

	return err ? program_fail(p, err, "no memory for counters: %s; lower the --max options",
				  strerror(-err))
		   : 0;
}

static void stop_counters(struct program *p)
{
	contract_counters_unmap(&p->counters);
}

static int start_tables(struct program *p)
{
	struct fib_config fib = sizes_fib(p->options);
	struct sa_config sa = sizes_sa(p->options);
	struct meter_config meter = sizes_meter(p->options);
	char reason[CONTRACT_REASON] = "";
	int err;

	fib.qsbr = sa.qsbr = p->qsbr;
	sa.counters = &p->counters;
	err = fib_init(&p->fib, &fib, reason);
	if (err)
		return program_fail(p, err, "routes: %s; see --max-routes4 and --memory", reason);
	err = sa_init(&p->sas, &sa, reason);
	if (err) {
		fib_fini(p->fib);
		return program_fail(p, err, "SAs: %s; see --max-sas and --memory", reason);
	}
	err = meter_init(&p->meter, &meter, reason);
	if (err) {
		sa_fini(p->sas);
		fib_fini(p->fib);
		return program_fail(p, err, "limits: %s; see --max-limits and --memory", reason);
	}
	return 0;
}

static void stop_tables(struct program *p)
{
	meter_fini(p->meter);
	sa_fini(p->sas);
	fib_fini(p->fib);
}

static int start_ports(struct program *p)
{
	struct port_fault fault;
	int err = port_set_open(&p->ports, p->options->ports, p->options->port_count,
				p->options->worker_count, p->pool, &fault);

	return err ? program_fail(p, err, "%s", fault.text) : 0;
}

static void stop_ports(struct program *p)
{
	port_set_close(&p->ports);
}

static int start_mirrors(struct program *p)
{
	struct mirror_options mirrors[PORT_MAX + OPTIONS_TUNS];
	struct mirror_set_options options = {
		.mirrors = mirrors,
		.netns = p->options->netns,
		.pool = p->pool,
		.waker = &p->waker,
		.socket = SOCKET_ID_ANY,
	};
	struct mirror_fault fault;
	int err = waker_init(&p->waker);

	if (err)
		return program_fail(p, err, "no descriptor left: %s", strerror(-err));
	for (uint32_t id = 1; id <= p->ports.count; id++) {
		struct mirror_options *mirror = &mirrors[options.count++];

		*mirror = (struct mirror_options){ .port = id, .mtu = p->ports.ports[id].mtu };
		memcpy(mirror->interface, p->options->ports[id - 1].mirror,
		       sizeof(mirror->interface));
		memcpy(mirror->mac, p->ports.ports[id].mac, sizeof(mirror->mac));
	}
	for (uint32_t i = 0; i < p->options->tun_count; i++)
		mirrors[options.count++] = p->options->tuns[i];
	err = mirror_set_open(&p->mirrors, &options, &fault);
	if (!err)
		return 0;
	waker_fini(&p->waker);
	return program_fail(p, err, "%s", fault.text);
}

static void stop_mirrors(struct program *p)
{
	mirror_set_close(p->mirrors);
	waker_fini(&p->waker);
}

static int start_workers(struct program *p)
{
	const struct worker_config config = {
		.workers = p->options->worker_count,
		.fib = p->fib,
		.sas = p->sas,
		.meter = p->meter,
		.counters = &p->counters,
		.ports = &p->ports,
		.mirrors = p->mirrors,
		.waker = &p->waker,
		.pool = p->pool,
		.qsbr = p->qsbr,
		.addresses = p->options->sizes.addresses,
		.rest = p->options->rest,
		.spread_inbound = p->options->spread,
		.socket = SOCKET_ID_ANY,
	};
	int err = worker_set_new(&p->workers, &config);

	return err ? program_fail(p, err, "workers: %s; give more --memory", strerror(-err)) : 0;
}

static void stop_workers(struct program *p)
{
	worker_set_free(p->workers);
}

static void on_link(void *context, struct port *port)
{
	struct program *p = context;
	bool up = atomic_load_explicit(&port->up, memory_order_relaxed);

	log_info("port", "link of %s is %s", port->name, up ? "up" : "down");
	mirror_carrier(p->mirrors, mirror_of_port(p->mirrors, port->id), up);
	agent_link(p->agent, port);
}

static void on_link_event(void *context)
{
	link_poll(((struct program *)context)->link);
}

static void on_signal(void *context)
{
	struct program *p = context;
	struct signalfd_siginfo info;

	if (read(p->signals, &info, sizeof(info)) == sizeof(info)) {
		log_info("main", "stopping signal=%u", info.ssi_signo);
		p->stop = true;
	}
}

static void on_waker(void *context)
{
	waker_woken(&((struct program *)context)->waker);
}

static uint64_t *program_drops(struct program *p)
{
	return contract_counters_row(&p->counters, CONTRACT_COUNT_DROPS, p->options->worker_count,
				     0);
}

/* What the kernel sends: frames out of a port, inner packets into the routes of its domain. */
static void on_mirror(void *context)
{
	const struct program_mirror *watch = context;
	struct program *p = watch->program;
	const struct mirror *mirror = mirror_get(p->mirrors, watch->id);
	struct mirror_batch batch = { .now_ns = clock_now_ns(&clock_monotonic),
				      .drops = program_drops(p) };
	uint32_t taken = 0;

	mirror_read(p->mirrors, watch->id, &batch);
	if (batch.n)
		taken = worker_inject(
			p->workers, mirror->port ? PATH_INJECT_FRAME : PATH_INJECT_ROUTE,
			mirror->port ? mirror->port : mirror->domain, batch.packets, batch.n);
	program_drops(p)[CONTRACT_DROP_HANDOVER_FULL] += batch.n - taken;
	for (; taken < batch.n; taken++)
		rte_pktmbuf_free(batch.packets[taken]);
}

static int start_signals(struct program *p)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	p->signals = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	return p->signals < 0 ? -errno : 0;
}

static int program_watch(struct program *p)
{
	int err = loop_add(&p->loop, p->signals, on_signal, p);

	if (!err)
		err = loop_add(&p->loop, p->waker.fd, on_waker, p);
	if (!err)
		err = loop_add(&p->loop, link_netlink_fd(p->link), on_link_event, p);
	if (!err)
		err = loop_add(&p->loop, link_event_fd(p->link), on_link_event, p);
	for (uint32_t id = 1; !err && id <= mirror_count(p->mirrors); id++) {
		p->mirror_watches[id] = (struct program_mirror){ p, id };
		err = loop_add(&p->loop, mirror_get(p->mirrors, id)->fd, on_mirror,
			       &p->mirror_watches[id]);
	}
	return err;
}

static struct agent_config program_agent(struct program *p)
{
	const struct options_sizes *sizes = &p->options->sizes;
	struct agent_config config = {
		.loop = &p->loop,
		.listener = p->listener,
		.counters = &p->counters,
		.ports = &p->ports,
		.mirrors = p->mirrors,
		.fib = p->fib,
		.meter = p->meter,
		.sas = p->sas,
		.qsbr = p->qsbr,
		.workers = p->workers,
		.pool = p->pool,
		.drops = program_drops(p),
	};

	config.limits = (struct contract_limits){
		.workers = p->options->worker_count,
		.ports = p->ports.count + 1,
		.nexthops = sizes->nexthops,
		.groups = sizes->groups,
		.tunnels = sizes->tunnels,
		.children = sizes->children,
		.sas = sizes->sas,
		.limits = sizes->limits,
		.routes4 = sizes->routes4,
		.routes6 = sizes->routes6,
		.domains = sizes->domains,
		.tsc_hz = rte_get_tsc_hz(),
	};
	return config;
}

static void stop_agent(struct program *p)
{
	agent_close(p->agent);
	link_close(p->link);
	if (p->signals >= 0)
		close(p->signals);
	loop_fini(&p->loop);
	p->agent = NULL;
	p->link = NULL;
}

static int start_agent(struct program *p)
{
	struct agent_config config = program_agent(p);
	int err = secret_random(&config.limits.instance, sizeof(config.limits.instance));

	p->signals = -1;
	if (!err)
		err = loop_init(&p->loop);
	if (err)
		return program_fail(p, err, "main loop: %s", strerror(-err));
	err = agent_open(&p->agent, &config);
	if (!err)
		err = link_open(&p->link, &p->ports, on_link, p);
	if (!err)
		err = start_signals(p);
	if (!err)
		err = program_watch(p);
	if (!err)
		return 0;
	stop_agent(p);
	return program_fail(p, err, "main loop: %s", strerror(-err));
}

static int start_lcores(struct program *p)
{
	for (uint32_t i = 0; i < p->options->worker_count; i++) {
		int err = rte_eal_remote_launch(worker_main, worker_get(p->workers, i), i + 1);

		if (err)
			return program_fail(p, err, "worker %u does not start: %s", i,
					    strerror(-err));
	}
	/* What the kernel believes of the links starts right. */
	for (uint32_t id = 1; id <= p->ports.count; id++)
		mirror_carrier(p->mirrors, mirror_of_port(p->mirrors, id),
			       atomic_load_explicit(&p->ports.ports[id].up, memory_order_relaxed));
	return 0;
}

static void stop_lcores(struct program *p)
{
	worker_stop(p->workers);
	rte_eal_mp_wait_lcore();
}

static const struct {
	const char *name;
	int (*start)(struct program *p);
	void (*stop)(struct program *p);
} stages[] = {
	{ "socket", start_socket, stop_socket },    { "DPDK", start_eal, stop_eal },
	{ "buffers", start_buffers, stop_buffers }, { "counters", start_counters, stop_counters },
	{ "tables", start_tables, stop_tables },    { "ports", start_ports, stop_ports },
	{ "mirrors", start_mirrors, stop_mirrors }, { "workers", start_workers, stop_workers },
	{ "agent", start_agent, stop_agent },	    { "lcores", start_lcores, stop_lcores },
};

#define STAGES (sizeof(stages) / sizeof(stages[0]))

/* SIGTERM while it starts: no stage is interrupted, the next one does not begin. */
static bool program_told_to_stop(void)
{
	sigset_t pending;

	return !sigpending(&pending) &&
	       (sigismember(&pending, SIGTERM) || sigismember(&pending, SIGINT));
}

int program_start(struct program *p)
{
	int err = 0;

	for (p->started = 0; !err && p->started < STAGES; p->started += !err) {
		if (program_told_to_stop())
			err = program_fail(p, -EINTR, "told to stop while it started");
		else
			err = stages[p->started].start(p);
	}
	if (!err)
		return 0;
	log_debug("main", "stage %s failed: %s", stages[p->started].name, strerror(-err));
	program_stop(p);
	return err;
}

void program_stop(struct program *p)
{
	while (p->started)
		stages[--p->started].stop(p);
}

static void program_report_memory(const struct program *p)
{
	struct fib_config fib = sizes_fib(p->options);
	struct sa_config sa = sizes_sa(p->options);
	struct meter_config meter = sizes_meter(p->options);
	struct fib_memory need;

	fib_memory(&fib, &need);
	log_info("memory",
		 "tables routes_mb=%zu per_route4=%u per_route6=%u sas_mb=%zu per_sa=%zu "
		 "limits_mb=%zu packets_mb=%zu",
		 need.total >> 20, need.per_route4, need.per_route6, sa_memory(&sa) >> 20,
		 sa_memory(&sa) / sa.sas, meter_memory(&meter) >> 20,
		 ((size_t)p->buffers * p->pool->elt_size) >> 20);
}

static void program_report_handover(const struct program *p, const struct port_device *device)
{
	if (device->hand_over)
		log_info("port",
			 "device %s: what it receives is handed over between the %u workers, %s, "
			 "all else by flow",
			 device->argument, p->ports.workers,
			 p->options->spread ? "ESP by parts of bursts" : "ESP by tunnel");
	if (device->tx_queues < p->ports.workers)
		log_info("port", "device %s: one transmit queue, worker 0 sends for all",
			 device->argument);
}

/* After the start: what fails before says one sentence and nothing else. */
static void program_report(const struct program *p)
{
	char lacks[PORT_LACKS];

	for (uint16_t i = 0; i < p->ports.device_count; i++) {
		const struct port_device *device = &p->ports.devices[i];

		port_device_lacks(&p->ports, device, lacks, sizeof(lacks));
		log_info("port", "device %s is ready driver=%s queues=%u/%u mtu=%u",
			 device->argument, device->driver, device->rx_queues, device->tx_queues,
			 device->mtu);
		if (lacks[0])
			log_info("port", "device %s lacks: %s", device->argument, lacks);
		program_report_handover(p, device);
	}
	program_report_memory(p);
	if (p->options->spread)
		log_info("main", "%s",
			 p->options->worker_count > 1
				 ? "packets of an inbound SA are spread over workers "
				   "with time to spare"
				 : "spread-inbound does nothing: there is one worker");
	log_info("main", "ready ports=%u workers=%u memory_mb=%llu buffers=%u idle=%s",
		 p->ports.count, p->options->worker_count, (unsigned long long)p->memory_mb,
		 p->buffers, p->options->rest ? "rest" : "poll");
}

void program_run(struct program *p)
{
	eal_started();
	notify_send("READY=1");
	program_report(p);
	while (!p->stop) {
		int wait = program_tick(p, clock_now_ns(&clock_monotonic));

		if (wait) {
			/* Said before the last look, so that nothing left since is slept over. */
			waker_sleep(&p->waker);
			wait = program_tick(p, clock_now_ns(&clock_monotonic));
		}
		loop_wait(&p->loop, agent_may_sleep(p->agent) ? wait : 0);
		waker_awake(&p->waker);
	}
	notify_send("STOPPING=1");
}
