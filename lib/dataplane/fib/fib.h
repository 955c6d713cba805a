#pragma once
/*
 * DOC: fib
 *
 * Where a packet goes: routes (longest prefix match per routing domain), next hops, neighbours and
 * tunnel groups. This header is the side of the main lcore, which alone calls it; workers read
 * through lookup.h, hop.h and flow.h.
 *
 * Objects come and go as they stand in messages: struct contract_object, the body of its kind, its
 * members, its opaque bytes, in a row. Kinds: CONTRACT_ROUTE, CONTRACT_NEXTHOP,
 * CONTRACT_NEIGHBOUR, CONTRACT_GROUP. The caller has checked the form (contract_request_check());
 * the fib checks the meaning.
 *
 * A change is one release store of 32 or 64 bits per entry that it concerns, so that a lookup gets
 * the old or the new next hop. Memory that left the tables is reused only after every worker that
 * is registered with the rte_rcu_qsbr variable has passed a quiescent state. When a call returns,
 * the change is published; a grace period later every worker sees it.
 *
 * All memory of the packet path is taken at init from the configured maxima; a route that does not
 * fit any more is refused with -ENOSPC and nothing is changed.
 */
#include "contract/message.h"

#include <stdbool.h>
#include <stddef.h>

struct fib;
struct rte_rcu_qsbr;

struct fib_config {
	uint32_t routes4; /* over all domains */
	uint32_t routes6;
	uint32_t domains;  /* ids below this; each costs 512 KiB */
	uint32_t nexthops; /* ids below this */
	uint32_t groups;   /* ids below this */
	uint32_t neighbours;
	int socket;		   /* NUMA, -1: any */
	struct rte_rcu_qsbr *qsbr; /* of the worker module; NULL: no other thread looks up */
};

struct fib_memory {
	size_t roots;
	size_t nodes;
	size_t nexthops;
	size_t groups;
	size_t neighbours;
	size_t total;	     /* hugepages: the sum of those above */
	size_t side_store;   /* ordinary memory of the main lcore, taken as it fills */
	uint32_t per_route4; /* bytes of nodes reserved for a route */
	uint32_t per_route6;
};

/* What init will take; pure, so that all modules' needs are known and printed first. */
void fib_memory(const struct fib_config *config, struct fib_memory *memory);

/* -EINVAL, -ENOMEM with a sentence in `reason`. */
__attribute__((warn_unused_result)) int fib_init(struct fib **fib, const struct fib_config *config,
						 char reason[CONTRACT_REASON]);
void fib_fini(struct fib *fib);

/* -EEXIST, -ENOSPC, -EINVAL, -ENOENT (what it names is missing); fib_reason() has a sentence. */
__attribute__((warn_unused_result)) int fib_add(struct fib *fib,
						const struct contract_object *object);
/* Creates or changes. */
__attribute__((warn_unused_result)) int fib_set(struct fib *fib,
						const struct contract_object *object);
/* -ENOENT, -EBUSY (something refers to it), -ENOSPC (a route whose removal needs a node). */
__attribute__((warn_unused_result)) int fib_del(struct fib *fib,
						const struct contract_object *object);
/* Takes owner as it is, sets the generation: -ENOENT. */
__attribute__((warn_unused_result)) int fib_confirm(struct fib *fib,
						    const struct contract_object *object);
/* Sentence for the last call that failed. */
const char *fib_reason(const struct fib *fib);

/* An object with body, members and opaque bytes, as it is listed. */
#define FIB_OBJECT_MAX                                                                             \
	(sizeof(struct contract_object) + sizeof(struct contract_nexthop) +                        \
	 CONTRACT_MEMBERS_MAX * sizeof(struct contract_member) +                                   \
	 CONTRACT_SOURCES_MAX * sizeof(uint32_t) + CONTRACT_OPAQUE_MAX)

/* What is there under the key of `object`, as before a change that may have to be undone. */
__attribute__((warn_unused_result)) int fib_get(const struct fib *fib,
						const struct contract_object *object,
						uint8_t to[FIB_OBJECT_MAX], size_t *length);
/*
 * Lists a kind: start with *cursor 0; 1 with the next object, 0 at the end. Objects added or
 * removed in between may be missed or not, others are listed once.
 */
__attribute__((warn_unused_result)) int fib_list(const struct fib *fib, enum contract_kind kind,
						 uint32_t *cursor, uint8_t to[FIB_OBJECT_MAX],
						 size_t *length);
uint32_t fib_count(const struct fib *fib, enum contract_kind kind);

/*
 * What the data plane sees before control does: a tunnel that cannot carry, because its port has
 * no link, gets no flow of a group while another member can. Asked whenever a group is set, and for
 * all groups by fib_groups_follow(), which is called when the answer may have changed and gives the
 * number of groups that did. Weights are listed as control set them.
 */
typedef bool (*fib_carries_fn)(const void *context, uint32_t tunnel);
void fib_groups_ask(struct fib *fib, fib_carries_fn carries, const void *context);
uint32_t fib_groups_follow(struct fib *fib);

/*
 * Removes what has an older generation than `generation`: routes first, then next hops, groups and
 * neighbours. At most `budget` objects a call; true when there may be more.
 */
bool fib_sweep(struct fib *fib, uint32_t generation, uint32_t budget);

/* Takes back memory whose readers have gone; never waits. A change does it for whole batches. */
void fib_reclaim(struct fib *fib);

struct fib_usage {
	uint32_t routes4;
	uint32_t routes6;
	size_t node_bytes_used;
	size_t node_bytes_retired;
	size_t node_bytes;
};

void fib_usage(const struct fib *fib, struct fib_usage *usage);
