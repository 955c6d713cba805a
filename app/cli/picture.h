#pragma once
/*
 * The picture of `vpngw status`: tunnels, their states and, from the second drawing on, rates.
 */
#include "cli.h"

struct picture {
	double *bytes_in; /* by tunnel, of the last drawing */
	double *bytes_out;
	int count;
	double at_s;
};

void picture_draw(const struct cli *cli, const cJSON *status, struct picture *before);
void picture_fini(struct picture *picture);
