#pragma once
/*
 * The crowd floods the gateway: each tunnel sends the packet that it got last, again and again,
 * sealed anew with its next number. So a limit is exceeded on the way in for what sealing costs,
 * without a packet that would have to come out first.
 */
#include "crowd_esp.h"
#include "wire.h"

#define CROWD_FLOOD_TUNNELS 64

struct crowd_flood {
	struct crowd_esp *esp;
	struct wire wire;
	struct wire_pace pace; /* per_s 0: it stands still */
	uint32_t count;
	uint32_t turn;
	struct crowd_flooder {
		struct crowd_kept kept;
		uint8_t inner[WIRE_FRAME];
	} flooders[CROWD_FLOOD_TUNNELS];
};

/* "INTERFACE TUNNELS PACKETS_PER_S": the first so many tunnels by their address; 0 a second ends
 * it. -EINVAL, -ENOENT when that many have not got a packet yet, or why it cannot send. */
__attribute__((warn_unused_result)) int crowd_flood_set(struct crowd_flood *flood,
							struct crowd_esp *esp, const char *text);
/* Sends what is due. */
void crowd_flood_turn(struct crowd_flood *flood, uint64_t now_ns);
