#include "contract/counters.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAGIC 0x74637076u
#define VERSION 4
#define LINE 64
#define ROWS_MAX (1u << 24)
#define WORKERS_MAX 256

static const uint32_t columns_of[CONTRACT_SECTIONS] = {
	[CONTRACT_COUNT_DROPS] = CONTRACT_DROP_COUNT,
	[CONTRACT_COUNT_PORTS] = CONTRACT_PORT_COLUMNS,
	[CONTRACT_COUNT_SAS] = CONTRACT_SA_COLUMNS,
	[CONTRACT_COUNT_TUNNELS] = CONTRACT_TUNNEL_COLUMNS,
	[CONTRACT_COUNT_LIMITS] = CONTRACT_LIMIT_COLUMNS,
	[CONTRACT_COUNT_WORKER] = CONTRACT_WORKER_COLUMNS,
	[CONTRACT_COUNT_DESTINATIONS] = CONTRACT_DESTINATION_COLUMNS,
	[CONTRACT_COUNT_STEPS] = CONTRACT_STEP_COLUMNS,
};

static uint64_t section_bytes(const struct contract_counter_section *s, uint32_t workers)
{
	return (uint64_t)workers * s->rows * s->columns * sizeof(uint64_t);
}

/* Rows in eights, so that each worker's block of a section begins on a line of its own. */
static int lay_out(struct contract_counter_header *h, uint32_t workers,
		   const uint32_t rows[CONTRACT_SECTIONS])
{
	uint64_t at = (sizeof(*h) + LINE - 1) / LINE * LINE;

	if (!workers || workers > WORKERS_MAX)
		return -EINVAL;
	*h = (struct contract_counter_header){ .magic = MAGIC,
					       .version = VERSION,
					       .workers = workers };
	for (size_t i = 0; i < CONTRACT_SECTIONS; i++) {
		struct contract_counter_section *s = &h->sections[i];

		if (rows[i] > ROWS_MAX)
			return -EINVAL;
		*s = (struct contract_counter_section){ .offset = at,
							.rows = (rows[i] + 7) / 8 * 8,
							.columns = columns_of[i] };
		at += section_bytes(s, workers);
	}
	h->bytes = at;
	return 0;
}

/* The mapping comes before the seal: F_SEAL_FUTURE_WRITE leaves it writable and no other. */
static int size_and_seal(struct contract_counters *c)
{
	const int seals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_FUTURE_WRITE | F_SEAL_SEAL;
	void *p;

	if (ftruncate(c->fd, (off_t)c->bytes) < 0)
		return -errno;
	p = mmap(NULL, c->bytes, PROT_READ | PROT_WRITE, MAP_SHARED, c->fd, 0);
	if (p == MAP_FAILED)
		return -errno;
	c->header = p;
	return fcntl(c->fd, F_ADD_SEALS, seals) < 0 ? -errno : 0;
}

int contract_counters_create(struct contract_counters *c, uint32_t workers,
			     const uint32_t rows[CONTRACT_SECTIONS])
{
	struct contract_counter_header header;
	int rc = lay_out(&header, workers, rows);

	*c = (struct contract_counters){ .fd = -1 };
	if (rc)
		return rc;
	c->bytes = header.bytes;
	c->fd = memfd_create("vpngw-counters", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	rc = c->fd < 0 ? -errno : size_and_seal(c);
	if (rc) {
		contract_counters_unmap(c);
		return rc;
	}
	*c->header = header;
	return 0;
}

static int check_section(const struct contract_counter_header *h, size_t i)
{
	const struct contract_counter_section *s = &h->sections[i];

	if (s->columns != columns_of[i] || s->rows > ROWS_MAX || s->offset % sizeof(uint64_t))
		return -EPROTO;
	if (s->offset < sizeof(*h) || s->offset > h->bytes ||
	    section_bytes(s, h->workers) > h->bytes - s->offset)
		return -EPROTO;
	return 0;
}

static int check_header(const struct contract_counter_header *h, uint64_t bytes)
{
	int rc = 0;

	if (h->magic != MAGIC || h->version != VERSION || h->bytes != bytes || !h->workers ||
	    h->workers > WORKERS_MAX)
		return -EPROTO;
	for (size_t i = 0; !rc && i < CONTRACT_SECTIONS; i++)
		rc = check_section(h, i);
	return rc;
}

int contract_counters_map(struct contract_counters *c, int fd)
{
	int seals = fcntl(fd, F_GET_SEALS);
	struct contract_counter_header header;
	struct stat st;
	void *p;

	*c = (struct contract_counters){ .fd = -1 };
	if (seals < 0 || !(seals & F_SEAL_SHRINK) || !(seals & F_SEAL_FUTURE_WRITE) ||
	    fstat(fd, &st) < 0 || (uint64_t)st.st_size < sizeof(header))
		return -EPROTO;
	p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_SHARED, fd, 0);
	if (p == MAP_FAILED)
		return -errno;
	c->header = p;
	c->bytes = (uint64_t)st.st_size;
	memcpy(&header, p, sizeof(header));
	if (check_header(&header, c->bytes)) {
		contract_counters_unmap(c);
		return -EPROTO;
	}
	return 0;
}

