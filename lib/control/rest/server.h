#pragma once
/*
 * DOC: HTTP server
 *
 * Listeners, TLS by OpenSSL, and how many connections there may be, in all and of one source; a
 * connection itself is client.h. It knows no resource. An answer may come later: the handler keeps
 * the exchange and ends it with server_reply(); when the client has gone the exchange is still
 * valid and the reply goes nowhere.
 *
 * Loopback is the default. A listener without TLS is refused on any other address.
 */
#include "control/event/loop.h"
#include "control/rest/http.h"

struct server;
struct server_exchange;

/* `request` lives until the exchange is ended. */
typedef void (*server_handler)(void *context, struct server_exchange *exchange,
			       const struct http_request *request);

struct server_config {
	const struct config_api *api;
	const char *state_directory; /* for a self-signed certificate where none is given */
	server_handler handler;
	void *context;
};

/* -errno with a sentence. */
__attribute__((warn_unused_result)) int server_new(struct server **server, struct event_loop *loop,
						   const struct server_config *config, char *why,
						   size_t why_size);
void server_free(struct server *server);
/*
 * Other limits, and certificates read anew for connections to come; what cannot be read is logged
 * and leaves those of before. Listeners stay as they are until the next start.
 */
void server_configure(struct server *server, const struct config_api *api);

/* Ends the exchange. Takes the reply's contents. */
void server_reply(struct server_exchange *exchange, struct http_reply *reply);

/* Server-sent events: the head, then lines as they come; `gone` when the client has left. */
void server_stream_start(struct server_exchange *exchange, void (*gone)(void *context),
			 void *context);
/* False: the client is too slow, and is cut off. */
bool server_stream_send(struct server_exchange *exchange, const char *text, size_t n);
void server_stream_end(struct server_exchange *exchange);
