#pragma once
/*
 * TLS of the server: 1.2 at least, 1.3 preferred, certificate from files or made once and kept in
 * the state directory; client certificates when a CA for them is given.
 */
#include <stddef.h>

struct ssl_ctx_st;
struct config_api;

__attribute__((warn_unused_result)) int tls_context_new(struct ssl_ctx_st **context,
							const struct config_api *api,
							const char *state_directory, char *why,
							size_t why_size);
void tls_context_free(struct ssl_ctx_st *context);
