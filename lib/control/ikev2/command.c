#include "control/ikev2/child.h"
#include "control/ikev2/handlers.h"

#include <errno.h>
#include <stdlib.h>

int ikev2_connection_new(const struct ikev2_config *config, struct ikev2_connection **out)
{
	struct ikev2_connection *connection = calloc(1, sizeof(*connection));

	if (!connection)
		return -ENOMEM;
	connection->config = *config;
	connection->refs = 1;
	*out = connection;
	return 0;
}

struct ikev2_connection *ikev2_connection_get(struct ikev2_connection *connection)
{
	connection->refs++;
	return connection;
}

void ikev2_connection_put(struct ikev2_connection *connection)
{
	if (!connection || --connection->refs)
		return;
	if (connection->config.release)
		connection->config.release(connection->config.context);
	free(connection);
}

const struct ikev2_config *ikev2_connection_config(const struct ikev2_connection *connection)
{
	return &connection->config;
}

void *ikev2_connection_context(const struct ikev2_connection *connection)
{
	return connection->config.context;
}

/* Starts what was queued, now that the queue is complete. */
static void go(struct ikev2_sa *sa, uint64_t now_ns)
{
	ikev2_engine_enter(sa->engine, now_ns);
	ikev2_exchange_kick(sa);
	ikev2_timer_schedule(sa);
	ikev2_engine_leave(sa->engine);
}

void ikev2_set_user(struct ikev2_engine *engine, uint64_t ike, uint64_t user)
{
	struct ikev2_sa *sa = ikev2_sa_find(engine, ike);

	if (sa)
		sa->user = user;
}

int ikev2_rebind(struct ikev2_engine *engine, uint64_t ike, struct ikev2_connection *connection)
{
	struct ikev2_sa *sa = ikev2_sa_find(engine, ike);

	if (!sa)
		return -ENOENT;
	if (sa->setup)
		return -EBUSY;
	ikev2_sa_set_connection(sa, connection);
	return 0;
}

static bool making(const struct ikev2_sa *sa, uint16_t entry)
{
	const struct ikev2_task *local = sa->tasks[IKEV2_SLOT_LOCAL];
	const struct list *at;

	if (sa->own && sa->own->job->kind == IKEV2_JOB_CHILD_NEW && sa->own->job->entry == entry)
		return true;
	if (local && local->job && local->job->kind == IKEV2_JOB_CHILD_NEW &&
	    local->job->entry == entry)
		return true;
	for (at = sa->jobs.next; at != &sa->jobs; at = at->next) {
		const struct ikev2_job *job = list_entry(at, struct ikev2_job, link);

		if (job->kind == IKEV2_JOB_CHILD_NEW && job->entry == entry)
			return true;
	}
	return false;
}

int ikev2_child_initiate(struct ikev2_engine *engine, uint64_t ike, uint16_t entry,
			 const struct net_selector packet[2], uint64_t now_ns)
{
	struct ikev2_sa *sa = ikev2_sa_find(engine, ike);
	struct ikev2_job *job;

	if (!sa)
		return -ENOENT;
	if (sa->state != IKEV2_STATE_ESTABLISHED || sa->redundant)
		return -EBUSY;
	if (entry >= ikev2_sa_config(sa)->child_count)
		return -EINVAL;
	if (making(sa, entry))
		return 0;
	job = ikev2_job_add(sa, IKEV2_JOB_CHILD_NEW);
	if (!job)
		return -ENOMEM;
	job->entry = entry;
	if (packet) {
		job->has_packet = true;
		job->packet[0] = packet[0];
		job->packet[1] = packet[1];
	}
	go(sa, now_ns);
	return 0;
}

static int child_job(struct ikev2_engine *engine, uint32_t spi, enum ikev2_job_kind kind,
		     uint64_t now_ns)
{
	struct ikev2_child *child = ikev2_child_find(engine, spi);
	struct ikev2_job *job;

	if (!child || child->state == IKEV2_CHILD_LINGERING)
		return -ENOENT;
	if (ikev2_job_find(child->sa, kind, spi) || child->delete_sent)
		return 0;
	if (kind == IKEV2_JOB_CHILD_REKEY && child->state != IKEV2_CHILD_UP)
		return child->state == IKEV2_CHILD_REKEYING ? 0 : -EBUSY;
	job = ikev2_job_add(child->sa, kind);
	if (!job)
		return -ENOMEM;
	job->child = spi;
	job->entry = child->entry;
	go(child->sa, now_ns);
	return 0;
}

int ikev2_child_rekey(struct ikev2_engine *engine, uint32_t child, uint64_t now_ns)
{
	return child_job(engine, child, IKEV2_JOB_CHILD_REKEY, now_ns);
}

int ikev2_child_delete(struct ikev2_engine *engine, uint32_t child, uint64_t now_ns)
{
	return child_job(engine, child, IKEV2_JOB_CHILD_DELETE, now_ns);
}

void ikev2_child_expiring(struct ikev2_engine *engine, uint32_t spi, bool hard, uint64_t now_ns)
{
	struct ikev2_child *child = ikev2_child_find(engine, spi);

	if (!child)
		return;
	ikev2_engine_enter(engine, now_ns);
	if (hard)
		child->expire_ns = engine->now_ns;
	else if (child->state == IKEV2_CHILD_UP)
		child->rekey_ns = engine->now_ns;
	ikev2_timer_fire(child->sa);
	ikev2_engine_leave(engine);
}

