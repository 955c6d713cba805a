#include "control/capture/captures.h"
#include "control/capture/internal.h"
#include "control/capture/sweep.h"

#include "base/log.h"
#include "net/header.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define TOPIC "capture"
#define TICK_NS CLOCK_NS_PER_S

/* The clock of the packets against the one of people. */
static int64_t wall_offset(void)
{
	struct timespec wall;
	struct timespec boot;

	clock_gettime(CLOCK_REALTIME, &wall);
	clock_gettime(CLOCK_BOOTTIME, &boot);
	return (wall.tv_sec - boot.tv_sec) * (int64_t)CLOCK_NS_PER_S + wall.tv_nsec - boot.tv_nsec;
}

static bool is_of(const struct capture *capture, const struct tunnel_status *tunnel)
{
	const struct config_connection *c = tunnel->connection;

	if (capture->connection_key)
		return !strcmp(capture->connection_key, c->resource.key);
	return !strcmp(capture->gateway_key, c->gateway.key) ||
	       (c->other_gateway.key && !strcmp(capture->gateway_key, c->other_gateway.key));
}

struct gather {
	const struct capture *capture;
	uint64_t *bits;
	uint32_t words;
};

static void on_tunnel(void *context, const struct tunnel_status *status)
{
	struct gather *g = context;

	if (status->id && status->id / 64 < g->words && is_of(g->capture, status))
		g->bits[status->id / 64] |= UINT64_C(1) << status->id % 64;
}

static void on_set(void *context, const struct contract_answer *answer)
{
	if (answer && answer->status)
		log_error(TOPIC, "the data plane refused a capture reason=\"%s\"", answer->reason);
}

static uint16_t what_of(const struct capture_filter *filter)
{
	uint16_t what = 0;

	if (filter->flags & CAPTURE_FLAG_ESP)
		what |= CONTRACT_CAPTURE_OUTER | CONTRACT_CAPTURE_INNER;
	if (filter->flags & CAPTURE_FLAG_IKE)
		what |= CONTRACT_CAPTURE_IKE;
	return what;
}

static int tell(struct captures *all, const struct contract_capture *head,
		const struct capture_filter *filter, const uint64_t *tunnels)
{
	size_t rules = head->rules * sizeof(filter->rules[0]);
	size_t bits = head->tunnel_words * sizeof(*tunnels);
	uint8_t *body = malloc(sizeof(*head) + rules + bits);
	uint8_t *at = body;
	int rc;

	if (!body)
		return -ENOMEM;
	at = mempcpy(at, head, sizeof(*head));
	if (rules)
		at = mempcpy(at, filter->rules, rules);
	if (bits && tunnels)
		at = mempcpy(at, tunnels, bits);
	rc = requests_body(desired_requests(all->config.desired), CONTRACT_CAPTURE,
			   &(struct span){ body, (size_t)(at - body) }, on_set, all);
	free(body);
	return rc;
}

static int forget(struct captures *all, uint32_t id)
{
	const struct contract_capture none = { .id = id };

	return tell(all, &none, NULL, NULL);
}

/* Tells the data plane when it does not know it yet: `anew`, or other tunnels. */
static int refresh(struct captures *all, uint32_t id, bool anew)
{
	struct capture *capture = all->captures[id];
	const struct contract_limits *limits =
		requests_limits(desired_requests(all->config.desired));
	struct gather g = { .capture = capture };
	struct contract_capture head;
	int rc;

	if (!limits)
		return -ENOTCONN;
	g.words = (limits->tunnels + 63) / 64;
	if (g.words > CONTRACT_CAPTURE_TUNNELS / 64)
		g.words = CONTRACT_CAPTURE_TUNNELS / 64;
	g.bits = calloc(g.words, sizeof(*g.bits));
	if (!g.bits)
		return -ENOMEM;
	tunnels_each(all->config.tunnels, capture->connection_key, on_tunnel, &g);
	if (!anew && capture->tunnel_words == g.words &&
	    !memcmp(capture->tunnels, g.bits, g.words * sizeof(*g.bits))) {
		free(g.bits);
		return 0;
	}
	free(capture->tunnels);
	capture->tunnels = g.bits;
	capture->tunnel_words = g.words;
	head = (struct contract_capture){ .id = id,
					  .snap = capture->filter.snap,
					  .what = what_of(&capture->filter),
					  .rules = (uint16_t)capture->filter.count,
					  .tunnel_words = (uint16_t)g.words,
					  .single = capture->filter.single };
	if (!head.what)
		return 0; /* OpenVPN alone, which does not carry anything yet */
	rc = tell(all, &head, &capture->filter, capture->tunnels);
	if (rc < 0)
		capture->tunnel_words = 0; /* tried again at the next second */
	return rc;
}

