/* The ring: order and content under threads, wake-ups, wiped slots, and a hostile other side. */
#include "../cmocka_all.h"
#include "base/clock.h"
#include "base/secret.h"
#include "contract/ring.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#define BYTES (512u * 1024)

static struct ring_shared *shared;
static uint8_t *data;
static struct ring producer, consumer;
static uint64_t *message;

static int setup(void **state)
{
	int fd = memfd_create("ring", MFD_CLOEXEC);

	if (fd < 0 || ftruncate(fd, BYTES) < 0)
		return -1;
	data = mmap(NULL, 2 * BYTES, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	for (int i = 0; i < 2; i++)
		if (mmap(data + i * (size_t)BYTES, BYTES, PROT_READ | PROT_WRITE,
			 MAP_SHARED | MAP_FIXED, fd, 0) == MAP_FAILED)
			return -1;
	close(fd);
	shared = aligned_alloc(RING_LINE, sizeof(*shared));
	memset(shared, 0, sizeof(*shared));
	message = aligned_alloc(64, CONTRACT_MESSAGE_MAX);
	ring_init(&producer, shared, data, BYTES);
	ring_init(&consumer, shared, data, BYTES);
	return 0;
}

static int teardown(void **state)
{
	munmap(data, 2 * BYTES);
	free(shared);
	free(message);
	return 0;
}

static int put(uint32_t length, uint16_t type, uint64_t request)
{
	static uint8_t body[CONTRACT_MESSAGE_MAX];
	struct contract_header header = { .length = length, .type = type, .request = request };
	struct channel_part parts[] = { { &header, sizeof(header) },
					{ body, length - sizeof(header) } };

	memset(body, (int)(request % 251), length - sizeof(header));
	return ring_put(&producer, parts, 2, length, 0);
}

static void assert_message(uint64_t request)
{
	const struct contract_header *m = (const void *)message;

	assert_int_equal(m->request, request);
	for (size_t i = sizeof(*m); i < m->length; i++)
		if (((uint8_t *)message)[i] != request % 251)
			fail_msg("torn at %zu of %u", i, m->length);
}

/* Random sizes and a consumer that lags: what comes out is what a queue would give. */
static void test_against_a_queue(void **state)
{
	uint32_t seed = 9, queue[4096];
	uint64_t in = 0, out = 0, filled = 0;

	for (int step = 0; step < 20000; step++) {
		seed = seed * 1664525 + 1013904223;
		if (seed >> 31) {
			uint32_t most = seed >> 30 & 1 ? CONTRACT_MESSAGE_MAX : 256;
			uint32_t length = 16 + (seed >> 8) % (most - 15) / 8 * 8;
			int rc = put(length, CONTRACT_SEND, in);

			assert_int_equal(rc, filled + length > BYTES ? -EAGAIN : 0);
			if (!rc) {
				queue[in++ % 4096] = length;
				filled += length;
			}
		} else {
			int rc = ring_get(&consumer, message);

			assert_int_equal(rc, out < in);
			if (rc) {
				assert_int_equal(*(uint32_t *)message, queue[out % 4096]);
				assert_message(out);
				filled -= queue[out++ % 4096];
			}
		}
		assert_int_equal(ring_free(&producer), BYTES - filled);
	}
	assert_true(out > 1000);
}

static void test_keys_are_wiped(void **state)
{
	static const uint16_t types[] = { CONTRACT_ADD, CONTRACT_SET, CONTRACT_BATCH };
	struct contract_object object = { .kind = CONTRACT_SA, .id = 1 };

	for (size_t i = 0; i < 3; i++) {
		uint8_t *slot = data + producer.at % BYTES;
		struct contract_header header = { .length = 16 + 24 + 64, .type = types[i] };
		uint8_t key[64];
		struct channel_part parts[] = { { &header, 16 }, { &object, 24 }, { key, 64 } };

		memset(key, 0xc3, sizeof(key));
		assert_int_equal(ring_put(&producer, parts, 3, header.length, 0), 0);
		assert_int_equal(slot[41], 0xc3);
		assert_int_equal(ring_get(&consumer, message), 1);
		assert_int_equal(((uint8_t *)message)[41], 0xc3);
		for (size_t j = 0; j < header.length; j++)
			assert_int_equal(slot[j], 0);
	}
}

static void test_unread_is_wiped(void **state)
{
	assert_int_equal(put(64, CONTRACT_SEND, 1), 0);
	assert_int_equal(put(64, CONTRACT_SEND, 2), 0);
	assert_int_equal(ring_get(&consumer, message), 1);
	ring_wipe(&consumer);
	for (size_t i = 64; i < 128; i++)
		assert_int_equal(data[i], 0);
	shared->tail = 3; /* what is unread cannot be known: all of it */
	data[BYTES - 1] = 1;
	ring_wipe(&consumer);
	assert_int_equal(data[BYTES - 1], 0);
}

static void test_hostile_tail(void **state)
{
	static const uint64_t tails[] = { 8, 24, BYTES + 40, UINT64_MAX - 7, 33, 1, 0 };

	for (size_t i = 0; i < sizeof(tails) / sizeof(tails[0]); i++) {
		ring_init(&producer, shared, data, BYTES);
		ring_init(&consumer, shared, data, BYTES);
		shared->tail = shared->head = 0;
		assert_int_equal(put(32, CONTRACT_SEND, 1), 0);
		assert_int_equal(put(32, CONTRACT_SEND, 1), 0);
		assert_int_equal(ring_get(&consumer, message), 1);
		assert_int_equal(ring_get(&consumer, message), 1);
		shared->tail = 64 + tails[i] - 64 * (tails[i] < 64);
		if (shared->tail == 64) /* the same is nothing new */
			continue;
		assert_int_equal(ring_get(&consumer, message), -EPROTO);
		assert_int_equal(ring_get(&consumer, message), -EPROTO);
		assert_false(ring_may_sleep(&consumer));
	}
}

static void test_hostile_head(void **state)
{
	static const uint64_t heads[] = { 72, 8, 0, UINT64_MAX - 7, 33, 40 };

	for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++) {
		ring_init(&producer, shared, data, BYTES);
		ring_init(&consumer, shared, data, BYTES);
		shared->tail = shared->head = 0;
		assert_int_equal(put(32, CONTRACT_SEND, 1), 0);
		assert_int_equal(put(32, CONTRACT_SEND, 1), 0);
		assert_int_equal(ring_get(&consumer, message), 1);
		assert_int_equal(ring_free(&producer), BYTES - 32);
		shared->head = heads[i];
		if (heads[i] == 40) { /* plausible for who counts bytes, not records */
			assert_int_equal(ring_free(&producer), BYTES - 24);
			continue;
		}
		assert_int_equal(ring_free(&producer), 0);
		assert_int_equal(put(32, CONTRACT_SEND, 1), -EPROTO);
	}
}

