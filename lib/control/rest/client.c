#include "control/rest/client.h"

#include "base/clock.h"
#include "base/secret.h"
#include "control/rest/error.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/bufferevent_ssl.h>
#include <event2/event.h>
#include <openssl/ssl.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#define READ_AHEAD 65536 /* more than that waits in the socket */
#define COPIED_MAX 8192
#define LINGER_S 2
#define STREAM_BACKLOG_MAX (1024 * 1024)

struct server_exchange {
	struct client *client; /* NULL: the client has gone */
	struct http_request request;
	char *head;
	size_t head_n;
	uint8_t *body;
	size_t body_n;
	void (*gone)(void *context);
	void *gone_context;
};

static void deadline_set(struct client *client, int64_t seconds)
{
	const struct timeval time = { .tv_sec = seconds };

	event_add(client->deadline, &time);
}

static void exchange_free(struct server_exchange *exchange)
{
	if (exchange->head)
		secret_wipe(exchange->head, exchange->head_n); /* a token is in it */
	free(exchange->head);
	if (exchange->body)
		secret_wipe(exchange->body, exchange->body_n);
	free(exchange->body);
	free(exchange);
}

static void client_free(struct client *client)
{
	client->owner->ended(client);
	list_del(&client->link);
	event_free(client->deadline);
	bufferevent_free(client->stream);
	evbuffer_free(client->body);
	free(client);
}

/* Callbacks may end the connection while it is worked on: it is freed when the last one leaves. */
static void client_leave(struct client *client)
{
	if (!--client->inside && client->state == CLIENT_CLOSED)
		client_free(client);
}

static void client_close(struct client *client)
{
	struct server_exchange *exchange = client->exchange;

	if (client->state == CLIENT_CLOSED)
		return;
	client->inside++;
	client->state = CLIENT_CLOSED;
	client->exchange = NULL;
	event_del(client->deadline);
	bufferevent_disable(client->stream, EV_READ | EV_WRITE);
	if (exchange) {
		exchange->client = NULL;
		if (exchange->gone)
			exchange->gone(exchange->gone_context);
	}
	client_leave(client);
}

/* Ours is said; what is still on its way is waited for a moment. */
static void client_shut(struct client *client)
{
	SSL *ssl = client->tls ? bufferevent_openssl_get_ssl(client->stream) : NULL;

	client->shut = true;
	if (ssl)
		SSL_shutdown(ssl);
	shutdown(bufferevent_getfd(client->stream), SHUT_WR);
	deadline_set(client, LINGER_S);
}

static size_t unsent(const struct client *client)
{
	return evbuffer_get_length(bufferevent_get_output(client->stream));
}

static void client_linger(struct client *client)
{
	client->state = CLIENT_LINGER;
	deadline_set(client, client->owner->limits->timeout_s);
	if (!unsent(client))
		client_shut(client);
}

/* RFC 9110 section 6.6.1; once a second is enough. */
static const char *date_text(void)
{
	static char text[40];
	static time_t of;
	time_t now = (time_t)(clock_wall_ms() / 1000);
	struct tm tm;

	if (now != of && gmtime_r(&now, &tm) &&
	    strftime(text, sizeof(text), "%a, %d %b %Y %H:%M:%S GMT", &tm))
		of = now;
	return text;
}

