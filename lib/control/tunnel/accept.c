#include "control/tunnel/accept.h"

#include <errno.h>
#include <stdlib.h>

static uint8_t add(struct net_selector *to, uint8_t have, const struct net_prefix *prefixes,
		   uint32_t count)
{
	for (uint32_t i = 0; i < count && have < UINT8_MAX; i++)
		to[have++] = net_selector_of_prefix(&prefixes[i]);
	return have;
}

static uint8_t add_network(struct net_selector *to, const struct config *config,
			   const struct config_virtual_network *hub)
{
	uint8_t n = add(to, 0, hub->prefixes.items, hub->prefixes.count);

	for (uint32_t i = 0; i < hub->peerings.count; i++) {
		const struct config_virtual_network *spoke =
			config_virtual_network_find(config, &hub->peerings.items[i].remote);

		if (spoke && config_is_spoke(spoke, hub))
			n = add(to, n, spoke->prefixes.items, spoke->prefixes.count);
	}
	return n;
}

int accept_space_make(struct accept_space *space, const struct plan_connection *site,
		      const struct config *config)
{
	const struct config_virtual_network *here = config_gateway_network(config, site->gateway);

	*space = (struct accept_space){ 0 };
	if (!here || !site->connection->policy_selectors ||
	    config_crypto_profile_of(config, site->connection) != CONFIG_CRYPTO_AZURE_COMPAT)
		return 0;
	space->selectors = calloc(2 * UINT8_MAX, sizeof(*space->selectors));
	if (!space->selectors)
		return -ENOMEM;
	space->local_count = add_network(space->selectors, config, here);
	space->remote_count =
		add(space->selectors + space->local_count, 0, site->prefixes, site->prefix_count);
	return 0;
}
