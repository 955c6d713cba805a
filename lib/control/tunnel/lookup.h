#pragma once
/*
 * Which tunnels an IKE_SA_INIT may be for: exact addresses first, then where a peer has moved or
 * what its name led to, any source last.
 */
#include "control/tunnel/tunnel.h"

__attribute__((warn_unused_result)) int lookup_rebuild(struct tunnels *all);
/* Its peer is somewhere else: behind those that moved before it. */
void lookup_moved(struct tunnel *tunnel);
size_t lookup_find(const struct tunnels *all, const struct ikev2_path *path,
		   struct ikev2_connection **found, size_t room);
