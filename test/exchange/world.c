#include "exchange/world.h"

#include "base/secret.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void check_iv(struct world *world, const struct ikev2_datagram *datagram)
{
	const uint8_t *p = datagram->bytes.p;
	uint8_t key[17 + 8];
	size_t at = IKE_HEADER_BYTES + IKE_PAYLOAD_HEADER_BYTES;
	uint64_t sum = 14695981039346656037u;
	void *before;

	if (datagram->bytes.n < 60 || (p[16] != IKE_PAYLOAD_SK && p[16] != IKE_PAYLOAD_SKF))
		return;
	at += p[16] == IKE_PAYLOAD_SKF ? 4 : 0;
	memcpy(key, p, 16);
	key[16] = p[19] & IKE_FLAG_INITIATOR;
	memcpy(key + 17, p + at, 8);
	for (size_t i = 0; i < datagram->bytes.n; i++)
		sum = (sum ^ p[i]) * 1099511628211u;
	sum |= 1;
	before = map_get(&world->ivs, key, sizeof(key));
	if (before)
		assert_true((uint64_t)(uintptr_t)before == sum);
	else
		assert_int_equal(
			map_set(&world->ivs, key, sizeof(key), (void *)(uintptr_t)sum, NULL), 0);
}

static void hook_send(void *context, const struct ikev2_datagram *datagram,
		      const struct ikev2_connection *connection)
{
	struct world_peer *peer = context;
	struct world *world = peer->world;
	struct world_packet *packet = malloc(sizeof(*packet) + datagram->bytes.n);

	assert_non_null(packet);
	check_iv(world, datagram);
	packet->marker = datagram->non_esp_marker;
	packet->to_b = peer == &world->a;
	packet->path = (struct ikev2_path){ .local = datagram->path.remote,
					    .remote = datagram->path.local,
					    .local_port = datagram->path.remote_port,
					    .remote_port = datagram->path.local_port };
	if (world->nat_addr.family && packet->to_b) {
		packet->path.remote = world->nat_addr;
		packet->path.remote_port = world->nat_port;
	}
	if (world->nat_addr.family && !packet->to_b) {
		/* The NAT gives back the address and port that the inside has. */
		packet->path.local = world->a.addr;
		packet->path.local_port = datagram->non_esp_marker ? IKE_PORT_NATT : IKE_PORT;
	}
	packet->n = datagram->bytes.n;
	memcpy(packet->bytes, datagram->bytes.p, packet->n);
	list_add_tail(&world->packets, &packet->link);
}

static void hook_event(void *context, const struct ikev2_event *event)
{
	struct world_peer *peer = context;
	struct world_event *to;

	assert_true(peer->event_count < WORLD_EVENTS);
	to = &peer->events[peer->event_count++];
	*to = (struct world_event){ .kind = event->kind,
				    .reason = event->reason,
				    .entry = event->entry,
				    .child = event->child,
				    .old_child = event->old_child,
				    .ike = event->ike,
				    .old_ike = event->old_ike };
	snprintf(to->detail, sizeof(to->detail), "%s", event->detail);
}

static struct world_pending *later(struct world_peer *peer, int kind, uint64_t token)
{
	struct world_pending *pending = calloc(1, sizeof(*pending));

	assert_non_null(pending);
	pending->kind = kind;
	pending->token = token;
	list_add_tail(&peer->pending, &pending->link);
	return pending;
}

static void hook_lookup(void *context, uint64_t token, const struct ikev2_path *path)
{
	struct world_peer *peer = context;

	if (peer->slow)
		later(peer, 1, token);
	else
		ikev2_lookup_done(peer->engine, token, &peer->connection, !peer->nobody);
}

static void hook_psk(void *context, uint64_t token, const struct ikev2_connection *connection)
{
	struct world_peer *peer = context;

	if (peer->slow)
		later(peer, 2, token);
	else
		ikev2_psk_done(peer->engine, token,
			       (struct span){ (const uint8_t *)peer->psk, strlen(peer->psk) });
}

static uint32_t hook_spi_get(void *context, const struct ikev2_connection *connection)
{
	struct world_peer *peer = context;

	peer->spis++;
	return peer->next_spi++;
}

