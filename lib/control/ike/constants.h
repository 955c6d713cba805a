#pragma once
/*
 * Numbers of the IANA registries for IKEv2 with the spelling of their RFCs (RFC 7296 unless a line
 * says otherwise). The tables also give the names that logs and traces show.
 */
#include <stdint.h>

#define IKE_PORT 500
#define IKE_PORT_NATT 4500
#define IKE_VERSION_MAJOR 2
#define IKE_NONCE_MIN 16 /* section 2.10 */
#define IKE_NONCE_MAX 256
#define IKE_COOKIE_MAX 64 /* section 2.6 */

enum ike_flag { IKE_FLAG_INITIATOR = 0x08, IKE_FLAG_VERSION = 0x10, IKE_FLAG_RESPONSE = 0x20 };

#define IKE_EXCHANGES(X)                                                                           \
	X(IKE_SA_INIT, 34)                                                                         \
	X(IKE_AUTH, 35)                                                                            \
	X(CREATE_CHILD_SA, 36)                                                                     \
	X(INFORMATIONAL, 37)                                                                       \
	X(IKE_SESSION_RESUME, 38) /* RFC 5723 */                                                   \
	X(IKE_INTERMEDIATE, 43)	  /* RFC 9242 */                                                   \
	X(IKE_FOLLOWUP_KE, 44)	  /* RFC 9370 */

enum ike_exchange {
#define X(name, number) name = number,
	IKE_EXCHANGES(X)
#undef X
};

#define IKE_PAYLOADS(X)                                                                            \
	X(NONE, 0, "none")                                                                         \
	X(SA, 33, "SA")                                                                            \
	X(KE, 34, "KE")                                                                            \
	X(IDi, 35, "IDi")                                                                          \
	X(IDr, 36, "IDr")                                                                          \
	X(CERT, 37, "CERT")                                                                        \
	X(CERTREQ, 38, "CERTREQ")                                                                  \
	X(AUTH, 39, "AUTH")                                                                        \
	X(NONCE, 40, "Nonce")                                                                      \
	X(N, 41, "N")                                                                              \
	X(D, 42, "D")                                                                              \
	X(V, 43, "V")                                                                              \
	X(TSi, 44, "TSi")                                                                          \
	X(TSr, 45, "TSr")                                                                          \
	X(SK, 46, "SK")                                                                            \
	X(CP, 47, "CP")                                                                            \
	X(EAP, 48, "EAP")                                                                          \
	X(GSPM, 49, "GSPM") /* RFC 6467 */                                                         \
	X(SKF, 53, "SKF")   /* RFC 7383 */                                                         \
	X(PS, 54, "PS")	    /* RFC 8019 */

enum ike_payload_type {
#define X(name, number, text) IKE_PAYLOAD_##name = number,
	IKE_PAYLOADS(X)
#undef X
};

enum ike_protocol { IKE_PROTOCOL_NONE, IKE_PROTOCOL_IKE, IKE_PROTOCOL_AH, IKE_PROTOCOL_ESP };

enum ike_transform_type {
	IKE_TRANSFORM_ENCR = 1,
	IKE_TRANSFORM_PRF = 2,
	IKE_TRANSFORM_INTEG = 3,
	IKE_TRANSFORM_DH = 4,
	IKE_TRANSFORM_ESN = 5,
	IKE_TRANSFORM_TYPES, /* RFC 9370 adds 6 to 12 */
};

#define IKE_ATTRIBUTE_KEY_LENGTH 14

/* name, number */
#define IKE_ENCRS(X)                                                                               \
	X(ENCR_DES_IV64, 1)                                                                        \
	X(ENCR_DES, 2)                                                                             \
	X(ENCR_3DES, 3)                                                                            \
	X(ENCR_NULL, 11)                                                                           \
	X(ENCR_AES_CBC, 12)                                                                        \
	X(ENCR_AES_CTR, 13)                                                                        \
	X(ENCR_AES_CCM_8, 14)                                                                      \
	X(ENCR_AES_CCM_12, 15)                                                                     \
	X(ENCR_AES_CCM_16, 16)                                                                     \
	X(ENCR_AES_GCM_8, 18)                                                                      \
	X(ENCR_AES_GCM_12, 19)                                                                     \
	X(ENCR_AES_GCM_16, 20)                                                                     \
	X(ENCR_NULL_AUTH_AES_GMAC, 21)                                                             \
	X(ENCR_CAMELLIA_CBC, 23)                                                                   \
	X(ENCR_CHACHA20_POLY1305, 28)

