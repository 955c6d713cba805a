/*
 * DOC: export and import
 *
 * One description of the layout serves both directions: struct io reads or writes, and counts when
 * it has no buffer yet. Fields are bytes of this machine, tied to a version and to the sizes of
 * the plain structures; nothing of OpenSSL is in it but private values of key exchanges that wait
 * for an answer.
 *
 * Nobody listened for a while: on import an outstanding request is sent again at once, and its
 * retransmissions are counted anew.
 *
 * Work that a hook is doing is not part of it. A request of the peer that is being served will be
 * sent again by the peer. An answer that is being worked on leaves its exchange as it was before
 * it came: we send our request again, the peer its stored answer. Where a child's keys may already
 * be in the data plane, the imported exchange ends with that child deleted: an outbound key must
 * not be installed twice.
 */
#include "control/ikev2/child.h"
#include "control/ikev2/handlers.h"

#include <errno.h>
#include <stdlib.h>

#define MAGIC 0x494b4532u
#define VERSION 2
#define COUNTER_JUMP (UINT64_C(1) << 20)
#define LIST_MAX 4096

struct io {
	bool in;
	bool failed;
	bool brief;  /* writing: without children that only take late packets */
	uint8_t *to; /* NULL when writing: counts only */
	struct cursor c;
	size_t n;
	uint64_t shift_ns; /* reading: added to every time; may be "negative" */
};

static void io_bytes(struct io *io, void *bytes, size_t n)
{
	if (io->in) {
		cursor_copy(&io->c, bytes, n);
		return;
	}
	if (io->to && n)
		memcpy(io->to + io->n, bytes, n);
	io->n += n;
}

#define IO(io, field) io_bytes(io, &(field), sizeof(field))

static void io_time(struct io *io, uint64_t *ns)
{
	IO(io, *ns);
	if (io->in && *ns)
		*ns += io->shift_ns;
}

/* Bytes on the heap. */
static void io_blob(struct io *io, struct ikev2_bytes *bytes)
{
	uint32_t n = (uint32_t)bytes->n;

	IO(io, n);
	if (io->in) {
		if (n > cursor_left(&io->c))
			cursor_fail(&io->c);
		if (!cursor_ok(&io->c) || !n)
			return;
		bytes->p = malloc(n);
		if (!bytes->p) {
			io->failed = true;
			return;
		}
		bytes->n = n;
	}
	io_bytes(io, bytes->p, n);
}

static void io_secret(struct io *io, struct secret *secret)
{
	uint32_t n = (uint32_t)secret->n;

	IO(io, n);
	if (io->in) {
		if (n > cursor_left(&io->c))
			cursor_fail(&io->c);
		if (!cursor_ok(&io->c) || !n)
			return;
		if (secret_new(secret, n)) {
			io->failed = true;
			return;
		}
	}
	if (n)
		io_bytes(io, secret->p, n);
}

static void io_packets(struct io *io, struct ike_packets *packets)
{
	struct ikev2_bytes bytes = { packets->bytes, packets->total };
	size_t total = 0;

	IO(io, packets->count);
	IO(io, packets->lengths);
	io_blob(io, &bytes);
	if (!io->in)
		return;
	packets->bytes = bytes.p;
	packets->total = (uint32_t)bytes.n;
	for (uint16_t i = 0; i < packets->count && i < IKE_FRAGMENTS_MAX; i++)
		total += packets->lengths[i];
	if (packets->count > IKE_FRAGMENTS_MAX || total != bytes.n)
		cursor_fail(&io->c);
}

static void io_job(struct io *io, struct ikev2_job *job)
{
	IO(io, job->kind);
	IO(io, job->attempts);
	IO(io, job->has_packet);
	IO(io, job->entry);
	IO(io, job->group);
	IO(io, job->child);
	io_time(io, &job->not_before_ns);
	IO(io, job->packet);
	if (io->in && job->kind >= IKEV2_JOB_KINDS)
		cursor_fail(&io->c);
}

