/*
 * Packet captures of gateways and connections in Azure's shape, their files, and traces.
 */
#include "base/log.h"
#include "control/capture/captures.h"
#include "control/config/json_in.h"
#include "control/config/json_out.h"
#include "control/rest/events.h"
#include "control/rest/state.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TRACE_SECONDS 60
#define TRACE_SECONDS_MAX 3600

/* These operations have Azure's flat error; clients of the usual one find theirs too. */
static void refuse(struct router_call *call, int status, const char *code, const char *why)
{
	struct http_reply reply = { .status = status };
	struct json_out out;

	json_out_init(&out);
	json_out_open(&out, NULL, '{');
	json_out_string(&out, "code", code);
	json_out_string(&out, "message", why);
	json_out_open(&out, "error", '{');
	json_out_string(&out, "code", code);
	json_out_string(&out, "message", why);
	json_out_close(&out, '}');
	json_out_close(&out, '}');
	text_add_bytes(&reply.body, json_out_text(&out), out.n);
	json_out_fini(&out);
	rest_answer(call, &reply);
}

static void refuse_errno(struct router_call *call, int rc, const char *why)
{
	if (rc == -EBUSY || rc == -ENOSPC)
		refuse(call, 409, "PacketCaptureOperationNotAllowed", why);
	else if (rc == -ENOTCONN)
		refuse(call, 503, "ServiceUnavailable", why);
	else
		refuse(call, 500, "InternalServerError", why);
}

/* The parsed body, NULL when there is none; false: it was refused. */
static bool body_read(struct router_call *call, cJSON **body)
{
	struct config_report report;
	int rc = 0;

	*body = NULL;
	config_report_init(&report);
	if (call->request->body.n)
		rc = rest_body_parse(call, body, &report);
	config_report_fini(&report);
	if (rc == 0 && (!*body || cJSON_IsObject(*body)))
		return true;
	config_json_free(*body);
	refuse(call, 400, "InvalidRequestContent", "The body is no JSON object.");
	return false;
}

/* A string, or an object as people with curl write it. */
static int filter_read(const cJSON *value, struct capture_filter *filter, char *why, size_t size)
{
	char *text;
	int rc;

	if (cJSON_IsObject(value)) {
		text = cJSON_PrintUnformatted(value);
		rc = text ? capture_filter_parse(filter, text, why, size) : -ENOMEM;
		cJSON_free(text);
		return rc;
	}
	if (value && !cJSON_IsString(value) && !cJSON_IsNull(value)) {
		snprintf(why, size, "filterData is a string.");
		return -EINVAL;
	}
	return capture_filter_parse(filter, cJSON_IsString(value) ? value->valuestring : NULL, why,
				    size);
}

/* Azure gives JSON in a string. */
static void answer_string(struct router_call *call, struct json_out *out)
{
	struct text quoted = { 0 };

	error_json_string(&quoted, json_out_text(out));
	rest_answer_operation(call, text_get(&quoted));
	text_fini(&quoted);
}

static void start(struct router_call *call, struct capture_start *start)
{
	struct json_out out;
	char why[512] = "";
	cJSON *body;
	int rc;

	if (!body_read(call, &body))
		return;
	rc = filter_read(body ? cJSON_GetObjectItem(body, "filterData") : NULL, &start->filter, why,
			 sizeof(why));
	config_json_free(body);
	if (rc < 0) {
		refuse(call, 400, "InvalidPacketCaptureFilter", why);
		return;
	}
	rc = captures_start(rest_of(call)->config.captures, start, why, sizeof(why));
	rest_audit(call, start->name, rc < 0 ? "capture refused" : "capture started");
	if (rc < 0) {
		refuse_errno(call, rc, why);
		return;
	}
	json_out_init(&out);
	json_out_open(&out, NULL, '{');
	json_out_string(&out, "Status", "Successful");
	json_out_string(&out, "State", "Running");
	json_out_close(&out, '}');
	answer_string(call, &out);
	json_out_fini(&out);
}

