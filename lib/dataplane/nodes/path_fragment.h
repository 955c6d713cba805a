#pragma once
/*
 * DOC: packets that do not fit, and packets in pieces
 *
 * The rare sides of the path, out of line, so that packets that need none of it pay nothing: a
 * packet too big for where it goes is cut or its sender is told; fragments to us are put together;
 * ICMP errors are made and read. What is made here waits in path->made until the vector is through
 * and then takes the way of its own, so it may leave behind packets that came after it.
 */
#include "dataplane/frag/icmp.h"
#include "dataplane/nodes/path_state.h"

#define PATH_COLD __attribute__((cold, noinline))

__attribute__((warn_unused_result)) int path_fragment_init(struct path *path, int socket);
void path_fragment_fini(struct path *path);

/*
 * A packet longer than `mtu`, bound for a tunnel or (0) for a next hop. NONE: it was cut and its
 * pieces follow. Else it is to be dropped for this; the sender was told if an error was due, and
 * p->m may be NULL.
 */
PATH_COLD enum contract_drop path_too_big(struct path *path, struct path_packet *p, uint32_t mtu,
					  uint32_t tunnel);
/*
 * A fragment to us. True: *p is now the whole packet, behind an Ethernet header. False: it was
 * taken.
 */
PATH_COLD bool path_reassemble(struct path *path, struct path_packet *p);
PATH_COLD void path_reassembly_expire(struct path *path);

/* Tells the sender, from an address of the port where the packet came in; it stays the caller's. */
PATH_COLD void path_icmp_error(struct path *path, struct path_packet *p, enum icmp_error error,
			       uint32_t mtu);
/* An ICMP message to us. True: it was about ESP that we send, control hears of it, it was taken. */
PATH_COLD bool path_icmp_report(struct path *path, struct path_packet *p);

/* An IP packet of our own making for the sake of `cause`; dropped when there is no room. */
PATH_COLD void path_made_add(struct path *path, struct rte_mbuf *m, const struct path_packet *cause,
			     uint32_t tunnel);
/* Sends what was made. */
PATH_COLD void path_made_run(struct path *path);
