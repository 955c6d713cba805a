#include "control/rest/server.h"

#include "base/log.h"
#include "base/map.h"
#include "control/rest/client.h"
#include "control/rest/tls.h"

#include <event2/bufferevent.h>
#include <event2/bufferevent_ssl.h>
#include <event2/event.h>
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

struct server_listener {
	struct server *server;
	struct evconnlistener *listener;
	bool tls;
};

struct server {
	struct event_loop *loop;
	struct server_config config;
	struct ssl_ctx_st *tls;
	struct server_listener listeners[LISTENERS_MAX];
	uint32_t listener_count;
	struct client_owner owner;
	uint32_t connections;
	struct map sources; /* address -> number of connections */
	bool full;
};

static void listeners_switch(struct server *server, bool on)
{
	for (uint32_t i = 0; i < server->listener_count; i++)
		if (on)
			evconnlistener_enable(server->listeners[i].listener);
		else
			evconnlistener_disable(server->listeners[i].listener);
}

static uintptr_t source_count(const struct server *server, const struct net_addr *source)
{
	return (uintptr_t)map_get(&server->sources, source, sizeof(*source));
}

static bool source_set(struct server *server, const struct net_addr *source, uintptr_t count)
{
	if (count)
		return map_set(&server->sources, source, sizeof(*source), (void *)count, NULL) == 0;
	map_del(&server->sources, source, sizeof(*source));
	return true;
}

static void on_ended(struct client *client)
{
	struct server *server = list_entry(client->owner, struct server, owner);

	server->connections--;
	if (!source_set(server, &client->source, source_count(server, &client->source) - 1))
		log_error(TOPIC, "out of memory");
	if (!server->full)
		return;
	server->full = false;
	listeners_switch(server, true);
}

/* At the limit nothing more is accepted until a connection ends: the rest wait in the backlog. */
static void connection_count(struct server *server)
{
	if (++server->connections < (uint32_t)server->config.api->limits.connections)
		return;
	server->full = true;
	log_warn(TOPIC, "as many connections as allowed connections=%u", server->connections);
	listeners_switch(server, false);
}

/* Address and port for people, and what counts as one source: an IPv6 host has its /64. */
static struct net_addr peer_of(const struct sockaddr *from, char peer[64])
{
	const struct sockaddr_in *in4 = (const struct sockaddr_in *)from;
	const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)from;
	char text[NET_ADDR_TEXT];
	struct net_addr addr;

	if (from->sa_family == AF_INET6) {
		addr = net_addr_of(NET_IP6, &in6->sin6_addr);
		snprintf(peer, 64, "%s:%u", net_addr_text(text, &addr), ntohs(in6->sin6_port));
		return net_prefix_of(&addr, 64).addr;
	}
	addr = net_addr_of(NET_IP4, &in4->sin_addr);
	snprintf(peer, 64, "%s:%u", net_addr_text(text, &addr), ntohs(in4->sin_port));
	return addr;
}

static struct bufferevent *stream_new(const struct server_listener *l, evutil_socket_t fd)
{
	struct event_base *base = event_loop_base(l->server->loop);
	struct bufferevent *stream = NULL;
	SSL *ssl;

	if (!l->tls) {
		stream = bufferevent_socket_new(base, fd, BEV_OPT_CLOSE_ON_FREE);
	} else {
		ssl = SSL_new(l->server->tls);
		if (ssl)
			stream = bufferevent_openssl_socket_new(
				base, fd, ssl, BUFFEREVENT_SSL_ACCEPTING, BEV_OPT_CLOSE_ON_FREE);
	}
	if (!stream)
		evutil_closesocket(fd);
	return stream;
}

static void on_accept(struct evconnlistener *listener, evutil_socket_t fd, struct sockaddr *from,
		      int length, void *context)
{
	struct server_listener *l = context;
	struct server *server = l->server;
	const struct config_api_limits *limits = &server->config.api->limits;
	char peer[64];
	struct client_new client = { .source = peer_of(from, peer), .peer = peer, .tls = l->tls };
	uintptr_t count = source_count(server, &client.source);

	if (count >= (uintptr_t)limits->connections_per_source) {
		log_warn(TOPIC, "as many connections of one source as allowed peer=%s", peer);
		evutil_closesocket(fd);
		return;
	}
	client.stream = stream_new(l, fd);
	if (!client.stream || !source_set(server, &client.source, count + 1)) {
		if (client.stream)
			bufferevent_free(client.stream);
		log_error(TOPIC, "out of memory");
		return;
	}
	if (client_start(&server->owner, &client))
		connection_count(server);
	else if (source_set(server, &client.source, count))
		log_error(TOPIC, "out of memory");
}

/* No descriptor or no memory: the connection stays in the backlog; trying at once would spin. */
static void on_accept_error(struct evconnlistener *listener, void *context)
{
	struct server_listener *l = context;

	log_error(TOPIC, "cannot accept a connection error=\"%s\"", strerror(errno));
	if (l->server->connections) {
		l->server->full = true;
		listeners_switch(l->server, false);
	}
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
	if (!from->tls && !net_addr_is_loopback(&from->addr)) {
		snprintf(why, why_size,
			 "api.listeners: %s without tls: only a loopback address may do without",
			 text);
		return -EINVAL;
	}
	l->server = server;
	l->tls = from->tls;
	l->listener = evconnlistener_new_bind(base, on_accept, l,
					      LEV_OPT_REUSEABLE | LEV_OPT_CLOSE_ON_EXEC |
						      LEV_OPT_CLOSE_ON_FREE,
					      128, (struct sockaddr *)&address, (int)n);
	if (!l->listener) {
		snprintf(why, why_size, "api.listeners: cannot listen on %s port %lld: %s", text,
			 (long long)from->port, strerror(errno));
		return -EADDRINUSE;
	}
	server->listener_count++;
	evconnlistener_set_error_cb(l->listener, on_accept_error);
	/* Connections inherit it: an answer in two records must not wait for the client's ACK. */
	if (setsockopt(evconnlistener_get_fd(l->listener), IPPROTO_TCP, TCP_NODELAY, &on,
		       sizeof(on)))
		log_warn(TOPIC, "cannot switch Nagle's algorithm off: %s", strerror(errno));
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
	map_init(&s->sources);
	list_init(&s->owner.clients);
	s->owner.limits = &config->api->limits;
	s->owner.handler = config->handler;
	s->owner.context = config->context;
	s->owner.ended = on_ended;
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
	server->owner.limits = &api->limits;
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
		evconnlistener_free(server->listeners[i].listener);
	client_end_all(&server->owner);
	map_fini(&server->sources);
	tls_context_free(server->tls);
	free(server);
}
