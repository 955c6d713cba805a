#include "words.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WORDS_MAX 4096

static int words_add(struct words *words, char *word)
{
	if (!word)
		return -ENOMEM;
	if (words->count == WORDS_MAX) {
		free(word);
		return -E2BIG;
	}
	if (words->count == words->capacity) {
		size_t capacity = words->capacity ? words->capacity * 2 : 32;
		char **items = realloc(words->items, capacity * sizeof(*items));

		if (!items) {
			free(word);
			return -ENOMEM;
		}
		words->items = items;
		words->capacity = capacity;
	}
	words->items[words->count++] = word;
	return 0;
}

static char *words_dashed(const char *name)
{
	char *word = NULL;

	if (!strncmp(name, "--", 2))
		return strdup(name);
	return asprintf(&word, "--%s", name) < 0 ? NULL : word;
}

static int words_add_line(struct words *words, char *line)
{
	char *value;
	int err;

	line += strspn(line, " \t");
	line[strcspn(line, "\r\n")] = '\0';
	for (size_t n = strlen(line); n && strchr(" \t", line[n - 1]); n--)
		line[n - 1] = '\0';
	if (!line[0] || line[0] == '#')
		return 0;
	value = strpbrk(line, " \t");
	if (value) {
		*value++ = '\0';
		value += strspn(value, " \t");
	}
	err = words_add(words, words_dashed(line));
	return err || !value ? err : words_add(words, strdup(value));
}

static int words_add_file(struct words *words, const char *path)
{
	FILE *file = fopen(path, "re");
	char *line = NULL;
	size_t size = 0;
	int err = 0;

	words->failed = path;
	if (!file)
		return -errno;
	while (!err && getline(&line, &size, file) >= 0)
		err = words_add_line(words, line);
	if (!err && ferror(file))
		err = -EIO;
	free(line);
	fclose(file);
	if (!err)
		words->failed = NULL;
	return err;
}

int words_init(struct words *words, int argc, char *const argv[])
{
	int err = 0;

	memset(words, 0, sizeof(*words));
	for (int i = 1; !err && i < argc; i++)
		err = argv[i][0] == '@' ? words_add_file(words, argv[i] + 1)
					: words_add(words, strdup(argv[i]));
	return err;
}

void words_fini(struct words *words)
{
	for (size_t i = 0; i < words->count; i++)
		free(words->items[i]);
	free(words->items);
	memset(words, 0, sizeof(*words));
}

const char *words_next(struct words *words)
{
	return words->at < words->count ? words->items[words->at++] : NULL;
}

const char *words_peek(const struct words *words)
{
	return words->at < words->count ? words->items[words->at] : NULL;
}

bool words_left(const struct words *words)
{
	return words->at < words->count;
}
