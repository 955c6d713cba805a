#pragma once
/*
 * Files of config/ that the program carries along (embed.py).
 */
#include "base/span.h"

extern const struct span config_embedded_skus; /* config/skus.json */
extern const struct span config_embedded_demo; /* config/demo.json */
