#pragma once
/*
 * What both ends of a channel are made of; for the files of the channel only.
 */
#include "contract/ring.h"

struct channel {
	int peer;     /* the handshake's socket: its hang-up is the peer's death */
	int wake;     /* our end of the pair */
	int counters; /* control: the counter area; data plane: -1 */
	struct ring tx, rx;
	struct contract_limits limits;
	void *map;
	size_t map_bytes;
	bool lost;
	bool held; /* nobody is woken before channel_release() */
};

/* A sealed memfd for two rings of `ring_bytes` each. */
__attribute__((warn_unused_result)) int channel_memory_create(int *fd, uint32_t ring_bytes);
/* A channel without sockets over this memory; what does not hold together gives -EPROTO. */
__attribute__((warn_unused_result)) int channel_memory_map(struct channel **channel, int fd,
							   uint32_t ring_bytes, bool serves);
bool channel_memory_size_valid(uint32_t ring_bytes);
