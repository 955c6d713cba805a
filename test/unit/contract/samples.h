#pragma once
/* A good message of each kind, to be spoiled by tests and to seed the fuzz corpus. */
#include "contract/message.h"

#include <string.h>

struct sample {
	union {
		struct contract_header header;
		uint64_t words[2048];
		uint8_t bytes[16384];
	};
	size_t used; /* before the padding */
};

static inline struct net_addr sample_addr(uint8_t last)
{
	return net_addr_ip4(0xc0000200u + last);
}

static inline void *sample_append(struct sample *s, const void *bytes, size_t n)
{
	void *at = s->bytes + s->used;

	memcpy(at, bytes, n);
	s->used += n;
	s->header.length = (uint32_t)((s->used + 7) / 8 * 8);
	return at;
}

static inline void sample_begin(struct sample *s, enum contract_type type, uint64_t request)
{
	struct contract_header header = { .type = type, .request = request };

	memset(s, 0, sizeof(*s));
	sample_append(s, &header, sizeof(header));
	s->header.length = sizeof(header);
}

static inline void sample_object(struct sample *s, enum contract_kind kind, uint32_t id)
{
	struct contract_object object = {
		.kind = kind, .id = id, .domain = 1, .owner = 3, .generation = 7
	};

	sample_append(s, &object, sizeof(object));
}

static inline struct contract_sa sample_sa(enum contract_direction direction, uint32_t id)
{
	struct contract_sa sa = {
		.spi = direction == CONTRACT_INBOUND ? contract_spi(0x5a, id) : 0xcafe0001,
		.direction = direction,
		.cipher = CONTRACT_CIPHER_AES256_GCM,
		.icv_bytes = 16,
		.tunnel = 4,
		.child = 5,
		.flags = CONTRACT_SA_ESN | CONTRACT_SA_UDP,
		.window = 1024,
		.spread = CONTRACT_SPREAD_DEFAULT,
		.local_port = 4500,
		.remote_port = 4500,
		.local = sample_addr(1),
		.remote = sample_addr(2),
		.key_length = 36,
	};

	memset(sa.key, 0x6b, sa.key_length);
	return sa;
}

/* The fixed body of a kind, valid under sample_object(.., 9). */
static inline void sample_body(struct sample *s, enum contract_kind kind)
{
	struct contract_port port = {
		.name = "public0", .device = "0000:01:00.0", .mtu = 1500, .role = CONTRACT_PUBLIC
	};
	struct contract_mirror mirror = { .interface = "vg-public0", .port = 1, .ifindex = 4 };
	struct contract_address address = { .addr = sample_addr(1), .port = 1 };
	struct contract_neighbour neighbour = { .addr = sample_addr(9),
						.port = 1,
						.mac = { 2, 0, 0, 0, 0, 1 } };
	struct contract_nexthop nexthop = { .kind = CONTRACT_NEXTHOP_ECMP,
					    .member_count = 2,
					    .source_count = 2 };
	struct contract_member members[] = { { 1, 1, 0 }, { 2, 256, 0 } };
	uint32_t sources[] = { 4, 7 };
	struct contract_group group = { .member_count = 2 };
	struct contract_tunnel tunnel = { .nexthop = 1, .df = CONTRACT_DF_COPY };
	struct contract_child child = { .tunnel = 4, .local_count = 1, .remote_count = 1 };
	struct net_selector any = net_selector_any(NET_IP4);
	struct contract_sa sa = sample_sa(CONTRACT_INBOUND, 9);
	struct contract_limit limit = { .bits_per_s = 1000000000, .parent = 2 };
	struct contract_route route = { .nexthop = 3 };

	route.prefix = net_prefix_of(&(struct net_addr){ .bytes = { 10 }, .family = NET_IP4 }, 8);
	switch (kind) {
	case CONTRACT_PORT:
		sample_append(s, &port, sizeof(port));
		break;
	case CONTRACT_MIRROR:
		sample_append(s, &mirror, sizeof(mirror));
		break;
	case CONTRACT_ADDRESS:
		sample_append(s, &address, sizeof(address));
		break;
	case CONTRACT_NEIGHBOUR:
		sample_append(s, &neighbour, sizeof(neighbour));
		break;
	case CONTRACT_NEXTHOP:
		sample_append(s, &nexthop, sizeof(nexthop));
		sample_append(s, members, sizeof(members));
		sample_append(s, sources, sizeof(sources));
		break;
	case CONTRACT_GROUP:
		sample_append(s, &group, sizeof(group));
		sample_append(s, members, sizeof(members));
		break;
	case CONTRACT_TUNNEL:
		sample_append(s, &tunnel, sizeof(tunnel));
		break;
	case CONTRACT_CHILD:
		sample_append(s, &child, sizeof(child));
		sample_append(s, &any, sizeof(any));
		sample_append(s, &any, sizeof(any));
		break;
	case CONTRACT_SA:
		sample_append(s, &sa, sizeof(sa));
		break;
	case CONTRACT_LIMIT:
		sample_append(s, &limit, sizeof(limit));
		break;
	case CONTRACT_ROUTE:
		sample_append(s, &route, sizeof(route));
		break;
	default:
		break;
	}
}

