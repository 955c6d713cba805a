#include "control/event/resolve.h"

#include <event2/dns.h>
#include <event2/event.h>
#include <event2/util.h>

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

/*
 * libevent's resolver may answer before it returns, and its base must not be freed from its own
 * callback: what it says is kept and told from a timer.
 */
struct event_question {
	struct evdns_base *dns;
	struct event_source *tell;
	event_resolved callback; /* NULL: cancelled; libevent still has it until its answer */
	void *context;
	struct net_addr addresses[EVENT_ADDRESSES_MAX];
	uint32_t count;
	const char *why;
};

static void question_free(struct event_question *question)
{
	event_source_free(question->tell);
	if (question->dns)
		evdns_base_free(question->dns, 0);
	free(question);
}

static void tell(void *context)
{
	struct event_question *question = context;

	if (question->callback)
		question->callback(question->context, question->addresses, question->count,
				   question->why);
	question_free(question);
}

static void take(struct event_question *question, const struct sockaddr *from)
{
	struct net_addr *to = &question->addresses[question->count];

	*to = (struct net_addr){ 0 };
	if (from->sa_family == AF_INET) {
		to->family = NET_IP4;
		memcpy(to->bytes, &((const struct sockaddr_in *)(const void *)from)->sin_addr, 4);
	} else if (from->sa_family == AF_INET6) {
		to->family = NET_IP6;
		memcpy(to->bytes, &((const struct sockaddr_in6 *)(const void *)from)->sin6_addr,
		       16);
	} else {
		return;
	}
	for (uint32_t i = 0; i < question->count; i++)
		if (net_addr_equal(&question->addresses[i], to))
			return;
	question->count++;
}

static void answered(int error, struct evutil_addrinfo *list, void *context)
{
	struct event_question *question = context;

	for (const struct evutil_addrinfo *at = list; at && question->count < EVENT_ADDRESSES_MAX;
	     at = at->ai_next)
		take(question, at->ai_addr);
	if (list)
		evutil_freeaddrinfo(list);
	if (!question->count)
		question->why = error ? evutil_gai_strerror(error) : "it has no address";
	event_timer_set(question->tell, 0);
}

int event_resolve(struct event_question **out, struct event_loop *loop, const char *name,
		  event_resolved callback, void *context)
{
	const struct evutil_addrinfo hints = { .ai_family = AF_UNSPEC,
					       .ai_socktype = SOCK_DGRAM,
					       .ai_flags = EVUTIL_AI_ADDRCONFIG };
	struct event_question *question = calloc(1, sizeof(*question));
	int rc = -ENOMEM;

	if (!question)
		return rc;
	question->callback = callback;
	question->context = context;
	rc = event_timer_new(&question->tell, loop, tell, question);
	if (rc == 0) {
		question->dns = evdns_base_new(event_loop_base(loop),
					       EVDNS_BASE_INITIALIZE_NAMESERVERS |
						       EVDNS_BASE_DISABLE_WHEN_INACTIVE);
		rc = question->dns ? 0 : -ENOMEM;
	}
	if (rc < 0) {
		question_free(question);
		return rc;
	}
	*out = question;
	(void)evdns_getaddrinfo(question->dns, name, NULL, &hints, answered, question);
	return 0;
}

void event_resolve_cancel(struct event_question *question)
{
	if (question)
		question->callback = NULL;
}
