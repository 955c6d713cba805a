#pragma once
/*
 * What differs between two snapshots, so that only that is touched. Ordered by kind, then key.
 */
#include "control/config/config.h"

enum config_change { CONFIG_ADDED, CONFIG_REMOVED, CONFIG_CHANGED };

struct config_difference {
	enum config_change change;
	enum config_kind kind;
	const struct config_resource *was; /* NULL: added; lives as long as its snapshot */
	const struct config_resource *now; /* NULL: removed */
	uint32_t properties;		   /* of its own that changed */
	bool live;	/* what runs for it stays: only routes, limits, timers, tags differ */
	bool restart;	/* some of it takes effect when the program starts again */
	bool by_others; /* itself the same, but something that it refers to changed */
};

struct config_diff {
	struct config_difference *items;
	uint32_t count;
};

/* `from` may be NULL: everything is added. */
__attribute__((warn_unused_result)) int config_diff(struct config_diff *diff,
						    const struct config *from,
						    const struct config *to);
void config_diff_fini(struct config_diff *diff);
/* Lines for people: "+ connections/c", "~ connections/c  /properties/dpdTimeoutSeconds". */
void config_diff_text(const struct config_diff *diff, struct text *out);
