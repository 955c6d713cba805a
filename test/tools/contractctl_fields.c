#include "contractctl.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum type { U8, U16, U32, U64, ADDR, PREFIX, MAC, HEX, CHOICE, FLAG };

struct field {
	const char *name;
	enum type type;
	size_t offset;
	const char *const *choices; /* CHOICE: by value from `base` */
	uint64_t base; /* CHOICE: of the first; FLAG: the bit; HEX: where the length is */
};

static const char *const nexthop_kinds[] = { "gateway", "connected", "group", "mirror",
					     "drop",	"ecmp",	     NULL };
static const char *const directions[] = { "in", "out", NULL };
static const char *const dfs[] = { "copy", "set", "clear", NULL };
static const char *const source_checks[] = { "loose", "strict", "off", NULL };
static const char *const ciphers[] = {
#define X(name, text, key, salt, iv, block, aead) text,
	CONTRACT_CIPHERS(X)
#undef X
		NULL
};
static const char *const integrities[] = {
#define X(name, text, key, icv) text,
	CONTRACT_INTEGRITIES(X)
#undef X
		NULL
};

#define F(type, body, name)                                                                        \
	{                                                                                          \
#name, type, offsetof(struct body, name), NULL, 0                                  \
	}
#define C(body, name, choices, base)                                                               \
	{                                                                                          \
#name, CHOICE, offsetof(struct body, name), choices, base                          \
	}
#define B(text, body, bit)                                                                         \
	{                                                                                          \
		text, FLAG, offsetof(struct body, flags), NULL, bit                                \
	}
#define END                                                                                        \
	{                                                                                          \
		NULL, U8, 0, NULL, 0                                                               \
	}

static const struct field address_fields[] = { F(ADDR, contract_address, addr),
					       F(U32, contract_address, port),
					       F(U32, contract_address, mirror), END };
static const struct field neighbour_fields[] = { F(ADDR, contract_neighbour, addr),
						 F(U32, contract_neighbour, port),
						 F(MAC, contract_neighbour, mac), END };
static const struct field nexthop_fields[] = { C(contract_nexthop, kind, nexthop_kinds, 1),
					       F(U32, contract_nexthop, port),
					       F(U32, contract_nexthop, target),
					       F(ADDR, contract_nexthop, gateway), END };
static const struct field group_fields[] = { END };
static const struct field tunnel_fields[] = {
	F(U32, contract_tunnel, nexthop),
	F(U32, contract_tunnel, limit),
	F(U32, contract_tunnel, mirror),
	F(U16, contract_tunnel, mtu),
	C(contract_tunnel, df, dfs, 0),
	F(U8, contract_tunnel, dscp),
	C(contract_tunnel, source_check, source_checks, 0),
	F(U8, contract_tunnel, flags),
	F(U16, contract_tunnel, mss),
	END,
};
static const struct field child_fields[] = { F(U32, contract_child, tunnel),
					     F(U32, contract_child, outbound_sa), END };
static const struct field sa_fields[] = {
	F(U32, contract_sa, spi),
	C(contract_sa, direction, directions, 1),
	C(contract_sa, cipher, ciphers, 0),
	C(contract_sa, integrity, integrities, 0),
	F(U8, contract_sa, icv_bytes),
	F(U32, contract_sa, tunnel),
	F(U32, contract_sa, child),
	B("esn", contract_sa, CONTRACT_SA_ESN),
	B("udp", contract_sa, CONTRACT_SA_UDP),
	B("tfc", contract_sa, CONTRACT_SA_TFC),
	B("no_replay", contract_sa, CONTRACT_SA_NO_REPLAY_CHECK),
	F(U32, contract_sa, window),
	F(U32, contract_sa, spread),
	F(U16, contract_sa, local_port),
	F(U16, contract_sa, remote_port),
	F(ADDR, contract_sa, local),
	F(ADDR, contract_sa, remote),
	F(U64, contract_sa, sequence_start),
	F(U64, contract_sa, soft_packets),
	F(U64, contract_sa, hard_packets),
	F(U64, contract_sa, soft_bytes),
	F(U64, contract_sa, hard_bytes),
	{ "key", HEX, offsetof(struct contract_sa, key), NULL,
	  offsetof(struct contract_sa, key_length) },
	{ "integrity_key", HEX, offsetof(struct contract_sa, integrity_key), NULL,
	  offsetof(struct contract_sa, integrity_key_length) },
	END,
};
static const struct field limit_fields[] = {
	F(U64, contract_limit, bits_per_s),
	F(U64, contract_limit, packets_per_s),
	F(U32, contract_limit, burst_us),
	F(U32, contract_limit, parent),
	F(U16, contract_limit, weight),
	F(U8, contract_limit, direction_sum),
	END,
};
static const struct field route_fields[] = { F(PREFIX, contract_route, prefix),
					     F(U32, contract_route, nexthop), END };

