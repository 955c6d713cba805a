#include "base/log.h"
#include "base/clock.h"
#include "base/when.h"

#include <errno.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LINE_MAX_BYTES 2048
#define LINES_PER_WINDOW 50
#define TOPIC_NAME 24
#define TOPICS_MAX 32

struct levels {
	enum log_level general;
	struct {
		char topic[TOPIC_NAME];
		enum log_level level;
	} topics[TOPICS_MAX];
	size_t count;
};

static const char *const names[] = { "error", "warn", "info", "debug" };

/* Set before threads start; a line is one write, so that lines of several threads do not mix. */
static struct levels levels = { .general = LOG_INFO };
static int log_fd = STDERR_FILENO;
static bool to_journal;
static _Atomic(struct log_limit *) left_out; /* limits that owe a line */
static atomic_flag left_out_busy = ATOMIC_FLAG_INIT;

/* systemd sets JOURNAL_STREAM to device:inode of the stream that it connected. */
static bool fd_is_journal(int fd)
{
	const char *stream = getenv("JOURNAL_STREAM");
	unsigned long long device, inode;
	struct stat st;

	return stream && sscanf(stream, "%llu:%llu", &device, &inode) == 2 && !fstat(fd, &st) &&
	       st.st_dev == device && st.st_ino == inode;
}

void log_init(int fd)
{
	log_fd = fd;
	to_journal = fd_is_journal(fd);
}

static int level_of(const char *name, size_t n, enum log_level *level)
{
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strlen(names[i]) == n && !strncmp(names[i], name, n)) {
			*level = (enum log_level)i;
			return 0;
		}
	return -EINVAL;
}

/* One item of the list: "level" or "topic=level". */
static int take_item(struct levels *to, const char *item, size_t n)
{
	const char *equals = memchr(item, '=', n);
	size_t name = equals ? (size_t)(equals - item) : 0;
	int rc;

	if (!equals)
		return level_of(item, n, &to->general);
	if (!name || name >= TOPIC_NAME || to->count == TOPICS_MAX)
		return -EINVAL;
	rc = level_of(equals + 1, n - name - 1, &to->topics[to->count].level);
	if (rc)
		return rc;
	memcpy(to->topics[to->count].topic, item, name);
	to->topics[to->count++].topic[name] = 0;
	return 0;
}

int log_set_levels(const char *text)
{
	struct levels wanted = { .general = LOG_INFO };

	for (;;) {
		size_t n = strcspn(text, ",");
		int rc = take_item(&wanted, text, n);

		if (rc)
			return rc;
		if (!text[n])
			break;
		text += n + 1;
	}
	levels = wanted;
	return 0;
}

bool log_enabled(const char *topic, enum log_level level)
{
	for (size_t i = levels.count; i-- > 0;)
		if (!strcmp(levels.topics[i].topic, topic))
			return level <= levels.topics[i].level;
	return level <= levels.general;
}

static size_t put_prefix(char *line, size_t size, const char *topic, enum log_level level)
{
	static const int priorities[] = { 3, 4, 6, 7 }; /* sd-daemon(3) */
	char when[WHEN_TEXT];
	int n;

	if (to_journal)
		n = snprintf(line, size, "<%d>%s %s: ", priorities[level], names[level], topic);
	else
		n = snprintf(line, size, "%s %s %s: ", when_text(when, clock_wall_ms()),
			     names[level], topic);
	return (size_t)n < size ? (size_t)n : size - 1;
}

/* A line stays one line, whatever its arguments held. */
static void flatten(char *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if ((unsigned char)p[i] < 0x20 || p[i] == 0x7f)
			p[i] = '?';
}

static void write_line(const char *topic, enum log_level level, const char *format, va_list args)
{
	char line[LINE_MAX_BYTES];
	size_t at = put_prefix(line, sizeof(line) / 2, topic, level);
	size_t room = sizeof(line) - at - 1; /* the last byte is the line's end */
	int n = vsnprintf(line + at, room, format, args);
	ssize_t written;

	if (n < 0)
		return;
	if ((size_t)n >= room) {
		n = (int)room - 1;
		memcpy(line + at + n - 3, "...", 3);
	}
	flatten(line + at, (size_t)n);
	line[at + (size_t)n] = '\n';
	do
		written = write(log_fd, line, at + (size_t)n + 1);
	while (written < 0 && errno == EINTR);
}

