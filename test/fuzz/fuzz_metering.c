/*
 * A file of metering: as it stands, and its bytes as steps, which a checksum otherwise guards.
 */
#include "control/metering/record.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What was read can be written and says the same. */
static void again(const struct metering_state *state)
{
	struct metering_state copy = { .wall_ms = state->wall_ms };
	struct text head = { 0 };
	struct text second = { 0 };

	record_head(&head, state);
	if (record_apply(&copy, (struct span){ (const uint8_t *)head.p, head.n }) < 0)
		abort();
	record_head(&second, &copy);
	if (second.n != head.n || memcmp(second.p, head.p, head.n) != 0)
		abort();
	text_fini(&head);
	text_fini(&second);
	metering_state_fini(&copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct span bytes = { data, size };
	struct metering_state state = { 0 };
	size_t good;

	if (metering_frames_read(&state, bytes, size ? data[size - 1] : 0, &good) == 0)
		again(&state);
	metering_state_fini(&state);
	if (metering_frames_read(&state, bytes, UINT64_MAX, &good) == 0)
		again(&state);
	metering_state_fini(&state);
	if (record_apply(&state, bytes) == 0)
		again(&state);
	metering_state_fini(&state);
	return 0;
}
