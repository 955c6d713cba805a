#pragma once
/*
 * What clients of Azure leave to it. An address for publicIPAddresses that say none: the one that
 * it had, else the first address of a public port that no other has; none left: it stays without,
 * and the checks say so. The generation of gateways that say none: the one that it had, else the
 * first in which the SKU exists.
 *
 * Only resources of this revision are touched: nobody else holds them yet.
 */
#include "control/config/config.h"

void config_assign_addresses(struct config *config, const struct config *previous);
void config_assign_generations(struct config *config, const struct config *previous);
