/*
 * What takes over a second says how long it has taken, on a terminal only. A signal of an interval
 * timer writes it, so that a request that waits in a system call needs no thread beside it.
 */
#include "cli.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

static char waiting_line[96]; /* written before the timer runs */
static volatile sig_atomic_t waited_s;
static int waits_open; /* what waits inside of what waits counts with it */

static void terminal_put(const char *text, size_t n)
{
	if (write(STDERR_FILENO, text, n) < 0)
		return; /* nobody looks */
}

static void on_second(int signal)
{
	char number[16];
	size_t at = sizeof(number);
	int left = ++waited_s;

	do {
		number[--at] = (char)('0' + left % 10);
		left /= 10;
	} while (left);
	terminal_put(waiting_line, strlen(waiting_line));
	terminal_put(number + at, sizeof(number) - at);
	terminal_put(" s ", 3);
}

static void timer_set(int interval_s)
{
	struct itimerval timer = { { interval_s, 0 }, { interval_s, 0 } };

	setitimer(ITIMER_REAL, &timer, NULL);
}

void cli_progress_begin(const struct cli *cli, const char *what)
{
	struct sigaction action = { .sa_handler = on_second, .sa_flags = SA_RESTART };

	if (!cli->progress || waits_open++)
		return;
	waited_s = 0;
	snprintf(waiting_line, sizeof(waiting_line), "\r%.80s: ", what);
	sigaction(SIGALRM, &action, NULL);
	timer_set(1);
}

void cli_progress_end(void)
{
	if (!waits_open || --waits_open)
		return;
	timer_set(0);
	if (waited_s)
		terminal_put("\r\033[K", 4);
	waited_s = 0;
}
