/*
 * The benchmark's two engines: what they ask of a gateway, and how they get each other's datagrams.
 * What lies there for one side is handled in a row, as by a responder under load, so that the other
 * side's work does not stand in its caches before each message.
 *
 * With `checks`: what a side sends on is installed at the other at each step, so that no packet
 * could be lost whenever it was sent.
 */
#include "perf/bench_ike_sides.h"

#include "base/clock.h"
#include "control/requests/requests.h"

#include <errno.h>
#include <time.h>

struct outbound {
	uint32_t spi;
	uint32_t replaces;
};

uint64_t bench_sides_clock_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t); /* the machine may have other work */
	return (uint64_t)t.tv_sec * CLOCK_NS_PER_S + (uint64_t)t.tv_nsec;
}

static void sizes_add(size_t sizes[IKE_OPENSSL_DATAGRAMS], size_t content)
{
	for (size_t i = 0; i < IKE_OPENSSL_DATAGRAMS; i++) {
		if (sizes[i])
			continue;
		sizes[i] = content;
		return;
	}
}

static void sizes_take(struct ike_openssl_sizes *sizes, struct span datagram, bool answer)
{
	/* Nonce and PRF output; header, generic header, IV and ICV. */
	const size_t with = 32 + 48, around = 28 + 4 + 8 + 16;

	if (datagram.p[18] == IKE_SA_INIT)
		*(answer ? &sizes->own_octets : &sizes->peer_octets) = datagram.n + with;
	else
		sizes_add(answer ? sizes->sealed : sizes->opened, datagram.n - around);
}

static struct bench_side *other_of(const struct bench_side *side)
{
	return side == &side->all->dialler ? &side->all->answerer : &side->all->dialler;
}

static void hook_send(void *context, const struct ikev2_datagram *datagram,
		      const struct ikev2_connection *connection)
{
	struct bench_side *side = context;
	struct bench_sides *all = side->all;
	struct bench_packet *packet = &all->queue[all->tail++ % BENCH_QUEUE];

	if (datagram->bytes.n > sizeof(packet->bytes) || all->tail - all->head > BENCH_QUEUE)
		bench_die("queue", ENOBUFS);
	if (!all->up)
		sizes_take(&all->sizes, datagram->bytes, side == &all->answerer);
	packet->to = other_of(side);
	memcpy(packet->bytes, datagram->bytes.p, datagram->bytes.n);
	packet->datagram = *datagram;
	packet->datagram.bytes.p = packet->bytes;
	packet->datagram.path = (struct ikev2_path){ .local = datagram->path.remote,
						     .remote = datagram->path.local,
						     .local_port = datagram->path.remote_port,
						     .remote_port = datagram->path.local_port };
}

static void hook_event(void *context, const struct ikev2_event *event)
{
	struct bench_side *side = context;

	if (event->kind == IKEV2_EVENT_FAILED || event->kind == IKEV2_EVENT_CHILD_FAILED)
		bench_die(ikev2_reason_text(event->reason), EPROTO);
	if (side == &side->all->answerer && event->kind == IKEV2_EVENT_CHILD_UP)
		side->all->up++;
}

static void hook_lookup(void *context, uint64_t token, const struct ikev2_path *path)
{
	struct bench_side *side = context;
	struct ikev2_connection *found[128];

	ikev2_lookup_done(side->engine, token, found,
			  bench_lookup_find(side->all->lookup, path, found, 128));
}

static void hook_psk(void *context, uint64_t token, const struct ikev2_connection *connection)
{
	static const uint8_t psk[] = "correct horse battery";

	ikev2_psk_done(((struct bench_side *)context)->engine, token, (struct span){ psk, 21 });
}

static uint32_t hook_spi_get(void *context, const struct ikev2_connection *connection)
{
	return ((struct bench_side *)context)->next_spi++;
}

static void hook_none(void *context, uint32_t child)
{
}

/* From now on `child` sends, what it replaces does not: the peer must have it installed. */
static void sends_on(struct bench_side *side, uint32_t child)
{
	const struct outbound *out = map_get_u32(&side->outbound, child);
	const struct outbound *old = out ? map_get_u32(&side->outbound, out->replaces) : NULL;

	/* A first child takes over from nothing: there is no packet that it could lose. */
	if (!out || (out->replaces && !map_get_u32(&other_of(side)->installed, out->spi)))
		bench_die("a packet would be lost: sent on what the peer has not", EPROTO);
	if (old)
		map_del(&side->sends, &old->spi, sizeof(old->spi));
	if (map_set(&side->sends, &out->spi, sizeof(out->spi), side, NULL))
		bench_die("memory", ENOMEM);
}

static void hook_switch(void *context, uint32_t child)
{
	struct bench_side *side = context;

	if (side->all->checks)
		sends_on(side, child);
}

static void hook_remove(void *context, uint32_t child)
{
	struct bench_side *side = context;
	struct outbound *out;

	if (!side->all->checks)
		return;
	if (map_get_u32(&other_of(side)->sends, child))
		bench_die("a packet would be lost: removed while the peer sends on it", EPROTO);
	out = map_del(&side->outbound, &child, sizeof(child));
	if (out)
		map_del(&side->sends, &out->spi, sizeof(out->spi));
	free(out);
	map_del(&side->installed, &child, sizeof(child));
}

