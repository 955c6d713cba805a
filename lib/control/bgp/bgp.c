#include "control/bgp/bgp.h"

#include "base/clock.h"
#include "base/log.h"
#include "control/bgp/circuit.h"
#include "control/bgp/diff.h"
#include "control/bgp/state.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define TOPIC "bgp"
#define EVERY_NS CLOCK_NS_PER_S
/* zebra lets go of what a daemon had before when its first session is up, not when it has heard
 * all. */
#define BACK_NS (10 * CLOCK_NS_PER_S)
/* Where the speakers' common zebra and bfdd are. */
#define SHARED "i0"
#define CIRCUIT "er"

static void daemon_follow(struct daemon *d);

static void command_done(void *context, int status, const char *text, size_t n)
{
	const struct daemon *d = context;

	/* Commands without an effect are warnings of FRR's without a text. */
	if (status > 0 && n > 1)
		log_warn(TOPIC, "FRR refused a line daemon=%s answer=\"%.*s\"", d->name,
			 (int)(n > 200 ? 200 : n), text);
}

/* The instance whose bgpd it is, or NULL. */
static const struct speaker_instance *speaker_of(const struct daemon *d)
{
	const struct bgp *bgp = d->bgp;

	for (uint32_t i = 0; i < BGP_INSTANCES; i++)
		if (d == &bgp->speakers[i].bgpd)
			return &bgp->speakers[i];
	return d == &bgp->circuit.bgpd ? &bgp->circuit : NULL;
}

static void change_done(void *context, int status, const char *text, size_t n)
{
	struct daemon *d = context;
	const struct speaker_instance *s = speaker_of(d);

	d->changing = false;
	if (status == 0) {
		log_debug(TOPIC, "configured daemon=%s", d->name);
		if (s) {
			bgp_status_limits(d->bgp, s->instance);
			bgp_status_clear(d->bgp, d, s->instance);
		}
	}
	if (status >= 0 && d->again)
		daemon_follow(d);
}

static void running_read(void *context, int status, const char *text, size_t n)
{
	struct daemon *d = context;
	struct text running = { 0 };
	struct text commands = { 0 };
	char *rest;
	char *line;

	if (status != 0) {
		d->changing = false;
		return;
	}
	text_add_bytes(&running, text, n);
	bgp_diff(text_get(&running), text_get(&d->wanted), &commands);
	vty_send(d->vty, "configure terminal", NULL, NULL);
	rest = commands.n ? commands.p : NULL;
	while (rest && (line = strsep(&rest, "\n")))
		if (*line)
			vty_send(d->vty, line, command_done, d);
	vty_send(d->vty, "end", change_done, d);
	if (commands.p) /* a password may be among it */
		secret_wipe(commands.p, commands.n);
	text_fini(&commands);
	if (running.p)
		secret_wipe(running.p, running.n);
	text_fini(&running);
}

/* Brings the running daemon to what is wanted. */
static void daemon_follow(struct daemon *d)
{
	if (!vty_is_up(d->vty) || !d->wanted.n)
		return;
	d->again = d->changing;
	if (d->changing)
		return;
	d->changing = true;
	vty_send(d->vty, "show running-config", running_read, d);
}

/* Whole or not at all: a daemon may start at any moment. */
static int file_write(const struct bgp *bgp, const char *name, const struct text *text)
{
	char path[384];
	char made[400];
	int fd;
	bool good;

	snprintf(path, sizeof(path), "%s/%s", bgp->directory, name);
	snprintf(made, sizeof(made), "%s.new", path);
	fd = open(made, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0640);
	if (fd < 0)
		return -errno;
	good = write(fd, text_get(text), text->n) == (ssize_t)text->n && fchmod(fd, 0640) == 0;
	close(fd);
	if (good && rename(made, path) == 0)
		return 0;
	return -errno;
}

/* The launcher starts what has other arguments than before. */
static void launcher_tell(const struct bgp *bgp)
{
	char path[384];
	int fd;

	snprintf(path, sizeof(path), "%s/changed", bgp->directory);
	fd = open(path, O_WRONLY | O_NONBLOCK | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0 || write(fd, "\n", 1) != 1)
		log_debug(TOPIC, "no launcher listens file=%s", path);
	if (fd >= 0)
		close(fd);
}

