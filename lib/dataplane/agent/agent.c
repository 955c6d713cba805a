#include "dataplane/agent/agent.h"
#include "dataplane/agent/captured.h"
#include "dataplane/agent/kind.h"
#include "dataplane/agent/events.h"
#include "dataplane/agent/listing.h"
#include "dataplane/agent/request.h"
#include "dataplane/agent/state.h"
#include "dataplane/agent/sweep.h"
#include "dataplane/agent/waiting.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/secret.h"
#include "dataplane/fib/hop.h"
#include "dataplane/sa/hot.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static void agent_drop_control(struct agent *agent)
{
	loop_del(agent->config.loop, channel_event_fd(agent->channel));
	loop_del(agent->config.loop, channel_peer_fd(agent->channel));
	channel_close(agent->channel);
	agent->channel = NULL;
	/* Nothing is removed for a control that did not finish its adoption. */
	agent->grace_ns = 0;
	agent->sweep.active = false;
	listing_stop(agent);
	capture_clear(worker_captures(agent->config.workers));
	log_warn("agent", "control is gone; everything stays as it is sas=%u tunnels=%u",
		 kind_count(agent, CONTRACT_SA), kind_count(agent, CONTRACT_TUNNEL));
}

static void agent_on_event(void *context)
{
	struct agent *agent = context;

	if (agent->channel)
		channel_woken(agent->channel);
}

static void agent_on_peer(void *context)
{
	struct agent *agent = context;

	if (agent->channel && channel_peer_lost(agent->channel))
		agent_drop_control(agent);
}

static int agent_watch(struct agent *agent)
{
	int err = loop_add(agent->config.loop, channel_event_fd(agent->channel), agent_on_event,
			   agent);

	return err ? err
		   : loop_add(agent->config.loop, channel_peer_fd(agent->channel), agent_on_peer,
			      agent);
}

static void agent_on_connect(void *context)
{
	struct agent *agent = context;
	struct contract_limits limits = agent->config.limits;
	struct channel *channel;
	int err;

	/* The former one may have died in this same turn. */
	agent_on_peer(agent);
	limits.session = agent->session + 1;
	err = channel_accept(agent->config.listener, &channel, agent->channel != NULL, &limits,
			     agent->config.counters->fd);
	if (err == -EBUSY)
		log_warn("agent", "a second control was refused while one is attached");
	else if (err == -EPROTO)
		log_warn("agent", "a control of another version was refused; install both "
				  "programs from one release");
	if (err)
		return;
	agent->session++;
	agent->channel = channel;
	agent->grace_ns = agent->now_ns + AGENT_GRACE_NS;
	if (agent_watch(agent)) {
		agent_drop_control(agent);
		return;
	}
	log_info("agent", "control attached session=%u sas=%u", agent->session,
		 kind_count(agent, CONTRACT_SA));
}

/* A tunnel whose next hop leads to a port without a link carries nothing. */
static bool agent_carries(const void *context, uint32_t tunnel)
{
	const struct agent *agent = context;
	const struct sa_hot *sas = sa_hot(agent->config.sas);
	const struct port *port;
	struct fib_hop hop;

	if (tunnel >= sas->tunnel_count || !sas->tunnels[tunnel].live)
		return true;
	hop = fib_hop(fib_hot(agent->config.fib), sas->tunnels[tunnel].nexthop);
	if (!fib_hop_has_port(hop))
		return true;
	port = port_get(agent->config.ports, hop.port);
	return !port || atomic_load_explicit(&port->up, memory_order_relaxed);
}

int agent_open(struct agent **out, const struct agent_config *config)
{
	const struct contract_limits *limits = &config->limits;
	const uint32_t capacity[CONTRACT_KINDS] = {
		[CONTRACT_NEXTHOP] = limits->nexthops, [CONTRACT_GROUP] = limits->groups,
		[CONTRACT_TUNNEL] = limits->tunnels,   [CONTRACT_CHILD] = limits->children,
		[CONTRACT_SA] = limits->sas,	       [CONTRACT_LIMIT] = limits->limits,
	};
	struct agent *agent = calloc(1, sizeof(*agent));
	int err = -ENOMEM;

	if (!agent)
		return err;
	agent->config = *config;
	agent->waiting_last = &agent->waiting;
	fib_groups_ask(config->fib, agent_carries, agent);
	agent->message = malloc(CONTRACT_MESSAGE_MAX);
	if (!agent->message || book_init(&agent->book, capacity))
		goto fail;
	err = loop_add(config->loop, channel_listener_fd(config->listener), agent_on_connect,
		       agent);
	if (err)
		goto fail_book;
	*out = agent;
	return 0;
fail_book:
	book_fini(&agent->book);
fail:
	fib_groups_ask(config->fib, NULL, NULL);
	free(agent->message);
	free(agent);
	return err;
}

void agent_close(struct agent *agent)
{
	if (!agent)
		return;
	if (agent->channel)
		agent_drop_control(agent);
	loop_del(agent->config.loop, channel_listener_fd(agent->config.listener));
	waiting_free(agent);
	fib_groups_ask(agent->config.fib, NULL, NULL);
	book_fini(&agent->book);
	free(agent->journal.changes);
	free(agent->message);
	free(agent);
}

