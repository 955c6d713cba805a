#include "control/tunnel/slot.h"

#include "base/log.h"
#include "control/ikev2/selector.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TOPIC "tunnel"
#define NAME_MAX_BYTES (CONTRACT_OPAQUE_MAX + 16)

static void slot_name(char name[NAME_MAX_BYTES], const struct tunnel *tunnel, uint32_t slot)
{
	snprintf(name, NAME_MAX_BYTES, "%.230s #%u", tunnel->name, slot);
}

static int slot_id(struct tunnel *tunnel, uint32_t slot, uint32_t *id)
{
	char name[NAME_MAX_BYTES];

	slot_name(name, tunnel, slot);
	return desired_id(tunnel->all->desired, CONTRACT_CHILD, name, id);
}

static void object_delete(struct tunnel *tunnel, struct tunnel_child *child)
{
	struct requests_message message = { .kind = CONTRACT_CHILD, .id = child->id };

	if (child->id) {
		desired_delete(tunnel->all->desired, &message);
		desired_id_put(tunnel->all->desired, CONTRACT_CHILD, child->id);
	}
	free(child->own);
	*child = (struct tunnel_child){ 0 };
}

static int resize(struct tunnel *tunnel, uint32_t count)
{
	struct tunnel_child *children =
		reallocarray(tunnel->children, count, sizeof(*tunnel->children));

	if (!children)
		return -ENOMEM;
	if (count > tunnel->slot_count)
		memset(&children[tunnel->slot_count], 0,
		       (count - tunnel->slot_count) * sizeof(*children));
	tunnel->children = children;
	tunnel->slot_count = count;
	return 0;
}

int slot_entries(struct tunnel *tunnel)
{
	uint32_t count = tunnel->peer->config.child_count;
	int rc = 0;

	if (tunnel->child_count == count)
		return 0;
	/* Other entries: the pairs have gone, and with them all slots behind the entries. */
	for (uint32_t i = count; i < tunnel->slot_count; i++)
		object_delete(tunnel, &tunnel->children[i]);
	rc = resize(tunnel, count);
	for (uint32_t i = 0; rc == 0 && i < count; i++)
		if (!tunnel->children[i].id)
			rc = slot_id(tunnel, i, &tunnel->children[i].id);
	if (rc == 0)
		tunnel->child_count = count;
	return rc;
}

void slot_fini(struct tunnel *tunnel)
{
	for (uint32_t i = 0; i < tunnel->slot_count; i++)
		free(tunnel->children[i].own);
	free(tunnel->children);
	tunnel->children = NULL;
	tunnel->child_count = tunnel->slot_count = 0;
}

void slot_delete_all(struct tunnel *tunnel)
{
	for (uint32_t i = 0; i < tunnel->slot_count; i++)
		object_delete(tunnel, &tunnel->children[i]);
	slot_fini(tunnel);
}

static bool same(const struct ikev2_child_config *a, const struct ikev2_child_install *b)
{
	return ikev2_selector_same(a->local, a->local_count, b->local, b->local_count) &&
	       ikev2_selector_same(a->remote, a->remote_count, b->remote, b->remote_count);
}

/* What nothing is known of takes what comes: of a former control, or not sending yet. */
static bool entry_is_for(const struct tunnel *tunnel, const struct ikev2_child_install *install)
{
	const struct tunnel_child *child = &tunnel->children[install->entry];
	const struct sa_pair *pair = map_get_u32(&tunnel->all->outbound, child->outbound_sa);
	struct ikev2_child_info info;
	struct ikev2_child_config has;

	if (!child->pairs || !pair || pair->adopted ||
	    ikev2_child_info(tunnel->all->engine, pair->child, &info) < 0)
		return true;
	has = (struct ikev2_child_config){ .local = info.local,
					   .remote = info.remote,
					   .local_count = info.local_count,
					   .remote_count = info.remote_count };
	return same(&has, install);
}

static uint32_t slots_max(const struct tunnel *tunnel)
{
	int64_t most = config_appliance(tunnel->all->plan.config)->maxima.selector_pairs;

	return most > tunnel->child_count ? (uint32_t)most : tunnel->child_count;
}

