#pragma once
/*
 * DOC: reassembly of RFC 7383 fragments
 *
 * One object per direction of an IKE SA, for the message ID that is expected next; made when the
 * first fragment comes. Fragments are handed in after ike_sk_open() proved them. A larger total
 * starts anew, a smaller one is refused, a doubled one is dropped (section 2.6). Memory is bounded
 * by IKE_REASSEMBLY_BYTES, time by the caller, who resets the object at `deadline_ns`.
 *
 * The pieces are on the heap, not in the pool of locked pages: a peer that is not yet authenticated
 * could fill that with fragments. They are wiped all the same.
 */
#include "control/ike/message.h"
#include "control/ike/sk.h"

#define IKE_REASSEMBLY_BYTES 65535
#define IKE_REASSEMBLY_NS (UINT64_C(30) * 1000000000)

struct ike_content {
	uint8_t *bytes; /* NULL: none */
	size_t n;
};

void ike_content_fini(struct ike_content *content); /* wipes */

struct ike_reassembly {
	uint16_t total; /* 0: idle */
	uint16_t have;
	uint8_t first; /* type of the first inner payload, from fragment 1 */
	uint8_t exchange;
	uint32_t message_id;
	size_t bytes;
	uint64_t deadline_ns;
	struct ike_content parts[IKE_FRAGMENTS_MAX];
};

void ike_reassembly_reset(struct ike_reassembly *reassembly);
/*
 * Takes the opened fragment. IKE_ERROR_OK with *whole set (the caller's to end) when the message
 * is complete, with whole->bytes NULL while it is not. A complete message is decoded by
 * ike_message_append(message, reassembly->first, whole); the object is then reset by the caller.
 */
enum ike_error ike_reassembly_add(struct ike_reassembly *reassembly,
				  const struct ike_message *message, struct span content,
				  uint64_t now_ns, struct ike_content *whole);
