/*
 * DOC: suspicion
 *
 * A tunnel that sends and hears nothing for SILENCE is probed; the engine sends the probe again and
 * again, and says SUSPECT when nothing came for 1.2 s: flows then move while the IKE SA stays.
 * One-way traffic costs a probe now and then and nothing else; with a round trip of half a second
 * the answer is there long before. Where packets are few, one that was sent just before the look
 * had no time to be answered: it is asked at the next look. (Thousands of tunnels were asked too
 * much at once otherwise: answers came late, which made them suspect, which made more questions.)
 *
 * A suspect tunnel from which anything protected comes is believed again at once; but one that
 * comes home, to an address that was left or whose path is back, only when IKE answers there: what
 * the peer still sends to the sibling's address says nothing of home.
 */
#include "control/tunnel/watch.h"

#include "base/log.h"
#include "control/tunnel/dial.h"
#include "control/tunnel/evacuate.h"

#define TOPIC "tunnel"
#define SILENCE_NS (600 * CLOCK_NS_PER_MS)
/* Back home and unheard for so long: away again. */
#define HOME_PROOF_NS (1500 * CLOCK_NS_PER_MS)

static uint64_t answered_ns(const struct tunnel *tunnel)
{
	struct ikev2_info info;

	return ikev2_info(tunnel->all->engine, tunnel->ike, &info) == 0 ? info.last_seen_ns : 0;
}

static uint64_t heard_ns(const struct tunnel *tunnel, const struct contract_counters *counters)
{
	uint64_t heard = answered_ns(tunnel);
	uint32_t child = 0;

	while ((child = ikev2_child_next(tunnel->all->engine, tunnel->ike, child))) {
		uint64_t at =
			contract_counters_max(counters, CONTRACT_COUNT_SAS,
					      child & CONTRACT_SPI_ID_MASK, CONTRACT_SA_LAST_NS);

		heard = at > heard ? at : heard;
	}
	return heard;
}

void watch_probe(struct tunnel *tunnel, uint64_t now_ns)
{
	if (ikev2_probe(tunnel->all->engine, tunnel->ike, now_ns) < 0)
		log_debug(TOPIC, "not probed tunnel=\"%s\"", tunnel->name);
}

void watch_return(struct tunnel *tunnel, uint64_t now_ns)
{
	evacuate_return(tunnel);
	tunnel->suspect_since_ns = now_ns;
	watch_probe(tunnel, now_ns);
}

bool watch_unanswered(uint64_t *asked_ns, const struct watch_look *look)
{
	/* Others were looked at since now_ns, and packets came. */
	uint64_t silence = look->now_ns > look->heard_ns ? look->now_ns - look->heard_ns : 0;

	if (*asked_ns && look->heard_ns >= *asked_ns)
		*asked_ns = 0;
	if (!*asked_ns && look->sent && silence > WATCH_EVERY_NS)
		*asked_ns = look->now_ns;
	return *asked_ns && *asked_ns != look->now_ns && silence > SILENCE_NS;
}

uint64_t watch_sent(const struct tunnel *tunnel)
{
	const struct contract_counters *counters =
		requests_counters(desired_requests(tunnel->all->desired));

	return counters ? contract_counters_sum(counters, CONTRACT_COUNT_TUNNELS, tunnel->id,
						CONTRACT_TUNNEL_OUT_PACKETS)
			: 0;
}

/* Commands are the work timer's: this may be called inside a hook. */
void tunnel_prove(struct tunnel *tunnel)
{
	tunnel->suspect = true;
	tunnel->suspect_since_ns = clock_now_ns(tunnel->all->clock);
	tunnel->home_at_ns = tunnel->suspect_since_ns;
	tunnel->home_tries = 1;
	tunnel->prove = !tunnel->evacuated; /* coming home asks by itself */
	dial_place(tunnel);
}

static void watch_suspect(struct tunnel *tunnel, uint64_t heard, uint64_t now_ns)
{
	if (tunnel->evacuated) {
		/* Not before its time, unless there is no living address to be at meanwhile. */
		if (!tunnel_path_down(tunnel) &&
		    (now_ns >= tunnel->home_at_ns || !evacuate_sibling(tunnel)))
			dial_home(tunnel);
	} else if ((tunnel->home_tries ? answered_ns(tunnel) : heard) > tunnel->suspect_since_ns) {
		tunnel->home_tries = 0;
		dial_suspect(tunnel, false);
	} else if (now_ns - tunnel->suspect_since_ns > HOME_PROOF_NS) {
		evacuate(tunnel);
	}
}

void watch_tunnel(struct tunnel *tunnel, uint64_t now_ns)
{
	const struct contract_counters *counters =
		requests_counters(desired_requests(tunnel->all->desired));
	struct watch_look look = { .now_ns = now_ns };
	uint64_t sent;

	if (!counters || !tunnel->ike || !tunnel->id)
		return;
	if (tunnel_path_down(tunnel)) /* there may not have been a living address at first */
		evacuate(tunnel);
	sent = watch_sent(tunnel);
	look.sent = sent != tunnel->sent_before;
	if (!look.sent && !tunnel->suspect && !tunnel->asked_ns)
		return;
	tunnel->sent_before = sent;
	look.heard_ns = heard_ns(tunnel, counters);
	if (tunnel->suspect) {
		tunnel->asked_ns = 0;
		watch_suspect(tunnel, look.heard_ns, now_ns);
	} else if (watch_unanswered(&tunnel->asked_ns, &look)) {
		watch_probe(tunnel, now_ns);
	}
}
