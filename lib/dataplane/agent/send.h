#pragma once
/*
 * CONTRACT_SEND: a datagram of control as IP packets.
 */
#include "dataplane/agent/state.h"

void send_datagram(struct agent *agent, const struct contract_header *message);
