/*
 * Lifetimes in bytes, in packets and in sequence numbers, soft and hard, both ways: each event once
 * and with the packet that reached it, nothing past the hard one, and no number a second time.
 */
#include "../unit/cmocka_all.h"
#include "../unit/dataplane/eal.h"
#include "craft.h"
#include "peer.h"

#define PACKETS 12
#define INNER 102 /* no padding: 104 bytes are encrypted, which is what a receiver counts */
#define ESN CONTRACT_SA_ESN
#define END32 UINT32_MAX
#define END64 (UINT64_MAX - (UINT64_C(1) << 32))
#define LIFETIME CONTRACT_DROP_ESP_LIFETIME
#define SEQUENCE CONTRACT_DROP_ESP_SEQUENCE
#define OLD CONTRACT_DROP_ESP_REPLAY_OLD

static struct bed *bed;

enum way { OUT, IN };

struct limits {
	uint64_t soft_bytes;
	uint64_t hard_bytes;
	uint64_t soft_packets;
	uint64_t hard_packets;
};

/* Packets are counted from 1; 0: never. */
struct row {
	const char *name;
	enum way way;
	struct limits limits;
	uint32_t flags;
	uint64_t sequence;
	uint32_t soft;
	uint32_t hard;
	uint32_t good;
	enum contract_drop rest; /* what the others are dropped as */
};

static const struct row rows[] = {
	{ "none out", OUT, { 0 }, 0, 0, 0, 0, 12, 0 },
	{ "none in", IN, { 0 }, 0, 0, 0, 0, 12, 0 },
	{ "soft bytes out", OUT, { .soft_bytes = 3 * 102 }, 0, 0, 3, 0, 12, 0 },
	{ "soft bytes in", IN, { .soft_bytes = 3 * 104 }, 0, 0, 3, 0, 12, 0 },
	{ "soft bytes within a packet out", OUT, { .soft_bytes = 250 }, 0, 0, 3, 0, 12, 0 },
	{ "soft bytes within a packet in", IN, { .soft_bytes = 250 }, 0, 0, 3, 0, 12, 0 },
	{ "hard bytes out", OUT, { .hard_bytes = 5 * 102 }, 0, 0, 0, 5, 5, LIFETIME },
	{ "hard bytes in", IN, { .hard_bytes = 5 * 104 }, 0, 0, 0, 5, 5, LIFETIME },
	{ "hard bytes within a packet out", OUT, { .hard_bytes = 450 }, 0, 0, 0, 5, 4, LIFETIME },
	{ "hard bytes within a packet in", IN, { .hard_bytes = 450 }, 0, 0, 0, 5, 4, LIFETIME },
	{ "both bytes out", OUT, { 306, 1020, 0, 0 }, 0, 0, 3, 10, 10, LIFETIME },
	{ "both bytes in", IN, { 312, 1040, 0, 0 }, 0, 0, 3, 10, 10, LIFETIME },
	{ "soft packets out", OUT, { .soft_packets = 4 }, 0, 0, 4, 0, 12, 0 },
	{ "soft packets in", IN, { .soft_packets = 4 }, 0, 0, 4, 0, 12, 0 },
	{ "hard packets out", OUT, { .hard_packets = 5 }, 0, 0, 0, 5, 5, LIFETIME },
	{ "hard packets in", IN, { .hard_packets = 5 }, 0, 0, 0, 5, 5, LIFETIME },
	{ "both packets out", OUT, { 0, 0, 4, 10 }, ESN, 99, 4, 10, 10, LIFETIME },
	{ "both packets in", IN, { 0, 0, 4, 10 }, ESN, 99, 4, 10, 10, LIFETIME },
	{ "bytes soft, packets hard out", OUT, { 306, 0, 0, 6 }, 0, 0, 3, 6, 6, LIFETIME },
	{ "packets soft, bytes hard in", IN, { 0, 624, 4, 0 }, 0, 0, 4, 6, 6, LIFETIME },
	{ "hard packets of all numbers", OUT, { 0, 0, 0, UINT64_MAX }, ESN, 99, 0, 0, 12, 0 },
	/* Numbers end without a lifetime; 8 are left, and soft comes with one in hand. */
	{ "numbers out", OUT, { 0 }, 0, END32 - 8, 6, 8, 8, SEQUENCE },
	{ "extended numbers out", OUT, { 0 }, ESN, END64 - 8, 6, 8, 8, SEQUENCE },
	{ "lifetimes behind the numbers",
	  OUT,
	  { 0, 0, 1000, 2000 },
	  0,
	  END32 - 8,
	  6,
	  8,
	  8,
	  SEQUENCE },
	{ "soft before the numbers end", OUT, { 0, 0, 2, 0 }, 0, END32 - 8, 2, 8, 8, SEQUENCE },
	{ "two numbers", OUT, { 0 }, 0, END32 - 2, 1, 2, 2, SEQUENCE },
	/* A receiver has none: when the peer's end, what comes round is old. */
	{ "numbers in", IN, { 0 }, 0, END32 - 8, 0, 0, 8, OLD },
};

