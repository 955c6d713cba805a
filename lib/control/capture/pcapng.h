#pragma once
/*
 * DOC: capture files
 *
 * pcapng as Wireshark opens it: interface 0 has outer frames (Ethernet), 1 inner packets and 2 IKE
 * (both raw IP); each packet has its direction and a comment. A capture has two files at most, each
 * of half its size: when the second is full the first is begun anew, so that the last packets are
 * kept. Each file stands alone.
 */
#include "base/text.h"
#include "contract/capture.h"

struct pcapng;

struct pcapng_packet {
	const struct contract_captured *as;
	const uint8_t *bytes;
	uint32_t snap;
	uint64_t wall_ns;
	const char *comment;
};

/* "<path>-1.pcapng" and "<path>-2.pcapng"; -errno. */
__attribute__((warn_unused_result)) int pcapng_new(struct pcapng **file, const char *path,
						   uint64_t bytes);
/* What is buffered goes to disk. */
void pcapng_free(struct pcapng *file);
/* -errno of the disk: the capture goes on and counts what it lost. */
int pcapng_add(struct pcapng *file, const struct pcapng_packet *packet);
int pcapng_flush(struct pcapng *file);
/* The file of a number, 1 or 2; NULL: not begun. */
const char *pcapng_name(const struct pcapng *file, uint32_t number);
