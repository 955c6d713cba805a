#pragma once
/*
 * Memory that ends with its resource. Allocation failure gives NULL. No secret is ever put here.
 */
#include "control/config/types.h"

void *config_arena_alloc(struct config_arena *arena, size_t n); /* zeroed */
char *config_arena_text(struct config_arena *arena, const char *text);
char *config_arena_text_n(struct config_arena *arena, const char *text, size_t n);
void config_arena_fini(struct config_arena *arena);
