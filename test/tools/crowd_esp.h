#pragma once
/*
 * The crowd's ESP (AES-GCM, ChaCha20-Poly1305): what comes is opened and sent back,
 * addresses and ports of the inner UDP packet swapped. So whoever counts answers knows that a
 * tunnel carried both ways.
 */
#include "base/map.h"
#include "control/crypto/cipher.h"
#include "control/ikev2/engine.h"

struct crowd_esp {
	struct crypto *crypto;
	struct map pairs;   /* by inbound SPI */
	struct map senders; /* the crowd's address: the pair that sends */
	uint64_t echoed;
	uint64_t refused; /* unknown SPI, wrong ICV, not an inner UDP packet */
};

__attribute__((warn_unused_result)) int crowd_esp_init(struct crowd_esp *esp);
__attribute__((warn_unused_result)) int crowd_esp_add(struct crowd_esp *esp,
						      const struct ikev2_child_install *install);
void crowd_esp_switch(struct crowd_esp *esp, uint32_t child);
void crowd_esp_del(struct crowd_esp *esp, uint32_t child);
/* The answer's size, in place; 0: none. `n` may grow by what `room` allows. */
size_t crowd_esp_echo(struct crowd_esp *esp, uint8_t *packet, size_t n, size_t room);
