#pragma once
/*
 * DOC: who may do what
 *
 * Bearer tokens are 256 random bits; only their SHA-256 is kept, in the configuration and in the
 * tokens file of the state directory. Every token has a role and may expire. Comparison takes the
 * same time for every token. An address whose tokens fail is held off for a while, changes are
 * limited by token, reads much more widely.
 */
#include "base/map.h"
#include "control/rest/http.h"

enum auth_result {
	AUTH_GOOD,
	AUTH_MISSING,
	AUTH_WRONG,
	AUTH_EXPIRED,
	AUTH_HELD_OFF,
	AUTH_TOO_MANY
};

struct auth;

__attribute__((warn_unused_result)) int auth_new(struct auth **auth, const struct config_api *api,
						 const char *state_directory);
void auth_free(struct auth *auth);
/*
 * Another configuration; counters stay. The tokens file is read anew. When it fails the tokens are
 * those of before; `api` is what is looked at from now on in any case.
 */
__attribute__((warn_unused_result)) int auth_configure(struct auth *auth,
						       const struct config_api *api);

/* Fills in role and token name; `retry_s` is for the answers that say "later". */
enum auth_result auth_check(struct auth *auth, struct http_request *request, uint64_t now_ns,
			    uint64_t wall_s, uint32_t *retry_s);

#define AUTH_TOKEN_TEXT 44 /* base64url of 32 bytes, and NUL */

/* A new token and the line for the tokens file ("name role expires sha256:..."). */
struct auth_new_token {
	const char *name;
	enum config_token_role role;
	const char *expires; /* RFC 3339, NULL: never */
};
__attribute__((warn_unused_result)) int auth_token_make(const struct auth_new_token *wanted,
							char token[AUTH_TOKEN_TEXT], char *line,
							size_t line_size);
const char *auth_role_text(enum config_token_role role);
