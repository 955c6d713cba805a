/* A datagram on port 500 or, with the marker, on 4500: before anything is authenticated. */
#include "ike_decode.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct ike_message message;
	struct span datagram = { data, size }, inner;

	if (ike_natt_classify(datagram, &inner) == IKE_NATT_IKE)
		datagram = inner;
	if (ike_message_decode(datagram, &message) == IKE_ERROR_OK)
		decode_message(&message);
	return 0;
}
