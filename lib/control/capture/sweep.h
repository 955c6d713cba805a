#pragma once
/*
 * Old capture files: those of captures that have ended make room, the oldest first.
 */
#include <stdbool.h>
#include <stdint.h>

/* A capture writes this file. */
typedef bool (*sweep_in_use)(void *context, const char *name);

/* Files that nobody writes keep `most` bytes together; errno of the disk. */
__attribute__((warn_unused_result)) int sweep_folder(const char *path, uint64_t most,
						     sweep_in_use in_use, void *context);
