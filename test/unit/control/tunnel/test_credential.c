/* The files of a connection with certificates: what is taken, and what is said of what is not. */
#include "../../cmocka_all.h"
#include "control/tunnel/credential.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Made with: openssl req -x509 -newkey ed25519 -nodes -days 36500 -subj "/O=Test/CN=gw" */
#include "credential_pem.h"

static char directory[] = "/tmp/test_credential_XXXXXX";

static const char *file(const char *name, const char *text, mode_t mode)
{
	static char paths[8][96];
	static int next;
	char *path = paths[next++ % 8];
	FILE *f;

	snprintf(path, sizeof(paths[0]), "%s/%s", directory, name);
	unlink(path);
	f = fopen(path, "w");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
	assert_int_equal(chmod(path, mode), 0);
	return path;
}

static struct config_certificate_authentication good(const char **chain)
{
	chain[0] = file("ca.pem", CERT_A, 0644);
	return (struct config_certificate_authentication){
		.certificate = file("gw.pem", CERT_A, 0644),
		.private_key = file("gw.key", KEY_A, 0600),
		.chain = { chain, 1 },
	};
}

static void refused(const struct config_certificate_authentication *from, const char *text)
{
	struct credential credential;
	char why[CREDENTIAL_WHY];

	assert_int_equal(credential_load(&credential, from, why), -EINVAL);
	if (!strstr(why, text))
		fail_msg("\"%s\" does not say \"%s\"", why, text);
	assert_null(credential.key);
}

static void taken(void **state)
{
	const char *chain[1];
	struct config_certificate_authentication from = good(chain);
	struct credential a, b, c;
	char why[CREDENTIAL_WHY], both[8192];

	assert_int_equal(credential_load(&a, &from, why), 0);
	assert_int_equal(a.own.cert_count, 1);
	snprintf(both, sizeof(both), "%s%s", CERT_A, KEY_A);
	from.certificate = file("both.pem", both, 0400);
	from.private_key = NULL;
	chain[0] = CERT_A; /* not by file */
	assert_int_equal(credential_load(&b, &from, why), 0);
	assert_true(credential_own_same(&a, &b) && credential_trust_same(&a, &b));
	chain[0] = CERT_B;
	assert_int_equal(credential_load(&c, &from, why), 0);
	assert_true(credential_own_same(&a, &c));
	assert_false(credential_trust_same(&a, &c));
	credential_fini(&a);
	credential_fini(&b);
	credential_fini(&c);
}

static void not_taken(void **state)
{
	const char *chain[1], *crls[1];
	struct config_certificate_authentication from = good(chain);

	from.private_key = file("open.key", KEY_A, 0640);
	refused(&from, "outboundAuthPrivateKey");
	refused(&from, "mode 0640: must be 0600");
	from.private_key = file("other.key", KEY_B, 0600);
	refused(&from, "not that of the first certificate");
	from.private_key = file("cert.key", CERT_A, 0600);
	refused(&from, "holds no private key");
	from.private_key = NULL;
	refused(&from, "must be 0600"); /* the certificate's file then has the key */
	from = good(chain);
	from.certificate = "/nowhere/gw.pem";
	refused(&from, "outboundAuthCertificate: /nowhere/gw.pem: No such file");
	from.certificate = directory;
	refused(&from, "is no file");
	from.certificate = file("empty.pem", "", 0644);
	refused(&from, "has 0 bytes");
	from.certificate = file("text.pem", "nothing\n", 0644);
	refused(&from, "holds no certificates");
	from = good(chain);
	chain[0] = file("none.pem", "nothing\n", 0644);
	refused(&from, "inboundAuthCertificateChain");
	from = good(chain);
	crls[0] = file("crl.pem", CERT_A, 0644);
	from.revocation_lists.items = crls;
	from.revocation_lists.count = 1;
	refused(&from, "inboundAuthRevocationLists");
}

static int setup(void **state)
{
	return secret_pool_init(1 << 20) || !mkdtemp(directory);
}

static int teardown(void **state)
{
	static const char *const names[] = { "ca.pem",	 "gw.pem",    "gw.key",	  "both.pem",
					     "open.key", "other.key", "cert.key", "empty.pem",
					     "text.pem", "none.pem",  "crl.pem" };
	char path[96];

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", directory, names[i]);
		unlink(path);
	}
	secret_pool_fini();
	return rmdir(directory);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(taken), cmocka_unit_test(not_taken) };

	return cmocka_run_group_tests(tests, setup, teardown);
}
