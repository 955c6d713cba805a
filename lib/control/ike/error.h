#pragma once
/*
 * Why a message was not understood: one table for the log text, the counter and the notify that
 * may be sent. 0 as notify: say nothing to the peer.
 */
#include <stdint.h>

/* name, notify to send, sentence */
#define IKE_ERRORS(X)                                                                              \
	X(OK, 0, "no error")                                                                       \
	X(SHORT, 0, "shorter than an IKE header")                                                  \
	X(LENGTH, 0, "the header's length is not the datagram's")                                  \
	X(MAJOR_VERSION, 5, "a major version that is not ours")                                    \
	X(SPI_ZERO, 0, "the initiator's SPI is zero")                                              \
	X(EXCHANGE, 0, "an exchange type that is unknown")                                         \
	X(FLAGS, 0, "header flags that contradict the exchange")                                   \
	X(MESSAGE_ID, 0, "a message ID that does not fit the exchange")                            \
	X(PAYLOAD_LENGTH, 7, "a payload length below 4 or past the end")                           \
	X(TRAILING, 7, "bytes after the last payload")                                             \
	X(TOO_MANY_PAYLOADS, 7, "more payloads than we take")                                      \
	X(CRITICAL, 1, "an unknown payload that is critical")                                      \
	X(PAYLOAD_PLACE, 7, "a payload that this exchange does not have here")                     \
	X(PAYLOAD_TWICE, 7, "a payload more often than allowed")                                   \
	X(PAYLOAD_MISSING, 7, "a payload that is required is missing")                             \
	X(SK_NOT_LAST, 7, "a payload after the encrypted one")                                     \
	X(SK_SHORT, 0, "an encrypted payload without room for IV and ICV")                         \
	X(ICV, 0, "the integrity check failed")                                                    \
	X(PADDING, 7, "the padding is longer than the content")                                    \
	X(FRAGMENT_NUMBER, 0, "fragment number or total is zero or contradictory")                 \
	X(FRAGMENT_LIMIT, 0, "more fragments or bytes than we take")                               \
	X(FRAGMENT_STALE, 0, "a fragment of a smaller total than already seen")                    \
	X(FRAGMENT_DUPLICATE, 0, "a fragment that was already received")                           \
	X(SA_SYNTAX, 7, "an SA payload whose counts or lengths do not add up")                     \
	X(SA_TOO_LARGE, 7, "an SA payload with more proposals or transforms than we take")         \
	X(SA_NUMBER, 7, "proposal numbers that do not start at 1 and increase by 1")               \
	X(SA_SPI, 7, "an SPI of the wrong size for its protocol")                                  \
	X(KE_SYNTAX, 7, "a KE payload that is too short")                                          \
	X(ID_SYNTAX, 7, "an identity that is empty, too long or of the wrong size for its type")   \
	X(CERT_SYNTAX, 7, "a certificate payload that is too short")                               \
	X(CERTREQ_SYNTAX, 7, "a certificate request whose size does not fit its encoding")         \
	X(AUTH_SYNTAX, 7, "an AUTH payload that is too short")                                     \
	X(NONCE_SIZE, 7, "a nonce that is not 16 to 256 octets long")                              \
	X(NOTIFY_SYNTAX, 7, "a notify whose SPI does not fit")                                     \
	X(NOTIFY_DATA, 7, "a notify whose data has the wrong size")                                \
	X(DELETE_SYNTAX, 7, "a Delete whose SPIs do not add up")                                   \
	X(TS_SYNTAX, 7, "traffic selectors whose counts or lengths do not add up")                 \
	X(TS_RANGE, 7, "a traffic selector that ends before it starts")                            \
	X(CP_SYNTAX, 7, "a configuration payload whose lengths do not add up")                     \
	X(EAP_SYNTAX, 7, "an EAP message whose length does not fit")                               \
	X(MEMORY, 0, "out of memory")                                                              \
	X(INTERNAL, 0, "the crypto library failed")

enum ike_error {
#define X(name, notify, sentence) IKE_ERROR_##name,
	IKE_ERRORS(X)
#undef X
		IKE_ERROR_COUNT
};

const char *ike_error_text(enum ike_error error);
const char *ike_error_name(enum ike_error error); /* "SA_SYNTAX": for counters */
uint16_t ike_error_notify(enum ike_error error);
