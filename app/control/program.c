#include "program.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/notify.h"
#include "base/secret.h"
#include "configuration.h"
#include "privileges.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TOPIC "control"
/* Keys of 20,000 tunnels and their IKE SAs, with room to spare. */
#define SECRET_POOL_BYTES (64u * 1024 * 1024)
#define SECRET_POOL_SMALL_BYTES (1024u * 1024)

/* One sentence on stderr: the log may not be set up yet. */
static int fault(int error, const char *what)
{
	fprintf(stderr, "vpngw-control: %s: %s\n", what, strerror(-error));
	return error;
}

static int log_start(struct program *program)
{
	log_init(STDERR_FILENO);
	if (!program->options.log || log_set_levels(program->options.log) == 0)
		return 0;
	fprintf(stderr, "vpngw-control: --log %s: expected levels such as info,ike=debug\n",
		program->options.log);
	return -EINVAL;
}

/* Before anything else is done: a wrong name is found at once. */
static int user_check(struct program *program)
{
	return privileges_check(program->options.user);
}

static int secrets_start(struct program *program)
{
	int rc = privileges_no_core();

	if (rc == 0)
		rc = secret_pool_init(SECRET_POOL_BYTES);
	if (rc == -ENOMEM || rc == -EPERM || rc == -EAGAIN) {
		log_warn(TOPIC,
			 "cannot lock %u MiB for secrets (see ulimit -l); going on with less",
			 SECRET_POOL_BYTES >> 20);
		rc = secret_pool_init(SECRET_POOL_SMALL_BYTES);
	}
	return rc < 0 ? fault(rc, "cannot lock memory for secrets; raise the memlock limit") : 0;
}

static void secrets_stop(struct program *program)
{
	secret_pool_fini();
}

static void on_stop(void *context)
{
	struct program *program = context;

	log_info(TOPIC, "stopping");
	notify_send("STOPPING=1");
	event_loop_stop(program->loop);
}

static void on_watchdog(void *context)
{
	struct program *program = context;

	notify_send("WATCHDOG=1");
	event_timer_set(program->watchdog, notify_watchdog_ns());
}

static int loop_start(struct program *program)
{
	int rc = event_loop_new(&program->loop);

	if (rc == 0)
		rc = event_signal_new(&program->stop_signals[0], program->loop, SIGTERM, on_stop,
				      program);
	if (rc == 0)
		rc = event_signal_new(&program->stop_signals[1], program->loop, SIGINT, on_stop,
				      program);
	if (rc == 0)
		rc = event_signal_new(&program->reload_signal, program->loop, SIGHUP,
				      configuration_reload, program);
	if (rc == 0)
		rc = event_timer_new(&program->watchdog, program->loop, on_watchdog, program);
	if (rc < 0)
		return fault(rc, "cannot make the event loop");
	signal(SIGPIPE, SIG_IGN);
	if (notify_watchdog_ns())
		event_timer_set(program->watchdog, 0);
	return 0;
}

static void loop_stop(struct program *program)
{
	event_source_free(program->stop_signals[0]);
	event_source_free(program->stop_signals[1]);
	event_source_free(program->reload_signal);
	event_source_free(program->watchdog);
	event_loop_free(program->loop);
}

static int key_log_start(struct program *program)
{
	const char *path = program->options.key_log;

	program->key_log = -1;
	if (!path)
		return 0;
	program->key_log = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (program->key_log < 0) {
		fprintf(stderr, "vpngw-control: --key-log %s: %s\n", path, strerror(errno));
		return -errno;
	}
	log_warn(TOPIC, "KEYS ARE WRITTEN TO A FILE: who reads it reads the traffic file=%s", path);
	return 0;
}

static void key_log_stop(struct program *program)
{
	if (program->key_log >= 0)
		close(program->key_log);
}

static void on_key_log(void *context, const char *line)
{
	struct program *program = context;
	size_t n = strlen(line);

	if (write(program->key_log, line, n) != (ssize_t)n || write(program->key_log, "\n", 1) != 1)
		log_error(TOPIC, "cannot write the key log error=\"%s\"", strerror(errno));
}

static void on_ready(void *context, bool same_instance)
{
	struct program *program = context;

	route_ready(program->route);
	tunnels_ready(program->tunnels, same_instance);
	captures_ready(program->captures);
	diagnostics_dataplane(program->diagnostics, true);
	configuration_dataplane_ready(program);
}

static void on_losing(void *context)
{
	struct program *program = context;

	if (program->metering)
		metering_lost(program->metering);
}

static void on_lost(void *context)
{
	struct program *program = context;

	tunnels_lost(program->tunnels);
	diagnostics_dataplane(program->diagnostics, false);
}