static void gateway_start(struct router_call *call)
{
	const struct config_resource *gateway = rest_find(call, CONFIG_GATEWAY, call->names[0]);

	if (gateway)
		start(call, &(struct capture_start){ .name = gateway->name,
						     .gateway_key = gateway->key });
}

static void connection_start(struct router_call *call)
{
	const struct config_connection *c = (const struct config_connection *)rest_find(
		call, CONFIG_CONNECTION, call->names[0]);

	if (c)
		start(call, &(struct capture_start){ .name = c->resource.name,
						     .gateway_key = c->gateway.key,
						     .connection_key = c->resource.key });
}

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static void print_status(void *context, const struct capture_status *status)
{
	struct json_out *out = context;

	json_out_open(out, NULL, '{');
	json_out_string(out, "name", status->name);
	json_out_string(out, "of", status->connection_key ? "connection" : "gateway");
	json_out_int(out, "startedMs", (int64_t)status->started_wall_ms);
	json_out_int(out, "packets", (int64_t)status->packets);
	json_out_int(out, "bytes", (int64_t)status->bytes);
	json_out_int(out, "lost", (int64_t)status->lost);
	if (status->error)
		json_out_string(out, "error", strerror(status->error));
	json_out_open(out, "files", '[');
	for (int i = 0; i < 2; i++)
		if (status->files[i])
			json_out_string(out, NULL, base_name(status->files[i]));
	json_out_close(out, ']');
	json_out_close(out, '}');
}

struct stopped {
	struct json_out out;
	const char *sas; /* where Azure would put the files */
};

static void on_stopped(void *context, const struct capture_status *status)
{
	struct stopped *stopped = context;
	struct json_out *out = &stopped->out;

	json_out_open(out, NULL, '{');
	json_out_string(out, "Status", "Successful");
	json_out_string(out, "State", "Stopped");
	if (stopped->sas && stopped->sas[0])
		json_out_string(out, "Message",
				"Nothing was uploaded: this appliance keeps the files; get them "
				"from /captures/{file}.");
	json_out_open(out, "Data", '[');
	print_status(out, status);
	json_out_close(out, ']');
	json_out_close(out, '}');
}

static void stop(struct router_call *call, const char *name, const char *gateway,
		 const char *connection)
{
	struct stopped stopped = { 0 };
	cJSON *body;
	int rc;

	if (!body_read(call, &body))
		return;
	stopped.sas = body ? cJSON_GetStringValue(cJSON_GetObjectItem(body, "sasUrl")) : NULL;
	json_out_init(&stopped.out);
	rc = captures_stop(rest_of(call)->config.captures, gateway, connection, on_stopped,
			   &stopped);
	rest_audit(call, name, rc < 0 ? "no capture" : "capture stopped");
	if (rc < 0)
		refuse(call, 409, "PacketCaptureOperationNotAllowed",
		       "No packet capture runs there.");
	else
		answer_string(call, &stopped.out);
	json_out_fini(&stopped.out);
	config_json_free(body);
}

static void gateway_stop(struct router_call *call)
{
	const struct config_resource *gateway = rest_find(call, CONFIG_GATEWAY, call->names[0]);

	if (gateway)
		stop(call, gateway->name, gateway->key, NULL);
}

static void connection_stop(struct router_call *call)
{
	const struct config_connection *c = (const struct config_connection *)rest_find(
		call, CONFIG_CONNECTION, call->names[0]);

	if (c)
		stop(call, c->resource.name, c->gateway.key, c->resource.key);
}

static void print_file(void *context, const struct capture_file *file)
{
	struct json_out *out = context;

	json_out_open(out, NULL, '{');
	json_out_string(out, "name", file->name);
	json_out_int(out, "bytes", (int64_t)file->bytes);
	json_out_int(out, "changedMs", (int64_t)file->changed_wall_ms);
	json_out_bool(out, "running", file->running);
	json_out_close(out, '}');
}

