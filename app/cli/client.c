#include "client.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define CONNECT_S 5 /* at most; for each address of a name */

struct connection {
	SSL_CTX *context;
	BIO *bio;
	int fd;
	unsigned int timeout_s;
	bool patient;	/* a stream that may be silent */
	char host[256]; /* "127.0.0.1:8443" */
	char name[256]; /* without the port */
	const char *port;
};

static int fault(char *why, size_t size, const struct connection *c, const char *what)
{
	int error = errno;
	const char *reason = ERR_reason_error_string(ERR_peek_error());

	ERR_clear_error();
	if (error == EAGAIN || error == ETIMEDOUT)
		snprintf(why, size, "%s %s: no answer within %u s (--timeout)", what, c->host,
			 c->timeout_s);
	else
		snprintf(why, size, "%s %s: %s", what, c->host,
			 reason	 ? reason
			 : error ? strerror(error)
				 : "connection closed");
	return -EIO;
}

/* When what is waited for now is late, seconds of the monotonic clock. */
static time_t now_s(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec;
}

/* The timer of the progress line interrupts what waits: false when it has waited long enough. */
static bool wait_on(const struct connection *c, time_t since)
{
	if (errno != EINTR || !BIO_should_retry(c->bio))
		return false;
	if (!c->patient && now_s() - since >= (time_t)c->timeout_s) {
		errno = EAGAIN;
		return false;
	}
	errno = 0;
	return true;
}

static int read_some(const struct connection *c, void *bytes, int n)
{
	time_t since = now_s();
	int got;

	errno = 0;
	do
		got = BIO_read(c->bio, bytes, n);
	while (got <= 0 && wait_on(c, since));
	return got;
}

static bool write_all(const struct connection *c, const char *bytes, size_t n)
{
	time_t since = now_s();
	int put;

	errno = 0;
	do
		put = n ? BIO_write(c->bio, bytes, (int)n) : 0;
	while (put < (int)n && wait_on(c, since));
	return put == (int)n;
}

static bool shake_hands(const struct connection *c)
{
	time_t since = now_s();
	int rc;

	errno = 0;
	do
		rc = BIO_do_handshake(c->bio);
	while (rc != 1 && wait_on(c, since));
	return rc == 1;
}

static int host_set(struct connection *c, const char *url, char *why, size_t size)
{
	const char *end;
	char *colon;

	if (strncmp(url, "https://", 8)) {
		snprintf(why, size, "--url %s: expected https://ADDRESS:PORT", url);
		return -EINVAL;
	}
	url += 8;
	end = url + strcspn(url, "/");
	snprintf(c->host, sizeof(c->host), "%.*s", (int)(end - url), url);
	snprintf(c->name, sizeof(c->name), "%s", c->host);
	colon = strrchr(c->name, ':');
	c->port = "443";
	if (colon && !strchr(colon, ']')) {
		*colon = '\0';
		c->port = colon + 1;
	}
	return 0;
}

/* The name as it stands in certificates and in resolvers: without the brackets of IPv6. */
static const char *plain_name(const struct connection *c, char plain[256])
{
	size_t n = strlen(c->name);
	bool brackets = c->name[0] == '[' && n > 2;

	snprintf(plain, 256, "%.*s", (int)(brackets ? n - 2 : n), c->name + brackets);
	return plain;
}

static bool verify_set(SSL *ssl, const struct client *client, const struct connection *c)
{
	X509_VERIFY_PARAM *param = SSL_get0_param(ssl);
	char plain[256];

	if (client->insecure)
		return true;
	SSL_set_verify(ssl, SSL_VERIFY_PEER, NULL);
	plain_name(c, plain);
	if (X509_VERIFY_PARAM_set1_ip_asc(param, plain) == 1)
		return true;
	return SSL_set1_host(ssl, plain) == 1;
}

/* False: nothing in this time. */
static bool poll_for(struct pollfd *wait, int most_s)
{
	time_t until = now_s() + most_s;
	int rc;

	do {
		time_t left = until - now_s();

		rc = poll(wait, 1, left > 0 ? (int)left * 1000 : 0);
	} while (rc < 0 && errno == EINTR);
	return rc != 0;
}

