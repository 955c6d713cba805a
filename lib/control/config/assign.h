#pragma once
/*
 * Addresses for publicIPAddresses that say none, as clients of Azure create them: the one that it
 * had, else the first address of a public port that no other has. None left: it stays without, and
 * the checks say so.
 */
#include "control/config/config.h"

/* Only resources of this revision are touched: nobody else holds them yet. */
void config_assign_addresses(struct config *config, const struct config *previous);
