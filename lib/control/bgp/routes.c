/*
 * Learned and advertised routes out of FRR's JSON in the API's shape. A question goes to both
 * speakers; the answer is made of both.
 */
#include "control/bgp/state.h"
#include "control/bgp/text_ip6.h"

#include "control/config/json_in.h"
#include "control/config/json_out.h"
#include "control/route/speaker.h"
#include "control/tunnel/plan_bgp.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WEIGHT 32768 /* Azure's of all routes */

struct question {
	struct bgp *bgp;
	bgp_routes_done done;
	void *context;
	struct net_addr peer; /* NET_NONE: what was learned */
	struct json_out out;
	uint32_t open; /* answers to come */
	char why[160];
};

struct part {
	struct question *question;
	uint32_t instance;
};

static void finish(struct question *q)
{
	if (--q->open)
		return;
	json_out_close(&q->out, ']');
	json_out_close(&q->out, '}');
	q->done(q->context, q->why[0] ? NULL : json_out_text(&q->out), q->why);
	json_out_fini(&q->out);
	free(q);
}

static void own_address(const struct question *q, uint32_t instance, char text[NET_ADDR_TEXT])
{
	struct net_addr own;

	text[0] = '\0';
	if (q->bgp->gateway &&
	    plan_speaker_address(q->bgp->config, q->bgp->gateway, instance, &own))
		net_addr_text(text, &own);
}

/* As the API has it: numbers with dashes. */
static void path_of(const char *path, char *out, size_t size)
{
	snprintf(out, size, "%s", path);
	for (char *c = out; *c; c++)
		if (*c == ' ')
			*c = '-';
}

struct row {
	const char *local;
	const char *network;
	const char *next_hop;
	const char *source;
	const char *origin;
	const char *path;
};

static void row_add(struct json_out *out, const struct row *row)
{
	char path[512];

	path_of(row->path, path, sizeof(path));
	json_out_open(out, NULL, '{');
	json_out_string(out, "localAddress", row->local);
	json_out_string(out, "network", row->network);
	json_out_string(out, "nextHop", row->next_hop);
	json_out_string(out, "sourcePeer", row->source);
	json_out_string(out, "origin", row->origin);
	json_out_string(out, "asPath", path);
	json_out_int(out, "weight", WEIGHT);
	json_out_close(out, '}');
}

/* One path of "show bgp ipv4 unicast json". Our next hop addresses stand for the peer's. */
static void learned_path(struct question *q, uint32_t instance, const char *network,
			 const cJSON *path)
{
	const char *source = config_json_text(path, "peerId");
	char own[NET_ADDR_TEXT];
	char local[NET_ADDR_TEXT];
	struct net_addr peer;
	struct row row = { .network = network, .path = config_json_text(path, "path") };
	const struct bgp_session *session = NULL;

	own_address(q, instance, own);
	row.local = own;
	if (!strcmp(source, BGP_COLLECTOR))
		return; /* the other instance lists it as its own */
	if (net_addr_parse(&peer, source) == 0)
		session = bgp_session_find(q->bgp, instance, &peer);
	if (session) {
		row.local = net_addr_text(local, &session->is.local);
		row.next_hop = row.source = source;
		row.origin = "EBgp";
	} else {
		row.next_hop = "";
		row.source = own;
		row.origin = "Network";
	}
	row_add(&q->out, &row);
}

static void learned_take(struct question *q, uint32_t instance, const cJSON *json)
{
	const cJSON *route;
	const cJSON *path;

	cJSON_ArrayForEach(route, cJSON_GetObjectItemCaseSensitive(json, "routes"))
	{
		cJSON_ArrayForEach(path, route) learned_path(q, instance, route->string, path);
	}
}

