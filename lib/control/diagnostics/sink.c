/*
 * The journal's native protocol (systemd.io/JOURNAL_NATIVE_PROTOCOL), or a bounded file.
 */
#include "control/diagnostics/internal.h"

#include "base/log.h"
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define TOPIC "diagnostics"
#define FILE_MAX (16u << 20)

int diagnostics_sink_open(struct diagnostics_sink *sink, const struct diagnostics_config *config)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };

	*sink = (struct diagnostics_sink){ .file = config->file, .file_fd = -1, .journal_fd = -1 };
	if (!config->journal)
		return 0;
	if (strlen(config->journal) >= sizeof(addr.sun_path))
		return -ENAMETOOLONG;
	memcpy(addr.sun_path, config->journal, strlen(config->journal) + 1);
	sink->journal_fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (sink->journal_fd < 0)
		return -errno;
	if (connect(sink->journal_fd, (struct sockaddr *)&addr, sizeof(addr)) == 0)
		return 0;
	log_warn(TOPIC, "no journal, lines go to a file socket=%s error=\"%s\"", config->journal,
		 strerror(errno));
	close(sink->journal_fd);
	sink->journal_fd = -1;
	return 0;
}

static void file_close(struct diagnostics_sink *sink)
{
	if (sink->file_fd >= 0)
		close(sink->file_fd);
	sink->file_fd = -1;
}

void diagnostics_sink_reopen(struct diagnostics_sink *sink)
{
	file_close(sink);
	sink->failed = false;
}

void diagnostics_sink_close(struct diagnostics_sink *sink)
{
	diagnostics_sink_reopen(sink);
	if (sink->journal_fd >= 0)
		close(sink->journal_fd);
}

static void fail(struct diagnostics_sink *sink, const char *what)
{
	if (!sink->failed)
		log_error(TOPIC, "%s file=%s error=\"%s\"", what, sink->file, strerror(errno));
	sink->failed = true;
}

static bool file_open(struct diagnostics_sink *sink)
{
	struct stat st;

	if (sink->file_fd >= 0)
		return true;
	sink->file_fd =
		open(sink->file, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0640);
	if (sink->file_fd < 0) {
		fail(sink, "cannot open the file of diagnostic logs");
		return false;
	}
	sink->written = fstat(sink->file_fd, &st) == 0 ? (uint64_t)st.st_size : 0;
	return true;
}

static void file_turn(struct diagnostics_sink *sink)
{
	char old[4200];

	snprintf(old, sizeof(old), "%s.1", sink->file);
	if (rename(sink->file, old) < 0)
		fail(sink, "cannot turn the file of diagnostic logs");
	file_close(sink);
}

static void file_write(struct diagnostics_sink *sink, const char *json)
{
	struct text line = { 0 };

	text_add(&line, "%s\n", json);
	if (sink->file_fd >= 0 && sink->written + line.n > FILE_MAX)
		file_turn(sink);
	if (!line.failed && file_open(sink)) {
		if (write(sink->file_fd, line.p, line.n) == (ssize_t)line.n)
			sink->written += line.n;
		else
			fail(sink, "cannot write the file of diagnostic logs");
	}
	text_fini(&line);
}

/* JSON has no end of line in it, so fields need no lengths. A journal that is full loses it. */
static void journal_write(struct diagnostics_sink *sink, const struct diagnostics_line *line,
			  const char *json)
{
	struct text fields = { 0 };

	text_add(&fields,
		 "SYSLOG_IDENTIFIER=vpngw-diagnostics\nPRIORITY=%d\nVPNGW_CATEGORY=%s\n"
		 "VPNGW_OPERATION=%s\nVPNGW_RESOURCE=%s\nMESSAGE=%s\n",
		 line->warning ? 4 : 6, diagnostics_category_text(line->category), line->operation,
		 line->resource, json);
	if (!fields.failed &&
	    send(sink->journal_fd, fields.p, fields.n, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
		fail(sink, "the journal does not take diagnostic logs");
	text_fini(&fields);
}

void diagnostics_sink_write(struct diagnostics_sink *sink, const struct diagnostics_line *line,
			    const char *json)
{
	if (sink->journal_fd >= 0)
		journal_write(sink, line, json);
	else
		file_write(sink, json);
}
