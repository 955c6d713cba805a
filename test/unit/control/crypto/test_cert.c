/* Certificates made on the spot: root, intermediate, leaf, and everything that can be wrong. */
#include "../../cmocka_all.h"
#include "control/crypto/cert.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ui.h>
#include <openssl/x509v3.h>

#include <errno.h>
#include <string.h>
#include <time.h>

#define NOW 1800000000
#define YEAR (365 * 86400)

struct spec {
	const char *subject;
	const char *san;
	const char *usage;
	const char *extended;
	const char *constraints;
	int64_t from, to;
	const EVP_MD *md;
	EVP_PKEY *key; /* NULL: the common leaf key */
};

static EVP_PKEY *root_key, *middle_key, *leaf_key;
static struct crypto_cert *root, *middle;
static X509 *root_x509, *middle_x509;
static struct crypto_trust *trust;

static void extend(X509 *cert, X509 *issuer, int nid, const char *value)
{
	X509V3_CTX ctx;
	X509_EXTENSION *extension;

	if (!value)
		return;
	X509V3_set_ctx(&ctx, issuer, cert, NULL, NULL, 0);
	extension = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
	assert_non_null(extension);
	assert_int_equal(X509_add_ext(cert, extension, -1), 1);
	X509_EXTENSION_free(extension);
}

static X509 *issue(const struct spec *spec, X509 *issuer, EVP_PKEY *issuer_key)
{
	static long serial = 1;
	X509 *cert = X509_new();
	X509_NAME *name = X509_get_subject_name(cert);

	X509_set_version(cert, X509_VERSION_3);
	ASN1_INTEGER_set(X509_get_serialNumber(cert), serial++);
	ASN1_TIME_set(X509_getm_notBefore(cert), (time_t)(spec->from ? spec->from : NOW - YEAR));
	ASN1_TIME_set(X509_getm_notAfter(cert), (time_t)(spec->to ? spec->to : NOW + YEAR));
	X509_NAME_add_entry_by_txt(name, "O", MBSTRING_ASC, (const uint8_t *)"Example", -1, -1, 0);
	X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const uint8_t *)spec->subject, -1, -1,
				   0);
	X509_set_pubkey(cert, spec->key ? spec->key : leaf_key);
	X509_set_issuer_name(cert, issuer ? X509_get_subject_name(issuer) : name);
	extend(cert, issuer ? issuer : cert, NID_basic_constraints, spec->constraints);
	extend(cert, issuer ? issuer : cert, NID_key_usage, spec->usage);
	extend(cert, issuer ? issuer : cert, NID_ext_key_usage, spec->extended);
	extend(cert, issuer ? issuer : cert, NID_subject_alt_name, spec->san);
	assert_true(X509_sign(cert, issuer_key, spec->md ? spec->md : EVP_sha256()) > 0);
	return cert;
}

static struct crypto_cert *load(X509 *x509)
{
	struct crypto_cert *cert;
	uint8_t *der = NULL;
	int n = i2d_X509(x509, &der);

	assert_int_equal(crypto_cert_load((struct span){ der, (size_t)n }, &cert), 0);
	OPENSSL_free(der);
	return cert;
}

static struct crypto_cert *leaf_of(const struct spec *spec)
{
	X509 *x509 = issue(spec, middle_x509, middle_key);
	struct crypto_cert *cert = load(x509);

	X509_free(x509);
	return cert;
}

static enum crypto_chain_result check(struct crypto_cert *leaf, bool with_middle)
{
	struct crypto_chain_check c = { .trust = trust,
					.leaf = leaf,
					.others = &middle,
					.other_count = with_middle,
					.now_s = NOW };

	return crypto_chain_check(&c);
}

