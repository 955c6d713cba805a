/*
 * How changes become what runs: files at start, chains of changes, refusals, rollback,
 * confirmation.
 */
#include "config_edit.h"

#include "base/clock.h"
#include "control/config/build.h"
#include "control/config/store.h"

#include <poll.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

struct fixture {
	char directory[64];
	char state[80];
	char file[80];
	struct config_store *store;
	struct config_report report;
	int applies;
	int apply_result;
	int prepare_result;
	uint32_t touched; /* by the last apply */
	int done;
	int status;
	char why[256];
};

static int prepare(void *context, const struct config *from, const struct config *to,
		   struct config_report *report)
{
	return ((struct fixture *)context)->prepare_result;
}

static int apply(void *context, const struct config *to, const struct config_diff *diff, char *why,
		 size_t why_size)
{
	struct fixture *f = context;

	f->applies++;
	f->touched = diff->count;
	if (f->apply_result < 0)
		snprintf(why, why_size, "the data plane said no");
	return f->apply_result;
}

static void done(void *context, int status, const char *why)
{
	struct fixture *f = context;

	f->done++;
	f->status = status;
	snprintf(f->why, sizeof(f->why), "%s", why ? why : "");
}

static void write_file(const struct fixture *f, const char *edits)
{
	char *text = edits ? config_edit(edits) : strdup("{ broken");
	FILE *file = fopen(f->file, "w");

	assert_non_null(file);
	fputs(text, file);
	fclose(file);
	free(text);
}

static int open_store(struct fixture *f)
{
	struct config_store_options options = {
		.file = f->file,
		.state_directory = f->state,
		.hooks = { .prepare = prepare, .apply = apply, .context = f },
	};

	config_report_fini(&f->report);
	return config_store_open(&f->store, &options, &f->report);
}

static int reopen(struct fixture *f)
{
	config_store_close(f->store);
	f->store = NULL;
	return open_store(f);
}

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	snprintf(f->directory, sizeof(f->directory), "/tmp/vpngw-store-XXXXXX");
	assert_non_null(mkdtemp(f->directory));
	snprintf(f->state, sizeof(f->state), "%s/state", f->directory);
	snprintf(f->file, sizeof(f->file), "%s/config.json", f->directory);
	config_report_init(&f->report);
	write_file(f, "");
	*state = f;
	if (open_store(f))
		config_test_print(&f->report);
	return f->store ? 0 : -1;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	config_store_close(f->store);
	config_report_fini(&f->report);
	if (fork() == 0) {
		execlp("rm", "rm", "-rf", f->directory, NULL);
		_exit(1);
	}
	wait(NULL);
	free(f);
	return 0;
}

static void wait_done(struct fixture *f, int wanted)
{
	struct pollfd fd = { .fd = config_store_fd(f->store), .events = POLLIN };

	while (f->done < wanted) {
		assert_int_equal(poll(&fd, 1, 5000), 1);
		config_store_poll(f->store);
	}
}

static int import(struct fixture *f)
{
	const struct config_store_import import = { .done = done, .context = f };

	return config_store_import(f->store, &import, &f->report);
}

/* Sets dpdTimeoutSeconds of connection `name`; built on the latest. */
static struct config *changed(struct fixture *f, const char *name, int seconds)
{
	struct config_build_options options = { .previous = config_store_latest(f->store) };
	struct text text = { 0 };
	struct config_build *build;
	struct config *config = NULL;
	char *json;
	cJSON *root;
	struct config_body body = { .kind = CONFIG_CONNECTION, .id = name, .origin = "" };

	text_add(&text,
		 "{'properties':{'virtualNetworkGateway1':'gw','localNetworkGateway2':'%s',"
		 "'connectionType':'IPsec','dpdTimeoutSeconds':%d}}",
		 name + 3, seconds);
	json = config_test_json(text_get(&text));
	body.json = root = cJSON_Parse(json);
	assert_int_equal(config_build_begin(&build, &options, &f->report), 0);
	assert_int_equal(config_build_put(build, &body), 0);
	assert_int_equal(config_build_end(build, &config), 0);
	cJSON_Delete(root);
	free(json);
	text_fini(&text);
	return config;
}

