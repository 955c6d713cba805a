#pragma once
/*
 * Whether captures want a packet: the gates inline, the rules behind them.
 */
#include "dataplane/capture/capture.h"

#include <string.h>

/* An IP packet taken apart as far as its bytes go. */
struct capture_key {
	struct net_addr src; /* family 0: no IP packet */
	struct net_addr dst;
	uint16_t src_port;
	uint16_t dst_port;
	uint8_t protocol;
	uint8_t tcp_flags;
	uint8_t ttl;
	bool ports; /* it has them */
};

/* `room` bytes at `ip`; nothing behind them is looked at. */
void capture_key(struct capture_key *key, const uint8_t *ip, uint32_t room);
/* Those of `captures` (bits) that want it. `tunnel` 0: not known yet, so those with tunnels do not.
 */
uint32_t capture_match(const struct capture_table *table, uint32_t captures,
		       const struct capture_key *key, uint32_t tunnel);
bool capture_wants_tunnel(const struct capture_item *item, uint32_t tunnel);

static inline bool capture_tunnel_gate(const struct capture_table *table, uint32_t tunnel)
{
	return !table->tunnel_words || (tunnel / 64 < table->tunnel_words &&
					table->tunnels[tunnel / 64] >> tunnel % 64 & 1);
}

static inline uint64_t capture_addresses(const uint8_t *ip)
{
	uint64_t word;

	memcpy(&word, ip + 12, sizeof(word));
	return word;
}

static inline uint32_t capture_ports(const uint8_t *l4)
{
	uint32_t ports;

	memcpy(&ports, l4, sizeof(ports));
	return ports;
}

/* The first look at a part of an IPv4 packet: false is sure, true has to be asked again. */
static inline bool capture_sieve_word(const struct capture_sieve *sieve, uint64_t word)
{
	uint64_t differ = (word & sieve->mask[0]) ^ sieve->value[0];

	if (sieve->part == CAPTURE_ONE_ADDRESS)
		return !(uint32_t)differ || !(differ >> 32);
	return (word & sieve->mask[0]) == sieve->value[0] ||
	       (word & sieve->mask[1]) == sieve->value[1];
}

/*
 * May a rule match the packet at `ip`, what follows the header being at `l4`? Up to 12 bytes behind
 * `l4` lie in the packet's buffer, whatever its length.
 */
static inline bool capture_gate(const struct capture_table *table, const uint8_t *ip, uint32_t l4,
				uint8_t protocol)
{
	uint64_t addresses;
	uint64_t rest;

	if (*ip >> 4 == 6)
		return table->open6;
	if (table->open4)
		return true;
	addresses = capture_addresses(ip);
	rest = capture_ports(ip + l4) | (uint64_t)protocol << 32;
	for (uint32_t i = 0; i < table->gates; i++) {
		const struct capture_gate *gate = &table->gate[i];

		if (!(((addresses ^ gate->address) & gate->address_mask) |
		      ((rest ^ gate->rest) & gate->rest_mask)))
			return true;
	}
	return false;
}
