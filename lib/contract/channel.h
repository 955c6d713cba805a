#pragma once
/*
 * DOC: channel
 *
 * Shared memory handed over a Unix socket (SEQPACKET, memfd by SCM_RIGHTS, sealed in size), one
 * single-producer single-consumer byte ring each way, and a socket pair on which a byte is sent
 * only when the consumer said that it sleeps. The socket stays open: its hang-up is how either side
 * learns at once that the other has died. The data plane serves, control attaches; a second control
 * is refused while one is attached.
 *
 * Why a socket pair and no eventfd: both sides of an eventfd share one file description, so that
 * the other side can fill it, take O_NONBLOCK away and make this side block in write(2) for ever.
 * Of a pair each side has a description of its own, and MSG_DONTWAIT holds for the call.
 *
 * Nothing of the shared memory is trusted: indices are masked and bounded each time, a record is
 * copied out once and then checked. A consumer that finds a broken ring closes the channel. A
 * record becomes visible by the release of the tail after it is whole, so that a producer that dies
 * half way leaves nothing behind.
 *
 * Back-pressure: channel_send() gives -EAGAIN when the record does not fit. The data plane keeps
 * CHANNEL_RESERVE for answers and events that must not be lost: droppable ones (punts) are refused
 * earlier, with channel_send_droppable(). It reads no request when the reserve is gone.
 *
 * Threads: one thread a side. Blocks never.
 */
#include "contract/message.h"

#define CHANNEL_RING_BYTES (4u * 1024 * 1024)
#define CHANNEL_RESERVE_PART 4 /* a quarter of the ring */
#define CHANNEL_RESERVE (CHANNEL_RING_BYTES / CHANNEL_RESERVE_PART)

/* What the data plane tells at attach. */
struct contract_limits {
	uint32_t session; /* generation for this attach */
	uint32_t workers;
	uint32_t ports;
	uint32_t nexthops; /* ids below these */
	uint32_t groups;
	uint32_t tunnels;
	uint32_t children;
	uint32_t sas;
	uint32_t limits;
	uint32_t routes4;
	uint32_t routes6;
	uint32_t domains;
	uint64_t instance; /* random at each start of the data plane: a new one holds no SA */
	uint64_t tsc_hz;
};

struct channel;

/* Data plane: listen; -EADDRINUSE when a living data plane owns the path. */
struct channel_listener;
__attribute__((warn_unused_result)) int channel_listen(struct channel_listener **listener,
						       const char *path);
void channel_listener_close(struct channel_listener *listener); /* unlinks the path */
int channel_listener_fd(const struct channel_listener *listener);
/*
 * Call when the listener's fd is readable. 0 with a channel; -EAGAIN when nothing came of it;
 * -EBUSY when a control was refused because `busy`; -EPROTO for a peer of another version.
 * `counters_fd` is handed over sealed against writing.
 */
__attribute__((warn_unused_result)) int channel_accept(struct channel_listener *listener,
						       struct channel **channel, bool busy,
						       const struct contract_limits *limits,
						       int counters_fd);

/*
 * Control attaches in two steps, without waiting: `begin` gives a socket; when that is readable,
 * `finish` takes it: -EAGAIN when it still has it and the answer is not there, -EBUSY, -EPROTO,
 * -ECONNREFUSED, ... when it was closed.
 */
__attribute__((warn_unused_result)) int channel_attach_begin(int *sock, const char *path);
__attribute__((warn_unused_result)) int channel_attach_finish(struct channel **channel, int sock);
/* Both, and waits for at most timeout_ms between them. */
__attribute__((warn_unused_result)) int channel_attach(struct channel **channel, const char *path,
						       int timeout_ms);
const struct contract_limits *channel_limits(const struct channel *channel);
int channel_counters_fd(const struct channel *channel);
void channel_close(struct channel *channel);

/* Watch both for reading: the first wakes the consumer, the second hangs up when the peer dies. */
int channel_event_fd(const struct channel *channel);
int channel_peer_fd(const struct channel *channel);
bool channel_peer_lost(struct channel *channel);

/* Whole records, gathered. 0, -EAGAIN (full), -EMSGSIZE, -EPIPE (broken or lost). */
struct channel_part {
	const void *bytes;
	size_t n;
};
__attribute__((warn_unused_result)) int channel_send(struct channel *channel,
						     const struct channel_part *parts,
						     size_t part_count);
__attribute__((warn_unused_result)) int channel_send_droppable(struct channel *channel,
							       const struct channel_part *parts,
							       size_t part_count);
/*
 * What is sent between the two wakes the other side once, when it ends: who answers many messages
 * in a row spares a system call for each. Keep it short; a ring without room wakes at once.
 */
void channel_hold(struct channel *channel);
void channel_release(struct channel *channel);
/* More than half of the ring is free: what nobody waits for may go. */
bool channel_has_plenty(const struct channel *channel);
/* Room for answers is left. The data plane asks before it reads a request. */
bool channel_has_reserve(const struct channel *channel);
/*
 * Copies the next record into `to` (CONTRACT_MESSAGE_MAX bytes). 1, 0 when there is none, -EPROTO
 * when the ring is broken. The slot is wiped when the record may hold an SA's keys.
 */
__attribute__((warn_unused_result)) int channel_receive(struct channel *channel, void *to);
/* Before waiting: true when it is safe to sleep on the event fd; false when a record is there. */
bool channel_may_sleep(struct channel *channel);
/*
 * The same for who cannot go on for want of room: true when the reserve is gone and the event fd
 * wakes once the other side has read all; false when there is room again.
 */
bool channel_awaits_room(struct channel *channel);
void channel_woken(struct channel *channel); /* clears the event fd */
