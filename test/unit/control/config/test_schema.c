/*
 * Walks the table: a row that forgot something fails, and the files in config/ say what it says.
 * With --write DIRECTORY the files are written instead.
 */
#include "config_test.h"

#include "control/config/document.h"
#include "control/config/schema.h"

#include <stdio.h>

#ifndef CONFIG_DIRECTORY
#error "the build says where config/ is"
#endif

static uint32_t rows;

static bool has_member(const struct schema_field *field)
{
	return field->type != SCHEMA_NOTHING;
}

static size_t member_size(const struct schema_field *field)
{
	switch (field->type) {
	case SCHEMA_BOOL:
		return sizeof(bool);
	case SCHEMA_INT:
		return sizeof(int64_t);
	case SCHEMA_ENUM:
		return sizeof(int);
	case SCHEMA_ADDR:
		return sizeof(struct net_addr);
	case SCHEMA_PREFIX:
		return sizeof(struct net_prefix);
	case SCHEMA_REF:
		return sizeof(struct config_ref);
	case SCHEMA_SECRET:
		return sizeof(struct secret);
	case SCHEMA_ARRAY:
	case SCHEMA_TAGS:
		return sizeof(struct config_array);
	case SCHEMA_OBJECT:
		return field->flags & SCHEMA_INLINE ? 0 : sizeof(void *);
	}
	return sizeof(void *);
}

static void check_row(const struct schema_object *object, const struct schema_field *field,
		      size_t size)
{
	bool nested = field->type == SCHEMA_OBJECT ||
		      (field->type == SCHEMA_ARRAY && field->element == SCHEMA_OBJECT);
	bool listed = field->type == SCHEMA_ENUM ||
		      (field->type == SCHEMA_ARRAY && field->element == SCHEMA_ENUM);

	rows++;
	if (field->status == SCHEMA_UNSAID || !field->help)
		print_message("%s: %s says too little\n", object->name, field->name);
	assert_int_not_equal(field->status, SCHEMA_UNSAID);
	assert_non_null(field->help);
	if (field->status == SCHEMA_REFUSED)
		assert_non_null(field->reason);
	assert_true(!nested == !field->object);
	assert_true(!listed == !field->values);
	if (listed)
		for (const struct schema_enum *v = field->values; v->name; v++)
			assert_true(!v->refused || v->reason);
	assert_int_equal(field->type == SCHEMA_NOTHING && !(field->flags & SCHEMA_READ_ONLY),
			 field->type == SCHEMA_NOTHING &&
				 (!strcmp(field->name, "id") || !strcmp(field->name, "name")));
	if (has_member(field))
		assert_true(field->offset + member_size(field) <= size);
	if (field->type == SCHEMA_SECRET)
		assert_true(field->flags & SCHEMA_WRITE_ONLY);
	assert_true(!field->max || field->max >= field->min);
}

static void walk(const struct schema_object *object, size_t size)
{
	for (uint16_t i = 0; i < object->count; i++) {
		const struct schema_field *field = &object->fields[i];

		check_row(object, field, size);
		for (uint16_t k = 0; k < i; k++)
			assert_string_not_equal(object->fields[k].name, field->name);
		if (field->object && (field->flags & SCHEMA_INLINE))
			walk(field->object, size - field->offset);
		else if (field->object)
			walk(field->object, field->object->size);
	}
}

static void test_rows(void **state)
{
	rows = 0;
	for (int kind = 0; kind < CONFIG_KINDS; kind++) {
		assert_true(schema_kind(kind)->object->size >= sizeof(struct config_resource));
		walk(schema_kind(kind)->object, schema_kind(kind)->object->size);
	}
	print_message("%u rows\n", rows);
	assert_true(rows > 150);
}

static char *read_file(const char *name)
{
	char path[512];
	char *text = calloc(1, 1 << 20);
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", CONFIG_DIRECTORY, name);
	file = fopen(path, "r");
	if (file) {
		size_t n = fread(text, 1, (1 << 20) - 1, file);

		text[n] = '\0';
		fclose(file);
	}
	return text;
}

static char *schema_text(void)
{
	struct json_out out;
	char *text;
	size_t n;

	json_out_init(&out);
	out.pretty = true;
	config_document_schema(&out);
	n = strlen(json_out_text(&out));
	text = calloc(1, n + 2);
	memcpy(text, json_out_text(&out), n);
	text[n] = '\n';
	json_out_fini(&out);
	return text;
}

static char *reference_text(void)
{
	struct text text = { 0 };
	char *copy;

	config_document_reference(&text);
	copy = strdup(text_get(&text));
	text_fini(&text);
	return copy;
}

static const struct {
	const char *name;
	char *(*make)(void);
} files[] = { { "schema.json", schema_text }, { "REFERENCE.md", reference_text } };

static void test_files(void **state)
{
	for (int i = 0; i < 2; i++) {
		char *wanted = files[i].make();
		char *found = read_file(files[i].name);

		if (strcmp(wanted, found))
			print_message("config/%s is not what the table says; write it again with "
				      "test_config_schema --write config\n",
				      files[i].name);
		assert_true(!strcmp(wanted, found));
		free(wanted);
		free(found);
	}
}

static int write_files(const char *directory)
{
	for (int i = 0; i < 2; i++) {
		char path[512];
		char *text = files[i].make();
		FILE *file;

		snprintf(path, sizeof(path), "%s/%s", directory, files[i].name);
		file = fopen(path, "w");
		if (!file || fputs(text, file) == EOF || fclose(file)) {
			perror(path);
			return 1;
		}
		free(text);
	}
	return 0;
}

static void test_nearest(void **state)
{
	const struct schema_object *object = &schema_appliance;

	assert_string_equal(schema_field_near(object, "statedirectory")->name, "stateDirectory");
	assert_string_equal(schema_field_near(object, "port")->name, "ports");
	assert_null(schema_field_near(object, "somethingElseAltogether"));
	assert_null(schema_field_near(object, "x"));
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_files),
		cmocka_unit_test(test_nearest),
	};

	if (argc == 3 && !strcmp(argv[1], "--write"))
		return write_files(argv[2]);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