static void chain(void **state)
{
	struct crypto_cert *leaf = leaf_of(&(struct spec){ .subject = "gw" });

	assert_int_equal(check(leaf, true), CRYPTO_CHAIN_OK);
	assert_int_equal(check(leaf, false), CRYPTO_CHAIN_UNTRUSTED);
	assert_int_equal(check(middle, false), CRYPTO_CHAIN_OK);
	assert_false(crypto_cert_self_signed(leaf));
	assert_true(crypto_cert_self_signed(root));
	crypto_cert_put(leaf);
}

static void results(void **state)
{
	static const struct {
		struct spec spec;
		enum crypto_chain_result result;
	} table[] = {
		{ { .subject = "gw", .usage = "digitalSignature" }, CRYPTO_CHAIN_OK },
		{ { .subject = "gw", .usage = "nonRepudiation" }, CRYPTO_CHAIN_OK },
		{ { .subject = "gw", .usage = "keyEncipherment" }, CRYPTO_CHAIN_USAGE },
		{ { .subject = "gw", .extended = "1.3.6.1.5.5.7.3.17" }, CRYPTO_CHAIN_OK },
		{ { .subject = "gw", .extended = "anyExtendedKeyUsage" }, CRYPTO_CHAIN_OK },
		{ { .subject = "gw", .extended = "serverAuth,clientAuth" }, CRYPTO_CHAIN_OK },
		{ { .subject = "gw", .extended = "emailProtection" }, CRYPTO_CHAIN_USAGE },
		{ { .subject = "gw", .from = NOW + 60 }, CRYPTO_CHAIN_EXPIRED },
		{ { .subject = "gw", .to = NOW - 60 }, CRYPTO_CHAIN_EXPIRED },
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct crypto_cert *leaf = leaf_of(&table[i].spec);

		assert_string_equal(crypto_chain_text(check(leaf, true)),
				    crypto_chain_text(table[i].result));
		crypto_cert_put(leaf);
	}
}

static void weak_signature(void **state)
{
	struct crypto_cert *leaf = leaf_of(&(struct spec){ .subject = "gw", .md = EVP_sha1() });

	assert_int_equal(check(leaf, true), CRYPTO_CHAIN_WEAK);
	crypto_cert_put(leaf);
}

/* The intermediate from configuration, for a peer that sends its leaf alone. */
static void intermediate(void **state)
{
	struct crypto_trust *with;
	struct crypto_cert *leaf = leaf_of(&(struct spec){ .subject = "gw" });
	struct crypto_chain_check c = { .leaf = leaf, .now_s = NOW };

	assert_int_equal(crypto_trust_new(&with), 0);
	c.trust = with;
	assert_int_equal(crypto_trust_add_intermediate(with, middle), 0);
	assert_int_equal(crypto_chain_check(&c), CRYPTO_CHAIN_UNTRUSTED);
	assert_int_equal(crypto_trust_add_anchor(with, root), 0);
	assert_int_equal(crypto_chain_check(&c), CRYPTO_CHAIN_OK);
	crypto_trust_free(with);
	crypto_cert_put(leaf);
}

/* As administrators and Azure's API write them. */
static void texts(void **state)
{
	struct span der = crypto_cert_der(root), subject = crypto_cert_subject(root);
	char base64[8192], lines[8192], pem[9000];
	struct crypto_cert *cert;
	size_t at = 0;
	int n = EVP_EncodeBlock((uint8_t *)base64, der.p, (int)der.n);

	for (int i = 0; i < n; i++) {
		lines[at++] = base64[i];
		if (i % 64 == 63)
			lines[at++] = '\n';
	}
	lines[at] = '\0';
	snprintf(pem, sizeof(pem), "-----BEGIN CERTIFICATE-----\n%s\n-----END CERTIFICATE-----\n",
		 lines);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(crypto_cert_load_text(i == 0	? base64
						       : i == 1 ? lines
								: pem,
						       &cert),
				 0);
		assert_int_equal(crypto_cert_der(cert).n, der.n);
		crypto_cert_put(cert);
	}
	base64[n / 2] = '\0';
	assert_int_equal(crypto_cert_load_text(base64, &cert), -EBADMSG);
	assert_int_equal(crypto_cert_load_text("no certificate", &cert), -EBADMSG);
	assert_int_equal(crypto_cert_load_text("", &cert), -EBADMSG);
	assert_true(crypto_dn_matches_text("root", subject));
	assert_false(crypto_dn_matches_text("roo", subject));
	assert_false(crypto_dn_matches_text("Example", subject));
	assert_true(crypto_dn_matches_text("O=Example, CN=root", subject));
	assert_true(crypto_dn_matches_text("O=Example, CN=*", subject));
	assert_false(crypto_dn_matches_text("CN=root", subject));
	assert_false(crypto_dn_matches_text("O=Example, CN=other", subject));
	assert_false(crypto_dn_matches_text("=", subject));
}