static void hook_spi_put(void *context, uint32_t spi)
{
	struct world_peer *peer = context;

	assert_true(peer->spis > 0);
	peer->spis--;
}

static struct world_sa *find_sa(struct world_peer *peer, uint32_t child)
{
	struct list *at;

	list_for_each (at, &peer->sas) {
		struct world_sa *sa = list_entry(at, struct world_sa, link);

		if (sa->child == child)
			return sa;
	}
	return NULL;
}

static bool same_place(const struct world_sa *a, const struct world_sa *b)
{
	return a->entry == b->entry && a->local_count == b->local_count &&
	       a->remote_count == b->remote_count &&
	       !memcmp(&a->local, &b->local, sizeof(a->local)) &&
	       !memcmp(&a->remote, &b->remote, sizeof(a->remote));
}

/* The one that sends for its entry and selectors is the last that was told to. */
static void take_over(struct world_peer *peer, struct world_sa *sa)
{
	struct list *at;

	list_for_each (at, &peer->sas) {
		struct world_sa *other = list_entry(at, struct world_sa, link);

		if (same_place(other, sa))
			other->sends = false;
	}
	sa->sends = true;
}

static void hook_install(void *context, uint64_t token, const struct ikev2_child_install *install)
{
	struct world_peer *peer = context;
	struct world *world = peer->world;
	struct world_sa *sa;

	assert_null(find_sa(peer, install->child));
	if (peer->fail_install > 0) {
		peer->fail_install--;
		ikev2_install_done(peer->engine, token, -ENOSPC);
		return;
	}
	/* An outbound key goes into a data plane once. */
	assert_true(install->outbound->key_length > 0);
	assert_null(map_get(&world->keys, install->outbound->key, install->outbound->key_length));
	assert_int_equal(map_set(&world->keys, install->outbound->key,
				 install->outbound->key_length, peer, NULL),
			 0);
	sa = calloc(1, sizeof(*sa));
	assert_non_null(sa);
	sa->child = install->child;
	sa->replaces = install->replaces;
	sa->entry = install->entry;
	sa->inbound = *install->inbound;
	sa->outbound = *install->outbound;
	sa->local = install->local[0];
	sa->remote = install->remote[0];
	sa->local_count = install->local_count;
	sa->remote_count = install->remote_count;
	list_add_tail(&peer->sas, &sa->link);
	if (install->send)
		take_over(peer, sa);
	if (peer->slow)
		later(peer, 3, token);
	else
		ikev2_install_done(peer->engine, token, 0);
}

static void hook_switch(void *context, uint32_t child)
{
	struct world_peer *peer = context;
	struct world_sa *sa = find_sa(peer, child);

	assert_non_null(sa);
	take_over(peer, sa);
}

static void hook_remove(void *context, uint32_t child)
{
	struct world_peer *peer = context;
	struct world_sa *sa = find_sa(peer, child);

	peer->spis--;
	if (!sa) /* the installation was refused */
		return;
	list_del(&sa->link);
	free(sa);
}

static void hook_move(void *context, uint32_t child, const struct ikev2_path *path)
{
	struct world_sa *sa = find_sa(context, child);

	assert_non_null(sa);
	sa->outbound.remote = path->remote;
	sa->outbound.remote_port = path->remote_port;
	sa->outbound.local = path->local;
	sa->outbound.local_port = path->local_port;
}

static uint64_t hook_seen(void *context, uint32_t child)
{
	return ((struct world_peer *)context)->seen_ns;
}

static void hook_dh(void *context, struct crypto_dh_job *job)
{
	struct world_peer *peer = context;
	struct world_pending *pending = later(peer, 4, job->token);

	pending->job = job;
}

static void hook_trace(void *context, uint64_t ike, const struct ikev2_connection *connection,
		       const char *line)
{
	struct world_peer *peer = context;

	if (!strncmp(line, "[SEND]", 6))
		snprintf(peer->said, sizeof(peer->said), "%s", line);
	if (peer->world->trace)
		printf("%7.3f %s %016lx %s\n", (double)peer->world->now_ns / 1e9, peer->name, ike,
		       line);
}

