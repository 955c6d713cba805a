#include "control/config/filter.h"

#include "control/config/schema_rows.h"

#include <stdlib.h>
#include <string.h>

#define NO_EXPORT 0xffffff01u
#define NO_ADVERTISE 0xffffff02u

/* A decimal number of 16 bits; *end is what follows it. */
static bool half(const char *text, const char **end, uint32_t *value)
{
	char *rest;
	unsigned long number;

	if (*text < '0' || *text > '9')
		return false;
	number = strtoul(text, &rest, 10);
	*end = rest;
	*value = (uint32_t)number;
	return number <= UINT16_MAX && rest - text <= 5;
}

bool config_community(const char *text, uint32_t *community)
{
	uint32_t high, low;
	const char *end;

	if (!strcmp(text, "no-export") || !strcmp(text, "no-advertise")) {
		*community = text[3] == 'e' ? NO_EXPORT : NO_ADVERTISE;
		return true;
	}
	if (!half(text, &end, &high) || *end != ':' || !half(end + 1, &end, &low) || *end)
		return false;
	*community = high << 16 | low;
	return high && high != UINT16_MAX; /* reserved (RFC 1997) */
}

static bool check_communities(const struct schema_field *field, const void *value,
			      const struct where *where, struct config_report *report)
{
	const struct {
		CONFIG_ARRAY(const char *) texts;
	} *list = value;
	uint32_t community;

	for (uint32_t i = 0; i < list->texts.count; i++) {
		if (config_community(list->texts.items[i], &community))
			continue;
		where_error(report, where, CODE_PARAMETER,
			    "\"%s\" is no community: AS:NUMBER with two numbers of 16 bits, "
			    "no-export or no-advertise.",
			    list->texts.items[i]);
		return false;
	}
	return true;
}

static const struct schema_enum action_values[] = { { .name = "permit",
						      .value = CONFIG_RULE_PERMIT },
						    { .name = "deny", .value = CONFIG_RULE_DENY },
						    { 0 } };

static const struct schema_field filter_rule_rows[] = {
	{ .name = "action",
	  .type = SCHEMA_ENUM,
	  .status = SCHEMA_ENFORCED,
	  .flags = SCHEMA_EXTENSION | SCHEMA_LIVE | SCHEMA_HAS_DEFAULT,
	  SCHEMA_AT(config_route_rule, action),
	  .values = action_values,
	  .help = "What becomes of a route that fits." },
	{ .name = "prefix",
	  .type = SCHEMA_PREFIX,
	  .status = SCHEMA_ENFORCED,
	  .flags = SCHEMA_EXTENSION | SCHEMA_LIVE,
	  SCHEMA_AT(config_route_rule, prefix),
	  .help = "Fits this very prefix, or with `ge` and `le` what lies in it. Default: any." },
	{ .name = "ge",
	  .type = SCHEMA_INT,
	  .status = SCHEMA_ENFORCED,
	  .flags = SCHEMA_EXTENSION | SCHEMA_LIVE | SCHEMA_HAS_DEFAULT,
	  SCHEMA_AT(config_route_rule, ge),
	  .max = 128,
	  .help = "Shortest length; 0: that of `prefix`." },
	{ .name = "le",
	  .type = SCHEMA_INT,
	  .status = SCHEMA_ENFORCED,
	  .flags = SCHEMA_EXTENSION | SCHEMA_LIVE | SCHEMA_HAS_DEFAULT,
	  SCHEMA_AT(config_route_rule, le),
	  .max = 128,
	  .help = "Longest length; 0: that of `prefix`, with `ge` any." },
	{ .name = "communities",
	  .type = SCHEMA_ARRAY,
	  .element = SCHEMA_STRING,
	  .status = SCHEMA_ENFORCED,
	  .flags = SCHEMA_EXTENSION | SCHEMA_LIVE,
	  SCHEMA_AT(config_route_rule, communities),
	  .max = 16,
	  .check = check_communities,
	  .help = "Fits a route that has all of these: `65010:100`, `no-export`." },
	{ .name = "setCommunities",
	  .type = SCHEMA_ARRAY,
	  .element = SCHEMA_STRING,
	  .status = SCHEMA_ENFORCED,
	  .flags = SCHEMA_EXTENSION | SCHEMA_LIVE,
	  SCHEMA_AT(config_route_rule, set_communities),
	  .max = 16,
	  .check = check_communities,
	  .help = "Added to the route's." },
};
static const struct schema_object rule_object = { .name = "route rule",
						  SCHEMA_ROWS(filter_rule_rows),
						  .size = sizeof(struct config_route_rule) };

static const struct schema_field filter_rows[] = {
	{ .name = "in",
	  .type = SCHEMA_ARRAY,
	  .element = SCHEMA_OBJECT,
	  .status = SCHEMA_ENFORCED,
	  .flags = SCHEMA_EXTENSION | SCHEMA_LIVE,
	  SCHEMA_AT(config_route_filters, in),
	  .object = &rule_object,
	  .max = 100,
	  .help = "What is learned: the first rule that fits decides, what fits none is not "
		  "taken." },
	{ .name = "out",
	  .type = SCHEMA_ARRAY,
	  .element = SCHEMA_OBJECT,
	  .status = SCHEMA_ENFORCED,
	  .flags = SCHEMA_EXTENSION | SCHEMA_LIVE,
	  SCHEMA_AT(config_route_filters, out),
	  .object = &rule_object,
	  .max = 100,
	  .help = "What is advertised, likewise. A default route never is." },
};
const struct schema_object schema_route_filters = { .name = "route filters",
						    SCHEMA_ROWS(filter_rows),
						    .size = sizeof(struct config_route_filters) };
