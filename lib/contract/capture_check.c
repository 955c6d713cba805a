#include "contract/capture.h"
#include "contract/check.h"
#include "contract/drops.h"

static const char *const step_names[] = {
#define X(name, text) text,
	CONTRACT_STEPS(X)
#undef X
};

const char *contract_step_name(enum contract_step step)
{
	return (unsigned)step < CONTRACT_STEP_COUNT ? step_names[step] : "unknown step";
}

/* Any address, or a prefix without host bits. */
static bool prefix_valid(const struct net_prefix *prefix)
{
	struct net_prefix masked;

	if (!contract_zero(prefix->zero, sizeof(prefix->zero)))
		return false;
	if (!prefix->addr.family)
		return contract_zero(prefix, sizeof(*prefix));
	if (!contract_addr_valid(&prefix->addr) || prefix->length > net_addr_len(&prefix->addr) * 8)
		return false;
	masked = net_prefix_of(&prefix->addr, prefix->length);
	return net_addr_equal(&masked.addr, &prefix->addr);
}

static const char *check_rule(const struct contract_capture_rule *rule)
{
	if (!prefix_valid(&rule->src) || !prefix_valid(&rule->dst))
		return "a prefix of the capture's rules is not valid";
	if (rule->src.addr.family && rule->dst.addr.family &&
	    rule->src.addr.family != rule->dst.addr.family)
		return "a rule of the capture mixes both families";
	if (rule->tcp_flags != CONTRACT_TCP_ANY && rule->tcp_flags > UINT8_MAX)
		return "a rule of the capture has TCP flags that there are not";
	return rule->zero ? "the rule's unused field is not zero" : NULL;
}

const char *contract_capture_check(const struct contract_header *m)
{
	const struct contract_capture *c = (const void *)(m + 1);
	const struct contract_capture_rule *rules = (const void *)(c + 1);
	const uint16_t what = CONTRACT_CAPTURE_OUTER | CONTRACT_CAPTURE_INNER |
			      CONTRACT_CAPTURE_IKE | CONTRACT_CAPTURE_STEPS;
	const char *wrong;

	if (m->length < sizeof(*m) + sizeof(*c))
		return "the message is too short for a capture";
	if (!c->id || c->id >= CONTRACT_CAPTURES)
		return "a capture's id is 1 to 31";
	if (c->what & ~what || c->single > 1 || c->zero)
		return "a field of the capture is out of range";
	if (c->snap > CONTRACT_CAPTURE_SNAP_MAX || c->rules > CONTRACT_CAPTURE_RULES ||
	    c->tunnel_words > CONTRACT_CAPTURE_TUNNELS / 64)
		return "the capture asks for more than there is";
	wrong = contract_padding_check(m, sizeof(*m) + sizeof(*c) + c->rules * sizeof(*rules) +
						  c->tunnel_words * sizeof(uint64_t));
	for (uint32_t i = 0; !wrong && i < c->rules; i++)
		wrong = check_rule(&rules[i]);
	return wrong;
}

const char *contract_captured_check(const struct contract_header *m)
{
	const struct contract_captured *c = (const void *)(m + 1);

	if (m->length < sizeof(*m) + sizeof(*c))
		return "the message is too short for a captured packet";
	if (c->kept > CONTRACT_CAPTURE_SNAP_MAX || c->kept > c->length)
		return "a captured packet keeps more than it is long";
	if (!c->layer || c->layer > CONTRACT_LAYER_IKE || c->outbound > 1 || c->captures & 1 ||
	    !contract_zero(c->zero, sizeof(c->zero)))
		return "a field of the captured packet is out of range";
	return contract_padding_check(m, sizeof(*m) + sizeof(*c) + c->kept);
}

/* Of no packet: a frame that is no IP. */
static bool addr_or_none(const struct net_addr *addr)
{
	return contract_addr_valid(addr) || contract_zero(addr, sizeof(*addr));
}

const char *contract_traced_check(const struct contract_header *m)
{
	const struct contract_traced *t = (const void *)(m + 1);

	if (t->step >= CONTRACT_STEP_COUNT || t->drop >= CONTRACT_DROP_COUNT || t->from > 3 ||
	    t->captures & 1 || !contract_zero(t->zero, sizeof(t->zero)))
		return "a field of the trace is out of range";
	return addr_or_none(&t->src) && addr_or_none(&t->dst)
		       ? NULL
		       : "the trace's addresses are not valid";
}
