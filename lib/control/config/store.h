#pragma once
/*
 * DOC: store
 *
 * The configuration that runs, what is on its way to run, and how one becomes the other: a snapshot
 * that passed the checks is offered to who applies it (prepare, may refuse), written to the
 * journal, then applied. It counts as done when the journal has it and the applier has acknowledged
 * it.
 *
 * Changes form a chain: each is built on config_store_latest(), so that changes of different
 * resources need not wait for one another to be checked. They reach the journal one by one; when
 * one fails, those built on it fail with it, and what runs stays as it was.
 *
 * At start a file that differs from the one imported last is imported: the user's edit wins, and
 * what it overwrites is logged by name and stays in the history. An unchanged file leaves the state
 * with the changes that came by REST. The file itself is never written.
 *
 * Threads: the control loop. Time comes in (config_store_tick), nothing here owns a timer. The only
 * calls that block are open and close.
 */
#include "control/config/diff.h"
#include "control/config/journal.h"

struct config_store;

struct config_store_hooks {
	/* May refuse: -EINVAL with findings. NULL: never does. */
	int (*prepare)(void *context, const struct config *from, const struct config *to,
		       struct config_report *report);
	/*
	 * Makes it so. 0: done; 1: config_store_applied() will be called; negative: `why` says what
	 * went wrong, and `from` is to be applied again by the next call.
	 */
	int (*apply)(void *context, const struct config *to, const struct config_diff *diff,
		     char *why, size_t why_size);
	void *context;
};

struct config_store_options {
	const char *file;		       /* NULL: the embedded default */
	const char *state_directory;	       /* NULL: what the file says */
	const struct sku_catalogue *catalogue; /* NULL: what appliance.skuFile names */
	struct config_store_hooks hooks;       /* apply is not called by open */
};

/* Findings of the file and of the journal are in the report; blocks. */
__attribute__((warn_unused_result)) int config_store_open(
	struct config_store **store, const struct config_store_options *options,
	struct config_report *report);
void config_store_close(struct config_store *store); /* pending changes are waited for */

const struct config *config_store_running(const struct config_store *store);
/* What a change is built on: config_build_begin() with this as `previous`. */
const struct config *config_store_latest(const struct config_store *store);
/* Whether a change of this resource is on its way (409 AnotherOperationInProgress). */
bool config_store_busy(const struct config_store *store, enum config_kind kind, const char *key);

/* `status` 0: it runs. Otherwise a sentence for people. */
typedef void (*config_store_done)(void *context, int status, const char *why);

struct config_store_commit {
	struct config *config;	/* built on the latest; the reference is taken over in any case */
	const char *cause;	/* "rest", "command" */
	const char *actor;	/* or NULL */
	uint32_t confirm_s;	/* not 0: goes back unless confirmed within */
	config_store_done done; /* may be NULL */
	void *context;
};
/* -EINVAL when prepare refused (see the report), -ESTALE when it is not built on the latest. */
__attribute__((warn_unused_result)) int config_store_commit(
	struct config_store *store, const struct config_store_commit *commit,
	struct config_report *report);
/* For hooks.apply that returned 1. */
void config_store_applied(struct config_store *store, int status, const char *why);

struct config_store_import {
	const char *actor;	/* or NULL */
	uint32_t confirm_s;	/* as of a commit */
	config_store_done done; /* may be NULL */
	void *context;
	bool anew; /* also a file that was imported already: it wins over what came since */
	/*
	 * Instead of the file, as a change by REST is: what the file says stays imported. What is
	 * the file's text, letter by letter, is the file.
	 */
	struct span text;
};
/* The file again (SIGHUP, `config apply`), or a text; -EALREADY when there is nothing to do. */
__attribute__((warn_unused_result)) int config_store_import(
	struct config_store *store, const struct config_store_import *import,
	struct config_report *report);
/*
 * What importing this text would change, in the lines of config_diff_text(); an empty span is the
 * file. Nothing is changed.
 */
__attribute__((warn_unused_result)) int config_store_preview(const struct config_store *store,
							     struct span text, struct text *lines,
							     struct config_report *report);
__attribute__((warn_unused_result)) int config_store_rollback(struct config_store *store,
							      uint64_t revision, const char *actor,
							      config_store_done done,
							      void *context);
/* -ENOENT when nothing waits for it. */
__attribute__((warn_unused_result)) int config_store_confirm(struct config_store *store);
const struct config_revision *config_store_history(const struct config_store *store,
						   uint32_t *count);

int config_store_fd(const struct config_store *store); /* readable: call poll */
void config_store_poll(struct config_store *store);
/* 0: no deadline. At it, call tick. */
uint64_t config_store_deadline_ns(const struct config_store *store);
void config_store_tick(struct config_store *store, uint64_t now_ns);
