#pragma once
/*
 * Dialling, and what the IKE engine tells.
 */
#include "control/tunnel/tunnel.h"

void dial_hooks_set(struct ikev2_hooks *hooks, bool key_log);
void dial_work(void *all); /* the work timer's */
/* The peer's name has no address: said, and asked for again later. */
void dial_no_name(struct tunnel *tunnel, const char *why);
/* From the loop, as soon as it comes back: dial, or make the children that are missing. */
void dial_wanted(struct tunnel *tunnel);
/* From there too, of an IKE SA that is up: where it is to be, and whether the peer answers. */
void dial_place(struct tunnel *tunnel);
/* Nothing of a dial of ours is under way any more. */
void dial_ended(struct tunnel *tunnel);
void dial_soon(struct tunnel *tunnel, uint64_t in_ns);
/* Says goodbye to the peer of an IKE SA of this tunnel; 0: there is none. */
void dial_ike_end(const struct tunnel *tunnel, uint64_t ike);
/* What is under way beside the IKE SA that carries ends: a dial of ours, a second IKE SA of a
 * double dial. */
void dial_cancel(struct tunnel *tunnel);
/* The IKE SA ends, and nothing of it is remembered: the next one has another configuration. */
void dial_forget(struct tunnel *tunnel);
/* An evacuated one whose path is good goes home, when it is its turn. */
void dial_home(struct tunnel *tunnel);
/* Flows go elsewhere, or come back. */
void dial_suspect(struct tunnel *tunnel, bool suspect);
void dial_flows_update(const struct tunnel *tunnel);
