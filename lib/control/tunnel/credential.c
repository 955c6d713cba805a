#include "control/tunnel/credential.h"

#include "base/file.h"
#include "base/hash.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define KEY_BYTES_MAX (1 << 16)
#define FILE_BYTES_MAX (1 << 24) /* CRLs grow */

/* A file with a private key in locked memory, any other on the heap. */
struct file {
	struct span bytes;
	struct secret secret;
	uint8_t *plain;
};

struct loading {
	struct credential *credential;
	char *why;
	const char *property;
};

__attribute__((format(printf, 3, 4))) static int refuse(const struct loading *loading,
							const char *path, const char *format, ...)
{
	char what[112];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(what, sizeof(what), format, arguments);
	va_end(arguments);
	snprintf(loading->why, CREDENTIAL_WHY, "%s: %.80s%s%s", loading->property, path,
		 path[0] ? ": " : "", what);
	return -EINVAL;
}

static void file_fini(struct file *file)
{
	secret_free(&file->secret);
	free(file->plain);
	*file = (struct file){ 0 };
}

static int read_all(int fd, struct file *file, size_t n, bool secret)
{
	int rc = secret ? secret_new(&file->secret, n) : 0;
	uint8_t *to = secret ? file->secret.p : (file->plain = malloc(n));
	ssize_t got;

	if (rc == 0 && !to)
		rc = -ENOMEM;
	if (rc == 0) {
		got = file_read_all(fd, to, n, 0);
		if (got < 0 || (size_t)got < n)
			rc = got < 0 ? (int)got : -EIO;
	}
	file->bytes = (struct span){ to, n };
	if (rc < 0)
		file_fini(file);
	return rc;
}

/* `secret`: nobody but the owner may have access. */
static int file_read(const struct loading *loading, const char *path, bool secret,
		     struct file *file)
{
	const int max = secret ? KEY_BYTES_MAX : FILE_BYTES_MAX;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	struct stat stat;
	int rc;

	if (fd < 0)
		return refuse(loading, path, "%s", strerror(errno));
	if (fstat(fd, &stat) < 0)
		rc = refuse(loading, path, "%s", strerror(errno));
	else if (!S_ISREG(stat.st_mode))
		rc = refuse(loading, path, "is no file");
	else if (stat.st_size == 0 || stat.st_size > max)
		rc = refuse(loading, path, "has %lld bytes; 1 to %d are taken",
			    (long long)stat.st_size, max);
	else if (secret && stat.st_mode & (S_IRWXG | S_IRWXO))
		rc = refuse(loading, path,
			    "holds a private key and has mode %04o: must be 0600 (or 0400)",
			    stat.st_mode & 07777u);
	else
		rc = read_all(fd, file, (size_t)stat.st_size, secret);
	if (rc < 0 && rc != -EINVAL)
		rc = refuse(loading, path, "%s", strerror(-rc));
	close(fd);
	return rc;
}

static int own_load(const struct loading *loading,
		    const struct config_certificate_authentication *from)
{
	struct credential *c = loading->credential;
	const char *path = config_file_path(from->certificate);
	struct file file = { 0 };
	size_t count = CREDENTIAL_CERTS_MAX;
	int rc = file_read(loading, path, !from->private_key, &file);

	if (rc < 0)
		return rc;
	rc = crypto_cert_load_all(file.bytes, c->certs, &count);
	if (rc < 0)
		rc = refuse(loading, path,
			    "holds no certificates in PEM with RSA (2048 bits or more), ECDSA or "
			    "Ed25519 keys, or more than %d",
			    CREDENTIAL_CERTS_MAX);
	else
		c->own.cert_count = (uint8_t)count;
	if (rc == 0 && !from->private_key && crypto_key_load(file.bytes, NULL, &c->key) < 0)
		rc = refuse(
			loading, path,
			"holds no private key in PEM; outboundAuthPrivateKey names another file");
	file_fini(&file);
	return rc;
}

static int key_load(struct loading *loading, const struct config_certificate_authentication *from)
{
	struct credential *c = loading->credential;
	struct file file = { 0 };
	const char *path;
	int rc = 0;

	if (from->private_key) {
		loading->property = "outboundAuthPrivateKey";
		path = config_file_path(from->private_key);
		rc = file_read(loading, path, true, &file);
		if (rc == 0 && crypto_key_load(file.bytes, NULL, &c->key) < 0)
			rc = refuse(loading, path,
				    "holds no private key in PEM that is RSA of 2048 bits or more, "
				    "ECDSA on P-256, P-384, P-521, or Ed25519");
		file_fini(&file);
	} else {
		path = config_file_path(from->certificate);
	}
	if (rc == 0 && !crypto_key_same(c->key, crypto_cert_key(c->certs[0])))
		rc = refuse(loading, path, "the private key is not that of the first certificate");
	return rc;
}

