/*
 * What the journal must hold against: a process that is killed while it writes, a full disk, broken
 * files, others that can read.
 */
#include "config_edit.h"

#include "control/config/build.h"
#include "control/config/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

struct fixture {
	char directory[64];
	struct config_journal *journal;
	struct config_report report;
	struct config *config;
	int status; /* of the last append, 1: not yet */
	char *text; /* of the last read */
};

static void path_of(const struct fixture *f, const char *name, char path[128])
{
	snprintf(path, 128, "%s/%s", f->directory, name);
}

static int open_journal(struct fixture *f, uint32_t history)
{
	struct config_journal_options options = { .directory = f->directory, .history = history };

	return config_journal_open(&f->journal, &options, &f->report);
}

static void close_journal(struct fixture *f)
{
	config_journal_close(f->journal);
	f->journal = NULL;
}

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	snprintf(f->directory, sizeof(f->directory), "/tmp/vpngw-journal-XXXXXX");
	assert_non_null(mkdtemp(f->directory));
	config_report_init(&f->report);
	assert_int_equal(config_edit_load(&f->config, NULL, "", &f->report), 0);
	*state = f;
	return open_journal(f, 8);
}

static int tear_down(void **state)
{
	struct fixture *f = *state;
	char command[128];

	close_journal(f);
	config_put(f->config);
	config_report_fini(&f->report);
	free(f->text);
	if (fork() == 0) {
		snprintf(command, sizeof(command), "%s", f->directory);
		execlp("rm", "rm", "-rf", command, NULL);
		_exit(1);
	}
	wait(NULL);
	free(f);
	return 0;
}

static void done(void *context, int status)
{
	((struct fixture *)context)->status = status;
}

static void wait_for(struct fixture *f)
{
	struct pollfd fd = { .fd = config_journal_fd(f->journal), .events = POLLIN };

	while (f->status == 1) {
		assert_int_equal(poll(&fd, 1, 60000), 1);
		config_journal_poll(f->journal);
	}
}

static int append(struct fixture *f, const struct config *from, const struct config *to)
{
	struct config_journal_change change = {
		.cause = from ? "rest" : "import",
		.actor = "tester",
		.fingerprint = from ? 0 : 77,
		.from = from,
		.to = to,
		.done = done,
		.context = f,
	};

	f->status = 1;
	assert_int_equal(config_journal_append(f->journal, &change), 0);
	wait_for(f);
	return f->status;
}

/* Another dpdTimeoutSeconds, appended; the fixture goes on with it when that worked. */
static int step(struct fixture *f, int seconds)
{
	struct config *next = NULL;
	char edit[96];
	int status;

	snprintf(edit, sizeof(edit), "/connections/0/properties/dpdTimeoutSeconds=%d", seconds);
	assert_int_equal(config_edit_load(&next, f->config, edit, &f->report), 0);
	status = append(f, f->config, next);
	if (status) {
		config_put(next);
		return status;
	}
	config_put(f->config);
	f->config = next;
	return 0;
}

static struct config *load(struct fixture *f)
{
	struct config *config = NULL;

	if (config_journal_load(f->journal, NULL, &config, &f->report))
		config_test_print(&f->report);
	return config;
}

static void assert_same(const struct config *a, const struct config *b)
{
	assert_non_null(a);
	assert_int_equal(a->revision, b->revision);
	for (int kind = 0; kind < CONFIG_KINDS; kind++) {
		assert_int_equal(config_count(a, kind), config_count(b, kind));
		for (uint32_t i = 0; i < config_count(a, kind); i++) {
			assert_true(config_resource_equal(config_at(a, kind, i),
							  config_at(b, kind, i)));
			assert_int_equal(config_at(a, kind, i)->revision,
					 config_at(b, kind, i)->revision);
		}
	}
}

static void assert_reopens(struct fixture *f)
{
	struct config *again;

	close_journal(f);
	assert_int_equal(open_journal(f, 8), 0);
	again = load(f);
	assert_same(again, f->config);
	config_put(again);
}

static void test_empty(void **state)
{
	struct fixture *f = *state;
	struct config *config = (struct config *)f;

	assert_int_equal(config_journal_load(f->journal, NULL, &config, &f->report), 0);
	assert_null(config);
	assert_int_equal(config_journal_fingerprint(f->journal), 0);
}

/* Keys, revisions and the fingerprint come back. */
static void test_reopen(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(append(f, NULL, f->config), 0);
	assert_int_equal(step(f, 60), 0);
	assert_int_equal(step(f, 61), 0);
	assert_reopens(f);
	assert_int_equal(config_journal_fingerprint(f->journal), 77);
	assert_int_equal(f->report.warning_count, 0);
}

static void test_removal(void **state)
{
	struct fixture *f = *state;
	struct config *next = NULL;

	assert_int_equal(append(f, NULL, f->config), 0);
	assert_int_equal(config_edit_load(&next, f->config, "/connections/1=-", &f->report), 0);
	assert_int_equal(append(f, f->config, next), 0);
	config_put(f->config);
	f->config = next;
	assert_reopens(f);
	assert_int_equal(config_count(f->config, CONFIG_CONNECTION), 2);
}

