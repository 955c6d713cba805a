#include "control/rest/server.h"

#include "base/log.h"
#include "control/rest/parse.h"
#include "control/rest/tls.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/bufferevent_ssl.h>
#include <event2/http.h>
#include <event2/listener.h>
#include <openssl/ssl.h>

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TOPIC "rest"
#define LISTENERS_MAX 8
#define STREAM_BACKLOG_MAX (1024 * 1024)

struct server_listener {
	struct server *server;
	struct evhttp *http;
	struct evconnlistener *listener;
	bool tls;
};

struct server {
	struct event_loop *loop;
	struct server_config config;
	struct ssl_ctx_st *tls;
	struct server_listener listeners[LISTENERS_MAX];
	uint32_t listener_count;
	uint32_t connections; /* TLS ones that live */
	int connection_index; /* of OpenSSL's per-connection data */
	bool full;
};

struct server_exchange {
	struct evhttp_request *request; /* NULL: the client has gone */
	struct parse_storage storage;
	struct http_request parsed;
	void (*gone)(void *context);
	void *gone_context;
	bool streaming;
};

/* A connection ends where its TLS state does. */
static void connection_freed(void *parent, void *pointer, CRYPTO_EX_DATA *data, int index,
			     long argument, void *more)
{
	struct server *server = pointer;

	if (!server)
		return;
	server->connections--;
	if (!server->full)
		return;
	server->full = false;
	for (uint32_t i = 0; i < server->listener_count; i++)
		evconnlistener_enable(server->listeners[i].listener);
}

/* At the limit nothing more is accepted until a connection ends: the rest wait in the backlog. */
static void connection_count(struct server *server, SSL *ssl)
{
	SSL_set_ex_data(ssl, server->connection_index, server);
	if (++server->connections < (uint32_t)server->config.api->limits.connections)
		return;
	server->full = true;
	log_warn(TOPIC, "as many connections as allowed connections=%u", server->connections);
	for (uint32_t i = 0; i < server->listener_count; i++)
		evconnlistener_disable(server->listeners[i].listener);
}

static struct bufferevent *tls_connection(struct event_base *base, void *context)
{
	struct server_listener *listener = context;
	SSL *ssl = SSL_new(listener->server->tls);

	if (!ssl)
		return NULL;
	connection_count(listener->server, ssl);
	return bufferevent_openssl_socket_new(base, -1, ssl, BUFFEREVENT_SSL_ACCEPTING,
					      BEV_OPT_CLOSE_ON_FREE);
}

static void request_gone(struct evhttp_connection *connection, void *context)
{
	struct server_exchange *exchange = context;

	exchange->request = NULL;
	if (exchange->gone)
		exchange->gone(exchange->gone_context);
}

static void exchange_free(struct server_exchange *exchange)
{
	parse_storage_fini(&exchange->storage);
	free(exchange);
}

static void refuse(struct evhttp_request *request, int status, const char *code,
		   const char *message)
{
	struct evbuffer *body = evbuffer_new();

	evhttp_add_header(evhttp_request_get_output_headers(request), "Content-Type",
			  "application/json");
	if (body)
		evbuffer_add_printf(body, "{\"error\":{\"code\":\"%s\",\"message\":\"%s\"}}", code,
				    message);
	evhttp_send_reply(request, status, NULL, body);
	if (body)
		evbuffer_free(body);
}

static void on_request(struct evhttp_request *request, void *context)
{
	struct server_listener *listener = context;
	struct server *server = listener->server;
	struct server_exchange *exchange = calloc(1, sizeof(*exchange));
	const char *wrong;

	if (!exchange) {
		refuse(request, 503, "ServiceUnavailable", "The gateway is out of memory.");
		return;
	}
	wrong = parse_request(&exchange->parsed, &exchange->storage, request);
	if (wrong) {
		refuse(request, 400, "InvalidRequestFormat", wrong);
		exchange_free(exchange);
		return;
	}
	exchange->request = request;
	exchange->parsed.tls = listener->tls;
	evhttp_connection_set_closecb(evhttp_request_get_connection(request), request_gone,
				      exchange);
	server->config.handler(server->config.context, exchange, &exchange->parsed);
}

