#include "control/rest/device.h"

#include "control/config/json_in.h"
#include "control/rest/state.h"
#include "control/tunnel/peer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* Azure answers XML inside of a JSON string. */
static void answer_text(struct router_call *call, struct text *text)
{
	struct http_reply reply = { 0 };

	error_json_string(&reply.body, text_get(text));
	text_fini(text);
	rest_answer(call, &reply);
}

static void supported(struct router_call *call)
{
	struct text xml = { 0 };

	if (!rest_find(call, CONFIG_GATEWAY, call->names[0]))
		return;
	text_add(&xml,
		 "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<RpVpnDeviceList version=\"1.0\">");
	for (size_t i = 0; i < device_count; i++) {
		const struct device *d = &device_list[i];

		text_add(&xml, "<Vendor name=\"%s\"><DeviceFamily name=\"%s\">", d->vendor,
			 d->family);
		for (size_t v = 0; v < 4 && d->versions[v]; v++)
			text_add(&xml, "<FirmwareVersion name=\"%s\"/>", d->versions[v]);
		text_add(&xml, "</DeviceFamily></Vendor>");
	}
	text_add(&xml, "</RpVpnDeviceList>");
	answer_text(call, &xml);
}

static void tunnels_set(struct device_script *s)
{
	const struct plan_connection *plan = s->plan;

	for (uint32_t i = 0; i < plan->tunnel_count && i < 8; i++) {
		const struct plan_tunnel *t = &plan->tunnels[i];
		struct device_tunnel *d = &s->tunnels[s->tunnel_count++];
		const struct config_public_ip *ip = config_public_ip_find(
			s->config, &plan->gateway->ip_configurations.items[t->instance].public_ip);

		d->gateway = ip ? ip->address : t->local;
		d->own_id = t->remote_id;
		d->gateway_id = t->local_id;
		d->gateway_bgp = t->session.local;
		d->session = &t->session;
		snprintf(d->name, sizeof(d->name), "%.80s-%u", plan->connection->resource.name, i);
	}
}

/* NULL, or why there is no such script for this connection. */
static const char *script_init(struct device_script *s, struct ike_policy_owned *own,
			       const struct device *device)
{
	const struct config_connection *c = s->plan->connection;
	const struct config_virtual_network *here =
		config_gateway_network(s->config, s->plan->gateway);
	static char why[256];

	s->bgp = s->plan->tunnel_count && s->plan->tunnels[0].session.peer.family;
	if (!s->plan->site)
		return "A script is for the device at a local network gateway; this connection "
		       "leads to another gateway.";
	if (c->authentication != CONFIG_AUTH_PSK)
		return "There are scripts for connections with a shared key only.";
	if (device->needs_bgp && !s->bgp)
		return "This device speaks BGP: gateway and connection need enableBgp, the site "
		       "bgpSettings.";
	if (peer_policy(&s->policy, own, s->config, c, why, sizeof(why)) < 0)
		return why;
	if (!device_suite_choose(&s->ike, device->words, s->policy->ike_offer,
				 s->policy->ike_offer_count) ||
	    !device_suite_choose(&s->esp, device->words, s->policy->child_offer,
				 s->policy->child_offer_count))
		return "The device has none of the algorithms of the connection's policy.";
	s->here = here ? here->prefixes.items : NULL;
	s->here_count = here ? here->prefixes.count : 0;
	tunnels_set(s);
	s->gateway_asn = s->tunnel_count ? s->plan->tunnels[0].session.as : 0;
	return s->tunnel_count ? NULL : "The connection has no tunnel.";
}

static const struct device *device_find(const cJSON *body)
{
	const char *vendor = cJSON_GetStringValue(cJSON_GetObjectItem(body, "vendor"));
	const char *family = cJSON_GetStringValue(cJSON_GetObjectItem(body, "deviceFamily"));

	for (size_t i = 0; vendor && family && i < device_count; i++)
		if (!strcasecmp(device_list[i].vendor, vendor) &&
		    !strcasecmp(device_list[i].family, family))
			return &device_list[i];
	return NULL;
}

/* The body's device, or the exchange was ended. */
static const struct device *device_wanted(struct router_call *call)
{
	const struct device *device = NULL;
	struct config_report report;
	cJSON *body = NULL;

	config_report_init(&report);
	if (rest_body_parse(call, &body, &report) == 0)
		device = device_find(body);
	config_json_free(body);
	config_report_fini(&report);
	if (!device)
		rest_refuse(call, &(struct error_answer){ 400, "InvalidParameter", "vendor" },
			    "The body needs vendor and deviceFamily of a device that "
			    "supportedvpndevices lists.");
	return device;
}

static void script(struct router_call *call)
{
	const struct config_resource *connection =
		rest_find(call, CONFIG_CONNECTION, call->names[0]);
	struct device_script s = { .config = config_store_running(rest_of(call)->config.store) };
	struct ike_policy_owned own;
	const struct device *device;
	struct text text = { 0 };
	const char *why;

	if (!connection)
		return;
	device = device_wanted(call);
	if (!device)
		return;
	s.plan = tunnels_plan_of(rest_of(call)->config.tunnels, connection->key);
	why = s.plan ? script_init(&s, &own, device)
		     : "The connection's gateway is not on this appliance.";
	if (why) {
		rest_refuse(call, &(struct error_answer){ 409, "OperationNotAllowed", NULL }, "%s",
			    why);
		return;
	}
	text_add(&text, "%s %s %s for connection %s, made by vpngw\n", device->comment,
		 device->vendor, device->family, connection->name);
	text_add(&text,
		 "%s Put the key in the place of " DEVICE_KEY_PLACE
		 " (GET .../connections/%s/sharedkey).\n",
		 device->comment, connection->name);
	device->write(&s, &text);
	answer_text(call, &text);
}

static const struct router_row device_rows[] = {
	{ HTTP_POST, "virtualNetworkGateways/*/supportedvpndevices", CONFIG_TOKEN_READ, supported },
	{ HTTP_POST, "connections/*/vpndeviceconfigurationscript", CONFIG_TOKEN_READ, script },
};

const struct rest_rows rest_device_rows = { device_rows,
					    sizeof(device_rows) / sizeof(device_rows[0]),
					    REST_OF_AZURE };
