#pragma once
/*
 * What a record of the journal says: JSON with what a revision set and deleted, each resource under
 * its full id, keys included. Reads snapshots only, so that the journal's thread may do it.
 */
#include "base/map.h"
#include "control/config/config.h"
#include "control/config/json_out.h"

#include <cjson/cJSON.h>

struct journal_meta {
	const char *cause;    /* "import", "rest", "rollback", "command" */
	const char *actor;    /* token name, or NULL */
	uint64_t fingerprint; /* of the file that was imported last */
};

/* From `from` (NULL: nothing) to `to`. */
__attribute__((warn_unused_result)) int journal_text_change(struct json_out *out,
							    const struct journal_meta *meta,
							    const struct config *from,
							    const struct config *to);

/* State folded out of records: id to body, in JSON. */
struct journal_fold {
	struct map bodies; /* "KIND/KEY" to struct journal_body */
};
struct journal_body {
	uint32_t kind;
	uint64_t revision;
	cJSON *json;
};
void journal_fold_init(struct journal_fold *fold);
void journal_fold_fini(struct journal_fold *fold);
/* Applies a record's payload; a base replaces everything. -EBADMSG when it makes no sense. */
__attribute__((warn_unused_result)) int journal_fold_apply(struct journal_fold *fold,
							   const char *payload, size_t n, bool base,
							   uint64_t revision);
/* As a record's payload (revisions kept in it), or as a configuration file. */
void journal_fold_text(const struct journal_fold *fold, const struct journal_meta *meta,
		       struct json_out *out);
void journal_fold_file(const struct journal_fold *fold, struct json_out *out);