/* A leaf cannot issue, nor can a stranger with the issuer's name. */
static void not_an_issuer(void **state)
{
	X509 *leaf_x509 = issue(&(struct spec){ .subject = "gw", .constraints = "CA:FALSE" },
				middle_x509, middle_key);
	X509 *below = issue(&(struct spec){ .subject = "below" }, leaf_x509, leaf_key);
	X509 *forged = issue(&(struct spec){ .subject = "gw" }, middle_x509, leaf_key);
	struct crypto_cert *others[] = { middle, load(leaf_x509) };
	struct crypto_chain_check c = { .trust = trust,
					.leaf = load(below),
					.others = others,
					.other_count = 2,
					.now_s = NOW };

	assert_int_not_equal(crypto_chain_check(&c), CRYPTO_CHAIN_OK);
	crypto_cert_put(c.leaf);
	c.leaf = load(forged);
	assert_int_not_equal(crypto_chain_check(&c), CRYPTO_CHAIN_OK);
	crypto_cert_put(c.leaf);
	crypto_cert_put(others[1]);
	X509_free(leaf_x509);
	X509_free(below);
	X509_free(forged);
}

static void add_crl(struct crypto_trust *to, X509 *issuer, EVP_PKEY *key, long revoked)
{
	X509_CRL *crl = X509_CRL_new();
	ASN1_TIME *time = ASN1_TIME_set(NULL, NOW - 60);
	uint8_t *der = NULL;
	int n;

	X509_CRL_set_version(crl, 1);
	X509_CRL_set_issuer_name(crl, X509_get_subject_name(issuer));
	X509_CRL_set1_lastUpdate(crl, time);
	ASN1_TIME_set(time, NOW + 60);
	X509_CRL_set1_nextUpdate(crl, time);
	if (revoked) {
		X509_REVOKED *entry = X509_REVOKED_new();
		ASN1_INTEGER *serial = ASN1_INTEGER_new();

		ASN1_INTEGER_set(serial, revoked);
		X509_REVOKED_set_serialNumber(entry, serial);
		X509_REVOKED_set_revocationDate(entry, time);
		X509_CRL_add0_revoked(crl, entry);
		ASN1_INTEGER_free(serial);
	}
	X509_CRL_sort(crl);
	assert_true(X509_CRL_sign(crl, key, EVP_sha256()) > 0);
	n = i2d_X509_CRL(crl, &der);
	assert_int_equal(crypto_trust_add_crl(to, (struct span){ der, (size_t)n }), 0);
	OPENSSL_free(der);
	ASN1_TIME_free(time);
	X509_CRL_free(crl);
}

