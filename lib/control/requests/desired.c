#include "control/requests/desired.h"

#include "base/id.h"
#include "base/log.h"
#include "base/map.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define TOPIC "dataplane"

/* What an object needs comes before it. */
static const enum contract_kind send_order[] = {
	CONTRACT_LIMIT, CONTRACT_NEXTHOP, CONTRACT_TUNNEL,    CONTRACT_CHILD,
	CONTRACT_GROUP, CONTRACT_ADDRESS, CONTRACT_NEIGHBOUR, CONTRACT_ROUTE,
};
/* Kinds whose ids belong to names. */
static const enum contract_kind named_kinds[] = {
	CONTRACT_LIMIT, CONTRACT_NEXTHOP, CONTRACT_TUNNEL, CONTRACT_CHILD, CONTRACT_GROUP,
};

#define LIMIT_DEPTH_MAX 4
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

struct wanted {
	struct requests_message message; /* its parts point behind the structure */
	uint8_t bytes[];
};

struct desired {
	struct requests *requests;
	struct desired_hooks hooks;
	struct map wanted[CONTRACT_KINDS]; /* key -> struct wanted */
	struct map names[CONTRACT_KINDS];  /* name -> id */
	char **name_of[CONTRACT_KINDS];	   /* id -> name */
	struct id_pool ids[CONTRACT_KINDS];
	uint64_t instance;
	unsigned int listing; /* index in named_kinds */
	bool ready;	      /* names are known */
};

static void list_next(struct desired *d);

/* Routes and kin are known by value: the part of the body that names them, and the domain. */
static size_t key_of(const struct requests_message *m, uint8_t key[64])
{
	const struct contract_address *address = m->body;
	const struct contract_neighbour *neighbour = m->body;
	const struct contract_route *route = m->body;
	uint8_t *p = mempcpy(key, &m->domain, sizeof(m->domain));

	switch (m->kind) {
	case CONTRACT_ADDRESS:
		p = mempcpy(p, &address->port, sizeof(address->port));
		p = mempcpy(p, &address->addr, sizeof(address->addr));
		break;
	case CONTRACT_NEIGHBOUR:
		p = mempcpy(p, &neighbour->port, sizeof(neighbour->port));
		p = mempcpy(p, &neighbour->addr, sizeof(neighbour->addr));
		break;
	case CONTRACT_ROUTE:
		p = mempcpy(p, &route->prefix, sizeof(route->prefix));
		break;
	default:
		p = mempcpy(key, &m->id, sizeof(m->id));
		break;
	}
	return (size_t)(p - key);
}

static uint32_t capacity_of(const struct contract_limits *limits, enum contract_kind kind)
{
	switch (kind) {
	case CONTRACT_NEXTHOP:
		return limits->nexthops;
	case CONTRACT_GROUP:
		return limits->groups;
	case CONTRACT_TUNNEL:
		return limits->tunnels;
	case CONTRACT_CHILD:
		return limits->children;
	case CONTRACT_SA:
		return limits->sas;
	case CONTRACT_LIMIT:
		return limits->limits;
	default:
		return 0;
	}
}

/* Ids above a smaller data plane's maximum stay where they are: it refuses them by name. */
static int pools_init(struct desired *d, const struct contract_limits *limits)
{
	for (int kind = 1; kind < CONTRACT_KINDS; kind++) {
		uint32_t capacity = capacity_of(limits, kind);
		int rc;

		if (!capacity || d->ids[kind].used)
			continue;
		rc = id_pool_init(&d->ids[kind], capacity);
		if (rc < 0)
			return rc;
		d->name_of[kind] = calloc(capacity, sizeof(char *));
		if (!d->name_of[kind])
			return -ENOMEM;
	}
	return 0;
}

static int name_bind(struct desired *d, enum contract_kind kind, const char *name, uint32_t id)
{
	char *copy = strdup(name);
	int rc = copy ? map_set(&d->names[kind], name, strlen(name), (void *)(uintptr_t)id, NULL)
		      : -ENOMEM;

	if (rc < 0) {
		free(copy);
		return rc;
	}
	d->name_of[kind][id] = copy;
	return 0;
}

static void named_object(void *context, const struct contract_header *message)
{
	struct desired *d = context;
	const struct contract_object *object = contract_object_of(message);
	char name[CONTRACT_OPAQUE_MAX + 1];

	if (d->ready || !object->opaque_length)
		return; /* what this control named itself */
	memcpy(name, contract_opaque_of(message), object->opaque_length);
	name[object->opaque_length] = '\0';
	if (id_pool_claim(&d->ids[object->kind], object->id) == 0 &&
	    name_bind(d, object->kind, name, object->id) < 0)
		log_error(TOPIC, "cannot adopt the name of an object kind=%s id=%u",
			  contract_kind_text(object->kind), object->id);
}

struct refusal {
	struct desired *desired;
	enum contract_kind kind;
	uint32_t id;
};

