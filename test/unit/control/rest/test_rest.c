/*
 * The parts of the REST endpoint that know no resource: path and query, rows, tokens, operations.
 */
#include "cmocka_all.h"
#include "control/rest/auth.h"
#include "control/rest/error.h"
#include "control/rest/operation.h"
#include "control/rest/parse.h"
#include "control/rest/router.h"

#include "base/clock.h"
#include "base/secret.h"

#include <cjson/cJSON.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void test_paths(void **state)
{
	static const struct {
		const char *path;
		const char *joined; /* NULL: refused */
	} rows[] = {
		{ "/", "" },
		{ "/a/b", "a|b" },
		{ "//a///b/", "a|b" },
		{ "/a%20b/%C3%A4", "a b|\xc3\xa4" },
		{ "/a/../b", NULL },
		{ "/a/%2e%2e/b", NULL },
		{ "/a%2fb", NULL },
		{ "/a%00b", NULL },
		{ "/a%0ab", NULL },
		{ "/a%4", NULL },
		{ "/a%zz", NULL },
		{ "/1/2/3/4/5/6/7/8/9/10/11/12/13/14/15/16/17/18/19/20/21/22/23/24/25", NULL },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct http_request request = { 0 };
		char *path = strdup(rows[i].path);
		const char *wrong = parse_path(&request, path);
		char joined[256] = "";

		for (uint32_t s = 0; s < request.segment_count && !wrong; s++)
			snprintf(joined + strlen(joined), sizeof(joined) - strlen(joined), "%s%s",
				 s ? "|" : "", request.segments[s]);
		if (!rows[i].joined)
			assert_non_null(wrong);
		else
			assert_string_equal(joined, rows[i].joined);
		free(path);
	}
}

static void test_query(void **state)
{
	struct http_request request = { 0 };
	char query[] = "api-version=2025-05-01&peer=10.0.0.1&&flag&x=a%26b+c";

	assert_null(parse_query(&request, query));
	assert_int_equal(request.query_count, 4);
	assert_string_equal(http_query(&request, "API-VERSION"), "2025-05-01");
	assert_string_equal(http_query(&request, "flag"), "");
	assert_string_equal(http_query(&request, "x"), "a&b c");
	assert_null(http_query(&request, "none"));
}

static void nothing(struct router_call *call)
{
}

static const struct router_row table[] = {
	{ HTTP_GET, "virtualNetworkGateways", CONFIG_TOKEN_READ, nothing },
	{ HTTP_GET, "virtualNetworkGateways/*", CONFIG_TOKEN_READ, nothing },
	{ HTTP_POST, "virtualNetworkGateways/*/reset", CONFIG_TOKEN_OPERATE, nothing },
	{ HTTP_GET, "locations/*/operations/*", CONFIG_TOKEN_READ, nothing },
	{ HTTP_GET, "healthz", CONFIG_TOKEN_READ, nothing },
};

static enum router_result route(enum http_method method, const char *text, struct router_call *call,
				const struct router_row **row)
{
	static struct http_request request;
	static char path[512];

	memset(&request, 0, sizeof(request));
	snprintf(path, sizeof(path), "%s", text);
	request.method = method;
	assert_null(parse_path(&request, path));
	return router_find(table, sizeof(table) / sizeof(table[0]), &request, call, row);
}

static void test_rows(void **state)
{
	struct router_call call = { 0 };
	const struct router_row *row = NULL;
	const char *full = "/subscriptions/S/ResourceGroups/G/providers/microsoft.network/"
			   "VIRTUALNETWORKGATEWAYS/gw/RESET";

	assert_int_equal(route(HTTP_POST, full, &call, &row), ROUTER_FOUND);
	assert_ptr_equal(row, &table[2]);
	assert_string_equal(call.subscription, "S");
	assert_string_equal(call.group, "G");
	assert_string_equal(call.names[0], "gw");
	assert_int_equal(route(HTTP_GET, "/virtualNetworkGateways/gw", &call, &row), ROUTER_FOUND);
	assert_null(call.subscription);
	assert_int_equal(route(HTTP_GET,
			       "/subscriptions/S/providers/Microsoft.Network/locations/x/"
			       "operations/1",
			       &call, &row),
			 ROUTER_FOUND);
	assert_null(call.group);
	assert_int_equal(route(HTTP_DELETE, "/healthz", &call, &row), ROUTER_NO_METHOD);
	assert_int_equal(route(HTTP_GET, "/virtualNetworkGateways/gw/", &call, &row), ROUTER_FOUND);
	assert_int_equal(route(HTTP_GET, "/virtualNetworkGateways/gw/x", &call, &row),
			 ROUTER_NO_PATH);
	assert_int_equal(route(HTTP_GET, "/nothing", &call, &row), ROUTER_NO_PATH);
}

