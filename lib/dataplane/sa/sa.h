#pragma once
/*
 * DOC: SA store
 *
 * Security associations, the children that choose them and the tunnels they belong to. The main
 * lcore owns everything here and is the only one to call the functions of this header; workers
 * read the hot records of hot.h by id and write only counters and replay windows.
 *
 * Objects come as they stand in messages: struct contract_object, the body of its kind, its
 * selectors, its opaque bytes, in a row; kinds CONTRACT_SA, CONTRACT_TUNNEL, CONTRACT_CHILD. The
 * caller has checked the form (contract_request_check()); the store checks the meaning.
 *
 * Publication: a record is whole before the one store that makes it visible (the SPI of an inbound
 * SA, the pointer in a child and tunnel of an outbound one). Removal: unpublish, wait for a grace
 * period of the rte_rcu_qsbr variable, wipe, reuse. A changed outbound record is built beside the
 * old one. When a call returns the change is published; a grace period later every worker sees it.
 *
 * All memory is taken at init from the configured maxima: an SA has 1,792 bytes of hugepages (704
 * of hot records and window, 1,088 of key). Both strides are odd numbers of cache lines so that
 * many SAs spread over all cache sets. Only windows above SA_WINDOW_INLINE take a block of their
 * own.
 */
#include "contract/message.h"

#include <stdbool.h>
#include <stddef.h>

struct sa_store;
struct rte_rcu_qsbr;
struct contract_counters;

struct sa_config {
	uint32_t sas;	   /* ids below this, at most 1 << CONTRACT_SPI_ID_BITS */
	uint32_t tunnels;  /* ids below this */
	uint32_t children; /* ids below this */
	uint32_t nexthops; /* ids below this are accepted */
	uint32_t limits;
	int socket;		   /* NUMA, -1: any */
	struct rte_rcu_qsbr *qsbr; /* NULL: no other thread reads */
	struct contract_counters
		*counters; /* rows are zeroed when an object is added; may be NULL */
};

/* Hugepage bytes that init will take; pure. */
size_t sa_memory(const struct sa_config *config);

/* -EINVAL, -ENOMEM with a sentence in `reason`. */
__attribute__((warn_unused_result)) int sa_init(struct sa_store **store,
						const struct sa_config *config,
						char reason[CONTRACT_REASON]);
void sa_fini(struct sa_store *store);

/*
 * -EEXIST, -EINVAL, -ENOENT (what it names is missing), -EOPNOTSUPP (no such suite), -ENOMEM;
 * sa_reason() has a sentence. The keys in `object` are left to the caller to wipe.
 */
__attribute__((warn_unused_result)) int sa_add(struct sa_store *store,
					       const struct contract_object *object);
/* Creates or changes; of an SA that is there only what sa.h of the contract calls mutable. */
__attribute__((warn_unused_result)) int sa_set(struct sa_store *store,
					       const struct contract_object *object);
/*
 * -ENOENT, -EBUSY (a child or an SA refers to it). For an SA *final gets its last counters when
 * final is not NULL; a child that sent on it has none from then on.
 */
__attribute__((warn_unused_result)) int sa_del(struct sa_store *store,
					       const struct contract_object *object,
					       struct contract_sa_final *final);
/* Takes the generation: -ENOENT. */
__attribute__((warn_unused_result)) int sa_confirm(struct sa_store *store,
						   const struct contract_object *object);
/* Sentence for the last call that failed. */
const char *sa_reason(const struct sa_store *store);

#define SA_OBJECT_MAX                                                                              \
	(sizeof(struct contract_object) + sizeof(struct contract_sa) +                             \
	 2 * CONTRACT_SELECTORS_MAX * sizeof(struct net_selector) + CONTRACT_OPAQUE_MAX)

/* The object under the kind and id of `object`, keys blanked: -ENOENT. */
__attribute__((warn_unused_result)) int sa_get(const struct sa_store *store,
					       const struct contract_object *object,
					       uint8_t to[SA_OBJECT_MAX], size_t *length);
/* Lists a kind: start with *cursor 0; 1 with the next object, 0 at the end. */
__attribute__((warn_unused_result)) int sa_list(const struct sa_store *store,
						enum contract_kind kind, uint32_t *cursor,
						uint8_t to[SA_OBJECT_MAX], size_t *length);
uint32_t sa_count(const struct sa_store *store, enum contract_kind kind);
/* Removes what has an older generation, SAs first; at most `budget`; true: there may be more. */
bool sa_sweep(struct sa_store *store, uint32_t generation, uint32_t budget);
/* Wipes and takes back what no worker can hold any more; never waits. Every change does it too. */
void sa_reclaim(struct sa_store *store);
/* Ids of next hops and limits that tunnels refer to: the caller refuses to delete those. */
bool sa_uses_nexthop(const struct sa_store *store, uint32_t nexthop);
bool sa_uses_limit(const struct sa_store *store, uint32_t limit);
