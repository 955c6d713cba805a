#pragma once
/*
 * The two datagrams that make a channel: control's hello, and the data plane's welcome (with the
 * descriptors) or refusal. Plain structures in host order: both ends run on one machine.
 */
#include "contract/channel.h"

#define HANDSHAKE_MAGIC 0x77677076u
#define HANDSHAKE_OLDEST 2 /* version that we still speak */

enum handshake_status { HANDSHAKE_OK, HANDSHAKE_BUSY, HANDSHAKE_VERSION, HANDSHAKE_SIZE };

struct handshake_hello {
	uint32_t magic;
	uint16_t version; /* newest that control speaks */
	uint16_t oldest;  /* and the oldest */
	uint32_t ring_bytes;
	uint32_t message_max;
};

struct handshake_welcome {
	uint32_t magic;
	uint16_t version; /* the one to speak; refused: the newest that is spoken here */
	uint16_t status;  /* enum handshake_status */
	uint32_t ring_bytes;
	uint32_t message_max;
	struct contract_limits limits;
};

enum handshake_fd { HANDSHAKE_MEMORY, HANDSHAKE_WAKE, HANDSHAKE_COUNTERS, HANDSHAKE_FDS };

/* The answer to a hello that came whole; ring_bytes is what control asked for when it will do. */
struct handshake_welcome handshake_answer(const struct handshake_hello *hello);

/* 0, -EAGAIN, -ECONNRESET at hang-up, -EPROTO for another size or descriptors that came along. */
__attribute__((warn_unused_result)) int handshake_receive_hello(int sock,
								struct handshake_hello *hello);
/* fds is NULL with a refusal. */
__attribute__((warn_unused_result)) int handshake_send_welcome(
	int sock, const struct handshake_welcome *welcome, const int fds[HANDSHAKE_FDS]);
/* fds are the caller's when 0 is given. A refusal gives -EBUSY or -EPROTO. */
__attribute__((warn_unused_result)) int handshake_receive_welcome(int sock,
								  struct handshake_welcome *welcome,
								  int fds[HANDSHAKE_FDS]);
