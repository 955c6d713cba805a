#pragma once
/*
 * Refusing a request, with the sentence that goes into the answer.
 */
#include "dataplane/agent/state.h"

__attribute__((format(printf, 3, 4))) bool outcome_refuse(struct outcome *outcome,
							  enum contract_status status,
							  const char *format, ...);
enum contract_status outcome_of_errno(int err);
