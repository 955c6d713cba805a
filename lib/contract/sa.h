#pragma once
/*
 * DOC: security associations
 *
 * The whole of an SA goes over once, with CONTRACT_ADD. Setting an existing one changes only what
 * is marked mutable: never keys, counters or windows. Keys are wiped from the message by whoever
 * has consumed it, and a listed SA carries none.
 *
 * The low CONTRACT_SPI_ID_BITS of an inbound SPI are the SA's id, so that the lookup is an index
 * and a compare. The bits above name node, instance and shard, so that a takeover never collides.
 * The SPI of an outbound SA is the peer's choice.
 */
#include "net/addr.h"

#define CONTRACT_SPI_ID_BITS 20
#define CONTRACT_SPI_ID_MASK ((1u << CONTRACT_SPI_ID_BITS) - 1)
#define CONTRACT_KEY_MAX 64
/* Packets of one SA that may be in flight out of order between workers: safe for a window of 32. */
#define CONTRACT_SPREAD_DEFAULT 32

enum contract_direction { CONTRACT_INBOUND = 1, CONTRACT_OUTBOUND = 2 };

/* name, text for people, key bytes, salt bytes, IV bytes, block bytes, AEAD */
#define CONTRACT_CIPHERS(X)                                                                        \
	X(NULL, "null", 0, 0, 0, 4, false)                                                         \
	X(AES128_GCM, "aes-128-gcm", 16, 4, 8, 4, true)                                            \
	X(AES192_GCM, "aes-192-gcm", 24, 4, 8, 4, true)                                            \
	X(AES256_GCM, "aes-256-gcm", 32, 4, 8, 4, true)                                            \
	X(AES128_GMAC, "aes-128-gmac", 16, 4, 8, 4, true)                                          \
	X(AES192_GMAC, "aes-192-gmac", 24, 4, 8, 4, true)                                          \
	X(AES256_GMAC, "aes-256-gmac", 32, 4, 8, 4, true)                                          \
	X(AES128_CCM, "aes-128-ccm", 16, 3, 8, 4, true)                                            \
	X(AES256_CCM, "aes-256-ccm", 32, 3, 8, 4, true)                                            \
	X(CHACHA20_POLY1305, "chacha20-poly1305", 32, 4, 8, 4, true)                               \
	X(AES128_CBC, "aes-128-cbc", 16, 0, 16, 16, false)                                         \
	X(AES192_CBC, "aes-192-cbc", 24, 0, 16, 16, false)                                         \
	X(AES256_CBC, "aes-256-cbc", 32, 0, 16, 16, false)                                         \
	X(AES128_CTR, "aes-128-ctr", 16, 4, 8, 4, false)                                           \
	X(AES192_CTR, "aes-192-ctr", 24, 4, 8, 4, false)                                           \
	X(AES256_CTR, "aes-256-ctr", 32, 4, 8, 4, false)                                           \
	X(DES3_CBC, "3des-cbc", 24, 0, 8, 8, false)

enum contract_cipher {
#define X(name, text, key, salt, iv, block, aead) CONTRACT_CIPHER_##name,
	CONTRACT_CIPHERS(X)
#undef X
		CONTRACT_CIPHER_COUNT
};

/* name, text for people, key bytes, ICV bytes */
#define CONTRACT_INTEGRITIES(X)                                                                    \
	X(NONE, "none", 0, 0)                                                                      \
	X(SHA1_96, "hmac-sha1-96", 20, 12)                                                         \
	X(SHA256_128, "hmac-sha256-128", 32, 16)                                                   \
	X(SHA384_192, "hmac-sha384-192", 48, 24)                                                   \
	X(SHA512_256, "hmac-sha512-256", 64, 32)                                                   \
	X(AES_XCBC_96, "aes-xcbc-96", 16, 12)                                                      \
	X(AES_CMAC_96, "aes-cmac-96", 16, 12)

enum contract_integrity {
#define X(name, text, key, icv) CONTRACT_INTEGRITY_##name,
	CONTRACT_INTEGRITIES(X)
#undef X
		CONTRACT_INTEGRITY_COUNT
};

enum contract_sa_flag {
	CONTRACT_SA_ESN = 1 << 0,
	CONTRACT_SA_UDP = 1 << 1, /* UDP-encapsulated; inbound accepts both forms anyway */
	CONTRACT_SA_TRANSPORT = 1 << 2,
	CONTRACT_SA_NO_REPLAY_CHECK = 1 << 3,
	CONTRACT_SA_TFC = 1 << 4, /* pad to the tunnel's MTU */
};

struct contract_sa {
	uint32_t spi; /* host order */
	uint8_t direction;
	uint8_t cipher;
	uint8_t integrity;
	uint8_t icv_bytes; /* 8, 12 or 16 for GCM; else as the table says */
	uint32_t tunnel;
	uint32_t child; /* its selectors are checked after decryption */
	uint32_t flags;
	uint32_t window;	 /* inbound: packets, 64..4096 */
	uint32_t spread;	 /* outbound, mutable; 1: one worker */
	uint16_t local_port;	 /* UDP encapsulation, host order, mutable */
	uint16_t remote_port;	 /* mutable; inbound 0: any */
	struct net_addr local;	 /* outer, mutable */
	struct net_addr remote;	 /* outer, mutable; inbound any: not checked */
	uint64_t sequence_start; /* outbound: the first number is one above; never goes back */
	/*
	 * Lifetimes; 0: none; mutable. Outbound ones count numbers from sequence_start on: the soft
	 * one comes when an eighth of the numbers is left at the latest, the hard one with the
	 * last.
	 */
	uint64_t soft_packets;
	uint64_t hard_packets;
	uint64_t soft_bytes;
	uint64_t hard_bytes;
	uint16_t key_length; /* with the salt, which comes last */
	uint16_t integrity_key_length;
	uint32_t zero;
	uint8_t key[CONTRACT_KEY_MAX];
	uint8_t integrity_key[CONTRACT_KEY_MAX];
};

static inline uint32_t contract_spi(uint32_t node_bits, uint32_t sa_id)
{
	return node_bits << CONTRACT_SPI_ID_BITS | (sa_id & CONTRACT_SPI_ID_MASK);
}
