#pragma once
/*
 * DOC: link state
 *
 * Three sources, because no single one covers every device: DPDK's link interrupt where the NIC
 * raises it (it arrives on a thread of DPDK's and is passed on through an eventfd), netlink for
 * the Linux interface behind a virtual device, and a poll every LINK_POLL_MS for the rest and as
 * a net below both. Netlink reports a carrier that goes away at once; the poll bounds what it may
 * defer (linkwatch holds back changes of an interface to one per second).
 *
 * Netlink's news and ethtool's answers wait for the kernel's one lock for all network settings of
 * all namespaces, which whoever takes a link down holds for many milliseconds. The numbers of
 * times that a carrier went and came (sysfs) wait for nothing: where they can be read, ethtool is
 * asked at the start only, and they are looked at every LINK_LOOK_MS, for two short reads a device.
 *
 * Owner: main lcore.
 */
#include "dataplane/port/port.h"

#define LINK_POLL_MS 20
#define LINK_LOOK_MS 5

struct link;

/* Called for every change after link_open(); the port's `up` is already set. */
typedef void (*link_change_fn)(void *context, struct port *port);

__attribute__((warn_unused_result)) int link_open(struct link **link, struct port_set *set,
						  link_change_fn change, void *context);
void link_close(struct link *link);
/* Two descriptors to watch for reading; call link_poll() when either is readable. */
int link_netlink_fd(const struct link *link);
int link_event_fd(const struct link *link);
void link_poll(struct link *link);
/* Cheap: only devices whose numbers can be read and have changed. */
void link_look(struct link *link);
