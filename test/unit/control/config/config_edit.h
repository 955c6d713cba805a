#pragma once
/*
 * A good configuration with one thing changed: "POINTER=JSON" with ' for ", "-" removes.
 */
#include "config_test.h"

#include <cjson/cJSON.h>
#include <stdio.h>

static const char *const config_edit_base =
	"{ 'appliance': { 'ports': ["
	"    { 'name': 'pub0', 'device': 'net_null0', 'role': 'public',"
	"      'addresses': ['192.0.2.1/24', '192.0.2.2/24'],"
	"      'gateway': '192.0.2.254' },"
	"    { 'name': 'prv0', 'device': 'net_null1', 'role': 'private',"
	"      'addresses': ['10.0.0.1/24'] } ],"
	"    'api': { 'listeners': [ { 'address': '127.0.0.1' } ] } },"
	"  'virtualNetworks': [ { 'name': 'inside', 'properties': {"
	"    'addressSpace': { 'addressPrefixes': ['10.0.0.0/16'] },"
	"    'subnets': [ { 'name': 'GatewaySubnet', 'properties':"
	"      { 'addressPrefix': '10.0.255.0/27' } } ] } },"
	"    { 'name': 'spoke', 'properties': {"
	"    'addressSpace': { 'addressPrefixes': ['10.9.0.0/16'] },"
	"    'subnets': [ { 'name': 'GatewaySubnet', 'properties':"
	"      { 'addressPrefix': '10.9.255.0/27' } } ] } } ],"
	"  'publicIPAddresses': [ { 'name': 'pip0', 'properties': { 'ipAddress': '192.0.2.1' } },"
	"    { 'name': 'pip1', 'properties': { 'ipAddress': '192.0.2.2' } },"
	"    { 'name': 'pip2', 'properties': { 'ipAddress': '203.0.113.3' } } ],"
	"  'virtualNetworkGateways': [ { 'name': 'gw', 'properties': { 'activeActive': true,"
	"    'sku': { 'name': 'VpnGw2' },"
	"    'ipConfigurations': ["
	"    { 'name': 'default', 'properties': { 'subnet': { 'id': 'inside/GatewaySubnet' },"
	"      'publicIPAddress': { 'id': 'pip0' } } },"
	"    { 'name': 'activeActive', 'properties': { 'subnet': { 'id': 'inside/GatewaySubnet' },"
	"      'publicIPAddress': { 'id': 'pip1' } } } ] } },"
	"    { 'name': 'gw2', 'properties': { 'ipConfigurations': ["
	"    { 'name': 'default', 'properties': { 'subnet': { 'id': 'spoke/GatewaySubnet' },"
	"      'publicIPAddress': { 'id': 'pip2' } } } ] } } ],"
	"  'localNetworkGateways': [ { 'name': 'a', 'properties': {"
	"    'gatewayIpAddress': '198.51.100.1',"
	"    'localNetworkAddressSpace': { 'addressPrefixes': ['10.1.0.0/16'] } } },"
	"    { 'name': 'b', 'properties': { 'gatewayIpAddress': '198.51.100.2',"
	"    'localNetworkAddressSpace': { 'addressPrefixes': ['10.2.0.0/16'] } } } ],"
	"  'connections': [ { 'name': 'to-a', 'properties': { 'virtualNetworkGateway1': 'gw',"
	"    'localNetworkGateway2': 'a', 'connectionType': 'IPsec', 'sharedKey': 'KeyForA' } },"
	"    { 'name': 'to-b', 'properties': { 'virtualNetworkGateway1': 'gw',"
	"    'localNetworkGateway2': 'b', 'connectionType': 'IPsec', 'sharedKey': 'KeyForB' } },"
	"    { 'name': 'to-spoke', 'properties': { 'virtualNetworkGateway1': 'gw',"
	"    'virtualNetworkGateway2': 'gw2', 'connectionType': 'Vnet2Vnet',"
	"    'sharedKey': 'KeyForSpoke' } } ] }";

static inline int config_edit_index(const char *key)
{
	return (int)strtol(key, NULL, 10);
}

/* Follows a pointer down to the last key, making objects on the way. */
static inline cJSON *config_edit_parent(cJSON *at, char *pointer, char **last)
{
	char *rest = pointer + 1;
	char *key = strsep(&rest, "/");
	char *next;

	for (; (next = strsep(&rest, "/")); key = next) {
		cJSON *child = cJSON_IsArray(at) ? cJSON_GetArrayItem(at, config_edit_index(key))
						 : cJSON_GetObjectItemCaseSensitive(at, key);

		if (!child)
			child = cJSON_AddObjectToObject(at, key);
		at = child;
	}
	*last = key;
	return at;
}

static inline void config_edit_one(cJSON *root, const char *edit)
{
	char *pointer = strdup(edit);
	char *value = strchr(pointer, '=');
	cJSON *parent, *item;
	char *key, *json;

	*value++ = '\0';
	parent = config_edit_parent(root, pointer, &key);
	if (!strcmp(value, "-")) {
		if (cJSON_IsArray(parent))
			cJSON_DeleteItemFromArray(parent, config_edit_index(key));
		else
			cJSON_DeleteItemFromObjectCaseSensitive(parent, key);
		free(pointer);
		return;
	}
	json = config_test_json(value);
	item = cJSON_Parse(json);
	assert_non_null(item);
	free(json);
	if (!cJSON_IsArray(parent)) {
		cJSON_DeleteItemFromObjectCaseSensitive(parent, key);
		cJSON_AddItemToObject(parent, key, item);
	} else if (config_edit_index(key) < cJSON_GetArraySize(parent)) {
		cJSON_ReplaceItemInArray(parent, config_edit_index(key), item);
	} else {
		cJSON_AddItemToArray(parent, item);
	}
	free(pointer);
}

/* Edits are separated by newlines; NULL or "": none. The text is to be freed. */
static inline char *config_edit(const char *edits)
{
	char *base = config_test_json(config_edit_base);
	cJSON *root = cJSON_Parse(base);
	char *copy = strdup(edits ? edits : "");
	char *rest = copy, *edit, *text;

	assert_non_null(root);
	while ((edit = strsep(&rest, "\n")))
		if (*edit)
			config_edit_one(root, edit);
	text = cJSON_Print(root);
	cJSON_Delete(root);
	free(copy);
	free(base);
	return text;
}

static inline int config_edit_load(struct config **config, const struct config *previous,
				   const char *edits, struct config_report *report)
{
	struct config_source source = { .previous = previous };
	char *text = config_edit(edits);
	int status = config_load_text(config, &source, text, strlen(text), report);

	free(text);
	return status;
}
