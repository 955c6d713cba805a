/*
 * ESP packets that others have made (test/vectors/dpdk-esp, or what others.py writes), in by the
 * public port: what was inside leaves to the byte. Each once more with its last byte changed must
 * not.
 *
 *     test_packet_vectors FILE              opens them
 *     test_packet_vectors --seal FILE OUT   sends each plain_packet and writes what left
 */
#include "../unit/cmocka_all.h"
#include "../unit/dataplane/eal.h"
#include "craft.h"
#include "spis.h"

#include <cjson/cJSON.h>

/* Of 27 in DPDK's file: three AH, four DES, one MD5, one without integrity. */
#define DPDK_EXPECTED 18

static struct bed *bed;
static cJSON *file;

static const char *text_of(const cJSON *test, const char *name)
{
	const cJSON *item = cJSON_GetObjectItem(test, name);

	return item ? item->valuestring : "";
}

static uint32_t hex_of(const cJSON *test, const char *name, uint8_t *to)
{
	const char *text = text_of(test, name);
	uint32_t n = (uint32_t)strlen(text) / 2;
	unsigned int byte;

	for (uint32_t i = 0; i < n; i++) {
		sscanf(text + 2 * i, "%2x", &byte);
		to[i] = (uint8_t)byte;
	}
	return n;
}

static bool of_dpdk(void)
{
	return strncmp(text_of(file, "origin"), "DPDK", 4) == 0;
}

struct name {
	const char *text;
	uint8_t bytes; /* of the key */
	int value;
};

static int name_find(const struct name *names, const char *text, uint32_t bytes)
{
	for (; names->text; names++)
		if (strcmp(names->text, text) == 0 && (!names->bytes || names->bytes == bytes))
			return names->value;
	return -1;
}

static int cipher_of(const cJSON *test, uint32_t key_bytes)
{
	static const struct name names[] = {
		{ "AES_GCM", 16, CONTRACT_CIPHER_AES128_GCM },
		{ "AES_GCM", 24, CONTRACT_CIPHER_AES192_GCM },
		{ "AES_GCM", 32, CONTRACT_CIPHER_AES256_GCM },
		{ "AES_CCM", 16, CONTRACT_CIPHER_AES128_CCM },
		{ "AES_CCM", 32, CONTRACT_CIPHER_AES256_CCM },
		{ "AES_GMAC", 16, CONTRACT_CIPHER_AES128_GMAC },
		{ "AES_GMAC", 24, CONTRACT_CIPHER_AES192_GMAC },
		{ "AES_GMAC", 32, CONTRACT_CIPHER_AES256_GMAC },
		{ "CHACHA20_POLY1305", 32, CONTRACT_CIPHER_CHACHA20_POLY1305 },
		{ "AES_CBC", 16, CONTRACT_CIPHER_AES128_CBC },
		{ "AES_CBC", 24, CONTRACT_CIPHER_AES192_CBC },
		{ "AES_CBC", 32, CONTRACT_CIPHER_AES256_CBC },
		{ "AES_CTR", 16, CONTRACT_CIPHER_AES128_CTR },
		{ "AES_CTR", 24, CONTRACT_CIPHER_AES192_CTR },
		{ "AES_CTR", 32, CONTRACT_CIPHER_AES256_CTR },
		{ "3DES_CBC", 24, CONTRACT_CIPHER_DES3_CBC },
		{ "NULL", 0, CONTRACT_CIPHER_NULL },
		{ NULL, 0, 0 },
	};
	const char *aead = text_of(test, "aead_algo");

	return name_find(names, *aead ? aead : text_of(test, "cipher_algo"), key_bytes);
}

