#include "control/ike/error.h"

#include "control/ike/outcome.h"

static const struct ike_outcome *row(enum ike_error error)
{
	static const struct ike_outcome rows[] = {
#define X(name, notify, sentence) { #name, sentence, notify },
		IKE_ERRORS(X)
#undef X
	};

	return ike_outcome_of((struct ike_outcomes){ rows, IKE_ERROR_COUNT }, error);
}

const char *ike_error_text(enum ike_error error)
{
	return row(error)->sentence;
}

const char *ike_error_name(enum ike_error error)
{
	return row(error)->name;
}

uint16_t ike_error_notify(enum ike_error error)
{
	return row(error)->number;
}
