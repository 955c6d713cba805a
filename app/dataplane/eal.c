#include "eal.h"
#include "base/log.h"

#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_log.h>

#include <dirent.h>
#include <errno.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define EAL_WORDS 96
#define HUGEPAGES "/sys/kernel/mm/hugepages"

/* DPDK says why on its log only; the last complaint goes into our sentence. */
static char eal_complaint[160];
static bool eal_starting = true;

static ssize_t eal_log_write(void *cookie, const char *bytes, size_t n)
{
	enum log_level level = LOG_INFO;
	char text[512];
	int rte_level = rte_log_cur_msg_loglevel();
	size_t length = n;

	while (length && (bytes[length - 1] == '\n' || bytes[length - 1] == ' '))
		length--;
	if (!length)
		return (ssize_t)n;
	if (rte_level >= (int)RTE_LOG_DEBUG)
		level = LOG_DEBUG;
	log_text(text, sizeof(text), (struct span){ (const uint8_t *)bytes, length });
	if (rte_level <= (int)RTE_LOG_ERR)
		snprintf(eal_complaint, sizeof(eal_complaint), "%.159s", text);
	/* While we start, a complaint that matters becomes our own sentence. */
	if (rte_level <= (int)RTE_LOG_WARNING)
		level = eal_starting ? LOG_DEBUG : LOG_WARN;
	log_line("dpdk", level, "%s", text);
	return (ssize_t)n;
}

static int eal_open_log(void)
{
	static const cookie_io_functions_t functions = { .write = eal_log_write };
	FILE *stream = fopencookie(NULL, "w", functions);

	if (!stream)
		return -ENOMEM;
	setvbuf(stream, NULL, _IOLBF, 1024);
	return rte_openlog_stream(stream);
}

uint64_t eal_hugepages_free_mb(void)
{
	DIR *folder = opendir(HUGEPAGES);
	struct dirent *entry;
	uint64_t free_kb = 0;

	while (folder && (entry = readdir(folder))) {
		char path[sizeof(HUGEPAGES) + sizeof(entry->d_name) + 32];
		unsigned long long kb;
		unsigned long long count;
		FILE *file;

		if (sscanf(entry->d_name, "hugepages-%llukB", &kb) != 1)
			continue;
		snprintf(path, sizeof(path), HUGEPAGES "/%s/free_hugepages", entry->d_name);
		file = fopen(path, "re");
		if (file && fscanf(file, "%llu", &count) == 1)
			free_kb += kb * count;
		if (file)
			fclose(file);
	}
	if (folder)
		closedir(folder);
	return free_kb / 1024;
}

uint16_t eal_main_cpu(const struct options *options)
{
	cpu_set_t allowed;
	int first = -1;

	if (options->main_cpu_given)
		return options->main_cpu;
	CPU_ZERO(&allowed);
	sched_getaffinity(0, sizeof(allowed), &allowed);
	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
		bool taken = false;

		if (!CPU_ISSET(cpu, &allowed))
			continue;
		if (first < 0)
			first = cpu;
		for (uint16_t i = 0; i < options->worker_count; i++)
			taken |= options->cpus[i] == cpu;
		if (!taken)
			return (uint16_t)cpu;
	}
	return (uint16_t)(first < 0 ? 0 : first);
}

struct words_of_eal {
	char *items[EAL_WORDS];
	int count;
};

__attribute__((format(printf, 2, 3))) static void eal_word(struct words_of_eal *words,
							   const char *format, ...)
{
	va_list args;

	va_start(args, format);
	if (words->count < EAL_WORDS - 1 &&
	    vasprintf(&words->items[words->count], format, args) >= 0)
		words->count++;
	va_end(args);
}

static void eal_devices(struct words_of_eal *words, const struct options *options)
{
	uint32_t found = 0;

	for (uint32_t i = 0; i < options->port_count; i++) {
		const char *pci = port_options_pci(&options->ports[i]);

		if (!pci)
			continue;
		eal_word(words, "-a");
		eal_word(words, "%s", pci);
		found++;
	}
	if (!found)
		eal_word(words, "--no-pci");
}

static void eal_lcores(struct words_of_eal *words, const struct options *options)
{
	char list[16 * (OPTIONS_WORKERS + 1)];
	int n = snprintf(list, sizeof(list), "0@%u", eal_main_cpu(options));

	for (uint16_t i = 0; i < options->worker_count; i++)
		n += snprintf(list + n, sizeof(list) - (size_t)n, ",%u@%u", i + 1u,
			      options->cpus[i]);
	eal_word(words, "--lcores=%s", list);
	eal_word(words, "--main-lcore=0");
}

static int eal_check_hugepages(const struct options *options, uint64_t memory_mb,
			       struct eal_fault *fault)
{
	uint64_t free_mb = eal_hugepages_free_mb();

	if (!options->huge || free_mb >= memory_mb)
		return 0;
	snprintf(fault->text, sizeof(fault->text),
		 "hugepages: %llu MB are free and %llu MB are needed; reserve more "
		 "(echo %llu > /proc/sys/vm/nr_hugepages, or scripts/setup), lower the --max "
		 "options, or start with --no-huge",
		 (unsigned long long)free_mb, (unsigned long long)memory_mb,
		 (unsigned long long)(memory_mb / 2 + 1));
	return -ENOMEM;
}

/* EAL makes it also when it has nothing to put there, and never removes it. */
static void eal_remove_folder(void)
{
	char path[256];

	snprintf(path, sizeof(path), "%s", rte_eal_get_runtime_dir());
	if (path[0] && !rmdir(path))
		*strrchr(path, '/') = '\0';
	else
		return;
	rmdir(path);
}

int eal_start(const struct options *options, uint64_t memory_mb, struct eal_fault *fault)
{
	struct words_of_eal words = { .count = 0 };
	char *argv[EAL_WORDS];
	int err = eal_check_hugepages(options, memory_mb, fault);

	if (err)
		return err;
	if (eal_open_log())
		log_warn("dpdk", "DPDK's messages cannot be taken into this log");
	eal_word(&words, "vpngw-dataplane");
	eal_word(&words, "--no-telemetry");
	/* Nothing is shared, so that several may use the name; the folder of it stays empty. */
	eal_word(&words, "--file-prefix=vpngw");
	eal_word(&words, "--log-level=*:%s", log_enabled("dpdk", LOG_DEBUG) ? "debug" : "warning");
	/* Nothing is shared with other processes and nothing stays in a file system. */
	if (options->huge) {
		eal_word(&words, "--in-memory");
	} else {
		eal_word(&words, "--no-huge");
		eal_word(&words, "--no-shconf");
	}
	eal_word(&words, "-m");
	eal_word(&words, "%llu", (unsigned long long)memory_mb);
	eal_devices(&words, options);
	eal_lcores(&words, options);
	/* EAL permutes what it is given and keeps pointers into it: the words are never freed. */
	memcpy(argv, words.items, sizeof(argv));
	argv[words.count] = NULL;
	if (rte_eal_init(words.count, argv) >= 0)
		return 0;
	err = rte_errno ? -rte_errno : -EINVAL;
	eal_remove_folder();
	snprintf(fault->text, sizeof(fault->text),
		 "DPDK does not start: %s%s%s; check --cores, --memory and the rights of this "
		 "process",
		 strerror(-err), eal_complaint[0] ? ": " : "", eal_complaint);
	return err;
}

void eal_started(void)
{
	eal_starting = false;
}

void eal_stop(void)
{
	eal_starting = true;
	rte_eal_cleanup();
	eal_remove_folder();
}
