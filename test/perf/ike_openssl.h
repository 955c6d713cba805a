#pragma once
/*
 * DOC: the bare operations of a handshake
 *
 * What the OpenSSL operations of one IKEv2 handshake (IKE_SA_INIT and IKE_AUTH with the first
 * child) cost by themselves: algorithms fetched once, contexts used again, no message handling, no
 * memory and no code of ours. PRF_HMAC_SHA2_384 and AES-256-GCM for IKE and child. Initiator and
 * responder do the same. The yardstick for `scripts/bench ike`, and by itself `ike_openssl`.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum ike_openssl_auth { IKE_OPENSSL_PSK, IKE_OPENSSL_RSA2048, IKE_OPENSSL_ECDSA256 };

#define IKE_OPENSSL_DATAGRAMS 4

struct ike_openssl_sizes {
	size_t peer_octets; /* that AUTH of a side covers: first message, nonce, MACed identity */
	size_t own_octets;
	size_t opened[IKE_OPENSSL_DATAGRAMS]; /* contents of what is protected; 0: no more */
	size_t sealed[IKE_OPENSSL_DATAGRAMS];
};

struct ike_openssl_case {
	enum ike_openssl_auth auth;
	uint16_t group; /* IKE's number: 14, 19, 20 or 31 */
	struct ike_openssl_sizes sizes;
};

struct ike_openssl;

struct ike_openssl_line {
	const char *operation;
	unsigned int count; /* in one handshake, on one side */
	void (*run)(struct ike_openssl *bare);
};

/* All of it ends the process with a sentence when OpenSSL fails: without figures it is nothing. */
struct ike_openssl *ike_openssl_new(const struct ike_openssl_case *what);
void ike_openssl_free(struct ike_openssl *bare);
const struct ike_openssl_line *ike_openssl_line(const struct ike_openssl *bare, size_t i);
/* Every line as often as it says. */
void ike_openssl_handshake(struct ike_openssl *bare);

const char *ike_openssl_auth_text(enum ike_openssl_auth auth);
const char *ike_openssl_group_text(uint16_t group);
