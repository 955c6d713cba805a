/* SK payloads of every suite: sealed, opened, and refused when an octet changed. */
#include "sk_helper.h"

#include "control/crypto/cipher.h"

static const char *const suites[] = {
	"aes128-sha1-x25519",
	"aes192-sha256-x25519",
	"aes256-sha512-x25519",
	"aes256-sha384-x25519",
	"aes128-aesxcbc-x25519",
	"aes128-aescmac-x25519",
	"3des-sha1-x25519",
	"aes128ctr-sha256-x25519",
	"aes256ctr-aesxcbc-x25519",
	"aes128gcm8-prfsha256-x25519",
	"aes192gcm12-prfsha384-x25519",
	"aes256gcm16-prfsha512-x25519",
	"chacha20poly1305-prfsha256-x25519",
	"aes256gcm16-prfaesxcbc-x25519",
	"aes256gcm16-prfaescmac-x25519",
};

#define SUITES (sizeof(suites) / sizeof(suites[0]))

static struct ike_message m;

static enum ike_error open_packet(struct sk_sa *sa, struct span packet, bool initiator,
				  struct span *content)
{
	static uint8_t copy[70000];
	struct ike_sk sk = sk_of(sa, initiator);
	enum ike_error error;

	memcpy(copy, packet.p, packet.n);
	error = ike_message_decode((struct span){ copy, packet.n }, &m);
	return error ? error : ike_sk_open(&sk, &m, content);
}

static void round_trip(void **state)
{
	static const size_t sizes[] = { 0, 1, 2, 3, 11, 12, 13, 28, 100, 1400 };

	for (size_t i = 0; i < SUITES; i++) {
		struct sk_sa sa;

		sk_sa_start(&sa, suites[i]);
		for (size_t k = 0; k < sizeof(sizes) / sizeof(sizes[0]); k++) {
			struct ike_packets packets;
			struct span content;
			const struct ike_payload *v;

			assert_int_equal(sk_seal(&sa, sizes[k], 0, &packets), 0);
			assert_int_equal(packets.count, 1);
			assert_int_equal(
				open_packet(&sa, ike_packets_get(&packets, 0), true, &content),
				IKE_ERROR_OK);
			assert_int_equal(ike_message_check(&m), IKE_ERROR_OK);
			v = ike_message_find(&m, IKE_PAYLOAD_V);
			assert_int_equal(!v, !sizes[k]);
			if (v)
				assert_true(sk_content_is(v->body, sizes[k]));
			/* The other direction has other keys. */
			assert_int_equal(
				open_packet(&sa, ike_packets_get(&packets, 0), false, &content),
				IKE_ERROR_ICV);
			ike_packets_fini(&packets);
		}
		sk_sa_stop(&sa);
	}
}

static void every_changed_octet_is_seen(void **state)
{
	for (size_t i = 0; i < SUITES; i++) {
		struct ike_packets packets;
		struct span content;
		struct sk_sa sa;

		sk_sa_start(&sa, suites[i]);
		assert_int_equal(sk_seal(&sa, 20, 0, &packets), 0);
		for (uint32_t at = 0; at < packets.total; at++) {
			enum ike_error error;

			packets.bytes[at] ^= 0x40;
			error = open_packet(&sa, ike_packets_get(&packets, 0), true, &content);
			assert_int_not_equal(error, IKE_ERROR_OK);
			if (at >= 32)
				assert_int_equal(error, IKE_ERROR_ICV);
			packets.bytes[at] ^= 0x40;
		}
		ike_packets_fini(&packets);
		sk_sa_stop(&sa);
	}
}

static void truncated(void **state)
{
	for (size_t i = 0; i < SUITES; i++) {
		struct ike_packets packets;
		struct span content, packet;
		struct sk_sa sa;
		uint8_t copy[512];

		sk_sa_start(&sa, suites[i]);
		assert_int_equal(sk_seal(&sa, 9, 0, &packets), 0);
		packet = ike_packets_get(&packets, 0);
		for (size_t n = 32; n < packet.n; n++) {
			memcpy(copy, packet.p, n);
			copy[26] = (uint8_t)(n >> 8);
			copy[27] = (uint8_t)n;
			copy[30] = (uint8_t)((n - 28) >> 8);
			copy[31] = (uint8_t)(n - 28);
			assert_in_range(open_packet(&sa, (struct span){ copy, n }, true, &content),
					IKE_ERROR_SK_SHORT, IKE_ERROR_ICV);
		}
		ike_packets_fini(&packets);
		sk_sa_stop(&sa);
	}
}

