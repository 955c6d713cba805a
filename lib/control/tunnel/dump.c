#include "control/tunnel/dump.h"

#include "control/tunnel/tunnel.h"

#include <string.h>

static void selectors_add(struct text *out, const char *name, const struct net_selector *selectors,
			  uint8_t count)
{
	char text[NET_SELECTOR_TEXT];

	text_add(out, ",\"%s\":[", name);
	for (uint8_t i = 0; i < count; i++)
		text_add(out, "%s\"%s\"", i ? "," : "", net_selector_text(text, &selectors[i]));
	text_add(out, "]");
}

static void child_add(const struct tunnels *all, const struct ikev2_info *ike, uint32_t child,
		      struct text *out)
{
	struct ikev2_child_info info;
	char local[NET_ADDR_TEXT];
	char remote[NET_ADDR_TEXT];
	char suite[IKE_SUITE_TEXT];
	uint64_t now = clock_now_ns(all->clock);

	if (ikev2_child_info(all->engine, child, &info) < 0)
		return;
	text_add(out,
		 "{\"localEndpoint\":\"%s\",\"remoteEndpoint\":\"%s\",\"encryption\":\"%s\","
		 "\"inboundSPI\":%u,\"outboundSPI\":%u,\"lifeTimeSeconds\":%llu,"
		 "\"elapsedTimeInseconds\":%llu,\"state\":\"%s\",\"sends\":%s",
		 net_addr_text(local, &ike->path.local), net_addr_text(remote, &ike->path.remote),
		 ike_suite_text(suite, &info.suite), info.child, info.outbound_spi,
		 (unsigned long long)((info.expire_ns - info.established_ns) / CLOCK_NS_PER_S),
		 (unsigned long long)((now - info.established_ns) / CLOCK_NS_PER_S),
		 ikev2_child_state_text(info.state), info.sends ? "true" : "false");
	selectors_add(out, "localTrafficSelectors", info.local, info.local_count);
	selectors_add(out, "remoteTrafficSelectors", info.remote, info.remote_count);
	text_add(out, "}");
}

static void ike_add(const struct tunnels *all, const struct ikev2_info *info, struct text *out)
{
	char local[NET_ADDR_TEXT];
	char remote[NET_ADDR_TEXT];
	char suite[IKE_SUITE_TEXT];
	uint64_t now = clock_now_ns(all->clock);
	uint32_t child = 0;
	bool first = true;

	text_add(out,
		 "{\"localEndpoint\":\"%s\",\"remoteEndpoint\":\"%s\",\"initiatorCookie\":%llu,"
		 "\"responderCookie\":%llu,\"localUdpEncapsulationPort\":%u,"
		 "\"remoteUdpEncapsulationPort\":%u,\"encryption\":\"%s\",\"lifeTimeSeconds\":%llu,"
		 "\"isSaInitiator\":%s,\"elapsedTimeInseconds\":%llu,\"state\":\"%s\","
		 "\"quickModeSa\":[",
		 net_addr_text(local, &info->path.local), net_addr_text(remote, &info->path.remote),
		 (unsigned long long)(info->initiator ? info->ike : info->peer_spi),
		 (unsigned long long)(info->initiator ? info->peer_spi : info->ike),
		 info->path.local_port, info->path.remote_port, ike_suite_text(suite, &info->suite),
		 (unsigned long long)((info->expire_ns - info->established_ns) / CLOCK_NS_PER_S),
		 info->initiator ? "true" : "false",
		 (unsigned long long)((now - info->established_ns) / CLOCK_NS_PER_S),
		 ikev2_state_text(info->state));
	while ((child = ikev2_child_next(all->engine, info->ike, child))) {
		if (!first)
			text_add(out, ",");
		first = false;
		child_add(all, info, child, out);
	}
	text_add(out, "]}");
}

void dump_ike_sas(struct tunnels *all, const char *connection_key, struct text *out)
{
	struct ikev2_info info;
	uint64_t ike = 0;
	bool first = true;

	text_add(out, "{\"Status\":\"Successful\",\"Data\":");
	while ((ike = ikev2_next(all->engine, ike))) {
		const struct tunnel *tunnel;

		if (ikev2_info(all->engine, ike, &info) < 0 || !info.connection)
			continue;
		tunnel = peer_of(info.connection)->tunnel;
		if (!tunnel || strcmp(tunnel->plan->connection->resource.key, connection_key))
			continue;
		text_add(out, first ? "[" : ",");
		first = false;
		ike_add(all, &info, out);
	}
	text_add(out, first ? "null}" : "]}");
}