static int daemon_write(struct daemon *d)
{
	char name[64];
	int rc;

	snprintf(name, sizeof(name), "%s.conf", d->name);
	rc = file_write(d->bgp, name, &d->wanted);
	if (rc == 0 && d->arguments.n) {
		snprintf(name, sizeof(name), "%s.arguments", d->name);
		rc = file_write(d->bgp, name, &d->arguments);
	}
	return rc;
}

static void text_wipe(struct text *text)
{
	if (text->p)
		secret_wipe(text->p, text->n);
	text_clear(text);
}

static void speaker_clear(struct speaker_instance *s)
{
	s->idle = false;
	text_wipe(&s->bgpd.wanted);
	text_clear(&s->bgpd.arguments);
}

/* A daemon that talks to the speakers alone. */
static int listener_write(struct daemon *d)
{
	text_clear(&d->arguments);
	text_add(&d->arguments, "%u\n", config_gateway_asn(d->bgp->gateway));
	return daemon_write(d);
}

/* Of an instance that there is no more: its daemon, when it runs, ends its sessions by a word to
 * the peers, who would wait for one that only goes away. */
static void speaker_idle(struct speaker_instance *s)
{
	speaker_clear(s);
	s->idle = true;
	text_add(&s->bgpd.wanted, "allow-reserved-ranges\nbgp no-rib\n");
	if (daemon_write(&s->bgpd) < 0)
		log_debug(TOPIC, "no FRR has this speaker daemon=%s", s->bgpd.name);
}

static int render(struct bgp *bgp)
{
	struct bgp_wanted wanted = { bgp->config, bgp->gateway, bgp->sessions, bgp->count };
	int rc = 0;

	for (uint32_t i = 0; i < BGP_INSTANCES && rc == 0; i++) {
		struct speaker_instance *s = &bgp->speakers[i];

		speaker_clear(s);
		if (!bgp_text_speaker(&wanted, i, &s->bgpd.wanted)) {
			speaker_idle(s);
			continue;
		}
		bgp_text_arguments(&wanted, i, &s->bgpd.arguments);
		rc = daemon_write(&s->bgpd);
	}
	text_clear(&bgp->collector.wanted);
	bgp_text_collector(&wanted, &bgp->collector.wanted);
	text_clear(&bgp->announced.wanted);
	bgp_text_announced(&wanted, &bgp->announced.wanted);
	if (rc == 0)
		rc = listener_write(&bgp->collector);
	return rc < 0 ? rc : listener_write(&bgp->announced);
}

/* A circuit that is no more ends its speaker, if there was one. */
static int render_circuit(struct bgp *bgp)
{
	struct bgp_wanted wanted = { bgp->config, bgp_circuit_gateway(bgp->config), bgp->sessions,
				     bgp->count };
	struct speaker_instance *s = &bgp->circuit;
	bool had = s->bgpd.wanted.n || bgp->circuit_ending;
	int rc;

	speaker_clear(s);
	bgp->has_circuit = bgp_text_circuit(&wanted, &s->bgpd.wanted);
	if (!bgp->has_circuit && !had)
		return 0;
	bgp_text_circuit_arguments(&wanted, &s->bgpd.arguments);
	rc = daemon_write(&s->bgpd);
	bgp->circuit_ending = !bgp->has_circuit && rc < 0;
	return rc;
}

/* One for all speakers. */
static int render_bfd(struct bgp *bgp)
{
	struct bgp_wanted wanted = { bgp->config, bgp->gateway, bgp->sessions, bgp->count };

	text_clear(&bgp->bfdd.wanted);
	bgp_text_bfd(&wanted, &bgp->bfdd.wanted);
	return daemon_write(&bgp->bfdd);
}

struct collect {
	struct bgp *bgp;
	struct bgp_session *sessions;
	uint32_t count;
};