/* Counters give every message its own IV and end with an error, not with a second use. */
static void iv_is_never_used_twice(void **state)
{
	struct ike_packets a, b;
	struct sk_sa sa;

	sk_sa_start(&sa, "aes256gcm16-prfsha256-x25519");
	assert_int_equal(sk_seal(&sa, 20, 0, &a), 0);
	assert_int_equal(sk_seal(&sa, 20, 0, &b), 0);
	assert_memory_not_equal(a.bytes + 32, b.bytes + 32, 8);
	assert_int_equal(sa.counter, 2);
	ike_packets_fini(&a);
	ike_packets_fini(&b);
	sa.counter = UINT64_MAX;
	assert_int_equal(sk_seal(&sa, 20, 0, &a), -EOVERFLOW);
	sk_sa_stop(&sa);
	sk_sa_start(&sa, "aes256-sha256-x25519");
	assert_int_equal(sk_seal(&sa, 20, 0, &a), 0);
	assert_int_equal(sk_seal(&sa, 20, 0, &b), 0);
	assert_memory_not_equal(a.bytes + 32, b.bytes + 32, 16);
	assert_int_equal(sa.counter, 0);
	ike_packets_fini(&a);
	ike_packets_fini(&b);
	sk_sa_stop(&sa);
}

/* A peer that has the keys may still pad beyond the content. */
static void padding_longer_than_content(void **state)
{
	struct ike_packets packets;
	struct span content;
	struct sk_sa sa;
	uint8_t *body;
	sk_sa_start(&sa, "aes128ctr-sha256-x25519");
	assert_int_equal(sk_seal(&sa, 0, 0, &packets), 0);
	/* CTR: flipping bits of the only content octet, the pad length, and a new ICV over it. */
	body = packets.bytes + 32;
	body[8] ^= 0x01;
	assert_int_equal(crypto_integrity(sa.crypto, CONTRACT_INTEGRITY_SHA256_128,
					  ike_keys_a(&sa.keys, true),
					  CRYPTO_PARTS({ packets.bytes, packets.total - 16 }),
					  packets.bytes + packets.total - 16),
			 0);
	assert_int_equal(open_packet(&sa, ike_packets_get(&packets, 0), true, &content),
			 IKE_ERROR_PADDING);
	ike_packets_fini(&packets);
	sk_sa_stop(&sa);
}

static void no_room(void **state)
{
	struct ike_header h = { .spi_i = 1, .spi_r = 2, .exchange = INFORMATIONAL };
	struct ike_packets packets;
	struct ike_builder b;
	struct ike_sk sk;
	uint8_t buffer[80];
	struct sk_sa sa;

	sk_sa_start(&sa, "aes256gcm16-prfsha256-x25519");
	sk = sk_of(&sa, true);
	for (size_t n = 0; n < 28 + 4 + 8 + 1 + 16; n++) {
		ike_build_start(&b, buffer, n, &h);
		ike_build_sk(&b, 8);
		assert_int_equal(ike_sk_seal(&sk, &b, 0, &packets), -ENOBUFS);
	}
	ike_build_start(&b, buffer, sizeof(buffer), &h);
	assert_int_equal(ike_sk_seal(&sk, &b, 0, &packets), -ENOBUFS); /* no SK */
	assert_int_equal(sk_seal(&sa, 65535 - 28 - 4 - 8 - 17 - 4, 0, &packets), 0);
	ike_packets_fini(&packets);
	assert_int_equal(sk_seal(&sa, 65535 - 28 - 4 - 8 - 17 - 3, 0, &packets), -EMSGSIZE);
	sk_sa_stop(&sa);
}

static int start(void **state)
{
	return secret_pool_init(1 << 16);
}

static int stop(void **state)
{
	secret_pool_fini();
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(round_trip),
		cmocka_unit_test(every_changed_octet_is_seen),
		cmocka_unit_test(truncated),
		cmocka_unit_test(iv_is_never_used_twice),
		cmocka_unit_test(padding_longer_than_content),
		cmocka_unit_test(no_room),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