struct tokens {
	struct config_api api;
	struct auth *auth;
	char directory[64];
	char token[AUTH_TOKEN_TEXT];
	char expired[AUTH_TOKEN_TEXT];
};

static int tokens_setup(void **state)
{
	struct tokens *t = calloc(1, sizeof(*t));
	char path[128];
	char line[256];
	FILE *file;

	snprintf(t->directory, sizeof(t->directory), "/tmp/vpngw-rest-XXXXXX");
	assert_non_null(mkdtemp(t->directory));
	snprintf(path, sizeof(path), "%s/tokens", t->directory);
	file = fopen(path, "w");
	assert_int_equal(
		auth_token_make(&(struct auth_new_token){ "ops", CONFIG_TOKEN_OPERATE, NULL },
				t->token, line, sizeof(line)),
		0);
	fputs(line, file);
	assert_int_equal(auth_token_make(&(struct auth_new_token){ "old", CONFIG_TOKEN_ADMIN,
								   "2020-01-01T01:00:00+01:00" },
					 t->expired, line, sizeof(line)),
			 0);
	fputs(line, file);
	assert_null(strstr(line, t->expired));
	fclose(file);
	chmod(path, 0600);
	t->api.limits = (struct config_api_limits){ .changes_per_s = 2,
						    .changes_burst = 3,
						    .reads_per_s = 1000,
						    .failed_authentications_per_min = 5 };
	assert_int_equal(auth_new(&t->auth, &t->api, t->directory), 0);
	*state = t;
	return 0;
}

static int tokens_teardown(void **state)
{
	struct tokens *t = *state;
	char path[128];

	snprintf(path, sizeof(path), "%s/tokens", t->directory);
	unlink(path);
	rmdir(t->directory);
	auth_free(t->auth);
	free(t);
	return 0;
}

static enum auth_result ask(struct tokens *t, const char *token, enum http_method method,
			    uint64_t now_ns, const char *peer)
{
	struct http_request request = { .method = method };
	char header[128];
	uint32_t retry;

	snprintf(header, sizeof(header), "Bearer %s", token);
	snprintf(request.peer, sizeof(request.peer), "%s:1234", peer);
	request.authorization = token[0] ? header : NULL;
	return auth_check(t->auth, &request, now_ns, 1800000000, &retry);
}

static void test_tokens(void **state)
{
	struct tokens *t = *state;

	assert_int_equal(ask(t, t->token, HTTP_GET, 1, "a"), AUTH_GOOD);
	assert_int_equal(ask(t, "", HTTP_GET, 1, "a"), AUTH_MISSING);
	assert_int_equal(ask(t, t->expired, HTTP_GET, 1, "a"), AUTH_EXPIRED);
	t->token[3] ^= 1;
	assert_int_equal(ask(t, t->token, HTTP_GET, 1, "a"), AUTH_WRONG);
}

static void test_failures_hold_off_the_address(void **state)
{
	struct tokens *t = *state;
	uint64_t now = 1000 * CLOCK_NS_PER_S;

	for (int i = 0; i < 5; i++)
		assert_int_equal(ask(t, "wrong", HTTP_GET, now, "bad"), AUTH_WRONG);
	assert_int_equal(ask(t, "wrong", HTTP_GET, now, "bad"), AUTH_HELD_OFF);
	assert_int_equal(ask(t, "wrong", HTTP_GET, now, "good"), AUTH_WRONG);
	/* Who shares the address with them and has a good token is served. */
	assert_int_equal(ask(t, t->token, HTTP_GET, now, "bad"), AUTH_GOOD);
	now += 61 * CLOCK_NS_PER_S;
	assert_int_equal(ask(t, "wrong", HTTP_GET, now, "bad"), AUTH_WRONG);
}

static void test_changes_have_a_rate(void **state)
{
	struct tokens *t = *state;
	uint64_t now = 1000 * CLOCK_NS_PER_S;

	for (int i = 0; i < 3; i++)
		assert_int_equal(ask(t, t->token, HTTP_PUT, now, "a"), AUTH_GOOD);
	assert_int_equal(ask(t, t->token, HTTP_PUT, now, "a"), AUTH_TOO_MANY);
	assert_int_equal(ask(t, t->token, HTTP_GET, now, "a"), AUTH_GOOD);
	now += CLOCK_NS_PER_S / 2;
	assert_int_equal(ask(t, t->token, HTTP_PUT, now, "a"), AUTH_GOOD);
	assert_int_equal(ask(t, t->token, HTTP_PUT, now, "a"), AUTH_TOO_MANY);
}