static void test_hostile_lengths(void **state)
{
	static const uint32_t lengths[] = {
		0, 8, 15, 17, 20, 40, CONTRACT_MESSAGE_MAX + 8, UINT32_MAX, UINT32_MAX - 7
	};

	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		ring_init(&producer, shared, data, BYTES);
		ring_init(&consumer, shared, data, BYTES);
		shared->tail = shared->head = 0;
		assert_int_equal(put(32, CONTRACT_SEND, 1), 0);
		memcpy(data, &lengths[i], 4);
		assert_int_equal(ring_get(&consumer, message), -EPROTO);
		assert_int_equal(shared->head, 0);
	}
}

/* The producer's own position is private: a consumer that writes to `tail` moves nothing. */
static void test_other_side_writes_my_line(void **state)
{
	assert_int_equal(put(32, CONTRACT_SEND, 1), 0);
	shared->tail = 0;
	assert_int_equal(put(32, CONTRACT_SEND, 2), 0);
	assert_int_equal(shared->tail, 64);
	assert_int_equal(ring_get(&consumer, message), 1);
	assert_message(1);
	shared->head = 0;
	assert_int_equal(ring_get(&consumer, message), 1);
	assert_message(2);
	assert_int_equal(shared->head, 64);
}

#define STORM 200000

static int wake_fd;
static _Atomic int wake_flag;

static void *produce(void *arg)
{
	for (uint64_t i = 0; i < STORM; i++) {
		while (put(16 + (uint32_t)(i % 40) * 8, CONTRACT_SEND, i) == -EAGAIN)
			sched_yield();
		if (ring_wants_wake(&producer) && eventfd_write(wake_fd, 1) < 0)
			abort();
		if (i % 997 == 0)
			sched_yield(); /* lets the consumer run dry, so that it sleeps */
	}
	return NULL;
}

/* A consumer that sleeps whenever it may: a lost wake-up shows as a poll that times out. */
static void test_storm_with_sleep(void **state)
{
	struct pollfd p = { .events = POLLIN };
	uint64_t expected = 0, sleeps = 0;
	eventfd_t count;
	pthread_t thread;

	p.fd = wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	assert_int_equal(pthread_create(&thread, NULL, produce, NULL), 0);
	while (expected < STORM) {
		int rc = ring_get(&consumer, message);

		assert_true(rc >= 0);
		if (rc) {
			assert_message(expected++);
		} else if (ring_may_sleep(&consumer)) {
			sleeps++;
			assert_int_equal(poll(&p, 1, 10000), 1);
			ring_awake(&consumer);
			(void)!eventfd_read(wake_fd, &count);
		}
	}
	pthread_join(thread, NULL);
	assert_int_equal(ring_get(&consumer, message), 0);
	assert_true(sleeps > 0);
	close(wake_fd);
}

