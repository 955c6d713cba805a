#pragma once
/*
 * Rows that several tables share.
 */
#include "control/config/schema.h"

#define SCHEMA_AT(type, member) .offset = offsetof(struct type, member)

/* id, name, type, etag, location, tags: the head of a resource. */
#define SCHEMA_RESOURCE_ROWS                                                                       \
	{ .name = "id",                                                                            \
	  .type = SCHEMA_NOTHING,                                                                  \
	  .status = SCHEMA_ENFORCED,                                                               \
	  .flags = SCHEMA_IMMUTABLE,                                                               \
	  .help = "Full resource id. In the file either this or `name`." },                        \
		{ .name = "name",                                                                  \
		  .type = SCHEMA_NOTHING,                                                          \
		  .status = SCHEMA_ENFORCED,                                                       \
		  .flags = SCHEMA_IMMUTABLE,                                                       \
		  .help = "1 to 80 letters, digits, `_`, `.`, `-`." },                             \
		{ .name = "type",                                                                  \
		  .type = SCHEMA_NOTHING,                                                          \
		  .status = SCHEMA_ENFORCED,                                                       \
		  .flags = SCHEMA_READ_ONLY,                                                       \
		  .help = "Resource type, as the path says." },                                    \
		{ .name = "etag",                                                                  \
		  .type = SCHEMA_NOTHING,                                                          \
		  .status = SCHEMA_ENFORCED,                                                       \
		  .flags = SCHEMA_READ_ONLY,                                                       \
		  .help = "Changes whenever the resource changes." },                              \
		{ .name = "location",                                                              \
		  .type = SCHEMA_STRING,                                                           \
		  .status = SCHEMA_STORED,                                                         \
		  .flags = SCHEMA_LIVE,                                                            \
		  .offset = offsetof(struct config_resource, location),                            \
		  .max = 90,                                                                       \
		  .help = "Kept for clients; the appliance is where it is." },                     \
	{                                                                                          \
		.name = "tags", .type = SCHEMA_TAGS, .status = SCHEMA_STORED,                      \
		.flags = SCHEMA_LIVE, .offset = offsetof(struct config_resource, tags), .max = 50, \
		.help = "Up to 50 names with texts."                                               \
	}

#define SCHEMA_PROVISIONING_ROWS                                                                   \
	{ .name = "provisioningState",                                                             \
	  .type = SCHEMA_NOTHING,                                                                  \
	  .status = SCHEMA_ENFORCED,                                                               \
	  .flags = SCHEMA_READ_ONLY,                                                               \
	  .help = "`Succeeded`, `Updating`, `Deleting` or `Failed`." },                            \
	{                                                                                          \
		.name = "resourceGuid", .type = SCHEMA_NOTHING, .status = SCHEMA_ENFORCED,         \
		.flags = SCHEMA_READ_ONLY, .help = "Follows from the id."                          \
	}

/* Id and etag of a part (an IP configuration, a subnet). */
#define SCHEMA_PART_ROWS                                                                           \
	{ .name = "id",                                                                            \
	  .type = SCHEMA_NOTHING,                                                                  \
	  .status = SCHEMA_ENFORCED,                                                               \
	  .help = "Follows from the resource and `name`; what is given is not used." },            \
	{                                                                                          \
		.name = "etag", .type = SCHEMA_NOTHING, .status = SCHEMA_ENFORCED,                 \
		.flags = SCHEMA_READ_ONLY, .help = "The resource's."                               \
	}

extern const struct schema_enum schema_allocation_values[];
extern const struct schema_object schema_nat_rule;
extern const struct schema_object schema_route_filters;

/* Checks that several tables use. */
bool schema_check_name(const struct schema_field *field, const void *value,
		       const struct where *where, struct config_report *report);
bool schema_check_no_duplicates(const struct schema_field *field, const void *value,
				const struct where *where, struct config_report *report);
