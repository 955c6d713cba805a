#pragma once
/*
 * The two small processes of the kill storm, and what they tell the one that kills them.
 *
 * Control keeps a journal in memory that outlives it: for each object the last version that it sent
 * and the last that was answered. Whoever attaches next lists the objects and finds each at a
 * version between the two: what was answered is there, what was never sent is not. Every fourth
 * version deletes the object. Objects of a family change in batches only: all members are always
 * at one version.
 */
#include "contract/channel.h"

#include <stdatomic.h>

#define STORM_SINGLES 64
#define STORM_FAMILIES 8
#define STORM_FAMILY 4
#define STORM_IDS (1 + STORM_SINGLES + STORM_FAMILIES * STORM_FAMILY)
#define STORM_OUTSTANDING 64

struct storm_journal {
	_Atomic uint64_t instance; /* of the data plane that the versions belong to */
	_Atomic uint32_t sent[STORM_IDS];
	_Atomic uint32_t acked[STORM_IDS];
	_Atomic uint64_t answered, lost, punts, batches;
};

enum storm_event { STORM_LISTED = 1, STORM_LOST, STORM_FAILED };

struct storm_report {
	uint32_t event; /* enum storm_event */
	uint32_t fds;	/* open descriptors, at STORM_LISTED and STORM_LOST */
	uint64_t mappings;
	uint64_t bytes;	   /* address space */
	uint64_t instance; /* of the data plane that control listed */
	char text[96];
};

struct storm_side {
	const char *path;
	int reports; /* a pipe */
	struct storm_journal *journal;
	uint64_t seed;
	uint64_t instance; /* data plane */
};

/* What an object's opaque bytes or a datagram's payload hold. */
struct storm_stamp {
	uint64_t number; /* version or sequence */
	uint32_t id;
	uint32_t fill_bytes;
	uint64_t checksum; /* over all but itself */
	uint8_t fill[];
};

#define STORM_STAMP_MAX (CONTRACT_OPAQUE_MAX - sizeof(struct storm_stamp))

_Noreturn void storm_control(const struct storm_side *side);
_Noreturn void storm_dataplane(const struct storm_side *side);

/* Shared by both: each fails the process with a report. */
_Noreturn void storm_fail(const struct storm_side *side, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
void storm_tell(const struct storm_side *side, enum storm_event event);
uint64_t storm_random(uint64_t *seed);
/* Bytes of the stamp that was made. */
size_t storm_stamp_make(void *to, uint32_t id, uint64_t number, uint32_t fill_bytes);
/* Its number; fails when a byte is not as it was made. */
uint64_t storm_stamp_check(const struct storm_side *side, const void *bytes, size_t n, uint32_t id);
/* Waits on the channel's descriptors and one more (or -1); a silence of 5 s is a failure. */
void storm_wait(const struct storm_side *side, struct channel *channel, int also);
