#pragma once
/*
 * The words of a command line with every @FILE replaced by the words in that file: a line is an
 * option, with or without its dashes, and after a blank its value, which may hold blanks.
 */
#include <stdbool.h>
#include <stddef.h>

struct words {
	char **items; /* copies */
	size_t count;
	size_t capacity;
	size_t at;
	const char *failed; /* the file that could not be read */
};

__attribute__((warn_unused_result)) int words_init(struct words *words, int argc,
						   char *const argv[]);
void words_fini(struct words *words);
const char *words_next(struct words *words); /* NULL at the end */
const char *words_peek(const struct words *words);
bool words_left(const struct words *words);
