#pragma once
/*
 * DOC: bodies of gateways
 *
 * What a gateway says beyond its configuration: the addresses that its instances have out of
 * GatewaySubnet and at which their tunnels end, where a client finds what a peer must be told. And
 * what a client that puts back what it got does not mean: those addresses, and NAT rules that it
 * did not speak of.
 */
#include "control/config/json_in.h"
#include "control/config/print.h"

/* As config_print_status. */
bool rest_gateway_print(const struct config *config, const struct config_print_place *place,
			struct json_out *out);
/* The body of a PUT; `was` NULL: there was none. */
void rest_gateway_body(const struct config_resource *was, cJSON *json);
