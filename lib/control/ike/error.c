#include "control/ike/error.h"

static const struct {
	const char *name;
	const char *sentence;
	uint16_t notify;
} errors[] = {
#define X(name, notify, sentence) { #name, sentence, notify },
	IKE_ERRORS(X)
#undef X
};

const char *ike_error_text(enum ike_error error)
{
	return (unsigned int)error < IKE_ERROR_COUNT ? errors[error].sentence : "?";
}

const char *ike_error_name(enum ike_error error)
{
	return (unsigned int)error < IKE_ERROR_COUNT ? errors[error].name : "?";
}

uint16_t ike_error_notify(enum ike_error error)
{
	return (unsigned int)error < IKE_ERROR_COUNT ? errors[error].notify : 0;
}