static void io_offer(struct io *io, struct ikev2_offer *offer)
{
	IO(io, offer->group);
	IO(io, offer->nonce);
	IO(io, offer->ike_spi);
	IO(io, offer->esp_spi);
	IO(io, offer->rival_child);
	IO(io, offer->rival_ike);
	IO(io, offer->rival_low);
	IO(io, offer->gone);
}

struct exchange_view {
	struct ikev2_exchange *exchange;
	struct ikev2_job *job;
	struct ikev2_offer *offer;
	struct secret *private;
	struct ikev2_bytes *public;
};

static void io_exchange(struct io *io, struct exchange_view *view)
{
	struct ikev2_exchange *exchange = view->exchange;

	io_job(io, view->job);
	io_offer(io, view->offer);
	io_packets(io, &exchange->packets);
	IO(io, exchange->message_id);
	IO(io, exchange->tries);
	IO(io, exchange->tries_max);
	io_time(io, &exchange->next_ns);
	IO(io, exchange->interval_ns);
	IO(io, exchange->cookie2);
	IO(io, exchange->no_install);
	io_secret(io, view->private);
	io_blob(io, view->public);
}

static void io_setup(struct io *io, struct ikev2_setup *setup)
{
	io_blob(io, &setup->request);
	io_blob(io, &setup->response);
	IO(io, setup->ni);
	IO(io, setup->nr);
	IO(io, setup->ni_len);
	IO(io, setup->nr_len);
	IO(io, setup->cookie);
	IO(io, setup->cookie_len);
	IO(io, setup->cookie_tries);
	IO(io, setup->ke_tries);
	IO(io, setup->peer_hashes);
	IO(io, setup->peer_childless);
	IO(io, setup->first_entry);
	IO(io, setup->no_child);
	if (io->in && (setup->ni_len > IKE_NONCE_MAX || setup->nr_len > IKE_NONCE_MAX ||
		       setup->cookie_len > IKE_COOKIE_MAX))
		cursor_fail(&io->c);
}

static void io_child(struct io *io, struct ikev2_child *child)
{
	IO(io, child->peer_spi);
	IO(io, child->replaces);
	IO(io, child->replaced_by);
	IO(io, child->entry);
	IO(io, child->state);
	IO(io, child->reason);
	IO(io, child->initiator);
	IO(io, child->installed);
	IO(io, child->sends);
	IO(io, child->told);
	IO(io, child->delete_sent);
	IO(io, child->redundant);
	IO(io, child->waits);
	IO(io, child->local_count);
	IO(io, child->remote_count);
	IO(io, child->suite);
	IO(io, child->low);
	io_time(io, &child->established_ns);
	io_time(io, &child->rekey_ns);
	io_time(io, &child->expire_ns);
	io_time(io, &child->replaced_ns);
	io_time(io, &child->remove_ns);
	if (io->in)
		child->selectors = calloc((size_t)child->local_count + child->remote_count + 1,
					  sizeof(*child->selectors));
	if (!child->selectors)
		io->failed = true;
	else
		io_bytes(io, child->selectors,
			 sizeof(*child->selectors) *
				 ((size_t)child->local_count + child->remote_count));
}

/* What is plain in the IKE SA itself. */
static void io_plain(struct io *io, struct ikev2_sa *sa)
{
	IO(io, sa->user);
	IO(io, sa->reason);
	IO(io, sa->initiator);
	IO(io, sa->dialled);
	IO(io, sa->up);
	IO(io, sa->redundant);
	IO(io, sa->floated);
	IO(io, sa->nat_local);
	IO(io, sa->nat_remote);
	IO(io, sa->encapsulate);
	IO(io, sa->fragmentation);
	IO(io, sa->mobike);
	IO(io, sa->suspect);
	IO(io, sa->local_method);
	IO(io, sa->remote_method);
	IO(io, sa->path);
	IO(io, sa->suite);
	IO(io, sa->iv_counter);
	IO(io, sa->expected_id);
	IO(io, sa->has_response);
	IO(io, sa->low);
	IO(io, sa->line_low);
	IO(io, sa->reauthenticates);
	io_time(io, &sa->established_ns);
	io_time(io, &sa->rekey_ns);
	io_time(io, &sa->expire_ns);
	io_time(io, &sa->reauth_ns);
	io_time(io, &sa->last_seen_ns);
	io_time(io, &sa->last_sent_ns);
	io_time(io, &sa->redundant_ns);
	io_packets(io, &sa->response);
	io_secret(io, &sa->keys.block);
	IO(io, sa->keys.prf_bytes);
	IO(io, sa->keys.integ_bytes);
	IO(io, sa->keys.encr_bytes);
	IO(io, sa->keys.prf);
}

