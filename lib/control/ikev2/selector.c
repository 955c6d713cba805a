#include "control/ikev2/selector.h"

static void add(struct ikev2_selectors *out, const struct net_selector *selector)
{
	for (uint8_t i = 0; i < out->count; i++)
		if (net_selector_covers(&out->list[i], selector))
			return;
	if (out->count < IKEV2_SELECTORS_MAX)
		out->list[out->count++] = *selector;
}

bool ikev2_selector_narrow(struct ikev2_selectors *out, const struct ike_ts *offered,
			   const struct net_selector *policy, uint8_t count)
{
	struct net_selector common;

	out->count = 0;
	for (uint8_t i = 0; i < offered->count; i++)
		for (uint8_t j = 0; j < count; j++)
			if (net_selector_intersect(&common, &offered->selectors[i], &policy[j]))
				add(out, &common);
	return out->count;
}

bool ikev2_selector_inside(const struct ike_ts *answered, const struct net_selector *policy,
			   uint8_t count)
{
	for (uint8_t i = 0; i < answered->count; i++) {
		bool inside = false;

		for (uint8_t j = 0; j < count; j++)
			inside |= net_selector_covers(&policy[j], &answered->selectors[i]);
		if (!inside)
			return false;
	}
	return answered->count;
}

static bool has_first(const struct ike_ts *offered, const struct net_selector *policy,
		      uint8_t count)
{
	struct net_selector common;

	for (uint8_t j = 0; j < count; j++)
		if (net_selector_intersect(&common, &offered->selectors[0], &policy[j]))
			return true;
	return false;
}

bool ikev2_selector_choose(struct ikev2_narrowed *out, const struct ikev2_config *config,
			   const struct ike_ts *local, const struct ike_ts *remote)
{
	const struct ikev2_child_config *best = NULL;
	bool best_first = false;
	uint16_t fits = 0;

	if (!local->count || !remote->count)
		return false;
	for (uint16_t i = 0; i < config->child_count; i++) {
		const struct ikev2_child_config *entry = &config->children[i];
		bool first = has_first(local, entry->local, entry->local_count) &&
			     has_first(remote, entry->remote, entry->remote_count);

		if (!ikev2_selector_narrow(&out->local, local, entry->local, entry->local_count) ||
		    !ikev2_selector_narrow(&out->remote, remote, entry->remote,
					   entry->remote_count))
			continue;
		fits++;
		if (!best || (first && !best_first)) {
			best = entry;
			best_first = first;
			out->entry = i;
		}
	}
	out->more = fits > 1;
	if (best)
		return ikev2_selector_narrow(&out->local, local, best->local, best->local_count) &&
		       ikev2_selector_narrow(&out->remote, remote, best->remote,
					     best->remote_count);
	out->entry = IKEV2_ENTRY_ACCEPTED;
	return ikev2_selector_narrow(&out->local, local, config->accept_local,
				     config->accept_local_count) &&
	       ikev2_selector_narrow(&out->remote, remote, config->accept_remote,
				     config->accept_remote_count);
}
