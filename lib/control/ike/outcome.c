#include "control/ike/outcome.h"

const struct ike_outcome *ike_outcome_of(struct ike_outcomes table, size_t which)
{
	static const struct ike_outcome none = { "?", "?", 0 };

	return which < table.count ? &table.rows[which] : &none;
}
