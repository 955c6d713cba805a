/*
 * Requests and desired state against a data plane's end of the contract in the same process.
 */
#include "cmocka_all.h"
#include "control/requests/desired.h"
#include "fake_dataplane.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct world {
	struct event_loop *loop;
	struct fake_dataplane fake;
	struct desired *desired;
	int ready;
	int lost;
	int refused;
	int events;
	int answered;
	int unanswered;
	bool same;
};

static void on_ready(void *context, bool same)
{
	struct world *w = context;

	w->ready++;
	w->same = same;
}

static void on_lost(void *context)
{
	((struct world *)context)->lost++;
}

static void on_event(void *context, const struct contract_header *message)
{
	((struct world *)context)->events++;
}

static void on_refused(void *context, enum contract_kind kind, uint32_t id, const char *reason)
{
	struct world *w = context;

	assert_string_equal(reason, "told to refuse");
	w->refused++;
}

static int setup(void **state)
{
	struct world *w = calloc(1, sizeof(*w));
	struct desired_hooks hooks = { w, on_ready, on_lost, on_event, on_refused };

	assert_int_equal(event_loop_new(&w->loop), 0);
	fake_start(&w->fake, w->loop);
	assert_int_equal(desired_new(&w->desired, w->loop, w->fake.path, &hooks), 0);
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;

	desired_free(w->desired);
	fake_fini(&w->fake);
	event_loop_free(w->loop);
	free(w);
	return 0;
}

static bool ready_once(void *context)
{
	return ((struct world *)context)->ready == 1;
}

static bool ready_twice(void *context)
{
	return ((struct world *)context)->ready == 2;
}

static int limit_set(struct world *w, const char *name, uint64_t bits)
{
	struct contract_limit body = { .bits_per_s = bits };
	struct requests_message m = { .kind = CONTRACT_LIMIT,
				      .body = &body,
				      .body_length = sizeof(body) };

	assert_int_equal(desired_id(w->desired, CONTRACT_LIMIT, name, &m.id), 0);
	return desired_set(w->desired, &m);
}

static bool one_limit(void *context)
{
	return fake_count(&((struct world *)context)->fake, CONTRACT_SET, CONTRACT_LIMIT) == 1;
}

static void test_ids_wait_for_the_attach(void **state)
{
	struct world *w = *state;
	uint32_t id;

	assert_int_equal(desired_id(w->desired, CONTRACT_LIMIT, "a", &id), -ENOTCONN);
	fake_run_until(w->loop, ready_once, w);
	assert_int_equal(desired_id(w->desired, CONTRACT_LIMIT, "a", &id), 0);
	assert_int_equal(id, 1);
}

static void test_unchanged_is_sent_once(void **state)
{
	struct world *w = *state;
	const struct contract_header *sent;

	fake_run_until(w->loop, ready_once, w);
	assert_int_equal(limit_set(w, "a", 1000), 0);
	assert_int_equal(limit_set(w, "a", 1000), 0);
	fake_run_until(w->loop, one_limit, w);
	sent = fake_last(&w->fake, CONTRACT_SET, CONTRACT_LIMIT);
	assert_memory_equal(contract_opaque_of(sent), "a", 1);
	assert_int_equal(contract_object_of(sent)->generation, w->fake.session);
}

static void test_names_of_a_former_control_keep_their_ids(void **state)
{
	struct world *w = *state;
	struct contract_limit body = { .bits_per_s = 5 };
	uint32_t id;

	fake_holds(&w->fake, CONTRACT_LIMIT, 7, &body, sizeof(body), "gateway");
	fake_run_until(w->loop, ready_once, w);
	assert_int_equal(desired_id(w->desired, CONTRACT_LIMIT, "gateway", &id), 0);
	assert_int_equal(id, 7);
	assert_int_equal(desired_id(w->desired, CONTRACT_LIMIT, "other", &id), 0);
	assert_int_not_equal(id, 7);
}

static bool two_limits(void *context)
{
	return fake_count(&((struct world *)context)->fake, CONTRACT_SET, CONTRACT_LIMIT) == 2;
}

static void test_all_is_sent_again_to_a_new_data_plane(void **state)
{
	struct world *w = *state;

	fake_run_until(w->loop, ready_once, w);
	assert_int_equal(limit_set(w, "a", 1000), 0);
	fake_run_until(w->loop, one_limit, w);
	fake_stop(&w->fake);
	fake_start(&w->fake, w->loop);
	fake_run_until(w->loop, ready_twice, w);
	assert_int_equal(w->lost, 1);
	assert_false(w->same);
	fake_run_until(w->loop, two_limits, w);
}

static bool one_child(void *context)
{
	return fake_count(&((struct world *)context)->fake, CONTRACT_SET, CONTRACT_CHILD) == 1;
}

static bool two_children(void *context)
{
	return fake_count(&((struct world *)context)->fake, CONTRACT_SET, CONTRACT_CHILD) == 2;
}

static void test_a_new_data_plane_has_no_sas_to_name(void **state)
{
	struct world *w = *state;
	const struct net_selector any[2] = { net_selector_any(NET_IP4), net_selector_any(NET_IP4) };
	const struct contract_child body = {
		.tunnel = 1, .outbound_sa = 5, .local_count = 1, .remote_count = 1
	};
	const struct requests_message m = { .kind = CONTRACT_CHILD,
					    .id = 1,
					    .body = &body,
					    .body_length = sizeof(body),
					    .tail = any,
					    .tail_length = sizeof(any) };
	const struct contract_child *sent;

	fake_run_until(w->loop, ready_once, w);
	assert_int_equal(desired_set(w->desired, &m), 0);
	fake_run_until(w->loop, one_child, w);
	fake_stop(&w->fake);
	fake_start(&w->fake, w->loop);
	fake_run_until(w->loop, two_children, w);
	sent = contract_body_of(fake_last(&w->fake, CONTRACT_SET, CONTRACT_CHILD));
	assert_int_equal(sent->tunnel, 1);
	assert_int_equal(sent->outbound_sa, 0);
}

