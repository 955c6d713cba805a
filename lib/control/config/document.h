#pragma once
/*
 * The schema as others want it: a JSON schema for editors and clients, a page for people. Both are
 * in config/, and a test holds them to the table.
 */
#include "base/text.h"
#include "control/config/config.h"
#include "control/config/json_out.h"

/* config/schema.json: of a configuration file. */
void config_document_schema(struct json_out *out);
/* The members of one kind of resource, into an object that is open. */
void config_document_kind(struct json_out *out, enum config_kind kind);
/* config/REFERENCE.md. */
void config_document_reference(struct text *out);
