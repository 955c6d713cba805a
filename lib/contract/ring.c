#include "contract/ring.h"
#include "base/secret.h"

#include <errno.h>
#include <string.h>

_Static_assert(sizeof(struct ring_shared) == 3 * RING_LINE, "shared lines");

void ring_init(struct ring *ring, struct ring_shared *shared, uint8_t *data, uint64_t bytes)
{
	*ring = (struct ring){ .shared = shared, .data = data, .bytes = bytes };
}

static uint8_t *slot(const struct ring *ring, uint64_t at)
{
	return ring->data + (at & (ring->bytes - 1));
}

/* The consumer's position lies between its last one and ours. */
static bool look_at_head(struct ring *ring)
{
	uint64_t head = atomic_load_explicit(&ring->shared->head, memory_order_acquire);

	if (head - ring->other > ring->at - ring->other || head % 8) {
		ring->broken = true;
		return false;
	}
	ring->other = head;
	return true;
}

/* The producer's position is not behind its last one, and no further than a ring ahead of ours. */
static bool look_at_tail(struct ring *ring)
{
	uint64_t tail = atomic_load_explicit(&ring->shared->tail, memory_order_acquire);

	if (tail - ring->at > ring->bytes || tail - ring->at < ring->other - ring->at || tail % 8) {
		ring->broken = true;
		return false;
	}
	ring->other = tail;
	return true;
}

uint64_t ring_free(struct ring *ring)
{
	if (ring->broken || !look_at_head(ring))
		return 0;
	return ring->bytes - (ring->at - ring->other);
}

int ring_put(struct ring *ring, const struct channel_part *parts, size_t part_count, size_t n,
	     uint64_t keep_free)
{
	uint8_t *to = slot(ring, ring->at);

	if (ring->broken)
		return -EPROTO;
	if (ring->bytes - (ring->at - ring->other) < n + keep_free) {
		if (!look_at_head(ring))
			return -EPROTO;
		if (ring->bytes - (ring->at - ring->other) < n + keep_free)
			return -EAGAIN;
	}
	for (size_t i = 0; i < part_count; i++) {
		if (parts[i].n)
			memcpy(to, parts[i].bytes, parts[i].n);
		to += parts[i].n;
	}
	ring->at += n;
	atomic_store_explicit(&ring->shared->tail, ring->at, memory_order_release);
	return 0;
}

bool ring_wants_wake(struct ring *ring)
{
	atomic_thread_fence(memory_order_seq_cst);
	if (!atomic_load_explicit(&ring->shared->sleeping, memory_order_relaxed))
		return false;
	return atomic_exchange_explicit(&ring->shared->sleeping, 0, memory_order_acq_rel) != 0;
}

bool ring_awaits_room(struct ring *ring, uint64_t bytes)
{
	atomic_store_explicit(&ring->shared->room_wanted, 1, memory_order_relaxed);
	atomic_thread_fence(memory_order_seq_cst);
	if (ring_free(ring) < bytes && !ring->broken)
		return true;
	atomic_store_explicit(&ring->shared->room_wanted, 0, memory_order_relaxed);
	return false;
}

bool ring_owes_room(struct ring *ring)
{
	if (!atomic_load_explicit(&ring->shared->room_wanted, memory_order_relaxed))
		return false;
	return atomic_exchange_explicit(&ring->shared->room_wanted, 0, memory_order_acq_rel) != 0;
}

static bool is_sa(const struct contract_header *m)
{
	return m->length >= sizeof(*m) + sizeof(struct contract_object) &&
	       contract_object_of(m)->kind == CONTRACT_SA;
}

/* Key material is in the ADD or SET of an SA, and may be in a batch. */
static bool may_hold_keys(const struct contract_header *m)
{
	return m->type == CONTRACT_BATCH ||
	       ((m->type == CONTRACT_ADD || m->type == CONTRACT_SET) && is_sa(m));
}

int ring_get(struct ring *ring, void *to)
{
	struct contract_header *message = to;
	uint8_t *from = slot(ring, ring->at);
	uint32_t length;

	if (ring->broken)
		return -EPROTO;
	if (ring->at == ring->other) {
		if (!look_at_tail(ring))
			return -EPROTO;
		if (ring->at == ring->other)
			return 0;
	}
	length = __atomic_load_n((const uint32_t *)(const void *)from, __ATOMIC_RELAXED);
	if (length < sizeof(*message) || length % 8 || length > CONTRACT_MESSAGE_MAX ||
	    length > ring->other - ring->at) {
		ring->broken = true;
		return -EPROTO;
	}
	memcpy(to, from, length);
	message->length = length; /* what was checked, whatever the slot says by now */
	if (may_hold_keys(message))
		secret_wipe(from, length);
	ring->at += length;
	atomic_store_explicit(&ring->shared->head, ring->at, memory_order_release);
	return 1;
}

bool ring_may_sleep(struct ring *ring)
{
	if (ring->broken || ring->at != ring->other)
		return false;
	atomic_store_explicit(&ring->shared->sleeping, 1, memory_order_relaxed);
	atomic_thread_fence(memory_order_seq_cst);
	if (look_at_tail(ring) && ring->at == ring->other)
		return true;
	ring_awake(ring);
	return false;
}

void ring_awake(struct ring *ring)
{
	atomic_store_explicit(&ring->shared->sleeping, 0, memory_order_relaxed);
}

/* A consumer that found a broken ring does not know what is unread: all of it. */
void ring_wipe(struct ring *ring)
{
	if (!ring->broken && look_at_tail(ring))
		secret_wipe(slot(ring, ring->at), ring->other - ring->at);
	else
		secret_wipe(ring->data, ring->bytes);
}
