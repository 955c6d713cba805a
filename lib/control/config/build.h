#pragma once
/*
 * DOC: building a snapshot
 *
 * A builder starts from a snapshot (or from nothing), takes resources as JSON or takes them away,
 * and ends in a new snapshot after the checks over several resources. Nothing that runs is touched:
 * a builder that is dropped leaves no trace. Secrets that a body does not say are taken over from
 * the resource that it replaces; a connection that has no key at all gets a random one.
 */
#include "control/config/config.h"
#include "control/config/json_in.h"

struct config_build;

struct config_build_options {
	const struct sku_catalogue *catalogue; /* NULL: previous's, else the built-in one */
	const struct config *previous;	       /* what it starts from, unless empty */
	bool empty;    /* start empty; `previous` still lends keys and revisions */
	bool lenient;  /* unknown keys are warnings */
	bool complete; /* a password that a body does not have is none */
};

__attribute__((warn_unused_result)) int config_build_begin(
	struct config_build **build, const struct config_build_options *options,
	struct config_report *report);
void config_build_drop(struct config_build *build); /* NULL is fine */

/*
 * One resource. `id` (may be NULL: the body says id or name) is the path it was put to; `origin` is
 * the pointer to the body in its text. -EINVAL (see the report) or -ENOMEM; the builder is then of
 * no more use but for further findings.
 */
struct config_body {
	enum config_kind kind;
	const char *id;
	const char *origin;
	const cJSON *json;
};
__attribute__((warn_unused_result)) int config_build_put(struct config_build *build,
							 const struct config_body *body);
/* Of the resources that are put from now on, and of the snapshot: a journal is read again. */
void config_build_revision(struct config_build *build, uint64_t revision);
/* -ENOENT when there is none. Who still refers to it is found at the end. */
__attribute__((warn_unused_result)) int config_build_remove(struct config_build *build,
							    enum config_kind kind, const char *id);
/* Consumes the builder in any case. */
__attribute__((warn_unused_result)) int config_build_end(struct config_build *build,
							 struct config **config);

/* Compares what two typed resources of a kind say. */
bool config_resource_equal(const struct config_resource *a, const struct config_resource *b);
