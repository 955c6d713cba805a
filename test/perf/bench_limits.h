#pragma once
/*
 * The part of scripts/bench limits that goes through the catalogue.
 */
#include "options.h"

/* True: a SKU is 2 % off. */
bool bench_limits_skus(struct bench_options *options, const char *list);