static void revocation(void **state)
{
	X509 *bad_x509 = issue(&(struct spec){ .subject = "bad" }, middle_x509, middle_key);
	struct crypto_cert *good = leaf_of(&(struct spec){ .subject = "good" });
	struct crypto_cert *bad = load(bad_x509);
	struct crypto_chain_check c = { .leaf = good,
					.others = &middle,
					.other_count = 1,
					.now_s = NOW,
					.crl_required = true };
	struct crypto_trust *own;

	assert_int_equal(crypto_trust_new(&own), 0);
	assert_int_equal(crypto_trust_add_anchor(own, root), 0);
	c.trust = own;
	assert_int_equal(crypto_chain_check(&c), CRYPTO_CHAIN_NO_CRL);
	c.crl_required = false;
	assert_int_equal(crypto_chain_check(&c), CRYPTO_CHAIN_OK);
	add_crl(own, middle_x509, middle_key, ASN1_INTEGER_get(X509_get0_serialNumber(bad_x509)));
	assert_int_equal(crypto_chain_check(&c), CRYPTO_CHAIN_OK);
	c.crl_required = true; /* the root's list is still missing */
	assert_int_equal(crypto_chain_check(&c), CRYPTO_CHAIN_NO_CRL);
	add_crl(own, root_x509, root_key, 0);
	assert_int_equal(crypto_chain_check(&c), CRYPTO_CHAIN_OK);
	c.now_s = NOW + 3600; /* the lists are too old then */
	assert_int_equal(crypto_chain_check(&c), CRYPTO_CHAIN_NO_CRL);
	c.crl_required = false;
	assert_int_equal(crypto_chain_check(&c), CRYPTO_CHAIN_OK);
	c.leaf = bad;
	assert_int_equal(crypto_chain_check(&c), CRYPTO_CHAIN_REVOKED);
	c.now_s = NOW;
	assert_int_equal(crypto_chain_check(&c), CRYPTO_CHAIN_REVOKED);
	crypto_trust_free(own);
	crypto_cert_put(good);
	crypto_cert_put(bad);
	X509_free(bad_x509);
}

static struct span text(const char *s)
{
	return (struct span){ (const uint8_t *)s, strlen(s) };
}

static void names(void **state)
{
	struct crypto_cert *leaf = leaf_of(&(struct spec){
		.subject = "gw",
		.san = "DNS:gw.example,DNS:*.wild.example,email:a@example,IP:203.0.113.1,"
		       "IP:2001:db8::1" });
	static const uint8_t ip4[4] = { 203, 0, 113, 1 };
	char buf[64];

	assert_true(crypto_cert_has_san(leaf, CRYPTO_SAN_DNS, text("GW.example")));
	assert_false(crypto_cert_has_san(leaf, CRYPTO_SAN_DNS, text("gw.example.org")));
	assert_false(crypto_cert_has_san(leaf, CRYPTO_SAN_DNS, text("gw")));
	assert_false(crypto_cert_has_san(leaf, CRYPTO_SAN_DNS, text("a.wild.example")));
	assert_false(crypto_cert_has_san(leaf, CRYPTO_SAN_DNS, text("a@example")));
	assert_false(crypto_cert_has_san(leaf, CRYPTO_SAN_DNS,
					 (struct span){ (const uint8_t *)"gw\0example", 10 }));
	assert_false(crypto_cert_has_san(leaf, CRYPTO_SAN_DNS, text("")));
	assert_true(crypto_cert_has_san(leaf, CRYPTO_SAN_EMAIL, text("a@EXAMPLE")));
	assert_true(crypto_cert_has_san(leaf, CRYPTO_SAN_IP, (struct span){ ip4, 4 }));
	assert_false(crypto_cert_has_san(leaf, CRYPTO_SAN_IP, (struct span){ ip4, 3 }));
	assert_string_equal(crypto_cert_text(leaf, buf, sizeof(buf)), "O=Example, CN=gw");
	assert_string_equal(crypto_cert_text(leaf, buf, 6), "O=Exa");
	assert_int_equal(crypto_cert_not_before(leaf), NOW - YEAR);
	assert_int_equal(crypto_cert_not_after(leaf), NOW + YEAR);
	crypto_cert_put(leaf);
	leaf = leaf_of(&(struct spec){ .subject = "gw" });
	assert_false(crypto_cert_has_san(leaf, CRYPTO_SAN_DNS, text("gw")));
	crypto_cert_put(leaf);
}