#define TRICKLE 50000

/* For a machine with one core. */
static void spin_or_yield(uint32_t *spins)
{
	if (++*spins % 4096 == 0)
		sched_yield();
}

/* Arrivals around the moment in which the consumer falls asleep. */
static void *trickle(void *arg)
{
	uint32_t seed_at = 77, spins = 0;

	for (uint64_t i = 0; i < TRICKLE; i++) {
		seed_at = seed_at * 1664525 + 1013904223;
		for (volatile uint32_t spin = seed_at >> 24; spin; spin--)
			;
		/* not before the last one was taken: the consumer always runs dry */
		while (ring_free(&producer) != BYTES)
			spin_or_yield(&spins);
		while (put(16, CONTRACT_SEND, i) == -EAGAIN)
			;
		if (ring_wants_wake(&producer))
			atomic_store_explicit(&wake_flag, 1, memory_order_release);
	}
	return NULL;
}

/* Sleeps without a system call, so that falling asleep takes as little time as it can. */
static bool doze_for(_Atomic int *flag)
{
	uint64_t until = clock_now_ns(&clock_monotonic) + 5 * CLOCK_NS_PER_S;
	uint32_t spins = 0;

	while (!atomic_exchange_explicit(flag, 0, memory_order_acquire)) {
		spin_or_yield(&spins);
		if (clock_now_ns(&clock_monotonic) > until)
			return false;
	}
	return true;
}

static void test_no_wake_is_lost(void **state)
{
	uint64_t expected = 0, sleeps = 0;
	pthread_t thread;

	atomic_store(&wake_flag, 0);
	assert_int_equal(pthread_create(&thread, NULL, trickle, NULL), 0);
	while (expected < TRICKLE) {
		int rc = ring_get(&consumer, message);

		assert_true(rc >= 0);
		if (rc) {
			assert_message(expected++);
		} else if (ring_may_sleep(&consumer)) {
			sleeps++;
			if (!doze_for(&wake_flag))
				fail_msg("slept through message %llu",
					 (unsigned long long)expected);
			ring_awake(&consumer);
		}
	}
	pthread_join(thread, NULL);
	assert_true(sleeps > TRICKLE / 100);
}

/* Both sleep: the producer for room, the consumer for records. Neither oversleeps. */
static _Atomic int room_flag;

#define FLOOD 50000
#define FLOOD_BYTES 32u /* two records: the consumer is done when the producer finds it full */

static void *flood(void *arg)
{
	for (uint64_t i = 0; i < FLOOD; i++) {
		while (put(16, CONTRACT_SEND, i) == -EAGAIN)
			if (ring_awaits_room(&producer, 16) && !doze_for(&room_flag))
				return (void *)1;
		if (ring_wants_wake(&producer))
			atomic_store_explicit(&wake_flag, 1, memory_order_release);
	}
	return NULL;
}

static void test_no_room_is_lost(void **state)
{
	uint64_t expected = 0;
	pthread_t thread;
	void *overslept;

	atomic_store(&wake_flag, 0);
	atomic_store(&room_flag, 0);
	ring_init(&producer, shared, data, FLOOD_BYTES);
	ring_init(&consumer, shared, data, FLOOD_BYTES);
	assert_int_equal(pthread_create(&thread, NULL, flood, NULL), 0);
	while (expected < FLOOD) {
		int rc = ring_get(&consumer, message);
		bool may;

		assert_true(rc >= 0);
		if (rc) {
			assert_int_equal(((struct contract_header *)message)->request, expected);
			expected++;
			continue;
		}
		may = ring_may_sleep(&consumer);
		if (may && ring_owes_room(&consumer))
			atomic_store_explicit(&room_flag, 1, memory_order_release);
		if (may && !doze_for(&wake_flag))
			fail_msg("slept through message %llu", (unsigned long long)expected);
		ring_awake(&consumer);
	}
	pthread_join(thread, &overslept);
	assert_null(overslept);
}

#define with_ring(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		with_ring(test_against_a_queue),
		with_ring(test_keys_are_wiped),
		with_ring(test_unread_is_wiped),
		with_ring(test_hostile_tail),
		with_ring(test_hostile_head),
		with_ring(test_hostile_lengths),
		with_ring(test_other_side_writes_my_line),
		with_ring(test_storm_with_sleep),
		with_ring(test_no_wake_is_lost),
		with_ring(test_no_room_is_lost),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