static inline bool sample_by_value(enum contract_kind kind)
{
	return kind == CONTRACT_ADDRESS || kind == CONTRACT_NEIGHBOUR || kind == CONTRACT_ROUTE;
}

/* ADD, SET or a listed OBJECT of this kind, with opaque bytes. */
static inline void sample_message(struct sample *s, enum contract_type type,
				  enum contract_kind kind, uint64_t request)
{
	struct contract_object *object;

	sample_begin(s, type, request);
	sample_object(s, kind, sample_by_value(kind) ? 0 : 9);
	sample_body(s, kind);
	if (type == CONTRACT_OBJECT && kind == CONTRACT_SA)
		memset(((struct contract_sa *)contract_body_of(&s->header))->key, 0,
		       CONTRACT_KEY_MAX);
	object = contract_object_of(&s->header);
	object->opaque_length = 5;
	sample_append(s, "hello", 5);
}

/* DELETE or CONFIRM. */
static inline void sample_key(struct sample *s, enum contract_type type, enum contract_kind kind,
			      uint64_t request)
{
	sample_begin(s, type, request);
	sample_object(s, kind, sample_by_value(kind) ? 0 : 9);
	if (sample_by_value(kind))
		sample_body(s, kind);
}

static inline void sample_datagram(struct sample *s, enum contract_type type, uint32_t n)
{
	struct contract_datagram d = { .local = sample_addr(1),
				       .remote = sample_addr(2),
				       .local_port = 500,
				       .remote_port = 500,
				       .port = 1,
				       .nexthop = 1,
				       .length = n,
				       .class = CONTRACT_CLASS_IKE };

	sample_begin(s, type, 0);
	sample_append(s, &d, sizeof(d));
	for (uint32_t i = 0; i < n; i++)
		sample_append(s, &(uint8_t){ (uint8_t)(i | 1) }, 1);
}

/* Everything that may stand in a batch, for each kind that control owns. */
static inline void sample_batch(struct sample *s, uint64_t request)
{
	static struct sample one;

	sample_begin(s, CONTRACT_BATCH, request);
	for (unsigned kind = CONTRACT_ADDRESS; kind < CONTRACT_KINDS; kind++) {
		sample_message(&one, CONTRACT_ADD, kind, 0);
		sample_append(s, &one, one.header.length);
		sample_key(&one, CONTRACT_DELETE, kind, 0);
		sample_append(s, &one, one.header.length);
	}
}

/* Every event with a fixed body. */
static inline void sample_event(struct sample *s, enum contract_type type)
{
	struct contract_acquire acquire = { .group = 1,
					    .src = sample_addr(1),
					    .dst = sample_addr(2) };
	struct contract_lifetime lifetime = { .sa = 9, .spi = 77, .event = CONTRACT_SOFT };
	struct contract_peer_moved moved = { .sa = 9,
					     .remote_port = 4500,
					     .remote = sample_addr(3) };
	struct contract_link link = { .port = 1, .speed_mbps = 25000, .up = 1 };
	struct contract_neighbour_wanted wanted = { .port = 1, .addr = sample_addr(4) };
	struct contract_path_mtu mtu = { .sa = 9, .mtu = 1400 };
	struct contract_unknown_spi unknown = {
		.spi = 5, .port = 1, .local = sample_addr(1), .remote = sample_addr(2)
	};

	sample_begin(s, type, 0);
	switch (type) {
	case CONTRACT_ACQUIRE:
		sample_append(s, &acquire, sizeof(acquire));
		break;
	case CONTRACT_LIFETIME:
		sample_append(s, &lifetime, sizeof(lifetime));
		break;
	case CONTRACT_PEER_MOVED:
		sample_append(s, &moved, sizeof(moved));
		break;
	case CONTRACT_LINK:
		sample_append(s, &link, sizeof(link));
		break;
	case CONTRACT_NEIGHBOUR_WANTED:
		sample_append(s, &wanted, sizeof(wanted));
		break;
	case CONTRACT_PATH_MTU:
		sample_append(s, &mtu, sizeof(mtu));
		break;
	case CONTRACT_UNKNOWN_SPI:
		sample_append(s, &unknown, sizeof(unknown));
		break;
	default:
		break;
	}
}

static inline void sample_answer(struct sample *s, bool final, uint64_t request)
{
	struct contract_sa_final f = {
		.answer = { .status = CONTRACT_REFUSED_EXISTS, .reason = "exists" }, .packets = 5
	};

	sample_begin(s, CONTRACT_ANSWER, request);
	sample_append(s, &f, final ? sizeof(f) : sizeof(f.answer));
}
