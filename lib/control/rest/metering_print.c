#include "control/rest/metering.h"

#include "base/when.h"
#include "control/config/id.h"
#include "control/config/json_out.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Names of enum contract_destination; the gateway's own network is what is left. */
static const char *const destinations[] = {
	[CONTRACT_TO_SITE] = "Site",	 [CONTRACT_TO_GATEWAY] = "VirtualNetworkGateway",
	[CONTRACT_TO_CLIENT] = "Client", [CONTRACT_TO_INTERNET] = "Internet",
	[CONTRACT_TO_SELF] = "Gateway",	 [CONTRACT_TO_PEERED] = "PeeredVirtualNetwork",
};
static const char inside[] = "VirtualNetwork";

struct gains {
	struct metering_gain *items;
	size_t count;
	size_t capacity;
	bool failed;
};

static void on_gain(void *context, const struct metering_gain *gain)
{
	struct gains *gains = context;
	size_t wanted = gains->capacity ? gains->capacity * 2 : 64;
	struct metering_gain *items;

	if (gains->count == gains->capacity) {
		items = reallocarray(gains->items, wanted, sizeof(*items));
		if (!items) {
			gains->failed = true;
			return;
		}
		gains->items = items;
		gains->capacity = wanted;
	}
	gains->items[gains->count++] = *gain;
}

static void add(struct metering_gain *sum, const struct metering_gain *gain)
{
	sum->up_ms += gain->up_ms;
	for (uint32_t i = 0; i < METERING_COUNTERS; i++)
		sum->counters[i] += gain->counters[i];
}

static bool is_nothing(const struct metering_gain *gain)
{
	for (uint32_t i = 0; i < METERING_COUNTERS; i++)
		if (gain->counters[i])
			return false;
	return !gain->up_ms;
}

/* What came out of the tunnel and went nowhere else. */
static uint64_t rest_of_ingress(const struct metering_gain *gain, enum metering_counter all,
				enum metering_counter first)
{
	uint64_t rest = gain->counters[all];

	for (uint32_t d = 0; d < CONTRACT_DESTINATIONS; d++) {
		uint64_t there = gain->counters[first + 2 * d];

		rest -= there < rest ? there : rest;
	}
	return rest;
}

static uint64_t inside_bytes(const struct metering_gain *gain)
{
	return rest_of_ingress(gain, METERING_IN_BYTES, METERING_TO_BYTES);
}

static uint64_t inside_packets(const struct metering_gain *gain)
{
	return rest_of_ingress(gain, METERING_IN_PACKETS, METERING_TO_PACKETS);
}

/* Its name in the configuration; of what is gone, the end of its key. */
static const char *name_of(const struct metering_page *page, const char *key)
{
	const struct config_resource *resource = config_find(page->config, CONFIG_CONNECTION, key);

	return resource ? resource->name : config_id_name(key);
}

static void json_destination(struct json_out *out, const char *kind, uint64_t bytes,
			     uint64_t packets)
{
	json_out_open(out, NULL, '{');
	json_out_string(out, "destination", kind);
	json_out_int(out, "bytes", (int64_t)bytes);
	json_out_int(out, "packets", (int64_t)packets);
	json_out_close(out, '}');
}

static void json_counters(struct json_out *out, const struct metering_gain *gain)
{
	const uint64_t *c = gain->counters;

	json_out_int(out, "ingressBytes", (int64_t)c[METERING_IN_BYTES]);
	json_out_int(out, "ingressPackets", (int64_t)c[METERING_IN_PACKETS]);
	json_out_int(out, "egressBytes", (int64_t)c[METERING_OUT_BYTES]);
	json_out_int(out, "egressPackets", (int64_t)c[METERING_OUT_PACKETS]);
	json_out_open(out, "ingressByDestination", '[');
	json_destination(out, inside, inside_bytes(gain), inside_packets(gain));
	for (uint32_t d = 0; d < CONTRACT_DESTINATIONS; d++)
		if (c[METERING_TO_PACKETS + 2 * d])
			json_destination(out, destinations[d], c[METERING_TO_BYTES + 2 * d],
					 c[METERING_TO_PACKETS + 2 * d]);
	json_out_close(out, ']');
}

static void json_hours(struct json_out *out, const char *key, uint64_t ms)
{
	char text[40];

	snprintf(text, sizeof(text), "%.6f", (double)ms / 3600e3);
	json_out_raw(out, key, text);
}

static void json_tunnel(struct json_out *out, const struct metering_gain *gain)
{
	json_out_open(out, NULL, '{');
	json_out_string(out, "name", gain->subject->name);
	json_hours(out, "tunnelHours", gain->up_ms);
	json_counters(out, gain);
	json_out_close(out, '}');
}

/* The tunnels from `at` on that belong to one connection; gives the one after them. */
static size_t json_connection(struct json_out *out, const struct metering_page *page,
			      const struct gains *gains, size_t at)
{
	const char *key = gains->items[at].subject->connection;
	struct metering_gain sum = { 0 };
	size_t end = at;

	for (; end < gains->count && !strcmp(gains->items[end].subject->connection, key); end++)
		add(&sum, &gains->items[end]);
	if (is_nothing(&sum) && !config_find(page->config, CONFIG_CONNECTION, key))
		return end;
	json_out_open(out, NULL, '{');
	json_out_string(out, "id", key);
	json_out_string(out, "name", name_of(page, key));
	json_out_string(out, "egressDestination", destinations[gains->items[at].subject->far]);
	json_hours(out, "tunnelHours", sum.up_ms);
	json_counters(out, &sum);
	json_out_open(out, "tunnels", '[');
	for (size_t i = at; i < end; i++)
		if (!is_nothing(&gains->items[i]) || gains->items[i].subject->up)
			json_tunnel(out, &gains->items[i]);
	json_out_close(out, ']');
	json_out_close(out, '}');
	return end;
}