static int commit(struct fixture *f, struct config *config, uint32_t confirm_s)
{
	struct config_store_commit change = { .config = config,
					      .cause = "rest",
					      .actor = "tester",
					      .confirm_s = confirm_s,
					      .done = done,
					      .context = f };

	return config_store_commit(f->store, &change, &f->report);
}

static int64_t dpd_of(const struct config *config, uint32_t i)
{
	return config_connection_at(config, i)->dpd_timeout_s;
}

static void test_commit(void **state)
{
	struct fixture *f = *state;
	const char *key = config_at(config_store_running(f->store), CONFIG_CONNECTION, 0)->key;

	assert_false(config_store_busy(f->store, CONFIG_CONNECTION, key));
	assert_int_equal(commit(f, changed(f, "to-a", 60), 0), 0);
	assert_true(config_store_busy(f->store, CONFIG_CONNECTION, key));
	assert_int_equal(dpd_of(config_store_running(f->store), 0), 45);
	assert_int_equal(dpd_of(config_store_latest(f->store), 0), 60);
	wait_done(f, 1);
	assert_int_equal(f->status, 0);
	assert_int_equal(f->touched, 1);
	assert_false(config_store_busy(f->store, CONFIG_CONNECTION, key));
	assert_int_equal(dpd_of(config_store_running(f->store), 0), 60);
	/* The file is as it was: REST's change outlives a restart. */
	assert_int_equal(reopen(f), 0);
	assert_int_equal(dpd_of(config_store_running(f->store), 0), 60);
}

static void test_chain(void **state)
{
	struct fixture *f = *state;
	struct config *stale = changed(f, "to-a", 99);

	assert_int_equal(commit(f, changed(f, "to-a", 60), 0), 0);
	assert_int_equal(commit(f, changed(f, "to-b", 61), 0), 0);
	assert_int_equal(commit(f, stale, 0), -ESTALE);
	wait_done(f, 2);
	assert_int_equal(dpd_of(config_store_running(f->store), 0), 60);
	assert_int_equal(dpd_of(config_store_running(f->store), 1), 61);
}

static void test_refused_by_prepare(void **state)
{
	struct fixture *f = *state;

	f->prepare_result = -EINVAL;
	assert_int_equal(commit(f, changed(f, "to-a", 60), 0), -EINVAL);
	assert_int_equal(f->applies, 0);
	assert_int_equal(dpd_of(config_store_latest(f->store), 0), 45);
}

/* The data plane refuses: what ran before runs, now and after a restart. */
static void test_refused_by_apply(void **state)
{
	struct fixture *f = *state;

	f->apply_result = -EIO;
	assert_int_equal(commit(f, changed(f, "to-a", 60), 0), 0);
	assert_int_equal(commit(f, changed(f, "to-b", 61), 0), 0);
	wait_done(f, 2);
	assert_int_equal(f->status, -EIO);
	assert_string_equal(f->why, "the data plane said no");
	assert_int_equal(dpd_of(config_store_running(f->store), 0), 45);
	assert_ptr_equal(config_store_running(f->store), config_store_latest(f->store));
	f->apply_result = 0;
	assert_int_equal(reopen(f), 0);
	assert_int_equal(dpd_of(config_store_running(f->store), 0), 45);
	assert_int_equal(commit(f, changed(f, "to-a", 62), 0), 0);
	wait_done(f, 3);
	assert_int_equal(f->status, 0);
}

static void test_applied_later(void **state)
{
	struct fixture *f = *state;

	f->apply_result = 1;
	assert_int_equal(commit(f, changed(f, "to-a", 60), 0), 0);
	while (!f->applies)
		config_store_poll(f->store);
	assert_int_equal(f->done, 0);
	config_store_applied(f->store, 0, NULL);
	assert_int_equal(f->done, 1);
	assert_int_equal(dpd_of(config_store_running(f->store), 0), 60);
}

