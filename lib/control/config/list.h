#pragma once
/*
 * Sorted lists of counted resources.
 */
#include "control/config/config.h"

__attribute__((warn_unused_result)) int config_list_copy(struct config_list *to,
							 const struct config_list *from);
void config_list_fini(struct config_list *list);
/* Index of the key, or where it would be inserted, with *found. */
uint32_t config_list_find(const struct config_list *list, const char *key, bool *found);
