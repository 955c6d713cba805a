/*
 * Distinguished names. Text has the attributes in the order of the DER, as administrators of VPN
 * gateways write them ("C=CH, O=Example, CN=gw"), not in the reverse order of RFC 2253.
 */
#include "control/crypto/cert.h"
#include "control/crypto/internal.h"

#include <openssl/x509.h>

#include <ctype.h>
#include <errno.h>
#include <string.h>

#define ATTRIBUTE_MAX 256
#define DN_BYTES_MAX 4096

static X509_NAME *name_of(struct span der)
{
	const uint8_t *at = der.p;
	X509_NAME *name;

	if (!der.n || der.n > DN_BYTES_MAX)
		return NULL;
	name = d2i_X509_NAME(NULL, &at, (long)der.n);
	if (name && at != der.p + der.n) {
		X509_NAME_free(name);
		name = NULL;
	}
	if (!name)
		crypto_refused();
	return name;
}

/* One "type=value" up to a comma that no backslash hides; trims blanks. NULL when malformed. */
static const char *next_attribute(const char *text, char *type, char *value)
{
	size_t n = 0, keep = 0;

	while (isspace((unsigned char)*text))
		text++;
	while (*text && *text != '=' && n < ATTRIBUTE_MAX - 1)
		type[n++] = *text++;
	while (n && isspace((unsigned char)type[n - 1]))
		n--;
	type[n] = 0;
	if (!n || *text++ != '=')
		return NULL;
	while (isspace((unsigned char)*text))
		text++;
	n = 0;
	while (*text && *text != ',') {
		bool hidden = *text == '\\' && text[1];

		if (hidden)
			text++;
		if (n == ATTRIBUTE_MAX - 1)
			return NULL;
		value[n++] = *text;
		if (hidden || !isspace((unsigned char)*text))
			keep = n;
		text++;
	}
	value[keep] = 0;
	return keep ? text : NULL;
}

int crypto_dn_parse(const char *text, uint8_t *der, size_t *n)
{
	char type[ATTRIBUTE_MAX], value[ATTRIBUTE_MAX];
	X509_NAME *name = X509_NAME_new();
	int length, error = -EINVAL;

	if (!name)
		return -ENOMEM;
	for (;;) {
		text = next_attribute(text, type, value);
		if (!text || X509_NAME_add_entry_by_txt(name, type, MBSTRING_UTF8,
							(const uint8_t *)value, -1, -1, 0) != 1)
			goto out;
		if (!*text)
			break;
		text++;
	}
	length = i2d_X509_NAME(name, NULL);
	if (length <= 0 || (size_t)length > *n)
		goto out;
	*n = (size_t)i2d_X509_NAME(name, &der);
	error = 0;
out:
	X509_NAME_free(name);
	if (error)
		crypto_refused();
	return error;
}

const char *crypto_dn_text(struct span der, char *buf, size_t size)
{
	X509_NAME *name = name_of(der);
	BIO *bio = BIO_new(BIO_s_mem());
	const char *text;
	long n = 0;

	buf[0] = 0;
	if (name && bio &&
	    X509_NAME_print_ex(bio, name, 0,
			       ASN1_STRFLGS_RFC2253 | XN_FLAG_SEP_CPLUS_SPC | XN_FLAG_FN_SN) >= 0) {
		n = BIO_get_mem_data(bio, &text);
		if (n < 0 || (size_t)n >= size)
			n = n < 0 ? 0 : (long)size - 1;
		memcpy(buf, text, (size_t)n);
		buf[n] = 0;
	}
	BIO_free(bio);
	X509_NAME_free(name);
	return buf;
}

bool crypto_dn_valid(struct span der)
{
	X509_NAME *name = name_of(der);
	bool valid = name && X509_NAME_entry_count(name) > 0;

	X509_NAME_free(name);
	return valid;
}

bool crypto_dn_equal(struct span a, struct span b)
{
	X509_NAME *left = name_of(a), *right = name_of(b);
	bool equal =
		left && right && X509_NAME_entry_count(left) > 0 && X509_NAME_cmp(left, right) == 0;

	X509_NAME_free(left);
	X509_NAME_free(right);
	return equal;
}

/* The comparison of one attribute is that of a name that has only it. */
static bool attribute_matches(const X509_NAME_ENTRY *pattern, const X509_NAME_ENTRY *entry)
{
	const ASN1_STRING *value = X509_NAME_ENTRY_get_data(pattern);
	X509_NAME *left, *right;
	bool equal;

	if (OBJ_cmp(X509_NAME_ENTRY_get_object(pattern), X509_NAME_ENTRY_get_object(entry)) != 0)
		return false;
	if (ASN1_STRING_length(value) == 1 && ASN1_STRING_get0_data(value)[0] == '*')
		return true;
	left = X509_NAME_new();
	right = X509_NAME_new();
	equal = left && right && X509_NAME_add_entry(left, pattern, -1, 0) == 1 &&
		X509_NAME_add_entry(right, entry, -1, 0) == 1 && X509_NAME_cmp(left, right) == 0;
	X509_NAME_free(left);
	X509_NAME_free(right);
	return equal;
}

bool crypto_dn_matches(struct span pattern, struct span der)
{
	X509_NAME *wanted = name_of(pattern), *name = name_of(der);
	int count = wanted ? X509_NAME_entry_count(wanted) : 0;
	bool matches = name && count > 0 && X509_NAME_entry_count(name) == count;

	for (int i = 0; matches && i < count; i++)
		matches = attribute_matches(X509_NAME_get_entry(wanted, i),
					    X509_NAME_get_entry(name, i));
	X509_NAME_free(wanted);
	X509_NAME_free(name);
	return matches;
}

static bool has_common_name(struct span der, const char *wanted)
{
	X509_NAME *name = name_of(der);
	bool found = false;
	int i = -1;

	while (name && !found && (i = X509_NAME_get_index_by_NID(name, NID_commonName, i)) >= 0) {
		uint8_t *text = NULL;
		int n = ASN1_STRING_to_UTF8(&text,
					    X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, i)));

		found = n >= 0 && (size_t)n == strlen(wanted) && !memcmp(text, wanted, (size_t)n);
		OPENSSL_free(text);
	}
	X509_NAME_free(name);
	return found;
}

bool crypto_dn_matches_text(const char *pattern, struct span der)
{
	uint8_t wanted[1024];
	size_t n = sizeof(wanted);

	if (!strchr(pattern, '='))
		return has_common_name(der, pattern);
	return crypto_dn_parse(pattern, wanted, &n) == 0 &&
	       crypto_dn_matches((struct span){ wanted, n }, der);
}