static const struct {
	const char *name;
	const struct field *fields;
} kinds[CONTRACT_KINDS] = {
	[CONTRACT_PORT] = { "port", NULL },
	[CONTRACT_MIRROR] = { "mirror", NULL },
	[CONTRACT_ADDRESS] = { "address", address_fields },
	[CONTRACT_NEIGHBOUR] = { "neighbour", neighbour_fields },
	[CONTRACT_NEXTHOP] = { "nexthop", nexthop_fields },
	[CONTRACT_GROUP] = { "group", group_fields },
	[CONTRACT_TUNNEL] = { "tunnel", tunnel_fields },
	[CONTRACT_CHILD] = { "child", child_fields },
	[CONTRACT_SA] = { "sa", sa_fields },
	[CONTRACT_LIMIT] = { "limit", limit_fields },
	[CONTRACT_ROUTE] = { "route", route_fields },
};

enum contract_kind fields_kind(const char *name)
{
	for (uint32_t kind = 1; kind < CONTRACT_KINDS; kind++)
		if (!strcmp(kinds[kind].name, name))
			return (enum contract_kind)kind;
	return (enum contract_kind)0;
}

const char *fields_value(const struct line *line, const char *key)
{
	size_t n = strlen(key);

	for (int i = 0; i < line->count; i++)
		if (!strncmp(line->words[i], key, n) && line->words[i][n] == '=')
			return line->words[i] + n + 1;
	return NULL;
}

uint64_t fields_number(const struct line *line, const char *key, uint64_t otherwise)
{
	const char *value = fields_value(line, key);

	return value ? strtoull(value, NULL, 0) : otherwise;
}

int fields_hex(uint8_t *to, size_t size, const char *text)
{
	size_t n = strlen(text) / 2;

	if (strlen(text) % 2 || n > size)
		return -1;
	for (size_t i = 0; i < n; i++) {
		char pair[3] = { text[2 * i], text[2 * i + 1], 0 };
		char *end;

		to[i] = (uint8_t)strtoul(pair, &end, 16);
		if (*end)
			return -1;
	}
	return (int)n;
}

static int set_choice(uint8_t *at, const struct field *field, const char *value)
{
	for (uint32_t i = 0; field->choices[i]; i++)
		if (!strcmp(field->choices[i], value)) {
			*at = (uint8_t)(field->base + i);
			return 0;
		}
	return -1;
}

static int set_hex(uint8_t *body, const struct field *field, const char *value)
{
	int n = fields_hex(body + field->offset, CONTRACT_KEY_MAX, value);
	uint16_t length = (uint16_t)n;

	memcpy(body + field->base, &length, sizeof(length));
	return n < 0;
}

static int set_mac(uint8_t *at, const char *value)
{
	unsigned b[6];

	if (sscanf(value, "%x:%x:%x:%x:%x:%x", &b[0], &b[1], &b[2], &b[3], &b[4], &b[5]) != 6)
		return -1;
	for (int i = 0; i < 6; i++)
		at[i] = (uint8_t)b[i];
	return 0;
}

static int set_field(uint8_t *body, const struct field *field, const char *value)
{
	uint64_t number = strtoull(value, NULL, 0);
	uint8_t *at = body + field->offset;
	uint32_t flags;

	switch (field->type) {
	case U8:
		*at = (uint8_t)number;
		return 0;
	case U16:
		memcpy(at, &(uint16_t){ (uint16_t)number }, 2);
		return 0;
	case U32:
		memcpy(at, &(uint32_t){ (uint32_t)number }, 4);
		return 0;
	case U64:
		memcpy(at, &number, 8);
		return 0;
	case ADDR:
		return net_addr_parse((struct net_addr *)at, value);
	case PREFIX:
		return net_prefix_parse((struct net_prefix *)at, value);
	case MAC:
		return set_mac(at, value);
	case HEX:
		return set_hex(body, field, value);
	case CHOICE:
		return set_choice(at, field, value);
	default:
		memcpy(&flags, at, 4);
		flags |= number ? (uint32_t)field->base : 0;
		memcpy(at, &flags, 4);
		return 0;
	}
}

static int set_body(uint8_t *body, enum contract_kind kind, const char *word)
{
	const char *value = strchr(word, '=');

	for (const struct field *f = kinds[kind].fields; value && f->name; f++)
		if (strlen(f->name) == (size_t)(value - word) &&
		    !strncmp(f->name, word, (size_t)(value - word)))
			return set_field(body, f, value + 1);
	return -1;
}

/* members=1:10,2 */
static uint32_t add_members(struct contract_member *to, const char *text)
{
	uint32_t n = 0;

	for (char *end; text && *text && n < CONTRACT_MEMBERS_MAX; text = *end ? end + 1 : end) {
		to[n] = (struct contract_member){ .id = (uint32_t)strtoul(text, &end, 10),
						  .weight = 1 };
		if (*end == ':')
			to[n].weight = (uint16_t)strtoul(end + 1, &end, 10);
		n++;
	}
	return n;
}

