#include "control/rest/metrics_text.h"

#include <string.h>

void metrics_head(struct text *out, const struct metrics_sample *sample)
{
	text_add(out, "# HELP %s %s\n# TYPE %s %s\n", sample->name, sample->help, sample->name,
		 sample->type);
}

/* Label values: backslash, quote and newline are escaped. */
void metrics_label(struct text *out, const char *name, const char *value, bool first)
{
	text_add(out, "%s%s=\"", first ? "{" : ",", name);
	for (const char *c = value; *c;) {
		size_t plain = strcspn(c, "\"\\\n");

		text_add_bytes(out, c, plain);
		c += plain;
		if (*c)
			text_add(out, "\\%c", *c == '\n' ? 'n' : *c);
		c += *c != '\0';
	}
	text_add_bytes(out, "\"", 1);
}