static void test_full_disk(void **state)
{
	struct fixture *f = *state;
	struct rlimit old, small;
	struct stat st;
	char path[128];

	snprintf(path, sizeof(path), "%s/journal", f->state);
	assert_int_equal(stat(path, &st), 0);
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
	small = old;
	small.rlim_cur = (rlim_t)st.st_size + 50;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	assert_int_equal(commit(f, changed(f, "to-a", 60), 0), 0);
	wait_done(f, 1);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
	assert_int_equal(f->status, -EFBIG);
	assert_non_null(strstr(f->why, "could not be saved"));
	assert_int_equal(f->applies, 0);
	assert_int_equal(dpd_of(config_store_latest(f->store), 0), 45);
}

static void test_changed_file_wins(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(commit(f, changed(f, "to-a", 60), 0), 0);
	wait_done(f, 1);
	write_file(f, "/connections/1/properties/dpdTimeoutSeconds=77");
	assert_int_equal(reopen(f), 0);
	assert_int_equal(dpd_of(config_store_running(f->store), 0), 45);
	assert_int_equal(dpd_of(config_store_running(f->store), 1), 77);
	/* What was overwritten is in the history. */
	assert_int_equal(config_store_rollback(f->store, 2, "tester", done, f), 0);
	wait_done(f, 2);
	assert_int_equal(f->status, 0);
	assert_int_equal(dpd_of(config_store_running(f->store), 0), 60);
	assert_int_equal(config_store_rollback(f->store, 99, "tester", done, f), 0);
	wait_done(f, 3);
	assert_int_equal(f->status, -ENOENT);
}

static void test_broken_file(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(commit(f, changed(f, "to-a", 60), 0), 0);
	wait_done(f, 1);
	write_file(f, NULL);
	assert_int_equal(reopen(f), 0);
	assert_true(f->report.warning_count > 0);
	assert_int_equal(f->report.error_count, 0);
	assert_int_equal(dpd_of(config_store_running(f->store), 0), 60);
	assert_int_equal(import(f), -EINVAL);
}

static void test_first_start_broken(void **state)
{
	struct fixture *f = *state;

	config_store_close(f->store);
	f->store = NULL;
	snprintf(f->state, sizeof(f->state), "%s/other", f->directory);
	write_file(f, NULL);
	assert_int_equal(open_store(f), -EINVAL);
	assert_true(f->report.error_count > 0);
}

static void test_reload(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(import(f), -EALREADY);
	write_file(f, "/connections/0/properties/dpdTimeoutSeconds=30");
	assert_int_equal(import(f), 0);
	wait_done(f, 1);
	assert_int_equal(dpd_of(config_store_running(f->store), 0), 30);
	assert_int_equal(import(f), -EALREADY);
}

/* Asked for, the file wins again over what came since, although it is the one imported last. */
static void test_import_anew(void **state)
{
	struct fixture *f = *state;
	const struct config_store_import anew = { .done = done, .context = f, .anew = true };

	assert_int_equal(config_store_import(f->store, &anew, &f->report), -EALREADY);
	assert_int_equal(commit(f, changed(f, "to-a", 60), 0), 0);
	wait_done(f, 1);
	assert_int_equal(import(f), -EALREADY);
	assert_int_equal(dpd_of(config_store_running(f->store), 0), 60);
	assert_int_equal(config_store_import(f->store, &anew, &f->report), 0);
	wait_done(f, 2);
	assert_int_not_equal(dpd_of(config_store_running(f->store), 0), 60);
}

/* A text that is sent runs as a change by REST does: the file stays imported, and wins when asked.
 */
static void test_import_text(void **state)
{
	struct fixture *f = *state;
	char *edited = config_edit("/connections/0/properties/dpdTimeoutSeconds=30");
	const struct config_store_import text = {
		.done = done,
		.context = f,
		.anew = true,
		.text = { (const uint8_t *)edited, strlen(edited) },
	};
	const struct config_store_import file = { .done = done, .context = f, .anew = true };
	const struct config_store_import broken = { .anew = true,
						    .text = { (const uint8_t *)"{", 1 } };

	assert_int_equal(config_store_import(f->store, &text, &f->report), 0);
	wait_done(f, 1);
	assert_int_equal(dpd_of(config_store_running(f->store), 0), 30);
	assert_int_equal(config_store_import(f->store, &text, &f->report), -EALREADY);
	assert_int_equal(import(f), -EALREADY);
	assert_int_equal(reopen(f), 0);
	assert_int_equal(dpd_of(config_store_running(f->store), 0), 30);
	assert_int_equal(config_store_import(f->store, &file, &f->report), 0);
	wait_done(f, 2);
	assert_int_not_equal(dpd_of(config_store_running(f->store), 0), 30);
	assert_int_equal(config_store_import(f->store, &broken, &f->report), -EINVAL);
	free(edited);
}

