/*
 * Known answers through the whole path: vectors of RFCs, of the draft that tests GCM in ESP, and of
 * Project Wycheproof whose data is what ESP protects. The packet arrives at the public port; that
 * its number was committed shows that the ICV held, and what stands in its buffer is the answer.
 * With its last byte changed the ICV must not hold.
 *
 * A vector is used as it is where its additional data, or the message of a MAC, can be SPI and
 * number with the rest behind them. To those of a cipher alone an ICV of OpenSSL is put. SPIs are
 * those of the vectors (spis.h).
 */
#include "../vectors/vector.h"
#include "../unit/dataplane/eal.h"
#include "craft.h"
#include "spis.h"

#include <openssl/hmac.h>
#include <rte_mbuf.h>

#define HEAD 8 /* SPI and number */

static struct bed *bed;

struct packet {
	struct contract_sa sa;
	uint8_t esp[4096];
	uint32_t n;
	uint32_t plain_at;
	struct vector_bytes plain;
	uint32_t high; /* half of the number that is not in the packet */
	bool good;
};

static struct packet packet;
static uint32_t done;

static uint32_t word(const uint8_t *at)
{
	return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static struct sa_slot *sa_there(const struct packet *p)
{
	struct contract_sa sa = p->sa;
	struct sa_slot *slot;

	sa.direction = CONTRACT_INBOUND;
	sa.spi = word(p->esp);
	sa.tunnel = sa.child = 1;
	sa.window = 64;
	slot = spis_add(bed, &sa);
	if (!slot)
		fail_msg("%s", sa_reason(bed->sas));
	return slot;
}

/* Arrives; true: its ICV held. What is in the buffer then goes to `left`. */
static bool arrive(const struct packet *p, const struct sa_slot *slot, uint8_t *left)
{
	static const struct craft_outer outer = { .tunnel = 1 };
	uint64_t forged = bed_drops(bed, CONTRACT_DROP_ESP_ICV);
	struct rte_mbuf *m = craft_esp(bed, &outer, p->esp, p->n);
	uint8_t *esp = rte_pktmbuf_mtod_offset(m, uint8_t *, 34);
	uint64_t number = (uint64_t)p->high << 32 | word(p->esp + 4);
	bool held;

	rte_mbuf_refcnt_update(m, 1);
	craft_run(bed, 1, m);
	held = slot->window.highest == number;
	assert_int_equal(bed_drops(bed, CONTRACT_DROP_ESP_ICV), forged + !held);
	memcpy(left, esp, p->n);
	bed_sent(bed, 0);
	bed_sent(bed, 1);
	bed_empty(path_mirrored(bed->path));
	bed_empty(path_punted(bed->path));
	bed_drop(m);
	return held;
}

/* TTL and checksum of a packet that went on are other ones. */
static bool same_text(const struct packet *p, const uint8_t *left)
{
	size_t from = p->plain.n && p->plain.p[0] >> 4 == 4 ? 12 : 0;

	return p->plain.n <= from ||
	       memcmp(left + p->plain_at + from, p->plain.p + from, p->plain.n - from) == 0;
}

static void judge(const char *name, int number)
{
	struct packet *p = &packet;
	struct sa_slot *slot = sa_there(p);
	uint8_t left[sizeof(p->esp)];
	bool held;

	if (p->good) { /* the last byte of a bad one may be all that is wrong */
		p->esp[p->n - 1] ^= 1;
		if (arrive(p, slot, left))
			fail_msg("%s %d: a changed packet was taken", name, number);
		p->esp[p->n - 1] ^= 1;
	}
	held = arrive(p, slot, left);
	if (held != p->good)
		fail_msg("%s %d: the ICV %s", name, number, held ? "held" : "did not hold");
	if (p->good && !same_text(p, left))
		fail_msg("%s %d: another text", name, number);
	spis_del(bed, slot);
	done++;
}

static struct span get(const cJSON *row, const char *member)
{
	static struct vector_bytes bytes;

	return vector_get(&bytes, row, member);
}

static void append(const cJSON *row, const char *member, size_t most)
{
	struct span s = get(row, member);
	size_t n = s.n < most ? s.n : most;

	memcpy(packet.esp + packet.n, s.p, n);
	packet.n += (uint32_t)n;
}

static void begin(enum contract_cipher cipher, enum contract_integrity integrity)
{
	memset(&packet, 0, sizeof(packet));
	packet.sa.cipher = (uint8_t)cipher;
	packet.sa.integrity = (uint8_t)integrity;
	packet.good = true;
}

static void key(const cJSON *row, const char *member)
{
	struct span s = get(row, member);

	assert_true(packet.sa.key_length + s.n <= sizeof(packet.sa.key));
	memcpy(packet.sa.key + packet.sa.key_length, s.p, s.n);
	packet.sa.key_length = (uint16_t)(packet.sa.key_length + s.n);
}

static int number_of(const cJSON *row, const char *member)
{
	const cJSON *value = cJSON_GetObjectItemCaseSensitive(row, member);

	return cJSON_IsNumber(value) ? value->valueint : 0;
}

static enum contract_cipher by_size(size_t key_bytes, enum contract_cipher of128,
				    enum contract_cipher of192, enum contract_cipher of256)
{
	return key_bytes == 16 ? of128 : key_bytes == 24 ? of192 : of256;
}

enum aead { AEAD_GCM, AEAD_CCM, AEAD_CHACHA };

static enum contract_cipher aead_cipher(enum aead aead, size_t key_bytes)
{
	switch (aead) {
	case AEAD_CHACHA:
		return CONTRACT_CIPHER_CHACHA20_POLY1305;
	case AEAD_CCM:
		return by_size(key_bytes, CONTRACT_CIPHER_AES128_CCM, CONTRACT_CIPHER_NULL,
			       CONTRACT_CIPHER_AES256_CCM);
	default:
		return by_size(key_bytes, CONTRACT_CIPHER_AES128_GCM, CONTRACT_CIPHER_AES192_GCM,
			       CONTRACT_CIPHER_AES256_GCM);
	}
}

/* The nonce of AEAD is a salt, which stands behind the key, and the IV of the packet. */
static void nonce(const cJSON *row)
{
	struct span iv = get(row, "iv");
	size_t salt = iv.n - 8;

	memcpy(packet.sa.key + packet.sa.key_length, iv.p, salt);
	packet.sa.key_length = (uint16_t)(packet.sa.key_length + salt);
	memcpy(packet.esp + HEAD, iv.p + salt, 8);
	packet.n = packet.plain_at = HEAD + 8;
}

static void aead_row(const cJSON *row, enum aead aead, int id)
{
	size_t key_bytes = get(row, "key").n;
	enum contract_cipher cipher = aead_cipher(aead, key_bytes);
	struct span aad = get(row, "aad");
	bool esn = aad.n == 12;

	if ((aad.n != 8 && !esn) || cipher == CONTRACT_CIPHER_NULL)
		return;
	if (word(aad.p) == 0 || (word(aad.p + aad.n - 4) == 0 && (!esn || word(aad.p + 4) == 0)))
		return; /* no SPI, no number */
	begin(cipher, CONTRACT_INTEGRITY_NONE);
	append(row, "aad", 4);
	memcpy(packet.esp + 4, aad.p + aad.n - 4, 4);
	if (esn) {
		packet.high = word(aad.p + 4);
		if (packet.high == UINT32_MAX)
			return; /* an SA ends before the window would pass the last number */
		packet.sa.flags = CONTRACT_SA_ESN;
		packet.sa.sequence_start = ((uint64_t)packet.high << 32 | word(aad.p + 8)) - 1;
	}
	key(row, "key");
	nonce(row);
	vector_get(&packet.plain, row, "msg");
	append(row, "ct", SIZE_MAX);
	if (packet.plain.n < 4 || packet.plain.n % 4)
		return; /* RFC 4303 section 2.4: no ESP packet is like that */
	append(row, "tag", SIZE_MAX);
	packet.good = strcmp(vector_text(row, "result"), "valid") == 0;
	judge(aead == AEAD_CHACHA ? "chacha20-poly1305"
	      : aead == AEAD_CCM  ? "aes-ccm"
				  : "aes-gcm",
	      id);
}

/* RFC 4543: what is authenticated is the packet as it is. */
static void gmac_row(const cJSON *row, int id)
{
	begin(by_size(get(row, "key").n, CONTRACT_CIPHER_AES128_GMAC, CONTRACT_CIPHER_AES192_GMAC,
		      CONTRACT_CIPHER_AES256_GMAC),
	      CONTRACT_INTEGRITY_NONE);
	append(row, "aad", SIZE_MAX);
	key(row, "key");
	nonce(row);
	vector_get(&packet.plain, row, "aad");
	packet.plain.n -= packet.n;
	memmove(packet.plain.p, packet.plain.p + packet.n, packet.plain.n);
	packet.n += (uint32_t)packet.plain.n;
	append(row, "tag", SIZE_MAX);
	judge("aes-gmac", id);
}

/* The message of a MAC is SPI, number and a text that is not encrypted. */
static void mac_row(const cJSON *row, enum contract_integrity integrity, uint32_t icv_bytes, int id)
{
	bool good = strcmp(vector_text(row, "result"), "valid") == 0;
	struct span message = get(row, *vector_text(row, "msg") ? "msg" : "data");
	struct span mac;

	if (message.n < HEAD + 4 || message.n % 4 || message.n > 2000 || word(message.p + 4) == 0)
		return;
	begin(CONTRACT_CIPHER_NULL, integrity);
	memcpy(packet.esp, message.p, message.n);
	packet.n = (uint32_t)message.n;
	mac = get(row, "key");
	memcpy(packet.sa.integrity_key, mac.p, mac.n);
	packet.sa.integrity_key_length = (uint16_t)mac.n;
	packet.good = good || !*vector_text(row, "result");
	mac = get(row, *vector_text(row, "tag") ? "tag" : "mac");
	if (mac.n < icv_bytes || (mac.n > icv_bytes && !packet.good))
		return; /* what was changed may be behind what ESP takes of it */
	memcpy(packet.esp + packet.n, mac.p, icv_bytes);
	packet.n += icv_bytes;
	judge("mac", id);
}

/* RFC 4868's HMAC-SHA-256-128 over what was encrypted, because a cipher alone is no SA of ours. */
static void authenticate(void)
{
	uint8_t mac[32];
	unsigned int n = sizeof(mac);

	packet.sa.integrity = CONTRACT_INTEGRITY_SHA256_128;
	packet.sa.integrity_key_length = 32;
	memset(packet.sa.integrity_key, 0x5a, 32);
	HMAC(EVP_sha256(), packet.sa.integrity_key, 32, packet.esp, packet.n, mac, &n);
	memcpy(packet.esp + packet.n, mac, 16);
	packet.n += 16;
}

static void cipher_packet(const cJSON *row, const char *cipher_text)
{
	static const uint8_t head[HEAD] = { 0, 0, 0x43, 0x21, 0, 0, 0, 1 };

	memcpy(packet.esp, head, HEAD);
	packet.n = HEAD;
	append(row, "iv", SIZE_MAX);
	packet.plain_at = packet.n;
	append(row, cipher_text, SIZE_MAX);
	authenticate();
}

static void cbc_row(const cJSON *row, int id)
{
	struct span text = get(row, "ct");
	size_t n;

	if (text.n == 0 || text.n % 16 || strcmp(vector_text(row, "result"), "invalid") == 0)
		return;
	begin(by_size(get(row, "key").n, CONTRACT_CIPHER_AES128_CBC, CONTRACT_CIPHER_AES192_CBC,
		      CONTRACT_CIPHER_AES256_CBC),
	      CONTRACT_INTEGRITY_NONE);
	key(row, "key");
	cipher_packet(row, "ct");
	vector_get(&packet.plain, row, *vector_text(row, "msg") ? "msg" : "pt");
	n = packet.plain.n;
	if (*vector_text(row, "result")) { /* PKCS #5, which the vector counts as a part of it */
		memset(packet.plain.p + n, (int)(16 - n % 16), 16 - n % 16);
		packet.plain.n += 16 - n % 16;
	}
	judge("aes-cbc", id);
}

static void ctr_row(const cJSON *row, int id)
{
	begin(by_size(get(row, "key").n, CONTRACT_CIPHER_AES128_CTR, CONTRACT_CIPHER_AES192_CTR,
		      CONTRACT_CIPHER_AES256_CTR),
	      CONTRACT_INTEGRITY_NONE);
	key(row, "key");
	key(row, "nonce");
	cipher_packet(row, "ct");
	vector_get(&packet.plain, row, "pt");
	judge("aes-ctr", id);
}

/* RFC 7634 appendix A: a whole packet. */
static void chacha_packet(const cJSON *row)
{
	struct span whole;

	begin(CONTRACT_CIPHER_CHACHA20_POLY1305, CONTRACT_INTEGRITY_NONE);
	key(row, "keymat");
	whole = get(row, "esp_packet");
	packet.n = (uint32_t)whole.n - 20;
	memcpy(packet.esp, whole.p + 20, packet.n);
	packet.plain_at = HEAD + 8;
	vector_get(&packet.plain, row, "plain_packet");
	judge("RFC 7634", 1);
}

static void rfc_row(const cJSON *row, int id)
{
	const char *algorithm = vector_text(row, "alg");

	if (strcmp(algorithm, "AES-XCBC-MAC-96") == 0)
		mac_row(row, CONTRACT_INTEGRITY_AES_XCBC_96, 12, id);
	else if (strcmp(algorithm, "AES-CBC") == 0)
		cbc_row(row, id);
	else if (strcmp(algorithm, "AES-CTR(ESP)") == 0)
		ctr_row(row, id);
	else if (strcmp(algorithm, "ESP CHACHA20_POLY1305") == 0)
		chacha_packet(row);
}

static void rfcs(void **state)
{
	cJSON *json = vector_json("rfc-kat/rfc_kat.json");
	const cJSON *row;
	int id = 0;

	(void)state;
	done = 0;
	cJSON_ArrayForEach(row, cJSON_GetObjectItemCaseSensitive(json, "tests")) rfc_row(row, ++id);
	print_message("%u vectors of RFCs\n", done);
	assert_int_equal(done, 17); /* 9 of CTR, 4 of CBC, 3 of XCBC, a packet of ChaCha20 */
	cJSON_Delete(json);
}

/* draft-mcgrew-gcm-test-01, but for one with SPI 0 and one with the last number of all. */
static void packets_of_the_draft(void **state)
{
	cJSON *json = vector_json("gcm-esp/gcm_esp.json");
	const cJSON *row;
	int id = 0;

	(void)state;
	done = 0;
	cJSON_ArrayForEach(row, cJSON_GetObjectItemCaseSensitive(json, "tests"))
	{
		id++;
		if (strcmp(vector_text(row, "alg"), "ESP AES-GMAC") == 0)
			gmac_row(row, id);
		else
			aead_row(row, AEAD_GCM, id);
	}
	print_message("%u packets of the draft\n", done);
	assert_int_equal(done, 15); /* 14 of GCM with all three keys, one of GMAC */
	cJSON_Delete(json);
}

/* The answer of the step that seals and opens: no vector of these has an ESP header. */
static bool gmac_alone(const cJSON *row, struct cipher_lane *lane)
{
	static uint8_t expanded[CIPHER_KEY_BYTES] __attribute__((aligned(64)));
	static struct vector_bytes message, secret, iv, tag;
	enum contract_cipher cipher;
	const struct cipher_suite *suite;
	uint8_t buffer[16 + 512] = { 0 };
	uint8_t *esp = buffer + 16; /* what stands before it is there in any packet */
	uint8_t made[16];
	struct cipher_op op = {
		.text = esp + 16, .key = expanded, .head = 16, .tag_bytes = 16, .aad_bytes = 8
	};

	if (vector_get(&message, row, "msg").n < op.head || message.n > 512)
		return false;
	vector_get(&secret, row, "key");
	vector_get(&iv, row, "iv");
	vector_get(&tag, row, "tag");
	cipher = by_size(secret.n, CONTRACT_CIPHER_AES128_GMAC, CONTRACT_CIPHER_AES192_GMAC,
			 CONTRACT_CIPHER_AES256_GMAC);
	suite = cipher_suite_find(cipher, CONTRACT_INTEGRITY_NONE, 16);
	assert_non_null(suite);
	cipher_expand(lane, suite, secret.p, NULL, expanded);
	memcpy(esp, message.p, message.n);
	memcpy(op.aad, message.p, op.aad_bytes);
	memcpy(op.iv, iv.p, iv.n);
	op.length = (uint16_t)(message.n - op.head);
	op.tag = made;
	suite->seal(lane, &op, 1);
	assert_memory_equal(esp, message.p, message.n);
	if (strcmp(vector_text(row, "result"), "valid") == 0)
		assert_memory_equal(made, tag.p, sizeof(made));
	op.tag = tag.p;
	suite->open(lane, &op, 1);
	assert_int_equal(op.good, strcmp(vector_text(row, "result"), "valid") == 0);
	return true;
}

static void gmac_of_every_key(void **state)
{
	cJSON *json = vector_json("wycheproof/aes_gmac_test.json");
	struct cipher_lane *lane;
	const cJSON *group, *row;

	(void)state;
	done = 0;
	assert_int_equal(cipher_lane_new(&lane), 0);
	cJSON_ArrayForEach(group, cJSON_GetObjectItemCaseSensitive(json, "testGroups"))
	{
		if (number_of(group, "ivSize") != 96)
			continue;
		cJSON_ArrayForEach(row, cJSON_GetObjectItemCaseSensitive(group, "tests")) done +=
			gmac_alone(row, lane);
	}
	print_message("%u answers of GMAC\n", done);
	assert_int_equal(done, 3 * (8 + 27)); /* each key size: valid, invalid */
	cipher_lane_free(lane);
	cJSON_Delete(json);
}

struct source {
	const char *name;
	int key_bits; /* of ESP's; 0: any */
	int tag_bits;
	int integrity; /* 0: a cipher */
	uint32_t icv_bytes;
	uint32_t expected;
};

static void one_row(const struct source *s, const cJSON *row)
{
	int id = number_of(row, "tcId");

	if (s->integrity)
		mac_row(row, (enum contract_integrity)s->integrity, s->icv_bytes, id);
	else if (strstr(s->name, "cbc"))
		cbc_row(row, id);
	else
		aead_row(row,
			 strstr(s->name, "chacha") ? AEAD_CHACHA
			 : strstr(s->name, "ccm")  ? AEAD_CCM
						   : AEAD_GCM,
			 id);
}

static void one_source(const struct source *s)
{
	const cJSON *group, *row;
	char path[128];
	cJSON *json;
	int nonce_bits = strstr(s->name, "ccm") ? 88 : 96; /* RFC 4309 section 4 */

	snprintf(path, sizeof(path), "wycheproof/%s_test.json", s->name);
	json = vector_json(path);
	done = 0;
	cJSON_ArrayForEach(group, cJSON_GetObjectItemCaseSensitive(json, "testGroups"))
	{
		if ((s->key_bits && number_of(group, "keySize") != s->key_bits) ||
		    (s->tag_bits && number_of(group, "tagSize") != s->tag_bits) ||
		    (!s->integrity && s->tag_bits && number_of(group, "ivSize") != nonce_bits))
			continue;
		cJSON_ArrayForEach(row, cJSON_GetObjectItemCaseSensitive(group, "tests"))
			one_row(s, row);
	}
	print_message("%-24s %u\n", s->name, done);
	assert_int_equal(done, s->expected);
	cJSON_Delete(json);
}

static void wycheproof(void **state)
{
	static const struct source sources[] = {
		{ "aes_gcm", 0, 128, 0, 0, 4 },
		{ "aes_ccm", 0, 128, 0, 0, 2 },
		{ "chacha20_poly1305", 256, 128, 0, 0, 13 },
		{ "aes_cbc_pkcs5", 0, 0, 0, 0, 72 },
		{ "hmac_sha1", 160, 160, CONTRACT_INTEGRITY_SHA1_96, 12, 7 },
		{ "hmac_sha256", 256, 128, CONTRACT_INTEGRITY_SHA256_128, 16, 34 },
		{ "hmac_sha384", 384, 192, CONTRACT_INTEGRITY_SHA384_192, 24, 34 },
		{ "hmac_sha512", 512, 256, CONTRACT_INTEGRITY_SHA512_256, 32, 34 },
		{ "aes_cmac", 128, 128, CONTRACT_INTEGRITY_AES_CMAC_96, 12, 4 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(sources) / sizeof(sources[0]); i++)
		one_source(&sources[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rfcs),
		cmocka_unit_test(packets_of_the_draft),
		cmocka_unit_test(gmac_of_every_key),
		cmocka_unit_test(wycheproof),
	};
	struct bed_config config = { .tunnels = 4, .buffers = 64 };
	struct contract_tunnel tunnel = { .nexthop = BED_NEXTHOP_PUBLIC,
					  .source_check = CONTRACT_SOURCE_OFF };
	int failed;

	test_eal_init();
	bed = bed_new(&config);
	bed_tunnel(bed, 1);
	if (bed_put(bed, CONTRACT_TUNNEL, 1, &tunnel, sizeof(tunnel)))
		return 1;
	spis_init(bed);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	bed_free(bed);
	spis_fini();
	return failed;
}
