#include "contract/check.h"

#include <string.h>

static const char *check_answer(const struct contract_header *m)
{
	const struct contract_answer *answer = (const void *)(m + 1);
	size_t n = m->length - sizeof(*m);

	if (n != sizeof(*answer) && n != sizeof(struct contract_sa_final))
		return "the answer's length is wrong";
	if (answer->status > CONTRACT_REFUSED_UNSUPPORTED)
		return "the answer's status is unknown";
	return memchr(answer->reason, 0, sizeof(answer->reason))
		       ? NULL
		       : "the answer's reason does not end";
}

static const char *check_acquire(const struct contract_header *m)
{
	const struct contract_acquire *a = (const void *)(m + 1);

	if (!contract_addr_valid(&a->src) || !contract_addr_valid(&a->dst))
		return "the acquire's addresses are not valid";
	if (!contract_zero(a->zero, sizeof(a->zero)))
		return "the acquire's unused field is not zero";
	return a->group || a->tunnel ? NULL : "the acquire names neither group nor tunnel";
}

static const char *check_lifetime(const struct contract_header *m)
{
	const struct contract_lifetime *l = (const void *)(m + 1);

	if (l->event != CONTRACT_SOFT && l->event != CONTRACT_HARD)
		return "the lifetime event is unknown";
	if (!contract_zero(l->zero, sizeof(l->zero)))
		return "the lifetime's unused field is not zero";
	return l->sa ? NULL : "the lifetime names no SA";
}

static const char *check_peer_moved(const struct contract_header *m)
{
	const struct contract_peer_moved *p = (const void *)(m + 1);

	if (!p->sa || p->zero || !contract_addr_valid(&p->remote))
		return "the moved peer is not valid";
	return NULL;
}

static const char *check_link(const struct contract_header *m)
{
	const struct contract_link *l = (const void *)(m + 1);

	if (!l->port || l->up > 1 || !contract_zero(l->zero, sizeof(l->zero)))
		return "the link event is not valid";
	return NULL;
}

static const char *check_neighbour_wanted(const struct contract_header *m)
{
	const struct contract_neighbour_wanted *n = (const void *)(m + 1);

	return n->port && contract_addr_valid(&n->addr) ? NULL
							: "the wanted neighbour is not valid";
}

static const char *check_path_mtu(const struct contract_header *m)
{
	const struct contract_path_mtu *p = (const void *)(m + 1);

	return p->sa && !p->zero ? NULL : "the path MTU event is not valid";
}

static const char *check_unknown_spi(const struct contract_header *m)
{
	const struct contract_unknown_spi *u = (const void *)(m + 1);

	if (!contract_addr_valid(&u->local) || !contract_addr_valid(&u->remote) ||
	    !contract_zero(u->zero, sizeof(u->zero)))
		return "the unknown SPI event is not valid";
	return NULL;
}

/* `bytes` is what a fixed body takes; 0: the row's check measures it. */
static const struct event_row {
	const char *(*check)(const struct contract_header *message);
	uint32_t bytes;
	bool of_request;
} events[] = {
	[CONTRACT_ANSWER - CONTRACT_ANSWER] = { check_answer, 0, true },
	[CONTRACT_OBJECT - CONTRACT_ANSWER] = { contract_object_check, 0, true },
	[CONTRACT_PUNT - CONTRACT_ANSWER] = { contract_datagram_check, 0, false },
	[CONTRACT_ACQUIRE -
		CONTRACT_ANSWER] = { check_acquire, sizeof(struct contract_acquire), false },
	[CONTRACT_LIFETIME -
		CONTRACT_ANSWER] = { check_lifetime, sizeof(struct contract_lifetime), false },
	[CONTRACT_PEER_MOVED -
		CONTRACT_ANSWER] = { check_peer_moved, sizeof(struct contract_peer_moved), false },
	[CONTRACT_LINK - CONTRACT_ANSWER] = { check_link, sizeof(struct contract_link), false },
	[CONTRACT_NEIGHBOUR_WANTED - CONTRACT_ANSWER] = { check_neighbour_wanted,
							  sizeof(struct contract_neighbour_wanted),
							  false },
	[CONTRACT_PATH_MTU -
		CONTRACT_ANSWER] = { check_path_mtu, sizeof(struct contract_path_mtu), false },
	[CONTRACT_UNKNOWN_SPI - CONTRACT_ANSWER] = { check_unknown_spi,
						     sizeof(struct contract_unknown_spi), false },
	[CONTRACT_CAPTURED - CONTRACT_ANSWER] = { contract_captured_check, 0, false },
	[CONTRACT_TRACED -
		CONTRACT_ANSWER] = { contract_traced_check, sizeof(struct contract_traced), false },
};

const char *contract_event_check(const struct contract_header *m)
{
	const char *wrong = contract_header_check(m, CONTRACT_MESSAGE_MAX);
	const struct event_row *row;

	if (wrong)
		return wrong;
	if (m->type < CONTRACT_ANSWER ||
	    m->type - CONTRACT_ANSWER >= (int)(sizeof(events) / sizeof(events[0])))
		return "the event's type is unknown";
	row = &events[m->type - CONTRACT_ANSWER];
	if (row->of_request != (m->request != 0))
		return "the event's request number is missing or too many";
	if (row->bytes)
		wrong = contract_padding_check(m, sizeof(*m) + row->bytes);
	return wrong ? wrong : row->check(m);
}
