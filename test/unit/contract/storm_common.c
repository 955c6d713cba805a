#include "storm.h"

#include "base/hash.h"

#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const uint64_t checksum_key[2] = { 0x73746f726d206f66, 0x206d657373616765 };

uint64_t storm_random(uint64_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed;
}

static uint32_t count_fds(void)
{
	DIR *folder = opendir("/proc/self/fd");
	uint32_t n = 0;

	while (folder && readdir(folder))
		n++;
	if (folder)
		closedir(folder);
	return n;
}

static void count_mappings(struct storm_report *report)
{
	FILE *maps = fopen("/proc/self/maps", "re");
	char line[512];

	while (maps && fgets(line, sizeof(line), maps)) {
		unsigned long from, to;

		if (sscanf(line, "%lx-%lx", &from, &to) != 2)
			continue;
		report->mappings++;
		report->bytes += to - from;
	}
	if (maps)
		fclose(maps);
}

static void write_report(const struct storm_side *side, const struct storm_report *report)
{
	if (write(side->reports, report, sizeof(*report)) != sizeof(*report))
		_exit(3);
}

void storm_tell(const struct storm_side *side, enum storm_event event)
{
	struct storm_report report = { .event = event,
				       .fds = count_fds(),
				       .instance = side->journal->instance };

	count_mappings(&report);
	write_report(side, &report);
}

void storm_fail(const struct storm_side *side, const char *format, ...)
{
	struct storm_report report = { .event = STORM_FAILED };
	va_list args;

	va_start(args, format);
	vsnprintf(report.text, sizeof(report.text), format, args);
	va_end(args);
	write_report(side, &report);
	_exit(1);
}

static uint64_t checksum(const struct storm_stamp *stamp)
{
	uint64_t parts[3] = { stamp->number, stamp->id, stamp->fill_bytes };

	parts[0] ^= hash_sip(checksum_key, stamp->fill, stamp->fill_bytes);
	return hash_sip(checksum_key, parts, sizeof(parts));
}

size_t storm_stamp_make(void *to, uint32_t id, uint64_t number, uint32_t fill_bytes)
{
	struct storm_stamp *stamp = to;

	*stamp = (struct storm_stamp){ .number = number, .id = id, .fill_bytes = fill_bytes };
	for (uint32_t i = 0; i < fill_bytes; i++)
		stamp->fill[i] = (uint8_t)(number * 31 + i * 7 + id);
	stamp->checksum = checksum(stamp);
	return sizeof(*stamp) + fill_bytes;
}

uint64_t storm_stamp_check(const struct storm_side *side, const void *bytes, size_t n, uint32_t id)
{
	uint64_t aligned[8192];
	const struct storm_stamp *stamp = (const void *)aligned;

	if (n < sizeof(*stamp) || n > sizeof(aligned))
		storm_fail(side, "a stamp of %zu bytes", n);
	memcpy(aligned, bytes, n);
	if (stamp->fill_bytes != n - sizeof(*stamp) || stamp->id != id ||
	    stamp->checksum != checksum(stamp))
		storm_fail(side, "a torn message: stamp of %u, expected %u", stamp->id, id);
	return stamp->number;
}

void storm_wait(const struct storm_side *side, struct channel *channel, int also)
{
	struct pollfd fds[] = { { .fd = channel_event_fd(channel), .events = POLLIN },
				{ .fd = channel_peer_fd(channel), .events = POLLIN },
				{ .fd = also, .events = POLLIN } };
	int rc = poll(fds, 3, 5000);

	if (rc == 0)
		storm_fail(side, "nothing happened for five seconds: a lost wake-up");
	channel_woken(channel);
}
