#include "contract/channel.h"
#include "contract/channel_memory.h"
#include "base/secret.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

/* The shared lines come first; as large as any page size, so that the data can be mapped behind. */
#define HEAD_BYTES 65536u
#define RING_BYTES_MIN (4 * CONTRACT_MESSAGE_MAX)
#define RING_BYTES_MAX (64u * 1024 * 1024)
#define WAKE_DRAIN 256

enum direction { REQUESTS, EVENTS };

bool channel_memory_size_valid(uint32_t ring_bytes)
{
	return ring_bytes >= RING_BYTES_MIN && ring_bytes <= RING_BYTES_MAX &&
	       (ring_bytes & (ring_bytes - 1)) == 0;
}

static uint64_t memory_bytes(uint32_t ring_bytes)
{
	return HEAD_BYTES + 2 * (uint64_t)ring_bytes;
}

/* Pages are taken now: a machine that is out of memory says so here, not with a signal later. */
int channel_memory_create(int *fd, uint32_t ring_bytes)
{
	int memory = memfd_create("vpngw-channel", MFD_CLOEXEC | MFD_ALLOW_SEALING), rc;

	if (memory < 0)
		return -errno;
	rc = -posix_fallocate(memory, 0, (off_t)memory_bytes(ring_bytes));
	if (!rc && fcntl(memory, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) < 0)
		rc = -errno;
	if (rc) {
		close(memory);
		return rc;
	}
	*fd = memory;
	return 0;
}

/* A memory that may shrink would be a way to kill us with SIGBUS. */
static int check_memory(int fd, uint32_t ring_bytes)
{
	int seals = fcntl(fd, F_GET_SEALS);
	struct stat st;

	if (seals < 0 || (seals & (F_SEAL_SHRINK | F_SEAL_GROW)) != (F_SEAL_SHRINK | F_SEAL_GROW))
		return -EPROTO;
	if (fstat(fd, &st) < 0 || (uint64_t)st.st_size != memory_bytes(ring_bytes))
		return -EPROTO;
	return 0;
}

static bool place(uint8_t *at, size_t n, int fd, uint64_t offset)
{
	return mmap(at, n, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED | MAP_POPULATE, fd,
		    (off_t)offset) != MAP_FAILED;
}

/* Head, then each ring's data twice. */
static int map_all(struct channel *ch, int fd, uint32_t n)
{
	uint8_t *p;

	ch->map_bytes = HEAD_BYTES + 4 * (size_t)n;
	p = mmap(NULL, ch->map_bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1,
		 0);
	if (p == MAP_FAILED)
		return -errno;
	ch->map = p;
	if (!place(p, HEAD_BYTES, fd, 0))
		return -errno;
	for (unsigned d = REQUESTS; d <= EVENTS; d++)
		for (unsigned copy = 0; copy < 2; copy++)
			if (!place(p + HEAD_BYTES + (2 * d + copy) * (size_t)n, n, fd,
				   HEAD_BYTES + d * (uint64_t)n))
				return -errno;
	if (madvise(p, ch->map_bytes, MADV_DONTDUMP) || madvise(p, ch->map_bytes, MADV_DONTFORK))
		return -errno;
	return 0;
}

int channel_memory_map(struct channel **channel, int fd, uint32_t ring_bytes, bool serves)
{
	struct ring_shared *shared;
	struct channel *ch;
	uint8_t *data;
	int rc = check_memory(fd, ring_bytes);

	if (rc)
		return rc;
	ch = calloc(1, sizeof(*ch));
	if (!ch)
		return -ENOMEM;
	ch->peer = ch->wake = ch->counters = -1;
	rc = map_all(ch, fd, ring_bytes);
	if (rc) {
		channel_close(ch);
		return rc;
	}
	shared = ch->map;
	data = (uint8_t *)ch->map + HEAD_BYTES;
	ring_init(serves ? &ch->rx : &ch->tx, &shared[REQUESTS], data, ring_bytes);
	ring_init(serves ? &ch->tx : &ch->rx, &shared[EVENTS], data + 2 * (size_t)ring_bytes,
		  ring_bytes);
	/* Keys pass through: out of swap where the limit allows it. Locked pages are so for both.
	 */
	if (serves)
		(void)!mlock(ch->rx.data, ring_bytes);
	*channel = ch;
	return 0;
}

