#pragma once
/*
 * One resource: made of JSON, counted, freed.
 */
#include "control/config/parse.h"

#define RESOURCE_KEY 1024

struct resource_source {
	enum config_kind kind;
	const char *id;	    /* the path it was put to, or NULL */
	const char *origin; /* pointer to the body */
	const cJSON *json;
	struct config_scope scope;
	bool lenient;
	struct config_report *report;
};

/*
 * -EINVAL with findings in the report, -ENOMEM. The resource has one reference. `failed` gets the
 * key of one that could be told but is wrong otherwise, else "".
 */
__attribute__((warn_unused_result)) int resource_new(struct config_resource **resource,
						     const struct resource_source *source,
						     char failed[RESOURCE_KEY]);
struct config_resource *resource_get(const struct config_resource *resource);
void resource_put(const struct config_resource *resource); /* NULL is fine */