static void collect_add(struct collect *c, const struct bgp_session *session)
{
	struct bgp_session *grown = reallocarray(c->sessions, c->count + 1, sizeof(*grown));

	if (!grown)
		return;
	c->sessions = grown;
	grown[c->count++] = *session;
}

static void collect_one(void *context, const struct tunnel_status *status)
{
	struct collect *c = context;
	struct bgp_session session = { .tunnel = status->id,
				       .instance = status->instance,
				       .name = status->name,
				       .is = status->plan->session };

	if (session.is.peer.family && session.tunnel && status->plan->gateway == c->bgp->gateway)
		collect_add(c, &session);
}

static void collect_circuits(struct collect *c, const struct config *config)
{
	struct bgp_session sessions[BGP_CIRCUITS_MAX];
	uint32_t count = bgp_circuit_sessions(config, sessions);

	for (uint32_t i = 0; i < count; i++)
		collect_add(c, &sessions[i]);
}

static bool same_session(const struct bgp_session *a, const struct bgp_session *b)
{
	if (a->instance == BGP_CIRCUIT || b->instance == BGP_CIRCUIT)
		return a->instance == b->instance && net_addr_equal(&a->is.peer, &b->is.peer);
	return a->tunnel == b->tunnel;
}

/* What is known of a session stays with it. */
static void sessions_take(struct bgp *bgp, struct collect *c)
{
	struct bgp_known *known = calloc(c->count + 1, sizeof(*known));

	for (uint32_t i = 0; known && i < c->count; i++)
		for (uint32_t k = 0; k < bgp->count; k++)
			if (same_session(&bgp->sessions[k], &c->sessions[i]))
				known[i] = bgp->known[k];
	if (!known)
		c->count = 0;
	free(bgp->sessions);
	free(bgp->known);
	bgp->sessions = c->sessions;
	bgp->known = known;
	bgp->count = c->count;
}

static void folder_told(struct bgp *bgp, int rc)
{
	if (rc < 0 && !bgp->told_missing)
		log_error(TOPIC,
			  "BGP is wanted, but FRR's folder cannot be written: start vpngw-frr, see "
			  "--frr folder=%s error=\"%s\"",
			  bgp->directory, strerror(-rc));
	bgp->told_missing = rc < 0;
}

void bgp_refresh(struct bgp *bgp)
{
	struct collect c = { .bgp = bgp };
	int rc = 0;

	if (!bgp->config)
		return;
	if (bgp->gateway)
		tunnels_each(bgp->tunnels, NULL, collect_one, &c);
	collect_circuits(&c, bgp->config);
	sessions_take(bgp, &c);
	if (bgp->gateway)
		rc = render(bgp);
	for (uint32_t i = 0; !bgp->gateway && i < BGP_INSTANCES; i++) {
		speaker_idle(&bgp->speakers[i]);
		daemon_follow(&bgp->speakers[i].bgpd);
	}
	if (rc == 0)
		rc = render_circuit(bgp);
	if (rc == 0 && (bgp->gateway || bgp->has_circuit))
		rc = render_bfd(bgp);
	folder_told(bgp, rc);
	if (rc < 0 || (!bgp->gateway && !bgp->circuit.bgpd.arguments.n))
		return;
	launcher_tell(bgp);
	daemon_follow(&bgp->bfdd);
	if (bgp->gateway) {
		daemon_follow(&bgp->collector);
		daemon_follow(&bgp->announced);
	}
	for (uint32_t i = 0; bgp->gateway && i < BGP_INSTANCES; i++)
		daemon_follow(&bgp->speakers[i].bgpd);
	if (bgp->has_circuit)
		daemon_follow(&bgp->circuit.bgpd);
}

void bgp_apply(struct bgp *bgp, const struct config *config)
{
	const struct config *before = bgp->config;

	bgp->config = config_get(config);
	bgp->gateway = bgp_gateway(config);
	bgp_refresh(bgp);
	config_put(before);
}

static void summary_read(void *context, int status, const char *text, size_t n)
{
	struct speaker_instance *s = context;

	s->bgpd.asked = false;
	if (status != 0)
		return;
	bgp_status_take(s->bgp, s->instance, text, n);
	bgp_status_clear(s->bgp, &s->bgpd, s->instance);
}