static int tell_trace(struct captures *all, const struct capture_trace *trace)
{
	const struct contract_capture head = { .id = trace->id,
					       .what = CONTRACT_CAPTURE_STEPS,
					       .rules = (uint16_t)trace->filter.count,
					       .single = trace->filter.single };

	return tell(all, &head, &trace->filter, NULL);
}

static void on_tick(void *context)
{
	struct captures *all = context;
	bool any = false;

	memset(all->names, 0, sizeof(all->names));
	all->wall_offset_ns = wall_offset();
	for (uint32_t id = 1; id < CONTRACT_CAPTURES; id++) {
		struct capture *capture = all->captures[id];
		int rc;

		any |= capture || all->traces[id];
		if (!capture)
			continue;
		rc = refresh(all, id, false);
		if (rc < 0 && rc != -ENOTCONN)
			log_error(TOPIC, "cannot tell the data plane error=\"%s\"", strerror(-rc));
		rc = pcapng_flush(capture->file);
		capture->status.error = rc < 0 ? -rc : capture->status.error;
	}
	if (any)
		event_timer_set(all->tick, TICK_NS);
}

int captures_new(struct captures **to, const struct captures_config *config)
{
	struct captures *all = calloc(1, sizeof(*all));
	int rc;

	if (!all)
		return -ENOMEM;
	all->config = *config;
	all->wall_offset_ns = wall_offset();
	if (asprintf(&all->directory, "%s/captures", config->state_directory) < 0) {
		free(all);
		return -ENOMEM;
	}
	rc = event_timer_new(&all->tick, config->loop, on_tick, all);
	if (rc < 0) {
		free(all->directory);
		free(all);
		return rc;
	}
	*to = all;
	return 0;
}

static void capture_free(struct capture *capture)
{
	pcapng_free(capture->file);
	free(capture->tunnels);
	free(capture->name);
	free(capture->gateway_key);
	free(capture->connection_key);
	free(capture);
}

void captures_free(struct captures *all)
{
	if (!all)
		return;
	for (uint32_t id = 1; id < CONTRACT_CAPTURES; id++) {
		if (all->captures[id])
			capture_free(all->captures[id]);
		if (all->traces[id])
			free(all->traces[id]);
	}
	event_source_free(all->tick);
	free(all->directory);
	free(all);
}

void captures_ready(struct captures *all)
{
	for (uint32_t id = 1; id < CONTRACT_CAPTURES; id++) {
		int rc = 0;

		if (all->captures[id])
			rc = refresh(all, id, true);
		else if (all->traces[id])
			rc = tell_trace(all, all->traces[id]);
		if (rc < 0)
			log_error(TOPIC, "cannot tell the data plane error=\"%s\"", strerror(-rc));
	}
}

static struct capture *find(struct captures *all, const char *gateway_key,
			    const char *connection_key, uint32_t *id)
{
	for (*id = 1; *id < CONTRACT_CAPTURES; (*id)++) {
		struct capture *c = all->captures[*id];

		if (!c || strcmp(c->gateway_key, gateway_key))
			continue;
		if (!c->connection_key == !connection_key &&
		    (!connection_key || !strcmp(c->connection_key, connection_key)))
			return c;
	}
	return NULL;
}

static uint32_t free_id(const struct captures *all)
{
	uint32_t id = 1;

	while (id < CONTRACT_CAPTURES && (all->captures[id] || all->traces[id]))
		id++;
	return id;
}

