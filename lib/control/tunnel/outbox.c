#include "control/tunnel/outbox.h"

#include "control/tunnel/tunnel.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct item {
	struct list link;
	uint32_t tunnel; /* id, 0: none */
	struct contract_datagram head;
	uint8_t bytes[];
};

void outbox_init(struct outbox *outbox)
{
	list_init(&outbox->items);
}

static struct item *item_first(struct outbox *outbox)
{
	struct item *item;

	if (list_empty(&outbox->items))
		return NULL;
	item = list_entry(outbox->items.next, struct item, link);
	list_del(&item->link);
	return item;
}

void outbox_fini(struct outbox *outbox)
{
	struct item *item;

	while ((item = item_first(outbox)))
		free(item);
}

int outbox_add(struct outbox *outbox, const struct tunnel *tunnel,
	       const struct ikev2_datagram *datagram)
{
	struct item *item = malloc(sizeof(*item) + datagram->bytes.n);

	if (!item)
		return -ENOMEM;
	item->tunnel = tunnel ? tunnel->id : 0;
	item->head = (struct contract_datagram){
		.local = datagram->path.local,
		.remote = datagram->path.remote,
		.local_port = datagram->path.local_port,
		.remote_port = datagram->path.remote_port,
		.length = (uint32_t)datagram->bytes.n,
		.class = CONTRACT_CLASS_IKE,
		.non_esp_marker = datagram->non_esp_marker,
		.dscp = 48, /* CS6: network control */
	};
	memcpy(item->bytes, datagram->bytes.p, datagram->bytes.n);
	list_add_tail(&outbox->items, &item->link);
	return 0;
}

/* The tunnel's own next hop, where it goes from its address to its peer's. */
static bool own_path(const struct tunnels *all, struct item *item)
{
	const struct tunnel *tunnel = item->tunnel ? map_get_u32(&all->by_id, item->tunnel) : NULL;

	if (!tunnel || !tunnel->nexthop || tunnel->no_path ||
	    !net_addr_equal(&tunnel->plan->local, &item->head.local) ||
	    !net_addr_equal(&tunnel->remote, &item->head.remote))
		return false;
	item->head.nexthop = tunnel->nexthop;
	return true;
}

/* Lost datagrams are sent again by the engine. */
static void item_send(struct tunnels *all, struct item *item)
{
	struct contract_datagram *d = &item->head;
	bool own = own_path(all, item);

	if (!own && route_uplink(all->route, &d->local, &d->remote, &d->nexthop) < 0)
		return;
	(void)!requests_send(desired_requests(all->desired), d, item->bytes);
	if (!own)
		tunnel_answer_keep(all, d->nexthop);
}

void outbox_send(struct tunnels *all)
{
	struct item *item;

	while ((item = item_first(&all->outbox))) {
		item_send(all, item);
		free(item);
	}
}
