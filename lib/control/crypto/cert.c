#include "control/crypto/cert.h"

#include "control/crypto/cert_internal.h"
#include "control/crypto/internal.h"
#include "control/crypto/key_internal.h"

#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#define CERT_BYTES_MAX 65535

/* Takes over the X509. */
static int cert_of(X509 *x509, struct crypto_cert **out)
{
	struct crypto_cert *cert = calloc(1, sizeof(*cert));
	EVP_PKEY *pkey = X509_get_pubkey(x509);
	int n, error = -ENOMEM;

	if (!cert)
		goto fail;
	error = pkey ? crypto_key_of(pkey, false, &cert->key) : crypto_refused();
	pkey = NULL;
	if (error)
		goto fail;
	n = i2d_X509(x509, &cert->der);
	error = n > 0 && n <= CERT_BYTES_MAX ? 0 : crypto_refused();
	if (error)
		goto fail;
	cert->der_n = (size_t)n;
	cert->x509 = x509;
	cert->references = 1;
	*out = cert;
	return 0;
fail:
	EVP_PKEY_free(pkey);
	if (cert) {
		crypto_key_put(cert->key);
		OPENSSL_free(cert->der);
	}
	free(cert);
	X509_free(x509);
	return error;
}

int crypto_cert_load_der(struct span der, struct crypto_cert **cert)
{
	const uint8_t *at = der.p;
	X509 *x509;

	if (!der.n || der.n > INT_MAX)
		return -EBADMSG;
	x509 = d2i_X509(NULL, &at, (long)der.n);
	if (x509 && at != der.p + der.n) {
		X509_free(x509);
		x509 = NULL;
	}
	return x509 ? cert_of(x509, cert) : crypto_refused();
}

int crypto_cert_load(struct span bytes, struct crypto_cert **cert)
{
	size_t count = 1;
	int error;

	if (!crypto_is_pem(bytes))
		return crypto_cert_load_der(bytes, cert);
	error = crypto_cert_load_all(bytes, cert, &count);
	return !error && count != 1 ? -EBADMSG : error;
}

/* The length of the octets; -EBADMSG. */
static int unbase64(const char *text, uint8_t *out)
{
	EVP_ENCODE_CTX *ctx = EVP_ENCODE_CTX_new();
	int n = 0, rest = 0, error = -ENOMEM;

	if (ctx) {
		EVP_DecodeInit(ctx);
		error = EVP_DecodeUpdate(ctx, out, &n, (const uint8_t *)text, (int)strlen(text)) <
						0 ||
					EVP_DecodeFinal(ctx, out + n, &rest) != 1
				? -EBADMSG
				: n + rest;
	}
	EVP_ENCODE_CTX_free(ctx);
	return error;
}

int crypto_cert_load_text(const char *text, struct crypto_cert **cert)
{
	size_t length = strlen(text);
	uint8_t *der;
	int n;

	if (!length || length > 2 * CERT_BYTES_MAX)
		return -EBADMSG;
	if (crypto_is_pem((struct span){ (const uint8_t *)text, length }))
		return crypto_cert_load((struct span){ (const uint8_t *)text, length }, cert);
	der = malloc(length);
	if (!der)
		return -ENOMEM;
	n = unbase64(text, der);
	if (n > 0)
		n = crypto_cert_load((struct span){ der, (size_t)n }, cert);
	else
		n = crypto_refused();
	free(der);
	return n;
}

int crypto_cert_load_all(struct span pem, struct crypto_cert **certs, size_t *count)
{
	size_t room = *count;
	BIO *bio;
	X509 *x509;
	int error = 0;

	*count = 0;
	if (!pem.n || pem.n > INT_MAX)
		return -EBADMSG;
	bio = BIO_new_mem_buf(pem.p, (int)pem.n);
	if (!bio)
		return -ENOMEM;
	while (!error && (x509 = PEM_read_bio_X509(bio, NULL, crypto_no_passphrase, NULL))) {
		if (*count == room) {
			X509_free(x509);
			error = -ENOSPC;
		} else {
			error = cert_of(x509, &certs[*count]);
			*count += !error;
		}
	}
	BIO_free(bio);
	crypto_refused(); /* the end of the file is an entry in the queue too */
	if (!error && *count == 0)
		error = -EBADMSG;
	while (error && *count)
		crypto_cert_put(certs[--*count]);
	return error;
}