static void test_operations_survive(void **state)
{
	struct operation_store *store;
	struct operation *done;
	struct operation *running;
	char ids[2][ID_GUID_TEXT];
	char path[] = "/tmp/vpngw-operations-XXXXXX";
	struct text text = { 0 };
	cJSON *json;

	close(mkstemp(path));
	assert_int_equal(operation_store_new(&store, path), 0);
	assert_int_equal(operation_start(store, &done), 0);
	assert_int_equal(operation_start(store, &running), 0);
	operation_succeed(store, done, 200, "{}");
	memcpy(ids[0], done->id, ID_GUID_TEXT);
	memcpy(ids[1], running->id, ID_GUID_TEXT);
	operation_store_free(store);

	assert_int_equal(operation_store_new(&store, path), 0);
	assert_int_equal(operation_find(store, ids[0])->state, OPERATION_SUCCEEDED);
	assert_int_equal(operation_find(store, ids[1])->state, OPERATION_FAILED);
	assert_null(operation_find(store, "no-such-operation"));
	operation_render(operation_find(store, ids[1]), &text);
	json = cJSON_Parse(text_get(&text));
	assert_non_null(json);
	assert_string_equal(cJSON_GetObjectItem(json, "status")->valuestring, "Failed");
	assert_string_equal(
		cJSON_GetObjectItem(cJSON_GetObjectItem(json, "error"), "code")->valuestring,
		"OperationInterrupted");
	cJSON_Delete(json);
	text_fini(&text);
	operation_store_free(store);
	unlink(path);
}

static void test_errors_are_json_whatever_they_say(void **state)
{
	struct http_reply reply = { 0 };
	cJSON *root;
	cJSON *json;

	error_set(&reply, &(struct error_answer){ 400, "InvalidParameter", "/a\"b" },
		  "quote \" backslash \\ newline \n end");
	root = cJSON_Parse(text_get(&reply.body));
	assert_non_null(root);
	json = cJSON_GetObjectItem(root, "error");
	assert_string_equal(cJSON_GetObjectItem(json, "message")->valuestring,
			    "quote \" backslash \\ newline \n end");
	assert_string_equal(cJSON_GetObjectItem(json, "target")->valuestring, "/a\"b");
	cJSON_Delete(root);
	http_reply_fini(&reply);
}

/* Pointers are into what the client sent; what another resource is about names that one. */
static void test_places_of_findings(void **state)
{
	static const struct {
		struct error_places places;
		const char *pointer, *resource, *target;
	} rows[] = {
		{ { "/a/B", NULL, NULL }, "/properties/x", "/a/b", "/properties/x" },
		{ { "/a/b", NULL, NULL }, "/connections/0/properties/x", "/a/c", "/a/c" },
		{ { "/a/b", NULL, NULL }, "/properties", NULL, "/properties" },
		{ { "/a/b", "/properties/subnets/1", NULL },
		  "/properties/subnets/1/name",
		  "/a/b",
		  "/name" },
		{ { "/a/b", "/properties/subnets/1", NULL },
		  "/properties/subnets/12",
		  "/a/b",
		  "/properties/subnets/12" },
		{ { "/a/b", "/properties/sharedKey", "/value" },
		  "/properties/sharedKey",
		  "/a/b",
		  "/value" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct config_problem problem = { .pointer = rows[i].pointer,
						  .resource = rows[i].resource,
						  .code = "X" };
		struct http_reply reply = { 0 };
		struct config_report report;
		cJSON *root, *error;

		config_report_init(&report);
		config_report_error(&report, &problem, "Is wrong.");
		error_set_report(&reply, &report, &rows[i].places);
		root = cJSON_Parse(text_get(&reply.body));
		error = cJSON_GetObjectItem(root, "error");
		assert_string_equal(cJSON_GetObjectItem(error, "target")->valuestring,
				    rows[i].target);
		error = cJSON_GetArrayItem(cJSON_GetObjectItem(error, "details"), 0);
		assert_string_equal(cJSON_GetObjectItem(error, "target")->valuestring,
				    rows[i].target);
		cJSON_Delete(root);
		http_reply_fini(&reply);
		config_report_fini(&report);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_paths),
		cmocka_unit_test(test_query),
		cmocka_unit_test(test_rows),
		cmocka_unit_test_setup_teardown(test_tokens, tokens_setup, tokens_teardown),
		cmocka_unit_test_setup_teardown(test_failures_hold_off_the_address, tokens_setup,
						tokens_teardown),
		cmocka_unit_test_setup_teardown(test_changes_have_a_rate, tokens_setup,
						tokens_teardown),
		cmocka_unit_test(test_operations_survive),
		cmocka_unit_test(test_errors_are_json_whatever_they_say),
		cmocka_unit_test(test_places_of_findings),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
