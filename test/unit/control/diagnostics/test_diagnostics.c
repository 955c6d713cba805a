/*
 * Lines of diagnostic logs: their columns, what is selected, what is held back, the file that turns
 * and the journal's native protocol.
 */
#include "cmocka_all.h"

#include "control/diagnostics/internal.h"
#include "control/tunnel/plan.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

struct world {
	char folder[40];
	char file[64];
	char text[1 << 20];
	struct clock clock;
	struct diagnostics *diagnostics;
};

static int setup(void **state)
{
	struct world *w = calloc(1, sizeof(*w));

	snprintf(w->folder, sizeof(w->folder), "/tmp/diagnostics-XXXXXX");
	assert_non_null(mkdtemp(w->folder));
	snprintf(w->file, sizeof(w->file), "%s/log", w->folder);
	clock_fake_init(&w->clock, CLOCK_NS_PER_S);
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;
	char old[80];

	diagnostics_free(w->diagnostics);
	snprintf(old, sizeof(old), "%s.1", w->file);
	unlink(w->file);
	unlink(old);
	assert_int_equal(rmdir(w->folder), 0);
	free(w);
	return 0;
}

static void begin(struct world *w, const char *journal)
{
	struct diagnostics_config config = { &w->clock, w->file, journal };

	assert_int_equal(diagnostics_new(&w->diagnostics, &config), 0);
	assert_int_equal(diagnostics_select(w->diagnostics,
					    "GatewayDiagnosticLog,TunnelDiagnosticLog,"
					    "RouteDiagnosticLog"),
			 0);
}

static void line(struct world *w, enum diagnostics_category category, const char *message)
{
	const struct diagnostics_line line = { .category = category,
					       .operation = "TunnelConnected",
					       .resource = "gw",
					       .group = "demo",
					       .instance = "GatewayTenantWorker_IN_0",
					       .remote = "203.0.113.10",
					       .message = message };

	diagnostics_write(w->diagnostics, &line);
}

static const char *file_text(struct world *w)
{
	FILE *file = fopen(w->file, "r");
	size_t n = file ? fread(w->text, 1, sizeof(w->text) - 1, file) : 0;

	w->text[n] = '\0';
	if (file)
		fclose(file);
	return w->text;
}

static uint32_t lines_of(const char *text)
{
	uint32_t n = 0;

	for (; *text; text++)
		n += *text == '\n';
	return n;
}

static void text_is(const cJSON *json, const char *name, const char *value)
{
	assert_string_equal(cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(json, name)),
			    value);
}

/* A message cannot end its line or leave its string. */
static void test_columns(void **state)
{
	struct world *w = *state;
	const char *time;
	cJSON *json;

	begin(w, NULL);
	line(w, DIAGNOSTICS_TUNNEL, "one\n\"two\"");
	assert_int_equal(lines_of(file_text(w)), 1);
	json = cJSON_Parse(w->text);
	assert_non_null(json);
	text_is(json, "Category", "TunnelDiagnosticLog");
	text_is(json, "OperationName", "TunnelConnected");
	text_is(json, "Message", "one\n\"two\"");
	text_is(json, "Level", "Informational");
	text_is(json, "Resource", "gw");
	text_is(json, "ResourceGroup", "demo");
	text_is(json, "instance_s", "GatewayTenantWorker_IN_0");
	text_is(json, "remoteIP_s", "203.0.113.10");
	time = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(json, "TimeGenerated"));
	assert_int_equal(strlen(time), strlen("2026-01-31T00:00:00.000000Z"));
	assert_int_equal(time[strlen(time) - 1], 'Z');
	cJSON_Delete(json);
}

static void test_selection(void **state)
{
	struct world *w = *state;

	begin(w, NULL);
	line(w, DIAGNOSTICS_IKE, "not selected");
	assert_string_equal(file_text(w), "");
	assert_int_equal(diagnostics_select(w->diagnostics, "NoSuchLog"), -EINVAL);
	assert_int_equal(diagnostics_select(w->diagnostics, "IKEDiagnosticLog"), 0);
	line(w, DIAGNOSTICS_IKE, "selected");
	line(w, DIAGNOSTICS_TUNNEL, "not any more");
	assert_int_equal(lines_of(file_text(w)), 1);
	assert_int_equal(diagnostics_select(w->diagnostics, ""), 0);
	line(w, DIAGNOSTICS_IKE, "nothing is");
	assert_int_equal(lines_of(file_text(w)), 1);
}

