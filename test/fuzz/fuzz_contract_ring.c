/*
 * A ring whose other side is hostile: the input writes positions, lengths and flags of the shared
 * memory between our own puts and gets. Nothing may be read or written outside, a record that is
 * given out has a length within bounds, and a broken ring stays broken.
 */
#include "contract/ring.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define BYTES (256u * 1024)

static uint8_t *ring_data;
static struct ring_shared shared;
static uint64_t *message;

static bool prepare(void)
{
	int fd;

	if (ring_data)
		return true;
	fd = memfd_create("ring", MFD_CLOEXEC);
	if (fd < 0 || ftruncate(fd, BYTES) < 0)
		return false;
	message = malloc(CONTRACT_MESSAGE_MAX);
	ring_data = mmap(NULL, 2 * BYTES, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	for (size_t i = 0; i < 2; i++)
		if (mmap(ring_data + i * BYTES, BYTES, PROT_READ | PROT_WRITE,
			 MAP_SHARED | MAP_FIXED, fd, 0) == MAP_FAILED)
			return false;
	close(fd);
	return message != NULL;
}

/* The hostile side's value: small, near one of ours, or anything. */
static uint64_t value_of(const uint8_t *p, uint64_t near)
{
	uint64_t v;

	memcpy(&v, p, sizeof(v));
	return p[0] & 1 ? near + (uint64_t)(int64_t)(int16_t)v * 8 : v;
}

static void consume(struct ring *ring)
{
	bool was_broken = ring->broken;
	int rc = ring_get(ring, message);

	if (was_broken && rc != -EPROTO)
		abort();
	if (rc == 1 && (*(uint32_t *)message < 16 || *(uint32_t *)message > CONTRACT_MESSAGE_MAX ||
			*(uint32_t *)message % 8))
		abort();
}

static void produce(struct ring *ring, const uint8_t *p)
{
	static uint8_t body[4096];
	struct contract_header header = { .length = 16 + (p[1] | (p[2] & 15u) << 8) / 8 * 8,
					  .type = p[3] };
	struct channel_part parts[] = { { &header, 16 }, { body, header.length - 16 } };
	int rc = ring_put(ring, parts, 2, header.length, p[4] * 256u);

	if (rc == -EPROTO && !ring->broken)
		abort();
	if (ring_free(ring) > BYTES)
		abort();
	(void)ring_wants_wake(ring);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ring producer, consumer;

	if (!prepare())
		return 0;
	memset(&shared, 0, sizeof(shared));
	ring_init(&producer, &shared, ring_data, BYTES);
	ring_init(&consumer, &shared, ring_data, BYTES);
	for (; size >= 9; data += 9, size -= 9)
		switch (data[0] % 8) {
		case 0:
		case 1:
			produce(&producer, data);
			break;
		case 2:
		case 3:
			consume(&consumer);
			break;
		case 4:
			shared.tail = value_of(data + 1, producer.at);
			break;
		case 5:
			shared.head = value_of(data + 1, consumer.at);
			break;
		case 6: /* what lies in the slot that is read next */
			memcpy(ring_data + consumer.at % BYTES, data + 1, 8);
			break;
		default:
			(void)ring_may_sleep(&consumer);
			shared.sleeping = data[1];
		}
	ring_wipe(&consumer);
	return 0;
}
