#pragma once
/*
 * Rounds of a measurement: median and minimum of cycles per item.
 */
#include <rte_cycles.h>

#include <stdint.h>
#include <stdlib.h>

#define MEASURE_ROUNDS 101

struct measure {
	double median;
	double min;
};

static inline int measure_compare(const void *a, const void *b)
{
	double x = *(const double *)a;
	double y = *(const double *)b;

	return (x > y) - (x < y);
}

/* `round` does `items` pieces of work. */
static inline struct measure measure_rounds(void (*round)(void *arg), void *arg, uint64_t items)
{
	double cycles[MEASURE_ROUNDS];

	for (int warm = 0; warm < 5; warm++)
		round(arg);
	for (int r = 0; r < MEASURE_ROUNDS; r++) {
		uint64_t start = rte_rdtsc_precise();

		round(arg);
		cycles[r] = (double)(rte_rdtsc_precise() - start) / (double)items;
	}
	qsort(cycles, MEASURE_ROUNDS, sizeof(cycles[0]), measure_compare);
	return (struct measure){ .median = cycles[MEASURE_ROUNDS / 2], .min = cycles[0] };
}
