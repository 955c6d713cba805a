#pragma once
/*
 * A planned switchover: flows leave a tunnel, its SAs are made anew, flows return.
 */
#include "control/tunnel/tunnel.h"

/* False: no sibling carries, there is no other path to go to. */
__attribute__((warn_unused_result)) bool drain_start(struct tunnel *tunnel);
/* Every WATCH_EVERY_NS, for a tunnel that drains. */
void drain_watch(struct tunnel *tunnel, uint64_t now_ns);
__attribute__((warn_unused_result)) bool drain_children_rekey(const struct tunnel *tunnel);
/* New keys for its IKE SA and children; the old ones go when the new ones carry. */
__attribute__((warn_unused_result)) bool drain_renew(struct tunnel *tunnel);
/* Its IKE SA was rekeyed. */
void drain_renewed(struct tunnel *tunnel);
