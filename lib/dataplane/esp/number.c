#include "dataplane/esp/number.h"
#include "contract/message.h"

uint32_t esp_alarm(struct sa_life *life, uint64_t number, uint64_t bytes)
{
	uint64_t hard = __atomic_load_n(&life->hard, __ATOMIC_RELAXED);
	uint32_t reached = 0;
	uint32_t was;

	if (number >= hard || (life->hard_bytes && bytes >= life->hard_bytes))
		reached |= 1u << CONTRACT_HARD;
	if ((life->soft && number >= life->soft) || (life->soft_bytes && bytes >= life->soft_bytes))
		reached |= 1u << CONTRACT_SOFT;
	if (life->soft && number >= life->soft)
		__atomic_store_n(&life->alarm, hard, __ATOMIC_RELAXED);
	was = __atomic_fetch_or(&life->raised, reached, __ATOMIC_RELAXED);
	return reached & ~was;
}
