#include "control/config/schema_rows.h"

#include <stdlib.h>

static const struct schema_enum nat_type_values[] = {
	{ .name = "Static", .value = CONFIG_NAT_STATIC },
	{ .name = "Dynamic", .value = CONFIG_NAT_DYNAMIC },
	{ 0 }
};
static const struct schema_enum nat_mode_values[] = {
	{ .name = "EgressSnat", .value = CONFIG_NAT_EGRESS_SNAT },
	{ .name = "IngressSnat", .value = CONFIG_NAT_INGRESS_SNAT },
	{ 0 }
};

bool schema_port_range(const char *text, struct schema_ports *ports)
{
	char *end;

	if (*text < '0' || *text > '9')
		return false;
	ports->low = ports->high = strtoul(text, &end, 10);
	if (*end == '-' && end[1] >= '0' && end[1] <= '9')
		ports->high = strtoul(end + 1, &end, 10);
	return !*end && ports->low >= 1 && ports->low <= ports->high && ports->high <= 65535;
}

static bool check_port_range(const struct schema_field *field, const void *value,
			     const struct where *where, struct config_report *report)
{
	const char *text = *(const char *const *)value;
	struct schema_ports ports;

	if (!text || schema_port_range(text, &ports))
		return true;
	where_error(report, where, CODE_PARAMETER,
		    "Must be ports from 1 to 65535 like \"200-300\".");
	return false;
}

static const struct schema_field mapping_rows[] = {
	{ .name = "addressSpace",
	  .type = SCHEMA_PREFIX,
	  .status = SCHEMA_STORED,
	  .flags = SCHEMA_REQUIRED | SCHEMA_LIVE,
	  SCHEMA_AT(config_nat_mapping, space),
	  .help = "One prefix. Of a static rule both have the same length; a dynamic rule's "
		  "external one is a /26 or smaller." },
	{ .name = "portRange",
	  .type = SCHEMA_STRING,
	  .status = SCHEMA_STORED,
	  .flags = SCHEMA_LIVE,
	  SCHEMA_AT(config_nat_mapping, port_range),
	  .max = 11,
	  .check = check_port_range,
	  .help = "`200-300`, of a static rule: on both sides, as many ports on each." },
};
static const struct schema_object mapping_object = {
	.name = "NAT mapping",
	SCHEMA_ROWS(mapping_rows),
	.size = sizeof(struct config_nat_mapping),
};

#define MAPPING_ROW(json_name, member, text)                                                       \
	{                                                                                          \
		.name = json_name, .type = SCHEMA_ARRAY, .element = SCHEMA_OBJECT,                 \
		.status = SCHEMA_STORED, .flags = SCHEMA_REQUIRED | SCHEMA_LIVE,                   \
		SCHEMA_AT(config_nat_rule, member), .object = &mapping_object, .min = 1, .max = 1, \
		.help = text                                                                       \
	}

static const struct schema_field rule_properties[] = {
	{ .name = "type",
	  .type = SCHEMA_ENUM,
	  .status = SCHEMA_STORED,
	  .flags = SCHEMA_HAS_DEFAULT | SCHEMA_LIVE,
	  SCHEMA_AT(config_nat_rule, type),
	  .values = nat_type_values,
	  .help = "One to one, or many to one." },
	{ .name = "mode",
	  .type = SCHEMA_ENUM,
	  .status = SCHEMA_STORED,
	  .flags = SCHEMA_HAS_DEFAULT | SCHEMA_LIVE,
	  SCHEMA_AT(config_nat_rule, mode),
	  .values = nat_mode_values,
	  .help = "Whose source is translated: our network's, or the site's." },
	MAPPING_ROW("internalMappings", internal, "Before."),
	MAPPING_ROW("externalMappings", external, "After."),
	{ .name = "ipConfigurationId",
	  .type = SCHEMA_REF,
	  .status = SCHEMA_STORED,
	  .flags = SCHEMA_LIVE,
	  SCHEMA_AT(config_nat_rule, ip_configuration),
	  .ref_kind = CONFIG_GATEWAY,
	  .ref_child = "ipConfigurations",
	  .help = "Its instance; an active-active gateway needs it." },
	{ .name = "provisioningState",
	  .type = SCHEMA_NOTHING,
	  .status = SCHEMA_ENFORCED,
	  .flags = SCHEMA_READ_ONLY,
	  .help = "The gateway's." },
};
static const struct schema_object rule_properties_object = { .name = "NAT rule properties",
							     SCHEMA_ROWS(rule_properties) };

static const struct schema_field nat_rule_rows[] = {
	{ .name = "name",
	  .type = SCHEMA_STRING,
	  .status = SCHEMA_STORED,
	  .flags = SCHEMA_REQUIRED | SCHEMA_LIVE,
	  SCHEMA_AT(config_nat_rule, name),
	  .min = 1,
	  .max = 80,
	  .check = schema_check_name,
	  .help = "Without `/`." },
	SCHEMA_PART_ROWS,
	{ .name = "type",
	  .type = SCHEMA_NOTHING,
	  .status = SCHEMA_ENFORCED,
	  .flags = SCHEMA_READ_ONLY,
	  .help = "Resource type." },
	{ .name = "properties",
	  .type = SCHEMA_OBJECT,
	  .status = SCHEMA_ENFORCED,
	  .flags = SCHEMA_INLINE | SCHEMA_REQUIRED,
	  .object = &rule_properties_object,
	  .help = "" },
};
const struct schema_object schema_nat_rule = { .name = "NAT rule",
					       SCHEMA_ROWS(nat_rule_rows),
					       .size = sizeof(struct config_nat_rule),
					       .child = "natRules" };
