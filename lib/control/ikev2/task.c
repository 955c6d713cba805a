#include "control/ikev2/task.h"

#include "control/ikev2/child.h"
#include "control/ikev2/exchange.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>

int ikev2_task_new(struct ikev2_sa *sa, enum ikev2_slot slot, struct ikev2_task **out)
{
	struct ikev2_task *task = sa->engine->spare;

	if (sa->tasks[slot])
		return -EBUSY;
	sa->engine->spare = NULL;
	if (!task) {
		task = malloc(sizeof(*task));
		if (!task)
			return -ENOMEM;
		memset(task, 0, offsetof(struct ikev2_task, message));
	}
	/* The decoded message comes last and is written as a whole by its decoder. */
	task->message.count = 0;
	task->sa = sa;
	task->slot = (uint8_t)slot;
	sa->tasks[slot] = task;
	*out = task;
	return 0;
}

static void free_dh(struct crypto_dh_job *job)
{
	if (!job)
		return;
	crypto_dh_free(job->dh);
	secret_free(&job->shared);
	free(job);
}

void ikev2_task_free(struct ikev2_task *task)
{
	struct ikev2_engine *engine = task->sa->engine;

	if (task->token)
		map_del(&engine->tokens, &task->token, sizeof(task->token));
	if (engine->calling == task)
		engine->calling = NULL;
	if (task->sa->tasks[task->slot] == task)
		task->sa->tasks[task->slot] = NULL;
	if (!task->waits_dh) /* else ikev2_dh_done() frees it */
		free_dh(task->dh);
	secret_free(&task->psk);
	ike_content_fini(&task->whole);
	for (size_t i = 0; i < task->found_count; i++)
		ikev2_connection_put(task->found[i]);
	free(task->found);
	for (uint8_t i = 0; i < task->cert_count; i++)
		crypto_cert_put(task->certs[i]);
	crypto_dh_free(task->offer.dh);
	if (task->offer.esp_spi)
		engine->hooks.spi_put(engine->hooks.context, task->offer.esp_spi);
	if (task->child)
		ikev2_child_drop(task->child);
	if (task->successor)
		ikev2_sa_bury(task->successor);
	ikev2_exchange_free(task->exchange);
	free(task->job);
	if (task->bytes)
		secret_wipe(task->bytes, task->bytes_n); /* opened in place: nonces */
	free(task->bytes);
	secret_wipe(task, offsetof(struct ikev2_task, message));
	if (engine->spare)
		free(task);
	else
		engine->spare = task;
}

void ikev2_task_run(struct ikev2_task *task, ikev2_step_fn first)
{
	struct ikev2_sa *sa = task->sa;
	enum ikev2_step step;

	task->running = true;
	task->step = first;
	do {
		task->completed = false;
		step = task->step(task);
		if (sa->state == IKEV2_STATE_GONE)
			step = IKEV2_DONE;
	} while (step == IKEV2_NEXT || (step == IKEV2_WAIT && task->completed));
	task->running = false;
	if (step == IKEV2_WAIT &&
	    !map_set(&sa->engine->tokens, &task->token, sizeof(task->token), task, NULL)) {
		if (sa->engine->calling == task)
			sa->engine->calling = NULL;
		return;
	}
	ikev2_task_free(task);
}

void ikev2_task_wait(struct ikev2_task *task, ikev2_step_fn then)
{
	struct ikev2_engine *engine = task->sa->engine;

	task->step = then;
	task->completed = false;
	task->error = 0;
	task->token = ++engine->next_token;
	engine->calling = task;
}

/* The task that waits for this token; it no longer does. */
static struct ikev2_task *claim(struct ikev2_engine *engine, uint64_t token)
{
	struct ikev2_task *task = engine->calling;

	if (task && task->token == token)
		engine->calling = NULL;
	else
		task = map_del(&engine->tokens, &token, sizeof(token));
	if (task)
		task->token = 0;
	return task;
}

