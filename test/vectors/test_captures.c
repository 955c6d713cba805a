/*
 * Exchanges of a peer (strongSwan), captured with every secret: each message is opened, checked
 * and decoded; keys of IKE and child SAs, rekeys, PPK and AUTH are computed again.
 */
#include "vector.h"

#include "control/crypto/cert.h"
#include "control/ike/auth.h"
#include "control/ike/fragment.h"
#include "control/ike/identity.h"
#include "control/ike/payload.h"
#include "control/ike/proposal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct sa {
	uint64_t spi_i;
	uint64_t spi_r;
	struct ike_suite suite;
	struct ike_keys keys;
	uint8_t ni[256], nr[256];
	size_t ni_n, nr_n;
	struct span init_i, init_r; /* first messages, in the file */
	uint8_t id_i[256], id_r[256];
	size_t id_i_n, id_r_n;
};

struct pending { /* of a CREATE_CHILD_SA request */
	uint8_t ni[256];
	size_t ni_n;
	uint8_t spi[8];
};

#define COUNTERS 32

struct run {
	const cJSON *log;
	struct {
		const char *name;
		int seen;
	} counters[COUNTERS];
	struct sa sas[4];
	size_t sa_count;
	struct pending pending[2]; /* by whose request it is */
	struct ike_reassembly reassembly[2];
	int messages, opened, auths, signatures, children, rekeys;
};

static struct crypto *crypto;
static struct ike_proposal policy[4];
static struct crypto_trust *trust;

/* The n-th secret of this name in the initiator's log, counted per name. */
static struct span next_secret(struct run *run, const char *name, struct vector_bytes *out)
{
	const cJSON *item;
	int skip = 0;

	for (size_t i = 0; i < COUNTERS; i++) {
		if (!run->counters[i].name)
			run->counters[i].name = name;
		if (strcmp(run->counters[i].name, name) == 0) {
			skip = run->counters[i].seen++;
			break;
		}
	}
	out->n = 0;
	cJSON_ArrayForEach(item, run->log)
	{
		if (strcmp(vector_text(item, "item"), name) == 0 && skip-- == 0)
			return vector_get(out, item, "hex");
	}
	return (struct span){ 0 };
}

/* In the log in whatever place: exchanges of both sides cross. */
static void logged(const struct run *run, const char *name, struct span got)
{
	static struct vector_bytes b;
	const cJSON *item;

	cJSON_ArrayForEach(item, run->log)
	{
		if (strcmp(vector_text(item, "item"), name) != 0)
			continue;
		vector_get(&b, item, "hex");
		if (b.n == got.n && memcmp(b.p, got.p, got.n) == 0)
			return;
	}
	fail_msg("%s (%zu bytes) is not in the log", name, got.n);
}

static void keys_are_logged(const struct run *run, const struct ike_keys *keys)
{
	logged(run, "Sk_d secret", ike_keys_d(keys));
	if (keys->integ_bytes) {
		logged(run, "Sk_ai secret", ike_keys_a(keys, true));
		logged(run, "Sk_ar secret", ike_keys_a(keys, false));
	}
	logged(run, "Sk_ei secret", ike_keys_e(keys, true));
	logged(run, "Sk_er secret", ike_keys_e(keys, false));
	logged(run, "Sk_pi secret", ike_keys_p(keys, true));
	logged(run, "Sk_pr secret", ike_keys_p(keys, false));
}

static struct ike_suite suite_of(const struct ike_payload *payload, uint8_t protocol,
				 uint8_t spi_size, bool ignore_dh)
{
	struct ike_select select = { .policy = policy,
				     .count = 4,
				     .protocol = protocol,
				     .spi_size = spi_size,
				     .ignore_dh = ignore_dh };
	struct ike_suite suite;

	assert_non_null(payload);
	assert_int_equal(ike_sa_check(payload->body), IKE_ERROR_OK);
	assert_int_equal(ike_select(&select, payload->body, &suite), 0);
	return suite;
}