void channel_close(struct channel *ch)
{
	if (!ch)
		return;
	if (ch->rx.shared)
		ring_wipe(&ch->rx);
	if (ch->lost && ch->tx.data) /* nobody reads it any more; it may hold keys */
		secret_wipe(ch->tx.data, ch->tx.bytes);
	if (ch->map)
		munmap(ch->map, ch->map_bytes);
	if (ch->peer >= 0)
		close(ch->peer);
	if (ch->wake >= 0)
		close(ch->wake);
	if (ch->counters >= 0)
		close(ch->counters);
	free(ch);
}

const struct contract_limits *channel_limits(const struct channel *ch)
{
	return &ch->limits;
}

int channel_counters_fd(const struct channel *ch)
{
	return ch->counters;
}

int channel_event_fd(const struct channel *ch)
{
	return ch->wake;
}

int channel_peer_fd(const struct channel *ch)
{
	return ch->peer;
}

/* After the handshake nobody writes to this socket: anything but silence is the end. */
bool channel_peer_lost(struct channel *ch)
{
	uint8_t byte;
	ssize_t n;

	if (ch->lost)
		return true;
	n = recv(ch->peer, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
	ch->lost = !(n < 0 && (errno == EAGAIN || errno == EINTR));
	return ch->lost;
}

/* A full socket has bytes for the consumer to wake by. */
static void wake_peer(struct channel *ch)
{
	uint8_t byte = 0;
	ssize_t n;

	do
		n = send(ch->wake, &byte, 1, MSG_DONTWAIT | MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	if (n < 0 && errno != EAGAIN)
		ch->lost = true;
}

static int measure(const struct channel_part *parts, size_t part_count, size_t *n)
{
	const struct contract_header *header = parts[0].bytes;

	*n = 0;
	for (size_t i = 0; i < part_count; i++) {
		if (parts[i].n > CONTRACT_MESSAGE_MAX - *n)
			return -EMSGSIZE;
		*n += parts[i].n;
	}
	if (parts[0].n < sizeof(*header) || header->length != *n || *n % 8)
		return -EINVAL;
	return 0;
}

static int send_record(struct channel *ch, const struct channel_part *parts, size_t part_count,
		       uint64_t keep_free)
{
	size_t n;
	int rc = measure(parts, part_count, &n);

	if (rc)
		return rc;
	if (ch->lost)
		return -EPIPE;
	rc = ring_put(&ch->tx, parts, part_count, n, keep_free);
	if (rc && rc != -EAGAIN)
		return -EPIPE;
	if ((rc || !ch->held) && ring_wants_wake(&ch->tx))
		wake_peer(ch);
	return rc;
}

int channel_send(struct channel *ch, const struct channel_part *parts, size_t part_count)
{
	return send_record(ch, parts, part_count, 0);
}

int channel_send_droppable(struct channel *ch, const struct channel_part *parts, size_t part_count)
{
	return send_record(ch, parts, part_count, ch->tx.bytes / CHANNEL_RESERVE_PART);
}

void channel_hold(struct channel *ch)
{
	ch->held = true;
}

void channel_release(struct channel *ch)
{
	ch->held = false;
	if (!ch->lost && ring_wants_wake(&ch->tx))
		wake_peer(ch);
}

bool channel_has_plenty(const struct channel *ch)
{
	struct ring tx = ch->tx;

	return ring_free(&tx) > ch->tx.bytes / 2;
}

bool channel_has_reserve(const struct channel *ch)
{
	struct ring tx = ch->tx; /* to look does not change what the producer has seen */

	return ring_free(&tx) >= ch->tx.bytes / CHANNEL_RESERVE_PART;
}

int channel_receive(struct channel *ch, void *to)
{
	int rc = ring_get(&ch->rx, to);

	if (rc == 0 && ring_owes_room(&ch->rx))
		wake_peer(ch);
	return rc;
}

/* The fence of falling asleep is also the one that makes a wish for room visible. */
bool channel_may_sleep(struct channel *ch)
{
	bool may = ring_may_sleep(&ch->rx);

	if (may && ring_owes_room(&ch->rx))
		wake_peer(ch);
	return may;
}

bool channel_awaits_room(struct channel *ch)
{
	return ring_awaits_room(&ch->tx, ch->tx.bytes / CHANNEL_RESERVE_PART);
}

void channel_woken(struct channel *ch)
{
	uint8_t bytes[WAKE_DRAIN];

	ring_awake(&ch->rx);
	(void)!recv(ch->wake, bytes, sizeof(bytes), MSG_DONTWAIT);
}