#define IKE_PRFS(X)                                                                                \
	X(PRF_HMAC_MD5, 1)                                                                         \
	X(PRF_HMAC_SHA1, 2)                                                                        \
	X(PRF_AES128_XCBC, 4)                                                                      \
	X(PRF_HMAC_SHA2_256, 5)                                                                    \
	X(PRF_HMAC_SHA2_384, 6)                                                                    \
	X(PRF_HMAC_SHA2_512, 7)                                                                    \
	X(PRF_AES128_CMAC, 8)

#define IKE_INTEGS(X)                                                                              \
	X(AUTH_NONE, 0)                                                                            \
	X(AUTH_HMAC_MD5_96, 1)                                                                     \
	X(AUTH_HMAC_SHA1_96, 2)                                                                    \
	X(AUTH_AES_XCBC_96, 5)                                                                     \
	X(AUTH_AES_CMAC_96, 8)                                                                     \
	X(AUTH_HMAC_SHA2_256_128, 12)                                                              \
	X(AUTH_HMAC_SHA2_384_192, 13)                                                              \
	X(AUTH_HMAC_SHA2_512_256, 14)

#define X(name, number) name = number,
enum ike_encr_id { IKE_ENCRS(X) };
enum ike_prf_id { IKE_PRFS(X) };
enum ike_integ_id { IKE_INTEGS(X) };
#undef X

#define IKE_DH_NONE 0
#define IKE_ESN_NO 0
#define IKE_ESN_YES 1

#define IKE_AUTH_METHODS(X)                                                                        \
	X(RSA_DIGITAL_SIGNATURE, 1)                                                                \
	X(SHARED_KEY_MIC, 2)                                                                       \
	X(DSS_DIGITAL_SIGNATURE, 3)                                                                \
	X(ECDSA_SHA256_P256, 9) /* RFC 4754 */                                                     \
	X(ECDSA_SHA384_P384, 10)                                                                   \
	X(ECDSA_SHA512_P521, 11)                                                                   \
	X(NULL_AUTHENTICATION, 13) /* RFC 7619 */                                                  \
	X(DIGITAL_SIGNATURE, 14)   /* RFC 7427 */

enum ike_auth_method {
#define X(name, number) IKE_AUTH_##name = number,
	IKE_AUTH_METHODS(X)
#undef X
};

/* SIGNATURE_HASH_ALGORITHMS, RFC 7427 section 7 and RFC 8420 */
enum ike_signature_hash {
	IKE_SIGNATURE_HASH_SHA1 = 1,
	IKE_SIGNATURE_HASH_SHA2_256 = 2,
	IKE_SIGNATURE_HASH_SHA2_384 = 3,
	IKE_SIGNATURE_HASH_SHA2_512 = 4,
	IKE_SIGNATURE_HASH_IDENTITY = 5,
};

#define IKE_ID_TYPES(X)                                                                            \
	X(ID_IPV4_ADDR, 1)                                                                         \
	X(ID_FQDN, 2)                                                                              \
	X(ID_RFC822_ADDR, 3)                                                                       \
	X(ID_IPV6_ADDR, 5)                                                                         \
	X(ID_DER_ASN1_DN, 9)                                                                       \
	X(ID_DER_ASN1_GN, 10)                                                                      \
	X(ID_KEY_ID, 11)                                                                           \
	X(ID_NULL, 13) /* RFC 7619 */

enum ike_id_type {
#define X(name, number) name = number,
	IKE_ID_TYPES(X)
#undef X
};

