#include "control/config/store.h"

#include "base/clock.h"
#include "base/log.h"
#include "control/config/build.h"
#include "control/config/store_state.h"
#include "control/config/sku.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TOPIC "config"

struct rollback {
	struct config_store *store;
	char actor[STORE_ACTOR];
	const char *cause;
	config_store_done done;
	void *context;
};

static void start_next(struct config_store *store);

const struct config *config_store_running(const struct config_store *store)
{
	return store->running;
}

const struct config *config_store_latest(const struct config_store *store)
{
	if (list_empty(&store->pending))
		return store->running;
	return list_entry(store->pending.prev, struct pending, link)->config;
}

bool config_store_busy(const struct config_store *store, enum config_kind kind, const char *key)
{
	const struct config *before = store->running;
	struct list *at;

	list_for_each (at, &store->pending) {
		const struct config *after = list_entry(at, struct pending, link)->config;

		if (config_find(before, kind, key) != config_find(after, kind, key))
			return true;
		before = after;
	}
	return false;
}

static struct pending *first(struct config_store *store)
{
	return list_entry(store->pending.next, struct pending, link);
}

static void end(struct pending *pending, int status, const char *why)
{
	list_del(&pending->link);
	if (pending->done)
		pending->done(pending->context, status, why);
	config_put(pending->config);
	free(pending);
}

/* Those behind it were built on it. */
static void fail_all(struct config_store *store, int status, const char *why)
{
	struct list failed;

	list_init(&failed);
	while (!list_empty(&store->pending)) {
		struct pending *pending = first(store);

		list_del(&pending->link);
		list_add_tail(&failed, &pending->link);
	}
	while (!list_empty(&failed))
		end(list_entry(failed.next, struct pending, link), status, why);
}

static void finish(struct config_store *store)
{
	struct pending *pending = first(store);

	if (pending->confirm_s) {
		store->confirm_back = store->running->revision;
		store->confirm_ns =
			clock_now_ns(&clock_monotonic) + pending->confirm_s * CLOCK_NS_PER_S;
	}
	config_put(store->running);
	store->running = config_get(pending->config);
	log_info(TOPIC, "revision %llu runs cause=%s actor=%s",
		 (unsigned long long)store->running->revision, pending->cause,
		 pending->actor[0] ? pending->actor : "-");
	end(pending, 0, NULL);
	start_next(store);
}

/* The journal says one thing, the appliance does another: the old state is written behind it. */
static void take_back(struct config_store *store, int status, const char *why)
{
	struct pending *failed = first(store);
	struct config_journal_change change = { .cause = "abort",
						.from = failed->config,
						.to = store->running };
	struct config_diff diff;
	char text[256] = "";

	log_error(TOPIC, "revision %llu could not be applied, going back: %s",
		  (unsigned long long)failed->config->revision, why);
	store->running->revision = failed->config->revision + 1;
	if (config_journal_append(store->journal, &change))
		log_error(TOPIC, "the journal keeps a revision that does not run");
	if (!config_diff(&diff, failed->config, store->running)) {
		if (store->hooks.apply(store->hooks.context, store->running, &diff, text,
				       sizeof(text)) < 0)
			log_error(TOPIC, "and what ran before could not be applied again: %s",
				  text);
		config_diff_fini(&diff);
	}
	fail_all(store, status, why);
}

void config_store_applied(struct config_store *store, int status, const char *why)
{
	if (!store->applying)
		return;
	store->applying = false;
	if (status)
		take_back(store, status, why ? why : strerror(-status));
	else
		finish(store);
}

static void apply_first(struct config_store *store)
{
	struct config_diff diff;
	char why[256] = "";
	int status = config_diff(&diff, store->running, first(store)->config);

	if (!status && store->hooks.apply)
		status = store->hooks.apply(store->hooks.context, first(store)->config, &diff, why,
					    sizeof(why));
	config_diff_fini(&diff);
	store->applying = true;
	if (status != 1)
		config_store_applied(store, status, why[0] ? why : NULL);
}

static void written(void *context, int status)
{
	struct config_store *store = context;
	char why[160];

	store->writing = false;
	if (!status) {
		apply_first(store);
		return;
	}
	snprintf(why, sizeof(why), "The configuration could not be saved: %s.", strerror(-status));
	log_error(TOPIC, "%s What ran before goes on.", why);
	fail_all(store, status, why);
}

static void start_next(struct config_store *store)
{
	struct config_journal_change change = { .from = store->running,
						.done = written,
						.context = store };
	struct pending *pending;
	int status;

	if (store->writing || store->applying || list_empty(&store->pending))
		return;
	pending = first(store);
	change.cause = pending->cause;
	change.actor = pending->actor[0] ? pending->actor : NULL;
	change.fingerprint = pending->fingerprint;
	change.to = pending->config;
	store->writing = true;
	status = config_journal_append(store->journal, &change);
	if (status)
		written(store, status);
}