bool world_complete(struct world_peer *peer)
{
	struct world_pending *pending;

	if (list_empty(&peer->pending))
		return false;
	pending = list_entry(peer->pending.next, struct world_pending, link);
	list_del(&pending->link);
	switch (pending->kind) {
	case 1:
		ikev2_lookup_done(peer->engine, pending->token, &peer->connection, !peer->nobody);
		break;
	case 2:
		ikev2_psk_done(peer->engine, pending->token,
			       (struct span){ (const uint8_t *)peer->psk, strlen(peer->psk) });
		break;
	case 3:
		ikev2_install_done(peer->engine, pending->token, 0);
		break;
	default: {
		struct crypto *crypto;

		assert_int_equal(crypto_new(&crypto), 0);
		crypto_dh_job_run(crypto, pending->job);
		crypto_free(crypto);
		ikev2_dh_done(peer->engine, pending->job);
	}
	}
	free(pending);
	return true;
}

static void init_peer(struct world *world, struct world_peer *peer, const char *name, uint32_t addr,
		      enum ike_profile profile)
{
	*peer = (struct world_peer){ .world = world,
				     .name = name,
				     .psk = "the same on both sides" };
	peer->addr = net_addr_ip4(addr);
	list_init(&peer->sas);
	list_init(&peer->pending);
	peer->next_spi = addr << 16 | 0x1000;
	peer->locals[0] = peer->remotes[0] = net_selector_any(NET_IP4);
	peer->children[0] = (struct ikev2_child_config){ .local = &peer->locals[0],
							 .remote = &peer->remotes[0],
							 .local_count = 1,
							 .remote_count = 1 };
	peer->config = (struct ikev2_config){
		.name = name,
		.policy = ike_policy_profile(profile),
		.children = peer->children,
		.child_count = 1,
		.local_auth = IKEV2_AUTH_PSK,
		.remote_auth = IKEV2_AUTH_PSK,
		.initial_contact = true,
		.mobike = true,
		.dpd_s = 45,
	};
}

void world_init(struct world *world, enum ike_profile profile)
{
	*world = (struct world){ .now_ns = 1000 * WORLD_SECOND };
	world->trace = getenv("WORLD_TRACE");
	list_init(&world->packets);
	list_init(&world->held);
	map_init(&world->ivs);
	map_init(&world->keys);
	init_peer(world, &world->a, "a", 0x0a000001, profile);
	init_peer(world, &world->b, "b", 0x0a000002, profile);
}

static uint64_t hook_read_until(void *context, uint64_t now_ns)
{
	uint64_t until = ((struct world_peer *)context)->read_until_ns;

	return until ? until : now_ns;
}

static void start_peer(struct world_peer *peer)
{
	const struct ikev2_hooks hooks = {
		.context = peer,
		.send = hook_send,
		.event = hook_event,
		.lookup = hook_lookup,
		.psk = hook_psk,
		.spi_get = hook_spi_get,
		.spi_put = hook_spi_put,
		.child_install = hook_install,
		.child_switch = hook_switch,
		.child_remove = hook_remove,
		.child_move = hook_move,
		.child_seen_ns = hook_seen,
		.read_until_ns = hook_read_until,
		.dh = peer->slow ? hook_dh : NULL,
		.trace = peer->world->trace || peer->world->listen ? hook_trace : NULL,
	};

	if (!peer->connection)
		assert_int_equal(ikev2_connection_new(&peer->config, &peer->connection), 0);
	assert_int_equal(ikev2_engine_new(&hooks, &peer->engine_config, &peer->engine), 0);
}

static void forget_pending(struct world_peer *peer)
{
	struct list *at;
	struct list *next;

	list_for_each_safe (at, next, &peer->pending) {
		struct world_pending *pending = list_entry(at, struct world_pending, link);

		if (pending->job) {
			crypto_dh_free(pending->job->dh);
			secret_free(&pending->job->shared);
			free(pending->job);
		}
		list_del(at);
		free(pending);
	}
}

/* What the importing side does not know is swept out of the data plane. */
static void sweep(struct world_peer *peer)
{
	struct ikev2_child_info info;
	struct list *at;
	struct list *next;

	list_for_each_safe (at, next, &peer->sas) {
		struct world_sa *sa = list_entry(at, struct world_sa, link);

		if (ikev2_child_info(peer->engine, sa->child, &info) == 0)
			continue;
		list_del(at);
		free(sa);
	}
}

