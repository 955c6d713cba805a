#include "control/ikev2/child.h"
#include "control/ikev2/handlers.h"

/* Probes start after this part of the time in which the peer must show itself. */
#define PROBE_PART 3
#define IDS_LEFT 4096

uint64_t ikev2_timer_jitter(uint64_t of, uint8_t percent)
{
	uint32_t random = 0;
	uint64_t low = percent > 5 ? percent - 5u : 0;

	if (secret_random(&random, sizeof(random)))
		random = 1u << 31;
	return of / 100 * low + of / 100 * 10 / 1024 * (random % 1024);
}

static void earlier(uint64_t *deadline, uint64_t candidate)
{
	if (candidate && (!*deadline || candidate < *deadline))
		*deadline = candidate;
}

static bool probes(const struct ikev2_sa *sa)
{
	return sa->state == IKEV2_STATE_ESTABLISHED && !sa->own && sa->connection &&
	       ikev2_sa_config(sa)->dpd_s;
}

static uint64_t probe_ns(const struct ikev2_sa *sa)
{
	uint64_t seen = sa->traffic_ns > sa->last_seen_ns ? sa->traffic_ns : sa->last_seen_ns;

	return seen + ikev2_sa_config(sa)->dpd_s * IKEV2_NS_PER_S / PROBE_PART;
}

static bool keeps_alive(const struct ikev2_sa *sa)
{
	return sa->nat_local && sa->state == IKEV2_STATE_ESTABLISHED;
}

static uint64_t keepalive_ns(const struct ikev2_sa *sa)
{
	const struct ikev2_config *config = ikev2_sa_config(sa);

	return sa->last_sent_ns + (config->keepalive_s ? config->keepalive_s : 20) * IKEV2_NS_PER_S;
}

void ikev2_timer_schedule(struct ikev2_sa *sa)
{
	uint64_t deadline;
	struct list *at;

	if (sa->state == IKEV2_STATE_GONE)
		return;
	deadline = ikev2_exchange_deadline(sa);
	if (probes(sa))
		earlier(&deadline, probe_ns(sa));
	if (keeps_alive(sa))
		earlier(&deadline, keepalive_ns(sa));
	earlier(&deadline, sa->rekey_ns);
	earlier(&deadline, sa->expire_ns);
	earlier(&deadline, sa->reauth_ns);
	earlier(&deadline, sa->redundant_ns);
	list_for_each (at, &sa->children)
		earlier(&deadline, ikev2_child_deadline(list_entry(at, struct ikev2_child, link)));
	/* Out of memory: the next message or the next tick of this IKE SA tries again. */
	if (heap_set(&sa->engine->timers, &sa->timer, deadline))
		sa->timer.deadline_ns = 0;
}

uint64_t ikev2_timer_traffic(struct ikev2_sa *sa)
{
	const struct ikev2_hooks *hooks = &sa->engine->hooks;
	struct list *at;

	if (!hooks->child_seen_ns)
		return sa->traffic_ns;
	list_for_each (at, &sa->children) {
		struct ikev2_child *child = list_entry(at, struct ikev2_child, link);
		uint64_t seen = hooks->child_seen_ns(hooks->context, child->spi);

		if (seen > sa->traffic_ns && seen <= sa->engine->now_ns)
			sa->traffic_ns = seen;
	}
	return sa->traffic_ns;
}

static void fire_probe(struct ikev2_sa *sa)
{
	if (!probes(sa) || probe_ns(sa) > sa->engine->now_ns)
		return;
	(void)ikev2_timer_traffic(sa);
	if (probe_ns(sa) <= sa->engine->now_ns && !ikev2_job_find(sa, IKEV2_JOB_PROBE, 0) &&
	    !ikev2_job_add(sa, IKEV2_JOB_PROBE))
		sa->last_seen_ns = sa->engine->now_ns; /* out of memory: later */
}

/* RFC 3948 section 2.3 */
static void fire_keepalive(struct ikev2_sa *sa)
{
	static const uint8_t octet = 0xff;

	if (!keeps_alive(sa) || keepalive_ns(sa) > sa->engine->now_ns)
		return;
	ikev2_exchange_send_raw(sa->engine, &sa->path, false, (struct span){ &octet, 1 },
				sa->connection);
	sa->last_sent_ns = sa->engine->now_ns;
}

/* Half-open, redundant, replaced and expired IKE SAs. True: it is gone. */
static bool fire_expiry(struct ikev2_sa *sa)
{
	uint64_t now = sa->engine->now_ns;

	if (!sa->expire_ns || sa->expire_ns > now)
		return false;
	if (sa->state == IKEV2_STATE_HALF_OPEN) {
		ikev2_sa_end(sa, IKEV2_REASON_HALF_OPEN, NULL);
		return true;
	}
	if (sa->redundant || sa->state == IKEV2_STATE_REKEYED) {
		ikev2_sa_end(sa, IKEV2_REASON_REKEYED, NULL);
		return true;
	}
	sa->expire_ns = 0;
	ikev2_informational_close(sa, IKEV2_REASON_LIFETIME);
	return true;
}

/* RFC 7296 section 2.2: message IDs must not wrap; a rekey begins again at 0. */
static void look_at_ids(struct ikev2_sa *sa)
{
	uint32_t most = sa->next_id > sa->expected_id ? sa->next_id : sa->expected_id;

	if (most < UINT32_MAX - IDS_LEFT || sa->state != IKEV2_STATE_ESTABLISHED || sa->redundant)
		return;
	if (most > UINT32_MAX - IDS_LEFT / 2)
		ikev2_informational_close(sa, IKEV2_REASON_MESSAGE_ID);
	else if (!ikev2_job_find(sa, IKEV2_JOB_REKEY, 0) && !ikev2_job_add(sa, IKEV2_JOB_REKEY))
		sa->rekey_ns = sa->engine->now_ns + IKEV2_NS_PER_S;
}

void ikev2_timer_fire(struct ikev2_sa *sa)
{
	uint64_t now = sa->engine->now_ns;
	struct list *at;
	struct list *next;

	ikev2_exchange_timer(sa);
	if (sa->state == IKEV2_STATE_GONE || fire_expiry(sa))
		return;
	list_for_each_safe (at, next, &sa->children)
		ikev2_child_timers(list_entry(at, struct ikev2_child, link), now);
	fire_probe(sa);
	fire_keepalive(sa);
	if (sa->rekey_ns && sa->rekey_ns <= now) {
		sa->rekey_ns = 0;
		if (sa->state == IKEV2_STATE_ESTABLISHED && !sa->redundant &&
		    !ikev2_job_find(sa, IKEV2_JOB_REKEY, 0) && !ikev2_job_add(sa, IKEV2_JOB_REKEY))
			sa->rekey_ns = now + IKEV2_NS_PER_S;
	}
	if (sa->reauth_ns && sa->reauth_ns <= now) {
		sa->reauth_ns = 0;
		ikev2_sa_event(sa, IKEV2_EVENT_REAUTH, IKEV2_REASON_NONE, NULL);
	}
	if (sa->redundant_ns && sa->redundant_ns <= now)
		ikev2_converge(sa);
	look_at_ids(sa);
	ikev2_exchange_kick(sa);
	ikev2_timer_schedule(sa);
}
