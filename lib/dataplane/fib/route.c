/*
 * The side store of routes: a record each, found by a hash over domain and prefix. Arrays are
 * taken at init for the configured maximum and fill as routes come (the kernel gives pages when
 * they are touched), so that nothing has to grow while packets wait.
 */
#include "dataplane/fib/state.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>

static uint32_t length_max(uint8_t family)
{
	return family == NET_IP4 ? 32 : 128;
}

static uint32_t *lengths_of(const struct fib *fib, uint32_t domain, uint8_t family)
{
	struct fib_lengths *lengths = &fib->routes.lengths[domain];

	return family == NET_IP4 ? lengths->ip4 : lengths->ip6;
}

int fib_routes_init(struct fib *fib)
{
	struct fib_routes *r = &fib->routes;
	uint32_t slots = 64;

	r->capacity = fib->config.routes4 + fib->config.routes6;
	while (slots < 2 * r->capacity)
		slots *= 2;
	r->slot_mask = slots - 1;
	r->records = calloc(r->capacity + 1, sizeof(*r->records));
	r->slots = calloc(slots, sizeof(*r->slots));
	r->lengths = calloc(fib->config.domains, sizeof(*r->lengths));
	r->seed = (uint64_t)(uintptr_t)r->records ^ (uint64_t)clock() << 40;
	return r->records && r->slots && r->lengths ? 0 : -ENOMEM;
}

void fib_routes_fini(struct fib *fib)
{
	struct fib_routes *r = &fib->routes;

	for (uint32_t i = 0; r->records && i < r->fresh; i++)
		fib_tag_clear(&r->records[i].tag);
	free(r->records);
	free(r->slots);
	free(r->lengths);
}

static uint32_t hash_of(const struct fib_routes *r, uint32_t domain, const uint8_t addr[16],
			uint32_t length, uint32_t family)
{
	uint64_t w[2];
	uint64_t h = r->seed ^ ((uint64_t)domain << 16 | length << 8 | family);

	memcpy(w, addr, 16);
	h = (h ^ w[0]) * UINT64_C(0x9e3779b97f4a7c15);
	h ^= h >> 29;
	h = (h ^ w[1]) * UINT64_C(0xc2b2ae3d27d4eb4f);
	h ^= h >> 32;
	return (uint32_t)h;
}

static uint32_t hash_of_record(const struct fib_routes *r, const struct fib_route *route)
{
	return hash_of(r, route->domain, route->addr, route->length, route->family);
}

static struct fib_route *find(const struct fib *fib, const struct fib_route *key)
{
	const struct fib_routes *r = &fib->routes;

	for (uint32_t s = hash_of_record(r, key);; s++) {
		uint32_t slot = r->slots[s & r->slot_mask];
		struct fib_route *route;

		if (slot == 0)
			return NULL;
		route = &r->records[slot - 1];
		if (route->domain == key->domain && route->length == key->length &&
		    route->family == key->family && memcmp(route->addr, key->addr, 16) == 0)
			return route;
	}
}

static struct fib_route key_of(uint32_t domain, const struct net_prefix *prefix)
{
	struct fib_route key = {
		.length = prefix->length,
		.family = prefix->addr.family,
		.domain = domain,
	};

	memcpy(key.addr, prefix->addr.bytes, 16);
	return key;
}

struct fib_route *fib_route_find(const struct fib *fib, uint32_t domain,
				 const struct net_prefix *prefix)
{
	struct fib_route key = key_of(domain, prefix);

	return find(fib, &key);
}

/* The longest shorter prefix over this one, or NULL. */
static const struct fib_route *find_cover(const struct fib *fib, const struct fib_route *route)
{
	const uint32_t *lengths = lengths_of(fib, route->domain, route->family);
	struct fib_route key = *route;

	for (uint32_t length = route->length; length-- > 0;) {
		const struct fib_route *cover;

		key.addr[length / 8] &= (uint8_t)(0xff00 >> length % 8);
		if (lengths[length] == 0)
			continue;
		key.length = (uint8_t)length;
		cover = find(fib, &key);
		if (cover)
			return cover;
	}
	return NULL;
}