static size_t copy(uint8_t *to, struct span from)
{
	assert_true(from.n <= 256);
	memcpy(to, from.p, from.n);
	return from.n;
}

static struct span body_of(const struct ike_message *m, uint8_t type)
{
	const struct ike_payload *payload = ike_message_find(m, type);

	return payload ? payload->body : (struct span){ 0 };
}

static void sa_init(struct run *run, const struct ike_message *m)
{
	static struct vector_bytes shared;
	struct sa *sa = &run->sas[0];
	struct ike_exchange_secrets in;

	assert_int_equal(ike_message_check((struct ike_message *)m), IKE_ERROR_OK);
	if (!ike_header_is_response(&m->header)) {
		sa->init_i = m->bytes;
		sa->ni_n = copy(sa->ni, body_of(m, IKE_PAYLOAD_NONCE));
		return;
	}
	if (!ike_message_find(m, IKE_PAYLOAD_SA))
		return; /* an error */
	sa->init_r = m->bytes;
	sa->nr_n = copy(sa->nr, body_of(m, IKE_PAYLOAD_NONCE));
	sa->spi_i = m->header.spi_i;
	sa->spi_r = m->header.spi_r;
	sa->suite = suite_of(ike_message_find(m, IKE_PAYLOAD_SA), IKE_PROTOCOL_IKE, 0, false);
	in = (struct ike_exchange_secrets){
		.ni = { sa->ni, sa->ni_n },
		.nr = { sa->nr, sa->nr_n },
		.shared = next_secret(run, "shared Diffie Hellman secret", &shared),
		.spi_i = sa->spi_i,
		.spi_r = sa->spi_r,
	};
	assert_int_equal(ike_keymat_initial(crypto, &sa->suite, &in, &sa->keys), 0);
	keys_are_logged(run, &sa->keys);
	run->sa_count = 1;
}

static struct ike_auth_octets octets_of(const struct sa *sa, const struct ike_keys *keys,
					bool response)
{
	return (struct ike_auth_octets){
		.message = response ? sa->init_r : sa->init_i,
		.nonce = response ? (struct span){ sa->ni, sa->ni_n }
				  : (struct span){ sa->nr, sa->nr_n },
		.id = response ? (struct span){ sa->id_r, sa->id_r_n }
			       : (struct span){ sa->id_i, sa->id_i_n },
		.sk_p = ike_keys_p(keys, !response),
		.prf = ike_suite_prf(&sa->suite),
	};
}

#define CAPTURED_S 1795305600 /* 2026-11-22 */

/* Chain, identity and signature of the side that sent this message. */
static void check_signature(struct run *run, const struct sa *sa, const struct ike_message *m,
			    struct ike_auth_payload *auth)
{
	bool response = ike_header_is_response(&m->header);
	struct ike_auth_octets octets = octets_of(sa, &sa->keys, response);
	const struct ike_payload *payload = ike_message_find(m, IKE_PAYLOAD_CERT);
	struct crypto_chain_check check = { .trust = trust, .now_s = CAPTURED_S };
	struct ike_id_payload id;
	struct ike_cert cert;
	uint8_t wrong[1024];

	assert_non_null(payload);
	assert_int_equal(ike_cert_decode(payload->body, &cert), IKE_ERROR_OK);
	assert_int_equal(crypto_cert_load(cert.data, &check.leaf), 0);
	assert_string_equal(crypto_chain_text(crypto_chain_check(&check)), "the chain is good");
	assert_int_equal(ike_id_decode(octets.id, &id), IKE_ERROR_OK);
	assert_true(ike_id_in_cert(id.type, id.data, check.leaf));
	assert_int_equal(ike_auth_verify(crypto, crypto_cert_key(check.leaf), IKE_AUTH_HASHES,
					 &octets, auth),
			 0);
	/* Another message, or another last octet of the signature. */
	octets.message.n--;
	assert_int_equal(ike_auth_verify(crypto, crypto_cert_key(check.leaf), IKE_AUTH_HASHES,
					 &octets, auth),
			 -EBADMSG);
	octets.message.n++;
	memcpy(wrong, auth->data.p, auth->data.n);
	wrong[auth->data.n - 1] ^= 1;
	auth->data.p = wrong;
	assert_int_equal(ike_auth_verify(crypto, crypto_cert_key(check.leaf), IKE_AUTH_HASHES,
					 &octets, auth),
			 -EBADMSG);
	crypto_cert_put(check.leaf);
	run->signatures++;
}

