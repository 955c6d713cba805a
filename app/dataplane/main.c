/*
 * DOC: vpngw-dataplane
 *
 * The packet path as a program: options, an ordered start, a loop, a stop in reverse. Exit codes:
 * 0 stopped when told, 1 something failed, 2 the command line is wrong.
 */
#include "check.h"
#include "graph.h"
#include "program.h"
#include "rights.h"
#include "sizes.h"
#include "base/log.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define MAIN_NICE (-15)

static struct options options;
static struct program program;

static int main_fail(int code, const char *sentence)
{
	fprintf(stderr, "vpngw-dataplane: %s\n", sentence);
	return code;
}

/* Threads that DPDK starts inherit the mask, so that the signals come to the loop alone. */
static void main_block_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
}

static int main_check(void)
{
	uint64_t memory_mb = sizes_taken_mb(&options);
	struct check_fault fault;

	if (check_start(&options, &fault))
		return main_fail(1, fault.text);
	printf("options are good: %u ports, %u workers, %llu MB of %s\n", options.port_count,
	       options.worker_count, (unsigned long long)memory_mb,
	       options.huge ? "hugepages" : "memory");
	check_machine(&options);
	return 0;
}

/*
 * This thread hands on what BFD and ARP wait for and sees the link go down: where it shares its CPU
 * it comes before others. The workers, which have their own threads by now, do not.
 */
static void main_come_first(void)
{
	if (setpriority(PRIO_PROCESS, (id_t)gettid(), MAIN_NICE))
		log_info("main", "its priority stays as it is: %s", strerror(errno));
}

static int main_run(void)
{
	struct program_fault fault = { "" };
	struct check_fault wrong;

	if (check_start(&options, &wrong))
		return main_fail(1, wrong.text);
	main_block_signals();
	if (rights_keep_needed(&options))
		log_warn("main", "the rights of this process cannot be reduced");
	program.options = &options;
	program.fault = &fault;
	if (program_start(&program))
		return main_fail(1, fault.text);
	main_come_first();
	program_run(&program);
	program_stop(&program);
	return 0;
}

int main(int argc, char **argv)
{
	struct options_fault fault;

	log_init(2);
	if (options_parse(&options, argc, argv, &fault))
		return main_fail(2, fault.text);
	if (log_set_levels(options.log))
		return main_fail(2, "--log: expected a level, or topic=level, separated by commas");
	switch (options.mode) {
	case OPTIONS_HELP:
		fputs(options_help(), stdout);
		return 0;
	case OPTIONS_VERSION:
		puts("vpngw-dataplane " VPNGW_VERSION);
		return 0;
	case OPTIONS_GRAPH:
		fputs(graph_dot, stdout);
		return 0;
	case OPTIONS_CHECK:
		return main_check();
	default:
		return main_run();
	}
}