static void speaker_try(struct speaker_instance *s)
{
	vty_try(s->bgpd.vty);
	if (!vty_is_up(s->bgpd.vty) || s->bgpd.asked)
		return;
	s->bgpd.asked = true;
	vty_send(s->bgpd.vty, "show bgp summary json", summary_read, s);
}

static void every_second(void *context)
{
	struct bgp *bgp = context;

	event_timer_set(bgp->tick, EVERY_NS);
	if (bgp->told_missing)
		bgp_refresh(bgp);
	for (int part = 0; part < STALE_PARTS; part++)
		bgp_leftover_tick(&bgp->leftovers[part]);
	if (bgp->gateway || bgp->has_circuit) {
		vty_try(bgp->bfdd.vty);
		bfd_try(bgp->bfd);
	}
	if (bgp->has_circuit)
		speaker_try(&bgp->circuit);
	if (!bgp->gateway)
		return;
	vty_try(bgp->collector.vty);
	vty_try(bgp->announced.vty);
	for (uint32_t i = 0; i < BGP_INSTANCES; i++)
		if (bgp->speakers[i].bgpd.wanted.n && !bgp->speakers[i].idle)
			speaker_try(&bgp->speakers[i]);
}

static void daemon_up(void *context)
{
	struct daemon *d = context;

	log_info(TOPIC, "talking to FRR daemon=%s", d->name);
	d->changing = false;
	d->seen = true;
	if (d->gone) {
		d->back_ns = clock_now_ns(&clock_monotonic);
		for (int part = 0; part < STALE_PARTS; part++)
			if (d->bgp->leftovers[part].daemon == d)
				bgp_leftover_begin(&d->bgp->leftovers[part]);
	}
	d->gone = false;
	daemon_follow(d);
}

bool bgp_restarting(const struct bgp *bgp, enum stale_part part)
{
	const struct daemon *d = part == STALE_CIRCUIT	   ? &bgp->circuit.bgpd
				 : part == STALE_ANNOUNCED ? &bgp->announced
							   : &bgp->collector;
	bool wanted = part == STALE_CIRCUIT ? bgp->has_circuit : bgp->gateway != NULL;

	if (!wanted || !d->seen)
		return false;
	return vty_is_gone(d->vty) ||
	       (d->back_ns && clock_now_ns(&clock_monotonic) - d->back_ns < BACK_NS);
}

static void daemon_down(void *context)
{
	struct daemon *d = context;
	const struct speaker_instance *s = speaker_of(d);

	log_warn(TOPIC, "FRR's daemon went away daemon=%s", d->name);
	d->gone = true;
	d->changing = d->asked = false;
	if (s)
		bgp_status_lost(d->bgp, s->instance);
}

static int daemon_new(struct daemon *d, struct bgp *bgp, const char *folder, const char *program)
{
	struct vty_hooks hooks = { d, daemon_up, daemon_down };
	char path[384];

	d->bgp = bgp;
	snprintf(d->name, sizeof(d->name), "%s/%s", folder, program);
	snprintf(path, sizeof(path), "%s/%s.vty", bgp->directory, d->name);
	return vty_new(&d->vty, bgp->loop, path, &hooks);
}

static void daemon_free(struct daemon *d)
{
	vty_free(d->vty);
	text_wipe(&d->wanted);
	text_fini(&d->wanted);
	text_fini(&d->arguments);
}

static void bfd_changed(void *context, const struct bfd_change *change)
{
	struct bgp *bgp = context;

	for (uint32_t i = 0; i < BGP_INSTANCES; i++) {
		const struct bgp_session *session = bgp_session_find(bgp, i, &change->peer);

		if (session && net_addr_equal(&session->is.local, &change->local))
			(void)tunnels_bfd(bgp->tunnels, session->name,
					  change->gone ? TUNNEL_BFD_NONE
					  : change->up ? TUNNEL_BFD_UP
						       : TUNNEL_BFD_DOWN);
	}
}

