#include "control/capture/pcapng.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FILES 2
#define BUFFER_BYTES (64u * 1024)
#define BLOCK_SECTION 0x0a0d0d0a
#define BLOCK_INTERFACE 1
#define BLOCK_PACKET 6
#define BYTE_ORDER_MAGIC 0x1a2b3c4d
#define LINK_ETHERNET 1
#define LINK_RAW 101
#define OPTION_COMMENT 1
#define OPTION_NAME 2
#define OPTION_FLAGS 2
#define OPTION_TSRESOL 9
#define RESOLUTION_NS 9

struct pcapng {
	char *names[FILES];
	bool begun[FILES];
	uint32_t at; /* index of the file that is written */
	int fd;
	uint64_t limit;	  /* of a file */
	uint64_t written; /* to it, what is buffered too */
	struct text buffer;
};

static void add32(struct text *to, uint32_t value)
{
	text_add_bytes(to, &value, sizeof(value));
}

static void add_padded(struct text *to, const void *bytes, size_t n)
{
	static const uint8_t zeros[4];

	text_add_bytes(to, bytes, n);
	text_add_bytes(to, zeros, -n & 3);
}

static void add_option(struct text *to, uint16_t code, const void *bytes, size_t n)
{
	const uint16_t head[2] = { code, (uint16_t)n };

	text_add_bytes(to, head, sizeof(head));
	add_padded(to, bytes, n);
}

/* A block: type, length, body, length. */
static void add_block(struct text *to, uint32_t type, const struct text *body)
{
	uint32_t length = (uint32_t)body->n + 12;

	add32(to, type);
	add32(to, length);
	text_add_bytes(to, body->p, body->n);
	add32(to, length);
}

static void add_section(struct text *to)
{
	const uint16_t version[2] = { 1, 0 };
	const int64_t unknown = -1;
	struct text body = { 0 };

	add32(&body, BYTE_ORDER_MAGIC);
	text_add_bytes(&body, version, sizeof(version));
	text_add_bytes(&body, &unknown, sizeof(unknown));
	add_block(to, BLOCK_SECTION, &body);
	text_fini(&body);
}

static void add_interface(struct text *to, uint16_t link, const char *name)
{
	const uint16_t head[2] = { link, 0 };
	const uint8_t resolution = RESOLUTION_NS;
	struct text body = { 0 };

	text_add_bytes(&body, head, sizeof(head));
	add32(&body, 0); /* each packet is cut by itself */
	add_option(&body, OPTION_NAME, name, strlen(name));
	add_option(&body, OPTION_TSRESOL, &resolution, sizeof(resolution));
	add32(&body, 0);
	add_block(to, BLOCK_INTERFACE, &body);
	text_fini(&body);
}

static int file_begin(struct pcapng *file, uint32_t index)
{
	int fd = open(file->names[index], O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW,
		      0600);

	if (fd < 0)
		return -errno;
	if (file->fd >= 0)
		close(file->fd);
	file->fd = fd;
	file->at = index;
	file->begun[index] = true;
	add_section(&file->buffer);
	add_interface(&file->buffer, LINK_ETHERNET, "outer");
	add_interface(&file->buffer, LINK_RAW, "inner");
	add_interface(&file->buffer, LINK_RAW, "ike");
	file->written = file->buffer.n;
	return 0;
}

int pcapng_new(struct pcapng **to, const char *path, uint64_t bytes)
{
	struct pcapng *file = calloc(1, sizeof(*file));
	int rc = -ENOMEM;

	if (!file)
		return rc;
	file->fd = -1;
	file->limit = bytes / FILES;
	for (uint32_t i = 0; i < FILES; i++)
		if (asprintf(&file->names[i], "%s-%u.pcapng", path, i + 1) < 0)
			goto fail;
	rc = file_begin(file, 0);
	if (rc == 0) {
		*to = file;
		return 0;
	}
fail:
	pcapng_free(file);
	return rc;
}

void pcapng_free(struct pcapng *file)
{
	if (!file)
		return;
	(void)!pcapng_flush(file);
	if (file->fd >= 0)
		close(file->fd);
	for (uint32_t i = 0; i < FILES; i++)
		free(file->names[i]);
	text_fini(&file->buffer);
	free(file);
}

int pcapng_flush(struct pcapng *file)
{
	const char *at = file->buffer.p;
	size_t rest = file->buffer.n;
	int rc = file->buffer.failed ? -ENOMEM : 0;

	while (rc == 0 && rest) {
		ssize_t n = write(file->fd, at, rest);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			rc = -errno;
		at += n;
		rest -= n < 0 ? 0 : (size_t)n;
	}
	text_clear(&file->buffer);
	return rc;
}

static void add_packet(struct text *to, const struct pcapng_packet *p)
{
	const struct contract_captured *as = p->as;
	uint32_t kept = as->kept < p->snap ? as->kept : p->snap;
	uint32_t flags = as->outbound ? 2 : 1;
	struct text body = { 0 };

	add32(&body, as->layer - CONTRACT_LAYER_OUTER);
	add32(&body, (uint32_t)(p->wall_ns >> 32));
	add32(&body, (uint32_t)p->wall_ns);
	add32(&body, kept);
	add32(&body, as->length);
	add_padded(&body, p->bytes, kept);
	add_option(&body, OPTION_COMMENT, p->comment, strlen(p->comment));
	add_option(&body, OPTION_FLAGS, &flags, sizeof(flags));
	add32(&body, 0);
	add_block(to, BLOCK_PACKET, &body);
	text_fini(&body);
}

int pcapng_add(struct pcapng *file, const struct pcapng_packet *packet)
{
	size_t before = file->buffer.n;
	int rc;

	add_packet(&file->buffer, packet);
	file->written += file->buffer.n - before;
	if (file->buffer.n < BUFFER_BYTES && file->written < file->limit)
		return 0;
	rc = pcapng_flush(file);
	if (rc == 0 && file->written >= file->limit)
		rc = file_begin(file, (file->at + 1) % FILES);
	return rc;
}

const char *pcapng_name(const struct pcapng *file, uint32_t number)
{
	return number && number <= FILES && file->begun[number - 1] ? file->names[number - 1]
								    : NULL;
}
