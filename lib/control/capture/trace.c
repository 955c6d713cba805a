/*
 * A step of a followed packet as JSON: only what mattered there.
 */
#include "control/capture/internal.h"

#include "contract/drops.h"
#include "contract/counters.h"
#include "control/config/json_out.h"

#include <stdio.h>

static void add_time(struct json_out *out, uint64_t wall_ns)
{
	char text[32];

	snprintf(text, sizeof(text), "%llu.%09llu", (unsigned long long)(wall_ns / CLOCK_NS_PER_S),
		 (unsigned long long)(wall_ns % CLOCK_NS_PER_S));
	json_out_string(out, "time", text);
}

static void add_key(struct json_out *out, const struct contract_traced *t)
{
	char text[NET_ADDR_TEXT];

	if (!t->src.family)
		return;
	json_out_string(out, "source", net_addr_text(text, &t->src));
	json_out_string(out, "destination", net_addr_text(text, &t->dst));
	json_out_int(out, "protocol", t->protocol);
	if (t->src_port || t->dst_port) {
		json_out_int(out, "sourcePort", t->src_port);
		json_out_int(out, "destinationPort", t->dst_port);
	}
}

static void add_number(struct json_out *out, const char *name, uint64_t value)
{
	if (value)
		json_out_int(out, name, (int64_t)value);
}

static void add_mac(struct json_out *out, const uint8_t mac[6])
{
	char text[18];

	if (!(mac[0] | mac[1] | mac[2] | mac[3] | mac[4] | mac[5]))
		return;
	snprintf(text, sizeof(text), "%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2],
		 mac[3], mac[4], mac[5]);
	json_out_string(out, "mac", text);
}

/* What became of it, at the end of its way. */
static void add_verdict(struct json_out *out, const struct contract_traced *t)
{
	switch (t->step) {
	case CONTRACT_STEP_DROP:
		json_out_string(out, "verdict", "dropped");
		json_out_string(out, "reason", contract_drop_name((enum contract_drop)t->drop));
		json_out_string(out, "detail", contract_drop_sentence((enum contract_drop)t->drop));
		return;
	case CONTRACT_STEP_HOLD:
		json_out_string(out, "verdict", "waits");
		json_out_string(out, "reason",
				t->drop == CONTRACT_DROP_NEIGHBOUR_NONE ? "neighbour" : "sa");
		return;
	case CONTRACT_STEP_SEND:
		json_out_string(out, "verdict", "sent");
		return;
	case CONTRACT_STEP_PUNT:
		json_out_string(out, "verdict", "to control");
		return;
	case CONTRACT_STEP_MIRROR:
		json_out_string(out, "verdict", "to Linux");
		return;
	case CONTRACT_STEP_SPLIT:
		json_out_string(out, "verdict", "cut");
		return;
	default:
		return;
	}
}

void capture_trace_line(struct captures *all, const struct contract_traced *t, struct text *to)
{
	static const char *const from[] = { "private", "public", "tunnel", "linux" };
	const char *tunnel = capture_tunnel_name(all, t->tunnel);
	struct json_out out;

	json_out_init(&out);
	json_out_open(&out, NULL, '{');
	add_time(&out, t->time_ns + (uint64_t)all->wall_offset_ns);
	json_out_int(&out, "packet", t->packet);
	json_out_string(&out, "step", contract_step_name((enum contract_step)t->step));
	json_out_int(&out, "worker", t->worker);
	add_key(&out, t);
	if (t->step == CONTRACT_STEP_RECEIVE)
		json_out_string(&out, "from", from[t->from]);
	add_number(&out, "length", t->length);
	add_number(&out, "ttl", t->ttl);
	add_number(&out, "port", t->port);
	if (tunnel[0])
		json_out_string(&out, "tunnel", tunnel);
	add_number(&out, "sa", t->sa);
	add_number(&out, "spi", t->spi);
	add_number(&out, "sequence", t->sequence);
	add_number(&out, "nextHop", t->nexthop);
	add_number(&out, "mtu", t->mtu);
	add_mac(&out, t->mac);
	add_verdict(&out, t);
	add_number(&out, "lost", t->lost);
	json_out_close(&out, '}');
	text_add_bytes(to, json_out_text(&out), out.n);
	json_out_fini(&out);
}
