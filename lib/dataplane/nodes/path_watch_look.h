#pragma once
/*
 * The first look at packets of which mostly none is wanted: at all of them together, without a
 * branch, so that a filter that matches nothing costs a packet a few cycles. Only where one may be
 * wanted each is looked at by itself.
 */
#include "dataplane/capture/match.h"
#include "dataplane/nodes/path_state.h"

struct look {
	struct path_packet *const *at; /* NULL: all of `vector`, for addresses only */
	const struct path_packet *vector;
	const struct cipher_op *ops; /* their inner packets, where *at are outer ones by now */
	uint32_t n;
	bool esp; /* what follows the IP header is seen before a UDP header */
};

static PATH_INLINE const struct path_packet *path_watch_look_at(const struct look *look, size_t i)
{
	return look->at ? look->at[i] : &look->vector[i];
}

static PATH_INLINE const uint8_t *path_watch_look_ip(const struct look *look, size_t i)
{
	return look->ops ? look->ops[i].text : path_watch_look_at(look, i)->ip;
}

static PATH_INLINE uint32_t path_watch_look_l4(const struct look *look, const struct path_packet *p)
{
	return look->esp && p->remote_port_be ? p->l4 - (uint32_t)sizeof(struct net_udp_hdr)
					      : p->l4;
}

static PATH_INLINE uint64_t path_watch_look_word(const struct look *look, size_t i,
						 enum capture_part part)
{
	switch (part) {
	case CAPTURE_ONE_ADDRESS:
	case CAPTURE_ADDRESSES:
		return capture_addresses(path_watch_look_ip(look, i));
	case CAPTURE_PORTS:
		return capture_ports(path_watch_look_ip(look, i) +
				     path_watch_look_l4(look, path_watch_look_at(look, i)));
	default:
		return path_watch_look_at(look, i)->protocol;
	}
}

/* One of IPv6 may be wanted whatever the words say. */
static PATH_INLINE bool path_watch_look_ip6(const struct look *look)
{
	uint8_t ip6 = 0;

	for (uint32_t i = 0; i < look->n; i++)
		ip6 |= path_watch_look_at(look, i)->ip6;
	return ip6;
}

typedef uint64_t look_pair __attribute__((vector_size(16)));
typedef uint32_t look_quad __attribute__((vector_size(16)));

static PATH_INLINE look_pair path_watch_look_two(const struct look *look, size_t i, size_t k)
{
	return (look_pair){
		path_watch_look_word(look, i, CAPTURE_ONE_ADDRESS),
		path_watch_look_word(look, k, CAPTURE_ONE_ADDRESS),
	};
}

/* Two packets in a register. */
static PATH_INLINE bool path_watch_look_halves(const struct look *look,
					       const struct capture_sieve *sieve)
{
	const look_quad mask = (look_quad)(look_pair){ sieve->mask[0], sieve->mask[1] };
	const look_quad value = (look_quad)(look_pair){ sieve->value[0], sieve->value[1] };
	look_pair may = { 0, 0 };
	size_t n = look->n; /* an index that may not wrap needs no arithmetic of its own */
	size_t i = 0;

	for (; i + 4 <= n; i += 4) {
		look_quad first = (look_quad)path_watch_look_two(look, i, i + 1);
		look_quad second = (look_quad)path_watch_look_two(look, i + 2, i + 3);

		may |= (look_pair)((first & mask) == value) | (look_pair)((second & mask) == value);
	}
	for (; i < n; i++)
		may |= (look_pair)(((look_quad)path_watch_look_two(look, i, i) & mask) == value);
	return (may[0] | may[1]) || (unlikely(sieve->open6) && path_watch_look_ip6(look));
}

/*
 * No branch, so that packets overlap. Dropped ones are looked at too: their buffers are still ours
 * to read, and what they say is asked again. Addresses are mostly of IPv4 alone.
 */
static PATH_INLINE bool path_watch_look_sieve(const struct look *look,
					      const struct capture_sieve *sieve,
					      enum capture_part part)
{
	const look_pair mask = { sieve->mask[0], sieve->mask[1] };
	const look_pair value = { sieve->value[0], sieve->value[1] };
	look_pair may = { 0, 0 };
	uint8_t ip6 = 0;

#pragma GCC unroll 4
	for (uint32_t i = 0; i < look->n; i++) {
		uint64_t word = path_watch_look_word(look, i, part);

		may |= (look_pair)(((look_pair){ word, word } & mask) == value);
		if (part != CAPTURE_ADDRESSES)
			ip6 |= path_watch_look_at(look, i)->ip6;
	}
	if (part == CAPTURE_ADDRESSES && unlikely(sieve->open6))
		ip6 = path_watch_look_ip6(look);
	return (may[0] | may[1]) || (ip6 & sieve->open6);
}

static PATH_INLINE bool path_watch_look_may(const struct capture_table *table,
					    const struct look *look)
{
	const struct capture_sieve *sieve = &table->sieve;

	if (!sieve->usable)
		return true;
	switch (sieve->part) {
	case CAPTURE_ONE_ADDRESS:
		return path_watch_look_halves(look, sieve);
	case CAPTURE_ADDRESSES:
		return path_watch_look_sieve(look, sieve, CAPTURE_ADDRESSES);
	case CAPTURE_PORTS:
		return path_watch_look_sieve(look, sieve, CAPTURE_PORTS);
	default:
		return path_watch_look_sieve(look, sieve, CAPTURE_PROTOCOL);
	}
}

/* What the captures' tunnels say of the last packet's. */
struct look_tunnel {
	uint32_t tunnel;
	bool wanted;
};

/* `ip` is the inner packet, of which *p knows what follows its header. */
static PATH_INLINE bool path_watch_look_want(const struct capture_table *table,
					     struct look_tunnel *look, const struct path_packet *p,
					     const uint8_t *ip)
{
	if (unlikely(p->tunnel != look->tunnel)) {
		look->tunnel = p->tunnel;
		look->wanted = capture_tunnel_gate(table, p->tunnel);
	}
	return look->wanted && capture_gate(table, ip, p->l4, p->protocol);
}
