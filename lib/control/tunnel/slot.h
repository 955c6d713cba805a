#pragma once
/*
 * DOC: slots
 *
 * Where a pair of SAs runs in the data plane: a child object with the selectors that were
 * negotiated. Each entry of the connection has a slot of its own from the start, so that a packet
 * may ask for it. A peer may divide the same space otherwise: several children narrower than the
 * entry (a policy-based device at a route-based connection), or wider ones that the connection
 * accepts beyond its entries. Such a child gets a slot behind those of the entries when its
 * selectors are no other's, and the slot goes with its last pair. A rekey, or another IKE SA to the
 * same peer with the same selectors, runs in the same slot: one object, one SA that sends.
 */
#include "control/tunnel/tunnel.h"

/* Where it is to run; -ENOSPC: the peer has as many as one connection may have. */
__attribute__((warn_unused_result)) int slot_find(struct tunnel *tunnel,
						  const struct ikev2_child_install *install,
						  uint16_t *slot);
/* The slot of an object that a former control made; 0 when it is not known any more. */
uint16_t slot_adopt(struct tunnel *tunnel, uint32_t contract_child);
/* A pair runs here; no longer sends here; no longer runs here (after its SAs were removed). */
void slot_get(struct tunnel *tunnel, uint16_t slot);
void slot_mute(struct tunnel *tunnel, uint16_t slot, uint32_t outbound_sa);
void slot_put(struct tunnel *tunnel, uint16_t slot);
/* As many as the configuration has entries, those of it that were there as they are. */
__attribute__((warn_unused_result)) int slot_entries(struct tunnel *tunnel);
void slot_delete_all(struct tunnel *tunnel); /* also in the data plane */
void slot_fini(struct tunnel *tunnel);
/* Keeps the selectors of one behind the entries. */
__attribute__((warn_unused_result)) int slot_selectors(struct tunnel_child *child,
						       const struct ikev2_child_config *as);
