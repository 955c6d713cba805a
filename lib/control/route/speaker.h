#pragma once
/*
 * DOC: speakers
 *
 * What a BGP speaker of an instance needs of Linux: its addresses on the instance's TUN, the way to
 * each peer by that TUN for what has the speaker's address as source, and a next hop address of
 * its own for each session. The speaker gives that address to the routes that it learns there, so
 * that a route of the kernel names the tunnel it was learned in: 240.0.0.0 plus the tunnel's id.
 * Class E never leaves the machine. For IPv6 routes it is 100:: plus the id, of the prefix that is
 * discarded anywhere else (RFC 6666).
 */
#include "control/route/netlink.h"
#include "control/route/port.h"

#define SPEAKER_TABLE_BASE 7700 /* routing table and rule priority of an instance */

struct speaker_peer {
	uint32_t tunnel; /* the key */
	uint32_t instance;
	struct net_addr local;
	struct net_addr peer;
	uint32_t ip6; /* bool: its routes may be IPv6 ones */
};
_Static_assert(sizeof(struct speaker_peer) == 12 + 2 * sizeof(struct net_addr),
	       "compared as bytes: no padding");

/* An address of an instance at which tunnels over circuits end; its speaker may have it too. */
struct speaker_private {
	uint32_t instance;
	struct net_addr addr;
};

#define SPEAKER_PRIVATES_MAX 8

struct speaker_table {
	struct speaker_peer *peers;
	uint32_t count;
	struct speaker_private privates[SPEAKER_PRIVATES_MAX];
	uint32_t private_count;
};

struct net_addr speaker_via(uint32_t tunnel);
struct net_addr speaker_via_ip6(uint32_t tunnel);
/* The tunnel that an address names; 0: none. */
uint32_t speaker_tunnel(const struct net_addr *via);

void speaker_fini(struct speaker_table *table);
/* 1 when it is new or another than before. `netlink` NULL: written later, by speaker_apply(). */
__attribute__((warn_unused_result)) int speaker_set(struct speaker_table *table,
						    const struct port_table *ports,
						    struct netlink *netlink,
						    const struct speaker_peer *peer);
/* False: there was none. */
bool speaker_delete(struct speaker_table *table, const struct port_table *ports,
		    struct netlink *netlink, uint32_t tunnel);
void speaker_apply(const struct speaker_table *table, const struct port_table *ports,
		   struct netlink *netlink);
/* As speaker_apply(), after the kernel has dropped a TUN's routes without a word: the next hops go
 * and come for FRR's daemons, so that they install what they had by them. */
void speaker_again(const struct speaker_table *table, const struct port_table *ports,
		   struct netlink *netlink);
/* An address of an instance. */
bool speaker_has(const struct speaker_table *table, const struct net_addr *addr);
const struct speaker_peer *speaker_find(const struct speaker_table *table, uint32_t tunnel);
/* Takes the place of those before; `netlink` NULL: written later, by speaker_apply(). -E2BIG. */
__attribute__((warn_unused_result)) int speaker_privates_set(struct speaker_table *table,
							     const struct port_table *ports,
							     struct netlink *netlink,
							     const struct speaker_private *privates,
							     uint32_t count);
const struct speaker_private *speaker_private_find(const struct speaker_table *table,
						   const struct net_addr *addr);
