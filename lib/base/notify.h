#pragma once
/*
 * State for the service manager (sd_notify's protocol); nothing happens without one.
 */
#include <stdint.h>

/* "READY=1", "RELOADING=1", "STOPPING=1", "WATCHDOG=1", "STATUS=..." */
void notify_send(const char *state);
/* How often the manager wants WATCHDOG=1, halved for safety; 0: not at all. */
uint64_t notify_watchdog_ns(void);
