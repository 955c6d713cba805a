#include "control/tunnel/carry.h"

#define AT_ONCE 1024

void carry_await(struct tunnels *all, struct sa_pair *pair)
{
	list_del(&pair->silent);
	list_add_tail(&all->silent, &pair->silent);
}

/* It sends, or is no child any more. */
static bool is_over(const struct tunnels *all, const struct sa_pair *pair,
		    struct ikev2_child_info *info)
{
	return ikev2_child_info(all->engine, pair->child, info) < 0 || info->sends;
}

static bool is_heard(const struct tunnels *all, const struct sa_pair *pair)
{
	return pair->installed &&
	       contract_counters_max(requests_counters(desired_requests(all->desired)),
				     CONTRACT_COUNT_SAS, pair->inbound, CONTRACT_SA_LAST_NS);
}

void carry_watch(struct tunnels *all, uint64_t now_ns)
{
	uint32_t children[AT_ONCE]; /* the engine may change the list: after the walk */
	uint32_t count = 0;
	struct list *at, *next;

	list_for_each_safe (at, next, &all->silent) {
		struct sa_pair *pair = list_entry(at, struct sa_pair, silent);
		struct ikev2_child_info info;

		if (is_over(all, pair, &info))
			list_del(&pair->silent);
		else if (count < AT_ONCE && info.waits && is_heard(all, pair))
			children[count++] = pair->child;
	}
	for (uint32_t i = 0; i < count; i++)
		ikev2_child_carries(all->engine, children[i], now_ns);
}
