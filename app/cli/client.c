#include "client.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct connection {
	SSL_CTX *context;
	BIO *bio;
	char host[256]; /* "127.0.0.1:8443" */
	char name[256]; /* without the port */
};

static int fault(char *why, size_t size, const struct connection *c, const char *what)
{
	const char *reason = ERR_reason_error_string(ERR_peek_error());

	snprintf(why, size, "%s %s: %s", what, c->host,
		 reason	 ? reason
		 : errno ? strerror(errno)
			 : "connection closed");
	ERR_clear_error();
	return -EIO;
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
	if (colon && !strchr(colon, ']'))
		*colon = '\0';
	else
		snprintf(c->host + strlen(c->host), sizeof(c->host) - strlen(c->host), ":443");
	return 0;
}

static bool verify_set(SSL *ssl, const struct client *client, const char *name)
{
	X509_VERIFY_PARAM *param = SSL_get0_param(ssl);
	size_t n = strlen(name);
	char plain[256];

	if (client->insecure)
		return true;
	SSL_set_verify(ssl, SSL_VERIFY_PEER, NULL);
	snprintf(plain, sizeof(plain), "%.*s", (int)(name[0] == '[' ? n - 2 : n),
		 name[0] == '[' ? name + 1 : name);
	if (X509_VERIFY_PARAM_set1_ip_asc(param, plain) == 1)
		return true;
	return SSL_set1_host(ssl, plain) == 1;
}

static int open_tls(struct connection *c, const struct client *client, char *why, size_t size)
{
	SSL *ssl = NULL;

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
	c->bio = BIO_new_ssl_connect(c->context);
	if (!c->bio)
		return -ENOMEM;
	BIO_get_ssl(c->bio, &ssl);
	BIO_set_conn_hostname(c->bio, c->host);
	errno = 0;
	if (!verify_set(ssl, client, c->name) || BIO_do_connect(c->bio) != 1)
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

	text_add(&head, "%s %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\nUser-Agent: vpngw\r\n",
		 request->method, path_of(request->path), c->host);
	if (client->token)
		text_add(&head, "Authorization: Bearer %s\r\n", client->token);
	if (request->body)
		text_add(&head, "Content-Type: application/json\r\n");
	text_add(&head, "Content-Length: %zu\r\n\r\n", n);
	if (BIO_write(c->bio, head.p, (int)head.n) != (int)head.n ||
	    (n && BIO_write(c->bio, request->body, (int)n) != (int)n))
		rc = fault(why, size, c, "cannot write to");
	text_fini(&head);
	return rc;
}

/* A line without its end; false at the end of the stream. */
static bool line_read(BIO *bio, char *line, size_t size)
{
	size_t n = 0;
	char c;

	while (BIO_read(bio, &c, 1) == 1) {
		if (c == '\n') {
			line[n] = '\0';
			return true;
		}
		if (c != '\r' && n < size - 1)
			line[n++] = c;
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
static bool span_read(BIO *bio, const struct client_request *request, struct client_answer *answer,
		      long left)
{
	char buffer[16384];

	while (left) {
		int want =
			left < 0 || left > (long)sizeof(buffer) ? (int)sizeof(buffer) : (int)left;
		int got = BIO_read(bio, buffer, want);

		if (got <= 0)
			return left < 0;
		if (!body_take(request, answer, buffer, (size_t)got))
			return false;
		if (left > 0)
			left -= got;
	}
	return true;
}

static void chunks_read(BIO *bio, const struct client_request *request,
			struct client_answer *answer)
{
	char line[64];

	while (line_read(bio, line, sizeof(line))) {
		long n = strtol(line, NULL, 16);

		if (n <= 0 || !span_read(bio, request, answer, n))
			return;
		line_read(bio, line, sizeof(line));
	}
}

static int answer_read(struct connection *c, const struct client_request *request,
		       struct client_answer *answer, char *why, size_t size)
{
	char line[2048];
	bool chunked = false;
	long length = -1;

	if (!line_read(c->bio, line, sizeof(line)) ||
	    sscanf(line, "HTTP/1.%*d %d", &answer->status) != 1)
		return fault(why, size, c, "no answer from");
	while (line_read(c->bio, line, sizeof(line)) && line[0]) {
		if (!strncasecmp(line, "Transfer-Encoding: chunked", 26))
			chunked = true;
		else if (!strncasecmp(line, "Content-Length: ", 16))
			length = strtol(line + 16, NULL, 10);
		else if (!strncasecmp(line, "Azure-AsyncOperation: ", 22))
			snprintf(answer->location, sizeof(answer->location), "%.511s", line + 22);
		else if (!strncasecmp(line, "Location: ", 10))
			snprintf(answer->result, sizeof(answer->result), "%.511s", line + 10);
	}
	if (chunked)
		chunks_read(c->bio, request, answer);
	else
		span_read(c->bio, request, answer, length);
	return 0;
}

int client_ask(const struct client *client, const struct client_request *request,
	       struct client_answer *answer, char *why, size_t why_size)
{
	struct connection c = { 0 };
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
}