static void check_auth(struct run *run, struct sa *sa, const struct ike_message *m)
{
	static struct vector_bytes secret, ppk;
	bool response = ike_header_is_response(&m->header);
	const struct ike_payload *payload = ike_message_find(m, IKE_PAYLOAD_AUTH);
	struct ike_auth_octets octets;
	struct ike_auth_payload auth;
	struct ike_keys keys;
	struct span key, mix;

	if (!payload)
		return;
	assert_int_equal(ike_auth_decode(payload->body, &auth), IKE_ERROR_OK);
	if (auth.method != IKE_AUTH_SHARED_KEY_MIC) {
		check_signature(run, sa, m, &auth);
		return;
	}
	keys = sa->keys;
	assert_int_equal(secret_copy(&keys.block, sa->keys.block.p, sa->keys.block.n), 0);
	mix = next_secret(run, "PPK", &ppk);
	if (mix.n)
		assert_int_equal(ike_keymat_ppk(crypto, mix, &keys), 0);
	octets = (struct ike_auth_octets){
		.message = response ? sa->init_r : sa->init_i,
		.nonce = response ? (struct span){ sa->ni, sa->ni_n }
				  : (struct span){ sa->nr, sa->nr_n },
		.id = response ? (struct span){ sa->id_r, sa->id_r_n }
			       : (struct span){ sa->id_i, sa->id_i_n },
		.sk_p = ike_keys_p(&keys, !response),
		.prf = ike_suite_prf(&sa->suite),
	};
	key = next_secret(run, "secret", &secret);
	assert_int_equal(ike_auth_psk_check(crypto, key, &octets, auth.data), 0);
	secret.p[0] ^= 1;
	assert_int_not_equal(ike_auth_psk_check(crypto, key, &octets, auth.data), 0);
	if (response && mix.n) {
		ike_keys_wipe(&sa->keys);
		sa->keys = keys;
	} else {
		ike_keys_wipe(&keys);
	}
	run->auths++;
}

static void child(struct run *run, struct sa *sa, const struct ike_suite *suite,
		  const struct ike_exchange_secrets *in)
{
	static const char *const encryption[] = { "encryption initiator key",
						  "encryption responder key" };
	static const char *const integrity[] = { "integrity initiator key",
						 "integrity responder key" };
	struct ike_child_keys keys;
	struct contract_sa contract = { 0 };

	assert_int_equal(ike_keymat_child(crypto, &sa->keys, suite, in, &keys), 0);
	for (int i = 0; i < 2; i++) {
		ike_child_sa_fill(&contract, suite, &keys, !i);
		logged(run, encryption[i], (struct span){ contract.key, contract.key_length });
		if (!ike_suite_is_aead(suite))
			logged(run, integrity[i],
			       (struct span){ contract.integrity_key,
					      contract.integrity_key_length });
	}
	ike_child_keys_wipe(&keys);
	run->children++;
}

static void ike_auth(struct run *run, struct sa *sa, const struct ike_message *m)
{
	bool response = ike_header_is_response(&m->header);
	struct ike_suite suite;

	if (ike_message_find(m, IKE_PAYLOAD_IDi) && !response)
		sa->id_i_n = copy(sa->id_i, body_of(m, IKE_PAYLOAD_IDi));
	if (ike_message_find(m, IKE_PAYLOAD_IDr) && response)
		sa->id_r_n = copy(sa->id_r, body_of(m, IKE_PAYLOAD_IDr));
	check_auth(run, sa, m);
	if (!response || !ike_message_find(m, IKE_PAYLOAD_SA))
		return;
	suite = suite_of(ike_message_find(m, IKE_PAYLOAD_SA), IKE_PROTOCOL_ESP, 4, true);
	child(run, sa, &suite,
	      &(struct ike_exchange_secrets){ .ni = { sa->ni, sa->ni_n },
					      .nr = { sa->nr, sa->nr_n } });
}

