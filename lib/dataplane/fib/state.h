#pragma once
/*
 * What the files of the fib share: the side store of the main lcore. Nothing of it is read by
 * workers; what they read is struct fib_hot and the units.
 */
#include "dataplane/fib/fib.h"
#include "dataplane/fib/hop.h"
#include "dataplane/fib/lookup.h"
#include "dataplane/fib/pool.h"
#include "dataplane/fib/trie.h"

/* What control gave with an object and gets back. */
struct fib_tag {
	uint32_t owner;
	uint32_t generation;
	uint8_t *opaque;
	uint16_t opaque_length;
};

struct fib_route {
	uint8_t addr[16];
	uint8_t length;
	uint8_t family; /* enum net_family, 0: record is free */
	uint16_t zero;
	uint32_t domain;
	uint32_t nexthop; /* next free record */
	struct fib_tag tag;
};

/* Routes by number: how many of each length a domain has, to find the cover of one. */
struct fib_lengths {
	uint32_t ip4[33];
	uint32_t ip6[129];
};

struct fib_routes {
	struct fib_route *records;
	uint32_t *slots; /* open addressing: record + 1 */
	uint32_t slot_mask;
	uint32_t capacity;
	uint32_t fresh; /* records from here on were never used */
	uint32_t free;	/* record + 1 */
	uint32_t count4;
	uint32_t count6;
	struct fib_lengths *lengths; /* by domain */
	uint64_t seed;
};

struct fib_nexthop_record {
	struct contract_nexthop body;	 /* kind 0: none */
	struct contract_member *members; /* its sources behind them */
	uint32_t domain;
	uint32_t neighbour;  /* GATEWAY */
	uint32_t references; /* routes and ECMP next hops */
	struct fib_tag tag;
};

/* Where members of a group are at home, whether they have a weight now or not. */
struct fib_home {
	uint32_t log2;
	uint32_t count;
	struct contract_member members[CONTRACT_MEMBERS_MAX]; /* with the last weight they had */
	uint32_t buckets[];				      /* ids */
};

struct fib_group_record {
	struct contract_member *members;
	struct fib_home *home; /* NULL: never had two members */
	uint64_t avoided;      /* bit i: member i cannot carry */
	uint32_t domain;
	uint8_t member_count;
	bool exists;
	struct fib_tag tag;
};

struct fib_neighbour_record {
	uint32_t unit; /* 0: free */
	uint32_t next_free;
	uint32_t domain;
	uint32_t references; /* next hops, and one for the object */
	bool set;	     /* control set it; else only next hops refer to it */
	uint8_t mac[6];
	struct fib_tag tag;
};

struct fib {
	struct fib_hot hot;
	struct fib_config config;
	struct fib_pool pool;
	struct fib_trie trie4;
	struct fib_trie trie6;
	fib_carries_fn carries; /* NULL: nobody to ask */
	const void *carries_context;
	struct fib_routes routes;
	struct fib_nexthop_record *nexthops;
	struct fib_group_record *groups;
	struct fib_neighbour_record *neighbours;
	uint32_t neighbour_free; /* record + 1 */
	uint32_t neighbour_fresh;
	uint32_t neighbour_count; /* with those that only next hops refer to */
	uint32_t nexthop_count;
	uint32_t group_count;
	uint32_t table_units; /* of groups, ECMP next hops and sources */
	uint32_t sweep_at[CONTRACT_KINDS];
	char reason[CONTRACT_REASON];
};

/* Sets the sentence and gives the code back. */
__attribute__((format(printf, 3, 4))) int fib_refuse(struct fib *fib, int code, const char *format,
						     ...);

__attribute__((warn_unused_result)) int fib_tag_set(struct fib_tag *tag,
						    const struct contract_object *object,
						    const void *opaque);
void fib_tag_clear(struct fib_tag *tag);
/* Units that routes must leave to neighbours and groups. */
uint32_t fib_reserve(const struct fib *fib);

/* route.c */
__attribute__((warn_unused_result)) int fib_routes_init(struct fib *fib);
void fib_routes_fini(struct fib *fib);
__attribute__((warn_unused_result)) int fib_route_apply(struct fib *fib,
							const struct contract_object *object,
							bool add);
__attribute__((warn_unused_result)) int fib_route_remove(struct fib *fib,
							 const struct contract_object *object);
struct fib_route *fib_route_find(const struct fib *fib, uint32_t domain,
				 const struct net_prefix *prefix);
/* Takes the record out; -ENOSPC leaves it. */
__attribute__((warn_unused_result)) int fib_route_erase(struct fib *fib, struct fib_route *route);
size_t fib_route_write(const struct fib_route *route, uint8_t *to);

/* nexthop.c */
__attribute__((warn_unused_result)) int fib_nexthop_apply(struct fib *fib,
							  const struct contract_object *object,
							  bool add);
__attribute__((warn_unused_result)) int fib_nexthop_remove(struct fib *fib, uint32_t id);
size_t fib_nexthop_write(const struct fib *fib, uint32_t id, uint8_t *to);

/* group.c */
__attribute__((warn_unused_result)) int fib_group_apply(struct fib *fib,
							const struct contract_object *object,
							bool add);
__attribute__((warn_unused_result)) int fib_group_remove(struct fib *fib, uint32_t id);
size_t fib_group_write(const struct fib *fib, uint32_t id, uint8_t *to);

/* table.c: buckets that follow weighted members with the fewest moves */
struct fib_table_want {
	const struct contract_member *members;
	uint32_t count;
	uint64_t avoid;		/* bit i: as if member i had no weight */
	struct fib_home **home; /* NULL: a member that left is forgotten */
};
__attribute__((warn_unused_result)) int fib_table_update(struct fib *fib, fib_table_word *word,
							 const struct fib_table_want *want);
void fib_table_drop(struct fib *fib, fib_table_word *word);

/* source.c */
__attribute__((warn_unused_result)) int fib_sources_set(struct fib *fib, fib_sources_word *word,
							const uint32_t *sources, uint8_t count);
void fib_sources_drop(struct fib *fib, fib_sources_word *word);

/* neighbour.c */
__attribute__((warn_unused_result)) int fib_neighbours_init(struct fib *fib);
__attribute__((warn_unused_result)) int fib_neighbour_apply(struct fib *fib,
							    const struct contract_object *object,
							    bool add);
__attribute__((warn_unused_result)) int fib_neighbour_remove(struct fib *fib,
							     const struct contract_object *object);
struct fib_neighbour_record *fib_neighbour_record(const struct fib *fib, uint32_t port,
						  const struct net_addr *addr);
/* Finds it or makes one whose MAC is not known yet, for a next hop. */
__attribute__((warn_unused_result)) int fib_neighbour_hold(struct fib *fib, uint32_t port,
							   const struct net_addr *addr,
							   uint32_t *unit);
void fib_neighbour_release(struct fib *fib, uint32_t unit);
void fib_neighbour_unset(struct fib *fib, struct fib_neighbour_record *record);
size_t fib_neighbour_write(const struct fib *fib, const struct fib_neighbour_record *record,
			   uint8_t *to);