void world_replace(struct world_peer *peer)
{
	struct ikev2_engine *old = peer->engine;
	struct secret bytes[16];
	size_t count = 0;
	uint64_t ike;

	for (ike = ikev2_next(old, 0); ike; ike = ikev2_next(old, ike)) {
		int error = ikev2_export(old, ike, 0, &bytes[count]);

		assert_true(error == 0 || error == -EAGAIN);
		count += error == 0;
		assert_true(count < 16);
	}
	forget_pending(peer);
	ikev2_engine_free(old);
	start_peer(peer);
	peer->replaced = true;
	for (size_t i = 0; i < count; i++) {
		const struct ikev2_import import = { .bytes = secret_span(&bytes[i]),
						     .connection = peer->connection };

		assert_int_equal(ikev2_import(peer->engine, &import, peer->world->now_ns, &ike), 0);
		secret_free(&bytes[i]);
	}
	sweep(peer);
}

static bool has_child(void *context, uint32_t spi)
{
	struct world_peer *peer = context;

	for (struct list *at = peer->sas.next; at != &peer->sas; at = at->next)
		if (list_entry(at, struct world_sa, link)->child == spi)
			return true;
	return false;
}

void world_return(struct world_peer *peer, struct span bytes)
{
	const struct ikev2_import import = {
		.bytes = bytes,
		.connection = peer->connection,
		.offered = has_child,
		.context = peer,
	};
	struct ikev2_engine *old = peer->engine;
	uint64_t ike;

	forget_pending(peer);
	ikev2_engine_free(old);
	start_peer(peer);
	peer->replaced = true;
	assert_int_equal(ikev2_import(peer->engine, &import, peer->world->now_ns, &ike), 0);
	sweep(peer);
}

void world_start(struct world *world)
{
	start_peer(&world->a);
	start_peer(&world->b);
}

static void drop_all(struct list *list)
{
	struct list *at;
	struct list *next;

	list_for_each_safe (at, next, list) {
		list_del(at);
		free(list_entry(at, struct world_packet, link));
	}
}

void world_lose(struct world *world)
{
	drop_all(&world->packets);
}

static void fini_peer(struct world_peer *peer)
{
	struct list *at;
	struct list *next;

	forget_pending(peer);
	ikev2_engine_free(peer->engine);
	ikev2_connection_put(peer->connection);
	list_for_each_safe (at, next, &peer->sas) {
		list_del(at);
		free(list_entry(at, struct world_sa, link));
	}
}

void world_fini(struct world *world)
{
	fini_peer(&world->a);
	fini_peer(&world->b);
	drop_all(&world->packets);
	drop_all(&world->held);
	map_fini(&world->ivs);
	map_fini(&world->keys);
}

void world_dial(struct world *world, struct world_peer *from, uint64_t *ike)
{
	struct world_peer *to = from == &world->a ? &world->b : &world->a;
	const struct ikev2_dial dial = { .connection = from->connection,
					 .path = { .local = from->addr, .remote = to->addr } };
	uint64_t name;

	assert_int_equal(ikev2_initiate(from->engine, &dial, world->now_ns, &name), 0);
	if (ike)
		*ike = name;
}

/* What one side sends on, the other one takes: else a packet would be lost. */
static void check_reachable(struct world_peer *from, struct world_peer *to)
{
	struct list *at;
	bool sends = false;

	list_for_each (at, &from->sas) {
		struct world_sa *sa = list_entry(at, struct world_sa, link);
		struct world_sa *other = NULL;
		struct list *there;

		if (!sa->sends)
			continue;
		sends = true;
		list_for_each (there, &to->sas) {
			struct world_sa *candidate = list_entry(there, struct world_sa, link);

			if (candidate->child == sa->outbound.spi)
				other = candidate;
		}
		assert_non_null(other);
		assert_memory_equal(other->inbound.key, sa->outbound.key, sa->outbound.key_length);
	}
	assert_true(sends);
}

