/*
 * Sends frames of a file in turns by two ports at a rate of its own and counts what comes back:
 * the generator of `scripts/bench pktgen` where a rate without loss is looked for. testpmd sends as
 * fast as it can.
 *
 *     pace EAL-OPTIONS         commands on stdin: RATE MILLISECONDS FILE (pcap)
 *
 * Each is answered by a line: packets sent, those that the cable did not take, received,
 * milliseconds by the clock and those that the thread had its CPU. What a turn was too late for is
 * not sent later: a generator that had to wait for its CPU would send bursts that nobody asked for.
 */
#include <rte_cycles.h>
#include <rte_eal.h>
#include <rte_ethdev.h>
#include <rte_mbuf.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define PORTS 2
#define BURST 16
#define RING 1024
#define FRAMES 1024
#define FRAME_BYTES 2048
#define QUIET_MS 100 /* nothing came for so long: all has come */

struct frames {
	uint32_t count;
	uint32_t next;
	uint16_t length[FRAMES];
	uint8_t bytes[FRAMES][FRAME_BYTES];
};

struct trial {
	uint64_t sent;
	uint64_t unsent;
	uint64_t received;
	uint64_t ms;
	uint64_t cpu_ms;
};

static struct frames frames;
static struct rte_mempool *pool;

static bool frames_load(const char *path)
{
	FILE *file = fopen(path, "rb");
	uint32_t head[4];
	bool good = file && fseek(file, 24, SEEK_SET) == 0;

	frames.count = frames.next = 0;
	while (good && frames.count < FRAMES && fread(head, sizeof(head), 1, file) == 1) {
		good = head[2] <= FRAME_BYTES &&
		       fread(frames.bytes[frames.count], head[2], 1, file) == 1;
		frames.length[frames.count++] = (uint16_t)head[2];
	}
	if (file)
		fclose(file);
	return good && frames.count >= PORTS * BURST;
}

static bool port_start(uint16_t port)
{
	struct rte_eth_conf config = { 0 };

	return rte_eth_dev_configure(port, 1, 1, &config) == 0 &&
	       rte_eth_rx_queue_setup(port, 0, RING, SOCKET_ID_ANY, NULL, pool) == 0 &&
	       rte_eth_tx_queue_setup(port, 0, RING, SOCKET_ID_ANY, NULL) == 0 &&
	       rte_eth_dev_start(port) == 0;
}

/* The cable of a memif is there when the other end is. */
static bool ports_up(void)
{
	for (uint32_t ms = 0; ms < 10000; ms++) {
		struct rte_eth_link link[PORTS] = { 0 };

		for (uint16_t port = 0; port < PORTS; port++)
			if (rte_eth_link_get_nowait(port, &link[port]))
				return false;
		if (link[0].link_status && link[1].link_status)
			return true;
		rte_delay_us_sleep(1000);
	}
	return false;
}

static bool receive(struct trial *trial)
{
	struct rte_mbuf *m[64];
	bool any = false;

	for (uint16_t port = 0; port < PORTS; port++) {
		uint16_t n = rte_eth_rx_burst(port, 0, m, 64);

		rte_pktmbuf_free_bulk(m, n);
		trial->received += n;
		any |= n > 0;
	}
	return any;
}

static void send_burst(struct trial *trial, uint16_t port)
{
	struct rte_mbuf *m[BURST];
	uint16_t sent;

	if (rte_pktmbuf_alloc_bulk(pool, m, BURST)) {
		trial->unsent += BURST;
		return;
	}
	for (uint32_t i = 0; i < BURST; i++) {
		uint32_t at = frames.next++ % frames.count;

		memcpy(rte_pktmbuf_append(m[i], frames.length[at]), frames.bytes[at],
		       frames.length[at]);
	}
	sent = rte_eth_tx_burst(port, 0, m, BURST);
	rte_pktmbuf_free_bulk(m + sent, BURST - sent);
	trial->sent += sent;
	trial->unsent += BURST - sent;
}

static uint64_t cpu_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static void run(struct trial *trial, double rate, uint64_t ms)
{
	uint64_t hz = rte_get_tsc_hz();
	uint64_t cpu = cpu_ms();
	uint64_t gap = (uint64_t)((double)hz * BURST / rate);
	uint64_t begun = rte_rdtsc();
	uint64_t end = begun + hz / 1000 * ms;
	uint64_t due = begun;
	uint64_t last;
	uint16_t port = 0;
	uint64_t now;

	for (now = begun; now < end; now = rte_rdtsc()) {
		receive(trial);
		if (now < due)
			continue;
		send_burst(trial, port);
		port = (uint16_t)(port + 1) % PORTS;
		due += gap;
		if (due < now)
			due = now;
	}
	trial->ms = (now - begun) / (hz / 1000);
	trial->cpu_ms = cpu_ms() - cpu;
	for (last = now; rte_rdtsc() - last < hz / 1000 * QUIET_MS;)
		if (receive(trial))
			last = rte_rdtsc();
}

int main(int argc, char **argv)
{
	double rate;
	unsigned long ms;
	char path[256];

	if (rte_eal_init(argc, argv) < 0)
		return 2;
	pool = rte_pktmbuf_pool_create("pace", 8191, 128, 0, RTE_MBUF_DEFAULT_BUF_SIZE,
				       SOCKET_ID_ANY);
	if (!pool || rte_eth_dev_count_avail() != PORTS || !port_start(0) || !port_start(1) ||
	    !ports_up()) {
		fprintf(stderr, "pace: two ports with a cable are needed\n");
		return 1;
	}
	printf("ready\n");
	fflush(stdout);
	while (scanf("%lf %lu %255s", &rate, &ms, path) == 3) {
		struct trial trial = { 0 };

		if (!frames_load(path)) {
			fprintf(stderr, "pace: %s has not got %u frames\n", path, PORTS * BURST);
			return 1;
		}
		receive(&trial);
		trial = (struct trial){ 0 };
		run(&trial, rate, ms);
		printf("trial %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 "\n",
		       trial.sent, trial.unsent, trial.received, trial.ms, trial.cpu_ms);
		fflush(stdout);
	}
	return 0;
}
