/*
 * The gateway's own look-up of who an IKE_SA_INIT may be from: a configuration of 10,000 local
 * network gateways with as many connections becomes a plan, and control/tunnel/lookup.c finds in
 * it.
 */
#include "perf/bench_ike.h"

#include "control/config/sku.h"
#include "control/tunnel/lookup.h"

#include <stdio.h>
#include <stdlib.h>

struct bench_lookup {
	struct tunnels all;
	struct tunnel *tunnels;
};

static const char head[] =
	"{\"appliance\":{\"ports\":[{\"name\":\"pub0\",\"device\":\"net_null0\",\"role\":"
	"\"public\","
	"\"addresses\":[\"192.0.2.1/"
	"24\"],\"gateway\":\"192.0.2.254\"}],\"maxima\":{\"connections\":16384}},"
	"\"virtualNetworks\":[{\"name\":\"inside\",\"properties\":{\"addressSpace\":{"
	"\"addressPrefixes\":"
	"[\"172.16.0.0/"
	"16\"]},\"subnets\":[{\"name\":\"GatewaySubnet\",\"properties\":{\"addressPrefix\":"
	"\"172.16.255.0/"
	"27\"}}]}}],\"publicIPAddresses\":[{\"name\":\"pip0\",\"properties\":{\"ipAddress\":"
	"\"192.0.2.1\"}}],\"virtualNetworkGateways\":[{\"name\":\"gw\",\"properties\":{\"sku\":{"
	"\"name\":"
	"\"none\"},\"ipConfigurations\":[{\"name\":\"default\",\"properties\":{\"subnet\":{\"id\":"
	"\"inside/"
	"GatewaySubnet\"},\"publicIPAddress\":{\"id\":\"pip0\"}}}]}}],\"localNetworkGateways\":[";

static char *configuration(uint32_t count)
{
	char *text = NULL;
	size_t n = 0;
	FILE *out = open_memstream(&text, &n);

	if (!out)
		return NULL;
	fputs(head, out);
	for (uint32_t i = 0; i < count; i++)
		fprintf(out,
			"%s{\"name\":\"s%u\",\"properties\":{\"gatewayIpAddress\":\"10.%u.%u.%u\","
			"\"localNetworkAddressSpace\":{\"addressPrefixes\":[\"100.%u.%u.0/30\"]}}}",
			i ? "," : "", i, (i + 2) >> 16, (i + 2) >> 8 & 255, (i + 2) & 255,
			64 + (i >> 8), i & 255);
	fputs("],\"connections\":[", out);
	for (uint32_t i = 0; i < count; i++)
		fprintf(out,
			"%s{\"name\":\"c%u\",\"properties\":{\"connectionType\":\"IPsec\","
			"\"virtualNetworkGateway1\":{\"id\":\"gw\"},\"localNetworkGateway2\":{"
			"\"id\":"
			"\"s%u\"},\"sharedKey\":\"correcthorsebattery\"}}",
			i ? "," : "", i, i);
	fputs("]}", out);
	return fclose(out) ? NULL : text;
}

static int load(struct config **config, uint32_t count)
{
	struct sku_catalogue *catalogue = NULL;
	struct config_report report;
	struct text told = { 0 };
	char *text = configuration(count);
	int rc;

	config_report_init(&report);
	rc = text ? sku_catalogue_load(&catalogue, NULL, &report) : -1;
	if (rc == 0)
		rc = config_load_text(config, &(struct config_source){ .catalogue = catalogue },
				      text, strlen(text), &report);
	config_report_text(&report, &told);
	if (rc < 0)
		fprintf(stderr, "%s", text_get(&told));
	text_fini(&told);
	config_report_fini(&report);
	free(text);
	return rc;
}

int bench_lookup_new(struct bench_lookup **out, struct ikev2_connection **connections,
		     uint32_t count)
{
	struct bench_lookup *lookup = calloc(1, sizeof(*lookup));
	struct config *config = NULL;
	struct plan plan = { 0 };
	char why[256];
	int rc = lookup ? load(&config, count) : -1;

	if (rc == 0)
		rc = plan_make(&plan, config, &(const struct plan){ 0 }, why, sizeof(why));
	if (rc < 0 || plan.tunnel_count != count)
		return -1;
	lookup->all.plan = plan;
	map_init(&lookup->all.by_path);
	lookup->tunnels = calloc(count, sizeof(*lookup->tunnels));
	lookup->all.items = calloc(count, sizeof(struct tunnel *));
	for (uint32_t i = 0; lookup->tunnels && lookup->all.items && i < count; i++) {
		struct tunnel *tunnel = &lookup->tunnels[i];

		tunnel->plan = &plan.connections[i]->tunnels[0];
		tunnel->remote = tunnel->plan->remote;
		tunnel->connection = connections[i];
		lookup->all.items[i] = tunnel;
		lookup->all.count++;
	}
	*out = lookup;
	return lookup_rebuild(&lookup->all);
}

size_t bench_lookup_find(const struct bench_lookup *lookup, const struct ikev2_path *path,
			 struct ikev2_connection **found, size_t room)
{
	return lookup_find(&lookup->all, path, found, room);
}

void bench_lookup_free(struct bench_lookup *lookup)
{
	map_fini(&lookup->all.by_path);
	free(lookup->all.roaming);
	free(lookup->all.items);
	free(lookup->tunnels);
	plan_fini(&lookup->all.plan);
	free(lookup);
}
