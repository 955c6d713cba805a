/*
 * Limits out of SKUs and connections, against a data plane's end of the contract; and the prefixes
 * of a plan that are not simply those of a site.
 */
#include "config_edit.h"

#include "control/tunnel/limit.h"
#include "fake_dataplane.h"

#define GW "/virtualNetworkGateways/0/properties"

struct world {
	struct event_loop *loop;
	struct fake_dataplane fake;
	struct desired *desired;
	struct limit_table *table;
	struct config_report report;
	struct config *config;
	struct plan plan;
	int ready;
	uint32_t wanted; /* requests */
};

static void on_ready(void *context, bool same)
{
	((struct world *)context)->ready++;
}

static void on_lost(void *context)
{
}

static void on_event(void *context, const struct contract_header *message)
{
}

static void on_refused(void *context, enum contract_kind kind, uint32_t id, const char *reason)
{
	fail_msg("refused: %s", reason);
}

static bool is_ready(void *context)
{
	return ((struct world *)context)->ready > 0;
}

static bool has_arrived(void *context)
{
	struct world *w = context;

	return fake_count(&w->fake, CONTRACT_SET, CONTRACT_LIMIT) +
		       fake_count(&w->fake, CONTRACT_DELETE, CONTRACT_LIMIT) >=
	       w->wanted;
}

static int setup(void **state)
{
	struct world *w = calloc(1, sizeof(*w));
	struct desired_hooks hooks = { w, on_ready, on_lost, on_event, on_refused };

	assert_int_equal(secret_pool_init(1 << 20), 0);
	config_report_init(&w->report);
	assert_int_equal(event_loop_new(&w->loop), 0);
	fake_start(&w->fake, w->loop);
	assert_int_equal(desired_new(&w->desired, w->loop, w->fake.path, &hooks), 0);
	assert_int_equal(limit_table_new(&w->table, w->desired), 0);
	fake_run_until(w->loop, is_ready, w);
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;

	plan_fini(&w->plan);
	config_put(w->config);
	limit_table_free(w->table);
	desired_free(w->desired);
	fake_fini(&w->fake);
	event_loop_free(w->loop);
	config_report_fini(&w->report);
	secret_pool_fini();
	free(w);
	return 0;
}

static void plan(struct world *w, const char *edits)
{
	struct config *config = NULL;
	char why[256] = "";

	if (config_edit_load(&config, w->config, edits, &w->report))
		config_test_print(&w->report);
	assert_non_null(config);
	plan_fini(&w->plan);
	config_put(w->config);
	w->config = config;
	assert_int_equal(plan_make(&w->plan, config, NULL, why, sizeof(why)), 0);
}

static void set(struct world *w, const char *edits, uint32_t requests)
{
	plan(w, edits);
	assert_int_equal(limit_table_set(w->table, &w->plan), 0);
	limit_table_sweep(w->table);
	w->wanted += requests;
	fake_run_until(w->loop, has_arrived, w);
}

static uint32_t id_of(const struct world *w, enum config_kind kind, uint32_t i)
{
	return limit_table_id(w->table, config_at(w->config, kind, i)->key);
}

/* The last SET of this id. */
static const struct contract_limit *body_of(const struct world *w, uint32_t id)
{
	const struct contract_limit *found = NULL;

	for (uint32_t i = 0; i < w->fake.message_count; i++) {
		const struct contract_header *message = w->fake.messages[i];

		if (message->type == CONTRACT_SET &&
		    contract_object_of(message)->kind == CONTRACT_LIMIT &&
		    contract_object_of(message)->id == id)
			found = contract_body_of(message);
	}
	assert_non_null(found);
	return found;
}

/* VpnGw2 carries 1 Gbit/s (its first generation); each of its connections is a share of it. */
static void test_sku(void **state)
{
	struct world *w = *state;
	uint32_t gateway;

	set(w, "", 4);
	gateway = id_of(w, CONFIG_GATEWAY, 0);
	assert_int_not_equal(gateway, 0);
	assert_int_equal(body_of(w, gateway)->bits_per_s, 1000000000);
	assert_int_equal(body_of(w, gateway)->parent, 0);
	assert_int_equal(body_of(w, gateway)->direction_sum, 1);
	assert_int_equal(id_of(w, CONFIG_GATEWAY, 1), 0); /* SKU none */
	for (uint32_t i = 0; i < 3; i++) {
		const struct contract_limit *body = body_of(w, id_of(w, CONFIG_CONNECTION, i));

		assert_int_equal(body->parent, gateway);
		assert_int_equal(body->bits_per_s, 0);
		assert_int_equal(body->weight, 1);
	}
	assert_int_equal(desired_count(w->desired, CONTRACT_LIMIT), 4);
}