static int integrity_of(const cJSON *test)
{
	static const struct name names[] = {
		{ "", 0, CONTRACT_INTEGRITY_NONE },
		{ "SHA1_HMAC", 0, CONTRACT_INTEGRITY_SHA1_96 },
		{ "AES_CMAC", 0, CONTRACT_INTEGRITY_AES_CMAC_96 },
		{ "SHA256_HMAC", 0, CONTRACT_INTEGRITY_SHA256_128 },
		{ "SHA384_HMAC", 0, CONTRACT_INTEGRITY_SHA384_192 },
		{ "SHA512_HMAC", 0, CONTRACT_INTEGRITY_SHA512_256 },
		{ "AES_XCBC_MAC", 0, CONTRACT_INTEGRITY_AES_XCBC_96 },
		{ NULL, 0, 0 },
	};

	return name_find(names, text_of(test, "auth_algo"), 0);
}

/* The inbound SA of a test; false: nothing that the gateway takes. */
static bool sa_of(const cJSON *test, struct contract_sa *sa)
{
	uint32_t key = (uint32_t)strlen(text_of(test, "enc_key")) / 2;
	int cipher = cipher_of(test, key);
	int integrity = integrity_of(test);

	*sa = (struct contract_sa){ .direction = CONTRACT_INBOUND,
				    .spi = (uint32_t)strtoul(text_of(test, "spi"), NULL, 0),
				    .tunnel = 1,
				    .child = 1,
				    .window = 64 };
	if (strcmp(text_of(test, "proto"), "ESP") != 0 || cipher < 0 || integrity < 0)
		return false;
	sa->cipher = (uint8_t)cipher;
	sa->integrity = (uint8_t)integrity;
	key = hex_of(test, "enc_key", sa->key);
	sa->key_length = (uint16_t)(key + hex_of(test, "salt", sa->key + key));
	sa->integrity_key_length = (uint16_t)hex_of(test, "auth_key", sa->integrity_key);
	sa->sequence_start = strtoull(text_of(test, "after"), NULL, 0);
	sa->flags = *text_of(test, "esn") ? CONTRACT_SA_ESN : 0;
	return true;
}

/* To us: the outer addresses are not authenticated. */
static void address_to_us(uint8_t *outer)
{
	bool ip6 = outer[0] >> 4 == 6;
	struct net_addr us = bed_local(ip6);
	struct net_ip4_hdr *ip = (struct net_ip4_hdr *)outer;

	memcpy(outer + (ip6 ? 24 : 16), us.bytes, net_addr_len(&us));
	if (ip6)
		return;
	ip->checksum_be = 0;
	ip->checksum_be = net_checksum_fold(net_checksum_add(0, ip, sizeof(*ip)));
}

static void one(const cJSON *test, const struct contract_sa *sa)
{
	struct sa_slot *slot = spis_add(bed, sa);
	uint64_t forged = bed_drops(bed, CONTRACT_DROP_ESP_ICV);
	uint8_t outer[2048];
	uint8_t inner[2048];
	uint32_t n = hex_of(test, "protected_packet", outer);
	uint32_t expected = hex_of(test, "plain_packet", inner);
	struct rte_mbuf *m;

	address_to_us(outer);
	if (!slot)
		fail_msg("%s: %s", text_of(test, "name"), sa_reason(bed->sas));
	outer[n - 1] ^= 1;
	craft_run(bed, 1, craft_frame(bed, outer, n, true));
	assert_int_equal(bed_drops(bed, CONTRACT_DROP_ESP_ICV), forged + 1);
	outer[n - 1] ^= 1;
	craft_run(bed, 1, craft_frame(bed, outer, n, true));
	m = craft_sent(bed, 0);
	if (!m)
		m = craft_sent(bed, 1);
	if (!m)
		fail_msg("%s: nothing left", text_of(test, "name"));
	craft_forwarded(inner);
	assert_int_equal(m->data_len, 14 + expected);
	assert_memory_equal(rte_pktmbuf_mtod(m, uint8_t *) + 14, inner, expected);
	bed_drop(m);
	spis_del(bed, slot);
}

