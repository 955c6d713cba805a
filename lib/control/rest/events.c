#include "control/rest/events.h"

#include "base/log.h"
#include "control/config/json_out.h"

#include <stdlib.h>

struct event_stream {
	struct list list;
	struct server_exchange *exchange;
	bool gone;
};

static void on_gone(void *context)
{
	struct event_stream *stream = context;

	stream->gone = true;
}

static void stream_end(struct event_stream *stream)
{
	list_del(&stream->list);
	server_stream_end(stream->exchange);
	free(stream);
}

static size_t sweep(struct rest *rest)
{
	struct list *at, *next;
	size_t count = 0;

	list_for_each_safe (at, next, &rest->streams) {
		struct event_stream *stream = list_entry(at, struct event_stream, list);

		if (stream->gone)
			stream_end(stream);
		else
			count++;
	}
	return count;
}

void events_subscribe(struct router_call *call)
{
	struct rest *rest = rest_of(call);
	int64_t most = config_appliance(rest->configured)->api.limits.streams;
	struct event_stream *stream;

	if (call->request->head_only) {
		rest_refuse(call, &(struct error_answer){ 405, "MethodNotAllowed", NULL },
			    "HEAD is not for a stream.");
		return;
	}
	if (sweep(rest) >= (size_t)most) {
		rest_refuse(call, &(struct error_answer){ 429, "TooManyRequests", NULL },
			    "There are %lld event streams already.", (long long)most);
		return;
	}
	stream = calloc(1, sizeof(*stream));
	if (!stream) {
		rest_refuse_memory(call);
		return;
	}
	stream->exchange = call->exchange;
	list_add_tail(&rest->streams, &stream->list);
	server_stream_start(stream->exchange, on_gone, stream);
	server_stream_send(stream->exchange, ": vpngw\n\n", 9);
}

void events_publish(struct rest *rest, const char *event, const char *data)
{
	struct list *at, *next;
	struct text text = { 0 };

	if (list_empty(&rest->streams))
		return;
	text_add(&text, "id: %llu\nevent: %s\ndata: %s\n\n", (unsigned long long)++rest->next_event,
		 event, data);
	list_for_each_safe (at, next, &rest->streams) {
		struct event_stream *stream = list_entry(at, struct event_stream, list);

		if (stream->gone || !server_stream_send(stream->exchange, text_get(&text), text.n))
			stream_end(stream);
	}
	text_fini(&text);
}

void events_end_all(struct rest *rest)
{
	struct list *at, *next;

	list_for_each_safe (at, next, &rest->streams)
		stream_end(list_entry(at, struct event_stream, list));
}

void rest_route_changed(struct rest *rest, const struct net_prefix *prefix,
			const struct rib_candidate *best)
{
	struct json_out out;
	char text[NET_PREFIX_TEXT];

	if (list_empty(&rest->streams))
		return;
	json_out_init(&out);
	json_out_open(&out, NULL, '{');
	json_out_string(&out, "prefix", net_prefix_text(text, prefix));
	json_out_bool(&out, "reachable", best != NULL);
	if (best) {
		json_out_string(&out, "origin", best->origin);
		json_out_int(&out, "metric", best->metric);
		json_out_int(&out, "nexthop", best->nexthop);
	}
	json_out_close(&out, '}');
	events_publish(rest, "route", json_out_text(&out));
	json_out_fini(&out);
}

void rest_tunnel_changed(struct rest *rest, const struct tunnel_status *status)
{
	struct json_out out;
	char text[NET_ADDR_TEXT];

	if (list_empty(&rest->streams))
		return;
	json_out_init(&out);
	json_out_open(&out, NULL, '{');
	json_out_string(&out, "tunnel", status->name);
	json_out_string(&out, "connection", status->connection->resource.id);
	json_out_string(&out, "connectionStatus", tunnel_state_text(status->state));
	json_out_bool(&out, "suspect", status->suspect);
	json_out_string(&out, "localAddress", net_addr_text(text, &status->local));
	json_out_string(&out, "reason", status->reason);
	json_out_close(&out, '}');
	events_publish(rest, "tunnel", json_out_text(&out));
	json_out_fini(&out);
}
