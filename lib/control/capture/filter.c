#include "control/capture/filter.h"

#include "net/header.h"

#include <cjson/cJSON.h>

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define FLAGS_DEFAULT (CAPTURE_FLAG_ESP | CAPTURE_FLAG_IKE | CAPTURE_FLAG_OVPN)
#define SNAP_DEFAULT 120
#define FILE_MB_DEFAULT 100
#define FILE_MB_MAX 4096
#define TEXT_MAX 65536

struct parse {
	struct capture_filter *filter;
	char *why;
	size_t why_size;
	int index; /* of the filter that is read, -1: none */
};

__attribute__((format(printf, 2, 3))) static bool fail(struct parse *p, const char *format, ...)
{
	va_list args;
	int n = p->index < 0 ? snprintf(p->why, p->why_size, "filterData: ")
			     : snprintf(p->why, p->why_size, "filterData: Filters[%d]: ", p->index);

	va_start(args, format);
	if (n >= 0 && (size_t)n < p->why_size)
		vsnprintf(p->why + n, p->why_size - (size_t)n, format, args);
	va_end(args);
	return false;
}

/* The value of a key; its case does not matter. */
static const cJSON *member(const cJSON *object, const char *name)
{
	return cJSON_GetObjectItem(object, name);
}

/* An entry of an array, or the one value that stands for an array of one. NULL: no more. */
static const cJSON *entry(const cJSON *value, int i)
{
	if (!value || cJSON_IsNull(value))
		return NULL;
	if (cJSON_IsArray(value))
		return cJSON_GetArrayItem(value, i);
	return i == 0 ? value : NULL;
}

static int entries(const cJSON *value)
{
	int n = 0;

	while (entry(value, n))
		n++;
	return n;
}

static bool number(struct parse *p, const cJSON *value, const char *name, double most, double *to)
{
	char *end = NULL;

	if (cJSON_IsNumber(value))
		*to = value->valuedouble;
	else if (cJSON_IsString(value) && value->valuestring[0])
		*to = strtod(value->valuestring, &end);
	else
		return fail(p, "%s takes numbers", name);
	if ((end && *end) || *to < -1 || *to > most || *to != (double)(long)*to)
		return fail(p, "%s takes whole numbers up to %.0f", name, most);
	return true;
}

static bool read_number(struct parse *p, const cJSON *root, const char *name, double most,
			uint32_t *to)
{
	const cJSON *value = member(root, name);
	double d;

	if (!value || cJSON_IsNull(value))
		return true;
	if (!number(p, value, name, most, &d))
		return false;
	if (d < 0)
		return fail(p, "%s is not below 0", name);
	*to = (uint32_t)d;
	return true;
}

static bool known(struct parse *p, const cJSON *object, const char *const *names)
{
	for (const cJSON *item = object->child; item; item = item->next) {
		const char *const *name = names;

		while (*name && strcasecmp(*name, item->string))
			name++;
		if (!*name)
			return fail(p, "\"%s\" is not known", item->string);
	}
	return true;
}

/* A prefix, or an address alone. */
static bool read_subnet(struct parse *p, const cJSON *value, struct net_prefix *to)
{
	struct net_addr addr;
	int rc;

	if (!value)
		return true;
	if (!cJSON_IsString(value))
		return fail(p, "subnets are strings");
	rc = net_prefix_parse(to, value->valuestring);
	if (rc == 0 || rc == -ERANGE)
		return true;
	if (net_addr_parse(&addr, value->valuestring))
		return fail(p, "\"%s\" is no subnet", value->valuestring);
	*to = net_prefix_of(&addr, (uint8_t)(net_addr_len(&addr) * 8));
	return true;
}

static bool read_protocol(struct parse *p, const cJSON *value, uint8_t *to)
{
	static const struct {
		const char *name;
		uint8_t number;
	} names[] = {
		{ "TCP", NET_PROTO_TCP },
		{ "UDP", NET_PROTO_UDP },
		{ "ICMP", NET_PROTO_ICMP },
		{ "ICMPv6", NET_PROTO_ICMP6 },
		{ "Any", 0 },
	};
	double d = 0;

	if (!value)
		return true;
	for (size_t i = 0; cJSON_IsString(value) && i < sizeof(names) / sizeof(names[0]); i++)
		if (!strcasecmp(names[i].name, value->valuestring)) {
			*to = names[i].number;
			return true;
		}
	if (!number(p, value, "Protocol", 255, &d))
		return false;
	*to = d < 0 ? 0 : (uint8_t)d;
	return true;
}

static bool read_port(struct parse *p, const cJSON *value, const char *name, uint16_t *to)
{
	double d = 0;

	if (!value)
		return true;
	if (!number(p, value, name, 65535, &d))
		return false;
	*to = d < 0 ? 0 : (uint16_t)d;
	return true;
}

static bool is_true(const cJSON *object, const char *name)
{
	const cJSON *value = member(object, name);

	return cJSON_IsTrue(value) ||
	       (cJSON_IsString(value) && !strcasecmp(value->valuestring, "true"));
}

enum { SRC, DST, SRC_PORT, DST_PORT, PROTOCOL, FIELDS };

static const char *const field_names[FIELDS] = { "SourceSubnets", "DestinationSubnets",
						 "SourcePort", "DestinationPort", "Protocol" };

