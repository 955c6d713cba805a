/*
 * certificateAuthentication of a connection. Azure keeps its own certificate in a Key Vault; here
 * it is a file of the machine.
 */
#include "control/config/schema_rows.h"

#include "control/crypto/cert.h"

#include <string.h>

const char *config_file_path(const char *text)
{
	if (!strncmp(text, "file://", 7))
		text += 7;
	return text[0] == '/' && text[1] ? text : NULL;
}

static bool check_path(const struct schema_field *field, const void *value,
		       const struct where *where, struct config_report *report)
{
	const char *text = *(const char *const *)value;

	if (config_file_path(text))
		return true;
	where_error(
		report, where, CODE_PARAMETER,
		strncmp(text, "https:", 6)
			? "Must be an absolute path or file:///path."
			: "There is no Key Vault here: give the path of a file, or file:///path.");
	return false;
}

static bool check_chain_entry(const struct where *where, const char *text,
			      struct config_report *report)
{
	struct crypto_cert *cert;

	if (config_file_path(text))
		return true;
	if (crypto_cert_load_text(text, &cert) < 0) {
		where_error(
			report, where, CODE_PARAMETER,
			"Is no X.509 certificate in base64 or PEM with an RSA (2048 bits or more), "
			"ECDSA or Ed25519 key, and no path of a file.");
		return false;
	}
	crypto_cert_put(cert);
	return true;
}

static bool check_chain(const struct schema_field *field, const void *value,
			const struct where *where, struct config_report *report)
{
	const CONFIG_ARRAY(const char *) *chain = value;
	bool good = true;

	for (uint32_t i = 0; i < chain->count; i++) {
		struct where at = where_index(where, i);

		good &= check_chain_entry(&at, chain->items[i], report);
	}
	return good;
}

static bool check_paths(const struct schema_field *field, const void *value,
			const struct where *where, struct config_report *report)
{
	const CONFIG_ARRAY(const char *) *paths = value;
	bool good = true;

	for (uint32_t i = 0; i < paths->count; i++) {
		struct where at = where_index(where, i);

		good &= check_path(field, &paths->items[i], &at, report);
	}
	return good;
}

static bool check_subject(const struct schema_field *field, const void *value,
			  const struct where *where, struct config_report *report)
{
	const char *text = *(const char *const *)value;
	uint8_t der[1024];
	size_t n = sizeof(der);

	if (!strchr(text, '=') || crypto_dn_parse(text, der, &n) == 0)
		return true;
	where_error(report, where, CODE_PARAMETER,
		    "Is no distinguished name like \"CN=branch, O=Example\", and no common name.");
	return false;
}

static const struct schema_field certificate_rows[] = {
	{ .name = "outboundAuthCertificate",
	  .type = SCHEMA_STRING,
	  .status = SCHEMA_ENFORCED,
	  .flags = SCHEMA_REQUIRED,
	  SCHEMA_AT(config_certificate_authentication, certificate),
	  .max = 1024,
	  .check = check_path,
	  .help = "Our certificate: a PEM file, the leaf first, then its intermediates; path or "
		  "`file:///path`. The private key is in the same file or in "
		  "`outboundAuthPrivateKey`. Read again on reload." },
	{ .name = "outboundAuthPrivateKey",
	  .type = SCHEMA_STRING,
	  .status = SCHEMA_ENFORCED,
	  .flags = SCHEMA_EXTENSION,
	  SCHEMA_AT(config_certificate_authentication, private_key),
	  .max = 1024,
	  .check = check_path,
	  .help = "PEM file of the private key, mode 0600: RSA of 2048 bits or more, ECDSA on "
		  "P-256, P-384, P-521, or Ed25519." },
	{ .name = "inboundAuthCertificateSubjectName",
	  .type = SCHEMA_STRING,
	  .status = SCHEMA_ENFORCED,
	  SCHEMA_AT(config_certificate_authentication, subject),
	  .max = 512,
	  .check = check_subject,
	  .help = "Subject of the peer's certificate: `CN=branch, O=Example` (attributes in the "
		  "certificate's order, `*` is any value) or the common name alone. Needed unless "
		  "`remoteId` says who the peer is." },
	{ .name = "inboundAuthCertificateChain",
	  .type = SCHEMA_ARRAY,
	  .element = SCHEMA_STRING,
	  .status = SCHEMA_ENFORCED,
	  .flags = SCHEMA_REQUIRED,
	  SCHEMA_AT(config_certificate_authentication, chain),
	  .min = 1,
	  .max = 32,
	  .element_max = 16384,
	  .check = check_chain,
	  .help = "Root and intermediates of the peer's certificate: base64 as in a `.cer`, PEM, "
		  "or the path of a PEM file. Self-signed ones are trusted; without any, all "
		  "are." },
	{ .name = "inboundAuthRevocationLists",
	  .type = SCHEMA_ARRAY,
	  .element = SCHEMA_STRING,
	  .status = SCHEMA_ENFORCED,
	  .flags = SCHEMA_EXTENSION,
	  SCHEMA_AT(config_certificate_authentication, revocation_lists),
	  .max = 32,
	  .check = check_paths,
	  .help = "Files with CRLs (PEM or DER). Read again on reload; never fetched from the "
		  "network." },
	{ .name = "inboundAuthRevocationRequired",
	  .type = SCHEMA_BOOL,
	  .status = SCHEMA_ENFORCED,
	  .flags = SCHEMA_EXTENSION,
	  SCHEMA_AT(config_certificate_authentication, revocation_required),
	  .help = "A peer is refused when a CRL for one of its certificates is missing or too "
		  "old." },
};
const struct schema_object schema_certificate = {
	.name = "certificate authentication",
	SCHEMA_ROWS(certificate_rows),
	.size = sizeof(struct config_certificate_authentication),
};