/* Routes are held to a thousand a second and then counted; tunnels are all told. */
static void test_held(void **state)
{
	struct world *w = *state;

	begin(w, NULL);
	for (int i = 0; i < 1003; i++)
		line(w, DIAGNOSTICS_ROUTE, "r");
	assert_int_equal(lines_of(file_text(w)), 1000);
	for (int i = 0; i < 1003; i++)
		line(w, DIAGNOSTICS_TUNNEL, "t");
	assert_int_equal(lines_of(file_text(w)), 2003);
	clock_fake_advance(&w->clock, CLOCK_NS_PER_S);
	unlink(w->file);
	diagnostics_reopen(w->diagnostics);
	line(w, DIAGNOSTICS_ROUTE, "after");
	assert_int_equal(lines_of(file_text(w)), 2);
	assert_non_null(strstr(w->text, "3 lines of this category were left out."));
}

static void test_file_turns(void **state)
{
	struct world *w = *state;
	char old[80];
	char *message = malloc(1 << 20);
	struct stat st;

	memset(message, 'x', (1 << 20) - 1);
	message[(1 << 20) - 1] = '\0';
	begin(w, NULL);
	for (int i = 0; i < 20; i++)
		line(w, DIAGNOSTICS_TUNNEL, message);
	free(message);
	snprintf(old, sizeof(old), "%s.1", w->file);
	assert_int_equal(stat(old, &st), 0);
	assert_in_range(st.st_size, 1 << 20, 16 << 20);
	assert_int_equal(stat(w->file, &st), 0);
	assert_in_range(st.st_size, 1 << 20, 16 << 20);
}

/* Fields as the journal takes them, the line as MESSAGE; no file. */
static void test_journal(void **state)
{
	struct world *w = *state;
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_DGRAM, 0);
	struct stat st;
	char got[2048];
	ssize_t n;

	snprintf(addr.sun_path, sizeof(addr.sun_path), "%s/journal", w->folder);
	assert_int_equal(bind(fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
	begin(w, addr.sun_path);
	line(w, DIAGNOSTICS_TUNNEL, "up\nVPNGW_RESOURCE=forged");
	n = recv(fd, got, sizeof(got) - 1, MSG_DONTWAIT);
	assert_true(n > 0);
	got[n] = '\0';
	assert_int_equal(lines_of(got), 6);
	assert_non_null(strstr(got, "VPNGW_CATEGORY=TunnelDiagnosticLog\n"));
	assert_non_null(strstr(got, "VPNGW_OPERATION=TunnelConnected\n"));
	assert_non_null(strstr(got, "VPNGW_RESOURCE=gw\n"));
	assert_null(strstr(got, "VPNGW_RESOURCE=forged\n"));
	assert_non_null(strstr(got, "PRIORITY=6\n"));
	assert_non_null(strstr(got, "MESSAGE={\"TimeGenerated\":"));
	assert_int_equal(stat(w->file, &st), -1);
	close(fd);
	unlink(addr.sun_path);
}

/* No journal behind the socket's name: the file has the lines. */
static void test_no_journal(void **state)
{
	struct world *w = *state;

	begin(w, "/nowhere/socket");
	line(w, DIAGNOSTICS_TUNNEL, "up");
	assert_int_equal(lines_of(file_text(w)), 1);
}

/* A tunnel that is taken out of the configuration while it is up is told, and forgotten. */
static void test_tunnel_goes(void **state)
{
	struct world *w = *state;
	const struct config_connection connection = { .resource.name = "to-branch" };
	const struct config_gateway gateway = { .resource.name = "gw" };
	const struct plan_tunnel plan = { .connection = &connection, .gateway = &gateway };
	struct tunnel_status status = { .name = "to-branch a b",
					.plan = &plan,
					.connection = &connection,
					.reason = "",
					.detail = "" };
	static const struct {
		enum tunnel_state last;
		uint32_t lines;
	} cases[] = { { TUNNEL_CONNECTED, 2 }, { TUNNEL_NOT_CONNECTED, 2 } };

	begin(w, NULL);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		unlink(w->file);
		diagnostics_reopen(w->diagnostics);
		status.state = TUNNEL_CONNECTED;
		diagnostics_tunnel(w->diagnostics, &status);
		status.state = cases[i].last;
		diagnostics_tunnel(w->diagnostics, &status);
		diagnostics_tunnel_goes(w->diagnostics, status.name);
		diagnostics_tunnel_goes(w->diagnostics, status.name);
		assert_int_equal(lines_of(file_text(w)), cases[i].lines);
		assert_non_null(strstr(w->text, "\"TunnelDisconnected\""));
		assert_int_equal(w->diagnostics->tunnels.count, 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_columns, setup, teardown),
		cmocka_unit_test_setup_teardown(test_selection, setup, teardown),
		cmocka_unit_test_setup_teardown(test_held, setup, teardown),
		cmocka_unit_test_setup_teardown(test_file_turns, setup, teardown),
		cmocka_unit_test_setup_teardown(test_journal, setup, teardown),
		cmocka_unit_test_setup_teardown(test_no_journal, setup, teardown),
		cmocka_unit_test_setup_teardown(test_tunnel_goes, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
