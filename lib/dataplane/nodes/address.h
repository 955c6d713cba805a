#pragma once
/*
 * DOC: addresses of ours
 *
 * What makes a packet one for us. Main changes a copy and publishes it; the old table is freed
 * after a grace period. Objects as in sa.h, kind CONTRACT_ADDRESS, keyed by domain and address.
 */
#include "dataplane/nodes/path.h"

struct rte_rcu_qsbr;
struct address_store;

#define ADDRESS_OBJECT_MAX                                                                         \
	(sizeof(struct contract_object) + sizeof(struct contract_address) + CONTRACT_OPAQUE_MAX)

/* Publishes to shared->addresses; `qsbr` NULL: no other thread reads. */
__attribute__((warn_unused_result)) int address_init(struct address_store **store,
						     struct path_shared *shared, uint32_t maximum,
						     struct rte_rcu_qsbr *qsbr);
void address_fini(struct address_store *store);
/* -EEXIST, -EINVAL, -ENOSPC, -ENOMEM; address_reason() has a sentence. */
__attribute__((warn_unused_result)) int address_add(struct address_store *store,
						    const struct contract_object *object);
__attribute__((warn_unused_result)) int address_set(struct address_store *store,
						    const struct contract_object *object);
__attribute__((warn_unused_result)) int address_del(struct address_store *store,
						    const struct contract_object *object);
__attribute__((warn_unused_result)) int address_confirm(struct address_store *store,
							const struct contract_object *object);
__attribute__((warn_unused_result)) int address_get(const struct address_store *store,
						    const struct contract_object *object,
						    uint8_t to[ADDRESS_OBJECT_MAX], size_t *length);
__attribute__((warn_unused_result)) int address_list(const struct address_store *store,
						     uint32_t *cursor,
						     uint8_t to[ADDRESS_OBJECT_MAX],
						     size_t *length);
uint32_t address_count(const struct address_store *store);
bool address_sweep(struct address_store *store, uint32_t generation, uint32_t budget);
const char *address_reason(const struct address_store *store);