static void io_id(struct io *io, struct ike_id *id)
{
	struct ikev2_bytes bytes = { id->data, id->size };

	IO(io, id->type);
	io_blob(io, &bytes);
	if (io->in) {
		id->data = bytes.p;
		id->size = (uint16_t)bytes.n;
	}
}

static uint32_t sizes(void)
{
	return (uint32_t)(sizeof(struct ike_suite) * 31 + sizeof(struct net_selector) * 17 +
			  sizeof(struct ikev2_path) * 13 + sizeof(struct ikev2_low) * 7 +
			  sizeof(struct ike_packets));
}

static void io_head(struct io *io, uint64_t *spi, uint64_t *now_ns)
{
	uint32_t magic = MAGIC;
	uint32_t version = VERSION;
	uint32_t check = sizes();

	IO(io, magic);
	IO(io, version);
	IO(io, check);
	IO(io, *spi);
	IO(io, *now_ns);
	if (io->in && (magic != MAGIC || version != VERSION || check != sizes()))
		io->failed = true;
}

/* The exchange whose answer is due: our own, or the one whose answer is being worked on. */
static bool view_exchange(const struct ikev2_sa *sa, struct exchange_view *view)
{
	struct ikev2_task *task = sa->tasks[IKEV2_SLOT_RESPONSE];

	if (sa->own) {
		*view = (struct exchange_view){ .exchange = sa->own,
						.job = sa->own->job,
						.offer = &sa->own->offer };
		return true;
	}
	if (!task || !task->exchange || !task->job)
		return false;
	*view = (struct exchange_view){ .exchange = task->exchange,
					.job = task->job,
					.offer = &task->exchange->offer };
	task->exchange->offer.rival_child = task->offer.rival_child;
	task->exchange->offer.rival_ike = task->offer.rival_ike;
	task->exchange->offer.rival_low = task->offer.rival_low;
	memcpy(task->exchange->offer.gone, task->offer.gone, sizeof(task->offer.gone));
	task->exchange->no_install = task->child && task->child->installed;
	return true;
}

static void write_exchange(struct io *io, const struct ikev2_sa *sa)
{
	struct secret private = { 0 };
	struct ikev2_bytes public = { 0 };
	struct exchange_view view;
	bool there = view_exchange(sa, &view);

	IO(io, there);
	if (!there)
		return;
	view.private = &view.exchange->dh_private;
	view.public = &view.exchange->dh_public;
	if (view.offer->dh) {
		struct span span = crypto_dh_public(view.offer->dh);

		if (crypto_dh_export(view.offer->dh, &private))
			io->failed = true;
		public = (struct ikev2_bytes){ (uint8_t *)(uintptr_t)span.p, span.n };
		view.private = &private;
		view.public = &public;
	}
	io_exchange(io, &view);
	secret_free(&private);
}

static bool left_out(const struct io *io, const struct ikev2_child *child)
{
	return io->brief && child->state == IKEV2_CHILD_LINGERING;
}

static void write_lists(struct io *io, const struct ikev2_sa *sa)
{
	struct ikev2_task *local = sa->tasks[IKEV2_SLOT_LOCAL];
	bool starting = local && local->job;
	uint32_t jobs = starting;
	uint32_t children = 0;
	const struct list *at;

	for (at = sa->jobs.next; at != &sa->jobs; at = at->next)
		jobs++;
	IO(io, jobs);
	if (starting)
		io_job(io, local->job);
	for (at = sa->jobs.next; at != &sa->jobs; at = at->next)
		io_job(io, list_entry(at, struct ikev2_job, link));
	for (at = sa->children.next; at != &sa->children; at = at->next)
		children += !left_out(io, list_entry(at, struct ikev2_child, link));
	IO(io, children);
	for (at = sa->children.next; at != &sa->children; at = at->next) {
		struct ikev2_child *child = list_entry(at, struct ikev2_child, link);
		uint8_t state = child->state;

		if (left_out(io, child))
			continue;
		/* Its rekey had not been sent: that is where it starts again. */
		if (starting && local->job->child == child->spi &&
		    child->state == IKEV2_CHILD_REKEYING)
			child->state = IKEV2_CHILD_UP;
		IO(io, child->spi);
		io_child(io, child);
		child->state = state;
	}
}

