#pragma once
/*
 * DOC: what is kept over a restart of control
 *
 * The exported IKE SA of each tunnel, in a file of the run directory (memory, not disk) that is
 * mapped and shared: a killed process leaves it as it was. A slot has two halves; the one that is
 * not valid is written, then made valid by one store, so that a kill at any instruction leaves the
 * old or the new. The file belongs to one instance of the data plane: with another the SAs that
 * the IKE SAs speak of are gone, and so is what was kept.
 */
#include "base/span.h"

#include <stdbool.h>
#include <stdint.h>

#define KEEP_SLOTS 65536
#define KEEP_BYTES 7680 /* of an exported IKE SA */
#define KEEP_NAME 256

struct keep;

/* Makes the file (0600) when it is not there; one of another shape is emptied. */
__attribute__((warn_unused_result)) int keep_open(struct keep **keep, const char *path);
void keep_close(struct keep *keep); /* the file stays */
/* Empties it unless it belongs to this instance; true when it did. */
bool keep_use(struct keep *keep, uint64_t instance);
struct keep_item {
	struct span bytes;
	uint32_t since_s; /* by the wall clock, when its tunnel came up; 0: not known */
};

/* Replaces what the slot has; no bytes: nothing. False when it does not fit. */
bool keep_put(struct keep *keep, uint32_t slot, const char *name, const struct keep_item *item);
/* Only under the name that it was put with. */
bool keep_get(const struct keep *keep, uint32_t slot, const char *name, struct keep_item *item);
