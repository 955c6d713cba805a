#pragma once
/*
 * How vpngw-control runs a configuration: from the store to ports, tunnels and the data plane.
 */
#include "program.h"

int configuration_open(struct program *program);
void configuration_close(struct program *program);
/* Makes the first one run and follows the store from then on. */
int configuration_run(struct program *program);
void configuration_stop(struct program *program);
/* Reads the file again; what runs stays when it is refused. */
void configuration_reload(void *program);
/* What waits for the data plane's word asks again. */
void configuration_dataplane_ready(struct program *program);
const char *configuration_state(const struct program *program);
