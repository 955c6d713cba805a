#include "control/bgp/filter.h"

#include <stdlib.h>

#define FIRST 20
#define COMMUNITIES 16

static int rising(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a;
	uint32_t y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

/* As FRR prints them: each once, by number. */
static void communities(const char *const *texts, uint32_t count, struct text *out)
{
	uint32_t sorted[COMMUNITIES];
	uint32_t n = 0;

	for (uint32_t i = 0; i < count && n < COMMUNITIES; i++)
		n += config_community(texts[i], &sorted[n]);
	qsort(sorted, n, sizeof(sorted[0]), rising);
	for (uint32_t i = 0; i < n; i++) {
		if (i && sorted[i] == sorted[i - 1])
			continue;
		if (sorted[i] >> 16 == UINT16_MAX)
			text_add(out, " %s", sorted[i] & 2 ? "no-advertise" : "no-export");
		else
			text_add(out, " %u:%u", sorted[i] >> 16, sorted[i] & UINT16_MAX);
	}
}

static void lists(const struct bgp_filter *filter, uint32_t n, struct text *out)
{
	const struct config_route_rule *rule = &filter->rules[n];
	const char *name = filter->name;
	char prefix[NET_PREFIX_TEXT];

	if (rule->prefix.addr.family) {
		text_add(out, "%s prefix-list %s-%u seq 5 permit %s", filter->ip6 ? "ipv6" : "ip",
			 name, n, net_prefix_text(prefix, &rule->prefix));
		if (rule->ge)
			text_add(out, " ge %d", (int)rule->ge);
		if (rule->le)
			text_add(out, " le %d", (int)rule->le);
		text_add(out, "\n");
	}
	if (rule->communities.count) {
		text_add(out, "bgp community-list standard %s-%u seq 5 permit", name, n);
		communities(rule->communities.items, rule->communities.count, out);
		text_add(out, "\n");
	}
}

static void entry(const struct bgp_filter *filter, uint32_t n, struct text *out)
{
	const struct config_route_rule *rule = &filter->rules[n];
	bool permit = rule->action == CONFIG_RULE_PERMIT;

	/* FRR deletes an entry by its number alone: what changes its action has another one. */
	text_add(out, "route-map %s %s %u\n", filter->name, permit ? "permit" : "deny",
		 FIRST + n * 10 + permit);
	if (rule->prefix.addr.family)
		text_add(out, " match %s address prefix-list %s-%u\n", filter->ip6 ? "ipv6" : "ip",
			 filter->name, n);
	if (rule->communities.count)
		text_add(out, " match community %s-%u\n", filter->name, n);
	if (permit && rule->set_communities.count) {
		text_add(out, " set community");
		communities(rule->set_communities.items, rule->set_communities.count, out);
		text_add(out, " additive\n");
	}
	if (permit && filter->set)
		text_add(out, " %s\n", filter->set);
	text_add(out, "exit\n");
}

void bgp_text_filter(const struct bgp_filter *filter, struct text *out)
{
	for (uint32_t i = 0; i < filter->count; i++) {
		if (filter->rules[i].prefix.addr.family == (filter->ip6 ? NET_IP4 : NET_IP6))
			continue;
		lists(filter, i, out);
		entry(filter, i, out);
	}
}
