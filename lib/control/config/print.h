#pragma once
/*
 * From typed resources back to JSON: the body that REST answers, the file that an export writes,
 * the record that the journal keeps.
 */
#include "control/config/config.h"
#include "control/config/json_out.h"
#include "base/id.h"

enum config_print_shape {
	CONFIG_PRINT_BODY, /* REST: ids, types, etags, read-only properties, defaults; no secret */
	CONFIG_PRINT_FILE, /* what differs from the defaults, names */
	CONFIG_PRINT_JOURNAL, /* the same with full ids */
};

/* Where a read-only property is printed, or an object that may have some. */
struct config_print_place {
	const struct config_resource *resource;
	const char *name;    /* of the property */
	const char *part;    /* schema name of the struct it stands in */
	const void *element; /* that struct */
};
/* Prints the value under place->name and returns true, or returns false: the default is taken. */
typedef bool (*config_print_status)(void *context, const struct config_print_place *place,
				    struct json_out *out);

struct config_print {
	enum config_print_shape shape;
	bool secrets;		    /* FILE and JOURNAL only */
	config_print_status status; /* BODY; may be NULL */
	void *context;
	const char *const *without; /* properties that are left out, up to NULL; may be NULL */
};

/* One resource as an object; `key` as in json_out. */
void config_print_resource(const struct config_print *print, const struct config_resource *resource,
			   const char *key, struct json_out *out);
/* The whole configuration as a file. */
void config_print_file(const struct config *config, bool secrets, struct json_out *out);

#define CONFIG_ETAG 48
/* W/"guid": another one whenever the resource changed. */
const char *config_etag(char buf[CONFIG_ETAG], const struct config_resource *resource);