static bool is_loopback(const struct net_addr *addr)
{
	return net_addr_is_loopback(addr);
}

static socklen_t socket_address(struct sockaddr_storage *to, const struct config_listener *from)
{
	struct sockaddr_in *in4 = (struct sockaddr_in *)to;
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)to;

	memset(to, 0, sizeof(*to));
	if (from->addr.family == NET_IP6) {
		in6->sin6_family = AF_INET6;
		in6->sin6_port = htons((uint16_t)from->port);
		memcpy(&in6->sin6_addr, from->addr.bytes, 16);
		return sizeof(*in6);
	}
	in4->sin_family = AF_INET;
	in4->sin_port = htons((uint16_t)from->port);
	memcpy(&in4->sin_addr, from->addr.bytes, 4);
	return sizeof(*in4);
}

static void limits_set(struct evhttp *http, const struct config_api_limits *limits)
{
	/* All that libevent knows: what is not ours is refused in our own words. */
	evhttp_set_allowed_methods(http, EVHTTP_REQ_GET | EVHTTP_REQ_PUT | EVHTTP_REQ_POST |
						 EVHTTP_REQ_PATCH | EVHTTP_REQ_DELETE |
						 EVHTTP_REQ_HEAD | EVHTTP_REQ_OPTIONS |
						 EVHTTP_REQ_TRACE | EVHTTP_REQ_CONNECT);
	evhttp_set_max_body_size(http, (ssize_t)limits->body_bytes);
	evhttp_set_max_headers_size(http, (ssize_t)limits->header_bytes);
	evhttp_set_timeout(http, (int)limits->timeout_s);
}

static int listen_on(struct server *server, const struct config_listener *from, char *why,
		     size_t why_size)
{
	struct server_listener *l = &server->listeners[server->listener_count];
	struct event_base *base = event_loop_base(server->loop);
	struct sockaddr_storage address;
	socklen_t n = socket_address(&address, from);
	char text[NET_ADDR_TEXT];
	int on = 1;

	net_addr_text(text, &from->addr);
	if (!from->tls && !is_loopback(&from->addr)) {
		snprintf(why, why_size,
			 "api.listeners: %s without tls: only a loopback address may do without",
			 text);
		return -EINVAL;
	}
	l->server = server;
	l->tls = from->tls;
	l->http = evhttp_new(base);
	if (!l->http)
		return -ENOMEM;
	server->listener_count++;
	l->listener = evconnlistener_new_bind(
		base, NULL, NULL, LEV_OPT_REUSEABLE | LEV_OPT_CLOSE_ON_EXEC | LEV_OPT_CLOSE_ON_FREE,
		128, (struct sockaddr *)&address, (int)n);
	if (!l->listener || !evhttp_bind_listener(l->http, l->listener)) {
		snprintf(why, why_size, "api.listeners: cannot listen on %s port %lld: %s", text,
			 (long long)from->port, strerror(errno));
		return -EADDRINUSE;
	}
	/* Connections inherit it: an answer in two records must not wait for the client's ACK. */
	if (setsockopt(evconnlistener_get_fd(l->listener), IPPROTO_TCP, TCP_NODELAY, &on,
		       sizeof(on)))
		log_warn(TOPIC, "cannot switch Nagle's algorithm off: %s", strerror(errno));
	if (l->tls)
		evhttp_set_bevcb(l->http, tls_connection, l);
	limits_set(l->http, &server->config.api->limits);
	evhttp_set_gencb(l->http, on_request, l);
	log_info(TOPIC, "listening address=%s port=%lld tls=%s", text, (long long)from->port,
		 l->tls ? "yes" : "no");
	return 0;
}

/* Where it listens when the configuration does not say. */
static const struct config_listener loopback = {
	.addr = { .family = NET_IP4, .bytes = { 127, 0, 0, 1 } }, .port = 8443, .tls = true
};

