#pragma once
/*
 * DOC: HTTP client connection
 *
 * One connection of a client over a libevent bufferevent, plain or TLS: it collects a request
 * within the limits of size and time, hands it to the handler, writes the answer, and goes on with
 * the next request or closes. Everything that is refused here is answered in Azure's error shape,
 * too; then what still comes is read and thrown away for a moment, so that the client sees the
 * answer rather than a reset.
 *
 * There is one request at a time: what a client sends ahead waits. libevent's own HTTP server is
 * not used: release 2.1 answers what it refuses itself in HTML, knows no deadline for a whole head
 * or body (a byte now and then keeps it waiting for ever), and does not tell when a connection
 * ends.
 *
 * Owner: server.c. Thread: the event loop's.
 */
#include "base/list.h"
#include "control/rest/parse.h"
#include "control/rest/server.h"

struct bufferevent;
struct event;
struct evbuffer;

enum client_state {
	CLIENT_HEAD, /* also: waits for a request */
	CLIENT_BODY,
	CLIENT_ANSWER, /* the handler has it */
	CLIENT_STREAM,
	CLIENT_LINGER, /* the answer goes out, nothing more is read */
	CLIENT_CLOSED, /* freed when nobody is inside */
};

struct client {
	struct list link; /* in client_owner.clients */
	struct client_owner *owner;
	struct bufferevent *stream;
	struct event *deadline;
	struct net_addr source; /* IPv6: its /64 */
	char peer[64];
	bool tls;
	enum client_state state;
	unsigned int inside;
	bool begun; /* something of the next request is here */
	bool shut;  /* our half is closed */
	struct parse_head head;
	struct parse_chunks chunks;
	struct evbuffer *body;
	struct server_exchange *exchange;
};

/* What all clients of a server share. */
struct client_owner {
	struct list clients;
	const struct config_api_limits *limits;
	server_handler handler;
	void *context;
	void (*ended)(struct client *client); /* it is freed after this */
};

struct client_new {
	struct bufferevent *stream; /* taken over in any case */
	struct net_addr source;
	const char *peer; /* "address:port" */
	bool tls;
};
/* False: no memory. */
__attribute__((warn_unused_result)) bool client_start(struct client_owner *owner,
						      const struct client_new *from);
void client_end_all(struct client_owner *owner);
