#include "control/diagnostics/diagnostics.h"
#include "control/diagnostics/internal.h"

#include "control/config/json_out.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define LINES_PER_S 1000 /* of a category that a peer can make talk */

static const char *const names[] = {
	[DIAGNOSTICS_GATEWAY] = "GatewayDiagnosticLog",
	[DIAGNOSTICS_TUNNEL] = "TunnelDiagnosticLog",
	[DIAGNOSTICS_ROUTE] = "RouteDiagnosticLog",
	[DIAGNOSTICS_IKE] = "IKEDiagnosticLog",
	[DIAGNOSTICS_P2S] = "P2SDiagnosticLog",
};

const char *diagnostics_category_text(enum diagnostics_category category)
{
	return names[category];
}

int diagnostics_new(struct diagnostics **diagnostics, const struct diagnostics_config *config)
{
	struct diagnostics *d = calloc(1, sizeof(*d));
	struct diagnostics_config own = *config;
	int rc = -ENOMEM;

	if (!d)
		return rc;
	d->clock = config->clock;
	map_init(&d->tunnels);
	map_init(&d->learned);
	d->sink.file_fd = d->sink.journal_fd = -1;
	own.file = d->file = strdup(config->file);
	if (d->file)
		rc = diagnostics_sink_open(&d->sink, &own);
	if (rc < 0) {
		diagnostics_free(d);
		return rc;
	}
	*diagnostics = d;
	return 0;
}

void diagnostics_free(struct diagnostics *d)
{
	struct map_entry *entry = NULL;

	if (!d)
		return;
	while ((entry = map_next(&d->tunnels, entry)))
		free(entry->value);
	map_fini(&d->tunnels);
	map_fini(&d->learned);
	diagnostics_sink_close(&d->sink);
	free(d->file);
	free(d);
}

static int bit_of(const char *name, size_t n, uint32_t *bits)
{
	for (unsigned int c = 0; c < DIAGNOSTICS_CATEGORIES; c++)
		if (strlen(names[c]) == n && !strncmp(names[c], name, n)) {
			*bits |= 1u << c;
			return 0;
		}
	return n ? -EINVAL : 0;
}

int diagnostics_select(struct diagnostics *d, const char *categories)
{
	uint32_t bits = 0;

	for (const char *at = categories; *at;) {
		size_t n = strcspn(at, ",");

		if (bit_of(at, n, &bits) < 0)
			return -EINVAL;
		at += n + (at[n] == ',');
	}
	d->wanted = bits;
	return 0;
}

void diagnostics_reopen(struct diagnostics *d)
{
	diagnostics_sink_reopen(&d->sink);
}

static void time_add(struct json_out *out)
{
	struct timespec now;
	struct tm tm;
	char when[40], text[64];

	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &tm);
	strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(text, sizeof(text), "%s.%06ldZ", when, now.tv_nsec / 1000);
	json_out_string(out, "TimeGenerated", text);
}

static void put(struct diagnostics *d, const struct diagnostics_line *line)
{
	struct json_out out;

	json_out_init(&out);
	json_out_open(&out, NULL, '{');
	time_add(&out);
	json_out_string(&out, "Category", names[line->category]);
	json_out_string(&out, "OperationName", line->operation);
	json_out_string(&out, "Message", line->message);
	json_out_string(&out, "Level", line->warning ? "Warning" : "Informational");
	json_out_string(&out, "Resource", line->resource);
	json_out_string(&out, "ResourceGroup", line->group ? line->group : d->group);
	if (line->instance)
		json_out_string(&out, "instance_s", line->instance);
	if (line->remote)
		json_out_string(&out, "remoteIP_s", line->remote);
	if (line->connection)
		json_out_string(&out, "connectionName_s", line->connection);
	json_out_close(&out, '}');
	if (!out.failed)
		diagnostics_sink_write(&d->sink, line, json_out_text(&out));
	json_out_fini(&out);
}

static void tell_left_out(struct diagnostics *d, const struct diagnostics_line *like,
			  uint32_t count)
{
	char message[80];
	const struct diagnostics_line line = { .category = like->category,
					       .warning = true,
					       .operation = like->operation,
					       .resource = like->resource,
					       .message = message };

	snprintf(message, sizeof(message), "%u lines of this category were left out.", count);
	put(d, &line);
}

void diagnostics_write(struct diagnostics *d, const struct diagnostics_line *line)
{
	bool bounded = line->category == DIAGNOSTICS_ROUTE || line->category == DIAGNOSTICS_IKE;
	uint64_t now = clock_now_ns(d->clock);

	if (!diagnostics_wants(d, line->category))
		return;
	if (now - d->held[line->category].since_ns >= CLOCK_NS_PER_S) {
		if (d->held[line->category].left_out)
			tell_left_out(d, line, d->held[line->category].left_out);
		d->held[line->category].since_ns = now;
		d->held[line->category].lines = d->held[line->category].left_out = 0;
	}
	if (bounded && d->held[line->category].lines++ >= LINES_PER_S)
		d->held[line->category].left_out++;
	else
		put(d, line);
}
