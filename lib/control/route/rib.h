#pragma once
/*
 * DOC: routing information base
 *
 * For each prefix the candidates of all sources; the one with the lowest (source, metric) goes to
 * the data plane. A candidate holds a reference to its next hop. Candidates carry a mark, so that a
 * full dump of a source sweeps what it no longer has.
 *
 * Beside the way to a prefix the data plane is told whose packets may have a source in it: every
 * connection that was configured with the prefix or announced it, whichever way is best, and those
 * of the prefixes that contain it (feasible path, RFC 3704 section 2.3, with covering prefixes
 * counted: a site that announced the wider one may use any part of it). What lies inside or on a
 * port of ours takes nothing over from wider prefixes: a site with a default route is not allowed
 * to pretend to be the inside network.
 *
 * What lies in a network that is peered with a gateway's is told by its next hop, for metering. A
 * peered prefix without a way of its own is told with that of the nearest wider one, so that it
 * has a next hop that can say so.
 */
#include "control/route/nexthop.h"

/* In the order of preference for the same prefix. */
enum rib_source {
	RIB_CONNECTED,
	RIB_CIRCUIT, /* the private circuit is preferred to the VPN */
	RIB_TUNNEL,  /* configured prefixes of a site */
	RIB_LINUX,   /* any routing daemon, static routes of the administrator */
	RIB_SOURCES
};

struct rib;

struct rib_candidate {
	enum rib_source source;
	uint32_t metric;
	uint32_t owner;
	uint32_t nexthop; /* the reference passes to the RIB */
	/* The connections that have the prefix by this candidate; NULL: none. */
	const struct source_set *sources;
	char origin[24]; /* what put it there, for people */
};

typedef void (*rib_visit)(void *context, const struct net_prefix *prefix,
			  const struct rib_candidate *candidate, bool best);

__attribute__((warn_unused_result)) int rib_new(struct rib **rib, struct desired *desired,
						struct nexthop_table *nexthops,
						struct source_table *sources, uint32_t domain);
void rib_free(struct rib *rib);
/* Replaces the candidate of the same source, metric and owner. The reference is taken always. */
__attribute__((warn_unused_result)) int rib_set(struct rib *rib, const struct net_prefix *prefix,
						const struct rib_candidate *candidate);
void rib_delete(struct rib *rib, const struct net_prefix *prefix, enum rib_source source,
		uint32_t metric, uint32_t owner);
/* The candidates of several sources (a bit each) with this metric and owner. */
void rib_forget(struct rib *rib, const struct net_prefix *prefix, uint32_t sources, uint32_t metric,
		uint32_t owner);
/* What the source sets from now on stays; the rest goes with rib_sweep(). */
void rib_mark(struct rib *rib, enum rib_source source);
void rib_sweep(struct rib *rib, enum rib_source source);
/* Who announces the prefix, whatever came of it; NULL: nobody any more. */
__attribute__((warn_unused_result)) int rib_announced_set(struct rib *rib,
							  const struct net_prefix *prefix,
							  const struct source_set *sources);
void rib_announced_mark(struct rib *rib);
void rib_announced_sweep(struct rib *rib);
/* Who may have a source in this prefix; NULL: no connection, or there is no such prefix. */
const struct source_set *rib_allowed(const struct rib *rib, const struct net_prefix *prefix);
/* The prefixes of peered networks, all of them. -ENOMEM. */
__attribute__((warn_unused_result)) int rib_peered_set(struct rib *rib,
						       const struct net_prefix *prefixes,
						       uint32_t count);
void rib_each(const struct rib *rib, rib_visit visit, void *context);
size_t rib_count(const struct rib *rib);
/* Told of each prefix whose way changes; `best` NULL: there is none any more. One watcher. */
typedef void (*rib_watcher)(void *context, const struct net_prefix *prefix,
			    const struct rib_candidate *best);
void rib_watch(struct rib *rib, rib_watcher watcher, void *context);
