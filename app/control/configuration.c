#include "configuration.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/notify.h"

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CONFIG_TOPIC "config"

static void report_log(const struct config_report *report, const char *what, bool refused)
{
	struct text text = { 0 };

	config_report_text(report, &text);
	if (refused)
		log_error(CONFIG_TOPIC, "refused: %s\n%s", what, text_get(&text));
	else if (text.n)
		log_warn(CONFIG_TOPIC, "warnings: %s\n%s", what, text_get(&text));
	text_fini(&text);
}

/* At start there is a person before the screen: a line for each finding, nothing else. */
static void report_print(const struct config_report *report, const char *file)
{
	for (uint32_t i = 0; i < report->error_kept; i++)
		fprintf(stderr, "vpngw-control: %s: %s: %s\n", file, report->errors[i].pointer,
			report->errors[i].message);
}

const char *configuration_state(const struct program *program)
{
	return program->options.state
		       ? program->options.state
		       : config_appliance(config_store_running(program->store))->state_directory;
}

static int ports_apply(struct program *program, const struct config *config)
{
	const struct config_appliance *a = config_appliance(config);

	for (uint32_t i = 0; i < a->ports.count; i++) {
		const struct config_port *from = &a->ports.items[i];
		struct route_port_config port = { .gateway4 = from->gateway,
						  .gateway6 = from->gateway6,
						  .probe = from->probe,
						  .circuit = from->role & CONFIG_ROLE_CIRCUIT };
		int rc;

		if (from->bgp)
			port.circuit_peer = from->bgp->peering_address;
		snprintf(port.name, sizeof(port.name), "%s", from->name);
		for (uint32_t k = 0; k < from->addresses.count && k < ROUTE_ADDRESSES_MAX; k++)
			port.addresses[port.address_count++] =
				(struct route_address){ from->addresses.items[k].addr,
							from->addresses.items[k].length };
		rc = route_port_set(program->route, &port);
		if (rc < 0)
			return rc;
	}
	return 0;
}

static int peered_apply(struct program *program, const struct config *config)
{
	struct net_prefix *prefixes;
	uint32_t count;
	int rc = config_peered_prefixes(config, &prefixes, &count);

	if (rc == 0)
		rc = route_peered_set(program->route, prefixes, count);
	free(prefixes);
	return rc;
}

static void store_follow(struct program *program)
{
	uint64_t deadline = config_store_deadline_ns(program->store);
	uint64_t now = clock_now_ns(&clock_monotonic);

	if (deadline)
		event_timer_set(program->store_tick, deadline > now ? deadline - now : 0);
}

static void probed(void *context, const struct contract_answer *answer)
{
	struct program *program = context;

	/* Only the last question was asked behind all that is to be applied. */
	program->probes--;
	if (!answer || program->probes || !program->applying)
		return; /* lost: asked again when it is back */
	program->applying = false;
	event_timer_cancel(program->apply_deadline);
	config_store_applied(program->store, 0, NULL);
	store_follow(program); /* it may wait for a confirmation now */
}

void configuration_dataplane_ready(struct program *program)
{
	if (!program->applying)
		return;
	if (requests_probe(desired_requests(program->desired), probed, program) < 0)
		log_warn(CONFIG_TOPIC,
			 "cannot ask the data plane; asking again when it is attached");
	else
		program->probes++;
}

/* A client waits: without a data plane the change is taken back rather than never done. */
static void apply_late(void *context)
{
	struct program *program = context;
	bool attached = requests_attached(desired_requests(program->desired));

	if (!program->applying)
		return;
	program->applying = false;
	config_store_applied(program->store, -ETIMEDOUT,
			     attached ? "The data plane did not answer in time."
				      : "No data plane is attached: start vpngw-dataplane.");
	store_follow(program);
}

/* What was said on the command line stands. */
static void log_apply(const struct program *program, const struct config *config)
{
	const char *levels = config_appliance(config)->log_levels;

	if (!program->options.log && log_set_levels(levels) < 0)
		log_warn(CONFIG_TOPIC,
			 "/appliance/logLevels: \"%s\" is not like \"info,ike=debug\"", levels);
}

static void diagnostics_apply(const struct program *program, const struct config *config)
{
	const char *categories = config_appliance(config)->diagnostic_logs;

	if (diagnostics_select(program->diagnostics, categories) < 0)
		log_warn(CONFIG_TOPIC,
			 "/appliance/diagnosticLogs: \"%s\" is not like "
			 "\"GatewayDiagnosticLog,TunnelDiagnosticLog\"",
			 categories);
}

