/*
 * The IKE SA of each tunnel, or the one that is being dialled, as the next control will find it:
 * exported after each call into the engine that changed it and before anything of it is sent,
 * imported when this control adopts.
 */
#include "control/tunnel/carry.h"
#include "control/tunnel/dial.h"
#include "control/tunnel/keep.h"
#include "control/tunnel/tunnel.h"

#include "base/log.h"

#include <string.h>

#define TOPIC "tunnel"

void tunnel_remember(struct tunnel *tunnel)
{
	if (tunnel->all->keep && list_empty(&tunnel->changed))
		list_add_tail(&tunnel->all->changed, &tunnel->changed);
}

static void keep_now(struct tunnel *tunnel)
{
	struct tunnels *all = tunnel->all;
	uint64_t ike = tunnel->ike ? tunnel->ike : tunnel->dialling ? tunnel->dialled : 0;
	struct keep_item item = { .since_s = (uint32_t)(tunnel->established_wall_ms / 1000) };
	struct secret bytes = { 0 };

	if (ike && ikev2_export(all->engine, ike, KEEP_BYTES, &bytes) < 0)
		log_debug(TOPIC, "IKE SA not exported tunnel=\"%s\"", tunnel->name);
	item.bytes = secret_span(&bytes);
	if (!keep_put(all->keep, tunnel->id, tunnel->name, &item))
		log_warn(TOPIC, "too large to be kept over a restart tunnel=\"%s\"", tunnel->name);
	secret_free(&bytes);
}

void tunnel_remember_all(struct tunnels *all)
{
	while (!list_empty(&all->changed)) {
		struct tunnel *tunnel = list_entry(all->changed.next, struct tunnel, changed);

		list_del(&tunnel->changed);
		if (all->ready && tunnel->id)
			keep_now(tunnel);
	}
}

/* The pairs of its children are adopted already: now they belong to a living IKE SA. */
static uint32_t own_pairs(struct tunnel *tunnel)
{
	struct tunnels *all = tunnel->all;
	uint32_t child = 0;
	uint32_t count = 0;

	while ((child = ikev2_child_next(all->engine, tunnel->ike, child))) {
		struct sa_pair *pair = map_get_u32(&all->pairs, child);

		if (!pair)
			continue;
		pair->adopted = false;
		carry_await(all, pair);
		count++;
	}
	return count;
}

/*
 * A kill between two steps may have left an entry without a sender, or with two children: the first
 * child sends then, and what is neither sending nor about to be replaced goes.
 */
static void settle_children(struct tunnel *tunnel)
{
	struct tunnels *all = tunnel->all;
	struct ikev2_child_info info;
	uint32_t child = 0;

	while ((child = ikev2_child_next(all->engine, tunnel->ike, child))) {
		const struct sa_pair *pair = map_get_u32(&all->pairs, child);
		struct tunnel_child *entry;

		if (!pair || ikev2_child_info(all->engine, child, &info) < 0 ||
		    info.state != IKEV2_CHILD_UP)
			continue;
		entry = &tunnel->children[pair->entry];
		if (!entry->outbound_sa) {
			entry->outbound_sa = pair->outbound;
			if (tunnel_child_publish(tunnel, pair->entry, NULL) < 0)
				log_error(TOPIC, "out of memory for a child");
		} else if (entry->outbound_sa != pair->outbound && info.sends &&
			   ikev2_child_delete(all->engine, child, clock_now_ns(all->clock)) < 0) {
			log_debug(TOPIC, "a child stays tunnel=\"%s\"", tunnel->name);
		}
	}
}

/* Our request for a child was on its way: the SPI stays taken until the answer is here. */
static bool offered(void *context, uint32_t spi)
{
	struct tunnels *all = context;

	if (map_get_u32(&all->pairs, spi) ||
	    desired_id_claim(all->desired, CONTRACT_SA, spi & CONTRACT_SPI_ID_MASK) < 0)
		return true;
	if (map_set(&all->spis, &spi, sizeof(spi), all, NULL) == 0)
		return false;
	desired_id_put(all->desired, CONTRACT_SA, spi & CONTRACT_SPI_ID_MASK);
	return true;
}

static void goes_on(struct tunnel *tunnel, uint32_t since_s)
{
	if (!own_pairs(tunnel))
		log_debug(TOPIC, "the IKE SA has no child left tunnel=\"%s\"", tunnel->name);
	settle_children(tunnel);
	tunnel->state = TUNNEL_CONNECTED;
	tunnel->established_wall_ms = since_s ? since_s * UINT64_C(1000) : clock_wall_ms();
	tunnel->remove_adopted = true; /* what is no child of it */
}

bool tunnel_recall(struct tunnel *tunnel)
{
	struct tunnels *all = tunnel->all;
	struct ikev2_import import = {
		.connection = tunnel->connection,
		.offered = offered,
		.context = all,
	};
	struct keep_item kept;
	struct ikev2_info info;
	uint64_t ike;
	int rc;

	if (!keep_get(all->keep, tunnel->id, tunnel->name, &kept))
		return false;
	import.bytes = kept.bytes;
	rc = ikev2_import(all->engine, &import, clock_now_ns(all->clock), &ike);
	if (rc < 0) {
		log_warn(TOPIC,
			 "a kept IKE SA cannot go on: dialled anew tunnel=\"%s\" error=\"%s\"",
			 tunnel->name, strerror(-rc));
		return false;
	}
	ikev2_set_user(all->engine, ike, tunnel->id);
	if (ikev2_info(all->engine, ike, &info) < 0)
		return false;
	if (info.state < IKEV2_STATE_ESTABLISHED) {
		tunnel->dialled = ike;
		tunnel->dialling = true;
	} else {
		tunnel->ike = ike;
		tunnel_remote_set(tunnel, &info.path.remote);
		tunnel->evacuated = !net_addr_equal(&info.path.local, &tunnel->plan->local);
		if (tunnel->evacuated) /* home, and away again when that leads nowhere */
			dial_wanted(tunnel);
		goes_on(tunnel, kept.since_s);
	}
	tunnel_remember(tunnel);
	log_info(TOPIC, "%s goes on after a restart tunnel=\"%s\"", tunnel->ike ? "IKE SA" : "dial",
		 tunnel->name);
	return true;
}