/* local=10.0.0.0/8,fd00::/8 */
static uint32_t add_selectors(struct net_selector *to, const char *text)
{
	uint32_t n = 0;
	char copy[1024];
	char *rest = copy;
	char *piece;

	snprintf(copy, sizeof(copy), "%s", text ? text : "");
	while ((piece = strsep(&rest, ",")) && *piece) {
		struct net_prefix prefix;

		if (net_prefix_parse(&prefix, piece))
			return UINT32_MAX;
		to[n++] = net_selector_of_prefix(&prefix);
	}
	return n;
}

static size_t add_tail(struct contract_object *object, const struct line *line)
{
	uint8_t *body = (uint8_t *)(object + 1);
	uint8_t *tail = body + contract_body_bytes((enum contract_kind)object->kind);
	uint32_t n;

	if (object->kind == CONTRACT_NEXTHOP) {
		n = add_members((void *)tail, fields_value(line, "members"));
		((struct contract_nexthop *)body)->member_count = (uint8_t)n;
		return n * sizeof(struct contract_member);
	}
	if (object->kind == CONTRACT_GROUP) {
		n = add_members((void *)tail, fields_value(line, "members"));
		((struct contract_group *)body)->member_count = (uint8_t)n;
		return n * sizeof(struct contract_member);
	}
	if (object->kind == CONTRACT_CHILD) {
		struct contract_child *child = (void *)body;
		uint32_t local = add_selectors((void *)tail, fields_value(line, "local"));
		uint32_t remote = add_selectors((struct net_selector *)(void *)tail + local,
						fields_value(line, "remote"));

		child->local_count = (uint8_t)local;
		child->remote_count = (uint8_t)remote;
		return (local + remote) * sizeof(struct net_selector);
	}
	return 0;
}

static int set_word(struct contract_object *object, const char *word)
{
	static const char *const others[] = { "id=",	     "owner=",	 "domain=", "opaque=",
					      "generation=", "members=", "local=",  "remote=" };
	/* An SA's local and remote are fields of it, a child's are lists. */
	size_t count = object->kind == CONTRACT_SA ? 6 : 8;

	for (size_t i = 0; i < count; i++)
		if (!strncmp(word, others[i], strlen(others[i])))
			return 0;
	return set_body((uint8_t *)(object + 1), (enum contract_kind)object->kind, word);
}

static void set_defaults(struct contract_object *object)
{
	struct contract_sa *sa = (void *)(object + 1);
	struct contract_limit *limit = (void *)(object + 1);

	if (object->kind == CONTRACT_SA) {
		sa->icv_bytes = 16;
		sa->window = 1024;
		sa->spread = CONTRACT_SPREAD_DEFAULT;
		sa->cipher = CONTRACT_CIPHER_AES256_GCM;
		sa->direction = CONTRACT_OUTBOUND;
	}
	if (object->kind == CONTRACT_LIMIT)
		limit->weight = 1;
}

int fields_build(uint8_t *to, size_t size, enum contract_type type, const struct line *line,
		 int first, uint32_t session)
{
	struct contract_header *header = (void *)to;
	struct contract_object *object = (void *)(header + 1);
	const char *opaque = fields_value(line, "opaque");
	bool key_only = type == CONTRACT_DELETE || type == CONTRACT_CONFIRM;
	enum contract_kind kind;
	size_t n;

	memset(to, 0, size);
	kind = first < line->count ? fields_kind(line->words[first]) : (enum contract_kind)0;
	if (!kind || !kinds[kind].fields)
		return -1;
	object->kind = (uint16_t)kind;
	object->id = (uint32_t)fields_number(line, "id", 0);
	object->owner = (uint32_t)fields_number(line, "owner", 0);
	object->domain = (uint32_t)fields_number(line, "domain", 0);
	object->generation = (uint32_t)fields_number(line, "generation", session);
	set_defaults(object);
	for (int i = first + 1; i < line->count; i++)
		if (set_word(object, line->words[i])) {
			fprintf(stderr, "contractctl: \"%s\" is nothing of a %s\n", line->words[i],
				kinds[kind].name);
			return -1;
		}
	n = sizeof(*header) + sizeof(*object);
	if (!key_only || !object->id)
		n += contract_body_bytes(kind);
	if (!key_only)
		n += add_tail(object, line);
	if (!key_only && opaque) {
		object->opaque_length = (uint16_t)strlen(opaque);
		memcpy(to + n, opaque, strlen(opaque));
		n += strlen(opaque);
	}
	header->type = (uint16_t)type;
	header->length = (uint32_t)((n + 7) & ~(size_t)7);
	return 0;
}
