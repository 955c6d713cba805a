/* RFC 7383 both ways: cut, opened in any order, doubled, lost, contradicting. */
#include "sk_helper.h"

static struct ike_message m;
static struct ike_reassembly r;
static uint8_t copy[70000];

static enum ike_error take(struct sk_sa *sa, struct span packet, struct ike_content *whole)
{
	struct ike_sk sk = sk_of(sa, true);
	struct span content;

	memcpy(copy, packet.p, packet.n);
	*whole = (struct ike_content){ 0 };
	assert_int_equal(ike_message_decode((struct span){ copy, packet.n }, &m), IKE_ERROR_OK);
	assert_int_equal(ike_sk_open(&sk, &m, &content), IKE_ERROR_OK);
	return ike_reassembly_add(&r, &m, content, 100, whole);
}

static void whole_is(struct ike_content *whole, size_t n)
{
	assert_non_null(whole->bytes);
	assert_int_equal(ike_message_append(&m, r.first, (struct span){ whole->bytes, whole->n }),
			 IKE_ERROR_OK);
	assert_int_equal(ike_message_check(&m), IKE_ERROR_OK);
	assert_true(sk_content_is(ike_message_find(&m, IKE_PAYLOAD_V)->body, n));
	ike_content_fini(whole);
	ike_reassembly_reset(&r);
}

static void cut_and_joined(void **state)
{
	static const char *const suites[] = { "aes256gcm16-prfsha256-x25519",
					      "aes256-sha256-x25519",
					      "chacha20poly1305-prfsha256-x25519",
					      "3des-sha1-x25519" };
	static const size_t limits[] = { 120, 333, 548, 1252 };

	for (size_t i = 0; i < 4; i++) {
		for (size_t k = 0; k < 4; k++) {
			struct ike_packets packets;
			struct ike_content whole = { 0 };
			struct sk_sa sa;

			sk_sa_start(&sa, suites[i]);
			assert_int_equal(sk_seal(&sa, 1300, limits[k], &packets), 0);
			assert_true(packets.count > 1);
			for (uint16_t n = 0; n < packets.count; n++)
				assert_true(packets.lengths[n] <= limits[k]);
			for (int n = packets.count - 1; n >= 0; n--) { /* last one first */
				assert_null(whole.bytes);
				assert_int_equal(
					take(&sa, ike_packets_get(&packets, (uint16_t)n), &whole),
					IKE_ERROR_OK);
			}
			whole_is(&whole, 1300);
			ike_packets_fini(&packets);
			sk_sa_stop(&sa);
		}
	}
}

static void not_cut_when_it_fits(void **state)
{
	struct ike_packets packets;
	struct sk_sa sa;

	sk_sa_start(&sa, "aes256gcm16-prfsha256-x25519");
	assert_int_equal(sk_seal(&sa, 100, 28 + 4 + 8 + 104 + 17, &packets), 0);
	assert_int_equal(packets.count, 1);
	assert_int_equal(packets.bytes[16], IKE_PAYLOAD_SK);
	ike_packets_fini(&packets);
	assert_int_equal(sk_seal(&sa, 100, 28 + 4 + 8 + 104 + 16, &packets), 0);
	assert_int_equal(packets.count, 2);
	assert_int_equal(packets.bytes[16], IKE_PAYLOAD_SKF);
	ike_packets_fini(&packets);
	/* Too small to carry anything, and more pieces than anybody takes. */
	assert_int_equal(sk_seal(&sa, 100, 61, &packets), -EINVAL);
	assert_int_equal(sk_seal(&sa, 5000, 100, &packets), -EMSGSIZE);
	sk_sa_stop(&sa);
}

static void doubled_and_contradicting(void **state)
{
	struct ike_packets small, large;
	struct ike_content whole;
	struct sk_sa sa;

	sk_sa_start(&sa, "aes256gcm16-prfsha256-x25519");
	assert_int_equal(sk_seal(&sa, 1300, 700, &small), 0);
	assert_int_equal(sk_seal(&sa, 1300, 300, &large), 0);
	assert_true(small.count < large.count);
	assert_int_equal(take(&sa, ike_packets_get(&small, 0), &whole), IKE_ERROR_OK);
	assert_int_equal(take(&sa, ike_packets_get(&small, 0), &whole),
			 IKE_ERROR_FRAGMENT_DUPLICATE);
	assert_int_equal(r.deadline_ns, 100 + IKE_REASSEMBLY_NS);
	/* A larger total starts anew, then the smaller one is stale (section 2.6.1). */
	for (uint16_t i = 0; i < large.count; i++) {
		assert_int_equal(take(&sa, ike_packets_get(&large, i), &whole), IKE_ERROR_OK);
		if (i + 1 < large.count)
			assert_int_equal(
				take(&sa, ike_packets_get(&small, 1), &(struct ike_content){ 0 }),
				IKE_ERROR_FRAGMENT_STALE);
	}
	m.count = 1; /* of the last one taken */
	whole_is(&whole, 1300);
	ike_packets_fini(&small);
	ike_packets_fini(&large);
	sk_sa_stop(&sa);
}

