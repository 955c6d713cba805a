#pragma once
/*
 * Records for control: put together here, told why in path_watch.c.
 */
#include "dataplane/capture/match.h"
#include "dataplane/nodes/path_watch.h"

/* Bytes of a packet for `captures`. */
struct watch_bytes {
	uint32_t captures;
	enum contract_layer layer;
	bool outbound;
	const uint8_t *at;
	uint32_t kept;	 /* there are no more */
	uint32_t length; /* of the packet */
	uint64_t sequence;
	uint32_t spi;
	uint32_t port;
	uint32_t tunnel;
};

void path_watch_bytes_put(struct path *path, const struct watch_bytes *bytes);

/* Marks of a followed packet. */
bool path_watch_marked(const struct path *path, const struct rte_mbuf *m);
/* And no step of it was the last one. */
bool path_watch_followed(const struct path *path, const struct path_packet *p);
void path_watch_mark(struct path *path, struct rte_mbuf *m, uint32_t captures);
void path_watch_unmark(const struct path *path, struct rte_mbuf *m);

/* The record of a step of a marked packet, with what is known of it; `ip` NULL: no IP header. */
struct contract_traced path_watch_traced(const struct path *path, const struct path_packet *p,
					 enum contract_step step);
void path_watch_traced_key(struct contract_traced *traced, const struct capture_key *key);
void path_watch_traced_put(struct path *path, struct contract_traced *traced);
/* Of these captures, those that want inner or outer packets (CONTRACT_CAPTURE_...). */
uint32_t path_watch_of_what(const struct capture_table *table, uint32_t captures, uint16_t what);
