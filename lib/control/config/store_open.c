/*
 * How a store begins: the file, the catalogue that it names, the journal, and which of them wins.
 */
#include "control/config/store_state.h"

#include "control/config/json_in.h"
#include "control/config/sku.h"
#include "control/config/where.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#define STATE_DEFAULT "/var/lib/vpngw"

struct opening {
	struct config_store *store;
	const struct config_store_options *options;
	struct config_report *report;
	struct config_file file;
	struct config *from_file; /* NULL: it is refused */
	struct config *from_journal;
	int file_status;
};

/* The catalogue that the file wants is read before anything is checked against it. */
static int open_catalogue(struct opening *o)
{
	if (!o->options->catalogue)
		return sku_catalogue_named(&o->store->catalogue, o->file.text, o->file.n,
					   o->report);
	o->store->catalogue = sku_catalogue_get(o->options->catalogue);
	return 0;
}

static int open_journal(struct opening *o)
{
	const struct config_appliance *appliance =
		o->from_file ? config_appliance(o->from_file) : NULL;
	struct config_journal_options options = {
		.directory = o->options->state_directory ? o->options->state_directory
			     : appliance		 ? appliance->state_directory
							 : STATE_DEFAULT,
		.history = appliance ? (uint32_t)appliance->history : 100,
	};
	int status = config_journal_open(&o->store->journal, &options, o->report);

	if (!status)
		status = config_journal_load(o->store->journal, o->store->catalogue,
					     &o->from_journal, o->report);
	return status;
}

struct saved {
	bool done;
	int status;
};

static void save_done(void *context, int status)
{
	*(struct saved *)context = (struct saved){ .done = true, .status = status };
}

/* Waits: the loop does not run yet. */
static int save(struct config_store *store, struct config_journal_change *change)
{
	struct pollfd fd = { .fd = config_store_fd(store), .events = POLLIN };
	struct saved saved = { 0 };
	int status;

	change->done = save_done;
	change->context = &saved;
	status = config_journal_append(store->journal, change);
	while (!status && !saved.done) {
		poll(&fd, 1, -1);
		config_store_poll(store);
	}
	return status ? status : saved.status;
}

static int import_at_start(struct opening *o, uint64_t fingerprint)
{
	struct config_store *store = o->store;
	struct config_source source = { .catalogue = store->catalogue,
					.previous = o->from_journal };
	struct config_journal_change change = { .cause = "import",
						.fingerprint = fingerprint,
						.from = o->from_journal };
	struct where where = { .root = "" };
	int status;

	config_put(o->from_file);
	o->from_file = NULL;
	status = config_load_text(&o->from_file, &source, o->file.text, o->file.n, o->report);
	if (status)
		return status;
	if (o->from_journal)
		store_say_overwritten(o->from_journal, o->from_file, true);
	change.to = o->from_file;
	status = save(store, &change);
	if (!status) {
		store->running = config_get(o->from_file);
		return 0;
	}
	if (!o->from_journal) {
		where_error(o->report, &where, NULL, "The configuration could not be saved: %s.",
			    strerror(-status));
		return status;
	}
	where_warn(o->report, &where,
		   "The file has changed but could not be saved: %s. What ran before runs on.",
		   strerror(-status));
	store->running = config_get(o->from_journal);
	return 0;
}

/* Only at the first start is a refused file the end: later the last good state runs on. */
static int settle(struct opening *o)
{
	uint64_t fingerprint = config_file_fingerprint(o->file.text ? o->file.text : "", o->file.n);

	if (!o->from_journal && !o->from_file)
		return o->file_status;
	if (o->from_file &&
	    !(o->from_journal && fingerprint == config_journal_fingerprint(o->store->journal)))
		return import_at_start(o, fingerprint);
	o->store->running = config_get(o->from_journal);
	return 0;
}

static void demote(struct config_report *report, const struct config_report *file)
{
	for (uint32_t i = 0; i < file->error_kept; i++) {
		struct config_problem problem = { .pointer = file->errors[i].pointer,
						  .resource = file->errors[i].resource };

		config_report_warn(report, &problem, "The file is not used: %s",
				   file->errors[i].message);
	}
}

static int open_all(struct opening *o)
{
	struct config_report of_file;
	struct config_source source = { 0 };
	int status;

	config_report_init(&of_file);
	o->file_status = store_read_source(o->store, &o->file, &of_file);
	status = open_catalogue(o);
	source.catalogue = o->store->catalogue;
	if (!status && !o->file_status)
		o->file_status =
			config_load_text(&o->from_file, &source, o->file.text, o->file.n, &of_file);
	if (!status)
		status = open_journal(o);
	if (!status)
		status = settle(o);
	if (o->file_status && o->from_journal)
		demote(o->report, &of_file);
	else
		config_report_join(o->report, &of_file);
	config_report_fini(&of_file);
	return status;
}

int config_store_open(struct config_store **out, const struct config_store_options *options,
		      struct config_report *report)
{
	struct opening o = { .options = options, .report = report };
	int status = -ENOMEM;

	o.store = calloc(1, sizeof(*o.store));
	if (!o.store)
		return -ENOMEM;
	list_init(&o.store->pending);
	o.store->hooks = options->hooks;
	o.store->file = options->file ? strdup(options->file) : NULL;
	if (!options->file || o.store->file)
		status = open_all(&o);
	config_put(o.from_file);
	config_put(o.from_journal);
	config_file_fini(&o.file);
	if (status) {
		config_store_close(o.store);
		return status;
	}
	*out = o.store;
	return 0;
}