static void bytes(void **state)
{
	struct span der = crypto_cert_der(middle);
	struct crypto_cert *cert, *many[2];
	uint8_t longer[4096], id[20], id2[20];
	BIO *bio = BIO_new(BIO_s_mem());
	size_t count = 2;
	char *pem;
	long n;

	for (size_t i = 0; i < der.n; i++)
		assert_int_equal(crypto_cert_load((struct span){ der.p, i }, &cert), -EBADMSG);
	memcpy(longer, der.p, der.n);
	longer[der.n] = 0;
	assert_int_equal(crypto_cert_load((struct span){ longer, der.n + 1 }, &cert), -EBADMSG);
	PEM_write_bio_X509(bio, root_x509);
	PEM_write_bio_X509(bio, middle_x509);
	n = BIO_get_mem_data(bio, &pem);
	assert_int_equal(
		crypto_cert_load_all((struct span){ (uint8_t *)pem, (size_t)n }, many, &count), 0);
	assert_int_equal(count, 2);
	crypto_cert_key_id(many[0], id);
	crypto_cert_key_id(root, id2);
	assert_memory_equal(id, id2, 20);
	crypto_cert_key_id(many[1], id2);
	assert_memory_not_equal(id, id2, 20);
	crypto_cert_put(many[0]);
	crypto_cert_put(many[1]);
	count = 1;
	assert_int_equal(
		crypto_cert_load_all((struct span){ (uint8_t *)pem, (size_t)n }, many, &count),
		-ENOSPC);
	count = 2;
	assert_int_equal(crypto_cert_load_all(text("no certificate"), many, &count), -EBADMSG);
	BIO_free(bio);
}

/* Only what was remembered is the same object again; the oldest of many goes first. */
static void known(void **state)
{
	struct crypto_cert *first, *again, *other;
	struct crypto *crypto;
	X509 *x509;

	assert_int_equal(crypto_new(&crypto), 0);
	first = leaf_of(&(struct spec){ .subject = "known" });
	assert_int_equal(crypto_cert_load_known(crypto, crypto_cert_der(first), &again), 0);
	assert_ptr_not_equal(again, first);
	crypto_cert_put(again);
	crypto_cert_remember(crypto, first);
	crypto_cert_remember(crypto, first);
	assert_int_equal(crypto_cert_load_known(crypto, crypto_cert_der(first), &again), 0);
	assert_ptr_equal(again, first);
	crypto_cert_put(again);
	for (int i = 0; i < 1024; i++) {
		x509 = issue(&(struct spec){ .subject = "many" }, middle_x509, middle_key);
		other = load(x509);
		crypto_cert_remember(crypto, other);
		crypto_cert_put(other);
		X509_free(x509);
	}
	assert_int_equal(crypto_cert_load_known(crypto, crypto_cert_der(first), &again), 0);
	assert_ptr_not_equal(again, first);
	crypto_cert_put(again);
	crypto_cert_put(first);
	crypto_free(crypto);
}

static int asked;

static int opened(UI *ui)
{
	asked++;
	return 0;
}

/* A peer's CERT payload is DER. A file may be PEM, but no PEM makes OpenSSL ask for a passphrase.
 */