static void mark(struct credential *credential, struct span bytes)
{
	const uint64_t seed[2] = { credential->trust_mark, bytes.n };

	credential->trust_mark = hash_sip(seed, bytes.p, bytes.n);
}

#define CHAIN_MAX 64

struct chain {
	struct crypto_cert *certs[CHAIN_MAX];
	size_t count;
	bool has_root;
};

static int chain_entry(const struct loading *loading, const char *text, struct chain *chain)
{
	const char *path = config_file_path(text);
	struct file file = { 0 };
	size_t count = CHAIN_MAX - chain->count;
	int rc;

	if (!path) {
		rc = count ? crypto_cert_load_text(text, &chain->certs[chain->count]) : -ENOSPC;
		count = 1;
	} else {
		rc = file_read(loading, path, false, &file);
		if (rc < 0)
			return rc;
		rc = crypto_cert_load_all(file.bytes, chain->certs + chain->count, &count);
		if (rc == -EBADMSG) { /* one in DER */
			count = 1;
			rc = crypto_cert_load(file.bytes, &chain->certs[chain->count]);
		}
		file_fini(&file);
	}
	if (rc < 0)
		return refuse(loading, path ? path : "", "holds no certificates, or too many");
	for (size_t i = 0; i < count; i++, chain->count++)
		chain->has_root |= crypto_cert_self_signed(chain->certs[chain->count]);
	return 0;
}

/* What signs itself is trusted, the rest completes chains; without a root all are trusted. */
static int trust_of(struct credential *credential, const struct chain *chain)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < chain->count; i++) {
		struct crypto_cert *cert = chain->certs[i];

		mark(credential, crypto_cert_der(cert));
		if (!chain->has_root || crypto_cert_self_signed(cert))
			rc = crypto_trust_add_anchor(credential->trust, cert);
		else
			rc = crypto_trust_add_intermediate(credential->trust, cert);
	}
	return rc;
}

static int trust_load(struct loading *loading, const struct config_certificate_authentication *from)
{
	struct credential *c = loading->credential;
	struct chain chain = { .count = 0 };
	int rc = crypto_trust_new(&c->trust);

	loading->property = "inboundAuthCertificateChain";
	for (uint32_t i = 0; rc == 0 && i < from->chain.count; i++)
		rc = chain_entry(loading, from->chain.items[i], &chain);
	if (rc == 0)
		rc = trust_of(c, &chain);
	while (chain.count)
		crypto_cert_put(chain.certs[--chain.count]);
	return rc;
}

static int revocation_load(struct loading *loading,
			   const struct config_certificate_authentication *from)
{
	int rc = 0;

	loading->property = "inboundAuthRevocationLists";
	for (uint32_t i = 0; rc == 0 && i < from->revocation_lists.count; i++) {
		const char *path = config_file_path(from->revocation_lists.items[i]);
		struct file file = { 0 };

		rc = file_read(loading, path, false, &file);
		if (rc == 0 && crypto_trust_add_crl(loading->credential->trust, file.bytes) < 0)
			rc = refuse(loading, path, "holds no CRL in PEM or DER");
		if (rc == 0)
			mark(loading->credential, file.bytes);
		file_fini(&file);
	}
	return rc;
}

int credential_load(struct credential *credential,
		    const struct config_certificate_authentication *from, char why[CREDENTIAL_WHY])
{
	struct loading loading = { credential, why, "outboundAuthCertificate" };
	int rc;

	*credential = (struct credential){ 0 };
	why[0] = '\0';
	rc = own_load(&loading, from);
	if (rc == 0)
		rc = key_load(&loading, from);
	if (rc == 0)
		rc = trust_load(&loading, from);
	if (rc == 0)
		rc = revocation_load(&loading, from);
	if (rc < 0) {
		if (!why[0])
			rc = refuse(&loading, "", "%s", strerror(-rc));
		credential_fini(credential);
		return rc;
	}
	credential->own.key = credential->key;
	credential->own.certs = credential->certs;
	return 0;
}

void credential_fini(struct credential *credential)
{
	for (size_t i = 0; i < CREDENTIAL_CERTS_MAX; i++)
		crypto_cert_put(credential->certs[i]);
	if (credential->key)
		crypto_key_put(credential->key);
	crypto_trust_free(credential->trust);
	*credential = (struct credential){ 0 };
}

static bool same_cert(const struct crypto_cert *a, const struct crypto_cert *b)
{
	struct span x = crypto_cert_der(a), y = crypto_cert_der(b);

	return x.n == y.n && !memcmp(x.p, y.p, x.n);
}

bool credential_own_same(const struct credential *a, const struct credential *b)
{
	if (a->own.cert_count != b->own.cert_count)
		return false;
	for (uint8_t i = 0; i < a->own.cert_count; i++)
		if (!same_cert(a->certs[i], b->certs[i]))
			return false;
	return true;
}

bool credential_trust_same(const struct credential *a, const struct credential *b)
{
	return a->trust_mark == b->trust_mark && !a->trust == !b->trust;
}