static struct fib_trie_route trie_route(const struct fib_route *route)
{
	return (struct fib_trie_route){
		.domain = route->domain,
		.addr = route->addr,
		.length = route->length,
		.nexthop = route->nexthop,
	};
}

static void set_default(struct fib *fib, const struct fib_route *route, uint32_t nexthop)
{
	uint32_t *defaults = route->family == NET_IP4 ? fib->hot.defaults4 : fib->hot.defaults6;

	__atomic_store_n(&defaults[route->domain], nexthop, __ATOMIC_RELEASE);
}

static struct fib_trie *trie_of(struct fib *fib, uint8_t family)
{
	return family == NET_IP4 ? &fib->trie4 : &fib->trie6;
}

static int publish_route(struct fib *fib, const struct fib_route *route, uint32_t reserve)
{
	struct fib_trie_route in_trie = trie_route(route);

	if (route->length)
		return fib_trie_set(trie_of(fib, route->family), &in_trie, reserve);
	set_default(fib, route, route->nexthop);
	return 0;
}

static int unpublish_route(struct fib *fib, const struct fib_route *route)
{
	const struct fib_route *cover = find_cover(fib, route);
	struct fib_trie_route in_trie = trie_route(route);
	struct fib_trie_route under = { 0 };

	if (route->length == 0) {
		set_default(fib, route, 0);
		return 0;
	}
	if (cover && cover->length)
		under = trie_route(cover);
	return fib_trie_del(trie_of(fib, route->family), &in_trie, &under);
}

static struct fib_route *record_get(struct fib_routes *r)
{
	struct fib_route *route;

	if (r->free == 0)
		return &r->records[r->fresh++];
	route = &r->records[r->free - 1];
	r->free = route->nexthop;
	return route;
}

static void record_put(struct fib_routes *r, struct fib_route *route)
{
	*route = (struct fib_route){ .nexthop = r->free };
	r->free = (uint32_t)(route - r->records) + 1;
}

static void slot_put(struct fib_routes *r, const struct fib_route *route)
{
	uint32_t s = hash_of_record(r, route);

	while (r->slots[s & r->slot_mask])
		s++;
	r->slots[s & r->slot_mask] = (uint32_t)(route - r->records) + 1;
}

/* Those that were pushed on by this slot move back, so that no search ends early. */
static void slot_del(struct fib_routes *r, const struct fib_route *route)
{
	uint32_t number = (uint32_t)(route - r->records) + 1;
	uint32_t hole = hash_of_record(r, route) & r->slot_mask;

	while (r->slots[hole] != number)
		hole = (hole + 1) & r->slot_mask;
	for (uint32_t s = hole;;) {
		uint32_t home;

		s = (s + 1) & r->slot_mask;
		if (r->slots[s] == 0)
			break;
		home = hash_of_record(r, &r->records[r->slots[s] - 1]) & r->slot_mask;
		if (((s - home) & r->slot_mask) < ((s - hole) & r->slot_mask))
			continue;
		r->slots[hole] = r->slots[s];
		hole = s;
	}
	r->slots[hole] = 0;
}

static int check_route(struct fib *fib, const struct contract_object *object,
		       const struct contract_route *body)
{
	const struct net_prefix *prefix = &body->prefix;
	struct net_prefix masked;

	if (object->domain >= fib->config.domains)
		return fib_refuse(fib, -EINVAL, "routing domain %u is not below %u", object->domain,
				  fib->config.domains);
	if ((prefix->addr.family != NET_IP4 && prefix->addr.family != NET_IP6) ||
	    prefix->length > length_max(prefix->addr.family))
		return fib_refuse(fib, -EINVAL, "the route has no valid prefix");
	masked = net_prefix_of(&prefix->addr, prefix->length);
	if (!net_addr_equal(&masked.addr, &prefix->addr))
		return fib_refuse(fib, -EINVAL, "the route's prefix has host bits set");
	if (body->nexthop == 0 || body->nexthop >= fib->config.nexthops ||
	    fib->nexthops[body->nexthop].body.kind == 0)
		return fib_refuse(fib, -ENOENT, "the route's next hop %u does not exist",
				  body->nexthop);
	return 0;
}