int server_new(struct server **server, struct event_loop *loop, const struct server_config *config,
	       char *why, size_t why_size)
{
	struct server *s = calloc(1, sizeof(*s));
	int rc;

	if (!s)
		return -ENOMEM;
	s->loop = loop;
	s->config = *config;
	s->connection_index = SSL_get_ex_new_index(0, NULL, NULL, NULL, connection_freed);
	rc = tls_context_new(&s->tls, config->api, config->state_directory, why, why_size);
	if (rc == 0 && !config->api->listeners.count)
		rc = listen_on(s, &loopback, why, why_size);
	for (uint32_t i = 0; rc == 0 && i < config->api->listeners.count; i++) {
		if (i == LISTENERS_MAX) {
			snprintf(why, why_size, "api.listeners: more than %u", LISTENERS_MAX);
			rc = -E2BIG;
			break;
		}
		rc = listen_on(s, &config->api->listeners.items[i], why, why_size);
	}
	if (rc < 0) {
		server_free(s);
		return rc;
	}
	*server = s;
	return 0;
}

void server_configure(struct server *server, const struct config_api *api)
{
	struct ssl_ctx_st *fresh = NULL;
	char why[512] = "";

	server->config.api = api;
	for (uint32_t i = 0; i < server->listener_count; i++)
		limits_set(server->listeners[i].http, &api->limits);
	if (tls_context_new(&fresh, api, server->config.state_directory, why, sizeof(why)) < 0) {
		log_error(TOPIC, "certificates stay as they were: %s", why);
		return;
	}
	tls_context_free(server->tls); /* connections that live have their own reference */
	server->tls = fresh;
}

void server_free(struct server *server)
{
	if (!server)
		return;
	server->full = false;
	for (uint32_t i = 0; i < server->listener_count; i++)
		evhttp_free(server->listeners[i].http);
	tls_context_free(server->tls);
	free(server);
}

static void reply_send(struct evhttp_request *request, struct http_reply *reply)
{
	struct evkeyvalq *headers = evhttp_request_get_output_headers(request);
	struct evbuffer *body = evbuffer_new();

	evhttp_add_header(headers, "Content-Type",
			  reply->content_type ? reply->content_type : "application/json");
	if (reply->secret)
		evhttp_add_header(headers, "Cache-Control", "no-store");
	for (uint32_t i = 0; i < reply->header_count; i++)
		evhttp_add_header(headers, reply->headers[i].name, reply->headers[i].value);
	if (body && reply->body.n)
		evbuffer_add(body, reply->body.p, reply->body.n);
	evhttp_send_reply(request, reply->status, NULL, body);
	if (body)
		evbuffer_free(body);
}

void server_reply(struct server_exchange *exchange, struct http_reply *reply)
{
	if (exchange->request) {
		evhttp_connection_set_closecb(evhttp_request_get_connection(exchange->request),
					      NULL, NULL);
		reply_send(exchange->request, reply);
	}
	http_reply_fini(reply);
	exchange_free(exchange);
}

void server_stream_start(struct server_exchange *exchange, void (*gone)(void *context),
			 void *context)
{
	struct evkeyvalq *headers;

	exchange->gone = gone;
	exchange->gone_context = context;
	exchange->streaming = true;
	if (!exchange->request)
		return;
	headers = evhttp_request_get_output_headers(exchange->request);
	evhttp_add_header(headers, "Content-Type", "text/event-stream");
	evhttp_add_header(headers, "Cache-Control", "no-store");
	evhttp_connection_set_timeout(evhttp_request_get_connection(exchange->request), 0);
	evhttp_send_reply_start(exchange->request, 200, NULL);
}

bool server_stream_send(struct server_exchange *exchange, const char *text, size_t n)
{
	struct bufferevent *connection;
	struct evbuffer *chunk;

	if (!exchange->request)
		return false;
	connection =
		evhttp_connection_get_bufferevent(evhttp_request_get_connection(exchange->request));
	if (evbuffer_get_length(bufferevent_get_output(connection)) > STREAM_BACKLOG_MAX)
		return false;
	chunk = evbuffer_new();
	if (!chunk)
		return false;
	evbuffer_add(chunk, text, n);
	evhttp_send_reply_chunk(exchange->request, chunk);
	evbuffer_free(chunk);
	return true;
}

void server_stream_end(struct server_exchange *exchange)
{
	if (exchange->request) {
		evhttp_connection_set_closecb(evhttp_request_get_connection(exchange->request),
					      NULL, NULL);
		evhttp_send_reply_end(exchange->request);
	}
	exchange_free(exchange);
}