enum ike_cert_encoding {
	IKE_CERT_X509_SIGNATURE = 4,
	IKE_CERT_CRL = 7,
	IKE_CERT_HASH_AND_URL = 12,
};

enum ike_ts_type { TS_IPV4_ADDR_RANGE = 7, TS_IPV6_ADDR_RANGE = 8 };

enum ike_cfg_type { CFG_REQUEST = 1, CFG_REPLY = 2, CFG_SET = 3, CFG_ACK = 4 };

#define IKE_CFG_ATTRIBUTES(X)                                                                      \
	X(INTERNAL_IP4_ADDRESS, 1)                                                                 \
	X(INTERNAL_IP4_NETMASK, 2)                                                                 \
	X(INTERNAL_IP4_DNS, 3)                                                                     \
	X(INTERNAL_IP4_NBNS, 4)                                                                    \
	X(INTERNAL_IP4_DHCP, 6)                                                                    \
	X(APPLICATION_VERSION, 7)                                                                  \
	X(INTERNAL_IP6_ADDRESS, 8)                                                                 \
	X(INTERNAL_IP6_DNS, 10)                                                                    \
	X(INTERNAL_IP6_DHCP, 12)                                                                   \
	X(INTERNAL_IP4_SUBNET, 13)                                                                 \
	X(SUPPORTED_ATTRIBUTES, 14)                                                                \
	X(INTERNAL_IP6_SUBNET, 15)                                                                 \
	X(INTERNAL_DNS_DOMAIN, 25) /* RFC 8598 */

enum ike_cfg_attribute {
#define X(name, number) name = number,
	IKE_CFG_ATTRIBUTES(X)
#undef X
};

enum ike_eap_code { EAP_REQUEST = 1, EAP_RESPONSE = 2, EAP_SUCCESS = 3, EAP_FAILURE = 4 };

