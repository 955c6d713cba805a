#include "control/rest/auth.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/secret.h"
#include "base/when.h"
#include "control/crypto/crypto.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define TOPIC "rest"
#define HASH_BYTES 32
#define HASH_PREFIX "sha256:"
#define TOKENS_MAX 256
#define TOKENS_FILE_MAX (256 * 1024)
#define SOURCES_MAX 4096
#define HOLD_OFF_NS (60 * CLOCK_NS_PER_S)

struct token {
	char name[64];
	uint8_t hash[HASH_BYTES];
	uint64_t expires_s;			   /* 0: never */
	uint8_t role;				   /* enum config_token_role */
	uint64_t change_credit_ns, read_credit_ns; /* time up to which credit is used up */
};

/* Failures of one address. */
struct source {
	uint64_t window_ns;
	uint32_t failures;
};

struct auth {
	struct crypto *crypto;
	char *file;
	const struct config_api *api;
	struct token tokens[TOKENS_MAX];
	uint32_t token_count;
	struct map sources; /* address -> struct source */
};

const char *auth_role_text(enum config_token_role role)
{
	static const char *const text[] = {
		[CONFIG_TOKEN_READ] = "read",
		[CONFIG_TOKEN_OPERATE] = "operate",
		[CONFIG_TOKEN_ADMIN] = "admin",
	};

	return text[role];
}

static bool hash_parse(uint8_t hash[HASH_BYTES], const char *text)
{
	unsigned int byte;

	if (strncmp(text, HASH_PREFIX, strlen(HASH_PREFIX)))
		return false;
	text += strlen(HASH_PREFIX);
	if (strlen(text) != 2 * HASH_BYTES)
		return false;
	for (size_t i = 0; i < HASH_BYTES; i++) {
		if (sscanf(text + 2 * i, "%2x", &byte) != 1)
			return false;
		hash[i] = (uint8_t)byte;
	}
	return true;
}

static bool expires_parse(uint64_t *expires_s, const char *text)
{
	uint64_t expires_ms;

	*expires_s = 0;
	if (!text || !strcmp(text, "never"))
		return true;
	if (when_parse(text, &expires_ms) < 0)
		return false;
	*expires_s = expires_ms / 1000;
	return true;
}

static bool role_parse(uint8_t *role, const char *text)
{
	for (int r = CONFIG_TOKEN_READ; r <= CONFIG_TOKEN_ADMIN; r++)
		if (!strcmp(auth_role_text(r), text)) {
			*role = (uint8_t)r;
			return true;
		}
	return false;
}

static struct token *token_add(struct auth *auth, const char *name)
{
	struct token *token;

	if (auth->token_count == TOKENS_MAX)
		return NULL;
	token = &auth->tokens[auth->token_count];
	memset(token, 0, sizeof(*token));
	snprintf(token->name, sizeof(token->name), "%s", name);
	return token;
}

/* NULL at the end of the line. */
static const char *word_next(char **line)
{
	char *word;

	do
		word = strsep(line, " \t");
	while (word && !word[0]);
	return word;
}

/* "name role expires sha256:..." */
static bool line_take(struct auth *auth, char *line)
{
	const char *name = word_next(&line);
	const char *role = word_next(&line);
	const char *expires = word_next(&line);
	const char *hash = word_next(&line);
	struct token *token;

	if (!name || name[0] == '#')
		return true;
	token = hash ? token_add(auth, name) : NULL;
	if (!token || !role_parse(&token->role, role) ||
	    !expires_parse(&token->expires_s, expires) || !hash_parse(token->hash, hash))
		return false;
	auth->token_count++;
	return true;
}