static void write_sa(struct io *io, const struct ikev2_sa *from)
{
	struct ikev2_sa *sa = (struct ikev2_sa *)(uintptr_t)from; /* io only reads it here */
	const struct ikev2_task *task = sa->tasks[IKEV2_SLOT_RESPONSE];
	const struct ikev2_task *request = sa->tasks[IKEV2_SLOT_REQUEST];
	bool answered = !sa->own && task && task->exchange && task->job;
	uint32_t next_id = answered ? task->exchange->message_id : sa->next_id;
	uint64_t now_ns = sa->engine->now_ns;
	uint64_t peer_spi = sa->peer_spi;
	uint8_t state = sa->state;
	bool setup = sa->setup;

	/* The answer to IKE_AUTH is read once more after the import. */
	if (answered && task->job->kind == IKEV2_JOB_AUTH)
		state = IKEV2_STATE_AUTH_SENT;
	/* The answer to IKE_SA_INIT may then come from another half of the peer. */
	if (answered && task->job->kind == IKEV2_JOB_INIT)
		peer_spi = 0;
	io_head(io, &sa->spi, &now_ns);
	IO(io, peer_spi);
	IO(io, state);
	IO(io, next_id);
	IO(io, setup);
	io_plain(io, sa);
	io_id(io, &sa->remote_id);
	if (setup) {
		sa->setup->no_child = request && request->child && request->child->installed;
		io_setup(io, sa->setup);
	}
	write_exchange(io, sa);
	write_lists(io, sa);
}

int ikev2_export(const struct ikev2_engine *engine, uint64_t ike, size_t room, struct secret *out)
{
	const struct ikev2_sa *sa = ikev2_sa_find(engine, ike);
	struct io io = { 0 };
	int error;

	if (!sa)
		return -ENOENT;
	if (sa->state == IKEV2_STATE_NEW && !sa->initiator)
		return -EAGAIN; /* its first request is being served: the peer sends it again */
	write_sa(&io, sa);
	if (room && io.n > room) {
		io = (struct io){ .brief = true };
		write_sa(&io, sa);
	}
	if (io.failed)
		return -ENOMEM;
	error = secret_new(out, io.n);
	if (error)
		return error;
	io = (struct io){ .to = out->p, .brief = io.brief };
	write_sa(&io, sa);
	if (io.failed)
		secret_free(out);
	return io.failed ? -ENOMEM : 0;
}

static int read_exchange(struct io *io, struct ikev2_sa *sa)
{
	struct ikev2_exchange *own;
	struct exchange_view view;
	bool there = false;
	int error = 0;

	IO(io, there);
	if (!there || !cursor_ok(&io->c))
		return 0;
	own = calloc(1, sizeof(*own));
	if (!own)
		return -ENOMEM;
	sa->own = own;
	own->job = calloc(1, sizeof(*own->job));
	if (!own->job)
		return -ENOMEM;
	view = (struct exchange_view){ own, own->job, &own->offer, &own->dh_private,
				       &own->dh_public };
	io_exchange(io, &view);
	if (own->dh_private.n && cursor_ok(&io->c))
		error = crypto_dh_import(
			sa->engine->crypto, own->offer.group, secret_span(&own->dh_private),
			(struct span){ own->dh_public.p, own->dh_public.n }, &own->offer.dh);
	secret_free(&own->dh_private);
	free(own->dh_public.p);
	own->dh_public = (struct ikev2_bytes){ 0 };
	return error;
}