/* What runs, and the files: `files` has also those of captures that have ended. */
static void list(struct router_call *call)
{
	struct http_reply reply = { 0 };
	struct json_out out;
	int rc;

	json_out_init(&out);
	json_out_open(&out, NULL, '{');
	json_out_open(&out, "value", '[');
	captures_each(rest_of(call)->config.captures, print_status, &out);
	json_out_close(&out, ']');
	json_out_open(&out, "files", '[');
	rc = captures_files(rest_of(call)->config.captures, print_file, &out);
	if (rc < 0)
		log_error("rest", "the folder of captures cannot be read error=\"%s\"",
			  strerror(-rc));
	json_out_close(&out, ']');
	json_out_close(&out, '}');
	text_add_bytes(&reply.body, json_out_text(&out), out.n);
	json_out_fini(&out);
	rest_answer(call, &reply);
}

static int capture_read(const char *path, struct text *to)
{
	char bytes[65536];
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	ssize_t n = fd < 0 ? -1 : 1;
	int rc = fd < 0 ? -errno : 0;

	while (rc == 0 && n > 0) {
		n = read(fd, bytes, sizeof(bytes));
		if (n < 0)
			rc = -errno;
		else
			text_add_bytes(to, bytes, (size_t)n);
	}
	if (fd >= 0)
		close(fd);
	return rc == 0 && to->failed ? -ENOMEM : rc;
}

/* A file of the captures' folder, by its bare name. */
static void file_get(struct router_call *call)
{
	struct http_reply reply = { .content_type = "application/x-pcapng", .status = 200 };
	const char *name = call->names[0];
	char *path = NULL;
	int rc = captures_file_path(rest_of(call)->config.captures, name, &path);

	if (rc == 0)
		rc = capture_read(path, &reply.body);
	free(path);
	if (rc == 0) {
		rest_audit(call, name, "capture read");
		rest_answer(call, &reply);
		return;
	}
	http_reply_fini(&reply);
	rest_refuse(call,
		    &(struct error_answer){ rc == -ENOENT ? 404 : 500,
					    rc == -ENOENT ? "NotFound" : "InternalServerError",
					    NULL },
		    "The file '%s' cannot be read: %s.", name, strerror(-rc));
}

static void file_delete(struct router_call *call)
{
	struct http_reply reply = { .status = 204 };
	const char *name = call->names[0];
	int rc = captures_file_remove(rest_of(call)->config.captures, name);

	rest_audit(call, name, rc < 0 ? "capture not deleted" : "capture deleted");
	if (rc == -ENOENT)
		rest_refuse(call, &(struct error_answer){ 404, "NotFound", NULL },
			    "There is no file '%s'; GET /captures lists them.", name);
	else if (rc == -EBUSY)
		rest_refuse(call, &(struct error_answer){ 409, "OperationNotAllowed", NULL },
			    "A capture writes '%s'; stop it first.", name);
	else if (rc < 0)
		rest_refuse(call, &(struct error_answer){ 500, "InternalServerError", NULL },
			    "The file '%s' cannot be deleted: %s.", name, strerror(-rc));
	else
		rest_answer(call, &reply);
}

struct trace_stream {
	struct list list;
	struct server_exchange *exchange;
	struct capture_trace *trace;
	struct event_source *timer;
	bool gone;
};

static void trace_end(struct trace_stream *stream)
{
	list_del(&stream->list);
	if (stream->trace)
		capture_trace_stop(stream->trace);
	event_source_free(stream->timer);
	server_stream_end(stream->exchange);
	free(stream);
}

/* From inside the server: ended from the loop. */
static void on_trace_gone(void *context)
{
	struct trace_stream *stream = context;

	stream->gone = true;
	event_timer_set(stream->timer, 0);
}

