#pragma once
/*
 * Children that wait for a sign from the peer before they send: the responder of a rekey, or of a
 * dial that replaces another. Packets that come out of one are that sign.
 */
#include "control/tunnel/tunnel.h"

void carry_await(struct tunnels *all, struct sa_pair *pair);
/* Every while: those whose peer sends already send from now on. */
void carry_watch(struct tunnels *all, uint64_t now_ns);
