#pragma once
/*
 * The table behind address.h as workers read it: open addressing, at most half full.
 */
#include "net/addr.h"

#include <string.h>

struct address_entry4 {
	uint32_t addr; /* as in memory */
	uint32_t domain;
	uint32_t port;	 /* 0: on the TUN */
	uint32_t mirror; /* 0 and port 0: free */
};

struct address_entry6 {
	uint64_t addr[2];
	uint32_t domain;
	uint32_t port;
	uint32_t mirror;
	uint32_t used;
};

struct address_table {
	uint32_t mask4;
	uint32_t mask6;
	struct address_entry4 *ip4;
	struct address_entry6 *ip6;
};

struct address_found {
	uint32_t port;
	uint32_t mirror;
};

static inline uint32_t address_hash(uint64_t value, uint32_t domain)
{
	return (uint32_t)(((value ^ domain) * UINT64_C(0x9e3779b97f4a7c15)) >> 32);
}

static inline bool address_find4(const struct address_table *table, uint32_t domain, uint32_t addr,
				 struct address_found *found)
{
	for (uint32_t at = address_hash(addr, domain);; at++) {
		const struct address_entry4 *e = &table->ip4[at & table->mask4];

		if (!(e->port | e->mirror))
			return false;
		if (e->addr == addr && e->domain == domain) {
			*found = (struct address_found){ e->port, e->mirror };
			return true;
		}
	}
}

static inline bool address_find6(const struct address_table *table, uint32_t domain,
				 const uint8_t *bytes, struct address_found *found)
{
	uint64_t a[2];

	memcpy(a, bytes, sizeof(a));
	for (uint32_t at = address_hash(a[0] ^ (a[1] << 1 | a[1] >> 63), domain);; at++) {
		const struct address_entry6 *e = &table->ip6[at & table->mask6];

		if (!e->used)
			return false;
		if (e->addr[0] == a[0] && e->addr[1] == a[1] && e->domain == domain) {
			*found = (struct address_found){ e->port, e->mirror };
			return true;
		}
	}
}