static int enqueue(struct config_store *store, const struct config_store_commit *commit,
		   uint64_t fingerprint)
{
	struct pending *pending = calloc(1, sizeof(*pending));

	if (!pending) {
		config_put(commit->config);
		return -ENOMEM;
	}
	pending->store = store;
	pending->config = commit->config;
	pending->fingerprint = fingerprint;
	pending->confirm_s = commit->confirm_s;
	pending->done = commit->done;
	pending->context = commit->context;
	snprintf(pending->cause, sizeof(pending->cause), "%s", commit->cause);
	snprintf(pending->actor, sizeof(pending->actor), "%s", commit->actor ? commit->actor : "");
	list_add_tail(&store->pending, &pending->link);
	start_next(store);
	return 0;
}

static int commit_checked(struct config_store *store, const struct config_store_commit *commit,
			  uint64_t fingerprint, struct config_report *report)
{
	const struct config *latest = config_store_latest(store);
	int status = 0;

	if (commit->config->revision <= latest->revision)
		status = -ESTALE;
	if (!status && store->hooks.prepare)
		status = store->hooks.prepare(store->hooks.context, latest, commit->config, report);
	if (status) {
		config_put(commit->config);
		return status;
	}
	return enqueue(store, commit, fingerprint);
}

int config_store_commit(struct config_store *store, const struct config_store_commit *commit,
			struct config_report *report)
{
	return commit_checked(store, commit, 0, report);
}

int store_read_source(const struct config_store *store, struct config_file *file,
		      struct config_report *report)
{
	struct span demo = config_demo_text();

	if (store->file)
		return config_file_read(file, store->file, report);
	file->n = demo.n;
	file->text = malloc(demo.n);
	if (!file->text)
		return -ENOMEM;
	memcpy(file->text, demo.p, demo.n);
	return 0;
}

void store_say_overwritten(const struct config *from, const struct config *to, bool file)
{
	struct config_diff diff;
	struct text text = { 0 };
	char *rest, *line;

	if (config_diff(&diff, from, to))
		return;
	config_diff_text(&diff, &text);
	if (diff.count)
		log_info(TOPIC, "%s; what it overwrites stays in revision %llu",
			 file ? "the file has changed and wins" : "a configuration was sent",
			 (unsigned long long)from->revision);
	for (rest = text.p; rest && (line = strsep(&rest, "\n")) && *line;)
		log_info(TOPIC, "by the %s: %s", file ? "file" : "configuration", line);
	text_fini(&text);
	config_diff_fini(&diff);
}

/* The snapshot that the text makes on top of the latest. */
static int load(const struct config_store *store, struct config **config, struct span text,
		struct config_report *report)
{
	struct config_source source = { .catalogue = store->catalogue,
					.previous = config_store_latest(store) };

	return config_load_text(config, &source, (const char *)text.p, text.n, report);
}

/* What says the same is the same object. */
static bool same(const struct config *a, const struct config *b)
{
	for (int kind = 0; kind < CONFIG_KINDS; kind++) {
		const struct config_list *x = &a->lists[kind], *y = &b->lists[kind];

		if (x->count != y->count ||
		    (x->count && memcmp(x->items, y->items, x->count * sizeof(x->items[0])) != 0))
			return false;
	}
	return true;
}

/* What is to be imported, which of the two it is, and whether the journal has it already. */
struct source {
	struct config_file file; /* the text of the file, or empty */
	struct span text;
	uint64_t fingerprint; /* of the file; 0: it is another text, and the file stays imported */
	bool known;
};

/* A file that cannot be read is nobody's text. */
static bool is_file(const struct config_store *store, struct span text)
{
	struct config_report unread;
	struct config_file file = { 0 };
	bool same_text;

	config_report_init(&unread);
	same_text = store_read_source(store, &file, &unread) == 0 && file.n == text.n &&
		    !memcmp(file.text, text.p, text.n);
	config_file_fini(&file);
	config_report_fini(&unread);
	return same_text;
}

static int source_read(const struct config_store *store, const struct config_store_import *import,
		       struct source *source, struct config_report *report)
{
	bool file = !import->text.n || is_file(store, import->text);
	int status = 0;

	source->text = import->text;
	if (!import->text.n) {
		status = store_read_source(store, &source->file, report);
		source->text = (struct span){ (const uint8_t *)source->file.text, source->file.n };
	}
	if (!status && file)
		source->fingerprint =
			config_file_fingerprint((const char *)source->text.p, source->text.n);
	source->known = !source->fingerprint ||
			source->fingerprint == config_journal_fingerprint(store->journal);
	return status;
}

int config_store_import(struct config_store *store, const struct config_store_import *import,
			struct config_report *report)
{
	struct config_store_commit commit = { .cause = "import",
					      .actor = import->actor,
					      .confirm_s = import->confirm_s,
					      .done = import->done,
					      .context = import->context };
	struct source source = { 0 };
	int status = source_read(store, import, &source, report);