static void answered(void *context, const struct contract_answer *answer)
{
	struct refusal *r = context;

	if (answer && answer->status != CONTRACT_APPLIED) {
		log_error(TOPIC, "the data plane refused %s %u: %s", contract_kind_text(r->kind),
			  r->id, answer->reason);
		if (r->desired->hooks.refused)
			r->desired->hooks.refused(r->desired->hooks.context, r->kind, r->id,
						  answer->reason);
	}
	free(r);
}

/* Without a data plane nothing is lost: it is sent at the attach. */
static void send_now(struct desired *d, enum contract_type type, const struct requests_message *m)
{
	struct requests_message message = *m;
	struct refusal *refusal;
	int rc;

	if (!d->ready || !requests_attached(d->requests))
		return;
	refusal = malloc(sizeof(*refusal));
	if (!refusal) {
		log_error(TOPIC, "out of memory");
		return;
	}
	*refusal = (struct refusal){ d, m->kind, m->id };
	message.type = type;
	rc = requests_make(d->requests, &message, answered, refusal);
	if (rc < 0)
		free(refusal);
}

/* Limits stand below one another: how many steps up it is to the last. */
static uint32_t depth_of(const struct desired *d, const struct requests_message *m)
{
	uint32_t depth = 0;

	while (m->kind == CONTRACT_LIMIT && depth < LIMIT_DEPTH_MAX) {
		const struct requests_message above = {
			.kind = CONTRACT_LIMIT,
			.id = ((const struct contract_limit *)m->body)->parent
		};
		uint8_t key[64];
		size_t n = key_of(&above, key);
		const struct wanted *w = map_get(&d->wanted[CONTRACT_LIMIT], key, n);

		if (!above.id || !w)
			break;
		m = &w->message;
		depth++;
	}
	return depth;
}

static uint32_t send_kind(struct desired *d, enum contract_kind kind, uint32_t depth)
{
	struct map_entry *entry = NULL;
	uint32_t deeper = 0;

	while ((entry = map_next(&d->wanted[kind], entry))) {
		const struct requests_message *m = &((struct wanted *)entry->value)->message;
		uint32_t own = depth_of(d, m);

		if (own == depth)
			send_now(d, CONTRACT_SET, m);
		deeper += own > depth;
	}
	return deeper;
}

static void send_all(struct desired *d)
{
	for (size_t i = 0; i < COUNT(send_order); i++)
		for (uint32_t depth = 0; send_kind(d, send_order[i], depth); depth++)
			;
}

static void listed(void *context, const struct contract_answer *answer)
{
	struct desired *d = context;

	if (!answer)
		return;
	d->listing++;
	list_next(d);
}

/* SAs are nobody's wish: a data plane that started anew has none that a child could name. */
static void forget_sas(struct desired *d)
{
	struct map_entry *entry = NULL;

	while ((entry = map_next(&d->wanted[CONTRACT_CHILD], entry))) {
		struct wanted *w = entry->value;
		struct contract_child *child = (void *)w->bytes;

		child->outbound_sa = 0;
	}
}

static void list_next(struct desired *d)
{
	const struct contract_limits *limits = requests_limits(d->requests);
	bool same = d->ready && limits->instance == d->instance;

	if (d->listing < COUNT(named_kinds)) {
		if (requests_list(d->requests, named_kinds[d->listing], named_object, listed, d) <
		    0)
			log_error(TOPIC, "cannot list the objects of the data plane");
		return;
	}
	if (!same)
		forget_sas(d);
	d->ready = true;
	d->instance = limits->instance;
	send_all(d);
	d->hooks.ready(d->hooks.context, same);
}

static void on_attached(void *context, const struct contract_limits *limits)
{
	struct desired *d = context;

	if (pools_init(d, limits) < 0) {
		log_error(TOPIC, "out of memory for the ids of the data plane");
		return;
	}
	d->listing = d->ready ? COUNT(named_kinds) : 0;
	list_next(d);
}

static void on_losing(void *context)
{
	struct desired *d = context;

	if (d->hooks.losing)
		d->hooks.losing(d->hooks.context);
}

static void on_lost(void *context)
{
	struct desired *d = context;

	d->hooks.lost(d->hooks.context);
}

static void on_event(void *context, const struct contract_header *message)
{
	struct desired *d = context;

	d->hooks.event(d->hooks.context, message);
}

int desired_new(struct desired **desired, struct event_loop *loop, const char *path,
		const struct desired_hooks *hooks)
{
	struct desired *d = calloc(1, sizeof(*d));
	struct requests_hooks below = { .context = d,
					.attached = on_attached,
					.losing = on_losing,
					.lost = on_lost,
					.event = on_event };
	int rc;

	if (!d)
		return -ENOMEM;
	d->hooks = *hooks;
	for (int kind = 0; kind < CONTRACT_KINDS; kind++) {
		map_init(&d->wanted[kind]);
		map_init(&d->names[kind]);
	}
	rc = requests_new(&d->requests, loop, path, &below);
	if (rc < 0) {
		desired_free(d);
		return rc;
	}
	*desired = d;
	return 0;
}

