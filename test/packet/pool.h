#pragma once
/* Registers the pool of pool.c, once a program, and gives its name. */
const char *pool_locked(void);