void ikev2_child_carries(struct ikev2_engine *engine, uint32_t spi, uint64_t now_ns)
{
	struct ikev2_child *child = ikev2_child_find(engine, spi);

	if (!child || !child->waits)
		return;
	ikev2_engine_enter(engine, now_ns);
	ikev2_child_switch(child);
	ikev2_timer_schedule(child->sa);
	ikev2_engine_leave(engine);
}

static int sa_job(struct ikev2_engine *engine, uint64_t ike, enum ikev2_job_kind kind,
		  uint64_t now_ns)
{
	struct ikev2_sa *sa = ikev2_sa_find(engine, ike);

	if (!sa)
		return -ENOENT;
	if (sa->state != IKEV2_STATE_ESTABLISHED || sa->redundant)
		return -EBUSY;
	if (ikev2_job_find(sa, kind, 0) || (sa->own && sa->own->job->kind == kind))
		return 0;
	if (!ikev2_job_add(sa, kind))
		return -ENOMEM;
	go(sa, now_ns);
	return 0;
}

int ikev2_rekey(struct ikev2_engine *engine, uint64_t ike, uint64_t now_ns)
{
	return sa_job(engine, ike, IKEV2_JOB_REKEY, now_ns);
}

int ikev2_probe(struct ikev2_engine *engine, uint64_t ike, uint64_t now_ns)
{
	return sa_job(engine, ike, IKEV2_JOB_PROBE, now_ns);
}

int ikev2_delete(struct ikev2_engine *engine, uint64_t ike, bool silent, uint64_t now_ns)
{
	struct ikev2_sa *sa = ikev2_sa_find(engine, ike);

	if (!sa)
		return -ENOENT;
	if (!sa->reason)
		sa->reason = IKEV2_REASON_DELETED;
	if (silent || sa->state < IKEV2_STATE_ESTABLISHED) {
		ikev2_engine_enter(engine, now_ns);
		ikev2_sa_end(sa, IKEV2_REASON_DELETED, NULL);
		ikev2_engine_leave(engine);
		return 0;
	}
	if (sa->state == IKEV2_STATE_DELETING || ikev2_job_find(sa, IKEV2_JOB_DELETE, 0))
		return 0;
	if (!ikev2_job_add(sa, IKEV2_JOB_DELETE))
		return -ENOMEM;
	go(sa, now_ns);
	return 0;
}

int ikev2_move(struct ikev2_engine *engine, uint64_t ike, const struct ikev2_path *path,
	       uint64_t now_ns)
{
	struct ikev2_sa *sa = ikev2_sa_find(engine, ike);

	if (!sa)
		return -ENOENT;
	if (!sa->mobike)
		return -ENOTSUP;
	if (sa->state != IKEV2_STATE_ESTABLISHED)
		return -EBUSY;
	if (!ikev2_job_find(sa, IKEV2_JOB_MOVE, 0) && !ikev2_job_add(sa, IKEV2_JOB_MOVE))
		return -ENOMEM;
	sa->path = *path;
	sa->floated = path->remote_port != IKE_PORT;
	/* What is outstanding goes the new way at once: the update waits for its answer. */
	ikev2_engine_enter(engine, now_ns);
	if (sa->own)
		ikev2_exchange_packets(sa, &sa->own->packets, &sa->path, sa->floated);
	ikev2_engine_leave(engine);
	go(sa, now_ns);
	return 0;
}

void ikev2_peer_moved(struct ikev2_engine *engine, uint32_t spi, const struct net_addr *remote,
		      uint16_t remote_port, uint64_t now_ns)
{
	struct ikev2_child *child = ikev2_child_find(engine, spi);
	struct ikev2_path path;

	if (!child)
		return;
	ikev2_engine_enter(engine, now_ns);
	child->sa->last_seen_ns = engine->now_ns;
	/* RFC 7296 section 2.23: only a peer behind a NAT, never with MOBIKE (RFC 4555, 3.8). */
	if (child->sa->nat_remote && !child->sa->nat_local && !child->sa->mobike) {
		path = child->sa->path;
		path.remote = *remote;
		path.remote_port = remote_port;
		ikev2_mobike_path(child->sa, &path, true);
	}
	ikev2_engine_leave(engine);
}

void ikev2_shutdown(struct ikev2_engine *engine, uint64_t now_ns)
{
	struct list *at;
	struct list *next;

	ikev2_engine_enter(engine, now_ns);
	engine->shutting_down = true;
	list_for_each_safe (at, next, &engine->sas) {
		struct ikev2_sa *sa = list_entry(at, struct ikev2_sa, link);

		sa->reason = IKEV2_REASON_SHUTDOWN;
		if (sa->state < IKEV2_STATE_ESTABLISHED) {
			ikev2_sa_end(sa, IKEV2_REASON_SHUTDOWN, NULL);
			continue;
		}
		if (sa->state != IKEV2_STATE_DELETING && !ikev2_job_find(sa, IKEV2_JOB_DELETE, 0) &&
		    !ikev2_job_add(sa, IKEV2_JOB_DELETE))
			ikev2_sa_end(sa, IKEV2_REASON_SHUTDOWN, NULL);
		ikev2_exchange_kick(sa);
		ikev2_timer_schedule(sa);
	}
	ikev2_engine_leave(engine);
}