static void create_child(struct run *run, struct sa *sa, const struct ike_message *m)
{
	static struct vector_bytes shared;
	const struct ike_payload *payload = ike_message_find(m, IKE_PAYLOAD_SA);
	bool response = ike_header_is_response(&m->header);
	struct pending *pending = &run->pending[response != ike_header_is_initiator(&m->header)];
	struct ike_exchange_secrets in = { .ni = { pending->ni, pending->ni_n },
					   .nr = body_of(m, IKE_PAYLOAD_NONCE) };
	bool ike = payload && payload->body.p[5] == IKE_PROTOCOL_IKE;
	struct ike_suite suite;
	struct sa *next;

	if (!payload)
		return;
	suite = suite_of(payload, ike ? IKE_PROTOCOL_IKE : IKE_PROTOCOL_ESP, ike ? 8 : 4, false);
	if (!response) {
		pending->ni_n = copy(pending->ni, body_of(m, IKE_PAYLOAD_NONCE));
		memcpy(pending->spi, suite.spi, 8);
		return;
	}
	if (!ike) {
		if (ike_message_find(m, IKE_PAYLOAD_KE))
			in.shared = next_secret(run, "DH secret", &shared);
		child(run, sa, &suite, &in);
		return;
	}
	next = &run->sas[run->sa_count++];
	in.shared = next_secret(run, "shared Diffie Hellman secret", &shared);
	for (int i = 0; i < 8; i++) {
		in.spi_i = in.spi_i << 8 | pending->spi[i];
		in.spi_r = in.spi_r << 8 | suite.spi[i];
	}
	*next = (struct sa){ .spi_i = in.spi_i, .spi_r = in.spi_r, .suite = suite };
	assert_int_equal(ike_keymat_rekey(crypto, &sa->keys, &suite, &in, &next->keys), 0);
	keys_are_logged(run, &next->keys);
	run->rekeys++;
}

static enum ike_error decode_one(const struct ike_payload *payload)
{
	static struct ike_ts ts;
	struct ike_ke ke;
	struct ike_id_payload id;
	struct ike_cert cert;
	struct ike_auth_payload auth;
	struct ike_notify notify;
	struct ike_delete del;
	struct ike_cp cp;
	struct ike_eap eap;
	struct span nonce;

	switch (payload->type) {
	case IKE_PAYLOAD_KE:
		return ike_ke_decode(payload->body, &ke);
	case IKE_PAYLOAD_IDi:
	case IKE_PAYLOAD_IDr:
		return ike_id_decode(payload->body, &id);
	case IKE_PAYLOAD_CERT:
		return ike_cert_decode(payload->body, &cert);
	case IKE_PAYLOAD_CERTREQ:
		return ike_certreq_decode(payload->body, &cert);
	case IKE_PAYLOAD_AUTH:
		return ike_auth_decode(payload->body, &auth);
	case IKE_PAYLOAD_NONCE:
		return ike_nonce_decode(payload->body, &nonce);
	case IKE_PAYLOAD_N:
		return ike_notify_decode(payload->body, &notify);
	case IKE_PAYLOAD_D:
		return ike_delete_decode(payload->body, &del);
	case IKE_PAYLOAD_TSi:
	case IKE_PAYLOAD_TSr:
		return ike_ts_decode(payload->body, &ts);
	case IKE_PAYLOAD_CP:
		return ike_cp_decode(payload->body, &cp);
	case IKE_PAYLOAD_EAP:
		return ike_eap_decode(payload->body, &eap);
	default:
		return IKE_ERROR_OK;
	}
}

