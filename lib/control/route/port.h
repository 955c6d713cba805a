#pragma once
/*
 * The ports and mirrors of the data plane and what the configuration wants of them.
 */
#include "control/route/netlink.h"
#include "control/route/route.h"

#define PORTS_MAX ROUTE_PORTS_MAX

struct port {
	struct contract_port is; /* name "" when the data plane has none such */
	uint32_t id;
	uint32_t mirror;
	int ifindex; /* of the mirror; 0: not known */
	struct route_port_config wanted;
	uint32_t present; /* bit i: Linux has wanted.addresses[i] */
	bool disabled;	  /* someone has set the mirror down */
};

struct tunnel_mirror {
	struct contract_mirror is;
	uint32_t id;
	uint32_t domain;
	bool disabled;
};

struct port_table {
	struct port ports[PORTS_MAX];
	uint32_t count;
	struct tunnel_mirror tunnels[PORTS_MAX];
	uint32_t tunnel_count;
};

struct port *port_by_name(struct port_table *table, const char *name, bool create);
struct port *port_by_id(struct port_table *table, uint32_t id);
struct port *port_by_ifindex(struct port_table *table, int ifindex);
const struct port *port_by_address(const struct port_table *table, const struct net_addr *addr,
				   const struct route_address **entry);
/* On the link of one of its addresses: of `entry`, or of any (NULL). */
bool port_reaches(const struct port *port, const struct route_address *entry,
		  const struct net_addr *remote);
/* Linux has this address, or no longer; true when it is one that was wanted and that is news. */
bool port_address_seen(struct port *port, const struct net_addr *addr, bool gone);
/* True: a mirror was set down by someone and is up again; the kernel has dropped its routes. */
bool port_link_seen(struct port_table *table, const struct netlink_link *link, bool gone);
/* A listed PORT or MIRROR object. */
void port_listed(struct port_table *table, const struct contract_header *message);
/* Writes to Linux what is wanted, and takes back what was wanted before. */
void port_apply(struct netlink *netlink, const struct port_table *table, const struct port *port,
		const struct route_port_config *before);