bool world_died(const struct world *world)
{
	const struct world_peer *peers[] = { &world->a, &world->b };

	for (size_t p = 0; p < 2; p++)
		for (size_t i = 0; i < peers[p]->event_count; i++)
			if (peers[p]->events[i].reason == IKEV2_REASON_LIVENESS ||
			    peers[p]->events[i].reason == IKEV2_REASON_TIMEOUT)
				if (peers[p]->events[i].kind != IKEV2_EVENT_SUSPECT)
					return true;
	return false;
}

void world_check(struct world *world)
{
	if (!world->always_reachable || world_died(world))
		return;
	check_reachable(&world->a, &world->b);
	check_reachable(&world->b, &world->a);
}

void world_hand_over(struct world *world, const struct world_packet *packet)
{
	struct world_peer *to = packet->to_b ? &world->b : &world->a;
	const struct ikev2_datagram datagram = { .path = packet->path,
						 .bytes = { packet->bytes, packet->n },
						 .non_esp_marker = packet->marker };

	if (packet->n == 1 && packet->bytes[0] == 0xff) /* keepalive: ends in the data plane */
		return;
	ikev2_receive(to->engine, &datagram, world->now_ns);
	world_check(world);
}

static void deliver_one(struct world *world)
{
	struct world_packet *packet = list_entry(world->packets.next, struct world_packet, link);
	enum world_fate fate = world->fate ? world->fate(world, packet, world->sent) : WORLD_PASS;

	world->sent++;
	list_del(&packet->link);
	if (fate == WORLD_HOLD) {
		list_add_tail(&world->held, &packet->link);
		return;
	}
	if (fate != WORLD_LOSE)
		world_hand_over(world, packet);
	if (fate == WORLD_DOUBLE)
		world_hand_over(world, packet);
	free(packet);
}

bool world_step(struct world *world)
{
	if (list_empty(&world->packets))
		return world_complete(&world->a) || world_complete(&world->b);
	deliver_one(world);
	return true;
}

void world_deliver(struct world *world)
{
	while (world_step(world))
		;
}

void world_release(struct world *world)
{
	while (!list_empty(&world->held)) {
		struct world_packet *packet =
			list_entry(world->held.next, struct world_packet, link);

		list_del(&packet->link);
		world_hand_over(world, packet);
		free(packet);
	}
}

void world_run(struct world *world, uint64_t for_ns)
{
	uint64_t end = world->now_ns + for_ns;

	for (size_t guard = 0; guard < 100000; guard++) {
		uint64_t next = end;
		uint64_t a;
		uint64_t b;

		world_deliver(world);
		a = ikev2_deadline(world->a.engine);
		b = ikev2_deadline(world->b.engine);
		if (a && a < next)
			next = a;
		if (b && b < next)
			next = b;
		if (next > world->now_ns)
			world->now_ns = next;
		if (a && a <= world->now_ns)
			ikev2_tick(world->a.engine, world->now_ns);
		if (b && b <= world->now_ns)
			ikev2_tick(world->b.engine, world->now_ns);
		world_check(world);
		if (world->now_ns >= end && list_empty(&world->packets) &&
		    (!ikev2_deadline(world->a.engine) ||
		     ikev2_deadline(world->a.engine) > world->now_ns) &&
		    (!ikev2_deadline(world->b.engine) ||
		     ikev2_deadline(world->b.engine) > world->now_ns))
			return;
	}
	fail_msg("the engines never come to rest");
}

static void compare(struct world_peer *one, struct world_peer *other, size_t *count)
{
	struct list *at;

	*count = 0;
	list_for_each (at, &one->sas) {
		struct world_sa *sa = list_entry(at, struct world_sa, link);
		struct world_sa *there = find_sa(other, sa->outbound.spi);

		assert_non_null(there);
		assert_int_equal(there->outbound.spi, sa->child);
		assert_int_equal(there->inbound.cipher, sa->outbound.cipher);
		assert_int_equal(there->inbound.flags, sa->outbound.flags);
		assert_memory_equal(there->inbound.key, sa->outbound.key, sa->outbound.key_length);
		assert_memory_equal(there->inbound.integrity_key, sa->outbound.integrity_key,
				    sa->outbound.integrity_key_length);
		assert_memory_equal(&there->local, &sa->remote, sizeof(sa->remote));
		assert_memory_equal(&there->remote, &sa->local, sizeof(sa->local));
		(*count)++;
	}
}