static void on_trace_timer(void *context)
{
	trace_end(context);
}

static void on_trace_line(void *context, const char *json)
{
	struct trace_stream *stream = context;
	struct text text = { 0 };

	if (stream->gone)
		return;
	text_add(&text, "data: %s\n\n", json);
	if (!server_stream_send(stream->exchange, text_get(&text), text.n))
		on_trace_gone(stream);
	text_fini(&text);
}

static void trace_open(struct router_call *call, const struct capture_filter *filter,
		       uint32_t seconds)
{
	struct rest *rest = rest_of(call);
	struct trace_stream *stream = calloc(1, sizeof(*stream));
	int rc = stream ? event_timer_new(&stream->timer, rest->config.loop, on_trace_timer, stream)
			: -ENOMEM;

	if (rc == 0)
		rc = capture_trace_start(rest->config.captures, &stream->trace, filter,
					 on_trace_line, stream);
	if (rc < 0) {
		if (stream)
			event_source_free(stream->timer);
		free(stream);
		refuse_errno(call, rc,
			     rc == -EBUSY      ? "As many traces run as may."
			     : rc == -ENOTCONN ? "No data plane is attached."
					       : strerror(-rc));
		return;
	}
	rest_audit(call, "trace", "started");
	stream->exchange = call->exchange;
	list_add_tail(&rest->traces, &stream->list);
	event_timer_set(stream->timer, seconds * CLOCK_NS_PER_S);
	server_stream_start(stream->exchange, on_trace_gone, stream);
	server_stream_send(stream->exchange, ": trace\n\n", 9);
}

static void trace(struct router_call *call)
{
	static struct capture_filter filter;
	const cJSON *seconds;
	char why[512] = "";
	cJSON *body;
	double limit = TRACE_SECONDS;
	int rc;

	if (!body_read(call, &body))
		return;
	seconds = body ? cJSON_GetObjectItem(body, "seconds") : NULL;
	if (cJSON_IsNumber(seconds))
		limit = seconds->valuedouble;
	rc = filter_read(body ? cJSON_GetObjectItem(body, "filterData") : NULL, &filter, why,
			 sizeof(why));
	config_json_free(body);
	if (rc < 0)
		refuse(call, 400, "InvalidPacketCaptureFilter", why);
	else if (limit < 1 || limit > TRACE_SECONDS_MAX)
		refuse(call, 400, "InvalidParameter", "seconds is 1 to 3600.");
	else
		trace_open(call, &filter, (uint32_t)limit);
}

void rest_traces_end(struct rest *rest)
{
	struct list *at, *next;

	list_for_each_safe (at, next, &rest->traces)
		trace_end(list_entry(at, struct trace_stream, list));
}

static const struct router_row capture_rows[] = {
	{ HTTP_POST, "virtualNetworkGateways/*/startPacketCapture", CONFIG_TOKEN_OPERATE,
	  gateway_start },
	{ HTTP_POST, "virtualNetworkGateways/*/stopPacketCapture", CONFIG_TOKEN_OPERATE,
	  gateway_stop },
	{ HTTP_POST, "connections/*/startPacketCapture", CONFIG_TOKEN_OPERATE, connection_start },
	{ HTTP_POST, "connections/*/stopPacketCapture", CONFIG_TOKEN_OPERATE, connection_stop },
	{ HTTP_GET, "captures", CONFIG_TOKEN_READ, list },
	{ HTTP_GET, "captures/*", CONFIG_TOKEN_ADMIN, file_get },
	{ HTTP_DELETE, "captures/*", CONFIG_TOKEN_ADMIN, file_delete },
	{ HTTP_POST, "trace", CONFIG_TOKEN_OPERATE, trace },
};

const struct rest_rows rest_capture_rows = { capture_rows,
					     sizeof(capture_rows) / sizeof(capture_rows[0]) };
