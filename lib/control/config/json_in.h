#pragma once
/*
 * From bytes to a cJSON tree. Size, depth, UTF-8 and NULs are checked before cJSON sees the text;
 * cJSON wipes all that it frees: a shared key may have been among it.
 */
#include "base/span.h"
#include "control/config/report.h"

#include <cjson/cJSON.h>

#define CONFIG_JSON_DEPTH 32
#define CONFIG_JSON_FILE_BYTES (256u * 1024 * 1024)

/* Makes cJSON wipe what it frees; parsing calls it, whoever only prints does too. */
void config_json_setup(void);
/* -EINVAL with the reason and the line in the report, -ENOMEM. */
__attribute__((warn_unused_result)) int config_json_parse(cJSON **root, const char *text, size_t n,
							  struct config_report *report);
/* The same with another depth, at most CONFIG_JSON_DEPTH. */
__attribute__((warn_unused_result)) int config_json_parse_depth(cJSON **root, struct span text,
								uint32_t depth,
								struct config_report *report);
void config_json_free(cJSON *root); /* NULL is fine */
/* The text of a member; "" when it is not there or no text. */
const char *config_json_text(const cJSON *object, const char *name);
