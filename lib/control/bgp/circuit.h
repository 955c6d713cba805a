#pragma once
/*
 * The speaker of the private circuits (DIR/er): it talks to the router at the other end of each
 * circuit from the port's own address, announces the networks of the gateway, and installs what it
 * learns in a kernel table of its own (route/circuit.h). It has no session with the speakers of the
 * tunnels: routes of a circuit are not told to sites behind tunnels, nor theirs to the circuit, as
 * in Azure without a route server. When it dies the far side keeps our routes (RFC 4724) and we
 * keep theirs (route/stale.h) as long as the link is up. Pure.
 */
#include "control/bgp/text.h"

#define BGP_CIRCUITS_MAX 8

/* The sessions that the ports ask for; gives how many. */
uint32_t bgp_circuit_sessions(const struct config *config,
			      struct bgp_session sessions[BGP_CIRCUITS_MAX]);
/* The gateway that stands beside the circuits: with BGP if there is one; NULL: none of ours. */
const struct config_gateway *bgp_circuit_gateway(const struct config *config);
/* SECRET when a session has a password. False: there is no circuit. */
bool bgp_text_circuit(const struct bgp_wanted *wanted, struct text *out);
void bgp_text_circuit_arguments(const struct bgp_wanted *wanted, struct text *out);
