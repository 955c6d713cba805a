/*
 * Certificates that were renewed in their files, and files that were not right at first.
 */
#include "control/tunnel/dial.h"
#include "control/tunnel/tunnel.h"

#include "base/log.h"

#include <errno.h>

#define TOPIC "tunnel"

static bool has_certificates(const struct tunnel *tunnel)
{
	return tunnel->plan->connection->authentication == CONFIG_AUTH_CERTIFICATE;
}

int tunnel_credentials_read(struct tunnel *tunnel)
{
	const struct peer_source source = { .tunnel = tunnel->plan,
					    .site = tunnel->site,
					    .config = tunnel->all->plan.config,
					    .strict = true };
	uint64_t ike = tunnel->ike;
	char why[512] = "";
	int rc = tunnel_configure(tunnel, &source, why, sizeof(why));

	if (rc < 0)
		log_error(TOPIC, "%s tunnel=\"%s\"", why, tunnel->name);
	else if (ike && !tunnel->ike)
		dial_wanted(tunnel);
	return rc;
}

void tunnels_credentials_reload(struct tunnels *all)
{
	unsigned int wrong = 0;

	for (uint32_t i = 0; i < all->count; i++)
		if (has_certificates(all->items[i]))
			wrong += tunnel_credentials_read(all->items[i]) < 0;
	if (wrong)
		log_warn(TOPIC, "certificates stay as they were tunnels=%u", wrong);
	tunnel_rearm(all);
}
