#include "control/ike/constants.h"

#define TEXT_CASE(name, number)                                                                    \
	case number:                                                                               \
		return #name;

const char *ike_exchange_text(uint8_t exchange)
{
	switch (exchange) {
		IKE_EXCHANGES(TEXT_CASE)
	}
	return "?";
}

const char *ike_payload_text(uint8_t payload)
{
	switch (payload) {
#define X(name, number, text)                                                                      \
	case number:                                                                               \
		return text;
		IKE_PAYLOADS(X)
#undef X
	}
	return "?";
}

const char *ike_notify_text(uint16_t notify)
{
	switch (notify) {
		IKE_NOTIFIES(TEXT_CASE)
	}
	return "?";
}

const char *ike_encr_text(uint16_t id)
{
	switch (id) {
		IKE_ENCRS(TEXT_CASE)
	}
	return "?";
}

const char *ike_prf_text(uint16_t id)
{
	switch (id) {
		IKE_PRFS(TEXT_CASE)
	}
	return "?";
}

const char *ike_integ_text(uint16_t id)
{
	switch (id) {
		IKE_INTEGS(TEXT_CASE)
	}
	return "?";
}

const char *ike_auth_method_text(uint8_t method)
{
	switch (method) {
		IKE_AUTH_METHODS(TEXT_CASE)
	}
	return "?";
}

const char *ike_id_type_text(uint8_t type)
{
	switch (type) {
		IKE_ID_TYPES(TEXT_CASE)
	}
	return "?";
}
