#pragma once
/*
 * The place in a JSON text: links on the stack of the parser, rendered only when something is
 * reported.
 */
#include "control/config/report.h"

struct where {
	const struct where *up;
	const char *key; /* NULL: an index, or the root when up is NULL */
	uint32_t index;
	const char *root; /* of the first link: the pointer it starts with */
	const char *resource;
};

#define WHERE_TEXT 512

/* "/connections/3/properties" with ~ and / of keys escaped (RFC 6901). */
const char *where_text(char buf[WHERE_TEXT], const struct where *where);

static inline struct where where_key(const struct where *up, const char *key)
{
	return (struct where){ .up = up, .key = key };
}

static inline struct where where_index(const struct where *up, uint32_t index)
{
	return (struct where){ .up = up, .index = index };
}

/* Error codes that come up in many places. */
#define CODE_CONTENT "InvalidRequestContent"
#define CODE_FORMAT "InvalidRequestFormat"
#define CODE_PARAMETER "InvalidParameter"
#define CODE_REFERENCE "InvalidResourceReference"
#define CODE_IMMUTABLE "PropertyChangeNotAllowed"
#define CODE_NOT_BUILT "FeatureNotImplemented"

__attribute__((format(printf, 4, 5))) void where_error(struct config_report *report,
						       const struct where *where, const char *code,
						       const char *format, ...);
__attribute__((format(printf, 3, 4))) void where_refused(struct config_report *report,
							 const struct where *where,
							 const char *format, ...);
__attribute__((format(printf, 3, 4))) void where_warn(struct config_report *report,
						      const struct where *where, const char *format,
						      ...);
