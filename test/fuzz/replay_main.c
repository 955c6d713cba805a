/*
 * DOC: corpus replay
 *
 * Runs a fuzz target without libFuzzer: `fuzz_<name> FILE-or-FOLDER...`. Each input is given as it
 * is, cut at every length (4,096 at most), and bent at random places with a fixed seed, so that a
 * run says the same on every machine. FUZZ_BENDS changes how often an input is bent, FUZZ_SEED the
 * seed. An input lies in memory of exactly its size, so that the sanitizer sees each byte read
 * behind it. An empty corpus is an error: a test that runs nothing must not pass.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define INPUT_MAX (1u << 20)
#define CUTS_MAX 4096

static unsigned long inputs, runs;

static uint64_t random_next(void)
{
	static uint64_t state;

	if (!state) {
		const char *seed = getenv("FUZZ_SEED");

		state = seed ? strtoull(seed, NULL, 0) * 2 + 1 : UINT64_C(0x9e3779b97f4a7c15);
	}
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state;
}

static void run_once(const uint8_t *bytes, size_t n)
{
	uint8_t *exact = malloc(n ? n : 1);

	if (!exact)
		exit(2);
	if (n)
		memcpy(exact, bytes, n);
	(void)LLVMFuzzerTestOneInput(exact, n);
	free(exact);
	runs++;
}

/* Values that length and count fields stumble over. */
static uint8_t odd_byte(void)
{
	static const uint8_t odd[] = { 0, 1, 4, 7, 8, 0x7f, 0x80, 0xfe, 0xff };
	uint64_t r = random_next();

	return r & 1 ? odd[(r >> 8) % sizeof(odd)] : (uint8_t)(r >> 16);
}

static void bend(uint8_t *bytes, size_t n)
{
	unsigned changes = 1 + (unsigned)(random_next() % 4);

	while (changes--) {
		size_t at = random_next() % n, run = 1 + random_next() % 4;
		uint8_t value = odd_byte();

		if (random_next() % 2)
			bytes[at] ^= (uint8_t)(1u << random_next() % 8);
		else
			for (; run-- && at < n; at++)
				bytes[at] = value;
	}
}

static void run_input(const uint8_t *bytes, size_t n)
{
	const char *text = getenv("FUZZ_BENDS");
	unsigned long bends = text ? strtoul(text, NULL, 0) : 300;
	size_t step = n / CUTS_MAX + 1;
	uint8_t *copy = malloc(n ? n : 1);

	if (!copy)
		exit(2);
	inputs++;
	run_once(bytes, n);
	for (size_t cut = 0; cut < n; cut += step)
		run_once(bytes, cut);
	for (unsigned long i = 0; n && i < bends; i++) {
		memcpy(copy, bytes, n);
		bend(copy, n);
		run_once(copy, n);
	}
	free(copy);
}

static int run_file(const char *path)
{
	FILE *file = fopen(path, "rbe");
	uint8_t *bytes = malloc(INPUT_MAX);
	size_t n;

	if (!file || !bytes) {
		fprintf(stderr, "cannot read %s\n", path);
		free(bytes);
		if (file)
			fclose(file);
		return -1;
	}
	n = fread(bytes, 1, INPUT_MAX, file);
	fclose(file);
	run_input(bytes, n);
	free(bytes);
	return 0;
}

static int not_hidden(const struct dirent *entry)
{
	/* README and LICENSE files lie beside data from elsewhere */
	return entry->d_name[0] != '.' && strncmp(entry->d_name, "README", 6) != 0 &&
	       strncmp(entry->d_name, "LICENSE", 7) != 0;
}

static int run_folder(const char *path)
{
	struct dirent **entries;
	int n = scandir(path, &entries, not_hidden, alphasort), rc = n < 0 ? -1 : 0;

	for (int i = 0; i < n; i++) {
		char name[4096];

		snprintf(name, sizeof(name), "%s/%s", path, entries[i]->d_name);
		if (!rc)
			rc = run_file(name);
		free(entries[i]);
	}
	if (n >= 0)
		free(entries);
	return rc;
}

int main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		struct stat st;

		if (stat(argv[i], &st) < 0) {
			perror(argv[i]);
			return 1;
		}
		if (S_ISDIR(st.st_mode) ? run_folder(argv[i]) : run_file(argv[i]))
			return 1;
	}
	printf("%lu inputs, %lu runs\n", inputs, runs);
	if (!inputs)
		fprintf(stderr, "no input: the corpus is empty\n");
	return inputs ? 0 : 1;
}
