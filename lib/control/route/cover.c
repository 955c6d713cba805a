#include "control/route/cover.h"

#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct cover_node {
	struct cover_node *child[2];
	struct net_prefix prefix;
	void *entry; /* NULL: it only parts two ways */
};

static struct cover_node **root_of(struct cover *cover, const struct net_prefix *prefix)
{
	return &cover->roots[prefix->addr.family == NET_IP6];
}

static bool bit(const struct net_prefix *prefix, uint8_t at)
{
	return prefix->addr.bytes[at / 8] >> (7 - at % 8) & 1;
}

/* 64 bits from a multiple of 64 on. */
static uint64_t word(const struct net_addr *addr, uint8_t from)
{
	uint64_t bits_be;

	memcpy(&bits_be, addr->bytes + from / 8, sizeof(bits_be));
	return be64toh(bits_be);
}

/* Bits that both begin with. */
static uint8_t common(const struct net_prefix *a, const struct net_prefix *b)
{
	uint8_t most = a->length < b->length ? a->length : b->length;
	uint8_t same = 0;
	uint64_t differ;

	do {
		differ = word(&a->addr, same) ^ word(&b->addr, same);
		same += differ ? (uint8_t)__builtin_clzll(differ) : 64;
	} while (!differ && same < most);
	return same < most ? same : most;
}

static void node_free(struct cover_node *node)
{
	if (!node)
		return;
	node_free(node->child[0]);
	node_free(node->child[1]);
	free(node);
}

void cover_fini(struct cover *cover)
{
	node_free(cover->roots[0]);
	node_free(cover->roots[1]);
	*cover = (struct cover){ 0 };
}

static struct cover_node *node_new(const struct net_prefix *prefix, uint8_t length, void *entry)
{
	struct cover_node *node = calloc(1, sizeof(*node));

	if (node) {
		node->prefix = net_prefix_of(&prefix->addr, length);
		node->entry = entry;
	}
	return node;
}

/* In the way to `was`, which does not contain the new one, or is not there. */
static int insert(struct cover_node **at, const struct net_prefix *prefix, void *entry)
{
	struct cover_node *was = *at;
	struct cover_node *leaf = node_new(prefix, prefix->length, entry);
	struct cover_node *fork;
	uint8_t same;

	if (!leaf)
		return -ENOMEM;
	same = was ? common(&was->prefix, prefix) : prefix->length;
	if (same == prefix->length) {
		if (was)
			leaf->child[bit(&was->prefix, same)] = was;
		*at = leaf;
		return 0;
	}
	fork = node_new(prefix, same, NULL);
	if (!fork) {
		free(leaf);
		return -ENOMEM;
	}
	fork->child[bit(prefix, same)] = leaf;
	fork->child[!bit(prefix, same)] = was;
	*at = fork;
	return 0;
}

int cover_set(struct cover *cover, const struct net_prefix *prefix, void *entry)
{
	struct cover_node **at = root_of(cover, prefix);

	while (*at && common(&(*at)->prefix, prefix) == (*at)->prefix.length) {
		struct cover_node *node = *at;

		if (node->prefix.length == prefix->length) {
			node->entry = entry;
			return 0;
		}
		at = &node->child[bit(prefix, node->prefix.length)];
	}
	return insert(at, prefix, entry);
}

/* Takes out what stands for nothing and parts no ways. */
static void tidy(struct cover_node **at)
{
	struct cover_node *node = *at;

	if (node->entry || (node->child[0] && node->child[1]))
		return;
	*at = node->child[0] ? node->child[0] : node->child[1];
	free(node);
}

void cover_delete(struct cover *cover, const struct net_prefix *prefix)
{
	struct cover_node **above = NULL;
	struct cover_node **at = root_of(cover, prefix);

	while (*at && (*at)->prefix.length < prefix->length) {
		above = at;
		at = &(*at)->child[bit(prefix, (*at)->prefix.length)];
	}
	if (!*at || (*at)->prefix.length != prefix->length ||
	    common(&(*at)->prefix, prefix) != prefix->length)
		return;
	(*at)->entry = NULL;
	tidy(at);
	if (above)
		tidy(above);
}

void *cover_above(const struct cover *cover, const struct net_prefix *prefix)
{
	const struct cover_node *node = cover->roots[prefix->addr.family == NET_IP6];
	void *found = NULL;

	while (node && node->prefix.length < prefix->length &&
	       common(&node->prefix, prefix) == node->prefix.length) {
		if (node->entry)
			found = node->entry;
		node = node->child[bit(prefix, node->prefix.length)];
	}
	return found;
}

static void below(const struct cover_node *node, const void *from, cover_visit visit, void *context)
{
	if (!node)
		return;
	if (node->entry && !visit(context, node->entry, from, &from))
		return;
	below(node->child[0], from, visit, context);
	below(node->child[1], from, visit, context);
}

void cover_below(const struct cover *cover, const struct net_prefix *prefix, const void *from,
		 cover_visit visit, void *context)
{
	const struct cover_node *node = cover->roots[prefix->addr.family == NET_IP6];

	while (node && node->prefix.length < prefix->length)
		node = node->child[bit(prefix, node->prefix.length)];
	if (!node || common(&node->prefix, prefix) != prefix->length)
		return;
	if (node->prefix.length > prefix->length) {
		below(node, from, visit, context);
		return;
	}
	below(node->child[0], from, visit, context);
	below(node->child[1], from, visit, context);
}