/* Without bfdd nobody knows: what it said last is no more a reason to keep flows away. */
static void bfd_down(void *context)
{
	struct bgp *bgp = context;

	for (uint32_t i = 0; i < bgp->count; i++)
		if (bgp->sessions[i].instance != BGP_CIRCUIT)
			(void)tunnels_bfd(bgp->tunnels, bgp->sessions[i].name, TUNNEL_BFD_NONE);
}

void bgp_hear_bfd(struct bgp *bgp)
{
	bfd_hear(bgp->bfd);
}

static int instance_new(struct speaker_instance *s, struct bgp *bgp, uint32_t instance)
{
	char folder[8];

	s->bgp = bgp;
	s->instance = instance;
	if (instance == BGP_CIRCUIT)
		snprintf(folder, sizeof(folder), CIRCUIT);
	else
		snprintf(folder, sizeof(folder), "i%u", instance);
	return daemon_new(&s->bgpd, bgp, folder, "bgpd");
}

static int shared_new(struct bgp *bgp)
{
	struct bfd_hooks hooks = { bgp, bfd_changed, bfd_down };
	char path[384];
	int rc;

	snprintf(path, sizeof(path), "%s/" SHARED "/bfdd.sock", bgp->directory);
	rc = bfd_new(&bgp->bfd, bgp->loop, path, &hooks);
	if (rc == 0)
		rc = daemon_new(&bgp->bfdd, bgp, SHARED, "bfdd");
	if (rc == 0)
		rc = daemon_new(&bgp->collector, bgp, "rib", "bgpd");
	return rc < 0 ? rc : daemon_new(&bgp->announced, bgp, "all", "bgpd");
}

static void leftovers_set(struct bgp *bgp)
{
	static const char *const folders[STALE_PARTS] = { "rib", "rib", SHARED };
	struct daemon *daemons[STALE_PARTS] = { &bgp->collector, &bgp->announced,
						&bgp->circuit.bgpd };

	for (int part = 0; part < STALE_PARTS; part++)
		bgp->leftovers[part] = (struct bgp_leftover){ .bgp = bgp,
							      .part = (enum stale_part)part,
							      .daemon = daemons[part],
							      .folder = folders[part] };
}

int bgp_new(struct bgp **bgp, struct event_loop *loop, struct tunnels *tunnels, struct route *route,
	    const char *directory)
{
	struct bgp *b = calloc(1, sizeof(*b));
	int rc;

	if (!b)
		return -ENOMEM;
	b->loop = loop;
	b->tunnels = tunnels;
	b->route = route;
	leftovers_set(b);
	snprintf(b->directory, sizeof(b->directory), "%s", directory);
	rc = shared_new(b);
	for (uint32_t i = 0; i < BGP_INSTANCES && rc == 0; i++)
		rc = instance_new(&b->speakers[i], b, i);
	if (rc == 0)
		rc = instance_new(&b->circuit, b, BGP_CIRCUIT);
	if (rc == 0)
		rc = event_timer_new(&b->leaving.timer, loop, bgp_leave_over, b);
	if (rc == 0)
		rc = event_timer_new(&b->tick, loop, every_second, b);
	if (rc < 0) {
		bgp_free(b);
		return rc;
	}
	event_timer_set(b->tick, EVERY_NS);
	*bgp = b;
	return 0;
}

void bgp_free(struct bgp *bgp)
{
	if (!bgp)
		return;
	event_source_free(bgp->tick);
	event_source_free(bgp->leaving.timer);
	daemon_free(&bgp->collector);
	daemon_free(&bgp->announced);
	daemon_free(&bgp->bfdd);
	bfd_free(bgp->bfd);
	for (uint32_t i = 0; i < BGP_INSTANCES; i++)
		daemon_free(&bgp->speakers[i].bgpd);
	daemon_free(&bgp->circuit.bgpd);
	for (int part = 0; part < STALE_PARTS; part++)
		bgp_leftover_fini(&bgp->leftovers[part]);
	free(bgp->sessions);
	free(bgp->known);
	config_put(bgp->config);
	free(bgp);
}