static int slot_new(struct tunnel *tunnel, uint16_t *slot)
{
	uint32_t at = tunnel->child_count;
	int rc;

	while (at < tunnel->slot_count && tunnel->children[at].id)
		at++;
	if (at >= slots_max(tunnel)) {
		log_warn(TOPIC,
			 "the peer wants more than %u children; maxima/selectorPairs says how many "
			 "tunnel=\"%s\"",
			 at, tunnel->name);
		return -ENOSPC;
	}
	rc = at < tunnel->slot_count ? 0 : resize(tunnel, at + 1);
	if (rc == 0)
		rc = slot_id(tunnel, at, &tunnel->children[at].id);
	*slot = (uint16_t)at;
	return rc;
}

int slot_find(struct tunnel *tunnel, const struct ikev2_child_install *install, uint16_t *slot)
{
	const struct sa_pair *old = map_get_u32(&tunnel->all->pairs, install->replaces);

	if (install->replaces && old && old->tunnel == tunnel) {
		*slot = old->entry;
		return 0;
	}
	*slot = install->entry;
	if (install->entry < tunnel->child_count && entry_is_for(tunnel, install))
		return 0;
	for (uint32_t i = tunnel->child_count; i < tunnel->slot_count; i++)
		if (tunnel->children[i].own && same(&tunnel->children[i].own->as, install)) {
			*slot = (uint16_t)i;
			return 0;
		}
	return slot_new(tunnel, slot);
}

uint16_t slot_adopt(struct tunnel *tunnel, uint32_t contract_child)
{
	char name[NAME_MAX_BYTES];
	struct tunnels *all = tunnel->all;
	uint32_t most = slots_max(tunnel);
	uint32_t id;

	for (uint32_t i = 0; i < tunnel->slot_count; i++)
		if (tunnel->children[i].id == contract_child)
			return (uint16_t)i;
	for (uint32_t i = tunnel->child_count; i < most; i++) {
		slot_name(name, tunnel, i);
		if (desired_id_known(all->desired, CONTRACT_CHILD, name, &id) < 0 ||
		    id != contract_child)
			continue;
		if (i >= tunnel->slot_count && resize(tunnel, i + 1) < 0)
			return 0;
		tunnel->children[i] = (struct tunnel_child){
			.id = id, .own = map_del(&all->adopted_children, &id, sizeof(id))
		};
		if (!tunnel->children[i].own) {
			tunnel->children[i].id = 0;
			return 0;
		}
		tunnel->children[i].outbound_sa = tunnel->children[i].own->outbound_sa;
		if (tunnel_child_publish(tunnel, (uint16_t)i, NULL) < 0)
			log_error(TOPIC, "out of memory for a child");
		return (uint16_t)i;
	}
	return 0;
}

int slot_selectors(struct tunnel_child *child, const struct ikev2_child_config *as)
{
	struct adopted_child *own;
	struct net_selector *end;

	if (child->own && as->local == child->own->as.local)
		return 0;
	own = malloc(sizeof(*own) +
		     ((size_t)as->local_count + as->remote_count) * sizeof(own->selectors[0]));
	if (!own)
		return -ENOMEM;
	end = mempcpy(own->selectors, as->local, as->local_count * sizeof(*end));
	memcpy(end, as->remote, as->remote_count * sizeof(*end));
	own->as = (struct ikev2_child_config){ .local = own->selectors,
					       .remote = end,
					       .local_count = as->local_count,
					       .remote_count = as->remote_count };
	own->outbound_sa = 0;
	free(child->own);
	child->own = own;
	return 0;
}

void slot_get(struct tunnel *tunnel, uint16_t slot)
{
	tunnel->children[slot].pairs++;
}

void slot_mute(struct tunnel *tunnel, uint16_t slot, uint32_t outbound_sa)
{
	struct tunnel_child *child = &tunnel->children[slot];

	if (child->outbound_sa != outbound_sa)
		return;
	child->outbound_sa = 0;
	if (tunnel_child_publish(tunnel, slot, NULL) < 0)
		log_error(TOPIC, "out of memory for a child");
}

void slot_put(struct tunnel *tunnel, uint16_t slot)
{
	struct tunnel_child *child = &tunnel->children[slot];

	if (child->pairs)
		child->pairs--;
	if (slot >= tunnel->child_count && !child->pairs)
		object_delete(tunnel, child);
}
