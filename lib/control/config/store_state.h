#pragma once
/*
 * Inside of the store: what its files share.
 */
#include "base/list.h"
#include "control/config/file.h"
#include "control/config/store.h"

#define STORE_ACTOR 80

struct pending {
	struct list link;
	struct config_store *store;
	struct config *config;
	char cause[16];
	char actor[STORE_ACTOR];
	uint64_t fingerprint;
	uint32_t confirm_s;
	config_store_done done;
	void *context;
};

struct config_store {
	struct config_store_hooks hooks;
	struct config_journal *journal;
	struct sku_catalogue *catalogue;
	char *file;
	struct config *running;
	struct list pending;   /* in the order of their revisions; the first is at work */
	bool writing;	       /* the first is with the journal */
	bool applying;	       /* the first waits for config_store_applied() */
	uint64_t confirm_ns;   /* deadline of the confirmation */
	uint64_t confirm_back; /* revision to go back to */
};

__attribute__((warn_unused_result)) int store_read_source(const struct config_store *store,
							  struct config_file *file,
							  struct config_report *report);
/* In the log: what `to`, which the file says or else somebody sent, takes the place of. */
void store_say_overwritten(const struct config *from, const struct config *to, bool file);