static int read_lists(struct io *io, struct ikev2_sa *sa)
{
	uint32_t jobs = 0;
	uint32_t children = 0;

	IO(io, jobs);
	for (uint32_t i = 0; i < jobs && i < LIST_MAX && cursor_ok(&io->c); i++) {
		struct ikev2_job *job = ikev2_job_add(sa, IKEV2_JOB_PROBE);

		if (!job)
			return -ENOMEM;
		io_job(io, job);
	}
	IO(io, children);
	for (uint32_t i = 0; i < children && i < LIST_MAX && cursor_ok(&io->c); i++) {
		struct ikev2_child *child;
		uint32_t spi = 0;

		IO(io, spi);
		if (ikev2_child_find(sa->engine, spi) || ikev2_child_new(sa, spi, &child))
			return -EEXIST;
		io_child(io, child);
		ikev2_child_link(sa, child);
		if (child->state >= IKEV2_CHILD_STATE_COUNT)
			return -EBADMSG;
	}
	return 0;
}

static int read_sa(struct io *io, struct ikev2_sa *sa)
{
	uint8_t state = 0;
	bool setup = false;
	int error;

	IO(io, sa->peer_spi);
	IO(io, state);
	IO(io, sa->next_id);
	IO(io, setup);
	io_plain(io, sa);
	io_id(io, &sa->remote_id);
	if (setup) {
		sa->setup = calloc(1, sizeof(*sa->setup));
		if (!sa->setup)
			return -ENOMEM;
		io_setup(io, sa->setup);
	}
	error = read_exchange(io, sa);
	if (!error)
		error = read_lists(io, sa);
	if (error)
		return error;
	if (io->failed)
		return -ENOMEM;
	if (!cursor_ok(&io->c) || cursor_left(&io->c) || state >= IKEV2_STATE_GONE)
		return -EBADMSG;
	/* Between IKE_SA_INIT and IKE_AUTH the key material may be unused yet: it is there. */
	sa->state = state;
	sa->iv_counter += COUNTER_JUMP;
	return 0;
}

static void undo(struct ikev2_sa *sa)
{
	struct ikev2_hooks hooks = sa->engine->hooks;

	/* What the bytes name is not ours to give back. */
	if (sa->own)
		sa->own->offer.esp_spi = 0;
	sa->engine->hooks.trace = NULL;
	ikev2_sa_bury(sa);
	sa->engine->hooks = hooks;
}

static void ask_offered(struct ikev2_sa *sa, const struct ikev2_import *import)
{
	if (import->offered && sa->own && sa->own->offer.esp_spi &&
	    import->offered(import->context, sa->own->offer.esp_spi))
		sa->own->no_install = true;
}

int ikev2_import(struct ikev2_engine *engine, const struct ikev2_import *import, uint64_t now_ns,
		 uint64_t *ike)
{
	struct io io = { .in = true, .c = cursor_of(import->bytes.p, import->bytes.n) };
	struct ikev2_sa *sa;
	uint64_t then_ns = 0;
	uint64_t spi = 0;
	int error;

	io_head(&io, &spi, &then_ns);
	if (!cursor_ok(&io.c) || !spi)
		return -EBADMSG;
	if (io.failed)
		return -EPROTO;
	if (ikev2_sa_find(engine, spi))
		return -EEXIST;
	error = ikev2_sa_new_as(engine, spi, &sa);
	if (error)
		return error;
	engine->depth++;
	if (now_ns > engine->now_ns)
		engine->now_ns = now_ns;
	io.shift_ns = import->other_clock ? now_ns - then_ns : 0;
	error = read_sa(&io, sa);
	if (!error && !import->connection && sa->state != IKEV2_STATE_HALF_OPEN)
		error = -EINVAL;
	if (error) {
		undo(sa);
	} else {
		if (import->connection)
			ikev2_sa_set_connection(sa, import->connection);
		*ike = spi;
		ask_offered(sa, import);
		ikev2_exchange_resume(sa);
		ikev2_exchange_kick(sa);
		ikev2_timer_schedule(sa);
	}
	if (--engine->depth == 0)
		ikev2_sa_graves(engine);
	return error;
}
