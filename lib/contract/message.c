#include "contract/message.h"
#include "contract/check.h"

/* Both programs may be of different builds: the layout is part of the version. */
_Static_assert(sizeof(struct contract_header) == 16, "contract_header");
_Static_assert(sizeof(struct contract_object) == 24, "contract_object");
_Static_assert(sizeof(struct contract_sa) == 248, "contract_sa");
_Static_assert(sizeof(struct contract_child) == 12, "contract_child");
_Static_assert(sizeof(struct contract_tunnel) == 24, "contract_tunnel");
_Static_assert(sizeof(struct contract_nexthop) == 32, "contract_nexthop");
_Static_assert(sizeof(struct contract_limit) == 32, "contract_limit");
_Static_assert(sizeof(struct contract_answer) == 168, "contract_answer");
_Static_assert(sizeof(struct contract_sa_final) == 192, "contract_sa_final");
_Static_assert(sizeof(struct contract_datagram) == 64, "contract_datagram");
_Static_assert(sizeof(struct net_selector) == 48, "net_selector");
_Static_assert(sizeof(struct contract_capture) == 16, "contract_capture");
_Static_assert(sizeof(struct contract_capture_rule) == 56, "contract_capture_rule");
_Static_assert(sizeof(struct contract_captured) == 56, "contract_captured");
_Static_assert(sizeof(struct contract_traced) == 120, "contract_traced");

bool contract_zero(const void *bytes, size_t n)
{
	const uint8_t *p = bytes;

	for (size_t i = 0; i < n; i++)
		if (p[i])
			return false;
	return true;
}

bool contract_addr_valid(const struct net_addr *addr)
{
	size_t n = net_addr_len(addr);

	return n && contract_zero(addr->bytes + n, sizeof(addr->bytes) - n) &&
	       contract_zero(addr->zero, sizeof(addr->zero));
}

const char *contract_header_check(const struct contract_header *message, size_t room)
{
	if (room < sizeof(*message) || message->length < sizeof(*message) || message->length > room)
		return "the message is shorter or longer than its header says";
	if (message->length % 8)
		return "the message's length is not a multiple of eight";
	return message->zero ? "the header's unused field is not zero" : NULL;
}

const char *contract_padding_check(const struct contract_header *message, size_t used)
{
	const uint8_t *bytes = (const uint8_t *)message;

	if (used > message->length || message->length - used >= 8)
		return "the message's length does not fit what it carries";
	if (!contract_zero(bytes + used, message->length - used))
		return "the message's padding is not zero";
	return NULL;
}

const struct contract_header *contract_batch_next(const struct contract_header *batch,
						  const struct contract_header *after)
{
	const uint8_t *end = (const uint8_t *)batch + batch->length;
	const uint8_t *next =
		after ? (const uint8_t *)after + after->length : (const uint8_t *)(batch + 1);

	return next < end ? (const struct contract_header *)next : NULL;
}

const char *contract_kind_text(enum contract_kind kind)
{
	static const char *const texts[CONTRACT_KINDS] = {
		[CONTRACT_PORT] = "port",
		[CONTRACT_MIRROR] = "mirror",
		[CONTRACT_ADDRESS] = "address",
		[CONTRACT_NEIGHBOUR] = "neighbour",
		[CONTRACT_NEXTHOP] = "next hop",
		[CONTRACT_GROUP] = "group",
		[CONTRACT_TUNNEL] = "tunnel",
		[CONTRACT_CHILD] = "child",
		[CONTRACT_SA] = "SA",
		[CONTRACT_LIMIT] = "limit",
		[CONTRACT_ROUTE] = "route",
	};

	return (unsigned)kind < CONTRACT_KINDS && texts[kind] ? texts[kind] : "unknown kind";
}

const char *contract_status_text(enum contract_status status)
{
	static const char *const texts[] = {
		[CONTRACT_APPLIED] = "applied",
		[CONTRACT_REFUSED_EXISTS] = "exists already",
		[CONTRACT_REFUSED_MISSING] = "does not exist",
		[CONTRACT_REFUSED_INVALID] = "is not valid",
		[CONTRACT_REFUSED_FULL] = "no room is left",
		[CONTRACT_REFUSED_STALE] = "belongs to an older session",
		[CONTRACT_REFUSED_IN_USE] = "is in use",
		[CONTRACT_REFUSED_UNSUPPORTED] = "is not supported",
	};

	return (unsigned)status < sizeof(texts) / sizeof(texts[0]) ? texts[status]
								   : "unknown status";
}