static void complete(struct run *run, struct sa *sa, struct ike_message *m)
{
	assert_int_equal(ike_message_check(m), IKE_ERROR_OK);
	for (uint16_t i = 0; i < m->count; i++)
		assert_int_equal(decode_one(&m->payloads[i]), IKE_ERROR_OK);
	if (m->header.exchange == IKE_AUTH)
		ike_auth(run, sa, m);
	else if (m->header.exchange == CREATE_CHILD_SA)
		create_child(run, sa, m);
}

static void protected(struct run *run, struct ike_message *m)
{
	struct ike_sk sk = { .crypto = crypto, .initiator = ike_header_is_initiator(&m->header) };
	struct ike_content whole = { 0 };
	struct span content;
	struct sa *sa = NULL;

	for (size_t i = 0; i < run->sa_count; i++)
		if (run->sas[i].spi_i == m->header.spi_i)
			sa = &run->sas[i];
	assert_non_null(sa);
	sk.suite = &sa->suite;
	sk.keys = &sa->keys;
	assert_int_equal(ike_sk_open(&sk, m, &content), IKE_ERROR_OK);
	run->opened++;
	if (m->sk_type == IKE_PAYLOAD_SKF) {
		struct ike_reassembly *r = &run->reassembly[ike_header_is_response(&m->header)];

		assert_int_equal(ike_reassembly_add(r, m, content, 0, &whole), IKE_ERROR_OK);
		if (!whole.bytes)
			return;
		assert_int_equal(
			ike_message_append(m, r->first, (struct span){ whole.bytes, whole.n }),
			IKE_ERROR_OK);
		ike_reassembly_reset(r);
	}
	complete(run, sa, m);
	ike_content_fini(&whole);
}

static void datagram(struct run *run, struct span udp, uint16_t port)
{
	static struct ike_message m;
	struct span message = udp;

	if (port == IKE_PORT_NATT && ike_natt_classify(udp, &message) != IKE_NATT_IKE)
		return;
	assert_int_equal(ike_message_decode(message, &m), IKE_ERROR_OK);
	run->messages++;
	if (m.header.exchange == IKE_SA_INIT)
		sa_init(run, &m);
	else
	protected(run, &m);
}

