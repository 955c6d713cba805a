#pragma once
/*
 * What the peer still sends to an address of ours that is dead.
 */
#include "control/tunnel/tunnel.h"

/* The tunnel became unusable: its IKE SA goes to a living sibling's address, where there is one. */
void evacuate(struct tunnel *tunnel);
/* It is usable again: home. */
void evacuate_return(struct tunnel *tunnel);
