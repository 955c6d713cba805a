#pragma once
/*
 * DPDK for tests: no hugepages, no devices, no root, nothing left behind. --in-memory is refused
 * together with --no-huge, --no-shconf is what remains of it.
 */
#include <rte_eal.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static inline void test_eal_init_mb(const char *megabytes)
{
	const char *words[] = { "test",		  "--no-huge", "--no-pci", "--no-shconf",
				"--no-telemetry", "--lcores",  "0@0",	   "--log-level",
				"error",	  "-m",	       megabytes };
	char *argv[sizeof(words) / sizeof(words[0]) + 1] = { NULL };
	int count = sizeof(words) / sizeof(words[0]);

	memcpy(argv, words, sizeof(words));
	if (rte_eal_init(count, argv) < 0) {
		fprintf(stderr, "EAL does not start\n");
		exit(1);
	}
}

static inline void test_eal_init(void)
{
	test_eal_init_mb("64");
}
