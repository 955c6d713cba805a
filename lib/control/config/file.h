#pragma once
/*
 * Whole files, read once and wiped: they may hold keys.
 */
#include "control/config/report.h"

struct config_file {
	char *text; /* n bytes, no NUL behind them */
	size_t n;
};

/* -errno with a sentence in the report. Refuses what is no regular file and what is over 256 MiB.
 */
__attribute__((warn_unused_result)) int config_file_read(struct config_file *file, const char *path,
							 struct config_report *report);
void config_file_fini(struct config_file *file);
/* Tells one text from another: 64 bits, no protection against intent. */
uint64_t config_file_fingerprint(const void *text, size_t n);
