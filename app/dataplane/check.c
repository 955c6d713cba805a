#include "check.h"
#include "eal.h"
#include "sizes.h"

#include <errno.h>
#include <grp.h>
#include <net/if.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

__attribute__((format(printf, 2, 3))) static int check_wrong(struct check_fault *fault,
							     const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(fault->text, sizeof(fault->text), format, args);
	va_end(args);
	return -EINVAL;
}

static int check_memory(const struct options *options, struct check_fault *fault)
{
	uint64_t needed = sizes_memory_mb(options);

	if (!options->memory_mb || options->memory_mb >= needed)
		return 0;
	return check_wrong(fault,
			   "--memory %u: %llu MB are needed for these sizes; give more or lower "
			   "the --max options",
			   options->memory_mb, (unsigned long long)needed);
}

static int check_cpus(const struct options *options, struct check_fault *fault)
{
	cpu_set_t allowed;
	uint16_t main_cpu = eal_main_cpu(options);

	CPU_ZERO(&allowed);
	sched_getaffinity(0, sizeof(allowed), &allowed);
	for (uint16_t i = 0; i < options->worker_count; i++)
		if (!CPU_ISSET(options->cpus[i], &allowed))
			return check_wrong(fault,
					   "--cores: CPU %u is not there or not ours; give "
					   "--cores others",
					   options->cpus[i]);
	if (CPU_ISSET(main_cpu, &allowed))
		return 0;
	return check_wrong(fault,
			   "--main-core %u: this CPU is not there or not ours; give another one",
			   main_cpu);
}

static int check_group(const struct options *options, struct check_fault *fault)
{
	struct group entry;
	struct group *found = NULL;
	char room[4096];

	if (!options->group[0])
		return 0;
	(void)getgrnam_r(options->group, &entry, room, sizeof(room), &found);
	if (found)
		return 0;
	return check_wrong(fault, "--group %s: there is no such group; create it or give another",
			   options->group);
}

int check_start(const struct options *options, struct check_fault *fault)
{
	int err = check_memory(options, fault);

	if (!err)
		err = check_cpus(options, fault);
	return err ? err : check_group(options, fault);
}

static void check_device(const struct port_options *port)
{
	const char *pci = port_options_pci(port);
	const char *at = port_options_joins(port->device) ? strstr(port->device, ":iface=") : NULL;
	char interface[64];
	char path[96];

	if (pci) {
		snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s%.32s",
			 strlen(pci) < 12 ? "0000:" : "", pci);
		if (access(path, F_OK))
			printf("but port %s: there is no PCI device %s now\n", port->name, pci);
	}
	if (at) {
		snprintf(interface, sizeof(interface), "%.*s", (int)strcspn(at + 7, ":"), at + 7);
		if (!if_nametoindex(interface))
			printf("but port %s: there is no interface %s now\n", port->name,
			       interface);
	}
}

void check_machine(const struct options *options)
{
	uint64_t needed = sizes_taken_mb(options);

	for (uint32_t i = 0; i < options->port_count; i++)
		check_device(&options->ports[i]);
	if (options->huge && eal_hugepages_free_mb() < needed)
		printf("but only %llu MB of hugepages are free now\n",
		       (unsigned long long)eal_hugepages_free_mb());
}
