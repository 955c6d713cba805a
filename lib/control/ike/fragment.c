#include "control/ike/fragment.h"

#include <stdlib.h>
#include <string.h>

void ike_content_fini(struct ike_content *content)
{
	if (content->bytes)
		secret_wipe(content->bytes, content->n);
	free(content->bytes);
	*content = (struct ike_content){ 0 };
}

void ike_reassembly_reset(struct ike_reassembly *reassembly)
{
	for (int i = 0; i < IKE_FRAGMENTS_MAX; i++)
		ike_content_fini(&reassembly->parts[i]);
	*reassembly = (struct ike_reassembly){ 0 };
}

static enum ike_error join(struct ike_reassembly *reassembly, struct ike_content *whole)
{
	size_t at = 0;

	whole->bytes = malloc(reassembly->bytes ? reassembly->bytes : 1);
	if (!whole->bytes)
		return IKE_ERROR_MEMORY;
	whole->n = reassembly->bytes;
	for (uint16_t i = 0; i < reassembly->total; i++) {
		const struct ike_content *part = &reassembly->parts[i];

		memcpy(whole->bytes + at, part->bytes, part->n);
		at += part->n;
	}
	return IKE_ERROR_OK;
}

/* RFC 7383 section 2.6.1: whether this fragment belongs to the message that is being collected. */
static enum ike_error admit(struct ike_reassembly *reassembly, const struct ike_message *message,
			    uint64_t now_ns)
{
	const struct ike_header *header = &message->header;
	bool other = reassembly->total && (reassembly->message_id != header->message_id ||
					   reassembly->exchange != header->exchange);

	if (message->sk_total > IKE_FRAGMENTS_MAX)
		return IKE_ERROR_FRAGMENT_LIMIT;
	if (!other && message->sk_total < reassembly->total)
		return IKE_ERROR_FRAGMENT_STALE;
	if (other || message->sk_total > reassembly->total) {
		ike_reassembly_reset(reassembly);
		reassembly->total = message->sk_total;
		reassembly->message_id = header->message_id;
		reassembly->exchange = header->exchange;
		reassembly->deadline_ns = now_ns + IKE_REASSEMBLY_NS;
	}
	if (reassembly->parts[message->sk_number - 1].bytes)
		return IKE_ERROR_FRAGMENT_DUPLICATE;
	return IKE_ERROR_OK;
}

enum ike_error ike_reassembly_add(struct ike_reassembly *reassembly,
				  const struct ike_message *message, struct span content,
				  uint64_t now_ns, struct ike_content *whole)
{
	struct ike_content *part;
	enum ike_error error;

	*whole = (struct ike_content){ 0 };
	if (message->sk_number == 0 || message->sk_number > message->sk_total)
		return IKE_ERROR_FRAGMENT_NUMBER;
	error = admit(reassembly, message, now_ns);
	if (error)
		return error;
	if (reassembly->bytes + content.n > IKE_REASSEMBLY_BYTES)
		return IKE_ERROR_FRAGMENT_LIMIT;
	part = &reassembly->parts[message->sk_number - 1];
	part->bytes = malloc(content.n ? content.n : 1);
	if (!part->bytes)
		return IKE_ERROR_MEMORY;
	if (content.n)
		memcpy(part->bytes, content.p, content.n);
	part->n = content.n;
	reassembly->bytes += content.n;
	reassembly->have++;
	if (message->sk_number == 1)
		reassembly->first = message->sk_next;
	return reassembly->have == reassembly->total ? join(reassembly, whole) : IKE_ERROR_OK;
}