/* The file itself that is sent is the file: at the next start it does not win over what came since.
 */
static void test_import_text_of_the_file(void **state)
{
	struct fixture *f = *state;
	char *edited = config_edit("/connections/0/properties/dpdTimeoutSeconds=30");
	const struct config_store_import text = {
		.done = done,
		.context = f,
		.anew = true,
		.text = { (const uint8_t *)edited, strlen(edited) },
	};

	write_file(f, "/connections/0/properties/dpdTimeoutSeconds=30");
	assert_int_equal(config_store_import(f->store, &text, &f->report), 0);
	wait_done(f, 1);
	assert_int_equal(commit(f, changed(f, "to-a", 60), 0), 0);
	wait_done(f, 2);
	assert_int_equal(reopen(f), 0);
	assert_int_equal(dpd_of(config_store_running(f->store), 0), 60);
	free(edited);
}

/* What a text would change is told, and nothing is changed. */
static void test_preview(void **state)
{
	struct fixture *f = *state;
	const struct config *before = config_store_running(f->store);
	struct text lines = { 0 };

	write_file(f, "/connections/0/properties/dpdTimeoutSeconds=30");
	assert_int_equal(config_store_preview(f->store, (struct span){ 0 }, &lines, &f->report), 0);
	assert_non_null(strstr(text_get(&lines), "~ connections/"));
	assert_non_null(strstr(text_get(&lines), "/properties/dpdTimeoutSeconds"));
	text_clear(&lines);
	assert_int_equal(config_store_preview(f->store, (struct span){ (const uint8_t *)"{", 1 },
					      &lines, &f->report),
			 -EINVAL);
	assert_true(f->report.error_count > 0);
	assert_ptr_equal(config_store_running(f->store), before);
	assert_ptr_equal(config_store_latest(f->store), before);
	text_fini(&lines);
}

/* Nobody confirms: it goes back. Confirmed: it stays. */
static void test_confirm(void **state)
{
	struct fixture *f = *state;
	uint64_t deadline;
	struct pollfd fd = { .fd = config_store_fd(f->store), .events = POLLIN };

	assert_int_equal(config_store_confirm(f->store), -ENOENT);
	assert_int_equal(commit(f, changed(f, "to-a", 60), 120), 0);
	wait_done(f, 1);
	deadline = config_store_deadline_ns(f->store);
	assert_true(deadline > clock_now_ns(&clock_monotonic) + 100 * CLOCK_NS_PER_S);
	config_store_tick(f->store, deadline - 1);
	assert_int_equal(config_store_deadline_ns(f->store), deadline);
	config_store_tick(f->store, deadline);
	while (dpd_of(config_store_running(f->store), 0) == 60) {
		assert_int_equal(poll(&fd, 1, 5000), 1);
		config_store_poll(f->store);
	}
	assert_int_equal(commit(f, changed(f, "to-a", 61), 120), 0);
	wait_done(f, 2);
	assert_int_equal(config_store_confirm(f->store), 0);
	assert_int_equal(config_store_deadline_ns(f->store), 0);
	assert_int_equal(dpd_of(config_store_running(f->store), 0), 61);
}

static int group_set_up(void **state)
{
	return secret_pool_init(1 << 20);
}

static int group_tear_down(void **state)
{
	secret_pool_fini();
	return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_commit),
		TEST(test_chain),
		TEST(test_refused_by_prepare),
		TEST(test_refused_by_apply),
		TEST(test_applied_later),
		TEST(test_full_disk),
		TEST(test_changed_file_wins),
		TEST(test_broken_file),
		TEST(test_first_start_broken),
		TEST(test_reload),
		TEST(test_import_anew),
		TEST(test_import_text),
		TEST(test_import_text_of_the_file),
		TEST(test_preview),
		TEST(test_confirm),
	};

	return cmocka_run_group_tests(tests, group_set_up, group_tear_down);
}
