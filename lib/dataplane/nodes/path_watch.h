#pragma once
/*
 * What control wants to see of packets: captures and traces (capture.h). All of it is called only
 * while path->watch is there, at the ends of steps and in the ways out, none of which is inline.
 *
 * A packet that a trace follows carries a mark in its mbuf, so that it is known again when it
 * waited, was cut, or went to another worker. Its first record says what came in; a packet that is
 * recognised only by what was inside has the steps before told afterwards.
 */
#include "dataplane/nodes/path_state.h"

#define PATH_WATCH __attribute__((cold, noinline))

__attribute__((warn_unused_result)) int path_watch_init(struct path *path);
/* A new vector stands in path->packets. `fresh`: it has not been classified yet. */
void path_watch_vector(struct path *path, bool fresh);
/* A step ended; `n` as in path_step_end(). */
void path_watch_step(struct path *path, enum path_step step, uint32_t n);
/* Ways out, before the packet goes. */
PATH_WATCH void path_watch_drop(struct path *path, struct path_packet *p, enum contract_drop why);
PATH_WATCH void path_watch_hold(struct path *path, struct path_packet *p, enum contract_drop why);
PATH_WATCH void path_watch_split(struct path *path, struct path_packet *p, uint32_t mtu);
PATH_WATCH void path_watch_punt(struct path *path, struct path_packet *p);
PATH_WATCH void path_watch_mirror(struct path *path, struct path_packet *p, uint32_t mirror,
				  bool frame);
/* A packet whose next hop was given with it took its way. */
PATH_WATCH void path_watch_follow(struct path *path, struct path_packet *p);
/* From Linux or control: an IP packet in *p, or a frame that leaves as it is. */
PATH_WATCH void path_watch_inject(struct path *path, struct path_packet *p, enum path_inject how);
