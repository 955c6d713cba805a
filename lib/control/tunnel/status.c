#include "control/tunnel/dial.h"
#include "control/tunnel/drain.h"

#include "base/log.h"

#include <errno.h>
#include <string.h>

const char *tunnel_state_text(enum tunnel_state state)
{
	static const char *const text[] = {
		[TUNNEL_UNKNOWN] = "Unknown",
		[TUNNEL_CONNECTING] = "Connecting",
		[TUNNEL_CONNECTED] = "Connected",
		[TUNNEL_NOT_CONNECTED] = "NotConnected",
	};

	return text[state];
}

const char *tunnel_instance_text(uint32_t instance)
{
	return instance ? "GatewayTenantWorker_IN_1" : "GatewayTenantWorker_IN_0";
}

bool tunnel_sends(const struct tunnel *tunnel)
{
	for (uint32_t i = 0; i < tunnel->slot_count; i++)
		if (tunnel->children[i].outbound_sa)
			return true;
	return false;
}

enum fitness tunnel_fitness(const struct tunnel *tunnel)
{
	if (tunnel_path_down(tunnel))
		return FITNESS_DEAD;
	if (tunnel->suspect || tunnel->bfd == TUNNEL_BFD_DOWN ||
	    tunnel->state == TUNNEL_NOT_CONNECTED || !tunnel_sends(tunnel))
		return FITNESS_DOUBTFUL;
	return tunnel->drain ? FITNESS_LEAVING : FITNESS_FIT;
}

bool tunnel_usable(const struct tunnel *tunnel)
{
	return tunnel_fitness(tunnel) == FITNESS_FIT;
}

static void counters_read(const struct tunnel *tunnel, struct tunnel_status *status)
{
	const struct contract_counters *counters =
		requests_counters(desired_requests(tunnel->all->desired));
	uint64_t row[CONTRACT_TUNNEL_COLUMNS];

	if (!counters || !tunnel->id ||
	    !contract_counters_row_sum(counters, CONTRACT_COUNT_TUNNELS, tunnel->id, row,
				       CONTRACT_TUNNEL_COLUMNS))
		return;
	status->bytes_in = row[CONTRACT_TUNNEL_IN_BYTES];
	status->bytes_out = row[CONTRACT_TUNNEL_OUT_BYTES];
	status->packets_in = row[CONTRACT_TUNNEL_IN_PACKETS];
	status->packets_out = row[CONTRACT_TUNNEL_OUT_PACKETS];
	status->dropped_in = row[CONTRACT_TUNNEL_IN_DROPPED];
	status->dropped_out = row[CONTRACT_TUNNEL_OUT_DROPPED];
	status->outside_in = row[CONTRACT_TUNNEL_IN_SELECTOR_DROPPED];
	status->outside_out = row[CONTRACT_TUNNEL_OUT_SELECTOR_DROPPED];
	status->source_in = row[CONTRACT_TUNNEL_IN_SOURCE_DROPPED];
}

static struct tunnel_status status_of(const struct tunnel *tunnel)
{
	struct tunnel_status status = {
		.name = tunnel->name,
		.plan = tunnel->plan,
		.id = tunnel->id,
		.bfd = tunnel->bfd,
		.connection = tunnel->plan->connection,
		.state = tunnel->state,
		.local = tunnel->plan->local,
		.remote = tunnel->remote,
		.instance = tunnel->plan->instance,
		.suspect = tunnel->suspect,
		.path_down = tunnel_path_down(tunnel),
		.established_wall_ms = tunnel->established_wall_ms,
		.ike_sas = tunnel->ike != 0,
		.azure_code = ikev2_reason_azure(tunnel->reason),
		.reason = tunnel->reason ? ikev2_reason_text(tunnel->reason) : "",
		.detail = tunnel->detail,
	};

	for (uint32_t i = 0; i < tunnel->slot_count; i++)
		status.child_sas += tunnel->children[i].outbound_sa != 0;
	counters_read(tunnel, &status);
	return status;
}

void tunnel_status_changed(struct tunnel *tunnel)
{
	struct tunnel_status status = status_of(tunnel);

	if (tunnel->all->hooks.changed)
		tunnel->all->hooks.changed(tunnel->all->hooks.context, &status);
}

