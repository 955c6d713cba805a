#include "control/usage/usage.h"

#include "base/map.h"
#include "control/tunnel/plan.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define PEAK_NS (60 * CLOCK_NS_PER_S)

/* A tunnel at the last reading. */
struct counted {
	uint64_t bytes_in;
	uint64_t bytes_out;
	uint64_t packets_in;
	uint64_t packets_out;
};

/* A limit at the last reading. */
struct charged {
	uint32_t id; /* 0: none */
	uint64_t bytes;
	uint64_t refused;
	struct usage_charge is;
};

struct item {
	uint64_t generation; /* of the look-up that found it */
	bool seen_before;    /* `counted` is that of a reading */
	struct counted counted;
	struct usage_traffic traffic;
	uint64_t peaks[2]; /* of this minute and the one before */
	struct charged charged;
	uint32_t limit;		 /* of a connection or a gateway; 0: none */
	struct item *connection; /* of a tunnel */
	struct item *gateway;	 /* of a tunnel or a connection */
};

struct items {
	struct item **at;
	size_t count;
	size_t capacity;
	bool failed;
};

struct last {
	const struct config_resource *resource;
	struct item *item;
};

struct usage {
	struct event_source *timer;
	const struct clock *clock;
	struct desired *desired;
	struct tunnels *tunnels;
	struct map by_tunnel;	 /* name -> struct item */
	struct map by_resource;	 /* key of a connection or a gateway -> struct item */
	struct items tunnels_at; /* in the order in which they are visited */
	struct items resources;
	size_t next;		/* of tunnels_at, in a reading */
	struct last connection; /* of a look-up */
	struct last gateway;
	uint64_t generation;
	uint64_t changes; /* tunnels_changes() at the last look-up */
	bool looks_up;	  /* this reading does: the tunnels may be others */
	uint64_t at_ns;
	uint64_t elapsed_ns; /* between the last two readings */
	uint64_t minute_ns;  /* when the minute of peaks began */
};

static void on_second(void *context)
{
	struct usage *usage = context;

	usage_sample(usage);
	event_timer_set(usage->timer, CLOCK_NS_PER_S);
}

int usage_new(struct usage **usage, struct event_loop *loop, const struct clock *clock,
	      struct desired *desired, struct tunnels *tunnels)
{
	struct usage *u = calloc(1, sizeof(*u));
	int rc;

	if (!u)
		return -ENOMEM;
	u->clock = clock;
	u->desired = desired;
	u->tunnels = tunnels;
	map_init(&u->by_tunnel);
	map_init(&u->by_resource);
	rc = event_timer_new(&u->timer, loop, on_second, u);
	if (rc < 0) {
		usage_free(u);
		return rc;
	}
	event_timer_set(u->timer, 0);
	*usage = u;
	return 0;
}

/* Those that this reading did not see; all of them when `generation` is 0. */
static void sweep(struct map *map, uint64_t generation)
{
	struct map_entry *entry = map_next(map, NULL);

	for (struct map_entry *next; entry; entry = next) {
		struct item *item = entry->value;

		next = map_next(map, entry);
		if (generation && item->generation == generation)
			continue;
		map_del(map, entry->key, entry->key_len);
		free(item);
	}
}

void usage_free(struct usage *usage)
{
	if (!usage)
		return;
	event_source_free(usage->timer);
	sweep(&usage->by_tunnel, 0);
	sweep(&usage->by_resource, 0);
	map_fini(&usage->by_tunnel);
	map_fini(&usage->by_resource);
	free(usage->tunnels_at.at);
	free(usage->resources.at);
	free(usage);
}

/* NULL: no memory; it is tried again at the next reading. */
static struct item *item_of(struct usage *usage, struct map *map, const char *key)
{
	struct item *item = map_get(map, key, strlen(key));

	if (!item) {
		item = calloc(1, sizeof(*item));
		if (!item || map_set(map, key, strlen(key), item, NULL) < 0) {
			free(item);
			return NULL;
		}
	}
	return item;
}

static void items_add(struct items *items, struct item *item)
{
	if (items->count == items->capacity) {
		size_t capacity = items->capacity ? items->capacity * 2 : 64;
		struct item **at = reallocarray(items->at, capacity, sizeof(struct item *));

		items->failed |= !at;
		if (!at)
			return;
		items->at = at;
		items->capacity = capacity;
	}
	items->at[items->count++] = item;
}

