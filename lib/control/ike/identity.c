#include "control/ike/identity.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define DN_MAX IKE_ID_MAX

int ike_id_set(struct ike_id *id, uint8_t type, struct span data)
{
	*id = (struct ike_id){ .type = type };
	if (data.n > IKE_ID_MAX)
		return -EINVAL;
	if (!data.n)
		return 0;
	id->data = malloc(data.n);
	if (!id->data)
		return -ENOMEM;
	memcpy(id->data, data.p, data.n);
	id->size = (uint16_t)data.n;
	return 0;
}

void ike_id_fini(struct ike_id *id)
{
	free(id->data);
	*id = (struct ike_id){ 0 };
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* -EINVAL for an odd number of digits, another character or none at all. */
static int unhex(uint8_t *out, size_t room, const char *text, size_t *n)
{
	size_t digits = strlen(text);

	if (!digits || digits % 2 || digits / 2 > room)
		return -EINVAL;
	for (size_t i = 0; i < digits; i += 2) {
		int high = hex_digit(text[i]), low = hex_digit(text[i + 1]);

		if (high < 0 || low < 0)
			return -EINVAL;
		out[i / 2] = (uint8_t)(high << 4 | low);
	}
	*n = digits / 2;
	return 0;
}

static int set_text(struct ike_id *id, uint8_t type, const char *text)
{
	size_t n = strlen(text);

	return n ? ike_id_set(id, type, (struct span){ (const uint8_t *)text, n }) : -EINVAL;
}

static int set_dn(struct ike_id *id, const char *text)
{
	uint8_t der[DN_MAX];
	size_t n = sizeof(der);
	int error = crypto_dn_parse(text, der, &n);

	return error ? error : ike_id_set(id, ID_DER_ASN1_DN, (struct span){ der, n });
}

static int set_key_id(struct ike_id *id, const char *text)
{
	uint8_t bytes[IKE_ID_MAX];
	size_t n;
	int error = unhex(bytes, sizeof(bytes), text, &n);

	return error ? error : ike_id_set(id, ID_KEY_ID, (struct span){ bytes, n });
}

/* What the text says by a prefix; -ENOENT without one. */
static int parse_prefixed(struct ike_id *id, const char *text)
{
	if (!strncmp(text, "keyid:", 6))
		return set_key_id(id, text + 6);
	if (!strncmp(text, "fqdn:", 5))
		return set_text(id, ID_FQDN, text + 5);
	if (!strncmp(text, "email:", 6))
		return set_text(id, ID_RFC822_ADDR, text + 6);
	if (!strncmp(text, "dn:", 3))
		return set_dn(id, text + 3);
	return -ENOENT;
}

int ike_id_parse(struct ike_id *id, const char *text)
{
	struct net_addr addr;
	int error;

	*id = (struct ike_id){ 0 };
	if (!strcmp(text, "*"))
		return 0;
	error = parse_prefixed(id, text);
	if (error != -ENOENT)
		return error;
	if (net_addr_parse(&addr, text) == 0)
		return ike_id_set(id, addr.family == NET_IP4 ? ID_IPV4_ADDR : ID_IPV6_ADDR,
				  (struct span){ addr.bytes, net_addr_len(&addr) });
	if (strchr(text, '='))
		return set_dn(id, text);
	return set_text(id, strchr(text, '@') ? ID_RFC822_ADDR : ID_FQDN, text);
}

static const char *hex_text(char buf[IKE_ID_TEXT], const char *prefix, struct span data)
{
	int n = snprintf(buf, IKE_ID_TEXT, "%s", prefix);

	for (size_t i = 0; i < data.n && n < IKE_ID_TEXT - 6; i++)
		n += snprintf(buf + n, IKE_ID_TEXT - (size_t)n, "%02x", data.p[i]);
	if (n >= IKE_ID_TEXT - 6)
		snprintf(buf + n, IKE_ID_TEXT - (size_t)n, "...");
	return buf;
}

/* Printable ASCII as it is, everything else and the backslash as \\xNN. */
static const char *printable(char buf[IKE_ID_TEXT], struct span data)
{
	size_t n = 0;

	for (size_t i = 0; i < data.n && n < IKE_ID_TEXT - 8; i++) {
		uint8_t c = data.p[i];

		if (c >= 0x20 && c < 0x7f && c != '\\')
			buf[n++] = (char)c;
		else
			n += (size_t)snprintf(buf + n, IKE_ID_TEXT - n, "\\x%02x", c);
	}
	snprintf(buf + n, IKE_ID_TEXT - n, "%s", n >= IKE_ID_TEXT - 8 ? "..." : "");
	return buf;
}

const char *ike_id_text(char buf[IKE_ID_TEXT], uint8_t type, struct span data)
{
	struct net_addr addr;
	char prefix[24];

	switch (type) {
	case 0:
		return hex_text(buf, "*", (struct span){ 0 });
	case ID_IPV4_ADDR:
	case ID_IPV6_ADDR:
		if (data.n != (type == ID_IPV4_ADDR ? 4u : 16u))
			break;
		addr = net_addr_of(type == ID_IPV4_ADDR ? NET_IP4 : NET_IP6, data.p);
		return net_addr_text(buf, &addr);
	case ID_FQDN:
	case ID_RFC822_ADDR:
		return printable(buf, data);
	case ID_DER_ASN1_DN:
		if (!crypto_dn_valid(data))
			break;
		return crypto_dn_text(data, buf, IKE_ID_TEXT); /* escapes by itself */
	case ID_KEY_ID:
		return hex_text(buf, "keyid:", data);
	default:
		break;
	}
	snprintf(prefix, sizeof(prefix), "type%u:", type);
	return hex_text(buf, prefix, data);
}

static bool folded_equal(struct span a, struct span b)
{
	return a.n == b.n && !memchr(a.p, 0, a.n) &&
	       strncasecmp((const char *)a.p, (const char *)b.p, a.n) == 0;
}

bool ike_id_equal(const struct ike_id *id, uint8_t type, struct span data)
{
	struct span own = ike_id_span(id);

	if (id->type != type || !own.n || !data.n)
		return false;
	switch (type) {
	case ID_FQDN:
	case ID_RFC822_ADDR:
		return folded_equal(own, data);
	case ID_DER_ASN1_DN:
		return crypto_dn_equal(own, data);
	default:
		return own.n == data.n && memcmp(own.p, data.p, own.n) == 0;
	}
}

/* "*.example.com" and "*@example.com": what follows the star is the end of the name. */
static bool tail_matches(struct span pattern, struct span data)
{
	struct span tail = { pattern.p + 1, pattern.n - 1 };

	return data.n > tail.n &&
	       folded_equal(tail, (struct span){ data.p + data.n - tail.n, tail.n });
}

bool ike_id_matches(const struct ike_id *pattern, uint8_t type, struct span data)
{
	struct span own = ike_id_span(pattern);

	if (pattern->type == 0)
		return true;
	if (pattern->type != type)
		return false;
	if (type == ID_DER_ASN1_DN)
		return crypto_dn_matches(own, data);
	if ((type == ID_FQDN || type == ID_RFC822_ADDR) && own.n > 2 && own.p[0] == '*')
		return own.p[1] == (type == ID_FQDN ? '.' : '@') && tail_matches(own, data);
	return ike_id_equal(pattern, type, data);
}

bool ike_id_in_cert(uint8_t type, struct span data, const struct crypto_cert *cert)
{
	switch (type) {
	case ID_IPV4_ADDR:
	case ID_IPV6_ADDR:
		return crypto_cert_has_san(cert, CRYPTO_SAN_IP, data);
	case ID_FQDN:
		return crypto_cert_has_san(cert, CRYPTO_SAN_DNS, data);
	case ID_RFC822_ADDR:
		return crypto_cert_has_san(cert, CRYPTO_SAN_EMAIL, data);
	case ID_DER_ASN1_DN:
		return crypto_dn_equal(crypto_cert_subject(cert), data) ||
		       crypto_cert_has_san(cert, CRYPTO_SAN_DN, data);
	default:
		return false; /* a key id names no certificate (RFC 4945 section 3.1.6) */
	}
}

int ike_psk_octets(struct secret *psk, const char *text)
{
	size_t n = strlen(text), done;
	int error;

	*psk = (struct secret){ 0 };
	if (!n)
		return -EINVAL;
	if (n < 2 || text[0] != '0' || (text[1] | 0x20) != 'x')
		return secret_copy(psk, text, n);
	error = n > 2 ? secret_new(psk, (n - 2) / 2) : -EINVAL;
	if (error)
		return error;
	error = unhex(psk->p, psk->n, text + 2, &done);
	if (error)
		secret_free(psk);
	return error;
}