static const char *status_text(int status)
{
	static const struct {
		int status;
		const char *text;
	} rows[] = {
		{ 200, "OK" },
		{ 201, "Created" },
		{ 202, "Accepted" },
		{ 204, "No Content" },
		{ 304, "Not Modified" },
		{ 400, "Bad Request" },
		{ 401, "Unauthorized" },
		{ 403, "Forbidden" },
		{ 404, "Not Found" },
		{ 405, "Method Not Allowed" },
		{ 408, "Request Timeout" },
		{ 409, "Conflict" },
		{ 412, "Precondition Failed" },
		{ 413, "Content Too Large" },
		{ 417, "Expectation Failed" },
		{ 429, "Too Many Requests" },
		{ 431, "Request Header Fields Too Large" },
		{ 500, "Internal Server Error" },
		{ 501, "Not Implemented" },
		{ 503, "Service Unavailable" },
		{ 505, "HTTP Version Not Supported" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (rows[i].status == status)
			return rows[i].text;
	return "-";
}

/* Status line and headers up to those of the body. */
static void head_write(struct evbuffer *out, const struct http_reply *reply, bool keep_alive)
{
	evbuffer_add_printf(out, "HTTP/1.1 %d %s\r\nDate: %s\r\n", reply->status,
			    status_text(reply->status), date_text());
	if (reply->secret)
		evbuffer_add_printf(out, "Cache-Control: no-store\r\n");
	for (uint32_t i = 0; i < reply->header_count; i++)
		evbuffer_add_printf(out, "%s: %s\r\n", reply->headers[i].name,
				    reply->headers[i].value);
	if (!keep_alive)
		evbuffer_add_printf(out, "Connection: close\r\n");
	if (reply->status != 204 && reply->status != 304)
		evbuffer_add_printf(out, "Content-Type: %s\r\n",
				    reply->content_type ? reply->content_type : "application/json");
}

static void body_sent(const void *bytes, size_t n, void *context)
{
	secret_wipe((void *)bytes, n);
	free((void *)bytes);
}

/* Takes the reply's contents. */
static void answer_write(struct client *client, struct http_reply *reply)
{
	struct evbuffer *out = bufferevent_get_output(client->stream);
	bool bodyless = reply->status == 204 || reply->status == 304;

	head_write(out, reply, client->head.keep_alive);
	if (!bodyless)
		evbuffer_add_printf(out, "Content-Length: %zu\r\n", reply->body.n);
	evbuffer_add(out, "\r\n", 2);
	if (bodyless || client->head.head_only)
		text_clear(&reply->body);
	/* Behind the head a small one goes out in one piece; a secret is not copied. */
	if (reply->body.n && reply->body.n <= COPIED_MAX && !reply->secret)
		evbuffer_add(out, reply->body.p, reply->body.n);
	else if (reply->body.n &&
		 evbuffer_add_reference(out, reply->body.p, reply->body.n, body_sent, NULL) == 0)
		reply->body = (struct text){ 0 };
	http_reply_fini(reply);
}

/* The answer is written: the next request, or the end. */
static void answered(struct client *client)
{
	if (client->state == CLIENT_CLOSED)
		return;
	client->exchange = NULL;
	client->begun = false;
	if (client->head.keep_alive) {
		client->state = CLIENT_HEAD;
		deadline_set(client, client->owner->limits->timeout_s);
	} else {
		client_linger(client);
	}
}

static void client_refuse(struct client *client, const struct parse_fault *fault)
{
	struct http_reply reply = { 0 };

	error_set(&reply, &(struct error_answer){ fault->status, fault->code, NULL }, "%s",
		  fault->message);
	if (fault->status == 405)
		http_reply_header(&reply, "Allow", "GET, HEAD, PUT, POST, PATCH, DELETE");
	client->head.keep_alive = false;
	answer_write(client, &reply);
	if (client->exchange)
		exchange_free(client->exchange);
	answered(client);
}

/* Bytes may be a key or a token: nothing of them stays in libevent's buffers. */
static void take(struct evbuffer *from, void *to, size_t n)
{
	struct evbuffer_iovec part;
	uint8_t *at = to;

	while (n && evbuffer_peek(from, (ssize_t)n, NULL, &part, 1) > 0 && part.iov_len) {
		size_t some = part.iov_len < n ? part.iov_len : n;

		at = mempcpy(at, part.iov_base, some);
		secret_wipe(part.iov_base, some);
		evbuffer_drain(from, some);
		n -= some;
	}
}

static const struct parse_fault no_memory = { 503, "ServiceUnavailable",
					      "The gateway is out of memory." };
static const struct parse_fault head_large = { 431, "RequestHeaderFieldsTooLarge",
					       "The head of the request is longer than allowed." };
static const struct parse_fault body_large = {
	413, "RequestEntityTooLarge", "The body is longer than appliance.api.limits.bodyBytes."
};
static const struct parse_fault bad_chunks = { 400, "InvalidRequestFormat",
					       "The chunks of the body are malformed." };
static const struct parse_fault too_slow = { 408, "RequestTimeout",
					     "The request did not come in time." };

/* RFC 9112 section 2.2: empty lines before a request are skipped. */
static void skip_empty_lines(struct evbuffer *in)
{
	char bytes[2];

	while (evbuffer_copyout(in, bytes, 2) == 2 && bytes[0] == '\r' && bytes[1] == '\n')
		evbuffer_drain(in, 2);
}

static void body_begin(struct client *client)
{
	const struct config_api_limits *limits = client->owner->limits;

	client->chunks = (struct parse_chunks){ 0 };
	if (client->head.body_n > (size_t)limits->body_bytes) {
		client_refuse(client, &body_large);
		return;
	}
	client->state = CLIENT_BODY;
	deadline_set(client, limits->body_s);
	if (client->head.wants_continue && (client->head.body_n || client->head.chunked))
		bufferevent_write(client->stream, "HTTP/1.1 100 Continue\r\n\r\n", 25);
}

/* False: more must come first. */
static bool head_take(struct client *client, struct evbuffer *in)
{
	const struct config_api_limits *limits = client->owner->limits;
	const struct parse_fault *fault;
	struct server_exchange *exchange;
	struct evbuffer_ptr end;
	char blank[2];

	skip_empty_lines(in);
	if (!client->begun && evbuffer_get_length(in)) {
		client->begun = true;
		deadline_set(client, limits->header_s);
	}
	client->head = (struct parse_head){ 0 };
	end = evbuffer_search(in, "\r\n\r\n", 4, NULL);
	if (end.pos > limits->header_bytes ||
	    (end.pos < 0 && evbuffer_get_length(in) > (size_t)limits->header_bytes)) {
		client_refuse(client, &head_large);
		return true;
	}
	if (end.pos < 0)
		return false;
	exchange = client->exchange = calloc(1, sizeof(*exchange));
	if (exchange)
		exchange->head = calloc(1, (size_t)end.pos + 3);
	if (!exchange || !exchange->head) {
		client_refuse(client, &no_memory);
		return true;
	}
	exchange->client = client;
	exchange->head_n = (size_t)end.pos + 2;
	take(in, exchange->head, exchange->head_n);
	take(in, blank, 2);
	fault = parse_head(&exchange->request, &client->head, exchange->head, exchange->head_n);
	if (fault)
		client_refuse(client, fault);
	else
		body_begin(client);
	return true;
}

/* Whole: to the handler, who may answer at once. */
static void request_whole(struct client *client)
{
	struct server_exchange *exchange = client->exchange;
	size_t n = evbuffer_get_length(client->body);

	exchange->body = n ? malloc(n) : NULL;
	exchange->body_n = n;
	if (n && !exchange->body) {
		client_refuse(client, &no_memory);
		return;
	}
	take(client->body, exchange->body, n);
	exchange->request.body = (struct span){ exchange->body, n };
	exchange->request.tls = client->tls;
	snprintf(exchange->request.peer, sizeof(exchange->request.peer), "%s", client->peer);
	client->state = CLIENT_ANSWER;
	event_del(client->deadline);
	client->owner->handler(client->owner->context, exchange, &exchange->request);
}

static bool body_add(struct client *client, const uint8_t *bytes, size_t n)
{
	return evbuffer_add(client->body, bytes, n) == 0;
}

/* False: more must come first. */
static bool chunks_take(struct client *client, struct evbuffer *in)
{
	size_t most = (size_t)client->owner->limits->body_bytes;

	while (client->chunks.state != CHUNK_DONE) {
		struct evbuffer_iovec part;
		struct span data;
		ssize_t n;

		if (evbuffer_peek(in, -1, NULL, &part, 1) < 1 || !part.iov_len)
			return false;
		n = parse_chunk(&client->chunks, part.iov_base, part.iov_len, &data);
		if (n < 0 || !body_add(client, data.p, data.n)) {
			client_refuse(client, n < 0 ? &bad_chunks : &no_memory);
			return true;
		}
		secret_wipe(part.iov_base, (size_t)n);
		evbuffer_drain(in, (size_t)n);
		if (evbuffer_get_length(client->body) > most) {
			client_refuse(client, &body_large);
			return true;
		}
	}
	request_whole(client);
	return true;
}

static bool body_take(struct client *client, struct evbuffer *in)
{
	size_t missing = client->head.body_n - evbuffer_get_length(client->body);
	size_t here = evbuffer_get_length(in);

	if (client->head.chunked)
		return chunks_take(client, in);
	if (missing && !here)
		return false;
	if (missing && evbuffer_remove_buffer(in, client->body, missing) < 0) {
		client_refuse(client, &no_memory);
		return true;
	}
	if (evbuffer_get_length(client->body) < client->head.body_n)
		return false;
	request_whole(client);
	return true;
}

/* All requests that are here whole. */
static void client_run(struct client *client)
{
	struct evbuffer *in = bufferevent_get_input(client->stream);
	bool more = true;

	while (more) {
		if (client->state == CLIENT_HEAD)
			more = head_take(client, in);
		else if (client->state == CLIENT_BODY)
			more = body_take(client, in);
		else
			more = false;
	}
	if (client->state == CLIENT_STREAM || client->state == CLIENT_LINGER)
		evbuffer_drain(in, evbuffer_get_length(in));
}

static void on_read(struct bufferevent *stream, void *context)
{
	struct client *client = context;

	client->inside++;
	client_run(client);
	client_leave(client);
}

static void on_written(struct bufferevent *stream, void *context)
{
	struct client *client = context;

	if (client->state == CLIENT_LINGER && !client->shut && !unsent(client))
		client_shut(client);
}

/* The end, an error, or nothing taken of an answer for too long. */
static void on_event(struct bufferevent *stream, short what, void *context)
{
	if (!(what & BEV_EVENT_CONNECTED))
		client_close(context);
}

static void on_deadline(evutil_socket_t fd, short what, void *context)
{
	struct client *client = context;
	bool answerable =
		client->state == CLIENT_BODY || (client->state == CLIENT_HEAD && client->begun);

	if (!answerable) {
		client_close(client);
		return;
	}
	client->inside++;
	client_refuse(client, &too_slow);
	client_leave(client);
}

bool client_start(struct client_owner *owner, const struct client_new *from)
{
	struct client *client = calloc(1, sizeof(*client));
	const struct timeval stalled = { .tv_sec = owner->limits->timeout_s };

	if (client)
		client->body = evbuffer_new();
	if (client && client->body)
		client->deadline =
			evtimer_new(bufferevent_get_base(from->stream), on_deadline, client);
	if (!client || !client->deadline) {
		if (client && client->body)
			evbuffer_free(client->body);
		free(client);
		bufferevent_free(from->stream);
		return false;
	}
	client->owner = owner;
	client->stream = from->stream;
	client->source = from->source;
	client->tls = from->tls;
	snprintf(client->peer, sizeof(client->peer), "%s", from->peer);
	list_add_tail(&owner->clients, &client->link);
	bufferevent_setcb(client->stream, on_read, on_written, on_event, client);
	bufferevent_setwatermark(client->stream, EV_READ, 0,
				 (size_t)owner->limits->header_bytes + READ_AHEAD);
	bufferevent_set_timeouts(client->stream, NULL, &stalled);
	bufferevent_enable(client->stream, EV_READ | EV_WRITE);
	deadline_set(client, owner->limits->header_s);
	return true;
}

void client_end_all(struct client_owner *owner)
{
	struct list *at, *next;

	list_for_each_safe (at, next, &owner->clients)
		client_close(list_entry(at, struct client, link));
}

void server_reply(struct server_exchange *exchange, struct http_reply *reply)
{
	struct client *client = exchange->client;

	if (!client) {
		http_reply_fini(reply);
		exchange_free(exchange);
		return;
	}
	client->inside++;
	answer_write(client, reply);
	exchange_free(exchange);
	answered(client);
	if (client->inside == 1) /* else who called the handler goes on */
		client_run(client);
	client_leave(client);
}

void server_stream_start(struct server_exchange *exchange, void (*gone)(void *context),
			 void *context)
{
	struct http_reply reply = { .status = 200,
				    .content_type = "text/event-stream",
				    .secret = true };
	struct client *client = exchange->client;
	struct evbuffer *out;

	exchange->gone = gone;
	exchange->gone_context = context;
	if (!client)
		return;
	client->inside++;
	client->state = CLIENT_STREAM;
	client->head.keep_alive = false;
	out = bufferevent_get_output(client->stream);
	head_write(out, &reply, false);
	evbuffer_add_printf(out, "Transfer-Encoding: chunked\r\n\r\n");
	client_leave(client);
}

bool server_stream_send(struct server_exchange *exchange, const char *text, size_t n)
{
	struct client *client = exchange->client;
	struct evbuffer *out;

	if (!client || unsent(client) > STREAM_BACKLOG_MAX)
		return false;
	client->inside++;
	out = bufferevent_get_output(client->stream);
	evbuffer_add_printf(out, "%zx\r\n", n);
	evbuffer_add(out, text, n);
	evbuffer_add(out, "\r\n", 2);
	client_leave(client);
	return true;
}

void server_stream_end(struct server_exchange *exchange)
{
	struct client *client = exchange->client;

	if (client) {
		client->inside++;
		evbuffer_add(bufferevent_get_output(client->stream), "0\r\n\r\n", 5);
		answered(client);
		client_leave(client);
	}
	exchange_free(exchange);
}