void world_agree(struct world *world, int children)
{
	size_t a;
	size_t b;
	uint64_t ike;

	compare(&world->a, &world->b, &a);
	compare(&world->b, &world->a, &b);
	assert_int_equal(a, b);
	if (children >= 0)
		assert_int_equal(a, children);
	if (!world->a.replaced)
		assert_int_equal(world->a.spis, a);
	if (!world->b.replaced)
		assert_int_equal(world->b.spis, b);
	assert_int_equal(ikev2_counters(world->a.engine)->sas,
			 ikev2_counters(world->b.engine)->sas);
	for (ike = ikev2_next(world->a.engine, 0); ike; ike = ikev2_next(world->a.engine, ike)) {
		struct ikev2_info mine;
		struct ikev2_info theirs;

		assert_int_equal(ikev2_info(world->a.engine, ike, &mine), 0);
		assert_int_equal(ikev2_info(world->b.engine, mine.peer_spi, &theirs), 0);
		assert_int_equal(theirs.peer_spi, ike);
		assert_int_equal(theirs.child_count, mine.child_count);
	}
}

void world_empty(struct world *world)
{
	assert_int_equal(ikev2_counters(world->a.engine)->sas, 0);
	assert_int_equal(ikev2_counters(world->b.engine)->sas, 0);
	assert_true(list_empty(&world->a.sas));
	assert_true(list_empty(&world->b.sas));
	assert_int_equal(world->a.spis, 0);
	assert_int_equal(world->b.spis, 0);
}

size_t world_count(const struct world_peer *peer, enum ikev2_event_kind kind)
{
	size_t count = 0;

	for (size_t i = 0; i < peer->event_count; i++)
		count += peer->events[i].kind == kind;
	return count;
}

const struct world_event *world_last(const struct world_peer *peer, enum ikev2_event_kind kind)
{
	for (size_t i = peer->event_count; i > 0; i--)
		if (peer->events[i - 1].kind == kind)
			return &peer->events[i - 1];
	fail_msg("no such event at %s", peer->name);
	return NULL;
}

void world_child_rekey(struct world *world, struct world_peer *peer)
{
	assert_int_equal(ikev2_child_rekey(peer->engine, world_child(peer), world->now_ns), 0);
}

void world_ike_rekey(struct world *world, struct world_peer *peer)
{
	assert_int_equal(ikev2_rekey(peer->engine, world_ike(peer), world->now_ns), 0);
}

size_t world_established(const struct world_peer *peer)
{
	struct ikev2_info info;
	size_t count = 0;
	uint64_t ike;

	for (ike = ikev2_next(peer->engine, 0); ike; ike = ikev2_next(peer->engine, ike)) {
		assert_int_equal(ikev2_info(peer->engine, ike, &info), 0);
		count += info.state == IKEV2_STATE_ESTABLISHED;
	}
	return count;
}

uint64_t world_ike(const struct world_peer *peer)
{
	struct ikev2_info info;
	uint64_t ike;

	for (ike = ikev2_next(peer->engine, 0); ike; ike = ikev2_next(peer->engine, ike)) {
		assert_int_equal(ikev2_info(peer->engine, ike, &info), 0);
		if (info.state == IKEV2_STATE_ESTABLISHED)
			return ike;
	}
	fail_msg("no IKE SA is up at %s", peer->name);
	return 0;
}

uint32_t world_child(const struct world_peer *peer)
{
	const struct list *at;

	for (at = peer->sas.next; at != &peer->sas; at = at->next) {
		const struct world_sa *sa = list_entry(at, struct world_sa, link);

		if (sa->sends)
			return sa->child;
	}
	fail_msg("no child sends at %s", peer->name);
	return 0;
}

void world_up(struct world *world)
{
	world_dial(world, &world->a, NULL);
	world_deliver(world);
	world_agree(world, 1);
	assert_int_equal(world_established(&world->a), 1);
	assert_int_equal(world_established(&world->b), 1);
}