static off_t size_of(const struct fixture *f)
{
	struct stat st;
	char path[128];

	path_of(f, "journal", path);
	assert_int_equal(stat(path, &st), 0);
	return st.st_size;
}

/* Killed at any byte of the last record: what was acknowledged before is there. */
static void test_torn(void **state)
{
	struct fixture *f = *state;
	char path[128];
	off_t before, after;

	path_of(f, "journal", path);
	assert_int_equal(append(f, NULL, f->config), 0);
	before = size_of(f);
	for (off_t cut = 1; cut < 400; cut += 37) {
		struct config *kept = config_get(f->config);

		assert_int_equal(step(f, 100 + (int)cut), 0);
		after = size_of(f);
		close_journal(f);
		assert_int_equal(truncate(path, before + cut < after ? before + cut : after - 1),
				 0);
		config_put(f->config);
		f->config = kept;
		assert_reopens(f);
		assert_true(f->report.warning_count > 0);
		assert_int_equal(size_of(f), before);
	}
	/* And it goes on. */
	assert_int_equal(step(f, 99), 0);
	assert_reopens(f);
}

static void damage(const struct fixture *f, off_t at)
{
	char path[128];
	int fd;

	path_of(f, "journal", path);
	fd = open(path, O_WRONLY);
	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, "\xff", 1, at), 1);
	close(fd);
}

static void test_damaged(void **state)
{
	struct fixture *f = *state;
	struct config *kept;
	off_t before;

	assert_int_equal(append(f, NULL, f->config), 0);
	assert_int_equal(step(f, 60), 0);
	before = size_of(f);
	kept = config_get(f->config);
	assert_int_equal(step(f, 61), 0);
	close_journal(f);
	damage(f, before + 60);
	config_put(f->config);
	f->config = kept;
	assert_int_equal(open_journal(f, 8), 0);
	assert_int_equal(f->report.warning_count, 1);
	assert_non_null(strstr(f->report.warnings[0].message, "revision 2"));
	assert_reopens(f);
}

/* The compactor works beside the changes: its word comes as theirs does. */
static void settle(struct fixture *f, off_t most)
{
	struct pollfd fd = { .fd = config_journal_fd(f->journal), .events = POLLIN };

	while (size_of(f) >= most) {
		assert_int_equal(poll(&fd, 1, 50000), 1);
		config_journal_poll(f->journal);
	}
	config_journal_poll(f->journal);
}

/* The very beginning is gone: the generation before takes over, and nothing is thrown away. */
static void test_no_beginning(void **state)
{
	struct fixture *f = *state;
	struct pollfd fd = { .events = POLLIN };
	struct config *again;
	char old[128];

	assert_int_equal(append(f, NULL, f->config), 0);
	path_of(f, "journal.old", old);
	for (int i = 0; i < 40; i++)
		assert_int_equal(step(f, 60 + i), 0);
	for (fd.fd = config_journal_fd(f->journal); access(old, F_OK);) {
		assert_int_equal(poll(&fd, 1, 60000), 1);
		config_journal_poll(f->journal);
	}
	close_journal(f);
	damage(f, 2);
	assert_int_equal(open_journal(f, 8), 0);
	assert_non_null(strstr(f->report.warnings[0].message, "journal.old"));
	again = load(f);
	assert_non_null(again);
	assert_int_equal(config_count(again, CONFIG_CONNECTION), 3);
	config_put(again);
}

static void test_full_disk(void **state)
{
	struct fixture *f = *state;
	struct rlimit old, small;

	assert_int_equal(append(f, NULL, f->config), 0);
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
	small = old;
	small.rlim_cur = (rlim_t)size_of(f) + 100;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	assert_int_equal(step(f, 60), -EFBIG);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
	assert_reopens(f);
	assert_int_equal(f->report.warning_count, 0);
	assert_int_equal(step(f, 61), 0);
	assert_reopens(f);
}

static void test_kill(void **state)
{
	struct fixture *f = *state;
	int pipes[2];
	char last = 0;
	pid_t child;
	struct config *again;

	assert_int_equal(append(f, NULL, f->config), 0);
	close_journal(f);
	assert_int_equal(pipe(pipes), 0);
	child = fork();
	if (!child) {
		/* The pool of secrets is wiped in a child: keys are generated anew. */
		if (open_journal(f, 8))
			_exit(1);
		for (char i = 1; i < 100; i++) {
			if (step(f, 9 + i))
				_exit(1);
			if (write(pipes[1], &i, 1) != 1)
				_exit(1);
		}
		pause();
	}
	close(pipes[1]);
	while (last < 20)
		assert_int_equal(read(pipes[0], &last, 1), 1);
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	while (read(pipes[0], &last, 1) == 1)
		;
	close(pipes[0]);
	assert_int_equal(open_journal(f, 8), 0);
	again = load(f);
	assert_non_null(again);
	/* What was acknowledged is there, or one more that was not acknowledged any more. */
	assert_in_range(config_connection_at(again, 0)->dpd_timeout_s, 9 + last, 10 + last);
	config_put(again);
}

