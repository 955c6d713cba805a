#pragma once
/*
 * --quick, --json FILE and one switch of the benchmark's own.
 */
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct bench_options {
	bool quick;
	bool own;
	FILE *json; /* an array of flat objects; NULL: none */
	bool json_begun;
};

static inline struct bench_options bench_options(int argc, char **argv, const char *own)
{
	struct bench_options o = { 0 };

	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--quick") == 0) {
			o.quick = true;
		} else if (own && strcmp(argv[i], own) == 0) {
			o.own = true;
		} else if (strcmp(argv[i], "--json") == 0 && i + 1 < argc) {
			o.json = fopen(argv[++i], "w");
			if (!o.json) {
				perror(argv[i]);
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
