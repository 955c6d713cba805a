#pragma once
/*
 * The crowd's ESP (AES-GCM, ChaCha20-Poly1305): what comes is opened and sent back,
 * addresses and ports of the inner UDP packet swapped. So whoever counts answers knows that a
 * tunnel carried both ways. A packet to port CROWD_COPIES + N is sent back N times, 0 to 9: so a
 * limit can be exceeded on the way in alone, or on the way out.
 */
#include "base/map.h"
#include "control/crypto/cipher.h"
#include "control/ikev2/engine.h"

#define CROWD_COPIES 40000

struct crowd_esp {
	struct crypto *crypto;
	bool keeps;	    /* of every pair the last packet, as it is sent back */
	struct map pairs;   /* by inbound SPI */
	struct map senders; /* the crowd's address: the pair that sends */
	uint64_t opened;
	uint64_t echoed;
	uint64_t refused; /* unknown SPI, wrong ICV, not an inner UDP packet */
};

__attribute__((warn_unused_result)) int crowd_esp_init(struct crowd_esp *esp);
__attribute__((warn_unused_result)) int crowd_esp_add(struct crowd_esp *esp,
						      const struct ikev2_child_install *install);
void crowd_esp_switch(struct crowd_esp *esp, uint32_t child);
void crowd_esp_del(struct crowd_esp *esp, uint32_t child);
/* What a pair that sends was given last (`keeps`), to send it again. */
struct crowd_kept {
	uint32_t spi; /* inbound: for crowd_esp_seal() */
	struct net_addr local;
	struct net_addr remote;
	struct span inner;
};
typedef void (*crowd_kept_visit)(void *context, const struct crowd_kept *kept);
void crowd_esp_each(const struct crowd_esp *esp, crowd_kept_visit visit, void *context);
/* The inner packet, turned round; empty: none. `copies`: how often it is to be sent back. */
struct span crowd_esp_open(struct crowd_esp *esp, uint8_t *packet, size_t n, uint32_t *copies);
/* Its size in `to`; 0: none. By the tunnel that has the inbound SPI `spi`. */
size_t crowd_esp_seal(struct crowd_esp *esp, uint32_t spi, struct span inner, uint8_t *to,
		      size_t room);
