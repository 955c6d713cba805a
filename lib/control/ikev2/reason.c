#include "control/ikev2/reason.h"

static const struct {
	const char *name;
	const char *sentence;
	uint16_t azure;
} reasons[] = {
#define X(name, azure, sentence) { #name, sentence, azure },
	IKEV2_REASONS(X)
#undef X
};

const char *ikev2_reason_name(enum ikev2_reason reason)
{
	return (unsigned int)reason < IKEV2_REASON_COUNT ? reasons[reason].name : "?";
}

const char *ikev2_reason_text(enum ikev2_reason reason)
{
	return (unsigned int)reason < IKEV2_REASON_COUNT ? reasons[reason].sentence : "?";
}

uint16_t ikev2_reason_azure(enum ikev2_reason reason)
{
	return (unsigned int)reason < IKEV2_REASON_COUNT ? reasons[reason].azure : 0;
}