static void on_event(void *context, const struct contract_header *message)
{
	struct program *program = context;

	if (!captures_event(program->captures, message) && !route_event(program->route, message))
		tunnels_event(program->tunnels, message);
}

#define JOURNAL_SOCKET "/run/systemd/journal/socket"

static int diagnostics_start(struct program *program)
{
	const struct config_appliance *a = config_appliance(config_store_running(program->store));
	struct diagnostics_config config = { .clock = &clock_monotonic,
					     .file = a->diagnostic_file,
					     .journal = getenv("JOURNAL_STREAM") ? JOURNAL_SOCKET
										 : NULL };
	char file[4200];
	int rc;

	if (!config.file) {
		snprintf(file, sizeof(file), "%s/diagnostics.jsonl", configuration_state(program));
		config.file = file;
	}
	rc = diagnostics_new(&program->diagnostics, &config);
	return rc < 0 ? fault(rc, "cannot prepare the diagnostic logs") : 0;
}

static void diagnostics_stop(struct program *program)
{
	diagnostics_free(program->diagnostics);
}

static int dataplane_start(struct program *program)
{
	struct desired_hooks hooks = { .context = program,
				       .ready = on_ready,
				       .losing = on_losing,
				       .lost = on_lost,
				       .event = on_event };
	int rc = desired_new(&program->desired, program->loop, program->options.socket, &hooks);

	return rc < 0 ? fault(rc, "cannot prepare the channel to the data plane") : 0;
}

static void dataplane_stop(struct program *program)
{
	desired_free(program->desired);
}

static void on_ports_changed(void *context)
{
	struct program *program = context;

	tunnels_ports_changed(program->tunnels);
	if (program->bgp)
		bgp_refresh(program->bgp);
}

static int on_recurse(void *context, const struct net_addr *gateways, uint32_t count,
		      uint32_t *group)
{
	struct program *program = context;

	return tunnels_recurse(program->tunnels, gateways, count, group);
}

static uint32_t on_sources(void *context, const struct net_addr *gateways, uint32_t count,
			   uint32_t *sources, uint32_t room)
{
	struct program *program = context;

	return tunnels_sources(program->tunnels, gateways, count, sources, room);
}

static void on_route_changed(void *context, const struct net_prefix *prefix,
			     const struct rib_candidate *best)
{
	struct program *program = context;

	diagnostics_route(program->diagnostics, prefix, best);
	if (program->rest)
		rest_route_changed(program->rest, prefix, best);
}

static bool on_restarting(void *context, enum stale_part part)
{
	struct program *program = context;

	return program->bgp && bgp_restarting(program->bgp, part);
}

static bool on_suspect(void *context, const struct net_addr *gateways, uint32_t count)
{
	struct program *program = context;

	if (!program->bgp)
		return false;
	bgp_hear_bfd(program->bgp);
	return tunnels_suspect(program->tunnels, gateways, count);
}

static int route_start(struct program *program)
{
	struct route_hooks hooks = { .context = program,
				     .ports_changed = on_ports_changed,
				     .recurse = on_recurse,
				     .restarting = on_restarting,
				     .suspect = on_suspect,
				     .sources = on_sources };
	int rc = route_new(&program->route, program->loop, program->desired, &hooks);

	if (rc < 0)
		return fault(rc, "cannot prepare the routes");
	route_watch(program->route, on_route_changed, program);
	return 0;
}

static void route_stop(struct program *program)
{
	route_free(program->route);
}

static void on_tunnel_changed(void *context, const struct tunnel_status *status)
{
	struct program *program = context;

	diagnostics_tunnel(program->diagnostics, status);
	if (program->rest)
		rest_tunnel_changed(program->rest, status);
}

static void on_tunnel_goes(void *context, uint32_t id, const char *name)
{
	struct program *program = context;

	diagnostics_tunnel_goes(program->diagnostics, name);
	if (program->metering)
		metering_tunnel_goes(program->metering, id);
}

static void on_ike_trace(void *context, const char *tunnel, const char *line)
{
	struct program *program = context;

	diagnostics_ike(program->diagnostics, tunnel, line);
}

/* Beside the data plane's socket: memory, and gone with the machine as its SAs are. */
static int keep_start(struct program *program)
{
	const char *slash = strrchr(program->options.socket, '/');
	int n = slash ? (int)(slash - program->options.socket) : 1;
	char path[512];
	int rc;

	snprintf(path, sizeof(path), "%.*s/ike.keep", n, slash ? program->options.socket : ".");
	rc = tunnels_keep(program->tunnels, path);
	if (rc < 0)
		log_warn(TOPIC,
			 "IKE SAs are not kept over a restart of this program file=%s "
			 "error=\"%s\"",
			 path, strerror(-rc));
	return 0;
}