	if (!status && source.known && source.fingerprint && !import->anew)
		status = -EALREADY;
	if (!status)
		status = load(store, &commit.config, source.text, report);
	config_file_fini(&source.file);
	if (!status && source.known && same(config_store_latest(store), commit.config)) {
		config_put(commit.config);
		status = -EALREADY;
	}
	if (status)
		return status;
	store_say_overwritten(config_store_latest(store), commit.config, source.fingerprint != 0);
	return commit_checked(store, &commit, source.fingerprint, report);
}

int config_store_preview(const struct config_store *store, struct span text, struct text *lines,
			 struct config_report *report)
{
	struct config_file file = { 0 };
	struct config *config = NULL;
	struct config_diff diff;
	int status = text.n ? 0 : store_read_source(store, &file, report);

	if (!status && !text.n)
		text = (struct span){ (const uint8_t *)file.text, file.n };
	if (!status)
		status = load(store, &config, text, report);
	config_file_fini(&file);
	if (!status && store->hooks.prepare)
		status = store->hooks.prepare(store->hooks.context, config_store_latest(store),
					      config, report);
	if (!status)
		status = config_diff(&diff, config_store_latest(store), config);
	if (!status) {
		config_diff_text(&diff, lines);
		config_diff_fini(&diff);
	}
	config_put(config);
	return status;
}

static void roll_back(void *context, int status, const char *text, size_t n)
{
	struct rollback *rollback = context;
	struct config_store *store = rollback->store;
	struct config_source source = { .catalogue = store->catalogue,
					.previous = config_store_latest(store),
					.complete = true,
					.lenient = true };
	struct config_store_commit commit = { .cause = rollback->cause,
					      .actor = rollback->actor,
					      .done = rollback->done,
					      .context = rollback->context };
	struct config_report report;
	struct text why = { 0 };

	config_report_init(&report);
	if (!status)
		status = config_load_text(&commit.config, &source, text, n, &report);
	if (!status)
		status = commit_checked(store, &commit, 0, &report);
	if (status && rollback->done) {
		config_report_text(&report, &why);
		rollback->done(rollback->context, status,
			       why.n		   ? text_get(&why)
			       : status == -ENOENT ? "There is no such revision."
						   : strerror(-status));
		text_fini(&why);
	}
	config_report_fini(&report);
	free(rollback);
}

static int start_rollback(struct config_store *store, uint64_t revision, struct rollback from)
{
	struct rollback *rollback = malloc(sizeof(*rollback));
	int status;

	if (!rollback)
		return -ENOMEM;
	*rollback = from;
	rollback->store = store;
	status = config_journal_read(store->journal, revision, roll_back, rollback);
	if (status)
		free(rollback);
	return status;
}

int config_store_rollback(struct config_store *store, uint64_t revision, const char *actor,
			  config_store_done done, void *context)
{
	struct rollback rollback = { .cause = "rollback", .done = done, .context = context };

	snprintf(rollback.actor, sizeof(rollback.actor), "%s", actor ? actor : "");
	return start_rollback(store, revision, rollback);
}

int config_store_confirm(struct config_store *store)
{
	if (!store->confirm_ns)
		return -ENOENT;
	store->confirm_ns = 0;
	return 0;
}

uint64_t config_store_deadline_ns(const struct config_store *store)
{
	return store->confirm_ns;
}

static void went_back(void *context, int status, const char *why)
{
	if (status)
		log_error(TOPIC, "the unconfirmed change could not be taken back: %s", why);
}

void config_store_tick(struct config_store *store, uint64_t now_ns)
{
	struct rollback rollback = { .cause = "unconfirmed", .done = went_back };

	if (!store->confirm_ns || now_ns < store->confirm_ns)
		return;
	store->confirm_ns = 0;
	log_warn(TOPIC, "nobody confirmed the change: going back to revision %llu",
		 (unsigned long long)store->confirm_back);
	if (start_rollback(store, store->confirm_back, rollback))
		log_error(TOPIC, "the unconfirmed change could not be taken back");
}

const struct config_revision *config_store_history(const struct config_store *store,
						   uint32_t *count)
{
	return config_journal_history(store->journal, count);
}

int config_store_fd(const struct config_store *store)
{
	return config_journal_fd(store->journal);
}

void config_store_poll(struct config_store *store)
{
	config_journal_poll(store->journal);
}

static void wait_idle(struct config_store *store)
{
	struct pollfd fd = { .fd = config_store_fd(store), .events = POLLIN };

	while (store->writing) {
		poll(&fd, 1, -1);
		config_store_poll(store);
	}
}

void config_store_close(struct config_store *store)
{
	if (!store)
		return;
	if (store->journal && store->running)
		wait_idle(store);
	if (store->journal)
		config_journal_close(store->journal);
	fail_all(store, -ECANCELED, "The program ends.");
	config_put(store->running);
	sku_catalogue_put(store->catalogue);
	free(store->file);
	free(store);
}
