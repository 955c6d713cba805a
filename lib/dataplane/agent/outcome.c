#include "dataplane/agent/outcome.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

bool outcome_refuse(struct outcome *outcome, enum contract_status status, const char *format, ...)
{
	va_list args;

	outcome->status = (uint16_t)status;
	va_start(args, format);
	vsnprintf(outcome->reason, sizeof(outcome->reason), format, args);
	va_end(args);
	return false;
}

enum contract_status outcome_of_errno(int err)
{
	switch (err) {
	case -EEXIST:
		return CONTRACT_REFUSED_EXISTS;
	case -ENOENT:
		return CONTRACT_REFUSED_MISSING;
	case -EBUSY:
		return CONTRACT_REFUSED_IN_USE;
	case -ENOSPC:
	case -ENOMEM:
		return CONTRACT_REFUSED_FULL;
	case -ENOTSUP:
		return CONTRACT_REFUSED_UNSUPPORTED;
	default:
		return CONTRACT_REFUSED_INVALID;
	}
}