static bool refused_once(void *context)
{
	return ((struct world *)context)->refused == 1;
}

static void test_a_refusal_is_told(void **state)
{
	struct world *w = *state;

	w->fake.refuse_kind = CONTRACT_LIMIT;
	fake_run_until(w->loop, ready_once, w);
	assert_int_equal(limit_set(w, "a", 1000), 0);
	fake_run_until(w->loop, refused_once, w);
}

static void on_answer(void *context, const struct contract_answer *answer)
{
	struct world *w = context;

	if (answer)
		w->answered++;
	else
		w->unanswered++;
}

static bool one_outcome(void *context)
{
	struct world *w = context;

	return w->answered + w->unanswered > 0;
}

static void test_a_lost_data_plane_is_one_outcome(void **state)
{
	struct world *w = *state;

	fake_run_until(w->loop, ready_once, w);
	w->fake.mute = true;
	assert_int_equal(requests_probe(desired_requests(w->desired), on_answer, w), 0);
	fake_stop(&w->fake);
	fake_run_until(w->loop, one_outcome, w);
	assert_int_equal(w->unanswered, 1);
	assert_int_equal(w->answered, 0);
	assert_int_equal(requests_probe(desired_requests(w->desired), on_answer, w), -ENOTCONN);
}

static void test_a_batch_is_one_message(void **state)
{
	struct world *w = *state;
	struct requests *r = desired_requests(w->desired);
	struct contract_limit body = { .bits_per_s = 1 };
	struct requests_message m = { .type = CONTRACT_ADD,
				      .kind = CONTRACT_LIMIT,
				      .id = 3,
				      .body = &body,
				      .body_length = sizeof(body) };

	fake_run_until(w->loop, ready_once, w);
	requests_batch_begin(r);
	assert_int_equal(requests_make(r, &m, NULL, NULL), 0);
	m.id = 4;
	assert_int_equal(requests_make(r, &m, NULL, NULL), 0);
	assert_int_equal(requests_batch_end(r, on_answer, w), 0);
	fake_run_until(w->loop, one_outcome, w);
	assert_int_equal(w->answered, 1);
	assert_int_equal(fake_count(&w->fake, CONTRACT_BATCH, 0), 1);
	assert_int_equal(fake_count(&w->fake, CONTRACT_ADD, CONTRACT_LIMIT), 0);
}

static void flood_done(void *context, const struct contract_answer *answer)
{
	assert_non_null(answer);
	((struct world *)context)->answered++;
}

static bool flood_over(void *context)
{
	return ((struct world *)context)->answered == 2000;
}

/* More than the ring holds while nobody reads: nothing is lost and nothing is overtaken. */
static void test_what_does_not_fit_waits(void **state)
{
	struct world *w = *state;
	static uint8_t opaque[CONTRACT_OPAQUE_MAX];
	struct net_selector selectors[60];
	struct contract_child body = { .tunnel = 1, .local_count = 30, .remote_count = 30 };
	struct requests_message m = { .type = CONTRACT_SET,
				      .kind = CONTRACT_CHILD,
				      .id = 1,
				      .body = &body,
				      .body_length = sizeof(body),
				      .tail = selectors,
				      .tail_length = sizeof(selectors),
				      .opaque = opaque,
				      .opaque_length = sizeof(opaque) };
	uint32_t last = 0;

	for (size_t i = 0; i < 60; i++)
		selectors[i] = net_selector_any(NET_IP4);
	fake_run_until(w->loop, ready_once, w);
	for (uint32_t i = 0; i < 2000; i++) {
		m.owner = i + 1;
		assert_int_equal(requests_make(desired_requests(w->desired), &m, flood_done, w), 0);
	}
	fake_run_until(w->loop, flood_over, w);
	for (uint32_t i = 0; i < w->fake.message_count; i++) {
		const struct contract_header *got = w->fake.messages[i];

		if (got->type != CONTRACT_SET)
			continue;
		assert_int_equal(contract_object_of(got)->owner, last + 1);
		last++;
	}
	assert_int_equal(last, 2000);
}

static bool one_event(void *context)
{
	return ((struct world *)context)->events == 1;
}

static void test_events_arrive(void **state)
{
	struct world *w = *state;
	struct contract_link link = { .port = 1, .up = 1 };

	fake_run_until(w->loop, ready_once, w);
	fake_event(&w->fake, CONTRACT_LINK, &link, sizeof(link));
	fake_run_until(w->loop, one_event, w);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(test_ids_wait_for_the_attach),
		T(test_unchanged_is_sent_once),
		T(test_names_of_a_former_control_keep_their_ids),
		T(test_all_is_sent_again_to_a_new_data_plane),
		T(test_a_new_data_plane_has_no_sas_to_name),
		T(test_a_refusal_is_told),
		T(test_a_lost_data_plane_is_one_outcome),
		T(test_a_batch_is_one_message),
		T(test_what_does_not_fit_waits),
		T(test_events_arrive),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