static void complete(struct ikev2_engine *engine, struct ikev2_task *task)
{
	struct ikev2_sa *sa = task->sa;

	task->completed = true;
	if (task->running)
		return;
	engine->depth++;
	ikev2_task_run(task, task->step);
	ikev2_exchange_kick(sa);
	ikev2_timer_schedule(sa);
	if (--engine->depth == 0)
		ikev2_sa_graves(engine);
}

void ikev2_lookup_done(struct ikev2_engine *engine, uint64_t token,
		       struct ikev2_connection *const *connections, size_t count)
{
	struct ikev2_task *task = claim(engine, token);

	if (!task)
		return;
	task->found = count ? calloc(count, sizeof(*task->found)) : NULL;
	for (size_t i = 0; task->found && i < count; i++)
		task->found[task->found_count++] = ikev2_connection_get(connections[i]);
	complete(engine, task);
}

void ikev2_psk_done(struct ikev2_engine *engine, uint64_t token, struct span psk)
{
	struct ikev2_task *task = claim(engine, token);

	if (!task)
		return;
	secret_free(&task->psk);
	secret_wipe(&task->psk_pad, sizeof(task->psk_pad));
	task->error = psk.n ? secret_copy(&task->psk, psk.p, psk.n) : -ENOENT;
	complete(engine, task);
}

void ikev2_install_done(struct ikev2_engine *engine, uint64_t token, int error)
{
	struct ikev2_task *task = claim(engine, token);

	if (!task)
		return;
	task->error = error;
	complete(engine, task);
}

void ikev2_dh_done(struct ikev2_engine *engine, struct crypto_dh_job *job)
{
	struct ikev2_task *task = claim(engine, job->token);

	if (!task) {
		free_dh(job);
		return;
	}
	task->waits_dh = false;
	task->error = job->error;
	complete(engine, task);
}

void ikev2_sign_done(struct ikev2_engine *engine, uint64_t token, int error,
		     const struct ike_auth_result *result)
{
	struct ikev2_task *task = claim(engine, token);

	if (!task)
		return;
	task->error = error;
	if (!error && result)
		task->auth = *result;
	complete(engine, task);
}

void ikev2_chain_done(struct ikev2_engine *engine, uint64_t token, enum crypto_chain_result result)
{
	struct ikev2_task *task = claim(engine, token);

	if (!task)
		return;
	task->chain = result;
	complete(engine, task);
}

static enum ikev2_step start_dh(struct ikev2_task *task, ikev2_step_fn then)
{
	struct ikev2_engine *engine = task->sa->engine;

	ikev2_task_wait(task, then);
	task->dh->token = task->token;
	if (engine->hooks.dh) {
		task->waits_dh = true;
		engine->hooks.dh(engine->hooks.context, task->dh);
		return IKEV2_WAIT;
	}
	engine->calling = NULL;
	task->token = 0;
	crypto_dh_job_run(engine->crypto, task->dh);
	task->error = task->dh->error;
	return IKEV2_NEXT;
}

enum ikev2_step ikev2_task_dh_with(struct ikev2_task *task, struct crypto_dh *dh, struct span peer,
				   ikev2_step_fn then)
{
	free_dh(task->dh);
	task->dh = malloc(sizeof(*task->dh));
	if (!task->dh || peer.n > sizeof(task->dh->peer)) {
		crypto_dh_free(dh);
		task->error = task->dh ? -EBADMSG : -ENOMEM;
		return ikev2_task_goto(task, then);
	}
	task->dh->dh = dh;
	task->dh->group = dh ? crypto_dh_group(dh) : 0;
	task->dh->peer_len = (uint16_t)peer.n;
	task->dh->error = 0;
	task->dh->shared = (struct secret){ 0 };
	if (peer.n)
		memcpy(task->dh->peer, peer.p, peer.n);
	return dh ? start_dh(task, then) : IKEV2_NEXT;
}

