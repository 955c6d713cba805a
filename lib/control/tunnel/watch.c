/*
 * DOC: suspicion
 *
 * A tunnel that sends and hears nothing for SILENCE is probed; the engine sends the probe again
 * after half a second and after 0.9 s more, and says SUSPECT when nothing came: flows then move
 * while the IKE SA stays. One-way traffic costs a probe now and then and nothing else; with a round
 * trip of half a second the answer is there long before. A suspect tunnel from which anything
 * protected comes is believed again at once.
 */
#include "control/tunnel/watch.h"

#include "base/log.h"
#include "control/tunnel/dial.h"
#include "control/tunnel/evacuate.h"

#define TOPIC "tunnel"
#define SILENCE_NS (600 * CLOCK_NS_PER_MS)
/* Back home and unheard for so long: away again. */
#define HOME_PROOF_NS (1500 * CLOCK_NS_PER_MS)

static uint64_t heard_ns(const struct tunnel *tunnel, const struct contract_counters *counters)
{
	struct ikev2_info info;
	uint64_t heard = 0;
	uint32_t child = 0;

	if (ikev2_info(tunnel->all->engine, tunnel->ike, &info) == 0)
		heard = info.last_seen_ns;
	while ((child = ikev2_child_next(tunnel->all->engine, tunnel->ike, child))) {
		uint64_t at =
			contract_counters_max(counters, CONTRACT_COUNT_SAS,
					      child & CONTRACT_SPI_ID_MASK, CONTRACT_SA_LAST_NS);

		heard = at > heard ? at : heard;
	}
	return heard;
}

static void probe(struct tunnel *tunnel, uint64_t now_ns)
{
	if (ikev2_probe(tunnel->all->engine, tunnel->ike, now_ns) < 0)
		log_debug(TOPIC, "not probed tunnel=\"%s\"", tunnel->name);
}

static void watch_suspect(struct tunnel *tunnel, uint64_t heard, uint64_t now_ns)
{
	if (tunnel->evacuated) {
		if (tunnel->link_down || now_ns < tunnel->home_at_ns)
			return;
		evacuate_return(tunnel);
		tunnel->suspect_since_ns = now_ns;
		probe(tunnel, now_ns);
	} else if (heard > tunnel->suspect_since_ns) {
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
	uint64_t sent;
	uint64_t heard;

	if (!counters || !tunnel->ike || !tunnel->id)
		return;
	sent = contract_counters_sum(counters, CONTRACT_COUNT_TUNNELS, tunnel->id,
				     CONTRACT_TUNNEL_OUT_PACKETS);
	if (sent == tunnel->sent_before && !tunnel->suspect)
		return;
	tunnel->sent_before = sent;
	heard = heard_ns(tunnel, counters);
	if (tunnel->suspect) {
		watch_suspect(tunnel, heard, now_ns);
		return;
	}
	if (now_ns - heard > SILENCE_NS)
		probe(tunnel, now_ns);
}