/* Counters that shrank are those of a new tunnel of this name. */
static uint64_t per_second(uint64_t now, uint64_t before, uint64_t elapsed_ns)
{
	if (now <= before || !elapsed_ns)
		return 0;
	return (uint64_t)((double)(now - before) * (double)CLOCK_NS_PER_S / (double)elapsed_ns +
			  0.5);
}

static void count(struct item *item, const struct tunnel_status *status, uint64_t elapsed_ns)
{
	const struct counted now = { status->bytes_in, status->bytes_out, status->packets_in,
				     status->packets_out };
	const struct counted *before = &item->counted;
	struct usage_rate *rate = &item->traffic.rate;

	if (item->seen_before) {
		rate->bits_in = per_second(now.bytes_in * 8, before->bytes_in * 8, elapsed_ns);
		rate->bits_out = per_second(now.bytes_out * 8, before->bytes_out * 8, elapsed_ns);
		rate->packets_in = per_second(now.packets_in, before->packets_in, elapsed_ns);
		rate->packets_out = per_second(now.packets_out, before->packets_out, elapsed_ns);
	}
	item->counted = now;
	item->seen_before = true;
	item->traffic.tunnels = 1;
	item->traffic.connected = status->state == TUNNEL_CONNECTED;
}

static void add(struct item *to, const struct usage_traffic *traffic)
{
	if (!to)
		return;
	to->traffic.rate.bits_in += traffic->rate.bits_in;
	to->traffic.rate.bits_out += traffic->rate.bits_out;
	to->traffic.rate.packets_in += traffic->rate.packets_in;
	to->traffic.rate.packets_out += traffic->rate.packets_out;
	to->traffic.tunnels += traffic->tunnels;
	to->traffic.connected += traffic->connected;
}

/* Tunnels of a connection follow one another, and so do most of a gateway's. */
static struct item *resource_of(struct usage *usage, const struct config_resource *resource,
				struct last *last)
{
	struct item *item = last->item;

	if (last->resource == resource)
		return item;
	item = item_of(usage, &usage->by_resource, resource->key);
	if (item && item->generation != usage->generation) {
		item->generation = usage->generation;
		item->limit = tunnels_limit_of(usage->tunnels, resource->key);
		item->traffic = (struct usage_traffic){ 0 };
		items_add(&usage->resources, item);
	}
	*last = (struct last){ resource, item };
	return item;
}

static struct item *look_up(struct usage *usage, const struct tunnel_status *status)
{
	struct item *item = item_of(usage, &usage->by_tunnel, status->name);
	struct item *connection =
		resource_of(usage, &status->connection->resource, &usage->connection);
	struct item *gateway =
		resource_of(usage, &status->plan->gateway->resource, &usage->gateway);

	if (!item) {
		usage->tunnels_at.failed = true;
		return NULL;
	}
	item->generation = usage->generation;
	item->connection = connection;
	item->gateway = gateway;
	if (connection)
		connection->gateway = gateway;
	items_add(&usage->tunnels_at, item);
	return item;
}

static void on_tunnel(void *context, const struct tunnel_status *status)
{
	struct usage *usage = context;
	struct item *item =
		usage->looks_up ? look_up(usage, status) : usage->tunnels_at.at[usage->next++];

	if (!item)
		return;
	count(item, status, usage->elapsed_ns);
	add(item->connection, &item->traffic);
	add(item->gateway, &item->traffic);
}

static void peaks(const struct items *items, bool new_minute)
{
	for (size_t i = 0; i < items->count; i++) {
		struct item *item = items->at[i];
		uint64_t packets = item->traffic.rate.packets_in + item->traffic.rate.packets_out;

		if (new_minute) {
			item->peaks[1] = item->peaks[0];
			item->peaks[0] = 0;
		}
		if (packets > item->peaks[0])
			item->peaks[0] = packets;
		item->traffic.peak_packets =
			item->peaks[0] > item->peaks[1] ? item->peaks[0] : item->peaks[1];
	}
}