static int route_new(struct fib *fib, const struct fib_route *key, struct fib_route **out)
{
	struct fib_routes *r = &fib->routes;
	uint32_t *count = key->family == NET_IP4 ? &r->count4 : &r->count6;
	uint32_t max = key->family == NET_IP4 ? fib->config.routes4 : fib->config.routes6;
	struct fib_route *route;

	if (*count >= max)
		return fib_refuse(fib, -ENOSPC, "all %u IPv%u routes that were configured are used",
				  max, key->family);
	if (publish_route(fib, key, fib_reserve(fib)))
		return fib_refuse(fib, -ENOSPC, "no memory for the tables of one more IPv%u route",
				  key->family);
	route = record_get(r);
	*route = *key;
	slot_put(r, route);
	(*count)++;
	lengths_of(fib, route->domain, route->family)[route->length]++;
	*out = route;
	return 0;
}

int fib_route_apply(struct fib *fib, const struct contract_object *object, bool add)
{
	const struct contract_route *body = (const struct contract_route *)(object + 1);
	struct fib_tag tag = { 0 };
	struct fib_route key = key_of(object->domain, &body->prefix);
	struct fib_route *route;
	int rc = check_route(fib, object, body);

	if (rc)
		return rc;
	route = find(fib, &key);
	if (route && add)
		return fib_refuse(fib, -EEXIST, "the route exists");
	if (fib_tag_set(&tag, object, body + 1))
		return fib_refuse(fib, -ENOMEM, "no memory for the route's opaque bytes");
	key.nexthop = body->nexthop;
	if (!route) {
		rc = route_new(fib, &key, &route);
	} else if (route->nexthop != body->nexthop) {
		rc = publish_route(fib, &key, 0);
		if (rc)
			rc = fib_refuse(fib, rc, "no memory to change the route");
		else
			fib->nexthops[route->nexthop].references--;
	} else {
		fib->nexthops[route->nexthop].references--;
	}
	if (rc) {
		fib_tag_clear(&tag);
		return rc;
	}
	route->nexthop = body->nexthop;
	fib->nexthops[body->nexthop].references++;
	fib_tag_clear(&route->tag);
	route->tag = tag;
	return 0;
}

int fib_route_erase(struct fib *fib, struct fib_route *route)
{
	struct fib_routes *r = &fib->routes;

	if (unpublish_route(fib, route))
		return fib_refuse(fib, -ENOSPC, "no memory for the tables without the route");
	fib->nexthops[route->nexthop].references--;
	lengths_of(fib, route->domain, route->family)[route->length]--;
	if (route->family == NET_IP4)
		r->count4--;
	else
		r->count6--;
	slot_del(r, route);
	fib_tag_clear(&route->tag);
	record_put(r, route);
	return 0;
}

int fib_route_remove(struct fib *fib, const struct contract_object *object)
{
	const struct contract_route *body = (const struct contract_route *)(object + 1);
	struct fib_route *route = fib_route_find(fib, object->domain, &body->prefix);

	if (!route)
		return fib_refuse(fib, -ENOENT, "there is no such route");
	return fib_route_erase(fib, route);
}

size_t fib_route_write(const struct fib_route *route, uint8_t *to)
{
	struct contract_object object = {
		.kind = CONTRACT_ROUTE,
		.opaque_length = route->tag.opaque_length,
		.domain = route->domain,
		.owner = route->tag.owner,
		.generation = route->tag.generation,
	};
	struct contract_route body = {
		.prefix.addr.family = route->family,
		.prefix.length = route->length,
		.nexthop = route->nexthop,
	};

	memcpy(body.prefix.addr.bytes, route->addr, 16);
	memcpy(to, &object, sizeof(object));
	memcpy(to + sizeof(object), &body, sizeof(body));
	if (object.opaque_length)
		memcpy(to + sizeof(object) + sizeof(body), route->tag.opaque, object.opaque_length);
	return sizeof(object) + sizeof(body) + object.opaque_length;
}
