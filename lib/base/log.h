#pragma once
/*
 * DOC: log
 *
 * A line is: time, level, topic, a sentence, then key=value pairs. Values that came from a peer go
 * through log_text(), which escapes what a terminal or a parser could mistake. A topic has its own
 * level. Under systemd (JOURNAL_STREAM) lines carry the sd-daemon priority prefix and no time.
 * Secrets are never arguments: there is no format for them.
 */
#include "base/span.h"

#include <stdbool.h>
#include <stdint.h>

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };

/* One static instance per place that a flood can reach: it may be kept until it has told all. */
struct log_limit {
	uint64_t window_start_ns;
	uint32_t in_window;
	uint32_t suppressed;
	const char *topic; /* while lines are left out, with the next such limit */
	struct log_limit *next;
	enum log_level level;
};

/* Where lines go; fd 2 until called. */
void log_init(int fd);
/* "info" or "info,ike=debug,rest=warn"; -EINVAL leaves the levels as they were. */
__attribute__((warn_unused_result)) int log_set_levels(const char *text);
bool log_enabled(const char *topic, enum log_level level);

__attribute__((format(printf, 3, 4))) void log_line(const char *topic, enum log_level level,
						    const char *format, ...);
/*
 * At most 50 lines a second for this limit, then one line that counts what was left out: with the
 * next line of any kind after the second, or by log_tell_left_out() of who has a timer. A limit
 * belongs to one thread.
 */
__attribute__((format(printf, 4, 5))) void log_limited(struct log_limit *limit, const char *topic,
						       enum log_level level, const char *format,
						       ...);

void log_tell_left_out(void);

#define log_error(topic, ...) log_line(topic, LOG_ERROR, __VA_ARGS__)
#define log_warn(topic, ...) log_line(topic, LOG_WARN, __VA_ARGS__)
#define log_info(topic, ...) log_line(topic, LOG_INFO, __VA_ARGS__)
#define log_debug(topic, ...)                                                                      \
	do {                                                                                       \
		if (log_enabled(topic, LOG_DEBUG))                                                 \
			log_line(topic, LOG_DEBUG, __VA_ARGS__);                                   \
	} while (0)

/* Text from outside, escaped into `buf` (NUL-terminated, cut with "..." when long); returns buf. */
const char *log_text(char *buf, size_t size, struct span text);
