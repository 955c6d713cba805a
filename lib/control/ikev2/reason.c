#include "control/ikev2/reason.h"

#include "control/ike/outcome.h"

static const struct ike_outcome *row(enum ikev2_reason reason)
{
	static const struct ike_outcome rows[] = {
#define X(name, azure, sentence) { #name, sentence, azure },
		IKEV2_REASONS(X)
#undef X
	};

	return ike_outcome_of((struct ike_outcomes){ rows, IKEV2_REASON_COUNT }, reason);
}

const char *ikev2_reason_name(enum ikev2_reason reason)
{
	return row(reason)->name;
}

const char *ikev2_reason_text(enum ikev2_reason reason)
{
	return row(reason)->sentence;
}

uint16_t ikev2_reason_azure(enum ikev2_reason reason)
{
	return row(reason)->number;
}
