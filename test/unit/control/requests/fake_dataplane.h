#pragma once
/*
 * The data plane's end of the contract for tests of control modules: takes what control sends,
 * answers as it is told, keeps the messages to look at. It runs from the test's event loop, so
 * control's end must not wait for it anywhere.
 */
#include "contract/channel.h"
#include "contract/counters.h"
#include "control/event/loop.h"

#define FAKE_MESSAGES_MAX 4096

struct fake_dataplane {
	struct event_loop *loop;
	struct channel_listener *listener;
	struct channel *channel;
	struct event_source *listen_source;
	struct event_source *receive_source;
	struct contract_counters counters;
	char path[108];
	uint64_t instance;
	uint32_t session;
	struct contract_header *messages[FAKE_MESSAGES_MAX]; /* in order of arrival */
	uint32_t message_count;
	struct contract_header *listed[256]; /* what LIST answers, by kind of the object */
	uint32_t listed_count;
	uint16_t refuse_kind; /* objects of this kind are refused */
	bool mute;	      /* takes requests and answers none */
	uint8_t buffer[CONTRACT_MESSAGE_MAX] __attribute__((aligned(64)));
};

void fake_start(struct fake_dataplane *fake, struct event_loop *loop);
/* Hangs up and goes away; the messages stay. */
void fake_stop(struct fake_dataplane *fake);
void fake_fini(struct fake_dataplane *fake);
/* Adds an object that LIST gives. */
void fake_holds(struct fake_dataplane *fake, enum contract_kind kind, uint32_t id, const void *body,
		uint32_t body_length, const char *opaque);
void fake_event(struct fake_dataplane *fake, enum contract_type type, const void *body, uint32_t n);
/* The last message of this type and kind, or NULL. */
const struct contract_header *fake_last(const struct fake_dataplane *fake, enum contract_type type,
					enum contract_kind kind);
uint32_t fake_count(const struct fake_dataplane *fake, enum contract_type type,
		    enum contract_kind kind);
/* Runs the loop until the condition holds; fails the test after two seconds. */
void fake_run_until(struct event_loop *loop, bool (*condition)(void *context), void *context);