/* Everything that the configuration says; done when the data plane has said so. */
static int make_so(struct program *program, const struct config *to, char *why, size_t why_size)
{
	int rc = tunnels_apply(program->tunnels, to, why, why_size);

	log_apply(program, to);
	diagnostics_apply(program, to);
	if (rc == 0)
		rc = ports_apply(program, to);
	if (rc == 0)
		rc = peered_apply(program, to);
	if (rc < 0)
		return rc;
	if (program->rest)
		rest_configure(program->rest, to);
	bgp_apply(program->bgp, to);
	metering_apply(program->metering, to);
	program->applying = true;
	event_timer_set(program->apply_deadline,
			(uint64_t)config_appliance(to)->api.limits.operation_s * CLOCK_NS_PER_S);
	if (requests_attached(desired_requests(program->desired)))
		configuration_dataplane_ready(program);
	return 1;
}

static void sessions_left(void *context)
{
	struct program *program = context;
	const struct config *to = program->next;
	char why[512] = "";
	int rc;

	program->next = NULL;
	rc = make_so(program, to, why, sizeof(why));
	config_put(to);
	if (rc < 0) {
		bgp_refresh(program->bgp); /* what has left comes back */
		config_store_applied(program->store, rc, why[0] ? why : NULL);
		store_follow(program);
	}
}

static int apply(void *context, const struct config *to, const struct config_diff *diff, char *why,
		 size_t why_size)
{
	struct program *program = context;
	int rc = 1;

	if (bgp_leave(program->bgp, to, sessions_left, program))
		program->next = config_get(to);
	else
		rc = make_so(program, to, why, why_size);
	if (rc == 1)
		diagnostics_configured(program->diagnostics, to, diff);
	return rc;
}

static void store_readable(void *context)
{
	struct program *program = context;

	config_store_poll(program->store);
	store_follow(program);
}

static void store_tick(void *context)
{
	struct program *program = context;

	config_store_tick(program->store, clock_now_ns(&clock_monotonic));
	store_follow(program);
}

/* To the control core; without it (a machine with fewer) it runs anywhere. */
static void pin(const struct program *program)
{
	int64_t core = config_appliance(config_store_running(program->store))->cores.control;
	cpu_set_t cpus;

	CPU_ZERO(&cpus);
	CPU_SET((size_t)core, &cpus);
	if (sched_setaffinity(0, sizeof(cpus), &cpus) < 0)
		log_warn(CONFIG_TOPIC, "cannot run on CPU %lld: %s", (long long)core,
			 strerror(errno));
}

int configuration_open(struct program *program)
{
	struct config_store_options options = { .file = program->options.config,
						.state_directory = program->options.state,
						.hooks = { .apply = apply, .context = program } };
	struct config_report report;
	int rc;

	config_report_init(&report);
	rc = config_store_open(&program->store, &options, &report);
	if (rc < 0)
		report_print(&report, program->options.config);
	else
		report_log(&report, program->options.config, false);
	config_report_fini(&report);
	if (rc == 0)
		pin(program);
	return rc;
}

void configuration_close(struct program *program)
{
	config_store_close(program->store);
}

int configuration_run(struct program *program)
{
	char why[512] = "";
	int rc = event_fd_new(&program->store_readable, program->loop,
			      config_store_fd(program->store), EVENT_READABLE, store_readable,
			      program);

	if (rc == 0)
		rc = event_timer_new(&program->store_tick, program->loop, store_tick, program);
	if (rc == 0)
		rc = event_timer_new(&program->apply_deadline, program->loop, apply_late, program);
	if (rc == 0)
		rc = apply(program, config_store_running(program->store), NULL, why, sizeof(why));
	program->applying = false; /* nobody waits for the first one */
	if (rc >= 0)
		event_timer_cancel(program->apply_deadline);
	if (rc < 0)
		fprintf(stderr, "vpngw-control: %s: cannot be applied: %s\n",
			program->options.config, why[0] ? why : strerror(-rc));
	store_follow(program);
	return rc < 0 ? rc : 0;
}

void configuration_stop(struct program *program)
{
	event_source_free(program->store_readable);
	event_source_free(program->store_tick);
	event_source_free(program->apply_deadline);
	config_put(program->next);
}

static void reloaded(void *context, int status, const char *why)
{
	struct program *program = context;

	if (status < 0)
		log_error(CONFIG_TOPIC, "the file was not applied: %s", why);
	else
		log_info(CONFIG_TOPIC, "the file is applied file=%s", program->options.config);
	notify_send("READY=1");
}

void configuration_reload(void *context)
{
	struct program *program = context;
	const struct config_store_import import = { .actor = "SIGHUP",
						    .done = reloaded,
						    .context = program };
	struct config_report report;
	int rc;

	notify_send("RELOADING=1");
	rest_files_reload(program->rest);
	diagnostics_reopen(program->diagnostics);
	config_report_init(&report);
	rc = config_store_import(program->store, &import, &report);
	tunnels_credentials_reload(program->tunnels);
	if (rc == -EALREADY)
		log_info(CONFIG_TOPIC, "the file has not changed file=%s", program->options.config);
	else
		report_log(&report, program->options.config, rc < 0);
	if (rc < 0 && rc != -EALREADY)
		diagnostics_refused(program->diagnostics, &report);
	config_report_fini(&report);
	if (rc < 0)
		notify_send("READY=1");
	store_follow(program);
}
