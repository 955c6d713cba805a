#pragma once
/*
 * The rules over more than one property or resource (facts: the API's section on validation). Each
 * reports and goes on, so that a user sees all that is wrong at once.
 */
#include "control/config/config.h"
#include "control/config/where.h"

struct check {
	const struct config *config;
	const struct config *previous; /* may be NULL */
	struct config_report *report;
};

/* All of them. -ENOMEM; what is wrong is in the report. */
__attribute__((warn_unused_result)) int check_config(struct check *check);

/* Reports at a property of a resource: check_at(check, resource, "/properties/asn", CODE, ...). */
__attribute__((format(printf, 5, 6))) void check_at(struct check *check,
						    const struct config_resource *resource,
						    const char *path, const char *code,
						    const char *format, ...);
