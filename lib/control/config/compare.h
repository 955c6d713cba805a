#pragma once
/*
 * What differs between two typed structs of one schema.
 */
#include "control/config/schema.h"

#define COMPARE_POINTERS 16

struct compare {
	uint32_t changed;  /* properties that differ */
	uint32_t not_live; /* of these: tunnels do not survive */
	uint32_t restart;  /* of these: at the next start */
	bool (*each)(void *context, const struct schema_field *field, const struct where *where);
	void *context; /* each: false ends the comparison */
};

/* Adds to `compare`; `where` names the struct. False when `each` ended it. */
bool compare_objects(const struct schema_object *object, const void *a, const void *b,
		     const struct where *where, struct compare *compare);