/* Waits no longer than CONNECT_S; -1 with errno. */
static int connect_one(const struct addrinfo *to, unsigned int timeout_s)
{
	int most_s = timeout_s < CONNECT_S ? (int)timeout_s : CONNECT_S;
	int fd = socket(to->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	struct pollfd wait = { .fd = fd, .events = POLLOUT };
	int error = 0;
	socklen_t n = sizeof(error);

	if (fd < 0)
		return -1;
	if (connect(fd, to->ai_addr, to->ai_addrlen) < 0 && errno != EINPROGRESS)
		error = errno;
	else if (!poll_for(&wait, most_s))
		error = ETIMEDOUT;
	else if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &n) < 0)
		error = errno;
	if (!error)
		return fd;
	close(fd);
	errno = error;
	return -1;
}

/* A socket whose reads and writes give up after the timeout; -1 with errno, 0 when `why` is said.
 */
static int connect_any(const struct connection *c, char *why, size_t size)
{
	const struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
	const struct timeval timeout = { .tv_sec = c->timeout_s };
	struct addrinfo *all = NULL;
	char plain[256];
	int rc = getaddrinfo(plain_name(c, plain), c->port, &hints, &all);
	int fd = -1;

	if (rc) {
		snprintf(why, size, "cannot reach %s: %s", c->host, gai_strerror(rc));
		return 0;
	}
	for (const struct addrinfo *to = all; to && fd < 0; to = to->ai_next)
		fd = connect_one(to, c->timeout_s);
	freeaddrinfo(all);
	if (fd < 0)
		return fd;
	fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) & ~O_NONBLOCK);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout));
	return fd;
}

static int trust_set(struct connection *c, const struct client *client, char *why, size_t size)
{
	c->context = SSL_CTX_new(TLS_client_method());
	if (!c->context)
		return -ENOMEM;
	SSL_CTX_set_min_proto_version(c->context, TLS1_2_VERSION);
	if (client->ca_file && SSL_CTX_load_verify_file(c->context, client->ca_file) != 1) {
		snprintf(why, size, "--ca %s cannot be read", client->ca_file);
		ERR_clear_error();
		return -EINVAL;
	}
	if (!client->ca_file)
		SSL_CTX_set_default_verify_paths(c->context);
	return 0;
}

static int open_tls(struct connection *c, const struct client *client, char *why, size_t size)
{
	char plain[256];
	SSL *ssl = NULL;
	BIO *socket;
	int rc = trust_set(c, client, why, size);

	if (rc < 0)
		return rc;
	c->fd = connect_any(c, why, size);
	if (c->fd < 0)
		return fault(why, size, c, "cannot reach");
	if (!c->fd)
		return -EIO;
	c->bio = BIO_new_ssl(c->context, 1);
	socket = BIO_new_socket(c->fd, BIO_CLOSE);
	if (!c->bio || !socket) {
		BIO_free(socket);
		return -ENOMEM;
	}
	BIO_push(c->bio, socket);
	BIO_get_ssl(c->bio, &ssl);
	SSL_set_tlsext_host_name(ssl, plain_name(c, plain));
	if (!verify_set(ssl, client, c) || !shake_hands(c))
		return fault(why, size, c, "cannot reach");
	return 0;
}

static const char *path_of(const char *url)
{
	const char *slash;

	if (strncmp(url, "https://", 8))
		return url;
	slash = strchr(url + 8, '/');
	return slash ? slash : "/";
}

static int request_write(struct connection *c, const struct client *client,
			 const struct client_request *request, char *why, size_t size)
{
	size_t n = request->body ? strlen(request->body) : 0;
	struct text head = { 0 };
	int rc = 0;

	text_add(&head,
		 "%s %s%s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\nUser-Agent: vpngw\r\n",
		 request->method,
		 request->path[0] == '/' || !strncmp(request->path, "https://", 8) ? "" : "/",
		 path_of(request->path), c->host);
	if (client->token)
		text_add(&head, "Authorization: Bearer %s\r\n", client->token);
	if (request->body)
		text_add(&head, "Content-Type: application/json\r\n");
	text_add(&head, "Content-Length: %zu\r\n\r\n", n);
	if (!write_all(c, head.p, head.n) || !write_all(c, request->body, n))
		rc = fault(why, size, c, "cannot write to");
	text_fini(&head);
	return rc;
}

