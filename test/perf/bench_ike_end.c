#include "perf/bench_ike_end.h"

#include "base/clock.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>

#define SILENCE_MS 10000

static uint64_t now(void)
{
	return clock_now_ns(&clock_monotonic);
}

static void on_send(void *context, const struct ikev2_datagram *datagram,
		    const struct ikev2_connection *connection)
{
	struct bench_end *end = context;

	end->send(end, datagram);
}

static void on_event(void *context, const struct ikev2_event *event)
{
	struct bench_end *end = context;

	end->up += event->kind == IKEV2_EVENT_CHILD_UP;
	end->failed += event->kind == IKEV2_EVENT_FAILED ||
		       event->kind == IKEV2_EVENT_CHILD_FAILED || event->kind == IKEV2_EVENT_DOWN;
}

static uint32_t ip4_number(const struct net_addr *addr)
{
	const uint8_t *b = addr->bytes;

	return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
}

static void on_lookup(void *context, uint64_t token, const struct ikev2_path *path)
{
	struct bench_end *end = context;
	uint32_t i = ip4_number(end->of_peer ? &path->remote : &path->local) - end->first;

	ikev2_lookup_done(end->engine, token, &end->connections[i], i < end->connection_count);
}

static void on_psk(void *context, uint64_t token, const struct ikev2_connection *connection)
{
	static const uint8_t psk[] = "correct horse battery";

	ikev2_psk_done(((struct bench_end *)context)->engine, token, (struct span){ psk, 21 });
}

static uint32_t on_spi_get(void *context, const struct ikev2_connection *connection)
{
	return ((struct bench_end *)context)->next_spi++;
}

static void on_spi(void *context, uint32_t spi)
{
}

static void on_install(void *context, uint64_t token, const struct ikev2_child_install *install)
{
	ikev2_install_done(((struct bench_end *)context)->engine, token, 0);
}

static void on_move(void *context, uint32_t child, const struct ikev2_path *path)
{
}

int bench_end_start(struct bench_end *end)
{
	const struct ikev2_hooks hooks = {
		.context = end,
		.send = on_send,
		.event = on_event,
		.lookup = on_lookup,
		.psk = on_psk,
		.spi_get = on_spi_get,
		.spi_put = on_spi,
		.child_install = on_install,
		.child_switch = on_spi,
		.child_remove = on_spi,
		.child_move = on_move,
	};
	const struct ikev2_engine_config config = { .half_open_cookies = 100000,
						    .half_open_max = 100000,
						    .half_open_source = 100000 };
	int error = ikev2_engine_new(&hooks, &config, &end->engine);

	end->next_spi = 0x10000000;
	end->connections = calloc(end->connection_count, sizeof(struct ikev2_connection *));
	if (!error && !end->connections)
		error = -ENOMEM;
	for (uint32_t i = 0; !error && i < end->connection_count; i++)
		error = ikev2_connection_new(end->config, &end->connections[i]);
	return error;
}

void bench_end_stop(struct bench_end *end)
{
	ikev2_engine_free(end->engine);
	for (uint32_t i = 0; end->connections && i < end->connection_count; i++)
		ikev2_connection_put(end->connections[i]);
	free(end->connections);
}

bool bench_end_take(struct bench_end *end)
{
	struct pollfd wait = { .fd = end->socket, .events = POLLIN };
	struct ikev2_datagram datagram;

	if (poll(&wait, 1, SILENCE_MS) != 1)
		return false;
	datagram = end->receive(end);
	if (!datagram.bytes.p)
		return false;
	ikev2_receive(end->engine, &datagram, now());
	return true;
}

bool bench_end_dial(struct bench_end *end, const struct bench_end_dials *dials)
{
	uint32_t before = end->up, dialled = 0;
	uint64_t ike;

	while (end->up - before < dials->count && !end->failed) {
		while (dialled < dials->count && dialled - (end->up - before) < dials->together) {
			const struct ikev2_dial dial = dials->dial(end, dials->first + dialled);

			if (ikev2_initiate(end->engine, &dial, now(), &ike))
				return false;
			dialled++;
		}
		if (!bench_end_take(end))
			return false;
	}
	return !end->failed;
}
