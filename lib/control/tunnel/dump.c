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

/* A child that lingers ends sooner than it was meant to. */
static unsigned long long seconds(uint64_t from_ns, uint64_t to_ns)
{
	return to_ns > from_ns ? (to_ns - from_ns) / CLOCK_NS_PER_S : 0;
}

/* The words of Azure's API, and ours behind them. */
static void suite_add(struct text *out, const struct ike_suite *suite, const char *group)
{
	char text[IKE_SUITE_TEXT];
	struct ike_words words;

	ike_policy_words(&words, suite);
	text_add(out, "\"encryption\":\"%s\",\"integrity\":\"%s\",\"%s\":\"%s\",\"suite\":\"%s\"",
		 words.encryption, words.integrity, group, words.group,
		 ike_suite_text(text, suite));
}

static void child_add(const struct tunnels *all, const struct ikev2_info *ike, uint32_t child,
		      struct text *out)
{
	struct ikev2_child_info info;
	char local[NET_ADDR_TEXT];
	char remote[NET_ADDR_TEXT];
	uint64_t now = clock_now_ns(all->clock);

	if (ikev2_child_info(all->engine, child, &info) < 0)
		return;
	text_add(out, "{\"localEndpoint\":\"%s\",\"remoteEndpoint\":\"%s\",",
		 net_addr_text(local, &ike->path.local), net_addr_text(remote, &ike->path.remote));
	suite_add(out, &info.suite, "pfsGroupId");
	text_add(out,
		 ",\"inboundSPI\":%u,\"outboundSPI\":%u,\"lifeTimeSeconds\":%llu,"
		 "\"elapsedTimeInseconds\":%llu,\"state\":\"%s\",\"sends\":%s",
		 info.child, info.outbound_spi, seconds(info.established_ns, info.expire_ns),
		 seconds(info.established_ns, now), ikev2_child_state_text(info.state),
		 info.sends ? "true" : "false");
	selectors_add(out,
		      info.initiator ? "initiatorTrafficSelectors" : "responderTrafficSelectors",
		      info.local, info.local_count);
	selectors_add(out,
		      info.initiator ? "responderTrafficSelectors" : "initiatorTrafficSelectors",
		      info.remote, info.remote_count);
	selectors_add(out, "localTrafficSelectors", info.local, info.local_count);
	selectors_add(out, "remoteTrafficSelectors", info.remote, info.remote_count);
	text_add(out, "}");
}

static void ike_add(const struct tunnels *all, const struct ikev2_info *info, struct text *out)
{
	char local[NET_ADDR_TEXT];
	char remote[NET_ADDR_TEXT];
	uint64_t now = clock_now_ns(all->clock);
	uint32_t child = 0;
	bool first = true;

	text_add(out,
		 "{\"localEndpoint\":\"%s\",\"remoteEndpoint\":\"%s\",\"initiatorCookie\":%llu,"
		 "\"responderCookie\":%llu,\"localUdpEncapsulationPort\":%u,"
		 "\"remoteUdpEncapsulationPort\":%u,",
		 net_addr_text(local, &info->path.local), net_addr_text(remote, &info->path.remote),
		 (unsigned long long)(info->initiator ? info->ike : info->peer_spi),
		 (unsigned long long)(info->initiator ? info->peer_spi : info->ike),
		 info->path.local_port, info->path.remote_port);
	suite_add(out, &info->suite, "dhGroup");
	text_add(out,
		 ",\"lifeTimeSeconds\":%llu,\"isSaInitiator\":%s,\"elapsedTimeInseconds\":%llu,"
		 "\"state\":\"%s\",\"quickModeSa\":[",
		 seconds(info->established_ns, info->expire_ns), info->initiator ? "true" : "false",
		 seconds(info->established_ns, now), ikev2_state_text(info->state));
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