static int may_start(struct captures *all, const struct capture_start *start, char *why,
		     size_t size)
{
	uint32_t count = 0;
	uint32_t id;

	if (!requests_attached(desired_requests(all->config.desired))) {
		snprintf(why, size, "No data plane is attached.");
		return -ENOTCONN;
	}
	if (find(all, start->gateway_key, start->connection_key, &id)) {
		snprintf(why, size, "A packet capture of '%s' runs already; stop it first.",
			 start->name);
		return -EBUSY;
	}
	for (id = 1; id < CONTRACT_CAPTURES; id++)
		count += all->captures[id] &&
			 !strcmp(all->captures[id]->gateway_key, start->gateway_key);
	if (count < CAPTURE_PER_GATEWAY && free_id(all) < CONTRACT_CAPTURES)
		return 0;
	snprintf(why, size, "%u packet captures of the gateway run already.", count);
	return -ENOSPC;
}

/* A name of its own in the captures' folder, whatever it is called. */
static char *path_of(const struct captures *all, const char *name)
{
	uint64_t now_ms = clock_wall_ms();
	time_t now = (time_t)(now_ms / 1000);
	struct tm tm;
	char stamp[32];
	char *path;

	gmtime_r(&now, &tm);
	strftime(stamp, sizeof(stamp), "%Y%m%dT%H%M%S", &tm);
	return asprintf(&path, "%s/%s-%s.%03uZ", all->directory, name, stamp,
			(unsigned int)(now_ms % 1000)) < 0
		       ? NULL
		       : path;
}

static int capture_new(struct captures *all, const struct capture_start *start, struct capture **to)
{
	struct capture *c = calloc(1, sizeof(*c));
	char *path = path_of(all, start->name);
	int rc = -ENOMEM;

	if (c && path) {
		c->name = strdup(start->name);
		c->gateway_key = strdup(start->gateway_key);
		c->connection_key = start->connection_key ? strdup(start->connection_key) : NULL;
		c->filter = start->filter;
		c->status.started_wall_ms = clock_wall_ms();
		if (c->name && c->gateway_key && (c->connection_key || !start->connection_key))
			rc = pcapng_new(&c->file, path,
					(uint64_t)start->filter.file_mb * 1000 * 1000);
	}
	free(path);
	if (rc == 0)
		*to = c;
	else if (c)
		capture_free(c);
	return rc;
}

static bool file_in_use(void *context, const char *name)
{
	const struct captures *all = context;

	for (uint32_t id = 1; id < CONTRACT_CAPTURES; id++) {
		const struct capture *c = all->captures[id];

		for (uint32_t number = 1; c && number <= 2; number++) {
			const char *used = pcapng_name(c->file, number);

			if (used && !strcmp(strrchr(used, '/') + 1, name))
				return true;
		}
	}
	return false;
}

struct files_visit {
	struct captures *all;
	captures_file_visit visit;
	void *context;
};

static void on_file(void *context, const struct sweep_seen *seen)
{
	const struct files_visit *files = context;
	const struct capture_file file = { seen->name, seen->bytes, seen->changed_wall_ms,
					   file_in_use(files->all, seen->name) };

	files->visit(files->context, &file);
}

int captures_files(struct captures *all, captures_file_visit visit, void *context)
{
	struct files_visit files = { all, visit, context };

	return sweep_each(all->directory, on_file, &files);
}

int captures_file_path(const struct captures *all, const char *name, char **path)
{
	if (!sweep_is_capture(name))
		return -ENOENT;
	return asprintf(path, "%s/%s", all->directory, name) < 0 ? -ENOMEM : 0;
}

int captures_file_remove(struct captures *all, const char *name)
{
	char *path;
	int rc = captures_file_path(all, name, &path);

	if (rc < 0)
		return rc;
	if (file_in_use(all, name))
		rc = -EBUSY;
	else if (unlink(path) < 0)
		rc = -errno;
	free(path);
	return rc;
}

