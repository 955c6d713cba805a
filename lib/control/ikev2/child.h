#pragma once
/*
 * Child SAs: their life from the keys to the removal. create.c and rekey.c negotiate them.
 */
#include "control/ikev2/sa.h"

/* Not linked to the IKE SA yet; it owns the SPI. */
__attribute__((warn_unused_result)) int ikev2_child_new(struct ikev2_sa *sa, uint32_t spi,
							struct ikev2_child **child);
void ikev2_child_drop(struct ikev2_child *child); /* never linked: gives the SPI back */
void ikev2_child_link(struct ikev2_sa *sa, struct ikev2_child *child);
struct ikev2_child *ikev2_child_find(const struct ikev2_engine *engine, uint32_t spi);
/* By the SPI that we send to. */
struct ikev2_child *ikev2_child_find_peer(const struct ikev2_sa *sa, uint32_t peer_spi);
void ikev2_child_state(struct ikev2_child *child, enum ikev2_child_state state, const char *story);
/* Hook child_install; wipes the keys. */
void ikev2_child_install(struct ikev2_child *child, uint64_t token, struct ike_child_keys *keys,
			 bool send);
/* Installed: it lives. Tells CHILD_UP or CHILD_REKEYED unless it is redundant. */
void ikev2_child_up(struct ikev2_child *child);
/* CHILD_UP or CHILD_REKEYED, once. */
void ikev2_child_tell_up(struct ikev2_child *child);
/* It sends from now on, what it replaces does not. */
void ikev2_child_switch(struct ikev2_child *child);
/*
 * The peer said something new, so it has our last answer (enum ikev2_waits), and what that
 * announced may be sent on. Until then the old SA carries; a lost answer costs no packet.
 */
void ikev2_child_confirmed(struct ikev2_sa *sa, bool by_request);
/* Another child sends for the same entry between the same two ends: no hurry with this one. */
bool ikev2_child_carried(const struct ikev2_child *child);
/*
 * Its IKE SA goes. Where both sides know that, and another one carries in its place, it still takes
 * what the peer sent before it heard, with that one; else it is removed.
 */
void ikev2_child_outlive(struct ikev2_child *child, enum ikev2_reason reason, const char *detail);
/* Out of the data plane and freed; CHILD_DOWN when nothing replaced it. */
void ikev2_child_remove(struct ikev2_child *child, enum ikev2_reason reason, const char *detail);
/* Deleted by either side: late packets for a replaced one, else gone at once. */
void ikev2_child_linger(struct ikev2_child *child, enum ikev2_reason reason);
/* Ours is better than the rival's: RFC 7296 section 2.8. */
bool ikev2_low_less(const struct ikev2_low *a, const struct ikev2_low *b);
struct ikev2_low ikev2_low_of(struct span a, struct span b);
void ikev2_child_timers(struct ikev2_child *child, uint64_t now_ns);
uint64_t ikev2_child_deadline(const struct ikev2_child *child);
void ikev2_child_failed(struct ikev2_sa *sa, uint16_t entry, enum ikev2_reason reason,
			const char *detail);