#define ROWS (sizeof(rows) / sizeof(rows[0]))

static void limit(struct contract_sa *sa, const struct limits *limits)
{
	sa->soft_bytes = limits->soft_bytes;
	sa->hard_bytes = limits->hard_bytes;
	sa->soft_packets = limits->soft_packets;
	sa->hard_packets = limits->hard_packets;
}

/* Gives the SA that the row is about. */
static struct contract_sa make(const struct row *row, uint32_t tunnel)
{
	struct bed_sa what = { .tunnel = tunnel,
			       .cipher = CONTRACT_CIPHER_AES128_GCM,
			       .flags = row->flags,
			       .sequence = row->sequence };
	struct path_event before;
	struct contract_sa both[2];

	bed_events(bed, 0, &before);
	bed_tunnel(bed, tunnel);
	if (row->way == IN)
		bed_sa_make(&both[0], &both[1], &what);
	else
		bed_sa_make(&both[1], &both[0], &what);
	limit(&both[0], &row->limits);
	if (bed_put(bed, CONTRACT_SA, 2 * tunnel + (row->way == OUT), &both[0], sizeof(both[0])) ||
	    bed_put(bed, CONTRACT_SA, 2 * tunnel + (row->way == IN), &both[1], sizeof(both[1])))
		fail_msg("%s: %s", row->name, sa_reason(bed->sas));
	bed_child(bed, tunnel, 2 * tunnel + 1);
	return both[0];
}

/* The n-th packet of a row, as it comes to the gateway. */
static struct rte_mbuf *packet(const struct row *row, const struct contract_sa *sa, uint32_t n)
{
	struct craft c = { .tunnel = sa->tunnel, .length = INNER, .inward = row->way == IN };
	struct craft_outer outer = { .tunnel = sa->tunnel };
	uint8_t inner[INNER];
	uint8_t esp[256];
	struct peer_packet p = { inner, craft_ip(inner, &c), row->sequence + n, 4, 0 };

	if (row->way == OUT)
		return craft_inside(bed, &c);
	return craft_esp(bed, &outer, esp, (uint32_t)peer_seal(sa, &p, esp));
}

/* Takes what was sent; outbound each has the number after the one before, the first `first`. */
static uint32_t sent(const struct row *row, uint64_t first)
{
	uint32_t device = row->way == OUT;
	struct path_tx *tx = path_tx(bed->path, device);
	uint32_t number_be;

	for (uint32_t i = 0; row->way == OUT && i < tx->n; i++) {
		memcpy(&number_be, rte_pktmbuf_mtod_offset(tx->packets[i], uint8_t *, 14 + 20 + 4),
		       sizeof(number_be));
		assert_int_equal(rte_be_to_cpu_32(number_be), (uint32_t)(first + i));
		assert_true(first + i <= (row->flags & ESN ? END64 : END32));
	}
	return bed_sent(bed, device);
}

static void check_event(const struct row *row, const struct path_event *event, uint32_t n)
{
	if (event->lifetime.event != (n == row->hard ? CONTRACT_HARD : CONTRACT_SOFT))
		fail_msg("%s: event %u with packet %u", row->name, event->lifetime.event, n);
}