static void installed(struct bench_side *side, const struct ikev2_child_install *install)
{
	struct outbound *out = malloc(sizeof(*out));

	if (!out)
		bench_die("memory", ENOMEM);
	*out = (struct outbound){ install->outbound->spi, install->replaces };
	if (map_set(&side->installed, &install->child, sizeof(install->child), side, NULL) ||
	    map_set(&side->outbound, &install->child, sizeof(install->child), out, NULL))
		bench_die("memory", ENOMEM);
	if (install->send)
		sends_on(side, install->child);
}

static void hook_install(void *context, uint64_t token, const struct ikev2_child_install *install)
{
	struct bench_side *side = context;

	if (side == &side->all->answerer)
		bench_ring_pair(install);
	if (side->all->checks)
		installed(side, install);
	ikev2_install_done(side->engine, token, 0);
}

static void hook_move(void *context, uint32_t child, const struct ikev2_path *path)
{
}

static struct net_addr address(uint32_t i)
{
	return net_addr_ip4(0x0a000000 + i);
}

static void side_start(struct bench_sides *all, struct bench_side *side, uint32_t first_spi)
{
	const struct ikev2_hooks hooks = {
		.context = side,
		.send = hook_send,
		.event = hook_event,
		.lookup = hook_lookup,
		.psk = hook_psk,
		.spi_get = hook_spi_get,
		.spi_put = hook_none,
		.child_install = hook_install,
		.child_switch = hook_switch,
		.child_remove = hook_remove,
		.child_move = hook_move,
	};
	const struct ikev2_engine_config config = { .half_open_cookies = 100000,
						    .half_open_max = 100000 };
	int error;

	side->all = all;
	side->next_spi = first_spi;
	side->busy_ns = 0;
	map_init(&side->installed);
	map_init(&side->sends);
	map_init(&side->outbound);
	error = ikev2_engine_new(&hooks, &config, &side->engine);
	if (error)
		bench_die("engine", error);
}

static void side_stop(struct bench_side *side)
{
	struct map_entry *entry = NULL;

	ikev2_engine_free(side->engine);
	while ((entry = map_next(&side->outbound, entry)))
		free(entry->value);
	map_fini(&side->installed);
	map_fini(&side->sends);
	map_fini(&side->outbound);
}

__attribute__((noinline)) static void respond(const struct bench_packet *packet)
{
	ikev2_receive(packet->to->engine, &packet->datagram, packet->to->all->now_ns);
}

/* As the gateway takes what lies in its ring: one waking of the other end for a row. */
static void row(struct bench_side *to)
{
	struct bench_sides *all = to->all;

	channel_hold(all->ring);
	for (int i = 0; i < REQUESTS_ROW && all->head != all->tail; i++) {
		const struct bench_packet *packet = &all->queue[all->head % BENCH_QUEUE];

		if (packet->to != to)
			break;
		if (to == &all->answerer)
			respond(packet);
		else
			ikev2_receive(to->engine, &packet->datagram, all->now_ns);
		all->head++;
	}
	channel_release(all->ring);
}

/* What lies there for one side is handled in one go, and timed as such. */
void bench_sides_deliver(struct bench_sides *all)
{
	while (all->head != all->tail) {
		struct bench_side *to = all->queue[all->head % BENCH_QUEUE].to;
		uint64_t start = bench_sides_clock_ns();

		while (all->head != all->tail && all->queue[all->head % BENCH_QUEUE].to == to)
			row(to);
		to->busy_ns += bench_sides_clock_ns() - start;
	}
}

void bench_sides_dial(struct bench_sides *all, uint32_t i)
{
	const struct ikev2_dial how = { .connection = all->connections[BENCH_TUNNELS + i],
					.path = { .local = address(i + 2),
						  .remote = net_addr_ip4(0xc0000201) } };
	uint64_t start = bench_sides_clock_ns();
	uint64_t ike;
	int error = ikev2_initiate(all->dialler.engine, &how, all->now_ns, &ike);

	if (error)
		bench_die("dial", error);
	all->dialler.busy_ns += bench_sides_clock_ns() - start;
}

void bench_sides_dial_all(struct bench_sides *all, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		bench_sides_dial(all, i);
		if ((i + 1) % BENCH_TOGETHER == 0)
			bench_sides_deliver(all);
	}
	bench_sides_deliver(all);
}

static void connect_all(struct bench_sides *all, const struct ikev2_config *config)
{
	for (uint32_t i = 0; i < 2 * BENCH_TUNNELS; i++)
		if (ikev2_connection_new(config, &all->connections[i]))
			bench_die("connections", ENOMEM);
	if (bench_lookup_new(&all->lookup, all->connections, BENCH_TUNNELS))
		bench_die("look-up", EINVAL);
}

void bench_sides_begin(struct bench_sides *all, const struct ikev2_config *config)
{
	all->now_ns = clock_now_ns(&clock_monotonic);
	all->up = 0;
	memset(&all->sizes, 0, sizeof(all->sizes));
	side_start(all, &all->dialler, 0x10000000);
	side_start(all, &all->answerer, 0x20000000);
	connect_all(all, config);
}

void bench_sides_end(struct bench_sides *all)
{
	side_stop(&all->dialler);
	side_stop(&all->answerer);
	bench_lookup_free(all->lookup);
	for (uint32_t i = 0; i < 2 * BENCH_TUNNELS; i++)
		ikev2_connection_put(all->connections[i]);
}
