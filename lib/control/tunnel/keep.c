#include "control/tunnel/keep.h"

#include "base/hash.h"
#include "base/secret.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAGIC UINT64_C(0x317065656b697676)
#define PAGE 4096

struct half {
	uint64_t sum; /* of name and bytes, and of since_s when there is one */
	uint32_t length;
	uint32_t since_s;
	char name[KEEP_NAME];
	uint8_t bytes[KEEP_BYTES];
};

struct slot {
	_Atomic uint32_t valid; /* 0: none, 1 or 2: that half */
	uint32_t zero[3];
	struct half half[2];
};

struct header {
	uint64_t magic;
	uint64_t slot_bytes;
	uint64_t slots;
	_Atomic uint64_t instance;
	uint8_t zero[PAGE - 32];
};
_Static_assert(sizeof(struct header) == PAGE, "slots start on a page");

struct keep {
	struct header *header;
	struct slot *slots;
	size_t bytes;
	int fd;
};

/* Tells a half-written slot from a whole one, nothing more. */
static uint64_t sum_of(const struct half *half)
{
	uint64_t sum = HASH_DIGEST ^ half->length;

	sum = hash_digest(sum, half->name, strnlen(half->name, sizeof(half->name)));
	if (half->since_s)
		sum = hash_digest(sum, &half->since_s, sizeof(half->since_s));
	return hash_digest(sum, half->bytes, half->length);
}

/* A hole where all slots were: nothing of them stays. */
static int empty(struct keep *keep)
{
	if (ftruncate(keep->fd, PAGE) < 0 || ftruncate(keep->fd, (off_t)keep->bytes) < 0)
		return -errno;
	return 0;
}

static int map(struct keep *keep)
{
	struct stat st;
	void *at;

	if (fstat(keep->fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode) || (st.st_mode & (S_IRWXG | S_IRWXO)))
		return -EPERM;
	if (ftruncate(keep->fd, (off_t)keep->bytes) < 0)
		return -errno;
	at = mmap(NULL, keep->bytes, PROT_READ | PROT_WRITE, MAP_SHARED, keep->fd, 0);
	if (at == MAP_FAILED)
		return -errno;
	(void)madvise(at, keep->bytes, MADV_DONTDUMP);
	keep->header = at;
	keep->slots = (struct slot *)((uint8_t *)at + PAGE);
	return 0;
}

int keep_open(struct keep **keep, const char *path)
{
	struct keep *k = calloc(1, sizeof(*k));
	int rc;

	if (!k)
		return -ENOMEM;
	k->bytes = PAGE + (size_t)KEEP_SLOTS * sizeof(struct slot);
	k->fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	rc = k->fd < 0 ? -errno : map(k);
	if (rc == 0 && (k->header->magic != MAGIC || k->header->slots != KEEP_SLOTS ||
			k->header->slot_bytes != sizeof(struct slot))) {
		rc = empty(k);
		k->header->slots = KEEP_SLOTS;
		k->header->slot_bytes = sizeof(struct slot);
		k->header->magic = MAGIC;
	}
	if (rc < 0)
		keep_close(k);
	else
		*keep = k;
	return rc;
}

void keep_close(struct keep *keep)
{
	if (!keep)
		return;
	if (keep->header)
		munmap(keep->header, keep->bytes);
	if (keep->fd >= 0)
		close(keep->fd);
	free(keep);
}

bool keep_use(struct keep *keep, uint64_t instance)
{
	if (atomic_load(&keep->header->instance) == instance)
		return true;
	if (empty(keep) == 0)
		atomic_store(&keep->header->instance, instance);
	return false;
}

static bool clear(struct slot *slot)
{
	if (atomic_exchange(&slot->valid, 0) == 0)
		return true; /* an untouched slot stays a hole */
	secret_wipe(slot->half, sizeof(slot->half));
	return true;
}

bool keep_put(struct keep *keep, uint32_t slot, const char *name, const struct keep_item *item)
{
	struct slot *s = &keep->slots[slot];
	struct span bytes = item->bytes;
	uint32_t now;
	struct half *half;

	if (slot >= KEEP_SLOTS || bytes.n > KEEP_BYTES || strlen(name) >= KEEP_NAME)
		return false;
	if (!bytes.n)
		return clear(s);
	now = atomic_load(&s->valid);
	half = &s->half[now == 1];
	half->length = (uint32_t)bytes.n;
	half->since_s = item->since_s;
	snprintf(half->name, sizeof(half->name), "%s", name);
	memcpy(half->bytes, bytes.p, bytes.n);
	half->sum = sum_of(half);
	atomic_store_explicit(&s->valid, now == 1 ? 2 : 1, memory_order_release);
	return true;
}

bool keep_get(const struct keep *keep, uint32_t slot, const char *name, struct keep_item *item)
{
	const struct half *half;
	uint32_t valid;

	if (slot >= KEEP_SLOTS)
		return false;
	valid = atomic_load_explicit(&keep->slots[slot].valid, memory_order_acquire);
	if (valid != 1 && valid != 2)
		return false;
	half = &keep->slots[slot].half[valid - 1];
	if (half->length > KEEP_BYTES || !memchr(half->name, 0, sizeof(half->name)) ||
	    strcmp(half->name, name) || half->sum != sum_of(half))
		return false;
	*item = (struct keep_item){ { half->bytes, half->length }, half->since_s };
	return true;
}
