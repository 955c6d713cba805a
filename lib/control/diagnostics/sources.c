/*
 * What happens in the gateway, told as the operations of the categories.
 */
#include "control/diagnostics/internal.h"

#include "base/id.h"
#include "base/text.h"
#include "control/config/id.h"
#include "control/config/list.h"
#include "control/tunnel/plan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ".../resourceGroups/NAME/...": the group of an id. */
static void group_set(char *group, size_t size, const char *id)
{
	static const char before[] = "/resourceGroups/";
	const char *at = strcasestr(id, before);

	at = at ? at + sizeof(before) - 1 : "";
	snprintf(group, size, "%.*s", (int)strcspn(at, "/"), at);
}

static void gateway_remember(struct diagnostics *d, const struct config *config)
{
	const struct config_gateway *gateway;

	if (!config_count(config, CONFIG_GATEWAY))
		return;
	gateway = config_gateway_at(config, 0);
	snprintf(d->gateway, sizeof(d->gateway), "%s", gateway->resource.name);
	group_set(d->group, sizeof(d->group), gateway->resource.id);
}

/* Pointers of what changed, never what it became. */
static void configured_one(struct diagnostics *d, struct config_difference *difference)
{
	const struct config_diff one = { .items = difference, .count = 1 };
	const struct config_resource *resource =
		difference->now ? difference->now : difference->was;
	struct text message = { 0 };
	struct diagnostics_line line = { .category = DIAGNOSTICS_GATEWAY,
					 .operation = "SetGatewayConfiguration",
					 .resource = d->gateway };
	char group[92];

	config_diff_text(&one, &message);
	while (message.n && message.p[message.n - 1] == '\n')
		message.p[--message.n] = '\0';
	group_set(group, sizeof(group), resource->id);
	line.group = group[0] ? group : d->group;
	line.message = text_get(&message);
	if (resource->kind == CONFIG_CONNECTION) {
		line.operation = "SetConnectionConfiguration";
		line.connection = resource->name;
	} else if (resource->kind == CONFIG_GATEWAY) {
		line.resource = resource->name;
	}
	if (message.n)
		diagnostics_write(d, &line);
	text_fini(&message);
}

void diagnostics_configured(struct diagnostics *d, const struct config *config,
			    const struct config_diff *diff)
{
	struct diagnostics_line line = { .category = DIAGNOSTICS_GATEWAY,
					 .operation = "SetGatewayConfiguration",
					 .resource = d->gateway };
	char message[120];

	gateway_remember(d, config);
	for (uint32_t i = 0; diff && i < diff->count; i++)
		configured_one(d, &diff->items[i]);
	if (diff)
		return;
	snprintf(message, sizeof(message), "Revision %llu runs: %u gateways, %u connections.",
		 (unsigned long long)config->revision, config_count(config, CONFIG_GATEWAY),
		 config_count(config, CONFIG_CONNECTION));
	line.message = message;
	diagnostics_write(d, &line);
}

void diagnostics_refused(struct diagnostics *d, const struct config_report *report)
{
	const struct config_finding *first = report->error_kept ? &report->errors[0] : NULL;
	char message[300];

	snprintf(message, sizeof(message),
		 "The file was refused, %u findings; the first is %s at %s", report->error_count,
		 first ? first->code : "-", first ? first->pointer : "-");
	diagnostics_write(d,
			  &(struct diagnostics_line){ .category = DIAGNOSTICS_GATEWAY,
						      .warning = true,
						      .operation = "ValidateGatewayConfiguration",
						      .resource = d->gateway,
						      .message = message });
}

void diagnostics_dataplane(struct diagnostics *d, bool attached)
{
	diagnostics_write(
		d, &(struct diagnostics_line){ .category = DIAGNOSTICS_GATEWAY,
					       .warning = !attached,
					       .operation = "HostMaintenanceEvent",
					       .resource = d->gateway,
					       .message = attached ? "The data plane is attached."
								   : "The data plane has gone." });
}

static struct told_tunnel *told_of(struct diagnostics *d, const struct tunnel_status *status)
{
	size_t n = strlen(status->name);
	struct told_tunnel *told = map_get(&d->tunnels, status->name, n);

	if (told)
		return told;
	told = calloc(1, sizeof(*told));
	if (told && map_set(&d->tunnels, status->name, n, told, NULL) < 0) {
		free(told);
		told = NULL;
	}
	return told;
}

