#pragma once
/*
 * DOC: overload
 *
 * Of what a worker cannot take, the NIC loses whatever comes while its ring is full: IKE, BFD and
 * routing as much as ESP, until tunnels go down that were only slow. So a full burst makes the
 * worker ask how many packets wait behind it. With as many as came meanwhile, the last time or the
 * one before, whichever was less, that is what will wait the next time; where it is more than 7/8
 * of the ring the worker skims: it takes what is too much, at most a ring, drops it as `overload`
 * by its headers, and keeps what must not be lost for the time after the burst. So a ring that is
 * full because the worker was away, but not filled on, loses nothing; and of one flow nothing
 * passes anything.
 *
 * Kept is what is for us or for Linux and no ESP: IKE, BFD, BGP and OSPF, ICMP, ARP and ND. The
 * rest is the load itself: ESP and what is forwarded. Routing and BFD inside a tunnel cannot be
 * told from its other packets before they are opened, and share their fate. A flood of what is kept
 * is not shed: a skim ends when it has a burst of it; the rates of classes to Linux and control are
 * for it.
 *
 * Where packets are handed over, the ring of a busy worker runs over before that of the NIC: its
 * last eighth is for what must not be lost and for what main sends (handover.c).
 *
 * Costs: one compare a burst. To ask reads one descriptor in four, or all, of those that wait, so
 * with long rings it is done once a quarter of a ring. To shed ESP takes some 25 cycles and what
 * the driver takes to receive it, about an eighth of opening 1420 bytes, and the worker opens fewer
 * for it: two thirds of what it can at three times the load. What comes during one burst must find
 * room, so that is also about the most at which nothing is lost that is kept, with rings of four
 * bursts (1024 descriptors, the default). With more load, shorter rings or shorter packets the NIC
 * loses again, of all alike, but less; and it does so for a burst or two when a load comes at once.
 *
 * A device that does not tell (af_packet, tap) is never skimmed; it is said at start.
 *
 * Considered: to shed down to half a ring whenever it is nearly full. It loses hundreds of packets
 * for a pause of the worker after which there had been no overload. And a queue for control packets
 * by flow rules: it costs nothing and holds at any load, but few NICs have all the rules it takes
 * (addresses of ours come and go, ARP and multicast are no flows of IP), and each worker would poll
 * a queue more.
 */
#include "dataplane/worker/state.h"

/* What a skim left to be run. */
struct skim {
	uint32_t n;
	struct rte_mbuf *packets[PATH_BURST];
};

/* When to ask, for all devices. */
void skim_init(struct worker *w);
/*
 * After a burst of `n`, at least the device's `ask`, before it is run: gives how many packets were
 * taken from the ring, kept ones with them.
 */
uint32_t skim_received(struct worker *w, uint32_t device, uint32_t n, struct skim *kept);