static void json_time(struct json_out *out, const char *key, uint64_t wall_ms)
{
	char text[WHEN_TEXT];

	json_out_string(out, key, when_text(text, wall_ms));
}

static void print_json(const struct metering_page *page, const struct metering_answer *answer,
		       const struct gains *gains, struct text *to)
{
	struct metering_gain sum = { 0 };
	struct json_out out;
	uint64_t gateway_ms = 0;
	size_t at = 0;

	for (; at < gains->count && gains->items[at].subject->type == METERING_GATEWAY; at++)
		gateway_ms += gains->items[at].up_ms;
	for (size_t i = at; i < gains->count; i++)
		add(&sum, &gains->items[i]);
	json_out_init(&out);
	json_out_open(&out, NULL, '{');
	json_out_string(&out, "id", page->gateway_key);
	json_out_string(&out, "name", page->gateway_name);
	json_time(&out, "from", page->from_ms);
	json_time(&out, "to", page->to_ms);
	json_time(&out, "recordedFrom", answer->from->wall_ms);
	json_time(&out, "recordedTo", answer->to->wall_ms);
	json_hours(&out, "gatewayHours", gateway_ms);
	json_hours(&out, "tunnelHours", sum.up_ms);
	json_counters(&out, &sum);
	json_out_open(&out, "connections", '[');
	while (at < gains->count)
		at = json_connection(&out, page, gains, at);
	json_out_close(&out, ']');
	json_out_close(&out, '}');
	text_add_bytes(to, json_out_text(&out), out.n);
	if (out.failed)
		to->failed = true;
	json_out_fini(&out);
}

/* RFC 4180; what a spreadsheet would take for a formula is quoted with a blank before it. */
static void csv_cell(struct text *out, const char *text)
{
	bool formula = text[0] && strchr("=+-@", text[0]);

	if (!formula && !strpbrk(text, ",\"\r\n")) {
		text_add(out, "%s,", text);
		return;
	}
	text_add(out, formula ? "\" " : "\"");
	for (const char *c = text; *c; c++)
		text_add(out, *c == '"' ? "\"\"" : "%c", *c);
	text_add(out, "\",");
}

struct csv_row {
	const struct metering_page *page;
	const struct metering_gain *gain;
	const char *direction;
	const char *destination;
	uint64_t bytes;
	uint64_t packets;
	uint64_t up_ms;
};

static void csv_row(struct text *out, const struct csv_row *row)
{
	const struct metering_subject *subject = row->gain->subject;
	bool tunnel = subject->type == METERING_TUNNEL;
	char from[WHEN_TEXT], to[WHEN_TEXT];

	text_add(out, "%s,%s,", when_text(from, row->page->from_ms),
		 when_text(to, row->page->to_ms));
	csv_cell(out, row->page->gateway_name);
	csv_cell(out, tunnel ? name_of(row->page, subject->connection) : "");
	csv_cell(out, tunnel ? subject->name : "");
	text_add(out, "%s,%s,%llu,%llu,%.3f\r\n", row->direction, row->destination,
		 (unsigned long long)row->bytes, (unsigned long long)row->packets,
		 (double)row->up_ms / 1e3);
}

/* A row for each way and destination; the hours stand in a row of their own. */
static void csv_gain(struct text *out, const struct metering_page *page,
		     const struct metering_gain *gain)
{
	const uint64_t *c = gain->counters;
	struct csv_row row = { page, gain, "", "", 0, 0, gain->up_ms };

	if (gain->up_ms)
		csv_row(out, &row);
	if (gain->subject->type == METERING_GATEWAY)
		return;
	row = (struct csv_row){
		page, gain, "ingress", inside, inside_bytes(gain), inside_packets(gain)
	};
	if (row.packets)
		csv_row(out, &row);
	for (uint32_t d = 0; d < CONTRACT_DESTINATIONS; d++) {
		row.destination = destinations[d];
		row.bytes = c[METERING_TO_BYTES + 2 * d];
		row.packets = c[METERING_TO_PACKETS + 2 * d];
		if (row.packets)
			csv_row(out, &row);
	}
	row = (struct csv_row){ page,
				gain,
				"egress",
				destinations[gain->subject->far],
				c[METERING_OUT_BYTES],
				c[METERING_OUT_PACKETS] };
	if (row.packets)
		csv_row(out, &row);
}

static void print_csv(const struct metering_page *page, const struct gains *gains, struct text *out)
{
	text_add(out, "from,to,gateway,connection,tunnel,direction,destination,bytes,packets,"
		      "seconds\r\n");
	for (size_t i = 0; i < gains->count; i++)
		csv_gain(out, page, &gains->items[i]);
}

int metering_print(const struct metering_page *page, const struct metering_answer *answer, bool csv,
		   struct text *out)
{
	struct gains gains = { 0 };
	int rc = metering_each(answer, page->gateway_key, on_gain, &gains);

	if (rc == 0 && gains.failed)
		rc = -ENOMEM;
	if (rc == 0 && !gains.count &&
	    !config_find(page->config, CONFIG_GATEWAY, page->gateway_key))
		rc = -ENOENT;
	if (rc == 0 && csv)
		print_csv(page, &gains, out);
	else if (rc == 0)
		print_json(page, answer, &gains, out);
	free(gains.items);
	return rc == 0 && out->failed ? -ENOMEM : rc;
}