void contract_counters_unmap(struct contract_counters *c)
{
	if (c->header)
		munmap(c->header, c->bytes);
	if (c->fd >= 0)
		close(c->fd);
	*c = (struct contract_counters){ .fd = -1 };
}

/* The geometry is copied and bounded again, as it may have changed. */
static bool geometry(const struct contract_counters *c, enum contract_section section, uint64_t row,
		     struct contract_counter_header *h)
{
	if (!c->header || (unsigned)section >= CONTRACT_SECTIONS)
		return false;
	memcpy(h, c->header, sizeof(*h));
	return h->bytes == c->bytes && h->workers <= WORKERS_MAX && !check_section(h, section) &&
	       row < h->sections[section].rows;
}

static const uint64_t *row_of(const struct contract_counters *c,
			      const struct contract_counter_section *s, uint64_t worker,
			      uint64_t row)
{
	const uint8_t *at = (const uint8_t *)c->header + s->offset;

	return (const uint64_t *)(const void *)at + (worker * s->rows + row) * s->columns;
}

/* Adds up or takes the largest. */
static uint64_t reduce(const struct contract_counters *c, enum contract_section section,
		       uint64_t row, uint32_t column, bool largest)
{
	struct contract_counter_header h;
	uint64_t result = 0;

	if (!geometry(c, section, row, &h) || column >= h.sections[section].columns)
		return 0;
	for (uint64_t worker = 0; worker < h.workers; worker++) {
		uint64_t v = __atomic_load_n(row_of(c, &h.sections[section], worker, row) + column,
					     __ATOMIC_RELAXED);

		if (!largest)
			result += v;
		else if (v > result)
			result = v;
	}
	return result;
}

bool contract_counters_row_sum(const struct contract_counters *c, enum contract_section section,
			       uint32_t row, uint64_t *columns, uint32_t count)
{
	struct contract_counter_header h;

	memset(columns, 0, count * sizeof(*columns));
	if (!geometry(c, section, row, &h) || count != h.sections[section].columns)
		return false;
	for (uint64_t worker = 0; worker < h.workers; worker++) {
		const uint64_t *words = row_of(c, &h.sections[section], worker, row);

		for (uint32_t i = 0; i < count; i++)
			columns[i] += __atomic_load_n(words + i, __ATOMIC_RELAXED);
	}
	return true;
}

bool contract_counters_worker(const struct contract_counters *c, enum contract_section section,
			      uint32_t worker, uint64_t *columns, uint32_t count)
{
	struct contract_counter_header h;
	const uint64_t *words;

	memset(columns, 0, count * sizeof(*columns));
	if (!geometry(c, section, 0, &h) || count != h.sections[section].columns ||
	    worker >= h.workers)
		return false;
	words = row_of(c, &h.sections[section], worker, 0);
	for (uint32_t i = 0; i < count; i++)
		columns[i] = __atomic_load_n(words + i, __ATOMIC_RELAXED);
	return true;
}

uint64_t contract_counters_sum(const struct contract_counters *c, enum contract_section section,
			       uint32_t row, uint32_t column)
{
	return reduce(c, section, row, column, false);
}

uint64_t contract_counters_max(const struct contract_counters *c, enum contract_section section,
			       uint32_t row, uint32_t column)
{
	return reduce(c, section, row, column, true);
}

static const char *const drops[CONTRACT_DROP_COUNT][2] = {
#define X(name, text, sentence) { text, sentence },
	CONTRACT_DROPS(X)
#undef X
};

const char *contract_drop_name(enum contract_drop drop)
{
	return (unsigned)drop < CONTRACT_DROP_COUNT ? drops[drop][0] : "unknown";
}

const char *contract_drop_sentence(enum contract_drop drop)
{
	return (unsigned)drop < CONTRACT_DROP_COUNT ? drops[drop][1] : "unknown drop";
}