int captures_start(struct captures *all, const struct capture_start *start, char *why, size_t size)
{
	uint32_t id = free_id(all);
	int rc = may_start(all, start, why, size);

	if (rc < 0)
		return rc;
	if (mkdir(all->directory, 0700) < 0 && errno != EEXIST)
		rc = -errno;
	if (rc == 0)
		rc = sweep_folder(all->directory, CAPTURE_KEPT_BYTES, file_in_use, all);
	if (rc == 0)
		rc = capture_new(all, start, &all->captures[id]);
	if (rc == 0)
		rc = refresh(all, id, true);
	if (rc < 0) {
		if (all->captures[id])
			capture_free(all->captures[id]);
		all->captures[id] = NULL;
		snprintf(why, size, "The capture cannot be written to %s: %s.", all->directory,
			 strerror(-rc));
		return rc;
	}
	event_timer_set(all->tick, TICK_NS);
	log_info(TOPIC, "started of=%s file=%s", start->name,
		 pcapng_name(all->captures[id]->file, 1));
	return 0;
}

static struct capture_status status_of(const struct capture *capture)
{
	struct capture_status status = capture->status;

	status.name = capture->name;
	status.gateway_key = capture->gateway_key;
	status.connection_key = capture->connection_key;
	status.files[0] = pcapng_name(capture->file, 1);
	status.files[1] = pcapng_name(capture->file, 2);
	return status;
}

int captures_stop(struct captures *all, const char *gateway_key, const char *connection_key,
		  captures_visit visit, void *context)
{
	struct capture_status status;
	struct capture *capture;
	uint32_t id;
	int rc;

	capture = find(all, gateway_key, connection_key, &id);
	if (!capture)
		return -ENOENT;
	rc = pcapng_flush(capture->file);
	capture->status.error = rc < 0 ? -rc : capture->status.error;
	status = status_of(capture);
	log_info(TOPIC, "stopped of=%s packets=%llu lost=%llu", capture->name,
		 (unsigned long long)status.packets, (unsigned long long)status.lost);
	visit(context, &status);
	all->captures[id] = NULL;
	capture_free(capture);
	if (forget(all, id) < 0)
		log_debug(TOPIC, "no data plane to tell that a capture ended");
	return 0;
}

void captures_each(struct captures *all, captures_visit visit, void *context)
{
	for (uint32_t id = 1; id < CONTRACT_CAPTURES; id++) {
		struct capture_status status;

		if (!all->captures[id])
			continue;
		status = status_of(all->captures[id]);
		visit(context, &status);
	}
}

static void on_name(void *context, const struct tunnel_status *status)
{
	struct capture_name *name = context;

	if (status->id == name->id)
		snprintf(name->text, sizeof(name->text), "%s", status->name);
}

const char *capture_tunnel_name(struct captures *all, uint32_t id)
{
	struct capture_name *name = &all->names[id % CAPTURE_NAMES];

	if (!id)
		return "";
	if (name->id != id) {
		*name = (struct capture_name){ .id = id };
		tunnels_each(all->config.tunnels, NULL, on_name, name);
	}
	return name->text;
}

struct ike_match {
	const struct capture *capture;
	struct net_addr local;
	struct net_addr remote;
	const char *tunnel; /* the one whose both ends fit */
	bool ours;	    /* at least the local address is one of the capture's */
};

static void on_ike(void *context, const struct tunnel_status *status)
{
	struct ike_match *m = context;

	if (!is_of(m->capture, status) || !net_addr_equal(&status->local, &m->local))
		return;
	m->ours = true;
	if (net_addr_equal(&status->remote, &m->remote))
		m->tunnel = status->name;
}

/* Whose IKE it is: of a connection by both addresses, of a gateway by the local one. */
static bool ike_good(struct captures *all, struct ike_match *m, const uint8_t *ip, bool outbound,
		     uint32_t n)
{
	const struct net_ip4_hdr *ip4 = (const void *)ip;
	const struct net_ip6_hdr *ip6 = (const void *)ip;
	struct net_addr src;
	struct net_addr dst;

	if (n >= sizeof(*ip6) && ip[0] >> 4 == 6) {
		src = net_addr_of(NET_IP6, ip6->src);
		dst = net_addr_of(NET_IP6, ip6->dst);
	} else if (n >= sizeof(*ip4)) {
		src = net_addr_of(NET_IP4, ip4->src);
		dst = net_addr_of(NET_IP4, ip4->dst);
	} else {
		return false;
	}
	m->local = outbound ? src : dst;
	m->remote = outbound ? dst : src;
	tunnels_each(all->config.tunnels, m->capture->connection_key, on_ike, m);
	return m->capture->connection_key ? m->tunnel != NULL : m->ours;
}

