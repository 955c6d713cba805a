#pragma once
/*
 * Selectors of a child against a packet (RFC 4301 section 4.4.1).
 */
#include "dataplane/nodes/path_state.h"

/* The fields of a packet that selectors look at, in host order. */
struct path_select_key {
	uint64_t src[2];
	uint64_t dst[2];
	uint16_t src_port;
	uint16_t dst_port;
	uint8_t family;
	uint8_t protocol;
	bool ports; /* it has them */
};

void path_select_key(struct path_select_key *key, const struct path_packet *p);
/* From the inside out: source in local selectors, destination in remote ones. */
bool path_select_outbound(const struct sa_selectors *selectors, const struct path_select_key *key);
/* After decryption: source in remote selectors, destination in local ones. */
bool path_select_inbound(const struct sa_selectors *selectors, const struct path_select_key *key);