void diagnostics_tunnel(struct diagnostics *d, const struct tunnel_status *status)
{
	struct told_tunnel *told = told_of(d, status);
	bool was, is = status->state == TUNNEL_CONNECTED;
	struct diagnostics_line line = { .category = DIAGNOSTICS_TUNNEL,
					 .warning = !is,
					 .operation = is ? "TunnelConnected" : "TunnelDisconnected",
					 .instance = tunnel_instance_text(status->instance),
					 .connection = status->connection->resource.name };
	char message[600];

	if (!told)
		return;
	was = told->state == TUNNEL_CONNECTED;
	told->state = status->state;
	told->instance = line.instance;
	snprintf(told->gateway, sizeof(told->gateway), "%s", status->plan->gateway->resource.name);
	snprintf(told->connection, sizeof(told->connection), "%s", line.connection);
	net_addr_text(told->local, &status->local);
	if (status->remote.family)
		net_addr_text(told->remote, &status->remote);
	if (was == is)
		return;
	snprintf(message, sizeof(message), "Connection %s, %s to %s: %s -> %s.%s%s%s%s",
		 status->connection->resource.name, told->local, told->remote,
		 was ? "Connected" : "NotConnected", tunnel_state_text(status->state),
		 is || !status->reason[0] ? "" : " ", is ? "" : status->reason,
		 is || !status->detail[0] ? "" : ": ", is ? "" : status->detail);
	line.resource = told->gateway;
	line.remote = told->remote;
	line.message = message;
	diagnostics_write(d, &line);
}

void diagnostics_tunnel_goes(struct diagnostics *d, const char *name)
{
	size_t n = strlen(name);
	struct told_tunnel *told = map_get(&d->tunnels, name, n);
	struct diagnostics_line line = { .category = DIAGNOSTICS_TUNNEL,
					 .operation = "TunnelDisconnected" };
	char message[300];

	if (!told)
		return;
	if (told->state == TUNNEL_CONNECTED) {
		snprintf(message, sizeof(message),
			 "Connection %s, %s to %s: Connected -> NotConnected. It was taken out of "
			 "the configuration, or changed there.",
			 told->connection, told->local, told->remote);
		line.resource = told->gateway;
		line.instance = told->instance;
		line.remote = told->remote;
		line.connection = told->connection;
		line.message = message;
		diagnostics_write(d, &line);
	}
	map_del(&d->tunnels, name, n);
	free(told);
}

void diagnostics_ike(struct diagnostics *d, const char *tunnel, const char *text)
{
	const struct told_tunnel *told;
	struct text message = { 0 };
	char guid[ID_GUID_TEXT];

	if (!diagnostics_wants(d, DIAGNOSTICS_IKE))
		return;
	told = map_get(&d->tunnels, tunnel, strlen(tunnel));
	id_guid_of_name(guid, tunnel);
	text_add(&message, "SESSION_ID :{%s} Remote %s: Local %s: %s", guid,
		 told ? told->remote : "-", told ? told->local : "-", text);
	diagnostics_write(d,
			  &(struct diagnostics_line){ .category = DIAGNOSTICS_IKE,
						      .operation = "IKELogEvent",
						      .resource = told ? told->gateway : d->gateway,
						      .message = text_get(&message) });
	text_fini(&message);
}

/* A prefix that goes does not say where it came from: those that BGP brought are remembered. */
static bool is_learned(struct diagnostics *d, const struct net_prefix *prefix,
		       const struct rib_candidate *best)
{
	bool was = map_get(&d->learned, prefix, sizeof(*prefix)) != NULL;
	bool now = best && !strcmp(best->origin, "bgp");

	if (now && !was && map_set(&d->learned, prefix, sizeof(*prefix), d, NULL) < 0)
		return now;
	if (was && !now)
		map_del(&d->learned, prefix, sizeof(*prefix));
	return best ? now : was;
}

void diagnostics_route(struct diagnostics *d, const struct net_prefix *prefix,
		       const struct rib_candidate *best)
{
	struct diagnostics_line line = { .category = DIAGNOSTICS_ROUTE, .resource = d->gateway };
	char text[NET_PREFIX_TEXT];
	char message[160];

	if (!diagnostics_wants(d, DIAGNOSTICS_ROUTE))
		return;
	line.operation = is_learned(d, prefix, best) ? "BgpRouteUpdate" : "StaticRouteUpdate";
	snprintf(message, sizeof(message), best ? "%s is reachable by %s." : "%s is withdrawn.",
		 net_prefix_text(text, prefix), best ? best->origin : "");
	line.message = message;
	diagnostics_write(d, &line);
}

void diagnostics_bgp(struct diagnostics *d, const struct bgp_peer *peer)
{
	bool is = peer->state == BGP_CONNECTED;
	char ours[NET_ADDR_TEXT], theirs[NET_ADDR_TEXT];
	char message[160];

	snprintf(message, sizeof(message), "BGP session of %s with %s (AS %u): %s.",
		 net_addr_text(ours, &peer->local), net_addr_text(theirs, &peer->peer), peer->as,
		 bgp_state_text(peer->state));
	diagnostics_write(d, &(struct diagnostics_line){
				     .category = DIAGNOSTICS_ROUTE,
				     .warning = !is,
				     .operation = is ? "BgpConnectedEvent" : "BgpDisconnectedEvent",
				     .resource = d->gateway,
				     .instance = tunnel_instance_text(peer->instance),
				     .remote = theirs,
				     .message = message });
}
