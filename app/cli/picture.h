#pragma once
/*
 * The picture of `vpngw status`: gateways with what is free, tunnels with their states and rates.
 */
#include "cli.h"

void picture_draw(const struct cli *cli, const cJSON *status);