static int file_read(struct auth *auth)
{
	char *text = NULL;
	char *rest;
	char *line;
	struct stat st;
	ssize_t n;
	unsigned int number = 0;
	int fd = open(auth->file, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

	if (fd < 0)
		return errno == ENOENT ? 0 : -errno;
	if (fstat(fd, &st) < 0 || st.st_size > TOKENS_FILE_MAX || (st.st_mode & S_IRWXO)) {
		log_error(TOPIC,
			  "tokens file is not read: too large, or open to others (chmod "
			  "0640 it) file=%s",
			  auth->file);
		close(fd);
		return -EPERM;
	}
	text = calloc(1, (size_t)st.st_size + 1);
	n = text ? read(fd, text, (size_t)st.st_size) : -1;
	close(fd);
	rest = n > 0 ? text : NULL;
	while ((line = strsep(&rest, "\n"))) {
		number++;
		if (!line_take(auth, line))
			log_error(TOPIC, "line is no token file=%s line=%u", auth->file, number);
	}
	free(text);
	return 0;
}

static int tokens_read(struct auth *auth)
{
	const struct config_api *api = auth->api;

	auth->token_count = 0;
	for (uint32_t i = 0; i < api->tokens.count; i++) {
		const struct config_token *from = &api->tokens.items[i];
		struct token *token = token_add(auth, from->name);

		if (!token)
			return -ENOSPC;
		token->role = (uint8_t)from->role;
		if (!hash_parse(token->hash, from->hash) ||
		    !expires_parse(&token->expires_s, from->expires))
			return -EINVAL;
		auth->token_count++;
	}
	return file_read(auth);
}

/* What a token has used of its rate stays used. */
static void credits_carry(struct auth *auth, const struct token *were, uint32_t count)
{
	for (uint32_t i = 0; i < auth->token_count; i++)
		for (uint32_t k = 0; k < count; k++)
			if (secret_equal(auth->tokens[i].hash, were[k].hash, HASH_BYTES)) {
				auth->tokens[i].change_credit_ns = were[k].change_credit_ns;
				auth->tokens[i].read_credit_ns = were[k].read_credit_ns;
			}
}

int auth_configure(struct auth *auth, const struct config_api *api)
{
	uint32_t count = auth->token_count;
	struct token *were = calloc(count + 1, sizeof(*were));
	int rc;

	auth->api = api;
	if (!were)
		return -ENOMEM;
	memcpy(were, auth->tokens, count * sizeof(*were));
	rc = tokens_read(auth);
	if (rc < 0) {
		memcpy(auth->tokens, were, count * sizeof(*were));
		auth->token_count = count;
	} else {
		credits_carry(auth, were, count);
	}
	free(were);
	return rc;
}

int auth_new(struct auth **auth, const struct config_api *api, const char *state_directory)
{
	struct auth *a = calloc(1, sizeof(*a));
	int rc = -ENOMEM;

	if (!a)
		return rc;
	map_init(&a->sources);
	if (api->tokens_file)
		a->file = strdup(api->tokens_file);
	else if (asprintf(&a->file, "%s/tokens", state_directory) < 0)
		a->file = NULL;
	if (a->file)
		rc = crypto_new(&a->crypto);
	if (rc == 0)
		rc = auth_configure(a, api);
	if (rc < 0)
		auth_free(a);
	else
		*auth = a;
	return rc;
}

void auth_free(struct auth *auth)
{
	struct map_entry *entry = NULL;

	if (!auth)
		return;
	while ((entry = map_next(&auth->sources, entry)))
		free(entry->value);
	map_fini(&auth->sources);
	crypto_free(auth->crypto);
	free(auth->file);
	free(auth);
}

/* The address alone: a client's ports change. */
static size_t source_key(const struct http_request *request)
{
	const char *colon = strrchr(request->peer, ':');

	return colon ? (size_t)(colon - request->peer) : strlen(request->peer);
}

static struct source *source_get(struct auth *auth, const struct http_request *request, bool create)
{
	size_t n = source_key(request);
	struct source *source = map_get(&auth->sources, request->peer, n);

	/* A full table forgets the oldest failures first of all: the table is bounded. */
	if (source || !create || auth->sources.count >= SOURCES_MAX)
		return source;
	source = calloc(1, sizeof(*source));
	if (source && map_set(&auth->sources, request->peer, n, source, NULL) < 0) {
		free(source);
		source = NULL;
	}
	return source;
}

static void sources_expire(struct auth *auth, uint64_t now_ns)
{
	struct map_entry *entry = map_next(&auth->sources, NULL);

	while (entry) {
		struct map_entry *this = entry;
		struct source *source = this->value;

		entry = map_next(&auth->sources, entry);
		if (now_ns - source->window_ns > HOLD_OFF_NS) {
			map_del(&auth->sources, this->key, this->key_len);
			free(source);
		}
	}
}

static bool held_off(struct auth *auth, const struct http_request *request, uint64_t now_ns,
		     uint32_t *retry_s)
{
	const struct source *source = source_get(auth, request, false);
	uint64_t since;

	if (!source)
		return false;
	since = now_ns - source->window_ns;
	if (since > HOLD_OFF_NS ||
	    source->failures < (uint64_t)auth->api->limits.failed_authentications_per_min)
		return false;
	*retry_s = (uint32_t)((HOLD_OFF_NS - since) / CLOCK_NS_PER_S) + 1;
	return true;
}

static enum auth_result failed(struct auth *auth, const struct http_request *request,
			       uint64_t now_ns, enum auth_result result)
{
	struct source *source;

	if (auth->sources.count >= SOURCES_MAX / 2)
		sources_expire(auth, now_ns);
	source = source_get(auth, request, true);
	if (source) {
		if (now_ns - source->window_ns > HOLD_OFF_NS)
			*source = (struct source){ .window_ns = now_ns };
		source->failures++;
	}
	log_warn(TOPIC, "authentication failed peer=%s", request->peer);
	return result;
}

/* Every token is compared, whichever one it is. */
static struct token *token_find(struct auth *auth, const char *text)
{
	struct span part = { (const uint8_t *)text, strlen(text) };
	struct token *found = NULL;
	uint8_t hash[CRYPTO_HASH_MAX];

	if (crypto_hash(auth->crypto, CRYPTO_HASH_SHA256, CRYPTO_PARTS(part), hash) < 0)
		return NULL;
	for (uint32_t i = 0; i < auth->token_count; i++)
		if (secret_equal(auth->tokens[i].hash, hash, HASH_BYTES))
			found = &auth->tokens[i];
	return found;
}

/* A bucket as the time up to which its credit is used. */
static bool credit_take(uint64_t *used_ns, uint64_t now_ns, int64_t per_s, int64_t burst)
{
	uint64_t cost = CLOCK_NS_PER_S / (uint64_t)(per_s > 0 ? per_s : 1);
	uint64_t depth = cost * (uint64_t)(burst > 0 ? burst : 1);

	if (*used_ns < now_ns)
		*used_ns = now_ns;
	if (*used_ns - now_ns + cost > depth)
		return false;
	*used_ns += cost;
	return true;
}

static bool rate_good(const struct auth *auth, struct token *token,
		      const struct http_request *request, uint64_t now_ns)
{
	const struct config_api_limits *limits = &auth->api->limits;

	if (request->method == HTTP_GET)
		return credit_take(&token->read_credit_ns, now_ns, limits->reads_per_s,
				   limits->reads_per_s);
	return credit_take(&token->change_credit_ns, now_ns, limits->changes_per_s,
			   limits->changes_burst);
}

enum auth_result auth_check(struct auth *auth, struct http_request *request, uint64_t now_ns,
			    uint64_t wall_s, uint32_t *retry_s)
{
	const char *header = request->authorization;
	struct token *token;

	*retry_s = 1;
	if (!header || strncasecmp(header, "Bearer ", 7))
		return held_off(auth, request, now_ns, retry_s) ? AUTH_HELD_OFF : AUTH_MISSING;
	/* A good token counts whoever else fails from there: all share loopback, or a NAT. */
	token = token_find(auth, header + 7 + strspn(header + 7, " "));
	if (!token && held_off(auth, request, now_ns, retry_s))
		return AUTH_HELD_OFF;
	if (!token)
		return failed(auth, request, now_ns, AUTH_WRONG);
	if (token->expires_s && token->expires_s <= wall_s)
		return failed(auth, request, now_ns, AUTH_EXPIRED);
	request->token_name = token->name;
	request->role = token->role;
	return rate_good(auth, token, request, now_ns) ? AUTH_GOOD : AUTH_TOO_MANY;
}

int auth_token_make(const struct auth_new_token *wanted, char token[AUTH_TOKEN_TEXT], char *line,
		    size_t line_size)
{
	static const char alphabet[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
	uint8_t bytes[AUTH_TOKEN_TEXT - 1];
	uint8_t hash[CRYPTO_HASH_MAX];
	char hex[2 * HASH_BYTES + 1];
	struct crypto *crypto;
	struct span part = { (const uint8_t *)token, AUTH_TOKEN_TEXT - 1 };
	int rc = secret_random(bytes, sizeof(bytes));

	for (size_t i = 0; rc == 0 && i < sizeof(bytes); i++)
		token[i] = alphabet[bytes[i] & 63];
	token[AUTH_TOKEN_TEXT - 1] = '\0';
	if (rc == 0)
		rc = crypto_new(&crypto);
	if (rc < 0)
		return rc;
	rc = crypto_hash(crypto, CRYPTO_HASH_SHA256, CRYPTO_PARTS(part), hash);
	crypto_free(crypto);
	for (size_t i = 0; rc == 0 && i < HASH_BYTES; i++)
		snprintf(hex + 2 * i, 3, "%02x", hash[i]);
	if (rc == 0)
		snprintf(line, line_size, "%s %s %s " HASH_PREFIX "%s\n", wanted->name,
			 auth_role_text(wanted->role), wanted->expires ? wanted->expires : "never",
			 hex);
	secret_wipe(bytes, sizeof(bytes));
	return rc;
}
