#include "control/rest/gateway.h"

#include "control/rest/state.h"
#include "control/tunnel/plan_bgp.h"

#include <stdio.h>
#include <string.h>

/* Of the instance, out of GatewaySubnet; "" when there is none. */
static const char *private_address(const struct config *config,
				   const struct config_gateway *gateway, uint32_t instance,
				   char text[NET_ADDR_TEXT])
{
	struct net_addr addr;

	if (!plan_speaker_address(config, gateway, instance, &addr))
		return "";
	return net_addr_text(text, &addr);
}

static void print_private(const struct config *config, const struct config_gateway *gateway,
			  const struct config_ip_configuration *one, struct json_out *out)
{
	uint32_t instance = (uint32_t)(one - gateway->ip_configurations.items);
	char text[NET_ADDR_TEXT];
	const char *address = private_address(config, gateway, instance, text);

	if (address[0])
		json_out_string(out, "privateIPAddress", address);
}

static void print_addresses(const struct config *config, const struct config_gateway *gateway,
			    uint32_t instance, struct json_out *out)
{
	const struct config_ip_configuration *one = &gateway->ip_configurations.items[instance];
	const struct config_bgp_addresses *own = config_bgp_addresses(gateway, instance);
	const struct config_public_ip *ip = config_public_ip_find(config, &one->public_ip);
	char text[NET_ADDR_TEXT], id[1400];
	const char *address = private_address(config, gateway, instance, text);

	snprintf(id, sizeof(id), "%s/ipConfigurations/%s", gateway->resource.id, one->name);
	json_out_open(out, NULL, '{');
	json_out_string(out, "ipconfigurationId", id);
	json_out_open(out, "defaultBgpIpAddresses", '[');
	if (address[0])
		json_out_string(out, NULL, address);
	json_out_close(out, ']');
	json_out_open(out, "customBgpIpAddresses", '[');
	for (uint32_t i = 0; own && i < own->custom.count; i++)
		json_out_string(out, NULL, net_addr_text(text, &own->custom.items[i]));
	json_out_close(out, ']');
	json_out_open(out, "tunnelIpAddresses", '[');
	if (ip)
		json_out_string(out, NULL, net_addr_text(text, &ip->address));
	json_out_close(out, ']');
	json_out_close(out, '}');
}

/* "10.0.255.4,10.0.255.5", as Azure writes those of an active-active gateway. */
static void print_peering_address(const struct config *config, const struct config_gateway *gateway,
				  struct json_out *out)
{
	char all[4 * NET_ADDR_TEXT] = "";
	char text[NET_ADDR_TEXT];

	for (uint32_t i = 0; i < gateway->ip_configurations.count && i < 3; i++) {
		size_t n = strlen(all);

		snprintf(all + n, sizeof(all) - n, "%s%s", n ? "," : "",
			 private_address(config, gateway, i, text));
	}
	if (all[0])
		json_out_string(out, "bgpPeeringAddress", all);
}

static bool print_bgp(const struct config *config, const struct config_gateway *gateway,
		      struct json_out *out)
{
	const struct config_bgp *bgp = gateway->bgp;

	if (!bgp && !gateway->enable_bgp)
		return false;
	json_out_open(out, "bgpSettings", '{');
	json_out_int(out, "asn", config_gateway_asn(gateway));
	print_peering_address(config, gateway, out);
	json_out_int(out, "peerWeight", bgp ? bgp->peer_weight : 0);
	if (bgp) {
		json_out_int(out, "keepaliveSeconds", bgp->keepalive_s);
		json_out_int(out, "holdSeconds", bgp->hold_s);
		json_out_int(out, "bfdIntervalMilliseconds", bgp->bfd_ms);
		json_out_int(out, "prefixLimit", bgp->prefix_limit);
	}
	json_out_open(out, "bgpPeeringAddresses", '[');
	for (uint32_t i = 0; i < gateway->ip_configurations.count; i++)
		print_addresses(config, gateway, i, out);
	json_out_close(out, ']');
	json_out_close(out, '}');
	return true;
}

bool rest_gateway_print(const struct config *config, const struct config_print_place *place,
			struct json_out *out)
{
	const struct config_gateway *gateway = (const void *)place->resource;

	if (!strcmp(place->name, "bgpSettings"))
		return print_bgp(config, gateway, out);
	if (strcmp(place->name, "privateIPAddress"))
		return false;
	print_private(config, gateway, place->element, out);
	return true;
}

/* NAT rules have operations of their own: a gateway that does not speak of them keeps them. */
static void keep_rules(const struct config_resource *was, cJSON *properties)
{
	struct config_report report;
	cJSON *whole;

	if (!was || cJSON_GetObjectItemCaseSensitive(properties, "natRules"))
		return;
	config_report_init(&report);
	whole = rest_resource_whole(was, &report);
	cJSON_AddItemToObject(
		properties, "natRules",
		cJSON_DetachItemFromObjectCaseSensitive(
			cJSON_GetObjectItemCaseSensitive(whole, "properties"), "natRules"));
	config_json_free(whole);
	config_report_fini(&report);
}

static bool has_custom(const cJSON *addresses)
{
	const cJSON *one;

	cJSON_ArrayForEach(one, addresses)
	{
		if (cJSON_GetArraySize(
			    cJSON_GetObjectItemCaseSensitive(one, "customBgpIpAddresses")))
			return true;
	}
	return false;
}

/* It says no more than a gateway has without settings. */
static bool is_default(const cJSON *settings)
{
	const cJSON *asn = cJSON_GetObjectItemCaseSensitive(settings, "asn");
	const cJSON *weight = cJSON_GetObjectItemCaseSensitive(settings, "peerWeight");
	int known = (asn != NULL) + (weight != NULL);

	return cJSON_GetArraySize(settings) == known &&
	       (!asn || asn->valuedouble == CONFIG_ASN_DEFAULT) &&
	       (!weight || weight->valuedouble == 0);
}

/* What print_bgp() adds is no configuration: put back, it must not be a change. */
static void forget_addresses(const struct config_resource *was, cJSON *properties)
{
	cJSON *settings = cJSON_GetObjectItemCaseSensitive(properties, "bgpSettings");
	const struct config_gateway *old = (const void *)was;

	if (!cJSON_IsObject(settings))
		return;
	cJSON_DeleteItemFromObjectCaseSensitive(settings, "bgpPeeringAddress");
	if (!has_custom(cJSON_GetObjectItemCaseSensitive(settings, "bgpPeeringAddresses")))
		cJSON_DeleteItemFromObjectCaseSensitive(settings, "bgpPeeringAddresses");
	if (old && !old->bgp && is_default(settings))
		cJSON_DeleteItemFromObjectCaseSensitive(properties, "bgpSettings");
}

void rest_gateway_body(const struct config_resource *was, cJSON *json)
{
	cJSON *properties = cJSON_GetObjectItemCaseSensitive(json, "properties");

	if (!cJSON_IsObject(properties))
		return;
	keep_rules(was, properties);
	forget_addresses(was, properties);
}
