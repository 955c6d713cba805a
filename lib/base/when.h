#pragma once
/*
 * Times as people and files write them: ISO 8601, in UTC unless an offset says otherwise.
 */
#include <stdint.h>

#define WHEN_TEXT 32

/*
 * "2026-11-28", "2026-11-28T06:30:00Z", with a fraction of the second, with "+02:00" in place of Z.
 * -EINVAL.
 */
__attribute__((warn_unused_result)) int when_parse(const char *text, uint64_t *wall_ms);
/* "2026-11-28T06:30:00.250Z" */
const char *when_text(char text[WHEN_TEXT], uint64_t wall_ms);