void desired_free(struct desired *d)
{
	if (!d)
		return;
	requests_free(d->requests);
	for (int kind = 0; kind < CONTRACT_KINDS; kind++) {
		struct map_entry *entry = NULL;

		while ((entry = map_next(&d->wanted[kind], entry)))
			free(entry->value);
		for (uint32_t id = 0; d->name_of[kind] && id < d->ids[kind].capacity; id++)
			free(d->name_of[kind][id]);
		map_fini(&d->wanted[kind]);
		map_fini(&d->names[kind]);
		free(d->name_of[kind]);
		id_pool_fini(&d->ids[kind]);
	}
	free(d);
}

struct requests *desired_requests(struct desired *d)
{
	return d->requests;
}

int desired_id(struct desired *d, enum contract_kind kind, const char *name, uint32_t *id)
{
	void *known = map_get(&d->names[kind], name, strlen(name));
	int rc;

	if (!d->ids[kind].used)
		return -ENOTCONN;
	if (known) {
		*id = (uint32_t)(uintptr_t)known;
		return 0;
	}
	rc = id_pool_get(&d->ids[kind], 1, id);
	if (rc < 0)
		return rc;
	rc = name_bind(d, kind, name, *id);
	if (rc < 0)
		id_pool_put(&d->ids[kind], *id);
	return rc;
}

int desired_id_known(const struct desired *d, enum contract_kind kind, const char *name,
		     uint32_t *id)
{
	void *known = map_get(&d->names[kind], name, strlen(name));

	*id = (uint32_t)(uintptr_t)known;
	return known ? 0 : -ENOENT;
}

int desired_id_unnamed(struct desired *d, enum contract_kind kind, uint32_t *id)
{
	return d->ids[kind].used ? id_pool_get(&d->ids[kind], 1, id) : -ENOTCONN;
}

int desired_id_claim(struct desired *d, enum contract_kind kind, uint32_t id)
{
	return d->ids[kind].used ? id_pool_claim(&d->ids[kind], id) : -ENOTCONN;
}

void desired_id_put(struct desired *d, enum contract_kind kind, uint32_t id)
{
	char **name;

	if (id >= d->ids[kind].capacity)
		return;
	name = &d->name_of[kind][id];
	if (*name) {
		map_del(&d->names[kind], *name, strlen(*name));
		free(*name);
		*name = NULL;
	}
	id_pool_put(&d->ids[kind], id);
}

static struct wanted *wanted_new(struct desired *d, const struct requests_message *m)
{
	const char *name = m->id && d->name_of[m->kind] ? d->name_of[m->kind][m->id] : NULL;
	size_t name_length = name ? strnlen(name, CONTRACT_OPAQUE_MAX) : 0;
	struct wanted *w = malloc(sizeof(*w) + m->body_length + m->tail_length + name_length);
	uint8_t *p;

	if (!w)
		return NULL;
	w->message = *m;
	p = w->bytes;
	w->message.body = p;
	p = mempcpy(p, m->body, m->body_length);
	w->message.tail = p;
	if (m->tail_length)
		p = mempcpy(p, m->tail, m->tail_length);
	w->message.opaque = p;
	w->message.opaque_length = (uint16_t)name_length;
	if (name_length)
		memcpy(p, name, name_length);
	return w;
}

/* Of the same size as it was: it stays where it is. False: nothing has changed. */
static bool wanted_renew(struct wanted *w, const struct requests_message *m)
{
	struct requests_message *was = &w->message;
	uint8_t *tail = w->bytes + m->body_length;

	if (was->owner == m->owner && was->domain == m->domain &&
	    !memcmp(w->bytes, m->body, m->body_length) &&
	    (!m->tail_length || !memcmp(tail, m->tail, m->tail_length)))
		return false;
	was->owner = m->owner;
	was->domain = m->domain;
	memcpy(w->bytes, m->body, m->body_length);
	if (m->tail_length)
		memcpy(tail, m->tail, m->tail_length);
	return true;
}

int desired_set(struct desired *d, const struct requests_message *message)
{
	uint8_t key[64];
	size_t n = key_of(message, key);
	struct wanted *was = map_get(&d->wanted[message->kind], key, n);
	struct wanted *w;
	int rc;

	if (was && was->message.body_length == message->body_length &&
	    was->message.tail_length == message->tail_length) {
		if (wanted_renew(was, message))
			send_now(d, CONTRACT_SET, &was->message);
		return 0;
	}
	w = wanted_new(d, message);
	if (!w)
		return -ENOMEM;
	rc = map_set(&d->wanted[message->kind], key, n, w, NULL);
	if (rc < 0) {
		free(w);
		return rc;
	}
	free(was);
	send_now(d, CONTRACT_SET, &w->message);
	return 0;
}

void desired_delete(struct desired *d, const struct requests_message *message)
{
	uint8_t key[64];
	size_t n = key_of(message, key);
	struct wanted *was = map_del(&d->wanted[message->kind], key, n);
	struct requests_message request;

	if (!was)
		return;
	request = was->message;
	request.tail_length = 0;
	request.opaque_length = 0;
	if (message->id)
		request.body_length = 0;
	send_now(d, CONTRACT_DELETE, &request);
	free(was);
}

size_t desired_count(const struct desired *d, enum contract_kind kind)
{
	return d->wanted[kind].count;
}