/* They are in the order of keys. */
const struct plan_connection *tunnels_plan_of(const struct tunnels *all, const char *key)
{
	uint32_t low = 0, high = all->plan.connection_count;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		const struct plan_connection *site = all->plan.connections[middle];
		int order = strcmp(site->connection->resource.key, key);

		if (!order)
			return site;
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

void tunnels_each(struct tunnels *all, const char *connection_key, tunnels_visit visit,
		  void *context)
{
	const struct plan_connection *site = NULL;
	uint32_t first = 0;
	uint32_t count = all->count;

	if (connection_key) {
		site = tunnels_plan_of(all, connection_key);
		first = site ? site->first_tunnel : 0;
		count = site ? site->tunnel_count : 0;
	}
	for (uint32_t i = first; i < first + count; i++) {
		struct tunnel_status status = status_of(all->items[i]);

		visit(context, &status);
	}
}

static int sessions_of(struct map *sessions, const struct plan *plan)
{
	int rc = 0;

	for (uint32_t c = 0; rc == 0 && c < plan->connection_count; c++)
		for (uint32_t i = 0; rc == 0 && i < plan->connections[c]->tunnel_count; i++) {
			struct plan_tunnel *t = &plan->connections[c]->tunnels[i];

			if (t->session.peer.family)
				rc = map_set(sessions, t->name, strlen(t->name), t, NULL);
		}
	return rc;
}

void tunnels_each_ending(struct tunnels *all, const struct config *to, tunnels_visit visit,
			 void *context)
{
	struct plan plan;
	struct map sessions;
	uint32_t count = all->count;
	char why[256];

	if (plan_make(&plan, to, &all->plan, why, sizeof(why)) < 0)
		return; /* nor can it be applied, which says why */
	map_init(&sessions);
	if (sessions_of(&sessions, &plan) < 0)
		count = 0; /* out of memory: the peers hear nothing */
	for (uint32_t i = 0; i < count; i++) {
		const struct plan_tunnel *was = all->items[i]->plan;
		const struct plan_tunnel *is = map_get(&sessions, was->name, strlen(was->name));
		struct tunnel_status status;

		if (!was->session.peer.family ||
		    (is && net_addr_equal(&is->session.peer, &was->session.peer) &&
		     net_addr_equal(&is->session.local, &was->session.local)))
			continue;
		status = status_of(all->items[i]);
		visit(context, &status);
	}
	map_fini(&sessions);
	plan_fini(&plan);
}

uint64_t tunnels_changes(const struct tunnels *all)
{
	return all->changes;
}

uint32_t tunnels_limit_of(const struct tunnels *all, const char *key)
{
	return limit_table_id(all->limits, key);
}

enum tunnel_state tunnels_connection_state(struct tunnels *all, const char *connection_key)
{
	const struct plan_connection *site = tunnels_plan_of(all, connection_key);
	enum tunnel_state best = TUNNEL_UNKNOWN;

	for (uint32_t i = 0; site && i < site->tunnel_count; i++) {
		enum tunnel_state state = all->items[site->first_tunnel + i]->state;

		if (state == TUNNEL_CONNECTED)
			return state;
		if (state == TUNNEL_CONNECTING || best == TUNNEL_UNKNOWN)
			best = state;
	}
	return best;
}

bool tunnels_bfd(struct tunnels *all, const char *name, enum tunnel_bfd state)
{
	struct tunnel *tunnel = map_get(&all->by_name, name, strlen(name));

	if (!tunnel)
		return false;
	if (tunnel->bfd == state)
		return true;
	log_info("tunnel", "BFD is %s tunnel=\"%s\"",
		 state == TUNNEL_BFD_DOWN ? "down"
		 : state == TUNNEL_BFD_UP ? "up"
					  : "off",
		 tunnel->name);
	if (tunnel->bfd == TUNNEL_BFD_UP && state == TUNNEL_BFD_DOWN)
		tunnel->bfd_lost_ns = clock_now_ns(all->clock);
	tunnel->bfd = (uint8_t)state;
	dial_flows_update(tunnel);
	tunnel_status_changed(tunnel);
	return true;
}

static void reset_one(struct tunnel *tunnel, bool drain)
{
	log_info("tunnel", "reset wanted%s tunnel=\"%s\"", drain ? ", its flows leave first" : "",
		 tunnel->name);
	if (!tunnel->ike) {
		dial_cancel(tunnel); /* the next message of it may be half a minute away */
		dial_wanted(tunnel);
	} else if (!drain || !(drain_start(tunnel) || drain_renew(tunnel))) {
		dial_ike_end(tunnel, tunnel->ike);
	}
}

int tunnels_reset(struct tunnels *all, const struct tunnels_reset *reset)
{
	const struct plan_connection *site = tunnels_plan_of(all, reset->connection);
	bool any = false;

	for (uint32_t i = 0; site && i < site->tunnel_count; i++) {
		struct tunnel *tunnel = all->items[site->first_tunnel + i];

		if (reset->one_instance && tunnel->plan->instance != reset->instance)
			continue;
		reset_one(tunnel, reset->drain);
		any = true;
	}
	tunnel_rearm(all);
	return any ? 0 : -ENOENT;
}

int tunnels_rekey(struct tunnels *all, const char *connection_key, bool ike)
{
	const struct plan_connection *site = tunnels_plan_of(all, connection_key);
	bool any = false;

	for (uint32_t i = 0; site && i < site->tunnel_count; i++) {
		const struct tunnel *tunnel = all->items[site->first_tunnel + i];

		if (!tunnel->ike)
			continue;
		any |= ike ? ikev2_rekey(all->engine, tunnel->ike, clock_now_ns(all->clock)) == 0
			   : drain_children_rekey(tunnel);
	}
	tunnel_rearm(all);
	return any ? 0 : -ENOENT;
}
