/*
 * The MTU of the way to a peer, as routers tell: only lowered, never below what every way has, and
 * tried again after a while, as the way may have changed (RFC 1191 section 6.3, RFC 8201 section
 * 4).
 */
#include "control/tunnel/tunnel.h"

#include "base/log.h"

#define TOPIC "tunnel"
#define PATH_MTU_KEEP_NS (600 * CLOCK_NS_PER_S)
#define PATH_MTU_MIN4 576 /* a forged report may not stop a tunnel that has to cut everything */
#define PATH_MTU_MIN6 1280

static void set(struct tunnel *tunnel, uint16_t mtu, uint64_t until_ns)
{
	uint16_t was = tunnel->path_mtu;

	tunnel->path_mtu_until_ns = until_ns;
	if (was == mtu)
		return;
	tunnel->path_mtu = mtu;
	if (tunnel_objects_set(tunnel) < 0) {
		tunnel->path_mtu = was; /* the next report or second tries again */
		return;
	}
	if (mtu)
		log_info(TOPIC, "a router on the way takes no more than mtu=%u tunnel=\"%s\"", mtu,
			 tunnel->name);
	else
		log_info(TOPIC, "its path MTU is tried anew former=%u tunnel=\"%s\"", was,
			 tunnel->name);
}

void tunnel_path_mtu(struct tunnel *tunnel, uint16_t mtu)
{
	uint16_t least = tunnel->remote.family == NET_IP6 ? PATH_MTU_MIN6 : PATH_MTU_MIN4;

	if (mtu < least)
		mtu = least;
	if (tunnel->path_mtu && mtu > tunnel->path_mtu)
		return;
	set(tunnel, mtu, clock_now_ns(tunnel->all->clock) + PATH_MTU_KEEP_NS);
}

void tunnel_path_mtu_expire(struct tunnels *all)
{
	uint64_t now = clock_now_ns(all->clock);

	for (uint32_t i = 0; all->ready && i < all->count; i++)
		if (all->items[i]->path_mtu && all->items[i]->path_mtu_until_ns <= now)
			set(all->items[i], 0, 0);
}
