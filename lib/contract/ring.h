#pragma once
/*
 * DOC: ring
 *
 * One direction of a channel: a single-producer single-consumer ring of whole records in memory
 * that two processes share. A record is a message (its first word is its length, a multiple of
 * eight). The data area is mapped twice, one copy behind the other, so that a record never wraps.
 *
 * Positions count bytes since the start and never wrap in 64 bits. Each side writes only its own
 * line of the shared part, keeps its own position in private memory, and looks at the other's only
 * when it seems full or empty. What it reads there is bounded each time: the other side can stop
 * the ring, it cannot make this side read or write outside.
 *
 * Sleep: the consumer sets `sleeping`, fences, looks once more; the producer publishes, fences,
 * looks at `sleeping`. One of them sees the other, so that no wake-up is lost. A producer that has
 * no room sleeps the same way with `room_wanted`; the consumer looks there when it has read all.
 */
#include "contract/channel.h"

#include <stdalign.h>
#include <stdatomic.h>

#define RING_LINE 64

/* In shared memory. Nothing here is believed. */
struct ring_shared {
	alignas(RING_LINE) _Atomic uint64_t tail;     /* producer: rw, consumer: ro */
	_Atomic uint32_t room_wanted;		      /* producer sets, consumer clears */
	alignas(RING_LINE) _Atomic uint64_t head;     /* consumer: rw, producer: ro */
	alignas(RING_LINE) _Atomic uint32_t sleeping; /* consumer sets, producer clears */
	uint8_t unused[RING_LINE - sizeof(uint32_t)];
};

/* One side's view, in private memory. */
struct ring {
	struct ring_shared *shared;
	uint8_t *data; /* twice `bytes` of address space */
	uint64_t bytes;
	uint64_t at;	/* own position: tail of the producer, head of the consumer */
	uint64_t other; /* the other's position as last seen and found plausible */
	bool broken;
};

void ring_init(struct ring *ring, struct ring_shared *shared, uint8_t *data, uint64_t bytes);

/*
 * Producer. Publishes the record of `n` bytes that the parts make up, when `keep_free` bytes stay
 * free behind it. 0, -EAGAIN, -EPROTO.
 */
__attribute__((warn_unused_result)) int ring_put(struct ring *ring,
						 const struct channel_part *parts,
						 size_t part_count, size_t n, uint64_t keep_free);
/* Free bytes, 0 when the ring is broken. */
uint64_t ring_free(struct ring *ring);
/* After a put: true when the consumer has to be woken; it is asked for once per sleep. */
bool ring_wants_wake(struct ring *ring);

/* Producer: true when fewer than `bytes` are free and the consumer will wake when there are. */
bool ring_awaits_room(struct ring *ring, uint64_t bytes);

/* Consumer. Copies the next record out and wipes key material behind it. 1, 0, -EPROTO. */
__attribute__((warn_unused_result)) int ring_get(struct ring *ring, void *to);
/* True when nothing is there and the producer will wake. */
bool ring_may_sleep(struct ring *ring);
void ring_awake(struct ring *ring);
/* After a get that found nothing: true when the producer waits for room, asked once per sleep. */
bool ring_owes_room(struct ring *ring);

/* Wipes what the consumer has not read. */
void ring_wipe(struct ring *ring);
