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

bool ikev2_selector_same(const struct net_selector *a, uint16_t a_count,
			 const struct net_selector *b, uint16_t b_count)
{
	if (a_count != b_count)
		return false;
	for (uint16_t i = 0; i < a_count; i++) {
		bool found = false;

		for (uint16_t j = 0; j < b_count && !found; j++)
			found = net_selector_covers(&a[i], &b[j]) &&
				net_selector_covers(&b[j], &a[i]);
		if (!found)
			return false;
	}
	return true;
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

static bool narrow_to(struct ikev2_narrowed *out, const struct ikev2_child_config *entry,
		      const struct ike_ts *local, const struct ike_ts *remote)
{
	return ikev2_selector_narrow(&out->local, local, entry->local, entry->local_count) &&
	       ikev2_selector_narrow(&out->remote, remote, entry->remote, entry->remote_count);
}

/* How well an entry fits: 3: the whole offer lies inside, 2: its first selectors, 1: some; 0. */
static int fit_of(struct ikev2_narrowed *out, const struct ikev2_child_config *entry,
		  const struct ike_ts *local, const struct ike_ts *remote)
{
	if (!narrow_to(out, entry, local, remote))
		return 0;
	if (ikev2_selector_inside(local, entry->local, entry->local_count) &&
	    ikev2_selector_inside(remote, entry->remote, entry->remote_count))
		return 3;
	return has_first(local, entry->local, entry->local_count) &&
			       has_first(remote, entry->remote, entry->remote_count)
		       ? 2
		       : 1;
}

/* Beyond the entries: more than the best of them gives. */
static bool accept_more(struct ikev2_narrowed *out, const struct ikev2_config *config, int best_fit,
			const struct ike_ts *local, const struct ike_ts *remote)
{
	const struct ikev2_child_config all = {
		.local = config->accept_local,
		.remote = config->accept_remote,
		.local_count = config->accept_local_count,
		.remote_count = config->accept_remote_count,
	};
	struct ikev2_narrowed entry = *out;

	if (best_fit == 3 || !narrow_to(out, &all, local, remote))
		return false;
	if (best_fit && narrow_to(&entry, &config->children[out->entry], local, remote) &&
	    ikev2_selector_same(entry.local.list, entry.local.count, out->local.list,
				out->local.count) &&
	    ikev2_selector_same(entry.remote.list, entry.remote.count, out->remote.list,
				out->remote.count))
		return false;
	out->entry = IKEV2_ENTRY_ACCEPTED;
	out->more = false;
	return true;
}

bool ikev2_selector_choose(struct ikev2_narrowed *out, const struct ikev2_config *config,
			   const struct ike_ts *local, const struct ike_ts *remote)
{
	uint16_t fits = 0;
	int best = 0;

	if (!local->count || !remote->count)
		return false;
	for (uint16_t i = 0; i < config->child_count; i++) {
		int fit = fit_of(out, &config->children[i], local, remote);

		fits += fit > 0;
		if (fit > best) {
			best = fit;
			out->entry = i;
		}
	}
	out->more = fits > 1;
	if (config->accept_local_count && config->accept_remote_count &&
	    accept_more(out, config, best, local, remote))
		return true;
	return best && narrow_to(out, &config->children[out->entry], local, remote);
}
