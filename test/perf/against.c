#include "against.h"

#include "measure.h"

#include <rte_fib.h>
#include <rte_fib6.h>
#include <rte_lpm.h>
#include <rte_memory.h>

#include <stdio.h>
#include <string.h>

#define BURST 256
#define ROUND 20480
#define SPREAD (1u << 20)
#define FLOWS 1024

struct subject {
	const struct against *a;
	struct rte_lpm *lpm;
	struct rte_fib *fib;
	struct rte_fib6 *fib6;
	uint32_t spread;
	uint32_t at;
};

static void next(struct subject *s)
{
	s->at = (s->at + BURST) & (s->spread - 1);
}

static void round_lpm(void *arg)
{
	struct subject *s = arg;
	uint32_t hops[BURST];

	for (uint32_t i = 0; i < ROUND; i += BURST, next(s)) {
		rte_lpm_lookup_bulk(s->lpm, s->a->destinations4 + s->at, hops, BURST);
		__asm__ volatile("" : : "r"(hops) : "memory");
	}
}

static void round_fib(void *arg)
{
	struct subject *s = arg;
	uint64_t hops[BURST];

	for (uint32_t i = 0; i < ROUND; i += BURST, next(s)) {
		uint32_t dst[BURST];

		memcpy(dst, s->a->destinations4 + s->at, sizeof(dst));
		rte_fib_lookup_bulk(s->fib, dst, hops, BURST);
		__asm__ volatile("" : : "r"(hops) : "memory");
	}
}

static void round_fib6(void *arg)
{
	struct subject *s = arg;
	uint64_t hops[BURST];
	uint8_t dst[BURST][RTE_FIB6_IPV6_ADDR_SIZE];

	for (uint32_t i = 0; i < ROUND; i += BURST, next(s)) {
		for (uint32_t k = 0; k < BURST; k++)
			memcpy(dst[k], s->a->destinations[s->at + k].bytes, 16);
		rte_fib6_lookup_bulk(s->fib6, dst, hops, BURST);
		__asm__ volatile("" : : "r"(hops) : "memory");
	}
}

static uint32_t host_order(const struct net_addr *a)
{
	return (uint32_t)a->bytes[0] << 24 | (uint32_t)a->bytes[1] << 16 |
	       (uint32_t)a->bytes[2] << 8 | a->bytes[3];
}

static void show(struct subject *s, const char *name, void (*round)(void *), uint32_t lost)
{
	struct measure spread;
	struct measure flows;

	s->spread = SPREAD;
	spread = measure_rounds(round, s, ROUND);
	s->spread = FLOWS;
	s->at = 0;
	flows = measure_rounds(round, s, ROUND);
	printf("  %-12s %8.1f %6.1f %8.1f %6.1f", name, spread.median, spread.min, flows.median,
	       flows.min);
	if (lost)
		printf("  (%u routes did not fit)", lost);
	printf("\n");
}

static void show_lpm(const struct against *a)
{
	struct rte_lpm_config config = { .max_rules = a->count + 16, .number_tbl8s = 65536 };
	struct subject s = { .a = a };
	uint32_t lost = 0;

	s.lpm = rte_lpm_create("against", SOCKET_ID_ANY, &config);
	if (!s.lpm) {
		printf("  rte_lpm: no memory\n");
		return;
	}
	/* Its rule list is searched from end to end: a large one takes minutes to fill. */
	for (uint32_t i = 0; i < a->count && i < 100000; i++)
		lost += rte_lpm_add(s.lpm, host_order(&a->routes[i].addr), a->routes[i].length,
				    1 + i % 1000) != 0;
	show(&s, a->count > 100000 ? "rte_lpm 100k" : "rte_lpm", round_lpm, lost);
	rte_lpm_free(s.lpm);
}

static void show_fib4(const struct against *a)
{
	struct rte_fib_conf config = {
		.type = RTE_FIB_DIR24_8,
		.max_routes = (int)a->count + 16,
		.dir24_8 = { .nh_sz = RTE_FIB_DIR24_8_4B, .num_tbl8 = 65535 },
	};
	struct subject s = { .a = a };
	uint32_t lost = 0;

	s.fib = rte_fib_create("against", SOCKET_ID_ANY, &config);
	if (!s.fib) {
		printf("  rte_fib: no memory\n");
		return;
	}
	for (uint32_t i = 0; i < a->count; i++)
		lost += rte_fib_add(s.fib, host_order(&a->routes[i].addr), a->routes[i].length,
				    1 + i % 1000) != 0;
	show(&s, "rte_fib", round_fib, lost);
	rte_fib_free(s.fib);
}

static void show_fib6(const struct against *a)
{
	struct rte_fib6_conf config = {
		.type = RTE_FIB6_TRIE,
		.max_routes = (int)a->count + 16,
		.trie = { .nh_sz = RTE_FIB6_TRIE_4B, .num_tbl8 = 500000 },
	};
	struct subject s = { .a = a };
	uint32_t lost = 0;

	s.fib6 = rte_fib6_create("against", SOCKET_ID_ANY, &config);
	if (!s.fib6) {
		printf("  rte_fib6: no memory\n");
		return;
	}
	for (uint32_t i = 0; i < a->count; i++)
		lost += rte_fib6_add(s.fib6, a->routes[i].addr.bytes, a->routes[i].length,
				     1 + i % 1000) != 0;
	show(&s, "rte_fib6", round_fib6, lost);
	rte_fib6_free(s.fib6);
}

void against_show(const struct against *a)
{
	if (a->family == NET_IP6) {
		show_fib6(a);
		return;
	}
	show_lpm(a);
	show_fib4(a);
}
