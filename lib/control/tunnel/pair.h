#pragma once
/*
 * The SA pairs of children in the data plane.
 */
#include "control/tunnel/tunnel.h"

void pair_hooks_set(struct ikev2_hooks *hooks);
struct sa_pair *pair_of_sa(struct tunnels *all, uint32_t sa);
/* A listed SA of a former control; then ties them to the tunnels and gives how many stay. */
void pair_adopt(struct tunnels *all, const struct contract_header *message);
uint32_t pair_adopt_finish(struct tunnels *all);
void pair_adopted_remove(struct tunnel *tunnel); /* successors carry */
void pair_forget_all(struct tunnels *all);	 /* the data plane has lost them */
void pair_orphan(struct tunnel *tunnel);	 /* the tunnel goes away */
