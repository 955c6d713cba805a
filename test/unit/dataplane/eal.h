#pragma once
/*
 * DPDK for tests: no hugepages, no devices, no root, nothing left behind. --in-memory is refused
 * together with --no-huge, --no-shconf is what remains of it.
 */
#include <rte_eal.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static inline void test_eal_init_with(const char *pages, const char *megabytes)
{
	const char *words[] = { "test",		  pages,      "--no-pci", "--no-shconf",
				"--no-telemetry", "--lcores", "0@0",	  "--log-level",
				"error",	  "-m",	      megabytes };
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
	test_eal_init_with("--no-huge", "64");
}

/* For benchmarks: 2 MB pages when that many are free. */
static inline void test_eal_init_pages(unsigned megabytes)
{
	const char *path = "/sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages";
	FILE *file = fopen(path, "r");
	unsigned free_pages = 0;
	char text[16];

	if (file) {
		if (fscanf(file, "%u", &free_pages) != 1)
			free_pages = 0;
		fclose(file);
	}
	snprintf(text, sizeof(text), "%u", megabytes);
	if (free_pages < megabytes / 2)
		printf("ordinary pages: %u of 2 MB are free, %u are needed\n", free_pages,
		       megabytes / 2);
	test_eal_init_with(free_pages < megabytes / 2 ? "--no-huge" : "--in-memory", text);
}