/* A line without its end; false at the end of the stream. */
static bool line_read(const struct connection *c, char *line, size_t size)
{
	size_t n = 0;
	char byte;

	while (read_some(c, &byte, 1) == 1) {
		if (byte == '\n') {
			line[n] = '\0';
			return true;
		}
		if (byte != '\r' && n < size - 1)
			line[n++] = byte;
	}
	return false;
}

static bool body_take(const struct client_request *request, struct client_answer *answer,
		      const char *bytes, size_t n)
{
	if (request->piece && answer->status == 200)
		return request->piece(request->context, bytes, n);
	text_add_bytes(&answer->body, bytes, n);
	return true;
}

/* `left` bytes, or to the end of the stream when it is -1. */
static bool span_read(const struct connection *c, const struct client_request *request,
		      struct client_answer *answer, long left)
{
	char buffer[16384];

	while (left) {
		int want =
			left < 0 || left > (long)sizeof(buffer) ? (int)sizeof(buffer) : (int)left;
		int got = read_some(c, buffer, want);

		if (got <= 0)
			return left < 0;
		if (!body_take(request, answer, buffer, (size_t)got))
			return false;
		if (left > 0)
			left -= got;
	}
	return true;
}

static void chunks_read(const struct connection *c, const struct client_request *request,
			struct client_answer *answer)
{
	char line[64];

	while (line_read(c, line, sizeof(line))) {
		long n = strtol(line, NULL, 16);

		if (n <= 0 || !span_read(c, request, answer, n))
			return;
		line_read(c, line, sizeof(line));
	}
}

/* 299 vpngw "text" */
static void warning_take(struct client_answer *answer, const char *value)
{
	const char *begin = strchr(value, '"');
	const char *end = begin ? strrchr(begin, '"') : NULL;

	if (end && end > begin + 1)
		text_add(&answer->warnings, "%.*s\n", (int)(end - begin - 1), begin + 1);
}

static int answer_read(struct connection *c, const struct client_request *request,
		       struct client_answer *answer, char *why, size_t size)
{
	const struct timeval forever = { 0 };
	char line[2048];
	bool chunked = false;
	long length = -1;

	errno = 0;
	if (!line_read(c, line, sizeof(line)) ||
	    sscanf(line, "HTTP/1.%*d %d", &answer->status) != 1)
		return fault(why, size, c, "no answer from");
	while (line_read(c, line, sizeof(line)) && line[0]) {
		if (!strncasecmp(line, "Transfer-Encoding: chunked", 26))
			chunked = true;
		else if (!strncasecmp(line, "Content-Length: ", 16))
			length = strtol(line + 16, NULL, 10);
		else if (!strncasecmp(line, "Azure-AsyncOperation: ", 22))
			snprintf(answer->location, sizeof(answer->location), "%.511s", line + 22);
		else if (!strncasecmp(line, "Location: ", 10))
			snprintf(answer->result, sizeof(answer->result), "%.511s", line + 10);
		else if (!strncasecmp(line, "Warning: ", 9))
			warning_take(answer, line + 9);
	}
	/* A stream may be silent for as long as it likes. */
	c->patient = request->piece != NULL;
	if (c->patient)
		setsockopt(c->fd, SOL_SOCKET, SO_RCVTIMEO, &forever, sizeof(forever));
	errno = 0;
	if (chunked)
		chunks_read(c, request, answer);
	else
		span_read(c, request, answer, length);
	return errno == EAGAIN ? fault(why, size, c, "half an answer from") : 0;
}

int client_ask(const struct client *client, const struct client_request *request,
	       struct client_answer *answer, char *why, size_t why_size)
{
	struct connection c = { .timeout_s = client->timeout_s };
	int rc = host_set(&c, client->url, why, why_size);

	memset(answer, 0, sizeof(*answer));
	if (rc == 0)
		rc = open_tls(&c, client, why, why_size);
	if (rc == 0)
		rc = request_write(&c, client, request, why, why_size);
	if (rc == 0)
		rc = answer_read(&c, request, answer, why, why_size);
	BIO_free_all(c.bio);
	SSL_CTX_free(c.context);
	return rc;
}

void client_answer_fini(struct client_answer *answer)
{
	text_fini(&answer->body);
	text_fini(&answer->warnings);
}
