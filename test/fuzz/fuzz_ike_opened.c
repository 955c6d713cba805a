/*
 * The content of an SK payload, as a peer that holds the keys may send it: exchange and direction,
 * type of the first payload, then the chain.
 */
#include "ike_decode.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct ike_message message;

	if (size < 2)
		return 0;
	message = (struct ike_message){ .sk_type = IKE_PAYLOAD_SK };
	message.header.exchange = (uint8_t)(IKE_SA_INIT + (data[0] & 3));
	message.header.flags = data[0] & 0x28;
	message.payloads[0] = (struct ike_payload){ .type = IKE_PAYLOAD_SK };
	message.count = 1;
	if (ike_message_append(&message, data[1], (struct span){ data + 2, size - 2 }) ==
	    IKE_ERROR_OK)
		decode_message(&message);
	return 0;
}