/* One message, the ids stay: no tunnel hears of it. */
static void test_resize(void **state)
{
	struct world *w = *state;
	uint32_t gateway, connection;

	set(w, "", 4);
	gateway = id_of(w, CONFIG_GATEWAY, 0);
	connection = id_of(w, CONFIG_CONNECTION, 0);
	set(w, GW "/sku/name='VpnGw3'", 1);
	assert_int_equal(id_of(w, CONFIG_GATEWAY, 0), gateway);
	assert_int_equal(id_of(w, CONFIG_CONNECTION, 0), connection);
	assert_int_equal(body_of(w, gateway)->bits_per_s, 1250000000);
	set(w, GW "/sku/name='VpnGw3'\n/appliance/limitDirection='each'", 1);
	assert_int_equal(body_of(w, gateway)->direction_sum, 0);
	/* No limit at all: connections go before what they stand below. */
	set(w, GW "/sku/name='none'", 4);
	assert_int_equal(desired_count(w->desired, CONTRACT_LIMIT), 0);
	assert_int_equal(fake_count(&w->fake, CONTRACT_DELETE, CONTRACT_LIMIT), 4);
	assert_int_equal(
		contract_object_of(fake_last(&w->fake, CONTRACT_DELETE, CONTRACT_LIMIT))->id,
		gateway);
	assert_int_equal(id_of(w, CONFIG_CONNECTION, 0), 0);
}

static void test_connection(void **state)
{
	struct world *w = *state;
	const struct contract_limit *body;

	set(w,
	    GW "/sku/name='none'\n/connections/1/properties/limits={'bitsPerSecond':5000000,"
	       "'packetsPerSecond':700,'burstMicroseconds':20000,'direction':'each'}",
	    1);
	assert_int_equal(id_of(w, CONFIG_CONNECTION, 0), 0);
	body = body_of(w, id_of(w, CONFIG_CONNECTION, 1));
	assert_int_equal(body->bits_per_s, 5000000);
	assert_int_equal(body->packets_per_s, 700);
	assert_int_equal(body->burst_us, 20000);
	assert_int_equal(body->direction_sum, 0);
	assert_int_equal(body->parent, 0);
}

static const struct plan_connection *connection_of(const struct world *w, const char *name)
{
	for (uint32_t i = 0; i < w->plan.connection_count; i++)
		if (!strcmp(w->plan.connections[i]->connection->resource.name, name))
			return w->plan.connections[i];
	fail();
	return NULL;
}

static void test_default_site(void **state)
{
	struct world *w = *state;
	const struct plan_connection *c;

	plan(w, GW "/gatewayDefaultSite='a'");
	c = connection_of(w, "to-a");
	assert_int_equal(c->prefix_count, 2);
	assert_int_equal(c->prefixes[1].length, 0);
	assert_int_equal(c->prefixes[1].addr.family, NET_IP4);
	assert_int_equal(connection_of(w, "to-b")->prefix_count, 1);
}

/* Behind the other gateway: its network, and those that use it as their gateway. */
static void test_spokes(void **state)
{
	struct world *w = *state;
	static const char peered[] =
		"/virtualNetworks/2={'name':'leaf','properties':{'addressSpace':{"
		"'addressPrefixes':['10.8.0.0/16']},'virtualNetworkPeerings':[{'name':'up',"
		"'properties':{'remoteVirtualNetwork':'spoke','useRemoteGateways':true}}]}}\n"
		"/virtualNetworks/1/properties/virtualNetworkPeerings=[{'name':'down',"
		"'properties':{'remoteVirtualNetwork':'leaf','allowGatewayTransit':true}}]";

	plan(w, "");
	assert_int_equal(connection_of(w, "to-spoke")->prefix_count, 1);
	plan(w, peered);
	assert_int_equal(connection_of(w, "to-spoke")->prefix_count, 2);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_sku),		 TEST(test_resize), TEST(test_connection),
		TEST(test_default_site), TEST(test_spokes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
