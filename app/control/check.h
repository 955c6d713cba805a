#pragma once
/*
 * What vpngw-control does without starting: check a file, derive the data plane's options.
 * Both give the exit code.
 */
int check_config(const char *path);
int check_dataplane_options(const char *path);