static void advertised_take(struct question *q, uint32_t instance, const cJSON *json)
{
	const struct bgp_session *session = bgp_session_find(q->bgp, instance, &q->peer);
	uint32_t as = q->bgp->gateway ? config_gateway_asn(q->bgp->gateway) : 0;
	char local[NET_ADDR_TEXT];
	char path[512];
	const cJSON *route;

	if (!session)
		return;
	net_addr_text(local, &session->is.local);
	cJSON_ArrayForEach(route, cJSON_GetObjectItemCaseSensitive(json, "advertisedRoutes"))
	{
		const char *from = config_json_text(route, "path");
		struct row row = { .local = local,
				   .network = route->string,
				   .next_hop = local,
				   .source = local,
				   .origin = *from ? "EBgp" : "Igp",
				   .path = path };

		snprintf(path, sizeof(path), "%u%s%s", as, *from ? " " : "", from);
		row_add(&q->out, &row);
	}
}

static void answered(void *context, int status, const char *text, size_t n)
{
	struct part *part = context;
	struct question *q = part->question;
	struct config_report report;
	cJSON *json = NULL;

	config_report_init(&report);
	if (status < 0)
		snprintf(q->why, sizeof(q->why), "FRR of instance %u does not answer: %s.",
			 part->instance, strerror(-status));
	else if (status > 0 || config_json_parse(&json, text, n, &report) < 0)
		snprintf(q->why, sizeof(q->why), "FRR of instance %u cannot say: %.80s",
			 part->instance, status > 0 ? "it refused the question" : "no JSON");
	else if (q->peer.family)
		advertised_take(q, part->instance, json);
	else
		learned_take(q, part->instance, json);
	config_json_free(json);
	config_report_fini(&report);
	free(part);
	finish(q);
}

static void ask(struct question *q, uint32_t instance, const char *command)
{
	struct part *part = malloc(sizeof(*part));

	if (!part) {
		snprintf(q->why, sizeof(q->why), "The gateway is out of memory.");
		return;
	}
	*part = (struct part){ q, instance };
	q->open++;
	vty_send(q->bgp->speakers[instance].bgpd.vty, command, answered, part);
}

/* `question` has %s in the place of the family. */
static void ask_families(struct question *q, uint32_t instance, const char *question)
{
	static const char *const families[] = { "ipv4", "ipv6" };
	const struct bgp_wanted wanted = { q->bgp->config, q->bgp->gateway, q->bgp->sessions,
					   q->bgp->count };
	const char *place = strstr(question, "%s");
	char command[160];

	for (int i = 0; i < (bgp_ip6_used(&wanted) ? 2 : 1); i++) {
		snprintf(command, sizeof(command), "%.*s%s%s", (int)(place - question), question,
			 families[i], place + 2);
		ask(q, instance, command);
	}
}

static struct question *question_new(struct bgp *bgp, bgp_routes_done done, void *context)
{
	struct question *q = calloc(1, sizeof(*q));

	if (!q) {
		done(context, NULL, "The gateway is out of memory.");
		return NULL;
	}
	q->bgp = bgp;
	q->done = done;
	q->context = context;
	q->open = 1; /* until all is asked */
	config_json_setup();
	json_out_init(&q->out);
	json_out_open(&q->out, NULL, '{');
	json_out_open(&q->out, "value", '[');
	return q;
}

void bgp_learned(struct bgp *bgp, bgp_routes_done done, void *context)
{
	struct question *q = question_new(bgp, done, context);

	if (!q)
		return;
	for (uint32_t i = 0; i < BGP_INSTANCES; i++)
		if (bgp->speakers[i].bgpd.wanted.n && !bgp->speakers[i].idle)
			ask_families(q, i, "show bgp %s unicast json");
	finish(q);
}

void bgp_advertised(struct bgp *bgp, const struct net_addr *peer, bgp_routes_done done,
		    void *context)
{
	struct question *q = question_new(bgp, done, context);
	char command[128];
	char text[NET_ADDR_TEXT];

	if (!q)
		return;
	q->peer = *peer;
	snprintf(command, sizeof(command),
		 "show bgp %%s unicast neighbors %s advertised-routes json",
		 net_addr_text(text, peer));
	for (uint32_t i = 0; i < BGP_INSTANCES; i++)
		if (bgp_session_find(bgp, i, peer))
			ask_families(q, i, command);
	finish(q);
}
