#pragma once
/*
 * One resource: made of JSON, counted, freed.
 */
#include "control/config/parse.h"

struct resource_source {
	enum config_kind kind;
	const char *id;	    /* the path it was put to, or NULL */
	const char *origin; /* pointer to the body */
	const cJSON *json;
	struct config_scope scope;
	bool lenient;
	struct config_report *report;
};

/* -EINVAL with findings in the report, -ENOMEM. The resource has one reference. */
__attribute__((warn_unused_result)) int resource_new(struct config_resource **resource,
						     const struct resource_source *source);
struct config_resource *resource_get(const struct config_resource *resource);
void resource_put(const struct config_resource *resource); /* NULL is fine */
