#pragma once
/*
 * What the files of the SA store share: the side of the main lcore. Workers see struct sa_hot only.
 */
#include "contract/counters.h"
#include "dataplane/sa/hot.h"
#include "dataplane/sa/sa.h"

/* An object as it came, keys blanked, by id; what is listed. */
struct sa_record {
	size_t length;
	struct contract_object object; /* body, selectors and opaque bytes follow */
};

struct sa_table {
	struct sa_record **records;
	uint32_t size;
	uint32_t count;
};

struct sa_retired {
	uint64_t token;
	uint32_t slot; /* id to wipe, 0: memory to free */
	void *memory;
};

struct sa_store {
	struct sa_hot hot;
	struct sa_config config;
	struct cipher_lane *lane;
	uint8_t *keys;
	struct sa_table sas;
	struct sa_table tunnels;
	struct sa_table children;
	uint8_t *slot_busy;    /* by SA id: retired, not yet wiped */
	uint8_t *slot_current; /* by SA id: which of the outbound records is in use */
	uint64_t *slot_token;  /* by SA id: when the record that is not in use may be built over */
	struct sa_retired *retired;
	uint32_t retired_size;
	uint32_t retired_head;
	uint32_t retired_tail;
	char reason[CONTRACT_REASON];
};

__attribute__((format(printf, 3, 4))) int sa_fail(struct sa_store *store, int err,
						  const char *format, ...);
struct sa_table *sa_table_of(const struct sa_store *store, uint16_t kind);
struct sa_record *sa_record_get(const struct sa_store *store, uint16_t kind, uint32_t id);
/* A copy of the object; -ENOMEM, -EINVAL for an id outside. Replaces what is there. */
__attribute__((warn_unused_result)) int sa_record_put(struct sa_store *store,
						      const struct contract_object *object);
void sa_record_drop(struct sa_store *store, uint16_t kind, uint32_t id);
void sa_counters_zero(struct sa_store *store, enum contract_section section, uint32_t id);
uint64_t sa_counters_sum(const struct sa_store *store, uint32_t id, uint32_t column);

/* Grace periods. Memory is of malloc. */
uint64_t sa_grace_start(struct sa_store *store);
void sa_grace_wait(struct sa_store *store, uint64_t token);
void sa_retire(struct sa_store *store, uint32_t slot, void *memory);

int sa_assoc_add(struct sa_store *store, const struct contract_object *object);
int sa_assoc_set(struct sa_store *store, const struct contract_object *object);
int sa_assoc_del(struct sa_store *store, uint32_t id, struct contract_sa_final *final);
void sa_assoc_wipe(struct sa_store *store, uint32_t id);
/* The outbound record in use; NULL when the SA is not an outbound one. */
const struct sa_outbound *sa_assoc_outbound(const struct sa_store *store, uint32_t id);
/* The selectors of a child changed: SAs that decrypt for it learn what it admits. */
void sa_assoc_child_changed(struct sa_store *store, uint32_t child, uint32_t any);

int sa_child_put(struct sa_store *store, const struct contract_object *object);
int sa_child_del(struct sa_store *store, uint32_t id);
/* The record of an outbound SA moved or went (now NULL). */
void sa_child_moved(struct sa_store *store, uint32_t sa, const struct sa_outbound *now);

int sa_tunnel_put(struct sa_store *store, const struct contract_object *object);
int sa_tunnel_del(struct sa_store *store, uint32_t id);
/* A child came or went: -ENOMEM. */
int sa_tunnel_child(struct sa_store *store, uint32_t tunnel, uint32_t child);
/* A child of the tunnel sends on another SA. */
void sa_tunnel_refresh(struct sa_store *store, uint32_t tunnel);

static inline struct contract_sa *sa_body(struct sa_record *record)
{
	return (struct contract_sa *)(&record->object + 1);
}

static inline struct contract_child *sa_child_body(struct sa_record *record)
{
	return (struct contract_child *)(&record->object + 1);
}

static inline void *sa_key_memory(const struct sa_store *store, uint32_t id)
{
	return store->keys + (uint64_t)id * SA_KEY_STRIDE;
}