__attribute__((format(printf, 3, 4))) static void write_now(const char *topic, enum log_level level,
							    const char *format, ...)
{
	va_list args;

	va_start(args, format);
	write_line(topic, level, format, args);
	va_end(args);
}

/* Any thread may log; who finds another at the list leaves it to that one. */
static bool left_out_enter(void)
{
	return !atomic_flag_test_and_set_explicit(&left_out_busy, memory_order_acquire);
}

static void left_out_leave(void)
{
	atomic_flag_clear_explicit(&left_out_busy, memory_order_release);
}

/* Limits whose second is over tell what they left out and begin anew. */
static void tell_left_out(uint64_t now)
{
	struct log_limit *all, *limit, *kept = NULL;

	if (!left_out_enter())
		return;
	all = left_out;
	while (all) {
		limit = all;
		all = limit->next;
		if (now - limit->window_start_ns < CLOCK_NS_PER_S) {
			limit->next = kept;
			kept = limit;
			continue;
		}
		write_now(limit->topic, limit->level, "lines of this kind were left out count=%u",
			  limit->suppressed);
		*limit = (struct log_limit){ .window_start_ns = now };
	}
	left_out = kept;
	left_out_leave();
}

void log_tell_left_out(void)
{
	if (left_out)
		tell_left_out(clock_now_ns(&clock_monotonic));
}

void log_line(const char *topic, enum log_level level, const char *format, ...)
{
	int saved = errno;
	va_list args;

	if (!log_enabled(topic, level))
		return;
	log_tell_left_out();
	va_start(args, format);
	write_line(topic, level, format, args);
	va_end(args);
	errno = saved;
}

static void leave_out(struct log_limit *limit, const char *topic, enum log_level level)
{
	limit->suppressed++;
	if (limit->topic || !left_out_enter())
		return;
	limit->topic = topic;
	limit->level = level;
	limit->next = left_out;
	left_out = limit;
	left_out_leave();
}

void log_limited(struct log_limit *limit, const char *topic, enum log_level level,
		 const char *format, ...)
{
	uint64_t now = clock_now_ns(&clock_monotonic);
	int saved = errno;
	va_list args;

	if (!log_enabled(topic, level))
		return;
	if (left_out)
		tell_left_out(now);
	if (!limit->topic && now - limit->window_start_ns >= CLOCK_NS_PER_S)
		*limit = (struct log_limit){ .window_start_ns = now };
	if (limit->in_window >= LINES_PER_WINDOW) {
		leave_out(limit, topic, level);
		return;
	}
	limit->in_window++;
	va_start(args, format);
	write_line(topic, level, format, args);
	va_end(args);
	errno = saved;
}

/* What a terminal or a parser of key=value could mistake, as \xHH. */
static bool plain(uint8_t c)
{
	return c > 0x20 && c < 0x7f && c != '\\' && c != '"' && c != '=';
}

const char *log_text(char *buf, size_t size, struct span text)
{
	static const char hex[] = "0123456789abcdef";
	static const char cut[] = "...";
	size_t at = 0, safe = 0; /* `safe`: where the cut mark would still fit */

	if (!size)
		return "";
	for (size_t i = 0; i < text.n; i++) {
		size_t need = plain(text.p[i]) ? 1 : 4;

		if (at + sizeof(cut) <= size)
			safe = at;
		if (at + need >= size) {
			at = safe + (size_t)snprintf(buf + safe, size - safe, "%s", cut);
			if (at >= size)
				at = size - 1;
			break;
		}
		if (need == 1) {
			buf[at++] = (char)text.p[i];
		} else {
			buf[at++] = '\\';
			buf[at++] = 'x';
			buf[at++] = hex[text.p[i] >> 4];
			buf[at++] = hex[text.p[i] & 15];
		}
	}
	buf[at] = 0;
	return buf;
}
