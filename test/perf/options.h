#pragma once
/*
 * --quick, --json FILE and one switch of the benchmark's own.
 */
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct bench_options {
	bool quick;
	bool own;
	FILE *json; /* an array of flat objects; NULL: none */
	bool json_begun;
};

/* What follows an option that takes a value. */
static inline const char *bench_value(int argc, char **argv, int *i)
{
	if (*i + 1 >= argc || strncmp(argv[*i + 1], "--", 2) == 0) {
		fprintf(stderr, "bench: %s takes a value\n", argv[*i]);
		exit(2);
	}
	return argv[++*i];
}

/* The same for a number from 1. */
static inline uint32_t bench_number(int argc, char **argv, int *i)
{
	const char *option = argv[*i];
	const char *text = bench_value(argc, argv, i);
	char *end;
	unsigned long n = strtoul(text, &end, 10);

	if (*text < '0' || *text > '9' || *end || n == 0 || n > UINT32_MAX) {
		fprintf(stderr, "bench: %s takes a number from 1, not %s\n", option, text);
		exit(2);
	}
	return (uint32_t)n;
}

static inline struct bench_options bench_options(int argc, char **argv, const char *own)
{
	struct bench_options o = { 0 };

	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--quick") == 0) {
			o.quick = true;
		} else if (own && strcmp(argv[i], own) == 0) {
			o.own = true;
		} else if (strcmp(argv[i], "--json") == 0) {
			const char *path = bench_value(argc, argv, &i);

			o.json = fopen(path, "w");
			if (!o.json) {
				perror(path);
				exit(1);
			}
		} else {
			fprintf(stderr, "bench: unknown option %s\n", argv[i]);
			exit(2);
		}
	}
	return o;
}

/* An object: its fields come from the caller, as JSON without the braces. */
__attribute__((format(printf, 2, 3))) static inline void bench_json(struct bench_options *o,
								    const char *format, ...)
{
	va_list args;

	if (!o->json)
		return;
	fprintf(o->json, "%s{", o->json_begun ? ",\n" : "[\n");
	o->json_begun = true;
	va_start(args, format);
	vfprintf(o->json, format, args);
	va_end(args);
	fprintf(o->json, "}");
}

static inline void bench_end(struct bench_options *o)
{
	if (!o->json)
		return;
	fprintf(o->json, "%s\n]\n", o->json_begun ? "" : "[");
	fclose(o->json);
}