/* Keys that came in a message do not stay in this buffer. */
static void agent_wipe(struct agent *agent)
{
	const struct contract_header *message = (const void *)agent->message;

	if (message->type == CONTRACT_BATCH ||
	    ((message->type == CONTRACT_ADD || message->type == CONTRACT_SET) &&
	     contract_object_of(message)->kind == CONTRACT_SA))
		secret_wipe(agent->message, message->length);
}

static void agent_take_requests(struct agent *agent)
{
	uint64_t until_ns = clock_now_ns(&clock_monotonic) + AGENT_TURN_NS;

	for (uint32_t i = 0; i < AGENT_TURN_REQUESTS; i++) {
		int got;

		if (agent->listing.active || !channel_has_reserve(agent->channel))
			return;
		got = channel_receive(agent->channel, agent->message);
		if (got < 0) {
			log_error("agent", "the channel from control is broken: it is closed");
			agent_drop_control(agent);
			return;
		}
		if (!got)
			return;
		request_process(agent, (const struct contract_header *)agent->message);
		agent_wipe(agent);
		if (clock_now_ns(&clock_monotonic) > until_ns)
			return;
	}
}

_Static_assert(PORT_MAX <= 64, "a bit for each port");

static void agent_tell_links(struct agent *agent)
{
	for (uint32_t id = 1; id < PORT_MAX && agent->links_due; id++) {
		const struct port *port = port_get(agent->config.ports, id);
		struct contract_link link = { .port = id };

		if (!port || !(agent->links_due >> id & 1))
			continue;
		link.speed_mbps = atomic_load_explicit(&port->speed_mbps, memory_order_relaxed);
		link.up = atomic_load_explicit(&port->up, memory_order_relaxed);
		if (!agent_event(agent, CONTRACT_LINK, &link, sizeof(link)))
			return;
		agent->links_due &= ~(UINT64_C(1) << id);
	}
}

int agent_turn(struct agent *agent, uint64_t now_ns)
{
	agent->now_ns = now_ns;
	if (agent->channel)
		agent_take_requests(agent);
	if (agent->channel && agent->listing.active)
		listing_turn(agent);
	if (agent->links_due)
		agent_tell_links(agent);
	waiting_turn(agent);
	if (agent->grace_ns && now_ns >= agent->grace_ns) {
		log_warn("agent", "control did not complete adoption in 120 s; what it did not "
				  "set or confirm is removed");
		sweep_start(agent, 0);
	}
	if (agent->sweep.active)
		sweep_turn(agent);
	fib_reclaim(agent->config.fib);
	sa_reclaim(agent->config.sas);
	if (events_turn(agent, now_ns) || captured_turn(agent))
		return 0;
	if (agent->sweep.active && !agent->listing.active)
		return 0;
	/* Nobody tells when the other side has made room or a worker has moved on. */
	return agent->listing.active || agent->waiting || agent->links_due ? 1 : -1;
}

bool agent_may_sleep(struct agent *agent)
{
	if (!agent->channel || agent->listing.active)
		return true;
	/* Without room for answers no request is read: then only room is worth waking for. */
	if (!channel_has_reserve(agent->channel))
		return channel_awaits_room(agent->channel);
	return channel_may_sleep(agent->channel);
}

bool agent_attached(const struct agent *agent)
{
	return agent->channel != NULL;
}

bool agent_has_limits(const struct agent *agent)
{
	return agent->book.limit_count != 0;
}

bool agent_can_send(const struct agent *agent)
{
	return !agent->channel || channel_has_reserve(agent->channel);
}

bool agent_event(struct agent *agent, enum contract_type type, const void *body, size_t n)
{
	static const uint8_t zeros[8];
	size_t padding = -n & 7;
	struct contract_header header = {
		.length = (uint32_t)(sizeof(header) + n + padding),
		.type = (uint16_t)type,
	};
	const struct channel_part parts[] = {
		{ &header, sizeof(header) },
		{ body, n },
		{ zeros, padding },
	};

	if (!agent->channel)
		return true;
	return channel_send(agent->channel, parts, padding ? 3 : 2) != -EAGAIN;
}

bool agent_punt(struct agent *agent, const struct contract_datagram *datagram, const void *payload)
{
	static const uint8_t zeros[8];
	size_t padding = -(sizeof(*datagram) + datagram->length) & 7;
	struct contract_header header = {
		.length =
			(uint32_t)(sizeof(header) + sizeof(*datagram) + datagram->length + padding),
		.type = CONTRACT_PUNT,
	};
	const struct channel_part parts[] = {
		{ &header, sizeof(header) },
		{ datagram, sizeof(*datagram) },
		{ payload, datagram->length },
		{ zeros, padding },
	};

	if (agent->channel && !channel_send_droppable(agent->channel, parts, padding ? 4 : 3))
		return true;
	agent->punts_dropped++;
	return false;
}

void agent_link(struct agent *agent, const struct port *port)
{
	uint32_t groups = fib_groups_follow(agent->config.fib);

	if (groups)
		log_info("agent", "flows follow the link of %s groups=%u", port->name, groups);
	agent->links_due |= UINT64_C(1) << port->id;
	agent_tell_links(agent);
}