enum ikev2_step ikev2_task_dh(struct ikev2_task *task, uint16_t group, struct span peer,
			      ikev2_step_fn then)
{
	task->step = then;
	ikev2_task_dh_with(task, NULL, peer, then);
	if (!task->dh || peer.n > sizeof(task->dh->peer))
		return IKEV2_NEXT;
	task->dh->group = group;
	return start_dh(task, then);
}

enum ikev2_step ikev2_task_psk(struct ikev2_task *task, ikev2_step_fn then)
{
	struct ikev2_engine *engine = task->sa->engine;

	ikev2_task_wait(task, then);
	engine->hooks.psk(engine->hooks.context, task->token, task->sa->connection);
	return IKEV2_WAIT;
}

enum ikev2_step ikev2_task_lookup(struct ikev2_task *task, ikev2_step_fn then)
{
	struct ikev2_engine *engine = task->sa->engine;

	ikev2_task_wait(task, then);
	engine->hooks.lookup(engine->hooks.context, task->token, &task->path);
	return IKEV2_WAIT;
}

enum ikev2_step ikev2_task_sign(struct ikev2_task *task, const struct ike_auth_octets *octets,
				ikev2_step_fn then)
{
	struct ikev2_engine *engine = task->sa->engine;
	const struct ikev2_credential *credential = ikev2_sa_config(task->sa)->credential;
	uint32_t peer_hashes = task->sa->setup->peer_hashes;

	ikev2_task_wait(task, then);
	if (engine->hooks.sign) {
		const struct ikev2_sign_request request = {
			.connection = task->sa->connection,
			.octets = octets,
			.peer_hashes = peer_hashes,
		};

		engine->hooks.sign(engine->hooks.context, task->token, &request);
		return IKEV2_WAIT;
	}
	engine->calling = NULL;
	task->token = 0;
	if (credential && credential->key) {
		const struct ike_auth_signer signer = { .key = credential->key,
							.peer_hashes = peer_hashes };

		task->error = ike_auth_sign(engine->crypto, &signer, octets, &task->auth);
	} else {
		task->error = -ENOENT;
	}
	return IKEV2_NEXT;
}

static int64_t wall_s(const struct ikev2_engine *engine)
{
	return engine->config.wall_s ? engine->config.wall_s(engine->hooks.context)
				     : (int64_t)time(NULL);
}

enum ikev2_step ikev2_task_chain(struct ikev2_task *task, ikev2_step_fn then)
{
	struct ikev2_engine *engine = task->sa->engine;
	const struct ikev2_config *config = ikev2_sa_config(task->sa);

	ikev2_task_wait(task, then);
	if (engine->hooks.chain) {
		const struct ikev2_chain_request request = {
			.connection = task->sa->connection,
			.leaf = task->certs[0],
			.others = task->certs + 1,
			.other_count = task->cert_count - 1u,
		};

		engine->hooks.chain(engine->hooks.context, task->token, &request);
		return IKEV2_WAIT;
	}
	engine->calling = NULL;
	task->token = 0;
	if (config->trust) {
		const struct crypto_chain_check check = {
			.trust = config->trust,
			.leaf = task->certs[0],
			.others = task->certs + 1,
			.other_count = task->cert_count - 1u,
			.now_s = wall_s(engine),
			.purpose = CRYPTO_PURPOSE_IKE,
			.crl_required = config->crl_required,
		};

		task->chain = crypto_chain_check(&check);
	} else {
		task->chain = CRYPTO_CHAIN_UNTRUSTED;
	}
	return IKEV2_NEXT;
}

enum ikev2_step ikev2_task_install(struct ikev2_task *task, struct ike_child_keys *keys, bool send,
				   ikev2_step_fn then)
{
	ikev2_task_wait(task, then);
	ikev2_child_install(task->child, task->token, keys, send);
	return IKEV2_WAIT;
}
