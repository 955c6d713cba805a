#pragma once
/*
 * What the peer still sends to an address of ours that is dead.
 */
#include "control/tunnel/tunnel.h"

/* A living tunnel of its connection with another address of ours; NULL. */
const struct tunnel *evacuate_sibling(const struct tunnel *tunnel);
/* The tunnel became unusable: its IKE SA goes to a living sibling's address, where there is one. */
void evacuate(struct tunnel *tunnel);
/* It is usable again: home. */
void evacuate_return(struct tunnel *tunnel);
