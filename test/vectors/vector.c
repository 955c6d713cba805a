#include "vector.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

uint8_t *vector_file(const char *path, size_t *n)
{
	const char *folder = getenv("VECTORS");
	char name[512];
	uint8_t *bytes;
	long size;
	FILE *file;

	snprintf(name, sizeof(name), "%s/%s", folder ? folder : ".", path);
	file = fopen(name, "rb");
	if (!file)
		fail_msg("cannot open %s (VECTORS names the folder)", name);
	fseek(file, 0, SEEK_END);
	size = ftell(file);
	rewind(file);
	assert_true(size >= 0);
	bytes = calloc(1, (size_t)size + 1);
	assert_non_null(bytes);
	*n = fread(bytes, 1, (size_t)size, file);
	assert_int_equal(*n, size);
	fclose(file);
	return bytes;
}

cJSON *vector_json(const char *path)
{
	size_t n;
	uint8_t *text = vector_file(path, &n);
	cJSON *json = cJSON_ParseWithLength((const char *)text, n);

	free(text);
	if (!json)
		fail_msg("%s is no JSON", path);
	return json;
}

void vector_unhex(struct vector_bytes *out, const char *hex)
{
	out->n = 0;
	assert_true(strlen(hex) % 2 == 0 && strlen(hex) / 2 <= VECTOR_MAX);
	for (; *hex; hex += 2) {
		unsigned int byte;

		assert_int_equal(sscanf(hex, "%2x", &byte), 1);
		out->p[out->n++] = (uint8_t)byte;
	}
}

const char *vector_text(const cJSON *object, const char *member)
{
	const cJSON *value = cJSON_GetObjectItemCaseSensitive(object, member);

	return cJSON_IsString(value) ? value->valuestring : "";
}

struct span vector_get(struct vector_bytes *out, const cJSON *object, const char *member)
{
	vector_unhex(out, vector_text(object, member));
	return (struct span){ out->p, out->n };
}
