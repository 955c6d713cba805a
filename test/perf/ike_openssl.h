#pragma once
/*
 * What the OpenSSL operations of one IKEv2 handshake (IKE_SA_INIT and IKE_AUTH with the first
 * child) cost by themselves: algorithms fetched once, contexts used again, no message handling, no
 * memory of ours. The yardstick for `scripts/bench ike`.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum ike_openssl_auth { IKE_OPENSSL_PSK, IKE_OPENSSL_RSA2048, IKE_OPENSSL_ECDSA256 };

struct ike_openssl_case {
	enum ike_openssl_auth auth;
	uint16_t group; /* IKE's number: 14, 19, 20 or 31 */
};

struct ike_openssl_line {
	const char *operation;
	unsigned int count; /* in one handshake, on one side */
	double ns;	    /* each: the median of the rounds */
};

#define IKE_OPENSSL_LINES 12

struct ike_openssl {
	struct ike_openssl_line lines[IKE_OPENSSL_LINES];
	size_t count;
	double handshake_ns; /* sum of count x ns: initiator and responder do the same work */
};

const char *ike_openssl_auth_text(enum ike_openssl_auth auth);
const char *ike_openssl_group_text(uint16_t group);
/* Ends the process with a sentence when OpenSSL fails: a benchmark without figures is none. */
void ike_openssl_measure(struct ike_openssl *out, const struct ike_openssl_case *what, bool quick);