static void charge(struct charged *c, const struct contract_counters *counters, uint32_t id,
		   uint64_t elapsed_ns)
{
	uint64_t row[CONTRACT_LIMIT_COLUMNS];
	uint64_t bytes;
	uint64_t refused;
	bool known = c->id == id;

	/* All zero when there is no such row. */
	(void)contract_counters_row_sum(counters, CONTRACT_COUNT_LIMITS, id, row,
					CONTRACT_LIMIT_COLUMNS);
	bytes = row[CONTRACT_LIMIT_BYTES];
	refused = row[CONTRACT_LIMIT_DROPPED_PACKETS];
	c->is.bits_per_s = known ? per_second(bytes * 8, c->bytes * 8, elapsed_ns) : 0;
	c->is.refused_packets_per_s = known ? per_second(refused, c->refused, elapsed_ns) : 0;
	c->is.refused_packets = refused;
	c->is.refused_bytes = row[CONTRACT_LIMIT_DROPPED_BYTES];
	c->id = id;
	c->bytes = bytes;
	c->refused = refused;
}

static void charges(struct usage *usage)
{
	const struct contract_counters *counters =
		requests_counters(desired_requests(usage->desired));

	for (size_t i = 0; i < usage->resources.count; i++) {
		struct item *item = usage->resources.at[i];

		if (counters && item->limit)
			charge(&item->charged, counters, item->limit, usage->elapsed_ns);
		else
			item->charged = (struct charged){ 0 };
	}
}

/* Packets are counted where they are metered, in the limits of connections: a gateway has theirs.
 */
static void charge_gateways(const struct items *resources)
{
	for (size_t i = 0; i < resources->count; i++) {
		const struct item *connection = resources->at[i];
		const struct usage_charge *from = &connection->charged.is;
		struct usage_charge *to;

		if (!connection->gateway)
			continue;
		to = &connection->gateway->charged.is;
		to->bits_per_s += from->bits_per_s;
		to->refused_packets_per_s += from->refused_packets_per_s;
		to->refused_packets += from->refused_packets;
		to->refused_bytes += from->refused_bytes;
	}
}

/*
 * Thousands of tunnels are read every second: their items are looked up by name only when the
 * tunnels or their limits may be others than at the last reading.
 */
static void begin(struct usage *usage)
{
	uint64_t changes = tunnels_changes(usage->tunnels);

	usage->next = 0;
	usage->looks_up = !usage->generation || changes != usage->changes ||
			  usage->tunnels_at.failed || usage->resources.failed;
	usage->changes = changes;
	if (!usage->looks_up) {
		for (size_t i = 0; i < usage->resources.count; i++)
			usage->resources.at[i]->traffic = (struct usage_traffic){ 0 };
		return;
	}
	usage->generation++;
	usage->connection = usage->gateway = (struct last){ 0 };
	usage->tunnels_at.count = usage->resources.count = 0;
	usage->tunnels_at.failed = usage->resources.failed = false;
}

void usage_sample(struct usage *usage)
{
	uint64_t now = clock_now_ns(usage->clock);
	bool new_minute = now - usage->minute_ns >= PEAK_NS;

	usage->elapsed_ns = usage->at_ns ? now - usage->at_ns : 0;
	usage->at_ns = now;
	begin(usage);
	tunnels_each(usage->tunnels, NULL, on_tunnel, usage);
	if (usage->looks_up) {
		sweep(&usage->by_tunnel, usage->generation);
		sweep(&usage->by_resource, usage->generation);
	}
	peaks(&usage->tunnels_at, new_minute);
	peaks(&usage->resources, new_minute);
	if (new_minute)
		usage->minute_ns = now;
	charges(usage);
	charge_gateways(&usage->resources);
}

static struct usage_traffic traffic_of(const struct map *map, const char *key)
{
	const struct item *item = map_get(map, key, strlen(key));

	return item ? item->traffic : (struct usage_traffic){ 0 };
}

struct usage_traffic usage_of_tunnel(const struct usage *usage, const char *name)
{
	return traffic_of(&usage->by_tunnel, name);
}

struct usage_traffic usage_of_resource(const struct usage *usage, const char *key)
{
	return traffic_of(&usage->by_resource, key);
}

bool usage_charge_of(const struct usage *usage, const char *key, struct usage_charge *charge)
{
	const struct item *item = map_get(&usage->by_resource, key, strlen(key));

	*charge = item ? item->charged.is : (struct usage_charge){ 0 };
	return item && item->charged.id;
}
