#pragma once
/*
 * Resource ids: the full ARM path, our short path, and bare names.
 */
#include "control/config/arena.h"

/* What qualifies a short path and a bare name. */
struct config_scope {
	const char *subscription;
	const char *group;
};

/*
 * Resolves `text` to the full id of a `kind` (of its part `child` when that is not NULL):
 *   /subscriptions/S/resourceGroups/G/providers/Microsoft.Network/LIST/NAME[/CHILD/NAME]
 *   /LIST/NAME[/CHILD/NAME]
 *   NAME, or NAME/NAME for a part
 * Segments that ARM knows are compared without case and written in their canonical case.
 * -EINVAL when it is none of these, -ENOMEM.
 */
__attribute__((warn_unused_result)) int config_id_resolve(struct config_ref *ref,
							  struct config_arena *arena,
							  const struct config_scope *scope,
							  enum config_kind kind, const char *child,
							  const char *text);
/* Id of a part of a resource: PARENT/CHILD/NAME. */
__attribute__((warn_unused_result)) int config_id_child(struct config_ref *ref,
							struct config_arena *arena,
							const char *parent, const char *child,
							const char *name);
/* The last segment. */
const char *config_id_name(const char *id);
/* It refers to something of this name. */
bool config_ref_is_named(const struct config_ref *ref, const char *name);
/* 1-80 characters, letters, digits, '_', '.', '-'; starts alphanumeric, ends so or with '_'. */
bool config_name_valid(const char *name, size_t n);
/* The parent of a part's key: length of "…/virtualnetworks/v" in "…/virtualnetworks/v/subnets/s".
 */
size_t config_key_parent(const char *key);
