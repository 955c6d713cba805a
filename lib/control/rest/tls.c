#include "control/rest/tls.h"

#include "base/secret.h"
#include "control/config/appliance.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SELF_SIGNED_DAYS 3650

static int fault(char *why, size_t size, const char *what, const char *file)
{
	const char *reason = ERR_reason_error_string(ERR_peek_last_error());

	snprintf(why, size, "%s %s: %s", what, file, reason ? reason : strerror(errno));
	ERR_clear_error();
	return -EINVAL;
}

static bool extension_add(X509 *certificate, int nid, const char *value)
{
	X509V3_CTX context;
	X509_EXTENSION *extension;
	bool good;

	X509V3_set_ctx(&context, certificate, certificate, NULL, NULL, 0);
	extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
	good = extension && X509_add_ext(certificate, extension, -1);
	X509_EXTENSION_free(extension);
	return good;
}

static X509 *self_signed(EVP_PKEY *key)
{
	X509 *certificate = X509_new();
	X509_NAME *name;
	uint64_t serial;

	if (!certificate || secret_random(&serial, sizeof(serial)) < 0)
		goto fail;
	name = X509_get_subject_name(certificate);
	if (!X509_set_version(certificate, X509_VERSION_3) ||
	    !ASN1_INTEGER_set_uint64(X509_get_serialNumber(certificate), serial >> 1) ||
	    !X509_gmtime_adj(X509_getm_notBefore(certificate), -3600) ||
	    !X509_gmtime_adj(X509_getm_notAfter(certificate), 86400L * SELF_SIGNED_DAYS) ||
	    !X509_set_pubkey(certificate, key) ||
	    !X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const uint8_t *)"vpngw", -1, -1,
					0) ||
	    !X509_set_issuer_name(certificate, name) ||
	    !extension_add(certificate, NID_subject_alt_name,
			   "DNS:localhost,IP:127.0.0.1,IP:::1") ||
	    !extension_add(certificate, NID_basic_constraints, "critical,CA:TRUE") ||
	    !extension_add(certificate, NID_ext_key_usage, "serverAuth") ||
	    !X509_sign(certificate, key, EVP_sha256()))
		goto fail;
	return certificate;
fail:
	X509_free(certificate);
	return NULL;
}

static FILE *create(const char *path, mode_t mode)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, mode);

	return fd < 0 ? NULL : fdopen(fd, "w");
}

/* The key first: a certificate without its key is never left behind. */
static int self_signed_make(const char *certificate_file, const char *key_file)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *certificate = key ? self_signed(key) : NULL;
	FILE *file = NULL;
	int rc = -EIO;

	if (!certificate)
		goto out;
	file = create(key_file, 0600);
	if (!file || !PEM_write_PrivateKey(file, key, NULL, NULL, 0, NULL, NULL) || fclose(file))
		goto out;
	file = create(certificate_file, 0644);
	if (!file || !PEM_write_X509(file, certificate) || fclose(file))
		goto out;
	rc = 0;
out:
	X509_free(certificate);
	EVP_PKEY_free(key);
	return rc;
}

static int key_file_check(const char *path, char *why, size_t size)
{
	struct stat st;

	if (stat(path, &st) < 0) {
		snprintf(why, size, "api.privateKeyFile %s: %s", path, strerror(errno));
		return -errno;
	}
	if (st.st_mode & (S_IRWXG | S_IRWXO) & ~S_IRGRP) {
		snprintf(why, size, "api.privateKeyFile %s can be read by others: chmod 0600 it",
			 path);
		return -EPERM;
	}
	return 0;
}

static int files_load(SSL_CTX *context, const char *certificate, const char *key, char *why,
		      size_t size)
{
	int rc = key_file_check(key, why, size);

	if (rc < 0)
		return rc;
	if (SSL_CTX_use_certificate_chain_file(context, certificate) != 1)
		return fault(why, size, "api.certificateFile", certificate);
	if (SSL_CTX_use_PrivateKey_file(context, key, SSL_FILETYPE_PEM) != 1 ||
	    SSL_CTX_check_private_key(context) != 1)
		return fault(why, size, "api.privateKeyFile", key);
	return 0;
}

static int certificate_load(SSL_CTX *context, const struct config_api *api, const char *directory,
			    char *why, size_t size)
{
	char *certificate = NULL;
	char *key = NULL;
	int rc;

	if (api->certificate_file && api->private_key_file)
		return files_load(context, api->certificate_file, api->private_key_file, why, size);
	if (asprintf(&certificate, "%s/api.crt", directory) < 0 ||
	    asprintf(&key, "%s/api.key", directory) < 0)
		return -ENOMEM;
	if (access(certificate, R_OK) < 0 && self_signed_make(certificate, key) < 0)
		rc = fault(why, size, "cannot make a certificate in", directory);
	else
		rc = files_load(context, certificate, key, why, size);
	free(certificate);
	free(key);
	return rc;
}

static int clients_load(SSL_CTX *context, const char *file, char *why, size_t size)
{
	STACK_OF(X509_NAME) * names;

	if (!file)
		return 0;
	names = SSL_load_client_CA_file(file);
	if (!names || SSL_CTX_load_verify_file(context, file) != 1) {
		sk_X509_NAME_pop_free(names, X509_NAME_free);
		return fault(why, size, "api.clientCaFile", file);
	}
	SSL_CTX_set_client_CA_list(context, names);
	SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
	return 0;
}

int tls_context_new(SSL_CTX **context, const struct config_api *api, const char *state_directory,
		    char *why, size_t why_size)
{
	SSL_CTX *c = SSL_CTX_new(TLS_server_method());
	int rc;

	if (!c)
		return -ENOMEM;
	SSL_CTX_set_min_proto_version(c, TLS1_2_VERSION);
	SSL_CTX_set_options(c, SSL_OP_NO_RENEGOTIATION | SSL_OP_CIPHER_SERVER_PREFERENCE |
				       SSL_OP_NO_COMPRESSION | SSL_OP_IGNORE_UNEXPECTED_EOF);
	SSL_CTX_set_mode(c, SSL_MODE_RELEASE_BUFFERS);
	if (SSL_CTX_set_cipher_list(c, "ECDHE+AESGCM:ECDHE+CHACHA20") != 1) {
		SSL_CTX_free(c);
		return -ENOTSUP;
	}
	rc = certificate_load(c, api, state_directory, why, why_size);
	if (rc == 0)
		rc = clients_load(c, api->client_ca_file, why, why_size);
	if (rc < 0)
		SSL_CTX_free(c);
	else
		*context = c;
	return rc;
}

void tls_context_free(SSL_CTX *context)
{
	SSL_CTX_free(context);
}