static void one_at_a_time(const struct row *row, uint32_t tunnel)
{
	struct contract_sa sa = make(row, tunnel);
	uint64_t before = bed_drops_all(bed);
	struct path_event event;

	for (uint32_t n = 1; n <= PACKETS; n++) {
		uint64_t rest = row->rest ? bed_drops(bed, row->rest) : 0;
		bool good = n <= row->good;
		uint32_t events;

		craft_run(bed, row->way == IN, packet(row, &sa, n));
		if (sent(row, row->sequence + n) != good)
			fail_msg("%s: packet %u", row->name, n);
		if (row->rest)
			assert_int_equal(bed_drops(bed, row->rest), rest + !good);
		events = bed_events(bed, CONTRACT_LIFETIME, &event);
		if (events != (n == row->soft || n == row->hard))
			fail_msg("%s: %u events with packet %u", row->name, events, n);
		if (!events)
			continue;
		check_event(row, &event, n);
		assert_int_equal(event.lifetime.sa, 2 * tunnel + (row->way == OUT));
		assert_int_equal(event.lifetime.spi, sa.spi);
		/* What is set anew with the same lifetimes has told already. */
		sa.local_port++;
		assert_int_equal(bed_put(bed, CONTRACT_SA, event.lifetime.sa, &sa, sizeof(sa)), 0);
	}
	assert_int_equal(bed_drops_all(bed), before + PACKETS - row->good);
}

/* All in bursts of `burst`: the limit is within one of them. */
static void in_bursts(const struct row *row, uint32_t tunnel, uint32_t burst)
{
	const struct contract_sa sa = make(row, tunnel);
	uint64_t before = bed_drops_all(bed);
	uint64_t rest = row->rest ? bed_drops(bed, row->rest) : 0;
	struct rte_mbuf *packets[PACKETS];
	struct path_event event;
	uint32_t events = 0;
	uint32_t good = 0;

	for (uint32_t n = 0; n < PACKETS; n += burst) {
		uint32_t now;

		for (uint32_t i = 0; i < burst; i++)
			packets[i] = packet(row, &sa, n + i + 1);
		path_run(bed->path, row->way == IN, packets, burst);
		good += sent(row, row->sequence + good + 1);
		now = bed_events(bed, CONTRACT_LIFETIME, &event);
		if (now && row->hard > n && row->hard <= n + burst)
			assert_int_equal(event.lifetime.event, CONTRACT_HARD);
		events += now;
	}
	if (good != row->good || events != (row->soft ? 1u : 0u) + (row->hard ? 1u : 0u))
		fail_msg("%s, bursts of %u: %u good, %u events", row->name, burst, good, events);
	assert_int_equal(bed_drops_all(bed), before + PACKETS - good);
	if (row->rest)
		assert_int_equal(bed_drops(bed, row->rest), rest + PACKETS - good);
}

static void each_event_once(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < ROWS; i++)
		one_at_a_time(&rows[i], 1 + i);
}

static void within_a_burst(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < ROWS; i++) {
		in_bursts(&rows[i], 1 + ROWS + i, PACKETS);
		in_bursts(&rows[i], 1 + 2 * ROWS + i, 4);
	}
}

/* A first number behind the last one is refused: adding to it would come round. */
static void starts_behind_its_end(void **state)
{
	static const struct row late[] = {
		{ "32 bits", OUT, { 0 }, 0, END32 + UINT64_C(1), 0, 0, 0, 0 },
		{ "extended", OUT, { 0 }, ESN, END64 + 1, 0, 0, 0, 0 },
	};
	uint32_t tunnel = 3 * ROWS + 1;

	(void)state;
	bed_tunnel(bed, tunnel);
	for (uint32_t i = 0; i < 2; i++) {
		struct bed_sa what = { .tunnel = tunnel,
				       .cipher = CONTRACT_CIPHER_AES128_GCM,
				       .flags = late[i].flags,
				       .sequence = late[i].sequence };
		struct contract_sa in;
		struct contract_sa out;

		bed_sa_make(&in, &out, &what);
		assert_int_equal(bed_put(bed, CONTRACT_SA, 2 * tunnel + 1, &out, sizeof(out)),
				 -EINVAL);
		assert_non_null(strstr(sa_reason(bed->sas), "behind its last number"));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_event_once),
		cmocka_unit_test(within_a_burst),
		cmocka_unit_test(starts_behind_its_end),
	};
	struct bed_config config = { .tunnels = 3 * ROWS + 2, .buffers = 1023 };
	int failed;

	test_eal_init();
	bed = bed_new(&config);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	bed_free(bed);
	return failed;
}
