#pragma once
/*
 * DOC: schema
 *
 * One table row per property. Parsing, validation, printing, diff, the JSON schema and the
 * reference page are all made from the rows; whoever adds a property adds a row and the struct
 * member that it fills. What a row cannot say (a condition over several properties) is in the
 * check_*.c files.
 */
#include "control/config/config.h"
#include "control/config/where.h"

#include <stddef.h>

enum schema_type {
	SCHEMA_STRING,	  /* const char * */
	SCHEMA_BOOL,	  /* bool */
	SCHEMA_INT,	  /* int64_t */
	SCHEMA_ENUM,	  /* int */
	SCHEMA_ADDR,	  /* struct net_addr */
	SCHEMA_PREFIX,	  /* struct net_prefix */
	SCHEMA_INTERFACE, /* struct config_interface_address: "192.0.2.1/24" */
	SCHEMA_REF,	  /* struct config_ref */
	SCHEMA_SECRET,	  /* struct secret */
	SCHEMA_OBJECT,	  /* const struct x *, or the struct itself with SCHEMA_INLINE */
	SCHEMA_ARRAY,	  /* CONFIG_ARRAY of `element` */
	SCHEMA_TAGS,	  /* CONFIG_ARRAY(struct config_tag) */
	SCHEMA_JSON,	  /* const char *: any JSON, kept as text */
	SCHEMA_NOTHING,	  /* read-only and computed when it is printed: no member */
};

enum schema_flag {
	SCHEMA_REQUIRED = 1 << 0,
	SCHEMA_READ_ONLY = 1 << 1,
	SCHEMA_WRITE_ONLY = 1 << 2,
	SCHEMA_IMMUTABLE = 1 << 3, /* PropertyChangeNotAllowed */
	SCHEMA_LIVE = 1 << 4,	   /* a change leaves tunnels standing */
	SCHEMA_INLINE = 1 << 5,
	SCHEMA_EXTENSION = 1 << 6, /* ours, not Azure's */
	SCHEMA_HAS_DEFAULT = 1 << 7,
	SCHEMA_RESTART = 1 << 8, /* takes effect when the program starts again */
};

/* What comes of a property that is set. */
enum schema_status {
	SCHEMA_UNSAID, /* a row that forgot: a test fails */
	SCHEMA_ENFORCED,
	SCHEMA_STORED,	/* kept and given back, harmless */
	SCHEMA_REFUSED, /* 501 unless it is false, empty or the default */
};

struct schema_enum {
	const char *name; /* NULL ends the list */
	int value;
	bool refused;	    /* this value answers 501 */
	const char *reason; /* why, or what to take instead */
};

struct schema_object;
struct schema_field;

/* More than a range: reports and returns false. `value` points to the member. */
typedef bool (*schema_check)(const struct schema_field *field, const void *value,
			     const struct where *where, struct config_report *report);

struct schema_field {
	const char *name;
	uint8_t type;	  /* enum schema_type */
	uint8_t element;  /* of an array */
	uint8_t status;	  /* enum schema_status */
	uint8_t ref_kind; /* enum config_kind that a reference leads to */
	uint16_t flags;
	uint16_t offset;
	const char *ref_child; /* "subnets": the reference leads to a part of ref_kind */
	const struct schema_enum *values;
	const struct schema_object *object; /* of an object, or of an array's elements */
	int64_t min;		 /* of the number, the length of a text, the count of an array */
	int64_t max;		 /* 0: the type's */
	int64_t element_max;	 /* length of the texts of an array; 0: the type's */
	int64_t preset;		 /* default of a number, bool or enum */
	const char *preset_text; /* default of a string */
	schema_check check;
	const char *help;   /* for the reference page */
	const char *reason; /* of a refused row: what is missing */
};

struct schema_object {
	const char *name;
	const struct schema_field *fields;
	uint16_t count;
	uint16_t size;	   /* of its struct; 0 for a group inside its parent */
	const char *child; /* "ipConfigurations": elements have ids of their own */
};

#define SCHEMA_ROWS(array) .fields = (array), .count = sizeof(array) / sizeof((array)[0])

/* Words that stand in several objects. */
extern const struct schema_enum schema_direction_values[];
extern const struct schema_enum schema_generation_values[];

extern const struct schema_object schema_appliance;
extern const struct schema_object schema_virtual_network;
extern const struct schema_object schema_public_ip;
extern const struct schema_object schema_gateway;
extern const struct schema_object schema_local_gateway;
extern const struct schema_object schema_connection;
extern const struct schema_object schema_bgp;
extern const struct schema_object schema_certificate;

/* "200-300" or "200". False: it is neither, or not from 1 to 65535. */
struct schema_ports {
	unsigned long low, high;
};
bool schema_port_range(const char *text, struct schema_ports *ports);

/* Everything about a kind of resource. */
struct schema_kind {
	const char *list; /* "virtualNetworkGateways": in the file and in the path */
	const char *type; /* "Microsoft.Network/virtualNetworkGateways" */
	const char *noun; /* "virtual network gateway" */
	const struct schema_object *object;
};
const struct schema_kind *schema_kind(enum config_kind kind);

static inline void *schema_member(void *base, const struct schema_field *field)
{
	return (char *)base + field->offset;
}

static inline const void *schema_member_const(const void *base, const struct schema_field *field)
{
	return (const char *)base + field->offset;
}

/* Whether a value asks for something: a row that is refused may not, an export leaves it out. */
bool schema_is_set(const struct schema_field *field, const void *value);
size_t schema_element_size(const struct schema_field *field);
const char *schema_enum_name(const struct schema_enum *values, int value); /* NULL: unknown */
const struct schema_field *schema_field_find(const struct schema_object *object, const char *name);
/* The field whose name is nearest to a wrong one, or NULL when none is near. */
const struct schema_field *schema_field_near(const struct schema_object *object, const char *name);