static void nobody_is_asked(void **state)
{
	static const char headers[] = "Proc-Type: 4,ENCRYPTED\nDEK-Info: "
				      "AES-128-CBC,00112233445566778899AABBCCDDEEFF\n\n";
	static const char *const kinds[] = { "CERTIFICATE", "X509 CRL", "PUBLIC KEY" };
	UI_METHOD *method = UI_create_method("a person who is asked");
	struct crypto_cert *cert;
	struct crypto_key *key;
	struct crypto *crypto;
	char pem[512];

	UI_method_set_opener(method, opened);
	UI_set_default_method(method);
	assert_int_equal(crypto_new(&crypto), 0);
	for (size_t i = 0; i < 3; i++) {
		snprintf(pem, sizeof(pem),
			 "-----BEGIN %s-----\n%sAAAAAAAAAAAAAAAAAAAAAA==\n-----END %s-----\n",
			 kinds[i], headers, kinds[i]);
		assert_int_equal(crypto_cert_load(text(pem), &cert), -EBADMSG);
		assert_int_equal(crypto_cert_load_text(pem, &cert), -EBADMSG);
		assert_int_equal(crypto_cert_load_known(crypto, text(pem), &cert), -EBADMSG);
		assert_int_equal(crypto_trust_add_crl(trust, text(pem)), -EBADMSG);
		assert_int_equal(crypto_key_load_public(text(pem), &key), -EBADMSG);
	}
	assert_int_equal(asked, 0);
	crypto_free(crypto);
	UI_set_default_method(UI_OpenSSL());
	UI_destroy_method(method);
}

static void a_peer_sends_der(void **state)
{
	X509 *x509 = issue(&(struct spec){ .subject = "-----BEGIN CERTIFICATE-----" }, middle_x509,
			   middle_key);
	BIO *bio = BIO_new(BIO_s_mem());
	struct crypto_cert *cert;
	struct crypto *crypto;
	uint8_t *der = NULL;
	char *pem;
	long n;

	assert_int_equal(crypto_new(&crypto), 0);
	PEM_write_bio_X509(bio, root_x509);
	n = BIO_get_mem_data(bio, &pem);
	assert_int_equal(
		crypto_cert_load_known(crypto, (struct span){ (uint8_t *)pem, (size_t)n }, &cert),
		-EBADMSG);
	n = i2d_X509(x509, &der);
	assert_true(n > 0);
	assert_int_equal(crypto_cert_load_known(crypto, (struct span){ der, (size_t)n }, &cert), 0);
	crypto_cert_put(cert);
	OPENSSL_free(der);
	X509_free(x509);
	BIO_free(bio);
	crypto_free(crypto);
}

static int start(void **state)
{
	if (secret_pool_init(1 << 16))
		return -1;
	root_key = EVP_EC_gen("P-384");
	middle_key = EVP_EC_gen("P-256");
	leaf_key = EVP_EC_gen("P-256");
	root_x509 = issue(&(struct spec){ .subject = "root",
					  .constraints = "critical,CA:TRUE",
					  .usage = "keyCertSign,cRLSign",
					  .key = root_key },
			  NULL, root_key);
	middle_x509 = issue(&(struct spec){ .subject = "middle",
					    .constraints = "critical,CA:TRUE",
					    .usage = "keyCertSign,cRLSign,digitalSignature",
					    .key = middle_key },
			    root_x509, root_key);
	root = load(root_x509);
	middle = load(middle_x509);
	return crypto_trust_new(&trust) || crypto_trust_add_anchor(trust, root);
}

static int stop(void **state)
{
	crypto_trust_free(trust);
	crypto_cert_put(root);
	crypto_cert_put(middle);
	X509_free(root_x509);
	X509_free(middle_x509);
	EVP_PKEY_free(root_key);
	EVP_PKEY_free(middle_key);
	EVP_PKEY_free(leaf_key);
	secret_pool_fini();
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(chain),	   cmocka_unit_test(results),
		cmocka_unit_test(weak_signature),  cmocka_unit_test(not_an_issuer),
		cmocka_unit_test(revocation),	   cmocka_unit_test(names),
		cmocka_unit_test(bytes),	   cmocka_unit_test(intermediate),
		cmocka_unit_test(texts),	   cmocka_unit_test(known),
		cmocka_unit_test(nobody_is_asked), cmocka_unit_test(a_peer_sends_der),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