static uint16_t be16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static uint32_t le32(const uint8_t *p)
{
	return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

/* Classic pcap, little endian, Ethernet or raw IPv4 after the link header. */
static void walk(struct run *run, uint8_t *file, size_t n)
{
	uint32_t link = le32(file + 20);
	size_t skip = link == 1 ? 14 : link == 113 ? 16 : link == 276 ? 20 : 0;

	for (size_t at = 24; at + 16 <= n;) {
		uint32_t length = le32(file + at + 8);
		uint8_t *ip = file + at + 16 + skip;
		uint8_t *udp = ip + (size_t)(ip[0] & 15) * 4;

		at += 16 + length;
		if (ip[0] >> 4 != 4 || ip[9] != 17)
			continue;
		if (be16(udp) != IKE_PORT && be16(udp) != IKE_PORT_NATT)
			continue;
		datagram(run, (struct span){ udp + 8, be16(udp + 4) - 8u }, be16(udp));
	}
}

struct expected {
	const char *name;
	int messages, auths, signatures, children, rekeys;
};

static void capture(const struct expected *expected)
{
	static struct run run;
	char path[128];
	uint8_t *pcap;
	cJSON *keys;
	size_t n;

	run = (struct run){ 0 };
	snprintf(path, sizeof(path), "ike-captures/%s.keys.json", expected->name);
	keys = vector_json(path);
	run.log = cJSON_GetObjectItemCaseSensitive(
		cJSON_GetObjectItemCaseSensitive(keys, "log_secrets"), "initiator");
	snprintf(path, sizeof(path), "ike-captures/%s.pcap", expected->name);
	pcap = vector_file(path, &n);
	walk(&run, pcap, n);
	print_message(
		"%-48s %d messages, %d opened, %d AUTH, %d signatures, %d children, %d rekeys\n",
		expected->name, run.messages, run.opened, run.auths, run.signatures, run.children,
		run.rekeys);
	assert_int_equal(run.messages, expected->messages);
	assert_int_equal(run.auths, expected->auths);
	assert_int_equal(run.signatures, expected->signatures);
	assert_int_equal(run.children, expected->children);
	assert_int_equal(run.rekeys, expected->rekeys);
	for (size_t i = 0; i < run.sa_count; i++)
		ike_keys_wipe(&run.sas[i].keys);
	free(pcap);
	cJSON_Delete(keys);
}

static void captures(void **state)
{
	static const struct expected all[] = {
		{ "ikev2-auth-failed-wrong-psk", 4, 1, 0, 0, 0 },
		{ "ikev2-cert-ecdsa-rfc7427", 6, 0, 2, 1, 0 },
		{ "ikev2-cert-rsa-fragmented", 10, 0, 2, 1, 0 },
		{ "ikev2-dpd", 14, 2, 0, 1, 0 },
		{ "ikev2-eap-mschapv2-virtual-ip", 19, 2, 1, 2, 0 },
		{ "ikev2-eap-mschapv2-wrong-password", 11, 0, 1, 0, 0 },
		{ "ikev2-mobike-supported", 22, 2, 0, 3, 0 },
		{ "ikev2-no-proposal-chosen", 2, 0, 0, 0, 0 },
		{ "ikev2-psk-aes128cbc-sha256-modp2048", 14, 2, 0, 2, 1 },
		{ "ikev2-psk-aes256cbc-sha512-modp3072", 14, 2, 0, 2, 1 },
		{ "ikev2-psk-aes256gcm16-prfsha384-ecp384", 14, 2, 0, 2, 1 },
		{ "ikev2-psk-chacha20poly1305-prfsha256-x25519", 14, 2, 0, 2, 1 },
		{ "ikev2-psk-legacy-aes128cbc-sha1-modp1024", 6, 2, 0, 1, 0 },
		{ "ikev2-psk-ppk-rfc8784", 6, 2, 0, 1, 0 },
		{ "ikev2-ts-unacceptable", 6, 2, 0, 0, 0 },
	};

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		capture(&all[i]);
}

static int load_trust(void)
{
	struct crypto_cert *ca;
	size_t n;
	uint8_t *pem = vector_file("ike-captures/pki/caCert.pem", &n);

	if (crypto_cert_load((struct span){ pem, n }, &ca) || crypto_trust_new(&trust) ||
	    crypto_trust_add_anchor(trust, ca))
		return -1;
	crypto_cert_put(ca);
	free(pem);
	return 0;
}

static int start(void **state)
{
	static const struct {
		uint8_t protocol;
		const char *text;
	} proposals[] = {
		{ IKE_PROTOCOL_IKE, "aes128gcm16-aes256gcm16-chacha20poly1305-prfsha256-prfsha384-"
				    "prfsha512-modp2048-modp3072-ecp256-ecp384-x25519-modp1024" },
		{ IKE_PROTOCOL_IKE, "aes128-aes256-3des-sha1-sha256-sha384-sha512-modp2048-"
				    "modp3072-ecp256-ecp384-x25519-modp1024" },
		{ IKE_PROTOCOL_ESP, "aes128gcm16-aes256gcm16-chacha20poly1305-nopfs-modp2048-"
				    "modp3072-ecp256-ecp384-x25519-modp1024-noesn-esn" },
		{ IKE_PROTOCOL_ESP, "aes128-aes256-3des-sha1-sha256-sha384-sha512-nopfs-modp2048-"
				    "modp3072-ecp256-ecp384-x25519-modp1024-noesn-esn" },
	};

	for (int i = 0; i < 4; i++) {
		struct span bad;

		if (ike_proposal_parse(&policy[i], proposals[i].protocol, proposals[i].text, &bad))
			return -1;
	}
	if (secret_pool_init(1 << 16) || crypto_new(&crypto))
		return -1;
	return load_trust();
}

static int stop(void **state)
{
	crypto_trust_free(trust);
	crypto_free(crypto);
	secret_pool_fini();
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(captures) };

	return cmocka_run_group_tests(tests, start, stop);
}