/* The plain packet in by the private port; what leaves, as a line of the answer. */
static void seal_one(const cJSON *test, struct contract_sa *sa, FILE *out)
{
	struct contract_object gone = { .kind = CONTRACT_SA, .id = 2 };
	uint8_t inner[2048];
	uint32_t n = hex_of(test, "plain_packet", inner);
	struct rte_mbuf *m;

	sa->direction = CONTRACT_OUTBOUND;
	sa->flags |= *text_of(test, "udp") ? CONTRACT_SA_UDP : 0;
	sa->local_port = sa->remote_port = NET_PORT_NATT;
	sa->local = bed_local(*text_of(test, "outer6"));
	sa->remote = bed_remote(1, *text_of(test, "outer6"));
	if (bed_put(bed, CONTRACT_SA, 2, sa, sizeof(*sa)))
		fail_msg("%s: %s", text_of(test, "name"), sa_reason(bed->sas));
	bed_child(bed, 1, 2);
	craft_run(bed, 0, craft_frame(bed, inner, n, false));
	m = craft_sent(bed, 1);
	if (!m)
		fail_msg("%s: nothing left", text_of(test, "name"));
	for (uint32_t i = 14; i < m->data_len; i++)
		fprintf(out, "%02x", rte_pktmbuf_mtod(m, uint8_t *)[i]);
	fprintf(out, "\n");
	bed_drop(m);
	bed_child(bed, 1, 0);
	assert_int_equal(sa_del(bed->sas, &gone, NULL), 0);
}

static void packets_for_others(void **state)
{
	FILE *out = fopen(*state, "w");
	const cJSON *test;

	assert_non_null(out);
	cJSON_ArrayForEach(test, cJSON_GetObjectItem(file, "tests"))
	{
		struct contract_sa sa;

		if (!sa_of(test, &sa))
			fail_msg("%s: not an SA of ours", text_of(test, "name"));
		seal_one(test, &sa, out);
	}
	assert_int_equal(fclose(out), 0);
}

static void packets_of_others(void **state)
{
	const cJSON *tests = cJSON_GetObjectItem(file, "tests");
	const cJSON *test;
	int done = 0;

	(void)state;
	cJSON_ArrayForEach(test, tests)
	{
		struct contract_sa sa;

		if (!sa_of(test, &sa))
			continue;
		one(test, &sa);
		done++;
	}
	assert_int_equal(done, of_dpdk() ? DPDK_EXPECTED : cJSON_GetArraySize(tests));
}

static cJSON *load(const char *path)
{
	static char text[16 << 20];
	FILE *in = fopen(path, "r");
	size_t n = in ? fread(text, 1, sizeof(text) - 1, in) : 0;

	if (in)
		fclose(in);
	text[n] = 0;
	return cJSON_Parse(text);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest open[] = { cmocka_unit_test(packets_of_others) };
	const struct CMUnitTest seal[] = { cmocka_unit_test_prestate(packets_for_others,
								     argv[argc - 1]) };
	bool sealing = argc > 3 && strcmp(argv[1], "--seal") == 0;
	struct bed_config config = { .tunnels = 4, .buffers = 64 };
	struct contract_tunnel tunnel = { .nexthop = BED_NEXTHOP_PUBLIC,
					  .source_check = CONTRACT_SOURCE_OFF };
	int failed;

	file = argc > 1 ? load(argv[sealing ? 2 : 1]) : NULL;
	if (!file)
		return 1;
	test_eal_init();
	bed = bed_new(&config);
	bed_tunnel(bed, 1);
	if (bed_put(bed, CONTRACT_TUNNEL, 1, &tunnel, sizeof(tunnel)))
		return 1;
	if (!sealing)
		spis_init(bed);
	failed = sealing ? cmocka_run_group_tests(seal, NULL, NULL)
			 : cmocka_run_group_tests(open, NULL, NULL);
	bed_free(bed);
	if (!sealing)
		spis_fini();
	cJSON_Delete(file);
	return failed;
}