static void test_second_process(void **state)
{
	struct fixture *f = *state;
	struct config_journal_options options = { .directory = f->directory, .history = 8 };
	struct config_journal *second = NULL;

	assert_int_equal(config_journal_open(&second, &options, &f->report), -EBUSY);
	assert_non_null(strstr(f->report.errors[0].message, "another vpngw-control"));
}

static void test_others_can_read(void **state)
{
	struct fixture *f = *state;
	char path[128];

	close_journal(f);
	assert_int_equal(chmod(f->directory, 0750), 0);
	assert_int_equal(open_journal(f, 8), -EPERM);
	assert_non_null(strstr(f->report.errors[0].message, "0700"));
	assert_int_equal(chmod(f->directory, 0700), 0);
	path_of(f, "journal", path);
	assert_int_equal(chmod(path, 0640), 0);
	assert_int_equal(open_journal(f, 8), -EPERM);
	assert_int_equal(chmod(path, 0600), 0);
	assert_int_equal(open_journal(f, 8), 0);
}

static void take_text(void *context, int status, const char *text, size_t n)
{
	struct fixture *f = context;

	f->status = status;
	free(f->text);
	f->text = status ? NULL : strndup(text, n);
}

/* History, and the text of an old revision with its keys. */
static void test_roll_back(void **state)
{
	struct fixture *f = *state;
	struct config_source source = { 0 };
	const struct config_revision *history;
	struct config *old = NULL;
	uint32_t count;

	assert_int_equal(append(f, NULL, f->config), 0);
	for (int i = 0; i < 5; i++)
		assert_int_equal(step(f, 60 + i), 0);
	history = config_journal_history(f->journal, &count);
	assert_int_equal(count, 6);
	assert_string_equal(history[0].cause, "import");
	assert_string_equal(history[3].actor, "tester");
	assert_int_equal(history[3].set, 1);
	f->status = 1;
	assert_int_equal(config_journal_read(f->journal, history[2].revision, take_text, f), 0);
	wait_for(f);
	assert_int_equal(f->status, 0);
	source.previous = f->config;
	if (config_load_text(&old, &source, f->text, strlen(f->text), &f->report))
		config_test_print(&f->report);
	assert_non_null(old);
	assert_int_equal(config_connection_at(old, 0)->dpd_timeout_s, 61);
	assert_memory_equal(config_connection_at(old, 0)->shared_key.p, "KeyForA", 7);
	config_put(old);
	f->status = 1;
	assert_int_equal(config_journal_read(f->journal, 99, take_text, f), 0);
	wait_for(f);
	assert_int_equal(f->status, -ENOENT);
}

/* It does not grow for ever, and what is left of the history can be read. */
static void test_compaction(void **state)
{
	struct fixture *f = *state;
	const struct config_revision *history;
	off_t base, record;
	uint32_t count;

	assert_int_equal(append(f, NULL, f->config), 0);
	base = size_of(f);
	assert_int_equal(step(f, 300), 0);
	record = size_of(f) - base;
	for (int i = 0; i < 120; i++)
		assert_int_equal(step(f, 9 + i), 0);
	settle(f, base + 60 * record);
	history = config_journal_history(f->journal, &count);
	assert_in_range(count, 8, 100);
	f->status = 1;
	assert_int_equal(config_journal_read(f->journal, history[count - 8].revision, take_text, f),
			 0);
	wait_for(f);
	assert_int_equal(f->status, 0);
	assert_reopens(f);
	history = config_journal_history(f->journal, &count);
	assert_int_equal(history[count - 1].revision, f->config->revision);
}

/* Closed in the middle of it: the old file is whole, and nothing is left over. */
static void test_closed_while_compacting(void **state)
{
	struct fixture *f = *state;
	char path[256];

	assert_int_equal(append(f, NULL, f->config), 0);
	for (int round = 0; round < 3; round++) {
		for (int i = 0; i < 34; i++)
			assert_int_equal(step(f, 60 + (i + round) % 100), 0);
		assert_reopens(f);
		snprintf(path, sizeof(path), "%s/journal.new", f->directory);
		close_journal(f);
		assert_int_equal(access(path, F_OK), -1);
		assert_int_equal(open_journal(f, 8), 0);
	}
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
		TEST(test_empty),
		TEST(test_reopen),
		TEST(test_removal),
		TEST(test_torn),
		TEST(test_damaged),
		TEST(test_no_beginning),
		TEST(test_full_disk),
		TEST(test_kill),
		TEST(test_second_process),
		TEST(test_others_can_read),
		TEST(test_roll_back),
		TEST(test_compaction),
		TEST(test_closed_while_compacting),
	};

	return cmocka_run_group_tests(tests, group_set_up, group_tear_down);
}