/* One of the combinations of what the arrays hold. */
static bool read_rule(struct parse *p, const cJSON *const values[FIELDS], const int at[FIELDS],
		      struct contract_capture_rule *rule)
{
	return read_subnet(p, entry(values[SRC], at[SRC]), &rule->src) &&
	       read_subnet(p, entry(values[DST], at[DST]), &rule->dst) &&
	       read_port(p, entry(values[SRC_PORT], at[SRC_PORT]), field_names[SRC_PORT],
			 &rule->src_port) &&
	       read_port(p, entry(values[DST_PORT], at[DST_PORT]), field_names[DST_PORT],
			 &rule->dst_port) &&
	       read_protocol(p, entry(values[PROTOCOL], at[PROTOCOL]), &rule->protocol);
}

static bool add_rule(struct parse *p, const struct contract_capture_rule *rule)
{
	const uint8_t src = rule->src.addr.family;
	const uint8_t dst = rule->dst.addr.family;

	if (src && dst && src != dst)
		return true; /* of the combinations this one cannot be */
	if (p->filter->count == CONTRACT_CAPTURE_RULES)
		return fail(p, "more than %u combinations of subnets, ports and protocols",
			    CONTRACT_CAPTURE_RULES);
	p->filter->rules[p->filter->count++] = *rule;
	return true;
}

static bool next_combination(const cJSON *const values[FIELDS], int at[FIELDS])
{
	for (int f = 0; f < FIELDS; f++) {
		if (++at[f] < entries(values[f]))
			return true;
		at[f] = 0;
	}
	return false;
}

static bool read_flags(struct parse *p, const cJSON *object, uint16_t *flags)
{
	const cJSON *value = entry(member(object, "TcpFlags"), 0);
	double d = -1;

	*flags = CONTRACT_TCP_ANY;
	if (value && !number(p, value, "TcpFlags", 255, &d))
		return false;
	if (d >= 0)
		*flags = (uint16_t)d;
	return true;
}

static bool read_filter(struct parse *p, const cJSON *object)
{
	static const char *const names[] = {
		"SourceSubnets",
		"DestinationSubnets",
		"SourcePort",
		"DestinationPort",
		"Protocol",
		"TcpFlags",
		"IpSubnetValueAsAny",
		"PortValueAsAny",
		"CaptureSingleDirectionTrafficOnly",
		NULL,
	};
	const cJSON *values[FIELDS];
	int at[FIELDS] = { 0 };
	uint16_t flags;

	if (!cJSON_IsObject(object))
		return fail(p, "Filters holds objects");
	if (!known(p, object, names) || !read_flags(p, object, &flags))
		return false;
	for (int f = 0; f < FIELDS; f++)
		values[f] = member(object, field_names[f]);
	if (is_true(object, "IpSubnetValueAsAny"))
		values[SRC] = values[DST] = NULL;
	if (is_true(object, "PortValueAsAny"))
		values[SRC_PORT] = values[DST_PORT] = NULL;
	p->filter->single |= is_true(object, "CaptureSingleDirectionTrafficOnly");
	do {
		struct contract_capture_rule rule = { .tcp_flags = flags };

		if (!read_rule(p, values, at, &rule) || !add_rule(p, &rule))
			return false;
	} while (next_combination(values, at));
	return true;
}

static bool read_root(struct parse *p, const cJSON *root)
{
	static const char *const names[] = { "TracingFlags", "MaxPacketBufferSize", "MaxFileSize",
					     "Filters", NULL };
	const cJSON *filters = member(root, "Filters");
	struct capture_filter *f = p->filter;

	if (!cJSON_IsObject(root))
		return fail(p, "an object is expected");
	if (!known(p, root, names) || !read_number(p, root, "TracingFlags", 255, &f->flags) ||
	    !read_number(p, root, "MaxPacketBufferSize", CONTRACT_CAPTURE_SNAP_MAX, &f->snap) ||
	    !read_number(p, root, "MaxFileSize", FILE_MB_MAX, &f->file_mb))
		return false;
	if (!f->flags || f->flags & ~(uint32_t)FLAGS_DEFAULT)
		return fail(p, "TracingFlags is a sum of ESP 1, IKE 2 and OVPN 8");
	if (!f->snap || !f->file_mb)
		return fail(p, "MaxPacketBufferSize and MaxFileSize are at least 1");
	for (int i = 0; entry(filters, i); i++) {
		p->index = i;
		if (!read_filter(p, entry(filters, i)))
			return false;
	}
	return true;
}

/* Single quotes for double ones, where there is no double one: the REST sample's dialect. */
static cJSON *parse_lenient(const char *text)
{
	cJSON *root = cJSON_Parse(text);
	char *copy;

	if (root || strchr(text, '"'))
		return root;
	copy = strdup(text);
	for (char *at = copy; at && *at; at++)
		if (*at == '\'')
			*at = '"';
	root = copy ? cJSON_Parse(copy) : NULL;
	free(copy);
	return root;
}

int capture_filter_parse(struct capture_filter *filter, const char *text, char *why,
			 size_t why_size)
{
	struct parse p = { filter, why, why_size, -1 };
	cJSON *root;
	bool good;

	memset(filter, 0, sizeof(*filter));
	filter->flags = FLAGS_DEFAULT;
	filter->snap = SNAP_DEFAULT;
	filter->file_mb = FILE_MB_DEFAULT;
	if (!text || !text[0])
		return 0;
	root = strlen(text) < TEXT_MAX ? parse_lenient(text) : NULL;
	if (!root) {
		fail(&p, "no JSON (single quotes will do)");
		return -EINVAL;
	}
	good = read_root(&p, root);
	cJSON_Delete(root);
	return good ? 0 : -EINVAL;
}