#define IKE_NOTIFIES(X)                                                                            \
	X(UNSUPPORTED_CRITICAL_PAYLOAD, 1)                                                         \
	X(INVALID_IKE_SPI, 4)                                                                      \
	X(INVALID_MAJOR_VERSION, 5)                                                                \
	X(INVALID_SYNTAX, 7)                                                                       \
	X(INVALID_MESSAGE_ID, 9)                                                                   \
	X(INVALID_SPI, 11)                                                                         \
	X(NO_PROPOSAL_CHOSEN, 14)                                                                  \
	X(INVALID_KE_PAYLOAD, 17)                                                                  \
	X(AUTHENTICATION_FAILED, 24)                                                               \
	X(SINGLE_PAIR_REQUIRED, 34)                                                                \
	X(NO_ADDITIONAL_SAS, 35)                                                                   \
	X(INTERNAL_ADDRESS_FAILURE, 36)                                                            \
	X(FAILED_CP_REQUIRED, 37)                                                                  \
	X(TS_UNACCEPTABLE, 38)                                                                     \
	X(INVALID_SELECTORS, 39)                                                                   \
	X(UNACCEPTABLE_ADDRESSES, 40)  /* RFC 4555 */                                              \
	X(UNEXPECTED_NAT_DETECTED, 41) /* RFC 4555 */                                              \
	X(TEMPORARY_FAILURE, 43)                                                                   \
	X(CHILD_SA_NOT_FOUND, 44)                                                                  \
	X(STATE_NOT_FOUND, 47) /* RFC 9370 */                                                      \
	X(TS_MAX_QUEUE, 48)    /* RFC 9611 */                                                      \
	X(INITIAL_CONTACT, 16384)                                                                  \
	X(SET_WINDOW_SIZE, 16385)                                                                  \
	X(ADDITIONAL_TS_POSSIBLE, 16386)                                                           \
	X(IPCOMP_SUPPORTED, 16387)                                                                 \
	X(NAT_DETECTION_SOURCE_IP, 16388)                                                          \
	X(NAT_DETECTION_DESTINATION_IP, 16389)                                                     \
	X(COOKIE, 16390)                                                                           \
	X(USE_TRANSPORT_MODE, 16391)                                                               \
	X(HTTP_CERT_LOOKUP_SUPPORTED, 16392)                                                       \
	X(REKEY_SA, 16393)                                                                         \
	X(ESP_TFC_PADDING_NOT_SUPPORTED, 16394)                                                    \
	X(NON_FIRST_FRAGMENTS_ALSO, 16395)                                                         \
	X(MOBIKE_SUPPORTED, 16396)		  /* RFC 4555 */                                   \
	X(ADDITIONAL_IP4_ADDRESS, 16397)	  /* RFC 4555 */                                   \
	X(ADDITIONAL_IP6_ADDRESS, 16398)	  /* RFC 4555 */                                   \
	X(NO_ADDITIONAL_ADDRESSES, 16399)	  /* RFC 4555 */                                   \
	X(UPDATE_SA_ADDRESSES, 16400)		  /* RFC 4555 */                                   \
	X(COOKIE2, 16401)			  /* RFC 4555 */                                   \
	X(NO_NATS_ALLOWED, 16402)		  /* RFC 4555 */                                   \
	X(AUTH_LIFETIME, 16403)			  /* RFC 4478 */                                   \
	X(MULTIPLE_AUTH_SUPPORTED, 16404)	  /* RFC 4739 */                                   \
	X(ANOTHER_AUTH_FOLLOWS, 16405)		  /* RFC 4739 */                                   \
	X(REDIRECT_SUPPORTED, 16406)		  /* RFC 5685 */                                   \
	X(REDIRECT, 16407)			  /* RFC 5685 */                                   \
	X(REDIRECTED_FROM, 16408)		  /* RFC 5685 */                                   \
	X(TICKET_LT_OPAQUE, 16409)		  /* RFC 5723 */                                   \
	X(TICKET_REQUEST, 16410)		  /* RFC 5723 */                                   \
	X(TICKET_ACK, 16411)			  /* RFC 5723 */                                   \
	X(TICKET_NACK, 16412)			  /* RFC 5723 */                                   \
	X(TICKET_OPAQUE, 16413)			  /* RFC 5723 */                                   \
	X(EAP_ONLY_AUTHENTICATION, 16417)	  /* RFC 5998 */                                   \
	X(CHILDLESS_IKEV2_SUPPORTED, 16418)	  /* RFC 6023 */                                   \
	X(QUICK_CRASH_DETECTION, 16419)		  /* RFC 6290 */                                   \
	X(IKEV2_MESSAGE_ID_SYNC_SUPPORTED, 16420) /* RFC 6311 */                                   \
	X(IKEV2_FRAGMENTATION_SUPPORTED, 16430)	  /* RFC 7383 */                                   \
	X(SIGNATURE_HASH_ALGORITHMS, 16431)	  /* RFC 7427 */                                   \
	X(CLONE_IKE_SA_SUPPORTED, 16432)	  /* RFC 7791 */                                   \
	X(CLONE_IKE_SA, 16433)			  /* RFC 7791 */                                   \
	X(USE_PPK, 16435)			  /* RFC 8784 */                                   \
	X(PPK_IDENTITY, 16436)			  /* RFC 8784 */                                   \
	X(NO_PPK_AUTH, 16437)			  /* RFC 8784 */                                   \
	X(INTERMEDIATE_EXCHANGE_SUPPORTED, 16438) /* RFC 9242 */                                   \
	X(ADDITIONAL_KEY_EXCHANGE, 16441)	  /* RFC 9370 */

enum ike_notify_type {
#define X(name, number) IKE_N_##name = number,
	IKE_NOTIFIES(X)
#undef X
};

/* Below this a notify is an error (RFC 7296 section 3.10.1). */
#define IKE_N_STATUS_FIRST 16384

/* Never NULL: an unknown number gives "?". */
const char *ike_exchange_text(uint8_t exchange);
const char *ike_payload_text(uint8_t payload);
const char *ike_notify_text(uint16_t notify);
const char *ike_encr_text(uint16_t id);
const char *ike_prf_text(uint16_t id);
const char *ike_integ_text(uint16_t id);
const char *ike_auth_method_text(uint8_t method);
const char *ike_id_type_text(uint8_t type);