static void keep(struct captures *all, struct capture *capture,
		 const struct contract_captured *captured)
{
	static const char *const layers[] = { "", "outer", "inner", "IKE" };
	const uint8_t *bytes = (const uint8_t *)(captured + 1);
	const char *direction = captured->outbound ? "outbound" : "inbound";
	char comment[512];
	struct pcapng_packet packet = {
		.as = captured,
		.bytes = bytes,
		.snap = capture->filter.snap,
		.wall_ns = captured->time_ns + (uint64_t)all->wall_offset_ns,
		.comment = comment,
	};
	int rc;

	if (captured->layer == CONTRACT_LAYER_IKE) {
		struct ike_match m = { .capture = capture };

		if (!ike_good(all, &m, bytes, captured->outbound, captured->kept))
			return;
		snprintf(comment, sizeof(comment), "IKE %s%s%s", direction,
			 m.tunnel ? " tunnel=" : "", m.tunnel ? m.tunnel : "");
	} else {
		snprintf(comment, sizeof(comment), "%s %s tunnel=%s SA=0x%08x sequence=%llu",
			 layers[captured->layer], direction,
			 capture_tunnel_name(all, captured->tunnel), captured->spi,
			 (unsigned long long)captured->sequence);
	}
	capture->status.packets++;
	capture->status.bytes += captured->length;
	capture->status.lost += captured->lost;
	rc = pcapng_add(capture->file, &packet);
	if (rc < 0 && !capture->status.error)
		log_error(TOPIC, "cannot write of=%s error=\"%s\"", capture->name, strerror(-rc));
	if (rc < 0)
		capture->status.error = -rc;
}

static void trace_step(struct captures *all, const struct contract_traced *traced)
{
	struct text line = { 0 };

	capture_trace_line(all, traced, &line);
	for (uint32_t rest = traced->captures; rest; rest &= rest - 1) {
		struct capture_trace *trace = all->traces[__builtin_ctz(rest)];

		if (trace)
			trace->line(trace->context, text_get(&line));
	}
	text_fini(&line);
}

bool captures_event(struct captures *all, const struct contract_header *message)
{
	const struct contract_captured *captured = (const void *)(message + 1);

	if (message->type == CONTRACT_TRACED) {
		trace_step(all, (const void *)(message + 1));
		return true;
	}
	if (message->type != CONTRACT_CAPTURED)
		return false;
	for (uint32_t rest = captured->captures; rest; rest &= rest - 1) {
		struct capture *capture = all->captures[__builtin_ctz(rest)];

		if (capture)
			keep(all, capture, captured);
	}
	return true;
}

int capture_trace_start(struct captures *all, struct capture_trace **to,
			const struct capture_filter *filter, capture_line line, void *context)
{
	struct capture_trace *trace;
	uint32_t count = 0;
	int rc;

	for (uint32_t id = 1; id < CONTRACT_CAPTURES; id++)
		count += all->traces[id] != NULL;
	if (count == CAPTURE_TRACES || free_id(all) == CONTRACT_CAPTURES)
		return -EBUSY;
	trace = calloc(1, sizeof(*trace));
	if (!trace)
		return -ENOMEM;
	*trace = (struct capture_trace){ all, free_id(all), line, context, *filter };
	rc = tell_trace(all, trace);
	if (rc < 0) {
		free(trace);
		return rc;
	}
	all->traces[trace->id] = trace;
	event_timer_set(all->tick, TICK_NS);
	*to = trace;
	return 0;
}

void capture_trace_stop(struct capture_trace *trace)
{
	if (forget(trace->all, trace->id) < 0)
		log_debug(TOPIC, "no data plane to tell that a trace ended");
	trace->all->traces[trace->id] = NULL;
	free(trace);
}
