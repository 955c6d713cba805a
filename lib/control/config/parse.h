#pragma once
/*
 * From a cJSON tree to a typed struct, as the schema says.
 */
#include "control/config/id.h"
#include "control/config/json_in.h"
#include "control/config/schema.h"

struct parse {
	struct config_arena *arena;
	struct config_scope scope;
	struct config_report *report;
	const char *self; /* id of the resource, for references to a part of itself */
	enum config_kind self_kind;
	bool lenient;
	bool no_memory; /* sticky */
};

/* Fills `base` (defaults first). False when something was reported or memory ran out. */
bool parse_object(struct parse *parse, const struct schema_object *object, const cJSON *json,
		  void *base, const struct where *where);
/* Reports unknown and doubled keys of an object. */
bool parse_keys(struct parse *parse, const struct schema_object *object, const cJSON *json,
		const struct where *where);
/* Wipes and frees what a struct holds outside its arena: its secrets. */
void parse_release(const struct schema_object *object, void *base);
