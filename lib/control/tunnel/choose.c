#include "control/tunnel/choose.h"

_Static_assert(CONTRACT_MEMBERS_MAX <= 64, "a bit for each member");

static uint64_t those_of(const uint8_t *fitness, uint32_t count, enum fitness level)
{
	uint64_t set = 0;

	for (uint32_t i = 0; i < count; i++)
		set |= (uint64_t)(fitness[i] == level) << i;
	return set;
}

void choose_weights(struct contract_member *members, const uint8_t *fitness, uint32_t count,
		    uint64_t *last)
{
	enum fitness level = FITNESS_FIT;
	uint64_t set = those_of(fitness, count, level);

	while (!set && level > FITNESS_DEAD)
		set = those_of(fitness, count, --level);
	if (level <= FITNESS_DOUBTFUL && set & *last)
		set &= *last;
	*last = set;
	for (uint32_t i = 0; i < count; i++)
		members[i].weight = set >> i & 1;
}
