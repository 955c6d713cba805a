#pragma once
/*
 * Capture files: which there are, and those of captures that have ended make room, the oldest
 * first.
 */
#include <stdbool.h>
#include <stdint.h>

/* The bare name of a capture's file. */
bool sweep_is_capture(const char *name);

/* A capture writes this file. */
typedef bool (*sweep_in_use)(void *context, const char *name);

/* Files that nobody writes keep `most` bytes together; errno of the disk. */
__attribute__((warn_unused_result)) int sweep_folder(const char *path, uint64_t most,
						     sweep_in_use in_use, void *context);

struct sweep_seen {
	const char *name;
	uint64_t bytes;
	uint64_t changed_wall_ms;
};
typedef void (*sweep_visit)(void *context, const struct sweep_seen *seen);

/* All files, the newest first; errno of the disk. */
__attribute__((warn_unused_result)) int sweep_each(const char *path, sweep_visit visit,
						   void *context);
