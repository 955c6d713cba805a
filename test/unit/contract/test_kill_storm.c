/*
 * DOC: kill storm
 *
 * Control and data plane as two small processes in a storm of messages; one of them is killed at a
 * random moment (also in the handshake) and started again, KILL_STORM times (default 200). The
 * survivor must see the death, give every request its one outcome, take the new one, and hold as
 * many descriptors and as much memory as after the first death. storm.h says how it is known that
 * nothing was lost, doubled, torn or half applied.
 */
#include "../cmocka_all.h"
#include "base/clock.h"
#include "storm.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define DEADLINE_MS 10000
#define GROWTH_BYTES (1024u * 1024)

enum role { CONTROL, DATAPLANE };

struct process {
	enum role role;
	pid_t pid;
	int reports;
	uint64_t instance;
	struct storm_report first_loss; /* what it held then */
	bool lost_before;
};

static struct storm_journal *journal;
static struct process both[2];
static uint64_t seed, next_instance, slowest_ns;
static char path[64];

static unsigned long kills(void)
{
	const char *text = getenv("KILL_STORM");

	return text ? strtoul(text, NULL, 0) : 200;
}

static void start(struct process *p, enum role role)
{
	struct storm_side side = { .path = path,
				   .journal = journal,
				   .seed = storm_random(&seed) | 1,
				   .instance = ++next_instance };
	int ends[2];

	assert_int_equal(pipe(ends), 0);
	*p = (struct process){
		.role = role, .reports = ends[0], .pid = fork(), .instance = side.instance
	};
	assert_true(p->pid >= 0);
	if (p->pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		side.reports = ends[1];
		if (role == CONTROL)
			storm_control(&side);
		storm_dataplane(&side);
	}
	close(ends[1]);
}

static void end(struct process *p)
{
	if (p->pid <= 0)
		return;
	kill(p->pid, SIGKILL);
	waitpid(p->pid, NULL, 0);
	close(p->reports);
	p->pid = 0;
}

static const char *name_of(const struct process *p)
{
	return p->role == CONTROL ? "control" : "data plane";
}

/* Only what the process holds for good may stay: later deaths leave no more than the first. */
static void check_loss(struct process *p, const struct storm_report *r)
{
	if (!p->lost_before) {
		p->lost_before = true;
		p->first_loss = *r;
		return;
	}
	if (r->fds != p->first_loss.fds)
		fail_msg("%s: %u descriptors, %u after the first death", name_of(p), r->fds,
			 p->first_loss.fds);
	if (r->bytes > p->first_loss.bytes + GROWTH_BYTES)
		fail_msg("%s: %llu bytes, %llu after the first death", name_of(p),
			 (unsigned long long)r->bytes, (unsigned long long)p->first_loss.bytes);
}

/* Reads reports until one of this kind; false when none came in time. */
static bool await(struct process *p, enum storm_event event, int timeout_ms)
{
	struct pollfd fd = { .fd = p->reports, .events = POLLIN };
	struct storm_report r;

	for (;;) {
		if (poll(&fd, 1, timeout_ms) <= 0)
			return false;
		if (read(p->reports, &r, sizeof(r)) != sizeof(r))
			fail_msg("%s ended by itself", name_of(p));
		if (r.event == STORM_FAILED)
			fail_msg("%s: %s", name_of(p), r.text);
		if (r.event == STORM_LOST)
			check_loss(p, &r);
		if (r.event == event &&
		    (event != STORM_LISTED || r.instance == both[DATAPLANE].instance))
			return true;
	}
}

static void must_await(struct process *p, enum storm_event event)
{
	if (!await(p, event, DEADLINE_MS))
		fail_msg("%s hangs: event %d did not come", name_of(p), event);
}

static void run_for(uint64_t ns)
{
	struct timespec t = { .tv_nsec = (long)ns };

	ppoll(NULL, 0, &t, NULL);
}

static int setup(void **state)
{
	seed = (uint64_t)getpid() << 20 | 1;
	if (getenv("KILL_STORM_SEED"))
		seed = strtoull(getenv("KILL_STORM_SEED"), NULL, 0) | 1;
	print_message("KILL_STORM_SEED=%llu\n", (unsigned long long)seed);
	snprintf(path, sizeof(path), "/tmp/vpngw-storm-%d.sock", (int)getpid());
	journal = mmap(NULL, sizeof(*journal), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
		       -1, 0);
	if (journal == MAP_FAILED)
		return -1;
	slowest_ns = 0;
	start(&both[DATAPLANE], DATAPLANE);
	start(&both[CONTROL], CONTROL);
	return 0;
}

static int teardown(void **state)
{
	end(&both[CONTROL]);
	end(&both[DATAPLANE]);
	unlink(path);
	munmap(journal, sizeof(*journal));
	return 0;
}

/* Kills in the storm, and every fourth time once more while the new one shakes hands. */
static void kill_in_storm(enum role victim, unsigned long rounds)
{
	struct process *survivor = &both[victim == CONTROL ? DATAPLANE : CONTROL];

	for (unsigned long i = 0; i < rounds; i++) {
		uint64_t before;

		must_await(&both[CONTROL], STORM_LISTED);
		run_for(storm_random(&seed) % 4000000);
		while (await(survivor, STORM_LOST, 0))
			; /* of a control that died in its handshake */
		before = clock_now_ns(&clock_monotonic);
		end(&both[victim]);
		must_await(survivor, STORM_LOST);
		before = clock_now_ns(&clock_monotonic) - before;
		slowest_ns = before > slowest_ns ? before : slowest_ns;
		start(&both[victim], victim);
		if (i % 4 == 3) {
			run_for(storm_random(&seed) % 4000000);
			end(&both[victim]);
			start(&both[victim], victim);
			i++;
		}
	}
	must_await(&both[CONTROL], STORM_LISTED);
}

static void tell(const char *what)
{
	print_message("%s: %llu answered (%llu batches), %llu lost with the peer, %llu punts; "
		      "slowest notice %llu us\n",
		      what, (unsigned long long)journal->answered,
		      (unsigned long long)journal->batches, (unsigned long long)journal->lost,
		      (unsigned long long)journal->punts, (unsigned long long)slowest_ns / 1000);
	assert_true(journal->answered > 0);
	assert_true(journal->batches > 0);
	assert_true(journal->punts > 0);
}

static void test_control_is_killed(void **state)
{
	kill_in_storm(CONTROL, kills() / 2);
	tell("control killed");
}

static void test_dataplane_is_killed(void **state)
{
	kill_in_storm(DATAPLANE, kills() / 2);
	tell("data plane killed");
	assert_true(journal->lost > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_control_is_killed, setup, teardown),
		cmocka_unit_test_setup_teardown(test_dataplane_is_killed, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
