#pragma once
/*
 * DOC: secrets
 *
 * Key material lives in a pool of locked pages that are left out of core dumps and zeroed in a
 * forked child. A secret is wiped when it is freed. Secrets are compared in constant time.
 * Threads may take and give back at the same time; init and fini are for when there is one.
 */
#include "base/span.h"

#include <stdbool.h>

struct secret {
	uint8_t *p; /* NULL: none */
	size_t n;
};

/* Maps and locks the pool; 0 or -errno. Without it secret_new() fails. Call once at start. */
__attribute__((warn_unused_result)) int secret_pool_init(size_t bytes);
void secret_pool_fini(void);
size_t secret_pool_used(void); /* bytes that are handed out */

__attribute__((warn_unused_result)) int secret_new(struct secret *secret, size_t n);
__attribute__((warn_unused_result)) int secret_copy(struct secret *secret, const void *bytes,
						    size_t n);
void secret_free(struct secret *secret); /* wipes; a freed or zeroed secret is fine */

static inline struct span secret_span(const struct secret *secret)
{
	return (struct span){ .p = secret->p, .n = secret->n };
}

/* For key material that lives on a stack or in a structure: wiped on every exit. */
void secret_wipe(void *bytes, size_t n);
bool secret_equal(const void *a, const void *b, size_t n);

/* Bytes from the kernel, a few of them fetched before; the process must not go on without them:
 * -errno is fatal to the caller. */
__attribute__((warn_unused_result)) int secret_random(void *to, size_t n);