struct crypto_cert *crypto_cert_get(struct crypto_cert *cert)
{
	cert->references++;
	return cert;
}

void crypto_cert_put(struct crypto_cert *cert)
{
	if (!cert || --cert->references)
		return;
	crypto_key_put(cert->key);
	OPENSSL_free(cert->der);
	X509_free(cert->x509);
	free(cert);
}

struct span crypto_cert_der(const struct crypto_cert *cert)
{
	return (struct span){ cert->der, cert->der_n };
}

struct span crypto_cert_subject(const struct crypto_cert *cert)
{
	const uint8_t *der = NULL;
	size_t n = 0;

	if (X509_NAME_get0_der(X509_get_subject_name(cert->x509), &der, &n) != 1)
		return (struct span){ 0 };
	return (struct span){ der, n };
}

struct crypto_key *crypto_cert_key(const struct crypto_cert *cert)
{
	return cert->key;
}

void crypto_cert_key_id(const struct crypto_cert *cert, uint8_t id[20])
{
	uint8_t *der = NULL;
	int n = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(cert->x509), &der);

	memset(id, 0, 20);
	if (n > 0)
		(void)EVP_Q_digest(NULL, "SHA1", NULL, der, (size_t)n, id, NULL);
	OPENSSL_free(der);
}

static int64_t seconds_of(const ASN1_TIME *time)
{
	struct tm tm;

	return ASN1_TIME_to_tm(time, &tm) == 1 ? (int64_t)timegm(&tm) : 0;
}

int64_t crypto_cert_not_before(const struct crypto_cert *cert)
{
	return seconds_of(X509_get0_notBefore(cert->x509));
}

int64_t crypto_cert_not_after(const struct crypto_cert *cert)
{
	return seconds_of(X509_get0_notAfter(cert->x509));
}

bool crypto_cert_self_signed(const struct crypto_cert *cert)
{
	return X509_self_signed(cert->x509, 1) == 1;
}

const char *crypto_cert_text(const struct crypto_cert *cert, char *buf, size_t size)
{
	return crypto_dn_text(crypto_cert_subject(cert), buf, size);
}

static bool string_is(const ASN1_STRING *string, struct span value, bool fold)
{
	size_t n = (size_t)ASN1_STRING_length(string);
	const uint8_t *p = ASN1_STRING_get0_data(string);

	if (n != value.n || n == 0)
		return false;
	if (!fold)
		return memcmp(p, value.p, n) == 0;
	return strncasecmp((const char *)p, (const char *)value.p, n) == 0;
}

static bool name_is(const GENERAL_NAME *name, enum crypto_san kind, struct span value)
{
	const uint8_t *der;
	size_t n;

	switch (kind) {
	case CRYPTO_SAN_DNS:
		return name->type == GEN_DNS && string_is(name->d.dNSName, value, true);
	case CRYPTO_SAN_EMAIL:
		return name->type == GEN_EMAIL && string_is(name->d.rfc822Name, value, true);
	case CRYPTO_SAN_IP:
		return name->type == GEN_IPADD && string_is(name->d.iPAddress, value, false);
	case CRYPTO_SAN_DN:
		return name->type == GEN_DIRNAME &&
		       X509_NAME_get0_der(name->d.directoryName, &der, &n) == 1 &&
		       crypto_dn_equal((struct span){ der, n }, value);
	}
	return false;
}

bool crypto_cert_has_san(const struct crypto_cert *cert, enum crypto_san kind, struct span value)
{
	GENERAL_NAMES *names = X509_get_ext_d2i(cert->x509, NID_subject_alt_name, NULL, NULL);
	bool found = false;

	/* strncasecmp() stops at a zero: an embedded one makes no name (2013-2053 and kin). */
	if (kind != CRYPTO_SAN_IP && kind != CRYPTO_SAN_DN && memchr(value.p, 0, value.n))
		value.n = 0;
	for (int i = 0; value.n && !found && i < sk_GENERAL_NAME_num(names); i++)
		found = name_is(sk_GENERAL_NAME_value(names, i), kind, value);
	GENERAL_NAMES_free(names);
	return found;
}
