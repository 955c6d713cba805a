#include "control/ikev2/info.h"

#include "control/ikev2/child.h"

#include <errno.h>

int ikev2_info(const struct ikev2_engine *engine, uint64_t ike, struct ikev2_info *info)
{
	const struct ikev2_sa *sa = ikev2_sa_find(engine, ike);
	const struct list *at;

	if (!sa)
		return -ENOENT;
	*info = (struct ikev2_info){
		.ike = sa->spi,
		.peer_spi = sa->peer_spi,
		.user = sa->user,
		.state = sa->state,
		.initiator = sa->initiator,
		.dialled = sa->dialled,
		.nat_local = sa->nat_local,
		.nat_remote = sa->nat_remote,
		.encapsulated = sa->encapsulate,
		.fragmentation = sa->fragmentation,
		.mobike = sa->mobike,
		.asks = sa->own || !list_empty(&sa->jobs),
		.path = sa->path,
		.suite = sa->suite,
		.local_auth_method = sa->local_method,
		.remote_auth_method = sa->remote_method,
		.established_ns = sa->established_ns,
		.rekey_ns = sa->rekey_ns,
		.expire_ns = sa->expire_ns,
		.last_seen_ns = sa->last_seen_ns,
		.next_request_id = sa->next_id,
		.expected_request_id = sa->expected_id,
		.remote_id_type = sa->remote_id.type,
		.remote_id = ike_id_span(&sa->remote_id),
		.connection = sa->connection,
	};
	for (at = sa->children.next; at != &sa->children; at = at->next)
		info->child_count++;
	return 0;
}

int ikev2_child_info(const struct ikev2_engine *engine, uint32_t spi, struct ikev2_child_info *info)
{
	const struct ikev2_child *child = ikev2_child_find(engine, spi);

	if (!child)
		return -ENOENT;
	*info = (struct ikev2_child_info){
		.ike = child->sa->spi,
		.child = child->spi,
		.outbound_spi = child->peer_spi,
		.replaced_by = child->replaced_by,
		.entry = child->entry,
		.state = child->state,
		.initiator = child->initiator,
		.sends = child->sends,
		.waits = child->waits != IKEV2_WAITS_NOT,
		.local_count = child->local_count,
		.remote_count = child->remote_count,
		.local = child->selectors,
		.remote = child->selectors + child->local_count,
		.suite = child->suite,
		.established_ns = child->established_ns,
		.rekey_ns = child->rekey_ns,
		.expire_ns = child->expire_ns,
	};
	return 0;
}

uint64_t ikev2_next(const struct ikev2_engine *engine, uint64_t after)
{
	const struct ikev2_sa *sa = after ? ikev2_sa_find(engine, after) : NULL;
	const struct list *at = sa ? sa->link.next : engine->sas.next;

	return at == &engine->sas ? 0 : list_entry(at, struct ikev2_sa, link)->spi;
}

uint64_t ikev2_established(const struct ikev2_engine *engine,
			   const struct ikev2_connection *connection, uint64_t except)
{
	const struct ikev2_sa *sa = NULL;

	while ((sa = ikev2_sa_of(engine, connection, sa)))
		if (sa->spi != except && sa->state == IKEV2_STATE_ESTABLISHED)
			return sa->spi;
	return 0;
}

uint32_t ikev2_child_next(const struct ikev2_engine *engine, uint64_t ike, uint32_t after)
{
	const struct ikev2_sa *sa = ikev2_sa_find(engine, ike);
	const struct ikev2_child *child = ikev2_child_find(engine, after);
	const struct list *at;

	if (!sa)
		return 0;
	at = child && child->sa == sa ? child->link.next : sa->children.next;
	return at == &sa->children ? 0 : list_entry(at, struct ikev2_child, link)->spi;
}
