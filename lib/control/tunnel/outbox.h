#pragma once
/*
 * DOC: datagrams that wait until their IKE SA is kept
 *
 * What the engine sends promises something to the peer: an SPI, a message ID, an answer. The next
 * control must know the promise, whenever this one is killed. So a datagram leaves only after the
 * IKE SA that sent it was kept: hooks queue, tunnel_rearm() keeps and then sends.
 */
#include "base/list.h"
#include "control/ikev2/engine.h"

struct tunnels;
struct tunnel;

struct outbox {
	struct list items;
};

void outbox_init(struct outbox *outbox);
void outbox_fini(struct outbox *outbox);
/* `tunnel` may be NULL: it belongs to none. */
__attribute__((warn_unused_result)) int outbox_add(struct outbox *outbox,
						   const struct tunnel *tunnel,
						   const struct ikev2_datagram *datagram);
void outbox_send(struct tunnels *all);
