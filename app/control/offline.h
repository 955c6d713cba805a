#pragma once
/*
 * What vpngw-control does without starting: check a file, derive the data plane's options.
 * Both give the exit code.
 */
int offline_check(const char *path);
int offline_dataplane_options(const char *path);
