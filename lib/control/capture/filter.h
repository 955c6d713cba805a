#pragma once
/*
 * DOC: filters of captures
 *
 * Azure's filterData: JSON in a string, {TracingFlags, MaxPacketBufferSize, MaxFileSize, Filters:
 * [{SourceSubnets, DestinationSubnets, SourcePort, DestinationPort, Protocol, TcpFlags,
 * CaptureSingleDirectionTrafficOnly}]}. As its samples do, quotes may be single ones and an array
 * of one may stand without brackets. Entries of an array are OR-ed, different keys are AND-ed, and
 * filters are OR-ed; where one is one-way, all are.
 */
#include "contract/capture.h"

#include <stddef.h>

#define CAPTURE_FLAG_ESP 1
#define CAPTURE_FLAG_IKE 2
#define CAPTURE_FLAG_OVPN 8

struct capture_filter {
	uint32_t flags;
	uint32_t snap;
	uint32_t file_mb; /* all files of the capture together */
	uint32_t count;
	bool single;
	struct contract_capture_rule rules[CONTRACT_CAPTURE_RULES];
};

/* NULL or "" gives the defaults. -EINVAL with a sentence that names the place. */
__attribute__((warn_unused_result)) int capture_filter_parse(struct capture_filter *filter,
							     const char *text, char *why,
							     size_t why_size);