static int tunnels_start(struct program *program)
{
	struct tunnels_hooks hooks = { .context = program,
				       .changed = on_tunnel_changed,
				       .goes = on_tunnel_goes,
				       .trace = on_ike_trace,
				       .key_log = program->key_log < 0 ? NULL : on_key_log };
	int rc = tunnels_new(&program->tunnels, program->loop, &clock_monotonic, program->desired,
			     program->route, &hooks);

	if (rc < 0)
		return fault(rc, "cannot prepare the tunnels");
	return keep_start(program);
}

static void tunnels_stop(struct program *program)
{
	tunnels_free(program->tunnels);
}

static void on_bgp_changed(void *context, const struct bgp_peer *peer)
{
	struct program *program = context;

	diagnostics_bgp(program->diagnostics, peer);
}

static int bgp_start(struct program *program)
{
	int rc = bgp_new(&program->bgp, program->loop, program->tunnels, program->route,
			 program->options.frr);

	if (rc == 0)
		bgp_watch(program->bgp, on_bgp_changed, program);
	return rc < 0 ? fault(rc, "cannot prepare BGP") : 0;
}

static void bgp_stop(struct program *program)
{
	bgp_free(program->bgp);
}

static int captures_start_stage(struct program *program)
{
	const struct captures_config config = { .loop = program->loop,
						.desired = program->desired,
						.tunnels = program->tunnels,
						.state_directory = configuration_state(program) };
	int rc = captures_new(&program->captures, &config);

	return rc < 0 ? fault(rc, "cannot prepare packet captures") : 0;
}

static void captures_stop_stage(struct program *program)
{
	captures_free(program->captures);
}

static int metering_start(struct program *program)
{
	const struct metering_config config = { .loop = program->loop,
						.desired = program->desired,
						.tunnels = program->tunnels,
						.state_directory = configuration_state(program) };
	int rc = metering_new(&program->metering, &config);

	return rc < 0 ? fault(rc, "cannot prepare metering") : 0;
}

static void metering_stop(struct program *program)
{
	metering_free(program->metering);
	program->metering = NULL;
}

static int rest_start(struct program *program)
{
	struct rest_config config = { .loop = program->loop,
				      .store = program->store,
				      .desired = program->desired,
				      .route = program->route,
				      .tunnels = program->tunnels,
				      .bgp = program->bgp,
				      .captures = program->captures,
				      .metering = program->metering,
				      .state_directory = configuration_state(program) };
	char why[512] = "";
	int rc = rest_new(&program->rest, &config, why, sizeof(why));

	if (rc < 0)
		fprintf(stderr, "vpngw-control: %s\n", why[0] ? why : strerror(-rc));
	return rc;
}

static void rest_stop(struct program *program)
{
	rest_free(program->rest);
	program->rest = NULL;
}

static int privileges_start(struct program *program)
{
	int rc = privileges_hand_over(program->options.user, configuration_state(program));

	if (rc == 0)
		rc = privileges_drop(program->options.user);
	if (rc == 0 && !program->options.no_sandbox)
		rc = privileges_sandbox();
	return rc;
}

/* Who is told that it runs may ask for what the data plane does; that may be starting as well. */
#define FIRST_ANSWER_MS 1000

static int attach_start(struct program *program)
{
	requests_await(desired_requests(program->desired), FIRST_ANSWER_MS);
	return 0;
}

static int ready_start(struct program *program)
{
	log_info(TOPIC, "started config=%s socket=%s", program->options.config,
		 program->options.socket);
	notify_send("READY=1");
	return 0;
}

const struct stage program_stages[] = {
	{ "log", log_start, NULL },
	{ "user", user_check, NULL },
	{ "secrets", secrets_start, secrets_stop },
	{ "configuration", configuration_open, configuration_close },
	{ "event loop", loop_start, loop_stop },
	{ "key log", key_log_start, key_log_stop },
	{ "diagnostic logs", diagnostics_start, diagnostics_stop },
	{ "data plane channel", dataplane_start, dataplane_stop },
	{ "routes", route_start, route_stop },
	{ "tunnels", tunnels_start, tunnels_stop },
	{ "BGP", bgp_start, bgp_stop },
	{ "captures", captures_start_stage, captures_stop_stage },
	{ "metering", metering_start, metering_stop },
	{ "configuration applied", configuration_run, configuration_stop },
	{ "REST endpoint", rest_start, rest_stop },
	{ "privileges", privileges_start, NULL },
	{ "attach", attach_start, NULL },
	{ "ready", ready_start, NULL },
};
const unsigned int program_stage_count = sizeof(program_stages) / sizeof(program_stages[0]);
