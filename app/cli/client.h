#pragma once
/*
 * One HTTPS request to the REST endpoint.
 */
#include "base/text.h"

struct client {
	const char *url; /* "https://127.0.0.1:8443" */
	const char *token;
	const char *ca_file; /* NULL: the system's */
	bool insecure;
	unsigned int timeout_s; /* for the connection and for each part of the answer */
};

struct client_answer {
	int status; /* 0: none came */
	struct text body;
	char location[512];   /* of the operation to follow, or "" */
	char result[512];     /* where its result will be, or "" */
	struct text warnings; /* a line each */
};

struct client_request {
	const char *method;
	const char *path; /* or a whole URL of the same endpoint */
	const char *body; /* NULL: none */
	/* Instead of collecting the body: called with each piece, false ends it. */
	bool (*piece)(void *context, const char *bytes, size_t n);
	void *context;
};

/* 0 or -EIO with a sentence in `why`. */
__attribute__((warn_unused_result)) int client_ask(const struct client *client,
						   const struct client_request *request,
						   struct client_answer *answer, char *why,
						   size_t why_size);
void client_answer_fini(struct client_answer *answer);
