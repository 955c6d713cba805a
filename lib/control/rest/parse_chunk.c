#include "control/rest/parse.h"

#include <errno.h>

#define SIZE_DIGITS 8	 /* the limit of bodies is far below 16^8 */
#define LINE_BYTES 16384 /* of an extension, or of all trailers */

/* The byte behind a CR must be LF; true when the line has ended. */
static bool line_byte(struct parse_chunks *c, uint8_t byte, bool *bad)
{
	bool ended = c->cr && byte == '\n';

	*bad = c->cr ? !ended : byte == '\n' || ++c->count > LINE_BYTES;
	c->cr = !c->cr && byte == '\r';
	return ended;
}

static void line_next(struct parse_chunks *c)
{
	c->count = 0;
	if (c->state == CHUNK_END)
		c->state = CHUNK_SIZE;
	else if (c->state == CHUNK_TRAILER)
		c->state = CHUNK_DONE;
	else
		c->state = c->left ? CHUNK_DATA : CHUNK_TRAILER;
}

/* Of everything but data. */
static bool control_byte(struct parse_chunks *c, uint8_t byte)
{
	int digit = parse_hex((char)byte);
	bool bad = false;

	if (c->state == CHUNK_SIZE && digit >= 0 && !c->cr) {
		c->left = c->left << 4 | (size_t)digit;
		return ++c->count <= SIZE_DIGITS;
	}
	if (c->state == CHUNK_SIZE && !c->cr) {
		if (!c->count || (byte != '\r' && byte != ';'))
			return false;
		if (byte == ';') {
			c->state = CHUNK_EXTENSION;
			return true;
		}
	}
	if (c->state == CHUNK_END && byte != '\r' && !c->cr)
		return false;
	if (line_byte(c, byte, &bad)) {
		/* Trailers go on until a line that is empty; nothing of them is kept. */
		if (c->state != CHUNK_TRAILER || !c->in_line)
			line_next(c);
		c->in_line = false;
	} else if (byte != '\r') {
		c->in_line = true;
	}
	return !bad;
}

ssize_t parse_chunk(struct parse_chunks *chunks, const uint8_t *bytes, size_t n, struct span *data)
{
	size_t taken = 0;

	*data = (struct span){ bytes, 0 };
	while (taken < n && chunks->state != CHUNK_DONE) {
		if (chunks->state == CHUNK_DATA) {
			size_t part = n - taken < chunks->left ? n - taken : chunks->left;

			*data = (struct span){ bytes + taken, part };
			chunks->left -= part;
			if (!chunks->left)
				chunks->state = CHUNK_END;
			return (ssize_t)(taken + part);
		}
		if (!control_byte(chunks, bytes[taken++]))
			return -EINVAL;
	}
	return (ssize_t)taken;
}