static void another_message_replaces(void **state)
{
	struct ike_packets packets;
	struct ike_content whole;
	struct span content = { copy, 10 };
	struct sk_sa sa;

	sk_sa_start(&sa, "aes256gcm16-prfsha256-x25519");
	assert_int_equal(sk_seal(&sa, 1300, 700, &packets), 0);
	assert_int_equal(take(&sa, ike_packets_get(&packets, 0), &whole), IKE_ERROR_OK);
	m.header.message_id++;
	m.sk_number = 2;
	assert_int_equal(ike_reassembly_add(&r, &m, content, 5, &whole), IKE_ERROR_OK);
	assert_null(whole.bytes);
	assert_int_equal(r.have, 1);
	ike_reassembly_reset(&r);
	ike_packets_fini(&packets);
	sk_sa_stop(&sa);
}

static void limits(void **state)
{
	static struct ike_message f;
	struct ike_content whole;
	struct span content = { copy, 60000 };

	f.header = (struct ike_header){ .exchange = INFORMATIONAL, .message_id = 1 };
	f.sk_type = IKE_PAYLOAD_SKF;
	f.sk_number = 1;
	f.sk_total = IKE_FRAGMENTS_MAX + 1;
	assert_int_equal(ike_reassembly_add(&r, &f, content, 0, &whole), IKE_ERROR_FRAGMENT_LIMIT);
	f.sk_total = IKE_FRAGMENTS_MAX;
	assert_int_equal(ike_reassembly_add(&r, &f, content, 0, &whole), IKE_ERROR_OK);
	f.sk_number = 2;
	assert_int_equal(ike_reassembly_add(&r, &f, content, 0, &whole), IKE_ERROR_FRAGMENT_LIMIT);
	f.sk_number = 0;
	assert_int_equal(ike_reassembly_add(&r, &f, content, 0, &whole), IKE_ERROR_FRAGMENT_NUMBER);
	f.sk_number = IKE_FRAGMENTS_MAX + 1;
	assert_int_equal(ike_reassembly_add(&r, &f, content, 0, &whole), IKE_ERROR_FRAGMENT_NUMBER);
	assert_int_equal(r.have, 1);
	ike_reassembly_reset(&r);
}

/* One bad fragment costs only itself. */
static void forged_fragment(void **state)
{
	struct ike_packets packets;
	struct ike_content whole;
	struct ike_sk sk;
	struct span packet, content;
	struct sk_sa sa;

	sk_sa_start(&sa, "aes256gcm16-prfsha256-x25519");
	assert_int_equal(sk_seal(&sa, 1300, 700, &packets), 0);
	assert_int_equal(take(&sa, ike_packets_get(&packets, 0), &whole), IKE_ERROR_OK);
	packet = ike_packets_get(&packets, 1);
	memcpy(copy, packet.p, packet.n);
	copy[packet.n - 1] ^= 1;
	sk = sk_of(&sa, true);
	assert_int_equal(ike_message_decode((struct span){ copy, packet.n }, &m), IKE_ERROR_OK);
	assert_int_equal(ike_sk_open(&sk, &m, &content), IKE_ERROR_ICV);
	for (uint16_t i = 1; i < packets.count; i++)
		assert_int_equal(take(&sa, ike_packets_get(&packets, i), &whole), IKE_ERROR_OK);
	whole_is(&whole, 1300);
	ike_packets_fini(&packets);
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
		cmocka_unit_test(cut_and_joined),
		cmocka_unit_test(not_cut_when_it_fits),
		cmocka_unit_test(doubled_and_contradicting),
		cmocka_unit_test(another_message_replaces),
		cmocka_unit_test(limits),
		cmocka_unit_test(forged_fragment),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
