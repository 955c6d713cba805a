/*
 * Headers of fragments and ICMP reports, as they come from anybody on the outside.
 */
#include "dataplane/frag/icmp.h"
#include "dataplane/frag/piece.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What was accepted lies within what was there. */
static void check_piece(const uint8_t *data, uint32_t contiguous, uint32_t length)
{
	struct frag_piece_info info;

	if (!frag_piece_read(&info, data, contiguous, length))
		return;
	if (info.header > contiguous || info.next_at >= info.header || info.length == 0 ||
	    info.header + info.length > length || info.start + info.length > UINT16_MAX ||
	    (info.more && info.length % 8))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint32_t n = (uint32_t)size;
	struct icmp_report report;

	check_piece(data, n, n);
	check_piece(data, n, n + 1000); /* the rest is in other segments */
	check_piece(data, n / 2, n);
	if (icmp_report_read(&report, data, n) && report.mtu && !report.too_big)
		abort();
	return 0;
}
