#pragma once
#include "dataplane/port/port.h"

/* Spreads ESP by SPI with a flow rule where the RSS types alone do not reach it. */
void flow_spread_esp(struct port_device *device);
