#include "control/tunnel/expiry.h"

#include "base/log.h"

#define TOPIC "tunnel"
#define AT_ONCE 1024
#define AGAIN_NS (5 * CLOCK_NS_PER_S) /* while the rekey is under way, or when it failed */

bool expiry_is_near(uint64_t hard, uint64_t used, uint64_t before, uint64_t in_ns)
{
	double ahead = (double)EXPIRY_AHEAD_NS;
	double ns_each;

	if (!hard || used <= before)
		return false;
	if (used >= hard)
		return true;
	ns_each = (double)in_ns / (double)(used - before);
	return (double)(hard - used) * ns_each < ahead &&
	       ((double)hard * ns_each >= ahead || used >= hard / 2);
}

/* One SA of the pair; true when its end is near. */
static bool look(const struct tunnels *all, const struct contract_sa *sa, uint32_t id,
		 struct expiry_look *was, uint64_t in_ns)
{
	const struct contract_counters *counters =
		requests_counters(desired_requests(all->desired));
	struct expiry_look now;
	bool near;

	if (!counters || (!sa->hard_bytes && !sa->hard_packets))
		return false;
	now.bytes = contract_counters_sum(counters, CONTRACT_COUNT_SAS, id, CONTRACT_SA_BYTES);
	now.packets = contract_counters_sum(counters, CONTRACT_COUNT_SAS, id, CONTRACT_SA_PACKETS);
	near = in_ns && (expiry_is_near(sa->hard_bytes, now.bytes, was->bytes, in_ns) ||
			 expiry_is_near(sa->hard_packets, now.packets, was->packets, in_ns));
	*was = now;
	return near;
}

static bool pair_is_near(const struct tunnels *all, struct sa_pair *pair, uint64_t now_ns)
{
	uint64_t in_ns = pair->looked_ns ? now_ns - pair->looked_ns : 0;
	bool near;

	if (!pair->installed || pair->adopted || (in_ns && in_ns < EXPIRY_EVERY_NS))
		return false;
	near = look(all, &pair->out, pair->outbound, &pair->looked[0], in_ns);
	near |= look(all, &pair->in, pair->inbound, &pair->looked[1], in_ns);
	pair->looked_ns = now_ns;
	if (!near || (pair->expiring_ns && now_ns - pair->expiring_ns < AGAIN_NS))
		return false;
	pair->expiring_ns = now_ns;
	log_debug(TOPIC, "its lifetime ends soon at this rate spi=%08x tunnel=\"%s\"", pair->child,
		  pair->tunnel ? pair->tunnel->name : "");
	return true;
}

void expiry_watch(struct tunnels *all, uint64_t now_ns)
{
	uint32_t children[AT_ONCE]; /* the engine may change the table: after the walk */
	struct map_entry *entry = NULL;
	uint32_t count = 0;

	if (now_ns < all->expiry_ns)
		return;
	while (count < AT_ONCE && (entry = map_next(&all->pairs, entry))) {
		struct sa_pair *pair = entry->value;

		if (pair_is_near(all, pair, now_ns))
			children[count++] = pair->child;
	}
	/* The rest at the next call: those of this one are not looked at again before a second. */
	all->expiry_ns = count == AT_ONCE ? now_ns : now_ns + EXPIRY_EVERY_NS;
	for (uint32_t i = 0; i < count; i++)
		ikev2_child_expiring(all->engine, children[i], false, now_ns);
}
