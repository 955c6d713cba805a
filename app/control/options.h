#pragma once
/*
 * The command line of vpngw-control.
 */
#include <stdbool.h>
#include <stdint.h>

struct options {
	const char *config;
	const char *check_config;      /* only check this file */
	const char *dataplane_options; /* only print the data plane's options for this file */
	const char *socket;
	const char *state; /* NULL: what the configuration says */
	const char *frr;   /* folder that is shared with FRR */
	const char *user;  /* NULL: stay who we are */
	const char *log;
	const char *key_log; /* NULL: off */
	bool no_sandbox;
};

enum options_result { OPTIONS_RUN, OPTIONS_DONE, OPTIONS_WRONG };

/* Prints what was asked for, or one sentence on what is wrong. */
enum options_result options_parse(struct options *options, int argc, char **argv);
