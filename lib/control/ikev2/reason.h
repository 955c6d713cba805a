#pragma once
/*
 * Why an IKE SA or a child ended or never came up: what status, log and the REST answers say. The
 * Azure number is what the portal shows for the same cause (0: it has none).
 */
#include <stdint.h>

/* name, Azure number, sentence */
#define IKEV2_REASONS(X)                                                                           \
	X(NONE, 0, "no failure")                                                                   \
	X(TIMEOUT, 13805, "the peer did not answer in time")                                       \
	X(NAME, 13805, "the peer's name has no address")                                           \
	X(LIVENESS, 13805, "the peer is dead: nothing protected came and probes went unanswered")  \
	X(AUTHENTICATION, 13801, "the peer's pre-shared key or signature is wrong")                \
	X(PEER_AUTHENTICATION, 13801,                                                              \
	  "the peer refused our pre-shared key, signature or identity")                            \
	X(IDENTITY, 13801, "the peer's identity belongs to no connection with this address")       \
	X(CERTIFICATE, 13801, "the peer's certificate chain is not acceptable")                    \
	X(NO_CREDENTIAL, 13801, "there is no pre-shared key or certificate for this connection")   \
	X(DH, 13822, "the Diffie-Hellman computation failed: the peer's value is not valid")       \
	X(HEADER, 13824, "the peer sent a message with an invalid header")                         \
	X(NO_CONNECTION, 13825, "no connection is configured for this pair of addresses")          \
	X(PAYLOAD, 13843, "the peer sent an invalid payload or left out a required one")           \
	X(PEER_SYNTAX, 13843, "the peer says that our message is invalid")                         \
	X(COOKIE, 13846, "the peer went on asking for cookies")                                    \
	X(PROPOSAL_IKE, 13868, "no common IKE proposal: encryption, integrity, PRF or DH group")   \
	X(PROPOSAL_CHILD, 13868, "no common IPsec proposal: encryption, integrity or ESN")         \
	X(PFS, 13868, "the PFS groups do not match")                                               \
	X(ANSWER, 13868, "the peer's answer is none of our proposals")                             \
	X(VERSION, 13880, "the peer does not speak IKEv2")                                         \
	X(SELECTORS, 13999, "the traffic selectors have nothing in common")                        \
	X(REFUSED_MODE, 1225, "the connection's mode does not allow that the peer initiates")      \
	X(PEER_DELETED, 0, "the peer deleted it")                                                  \
	X(DELETED, 0, "it was deleted on our side")                                                \
	X(REKEYED, 0, "a newer one took its place")                                                \
	X(REDUNDANT, 0, "both sides dialled at once and the other one was kept")                   \
	X(INITIAL_CONTACT, 0, "the peer started anew and has no state left")                       \
	X(LIFETIME, 0, "its lifetime ended before it could be replaced")                           \
	X(NO_ADDITIONAL_SAS, 0, "the peer takes no further child SA")                              \
	X(TEMPORARY, 0, "the peer was busy too often")                                             \
	X(CHILD_NOT_FOUND, 0, "the peer no longer has this child SA")                              \
	X(PEER_ERROR, 0, "the peer answered with an error")                                        \
	X(INSTALL, 0, "the data plane did not take the SA")                                        \
	X(HALF_OPEN, 13805, "the peer did not go on after the first exchange")                     \
	X(MESSAGE_ID, 0, "the message IDs of the IKE SA are used up")                              \
	X(SHUTDOWN, 0, "the gateway is shutting down")                                             \
	X(RESOURCES, 0, "out of memory, SPIs or random numbers")                                   \
	X(CROWDED, 0, "the peer has as many SAs as one connection may have")

enum ikev2_reason {
#define X(name, azure, sentence) IKEV2_REASON_##name,
	IKEV2_REASONS(X)
#undef X
		IKEV2_REASON_COUNT
};

const char *ikev2_reason_name(enum ikev2_reason reason);
const char *ikev2_reason_text(enum ikev2_reason reason);
uint16_t ikev2_reason_azure(enum ikev2_reason reason);
